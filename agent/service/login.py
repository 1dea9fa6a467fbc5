"""Signing in at the page: a name and the token, for a signed cookie."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from itsdangerous import BadData, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode
from starlette.responses import RedirectResponse, Response

from agent.pages.render import page
from agent.service.limits import Buckets, address_of
from tools.clock import Clock

COOKIE = "bms_session"
LASTS = timedelta(hours=12)
LONGEST_NAME = 80
LONGEST_NEXT = 2_000

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_NOWHERE = re.compile(r"[\x00-\x20\x7f\\]")


class Keys:
    """The token of the service, and what is signed with it. A cookie outlives a restart, and ends with the
    token."""

    def __init__(self, token: str, clock: Clock) -> None:
        self._token = token.encode()
        key = hmac.digest(self._token, b"bms: sessions at the page", "sha256")
        self._signer = _Signer(key, clock)

    def fits(self, stated: str) -> bool:
        """Whether this is the token; how long that takes says nothing about it."""
        return hmac.compare_digest(stated.encode("utf-8", "replace"), self._token)

    def cookie_for(self, person: str) -> str:
        return self._signer.sign(base64_encode(person)).decode("ascii")

    def person_of(self, cookie: str) -> str | None:
        """Who signed in; None when the cookie is forged, of another token, or too old."""
        try:
            signed = self._signer.unsign(cookie, max_age=int(LASTS.total_seconds()))
            return base64_decode(signed).decode("utf-8")
        except (BadData, UnicodeError):
            return None


class _Signer(TimestampSigner):
    """Tells the time by our clock."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        super().__init__(key, salt=b"bms", key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock.now().timestamp())


def name_of(stated: str) -> str | None:
    """The name as one line; None when there is none, or it is too long for one."""
    name = " ".join(_CONTROLS.sub(" ", stated).split())
    return name if 0 < len(name) <= LONGEST_NAME else None


def own_path(stated: str) -> str:
    """Where to go after signing in: a path of this service, ``/`` for everything else. ``//host`` and
    ``/\\host`` are other hosts to a browser, and it drops tabs and line breaks before it looks."""
    inside = stated.startswith("/") and not stated.startswith("//") and len(stated) <= LONGEST_NEXT
    return stated if inside and not _NOWHERE.search(stated) else "/"


def login_routes(keys: Keys, failures: Buckets) -> APIRouter:
    """``/login`` and ``/logout``. ``failures`` bounds how often an address may be wrong."""
    router = APIRouter(include_in_schema=False)

    def form(request: Request, target: str, name: str = "", told: str = "", status: int = 200) -> Response:
        return page(request, "login.html", status, target=target, name=name, told=told)

    @router.get("/login")
    async def show(request: Request) -> Response:
        return form(request, own_path(request.query_params.get("next", "/")))

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        given = _fields(await request.body())
        target = own_path(given.get("next", "/"))
        stated = given.get("name", "")
        address = address_of(request)
        if seconds := failures.wait(address):
            return _told_to_wait(form(request, target, stated[:LONGEST_NAME], TOO_OFTEN, 429), seconds)
        if not keys.fits(given.get("token", "").strip()):
            failures.take(address)
            return form(request, target, stated[:LONGEST_NAME], "That is not the token.", 401)
        person = name_of(stated)
        if person is None:
            told = f"A name of 1 to {LONGEST_NAME} characters is needed: it stands beside what you approve."
            return form(request, target, "", told, 422)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            COOKIE,
            keys.cookie_for(person),
            max_age=int(LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=_is_secure(request),
        )
        return answer

    @router.post("/logout")
    async def sign_out(request: Request) -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_is_secure(request))
        return answer

    return router


TOO_OFTEN = "The token was wrong too often from your address. Wait a little, then try again."


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=10, keep_blank_values=True))
    except ValueError:
        return {}


def _is_secure(request: Request) -> bool:
    """Behind a proxy that speaks TLS only the browser knows, and its Origin, which was checked, says so."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _told_to_wait(answer: Response, seconds: float) -> Response:
    answer.headers["Retry-After"] = str(max(1, round(seconds + 0.5)))
    return answer
