"""Signing in: a cookie for the token, kept by a restart, and nowhere else to go than the service itself."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st

from agent.service.login import COOKIE, Keys, name_of, own_path
from tests.agent.guarded import OTHER_TOKEN, TOKEN, tiny_app
from tests.standins.records import NOW
from tools.clock import FixedClock

ORIGIN = "http://127.0.0.1:8765"
FLAGS = {"httponly", "samesite=strict", "path=/", "max-age=43200"}


class Ticking:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def browser(app: httpx.ASGITransport | object, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A browser at the page: it keeps cookies and says where it comes from."""
    transport = httpx.ASGITransport(app, client=(address, 50000))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})


def form(token: str = TOKEN, name: str = "Ada Lovelace", target: str = "/") -> dict[str, str]:
    return {"token": token, "name": name, "next": target}


async def test_a_person_signs_in_and_out():
    async with browser(tiny_app(token=TOKEN)) as person:
        sent = await person.get("/runs/7?tab=table&a=%26")
        assert sent.status_code == 303
        where = urlsplit(sent.headers["location"])
        assert where.path == "/login"
        shown = await person.get(sent.headers["location"])
        assert shown.status_code == 200
        target = parse_qs(where.query)["next"][0]
        assert target == "/runs/7?tab=table&a=%26"
        assert 'value="/runs/7?tab=table&amp;a=%26"' in shown.text
        signed_in = await person.post("/login", data=form(target=target))
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, target)
        set_cookie = signed_in.headers["set-cookie"]
        assert {part.strip().lower() for part in set_cookie.split(";")[1:]} == FLAGS
        assert TOKEN not in set_cookie
        assert (await person.get("/runs/7")).status_code == 200
        assert (await person.get("/api/runs")).json() == {"person": "Ada Lovelace"}
        assert (await person.post("/api/runs", json={})).json()["person"] == "Ada Lovelace"
        out = await person.post("/logout")
        assert (out.status_code, out.headers["location"]) == (303, "/login")
        assert COOKIE not in person.cookies
        assert (await person.get("/api/runs")).status_code == 401


async def test_a_cookie_goes_over_tls_only_where_the_page_came_over_tls():
    async with browser(tiny_app(token=TOKEN)) as person:
        answer = await person.post(
            "/login", data=form(), headers={"Origin": ORIGIN.replace("http:", "https:")}
        )
        assert "; secure" in answer.headers["set-cookie"].lower()


async def test_a_wrong_token_is_not_repeated():
    async with browser(tiny_app(token=TOKEN)) as person:
        answer = await person.post("/login", data=form("<i>guess</i>", "<b>eve</b>"))
        assert answer.status_code == 401
        assert "That is not the token." in answer.text
        assert "guess" not in answer.text
        assert 'value="&lt;b&gt;eve&lt;/b&gt;"' in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["", "  ", "\x00\x1b", "x" * 81])
async def test_a_name_is_needed(name: str):
    async with browser(tiny_app(token=TOKEN)) as person:
        answer = await person.post("/login", data=form(name=name))
        assert answer.status_code == 422
        assert "A name of 1 to 80 characters" in answer.text
        assert "set-cookie" not in answer.headers


async def test_a_form_that_is_none_is_not_signed_in():
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with browser(tiny_app(token=TOKEN)) as person:
        for body in (b"", b"\xff\x00", b"a=1&" * 50, b"token", b"token=&name="):
            assert (await person.post("/login", content=body, headers=headers)).status_code == 401


async def test_a_cookie_outlives_a_restart_and_ends_with_the_token():
    clock = FixedClock(NOW)
    async with browser(tiny_app(token=TOKEN, clock=clock)) as person:
        await person.post("/login", data=form())
        cookie = person.cookies[COOKIE]
    later = FixedClock(NOW + timedelta(hours=12))
    too_late = FixedClock(NOW + timedelta(hours=12, seconds=1))
    for token, time, status in ((TOKEN, later, 200), (TOKEN, too_late, 401), (OTHER_TOKEN, later, 401)):
        async with browser(tiny_app(token=token, clock=time)) as again:
            again.cookies.set(COOKIE, cookie)
            assert (await again.get("/api/runs")).status_code == status


async def test_wrong_tokens_are_bounded_for_each_address():
    ticks = Ticking()
    app = tiny_app(token=TOKEN, seconds=ticks)
    async with browser(app) as guesser, browser(app, "127.0.0.2") as other:
        for _ in range(5):
            assert (await guesser.post("/login", data=form("guess"))).status_code == 401
            wrong = {"Authorization": "Bearer guess"}
            assert (await guesser.get("/api/runs", headers=wrong)).status_code == 401
        for told in (
            await guesser.post("/login", data=form()),
            await guesser.get("/api/runs", headers=wrong),
        ):
            assert (told.status_code, told.headers["retry-after"]) == (429, "6")
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert (await guesser.get("/api/runs", headers=right)).status_code == 200, (
            "one address may be a proxy's"
        )
        assert (await other.post("/login", data=form())).status_code == 303
        assert (await guesser.get("/login")).status_code == 200
        ticks.now += 6
        assert (await guesser.post("/login", data=form("guess"))).status_code == 401
        assert (await guesser.post("/login", data=form())).status_code == 429
        ticks.now += 6
        assert (await guesser.post("/login", data=form())).status_code == 303
        assert (await guesser.post("/login", data=form())).status_code == 303, "right ones are not counted"


async def test_another_address_in_a_header_does_not_help():
    app = tiny_app(token=TOKEN, seconds=Ticking())
    async with browser(app) as guesser:
        statuses = [
            (
                await guesser.post("/login", data=form("guess"), headers={"X-Forwarded-For": f"10.0.0.{n}"})
            ).status_code
            for n in range(12)
        ]
        assert statuses == [401] * 10 + [429] * 2


async def test_where_there_is_no_token_there_is_nothing_to_sign_in_to():
    async with browser(tiny_app()) as person:
        assert (await person.get("/login")).status_code == 404
        assert (await person.get("/api/runs")).json() == {"person": None}


ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,hi",
    "evil.example",
    "@evil.example",
    "",
    "/" + "a" * 2000,
    "/\x00",
    "/runs\r\nSet-Cookie: a=b",
)


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_signing_in_leads_nowhere_else(target: str):
    async with browser(tiny_app(token=TOKEN)) as person:
        assert (await person.post("/login", data=form(target=target))).headers["location"] == "/"
        shown = await person.get("/login", params={"next": target.replace("\x00", "\x01")})
        assert re.findall(r'name="next" value="(.*?)"', shown.text) == ["/"]


@pytest.mark.parametrize(
    "target", ["/", "/runs/1", "/runs/1/models/hf:a/b?x=//y", "/compare?first=a&second=b"]
)
def test_a_path_of_the_service_is_kept(target: str):
    assert own_path(target) == target


@checks(max_examples=200)
@given(st.text(st.sampled_from("/\\ \t\n\rhtps:.@?#%ae")))
def test_wherever_it_leads_is_here(target: str):
    """As browsers resolve addresses (WHATWG URL): blanks around dropped, tabs and line breaks taken out,
    backslashes read as slashes."""
    kept = own_path(target)
    as_read = re.sub(r"[\t\n\r]", "", kept.strip("".join(map(chr, range(33))))).replace("\\", "/")
    assert as_read.startswith("/")
    assert not as_read.startswith("//")


@checks(max_examples=100)
@given(st.text(max_size=100))
def test_a_name_is_one_line_and_comes_back_from_its_cookie(stated: str):
    name = name_of(stated)
    if name is not None:
        assert name == name.strip()
        assert len(name.splitlines()) == 1
        keys = Keys(TOKEN, FixedClock(NOW))
        encodable = not any("\ud800" <= letter <= "\udfff" for letter in name)
        if encodable:
            assert keys.person_of(keys.cookie_for(name)) == name


@checks(max_examples=100)
@given(st.text(max_size=80))
def test_no_other_text_is_a_cookie(text: str):
    assert Keys(TOKEN, FixedClock(NOW)).person_of(text) is None
