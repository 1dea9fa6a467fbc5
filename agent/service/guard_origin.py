"""Which pages may send requests here: the service's own, and those named for LangGraph's protocol."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from agent.service.guard_hosts import Origin, authority_of, origin_of, without_usual_port
from agent.service.guard_paths import SHARED, within
from agent.service.login import COOKIE
from agent.service.problems import NotAllowed

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITE = frozenset({"same-origin", "none"})
ASKABLE = "authorization, content-type, last-event-id, x-api-key, x-auth-scheme"
"""Headers that LangGraph's clients send."""
READABLE = "content-location, location, retry-after, x-pagination-next, x-pagination-total"


class Origins:
    """The check against requests that another site makes a person's browser send, and CORS for the few
    origins that may."""

    def __init__(self, allowed: frozenset[Origin]) -> None:
        self._allowed = allowed

    def shares_with(self, request: Request) -> bool:
        """Whether the request comes from a named origin and asks for what is shared with it."""
        stated = origin_of(request.headers.get("origin", ""))
        return stated in self._allowed and within(request.url.path, SHARED)

    def check(self, request: Request) -> Response | None:
        """Raises NotAllowed. The answer to a preflight is given here, since it carries no credentials."""
        if self.shares_with(request):
            asks_first = "access-control-request-method" in request.headers
            return _preflight() if request.method == "OPTIONS" and asks_first else None
        _check_site(request)
        origin = request.headers.get("origin")
        if origin is not None:
            _check_own(request, origin, "Origin")
        elif request.method not in SAFE:
            _check_referer(request)
        return None

    def headers(self, request: Request) -> dict[str, str]:
        """For the answer to a named origin; ``Vary`` on everything that it might be shared with."""
        if not self._allowed or not within(request.url.path, SHARED):
            return {}
        if not self.shares_with(request):
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": request.headers["origin"],
            "Access-Control-Expose-Headers": READABLE,
            "Vary": "Origin",
        }


def _preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": ASKABLE,
            "Access-Control-Allow-Private-Network": "true",
            "Access-Control-Max-Age": "600",
        },
    )


def _check_site(request: Request) -> None:
    """What the browser itself says about the sender (Fetch Metadata, W3C)."""
    site = request.headers.get("sec-fetch-site", "none")
    if site in OWN_SITE:
        return
    is_link = (
        request.method in {"GET", "HEAD"}
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
    if not is_link:
        raise NotAllowed("The request was sent by a page of another site.", "Open the service's own page.")


def _check_own(request: Request, stated: str, header: str) -> None:
    origin = origin_of(stated)
    host = authority_of(request.headers["host"])
    if (
        origin is None
        or host is None
        or origin.authority != without_usual_port(host, origin.scheme)
        or (request.url.scheme == "https" and origin.scheme != "https")
    ):
        raise NotAllowed(
            f"The {header} of the request is not this service.",
            "Behind a proxy, the proxy has to pass on the Host header.",
        )


def _check_referer(request: Request) -> None:
    referer = request.headers.get("referer")
    if referer is None:
        if COOKIE in request.cookies:
            raise NotAllowed("A request with a cookie has to say which page it comes from.")
        return
    try:
        parts = urlsplit(referer)
    except ValueError:
        parts = urlsplit("")
    _check_own(request, f"{parts.scheme}://{parts.netloc}", "Referer")
