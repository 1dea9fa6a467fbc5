"""Reading public pages: what was fetched, exactly, or why it could not be.

``Page`` and ``Web`` are the contract; ``tools.web.client.HttpWeb`` is the real thing and
``tools.web.text.readable_text`` turns a page into the text that quotes are taken from.
"""

from tools.web.page import Page, Web

__all__ = ["Page", "Web"]
