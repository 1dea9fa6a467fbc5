"""A real browser: what a page elsewhere can make it do here, and what the service's own page can."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from agent.service.login import COOKIE
from tests.agent.guarded import TOKEN, Service, served, tiny_app
from tests.standins.browser import PATIENCE, contexts

ATTACKS = {
    "a form as text": """(to) => form(to + '/api/runs', 'text/plain')""",
    "a form": """(to) => form(to + '/api/runs', 'application/x-www-form-urlencoded')""",
    "a form with files": """(to) => form(to + '/api/runs', 'multipart/form-data')""",
    "a form to sign somebody in": """(to) => form(to + '/login', 'application/x-www-form-urlencoded')""",
    "a form to sign somebody out": """(to) => form(to + '/logout', 'application/x-www-form-urlencoded')""",
    "a blind fetch": """(to) => fetch(to + '/api/runs', {method: 'POST', mode: 'no-cors', body: '{}'})""",
    "a fetch with cookies": """(to) => fetch(to + '/api/runs', {method: 'POST', mode: 'no-cors', body: '{}',
        credentials: 'include'})""",
    "a fetch of JSON": """(to) => fetch(to + '/api/runs', {method: 'POST', body: '{}',
        headers: {'Content-Type': 'application/json'}})""",
    "a fetch of JSON for LangGraph": """(to) => fetch(to + '/langgraph/threads', {method: 'POST', body: '{}',
        headers: {'Content-Type': 'application/json'}})""",
    "a deletion": """(to) => fetch(to + '/api/runs', {method: 'DELETE'})""",
    "a look": """(to) => fetch(to + '/api/runs')""",
    "a beacon": """(to) => { navigator.sendBeacon(to + '/mcp', '{}'); }""",
    "a ping": """(to) => { const a = document.createElement('a'); a.ping = to + '/api/runs'; a.href = '#';
        document.body.append(a); a.click(); }""",
    "an image": """(to) => { new Image().src = to + '/api/runs'; }""",
    "a script": """(to) => { const s = document.createElement('script'); s.src = to + '/api/runs';
        document.body.append(s); }""",
    "a frame": """(to) => { const f = document.createElement('iframe'); f.src = to + '/';
        document.body.append(f); }""",
    "events": """(to) => { new EventSource(to + '/api/events'); }""",
    "a websocket": """(to) => { new WebSocket(to.replace('http', 'ws') + '/api/events'); }""",
}
HELP = """
void (window.form = (to, kind) => { const f = document.createElement('form'); f.method = 'post';
  f.action = to; f.enctype = kind;
  f.innerHTML = '<input name="name" value="eve"><input name="token" value="TOKEN">';
  document.body.append(f); setTimeout(() => f.submit()); })
""".replace("TOKEN", TOKEN)


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>elsewhere</title><body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    """A browser keeps connections open that it may need."""

    def handle_error(self, *_: Any) -> None:
        """The browser went to another page."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """A web server of somebody else's; its port."""
    server = _Server(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, Service]]:
    minutes = itertools.count(step=60)

    def quick() -> float:
        return float(next(minutes))

    with served(tiny_app(seconds=quick)) as is_open, served(tiny_app(seconds=quick, token=TOKEN)) as locked:
        yield {"open": is_open, "locked": locked}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with contexts(browser) as new_context:
        yield new_context().new_page()


def wait_until(page: Page, so: Callable[[], object], what: str) -> None:
    """Wait for something outside the page, which goes on meanwhile."""
    until = time.monotonic() + PATIENCE / 1000
    while not so():
        assert time.monotonic() < until, what
        page.wait_for_timeout(10)


def sign_in(page: Page, service: Service, target: str = "/runs/1") -> None:
    page.goto(f"http://127.0.0.1:{service.port}{target}")
    page.fill("#name", "Ada")
    page.fill("#token", TOKEN)
    page.click("main button[type=submit]")
    page.wait_for_url(f"**{target}")


@pytest.mark.parametrize(
    ("host", "which"),
    [
        pytest.param("evil.example", "open", id="another site-open"),
        pytest.param("127.0.0.1", "locked", id="another port-locked", marks=pytest.mark.slow),
        pytest.param("127.0.0.1", "open", id="another port-open", marks=pytest.mark.slow),
        pytest.param("evil.example", "locked", id="another site-locked", marks=pytest.mark.slow),
    ],
)
def test_a_page_elsewhere_reaches_nothing(
    page: Page, services: dict[str, Service], elsewhere: int, host: str, which: str
):
    """18 ways of sending, each without a token and with a person who is signed in."""
    service = services[which]
    if which == "locked":
        sign_in(page, service)
    cookies = page.context.cookies()
    service.app.state.reached.clear()
    usual = page.context.new_page()
    for name, attack in ATTACKS.items():
        # A form leads away from its page, and perhaps not at once.
        with page.context.new_page() if name.startswith("a form") else nullcontext(usual) as attacker:
            attacker.goto(f"http://{host}:{elsewhere}/")
            attacker.evaluate(HELP)
            service.arrived.clear()
            service.answered.clear()
            attacker.evaluate(f"to => {{ ({attack})(to); }}", f"http://127.0.0.1:{service.port}")
            wait_until(attacker, lambda: service.arrived, f"the browser itself holds back {name}")
            wait_until(
                attacker, lambda: len(service.answered) >= len(service.arrived), f"no answer to {name}"
            )
        assert service.app.state.reached == [], name
    assert page.context.cookies() == cookies, "nobody is signed in, or out, from elsewhere"


def test_a_name_that_was_made_to_point_here_shows_nothing(page: Page, services: dict[str, Service]):
    service = services["open"]
    service.app.state.reached.clear()
    answer = page.goto(f"http://rebound.example:{service.port}/")
    assert answer is not None
    assert answer.status == 421
    assert page.evaluate("fetch('/api/runs').then(r => r.status)") == 421
    assert service.app.state.reached == []


def test_the_services_own_page_signs_in_creates_and_signs_out(page: Page, services: dict[str, Service]):
    service = services["locked"]
    sign_in(page, service, "/runs/7?tab=table")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Strict")
    assert page.evaluate("document.cookie") == ""
    create = "fetch('/api/runs', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}})"
    assert page.evaluate(f"{create}.then(r => r.json())") == {"person": "Ada", "keys": 0}
    first = "new Promise(r => { new EventSource('/api/events').onopen = () => r('open'); })"
    assert page.evaluate(first) == "open"
    page.evaluate(HELP)
    page.evaluate("form('/logout', 'application/x-www-form-urlencoded')")
    page.wait_for_url("**/login")
    assert page.context.cookies() == []


def test_a_page_loads_nothing_from_elsewhere(page: Page, services: dict[str, Service], elsewhere: int):
    """Not even where a text of the web got in as markup."""
    there = f"http://evil.example:{elsewhere}"
    page.goto(f"http://127.0.0.1:{services['open'].port}/")
    own = f"http://127.0.0.1:{services['open'].port}/"
    finished: list[str] = []
    page.on("requestfinished", lambda request: finished.append(request.url))
    page.evaluate(
        """(from) => { window.refused = [];
        document.addEventListener('securitypolicyviolation', (one) => window.refused.push(one.blockedURI));
        document.body.innerHTML = `<img src="${from}/i"><img src=x onerror="window.bad = 1">
        <iframe src="${from}/f"></iframe><link rel="stylesheet" href="${from}/c">
        <video src="${from}/v"></video><object data="${from}/o"></object>
        <iframe srcdoc="<script>parent.bad = 1</script>"></iframe>
        <style>body { background: url(${from}/b) }</style><p style="background: url(${from}/p)">`;
        const s = document.createElement('script'); s.src = `${from}/s`; document.body.append(s);
        const t = document.createElement('script'); t.textContent = 'window.bad = 1'; document.body.append(t);
        fetch(`${from}/x`).catch(() => 0); navigator.sendBeacon(`${from}/n`); }""",
        there,
    )
    # Two frames, told by their origin; two styles and two scripts in the page itself; six addresses.
    expected = sorted([there] * 2 + ["inline"] * 4 + [f"{there}/{name}" for name in "cinsvx"])
    wait_until(page, lambda: sorted(page.evaluate("window.refused")) == expected, "something is not refused")
    wait_until(
        page, lambda: any(frame.url == "about:srcdoc" for frame in page.frames), "the frame's own text"
    )
    next(frame for frame in page.frames if frame.url == "about:srcdoc").wait_for_load_state()
    assert [url for url in finished if not url.startswith(own)] == []
    assert page.evaluate("window.bad") is None
