"""The views of a run in a real browser: forms, events as they come, widths, themes, accessibility."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from store import events
from store.schema import OrderRow
from tests.standins.browser import NARROW, WIDE, picture, serious, too_wide
from tests.standins.records import NOW

VIEWS = ("/", "/runs", "/runs/{}", "/runs/{}/research", "/runs/{}/evaluation")


@pytest.mark.parametrize(
    ("width", "dark"), [pytest.param(WIDE, False, marks=pytest.mark.slow), (NARROW, True)]
)
def test_views_fit_and_are_accessible(
    finished_run: Any, serve: Any, new_page: Any, width: int, dark: bool
) -> None:
    url, page = serve(finished_run), new_page(width=width, dark=dark)
    for view in VIEWS:
        page.goto(url + view.format(finished_run.run_id))
        assert too_wide(page) <= 0, view
        assert serious(page) == [], view
        picture(page, f"live {view.format('run')} {width} {'dark' if dark else 'light'}")


def test_a_judge_is_chosen_on_the_page(waiting_run: Any, serve: Any, page: Any) -> None:
    from graphs.prompts import JudgePrompt

    with waiting_run.opened() as database, database.session() as session:
        prompt = JudgePrompt(problem="No judge is set.", judge=None).model_dump(mode="json")
        events.append(
            session, waiting_run.run_id, "waiting", "waiting", {"prompt": prompt, "prompt_id": "p1"}, NOW
        )
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}")
    page.get_by_label("Judge, as provider:model").fill("ollama:gemma3:12b")
    page.keyboard.press("Enter")
    page.get_by_text("It is about to go on.").wait_for()
    with waiting_run.opened() as database, database.reading() as session:
        order = session.scalars(select(OrderRow).where(OrderRow.prompt_id == "p1")).one()
    assert (order.kind, order.record["judge"], order.record["insist"]) == (
        "reply",
        "ollama:gemma3:12b",
        False,
    )


def test_a_burst_of_events_asks_for_a_part_a_few_times_and_shows_the_last(
    waiting_run: Any, serve: Any, page: Any
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/parts/" in request.url else None)
    begun = time.monotonic()
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}")
    told = [{"sentence": f"event {number}"} for number in range(1500)]
    for begin in range(0, 1500, 100):
        with waiting_run.opened() as database, database.session() as session:
            events.append_all(
                session, waiting_run.run_id, "research", "warning", told[begin : begin + 100], NOW
            )
    page.locator(".log li", has_text="event 1499").wait_for()
    page.locator(".heartbeat", has_text="event 1499").wait_for()
    assert len([url for url in asked if url.endswith("/log")]) <= 2 + (time.monotonic() - begun) / 2.5


def test_what_is_written_into_a_form_stays_when_something_else_happens(
    waiting_run: Any, serve: Any, page: Any
) -> None:
    from graphs.prompts import JudgePrompt

    def happen(stage: str, kind: str, data: dict[str, Any]) -> None:
        with waiting_run.opened() as database, database.session() as session:
            events.append(session, waiting_run.run_id, stage, kind, data, NOW)

    prompt = JudgePrompt(problem="No judge is set.", judge=None).model_dump(mode="json")
    happen("waiting", "waiting", {"prompt": prompt, "prompt_id": "p1"})
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}")
    box = page.get_by_label("Judge, as provider:model")
    box.fill("ollama:half")
    # The part is told before it is put in, or kept.
    page.evaluate(
        """document.addEventListener('renewing', ({target}) => {
            if (target.dataset.part.endsWith('/waiting')) document.body.dataset.came = 'yes'; })"""
    )
    happen("judge", "stage", {})
    expect(page.locator("body[data-came]")).to_be_visible()
    page.locator(".log li", has_text="Judging").wait_for()
    expect(box).to_have_value("ollama:half")


def test_without_script_everything_can_be_read(finished_run: Any, serve: Any, new_page: Any) -> None:
    page = new_page(java_script_enabled=False)
    url = serve(finished_run)
    page.goto(f"{url}/runs/{finished_run.run_id}")
    expect(page.get_by_text("31 of 49 measured answers pass").first).to_be_visible()
    page.goto(f"{url}/runs/{finished_run.run_id}/evaluation")
    expect(page.locator("article.answer")).to_have_count(12)


def test_a_run_is_deleted_after_a_confirmation(finished_run: Any, serve: Any, page: Any) -> None:
    page.goto(f"{serve(finished_run)}/runs")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("There is no run yet").wait_for()
    assert asked.count("DELETE") == 1
