"""The page over a slow connection: scripts and parts that come late or not at all, and news in between."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from agent.pages import live
from store import events, orders
from tests.agent.pages.conftest import NewPage, Serve, asked
from tests.standins.browser import Held
from tests.standins.records import NOW
from tests.standins.replayed import Kept

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def happen(run: Kept, stage: str, kind: str, data: dict[str, Any]) -> int:
    with run.opened() as database, database.session() as session:
        return events.append(session, run.run_id, stage, kind, data, NOW)


def asks_for_a_judge(run: Kept) -> None:
    from graphs.prompts import JudgePrompt

    prompt = JudgePrompt(problem="No judge is set.", judge=None).model_dump(mode="json")
    happen(run, "waiting", "waiting", {"prompt": prompt, "prompt_id": "p1"})


@pytest.mark.parametrize(
    ("view", "query"), [("research", "research_live"), ("evaluation", "evaluation_live"), ("", "log")]
)
def test_what_happens_while_a_view_is_made_comes_to_it_as_an_event(
    waiting_run: Kept, serve: Serve, monkeypatch: pytest.MonkeyPatch, view: str, query: str
) -> None:
    """Else its parts would stay old until something else happens."""
    read = getattr(live, query)
    happened: list[int] = []

    def read_and_late(session: Session, run_id: str) -> Any:
        found = read(session, run_id)
        happened.append(happen(waiting_run, "research", "warning", {"sentence": "just now"}))
        return found

    monkeypatch.setattr(live, query, read_and_late)
    page = asked(f"{serve(waiting_run)}/runs/{waiting_run.run_id}/{view}".rstrip("/"))
    follows = re.search(r'data-events="[^"]*after=(\d+)"', page.text)
    assert follows is not None
    assert int(follows[1]) < happened[0]


@pytest.mark.parametrize("view", ["", "/approval", "/labels", "/evaluation", "s"])
def test_buttons_that_a_script_serves_come_disabled(waiting_run: Kept, serve: Serve, view: str) -> None:
    asks = "/approval" not in view
    if asks:
        asks_for_a_judge(waiting_run)
    address = "/runs" if view == "s" else f"/runs/{waiting_run.run_id}{view}"
    page = asked(f"{serve(waiting_run)}{address}").text
    main = re.sub(r"<(noscript|dialog).*?</\1>", "", page[page.index("<main") :], flags=re.DOTALL)
    buttons = re.findall(r"<button[^>]*>", main)
    assert buttons or view == "/labels"
    for button in buttons:
        assert " disabled" in button, button


def test_what_is_written_before_the_script_is_there_is_neither_lost_nor_sent_elsewhere(
    waiting_run: Kept, serve: Serve, page: Page
) -> None:
    asks_for_a_judge(waiting_run)
    late = Held(page, "**/static/live.js**")
    url = f"{serve(waiting_run)}/runs/{waiting_run.run_id}"
    page.goto(url, wait_until="commit")
    box = page.get_by_label("Judge, as provider:model")
    box.fill("ollama:gemma3:12b")
    box.press("Enter")
    expect(page.get_by_role("button", name="Use this judge")).to_be_disabled()
    expect(page.locator("aside.chat form.say")).to_be_visible()  # scripts run, but for that one
    late.let_go()
    page.get_by_role("button", name="Use this judge").click()
    page.get_by_text("It is about to go on.").wait_for()
    assert page.url == url
    with waiting_run.opened() as database, database.reading() as session:
        order = orders.open_order(session, waiting_run.run_id)
        assert order is not None
        assert order.record["judge"] == "ollama:gemma3:12b"


@pytest.mark.slow
def test_a_part_that_could_not_be_fetched_is_fetched_again_though_nothing_else_happens(
    waiting_run: Kept, serve: Serve, new_page: NewPage
) -> None:
    page = new_page(quiet=False)
    answers = [
        lambda route: route.abort(),
        lambda route: route.fulfill(status=503, body="later"),
    ]
    page.route("**/overview/waiting", lambda route: answers.pop(0)(route) if answers else route.fallback())
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}")
    page.get_by_text("The table waits for your approval").wait_for()
    asks_for_a_judge(waiting_run)
    page.get_by_label("Judge, as provider:model").wait_for()
    assert not answers


def test_a_click_is_not_lost_when_the_part_under_it_is_fetched_anew(
    waiting_run: Kept, serve: Serve, page: Page
) -> None:
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}")
    link = page.get_by_role("link", name="Evaluation", exact=True).first
    link.hover()
    page.mouse.down()
    with page.expect_response("**/parts/head**") as fetched:
        with waiting_run.opened() as database, database.session() as session:
            session.connection().exec_driver_sql("UPDATE runs SET text = 'another head'")
        happen(waiting_run, "judge", "stage", {})
    fetched.value.finished()
    page.locator(".log li", has_text="Judging").wait_for()
    page.mouse.up()
    page.wait_for_url("**/evaluation")


@pytest.mark.slow
def test_what_is_told_of_a_model_never_stands_under_another_one(
    waiting_run: Kept, serve: Serve, page: Page
) -> None:
    page.goto(f"{serve(waiting_run)}/runs/{waiting_run.run_id}/approval")
    told = page.locator("#about-primary [data-key]")
    expect(told).to_have_count(1)
    late = Held(page, "**/approval/choice?**")
    primary = page.locator("#primary")
    keys = primary.locator("option").evaluate_all("all => all.map((one) => one.value)")
    one, other = [key for key in keys if key not in {"", primary.input_value()}][:2]
    primary.select_option(one)
    expect(told).to_have_count(0)
    primary.select_option(other)
    late.let_go(1)
    expect(told).to_have_attribute("data-key", other)
    late.let_go(0)
    page.wait_for_timeout(300)  # it could be put in now
    expect(told).to_have_attribute("data-key", other)
