"""A finished run and one that waits for its approval, the page over a copy of them, and browser pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from agent.settings import Settings
from tests.standins.browser import WIDE, contexts
from tests.standins.patience import PATIENCE
from tests.standins.replayed import Kept, kept
from tests.standins.service import NoEngine, Served, listening, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NewPage = Callable[..., "Page"]
Serve = Callable[[Kept], str]
ServeForReal = Callable[[Kept], Served]


def asked(url: str) -> httpx.Response:
    """What a service on this machine answers, however busy the machine is."""
    return httpx.get(url, timeout=PATIENCE, trust_env=False)


@pytest.fixture
def finished_run(demo_at_terminal: Kept, tmp_path: Path, served_on: str | None) -> Kept:
    """A copy of the finished run for one test."""
    return demo_at_terminal.copied(tmp_path / "finished", served_on)


@pytest.fixture
def waiting_run(demo: Path, tmp_path: Path, served_on: str | None) -> Kept:
    """A copy of the run that waits for its approval, for one test."""
    return kept(demo, "waiting").copied(tmp_path / "waiting", served_on)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(run)``: the application over a data directory, on a real port; nobody carries out orders."""
    with ExitStack() as stack:
        yield lambda run: stack.enter_context(listening(Settings(home=run.home), engine=NoEngine()))


@pytest.fixture
def serve_for_real() -> Iterator[ServeForReal]:
    """``serve_for_real(run)``: ``bms serve`` as a process that drives runs and can be restarted."""
    with ExitStack() as stack:
        yield lambda run: stack.enter_context(serving(run.home))


# --- the browser -------------------------------------------------------------------------------------------


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """``new_page(width=1280, dark=False, quiet=True)``: a page in a context of its own.

    A quiet page fails the test where a script fails, or where something is not loaded or not allowed to;
    a test that means to see that opens it with ``quiet=False``.
    """
    complaints: list[str] = []
    with contexts(browser) as new_context:

        def begin(*, width: int = WIDE, dark: bool = False, quiet: bool = True, **options: object) -> Page:
            view = {"viewport": {"width": width, "height": 900}, "color_scheme": "dark" if dark else "light"}
            page = new_context(**view, **options).new_page()
            if quiet:
                page.on("pageerror", lambda error: complaints.append(str(error)))
                page.on(
                    "console", lambda said: complaints.extend([said.text] if said.type == "error" else [])
                )
            return page

        yield begin
    assert not complaints, complaints


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page at 1280 pixels, light."""
    return new_page()
