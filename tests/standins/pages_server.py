"""Any public page, by host and path: the host is read from the ``Host`` header. All have a robots.txt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from tests.standins.http_server import Answered, Asked, Manner, StandIn

WELCOME = b"User-agent: *\nDisallow: /private/\n"
KEEP_OUT = b"User-agent: *\nDisallow: /\n"


class PagesServer(StandIn):
    """Serves ``pages``: address (any scheme, no query) to reply. What is not there is 404.

    Hosts in ``walled`` disallow everything in their robots.txt, and serve it all the same to whoever asks.
    """

    def __init__(
        self,
        pages: Mapping[str, Answered],
        *,
        walled: Collection[str] = (),
        manner: Manner | None = None,
    ) -> None:
        super().__init__(self._answer, manner=manner)
        self._pages = {_key(url): answer for url, answer in pages.items()}
        self._walled = frozenset(walled)

    def _answer(self, asked: Asked) -> Answered:
        found = self._pages.get((asked.host, asked.path))
        if found is None and asked.path == "/robots.txt":
            return Answered(KEEP_OUT if asked.host in self._walled else WELCOME)
        return found if found is not None else Answered(b"not found", 404)


def _key(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.path or "/"
