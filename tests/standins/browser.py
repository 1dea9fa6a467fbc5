"""What tests ask a page in a real browser.

``SLOW_BROWSER=SEED`` in the environment makes every browser test meet what it otherwise meets on a bad day
only: each request (page, script, part, event stream) leaves up to :data:`LATE` seconds late, as the seed has
it, so that they overtake each other; and scripts run :data:`SLOWER` times as slowly. Where a test fails then,
it asks the page before it can know, or the page misleads people who are far away:

    SLOW_BROWSER=1 python -m pytest tests/agent/pages tests/agent/test_guard_browser.py

So a test looks at a page with ``expect(...)`` or ``wait_for…``, which wait, wherever the page goes on by
itself: after a click, a key, a navigation by script, an event of a run. All of them wait :data:`PATIENCE`.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.standins import patience

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route

CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = 1280, 390
"""Widths in CSS pixels that the page is made for."""
PATIENCE = 1000 * patience.PATIENCE
"""Milliseconds after which what a test waits for has failed it."""
LATE, SLOWER = 1.5, 4


class Chromium:
    """Debian's Chromium, once for all tests of a process; names under ``.example`` lead to this machine.

    Playwright's synchronous interface has an event loop that runs as long as the browser does. It is seen
    inside :meth:`lent` only, so that other tests of the process can have loops of their own.
    """

    def __init__(self) -> None:
        from playwright.sync_api import expect, sync_playwright

        expect.set_options(timeout=PATIENCE)
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._browser = self._playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--host-resolver-rules=MAP *.example 127.0.0.1"],
        )
        asyncio._set_running_loop(None)

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        """The browser, while its loop is the running one."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        with self.lent():
            self._browser.close()
            self._playwright.stop()


@contextmanager
def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """``begin(**options)``: a patient context, slow where ``SLOW_BROWSER`` says so; closed at the end."""
    begun: list[BrowserContext] = []
    seed = os.environ.get("SLOW_BROWSER")
    slowness = Slowness(seed) if seed else None

    def begin(**options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        begun.append(context)
        context.set_default_timeout(PATIENCE)
        if slowness:
            slowness.upon(context)
        return context

    yield begin
    for context in begun:
        context.unroute_all(behavior="ignoreErrors")
        context.close()


class Slowness:
    """A far service and an old machine; the same seed gives the same waits in the same order."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def upon(self, context: BrowserContext) -> None:
        context.route("**/*", self._late)
        context.on("page", lambda page: _slowed(page, SLOWER))

    def _late(self, route: Route) -> None:
        from playwright.sync_api import Error

        with suppress(Error):  # nobody waits for it any more
            pages = route.request.frame.page.context.pages if route.request.frame else []
            pages[0].wait_for_timeout(1000 * self._random.uniform(0, LATE))
            route.continue_()


def _slowed(page: Page, times: float) -> CDPSession | None:
    from playwright.sync_api import Error

    with suppress(Error):  # it is closed already
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": times})
        return session
    return None


class Held:
    """Requests of the page for an address (a glob): none goes on before :meth:`let_go`."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._routes: list[Route] = []
        page.route(address, lambda route: self._routes.append(route))  # noqa: PLW0108 - it is given attributes

    def let_go(self, which: int = 0) -> None:
        """Once the request has been made, counted from 0, let it be answered; wait until it is."""
        while len(self._routes) <= which:
            self._page.wait_for_timeout(10)
        asked = self._routes[which].request
        with self._page.expect_event("requestfinished", lambda request: request == asked):
            self._routes[which].continue_()


def serious(page: Page) -> list[str]:
    """What axe-core finds on the page that is serious or critical, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    if os.environ.get("SLOW_BROWSER"):
        _slowed(page, 1)  # nothing is to be learnt from a slow axe
    options = {"resultTypes": ["violations"], "preload": False}  # only violations are worth their details
    found = Axe().run(page, options=options).response["violations"]
    if os.environ.get("SLOW_BROWSER"):
        _slowed(page, SLOWER)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def too_wide(page: Page) -> int:
    """CSS pixels by which the page can be scrolled sideways."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def picture(page: Page, name: str) -> None:
    """A screenshot into the folder that ``PICTURES`` of the environment names, for looking at."""
    folder = os.environ.get("PICTURES")
    if folder:
        safe = re.sub(r"[^a-z0-9-]+", "-", name.lower())
        page.screenshot(path=Path(folder) / f"{safe}.png", full_page=True)
