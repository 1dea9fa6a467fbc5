"""Any public page, by host and path: the host is read from the ``Host`` header."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from tests.standins.http_server import Answered, Asked, StandIn


class PagesServer(StandIn):
    """Serves ``pages``: address (any scheme, no query) to reply. What is not there is 404."""

    def __init__(self, pages: Mapping[str, Answered]) -> None:
        super().__init__(self._answer)
        self._pages = {_key(url): answer for url, answer in pages.items()}

    def _answer(self, asked: Asked) -> Answered:
        found = self._pages.get((asked.host, asked.path))
        return found if found is not None else Answered(b"not found", 404)


def _key(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.path or "/"
