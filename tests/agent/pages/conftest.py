"""A finished run and one that waits for its approval, the page over a copy of them, and a browser.

Playwright's synchronous interface keeps an event loop going while the browser is open, so a module with
browser tests has no ``async def`` tests; those stand in a module of their own.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from agent import views
from agent.actions import Actions
from agent.settings import Settings
from graphs.options import RunOptions
from graphs.prompts import Approval, ApprovalAction, Reply, Review
from store import orders, runs
from store.database import Database, sqlite_url
from tests.standins.browser import CHROMIUM, WIDE
from tests.standins.command_line import PATIENCE, PERSON
from tests.standins.records import NOW
from tests.standins.service import NoEngine, Served, listening, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NOTES = "It listens before it advises."

NewPage = Callable[..., "Page"]
Serve = Callable[["Stored"], str]
ServeForReal = Callable[["Stored"], Served]


class Stored(NamedTuple):
    """A data directory with a therapy run in it."""

    home: Path
    run_id: str

    def opened(self) -> Database:
        return Database(sqlite_url(self.home / "bms.sqlite"))


class Driven(NamedTuple):
    """The same run at two moments."""

    waiting: Stored
    finished: Stored


@pytest.fixture(scope="session")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """The therapy story, once through the service; copied while it waited, and at its end."""
    live = tmp_path_factory.mktemp("live") / "home"
    with serving(live) as served:
        with served.client() as client:
            created = client.post("/api/runs", json={"story": "therapy-8b"})
            assert created.status_code == 201, created.text
            run = Stored(live, created.json()["id"])
            _until(client, run, "approval")
        served.stop()
        waiting = copied(run, live.parent / "waiting")
        served.restart()
        with served.client() as client:
            _answer(run, _approval(run))
            _until(client, run, "review")
            _answer(run, Review(notes=NOTES, by=PERSON))
            _until(client, run, None)
        served.stop()
    return Driven(waiting, run)


def _until(client: httpx.Client, run: Stored, prompt: str | None) -> None:
    """Wait until the run waits with a question of this kind; with None, until it is done."""
    patience = time.monotonic() + 2 * PATIENCE
    while True:
        state = client.get(f"/api/runs/{run.run_id}").json()
        question = state["waits_for"]
        asked = question["prompt"]["kind"] if question else None
        if asked == prompt and (prompt is not None or (state["status"] == "done" and _is_carried_out(run))):
            return
        assert state["status"] not in {"stopped", "cancelled", "rejected"}, state["detail"]
        assert time.monotonic() < patience, f"the run does not get to {prompt or 'its end'}: {state}"
        time.sleep(0.2)


def _is_carried_out(run: Stored) -> bool:
    """Whether no order is open: that of the last answer is closed a moment after the run is done."""
    with run.opened() as database, database.reading() as session:
        return orders.open_order(session, run.run_id) is None


def _approval(run: Stored) -> Approval:
    with run.opened() as database, database.reading() as session:
        offered = views.table_view(session, run.run_id)
    return Approval(
        action=ApprovalAction.APPROVE,
        table_hash=offered.hash,
        primary=offered.proposal.primary,
        backup=offered.proposal.backup,
        by=PERSON,
    )


def _answer(run: Stored, reply: Reply) -> None:
    """Left in the rows; the service finds it there."""
    with run.opened() as database:
        actions = Actions(Settings(home=run.home), database, NoEngine())
        # In a thread: an open browser keeps an event loop going in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, actions.reply(run.run_id, reply, by=PERSON)).result()


def copied(run: Stored, home: Path) -> Stored:
    """The data directory at another place; its run writes there."""
    shutil.copytree(run.home, home)
    copy = Stored(home, run.run_id)
    with copy.opened() as database, database.session() as session:
        row = runs.get(session, run.run_id)
        options = RunOptions.model_validate(row.options)
        moved = options.out_dir.replace(str(run.home), str(home), 1)
        kept = options.model_copy(update={"out_dir": moved})
        runs.set_options(session, row.id, kept.model_dump(mode="json"), NOW)
    return copy


@pytest.fixture
def finished_run(driven: Driven, tmp_path: Path) -> Stored:
    """A copy of the finished run for one test."""
    return copied(driven.finished, tmp_path / "finished")


@pytest.fixture
def waiting_run(driven: Driven, tmp_path: Path) -> Stored:
    """A copy of the run that waits for its approval, for one test."""
    return copied(driven.waiting, tmp_path / "waiting")


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no {CHROMIUM}: `apt-get install chromium` brings it.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def new_page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """``new_page(width=1280, dark=False, quiet=True)``: a page in a context of its own.

    A quiet page fails the test where a script fails, or where something is not loaded or not allowed to;
    a test that means to see that opens it with ``quiet=False``.
    """
    complaints: list[str] = []
    contexts = []

    def begin(*, width: int = WIDE, dark: bool = False, quiet: bool = True, **options: object) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        if quiet:
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.extend([said.text] if said.type == "error" else []))
        return page

    yield begin
    for context in contexts:
        context.close()
    assert not complaints, complaints


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page at 1280 pixels, light."""
    return new_page()
