"""The texts that act, once more for the service, and addresses that a stored source may turn out to have."""

from __future__ import annotations

from tests.hostile.cases_text import FORMULAS, MARKUP, TERMINAL, Markup
from tests.hostile.kinds import Kinds

SERVED = (*MARKUP, *TERMINAL, *FORMULAS)
ADDRESSES = (
    Markup("a program", "javascript:alert(document.domain)//evil"),
    Markup("a program after a tab", "java\tscript:evil()"),
    Markup("a program in capitals after a space", " JAVASCRIPT:evil()"),
    Markup("another program", "vbscript:evil"),
    Markup("a page in itself", "data:text/html,<script>evil()</script>"),
    Markup("another host without a scheme", "//evil.example/x"),
    Markup("another host without slashes", "https:evil.example"),
    Markup("out of the attribute", 'https://huggingface.co/" onmouseover="bad()'),
    Markup("out of the element", "https://huggingface.co/<img src=x onerror=bad()>"),
    Markup("another host behind a backslash", "https://evil.example\\@huggingface.co/"),
    Markup("a name and a password", "https://user:evil@huggingface.co/"),
    Markup("a place of the service itself", "/login?next=https://evil.example"),
)
KINDS: Kinds = {
    "texts in pages, API, streams and talk of the service": SERVED,
    "addresses of sources in its pages": ADDRESSES,
}
