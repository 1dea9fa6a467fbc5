"""Who may come in where there is a token: programs that show it, and people who signed in with it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from agent.service.guard_paths import LOGIN, PROGRAMS, SHARED, STATIC, within
from agent.service.limits import Buckets, address_of, too_many
from agent.service.login import COOKIE, Keys
from agent.service.place import SHOWN, SIGNED_IN
from agent.service.problems import NotSignedIn


class Tokens:
    def __init__(self, keys: Keys, failures: Buckets) -> None:
        self._keys = keys
        self._failures = failures

    def check(self, request: Request) -> Response | None:
        """Raises NotSignedIn, or TooMany for wrong tokens; a person without a cookie is sent to sign in."""
        path = request.url.path
        if within(path, STATIC, LOGIN):
            return None
        stated = _token_in(request)
        if stated is not None:
            self._check_token(request, stated)
            setattr(request.state, SIGNED_IN, SHOWN)
            return None
        # Only the service's own page has the cookie, and it uses neither LangGraph's protocol nor MCP.
        cookie = "" if within(path, SHARED, "/mcp") else request.cookies.get(COOKIE, "")
        person = self._keys.person_of(cookie)
        if person is not None:
            setattr(request.state, SIGNED_IN, person)
            return None
        if within(path, *PROGRAMS) or request.method not in {"GET", "HEAD"}:
            raise NotSignedIn("This needs the service's token.", "Send it as `Authorization: Bearer TOKEN`.")
        query = request.url.query
        wanted = quote(f"{path}?{query}" if query else path, safe="/")
        return RedirectResponse(f"{LOGIN}?next={wanted}", 303)

    def _check_token(self, request: Request, stated: str) -> None:
        if not self._keys.fits(stated):
            # Only who is wrong is kept waiting: behind a proxy everybody has one address.
            address = address_of(request)
            if seconds := self._failures.wait(address):
                raise too_many(seconds)
            self._failures.take(address)
            raise NotSignedIn("The token is wrong.", "Whoever runs the service set it with BMS_TOKEN.")


def _token_in(request: Request) -> str | None:
    """What stands in the place of a token, also of a form that is none: a wrong one is never passed over.
    LangGraph's clients send their API key in a header of its own."""
    stated = request.headers.get("authorization")
    if stated is not None:
        scheme, _, token = stated.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""
    return request.headers.get("x-api-key") if within(request.url.path, SHARED) else None
