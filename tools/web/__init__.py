"""Reading public pages: what was fetched, exactly, or why it could not be.

``Page`` and ``Web`` are the contract; ``tools.web.client.HttpWeb`` is the real thing,
``tools.web.patience.PatientWeb`` around it asks again where that helps, and ``tools.web.robots.RobotsWeb``
around both asks a site's robots.txt first. ``tools.web.urls.canonical`` gives one address to one page, and
``tools.web.text.readable_text`` turns a page into the text that quotes are taken from.
"""

from tools.web.page import Page, Web

__all__ = ["Page", "Web"]
