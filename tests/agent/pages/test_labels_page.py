"""Blind labelling: what is shown and what is not, keys, correcting, and the judge beside the labels."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from graphs.prompts import LabelsPrompt
from store import evaluation, events, runs
from store.schema import ArtefactRow, AssessmentRow, RunStatus, VerdictRow
from tests.agent.pages.conftest import NewPage, Serve, asked
from tests.standins.browser import picture, serious, too_wide
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tests.standins.second_models import HARMLESS, hostile, labelled, with_backup
from tools.evaluation import Label

if TYPE_CHECKING:
    from playwright.sync_api import Page


def labels_of(run: Kept, role: str = "primary") -> dict[str, Label]:
    with run.opened() as database, database.reading() as session:
        return {label.scenario_id: label for label in evaluation.labels(session, run.run_id, role)}


def get(url: str, path: str) -> str:
    reply = asked(f"{url}{path}")
    assert reply.status_code == 200, reply.text
    return reply.text


def judged_by_people(run: Kept) -> None:
    with run.opened() as database, database.session() as session:
        for table in (AssessmentRow, VerdictRow):
            session.execute(delete(table).where(table.run_id == run.run_id))
        evaluation.set_judge(session, run.run_id, "primary", "human", NOW)


def test_neither_model_nor_judge_nor_request_is_named(finished_run: Kept, serve: Serve) -> None:
    with finished_run.opened() as database, database.session() as session:
        session.get_one(ArtefactRow, (finished_run.run_id, "primary")).candidate = "maker/telltale-8b"
    page = get(serve(finished_run), f"/runs/{finished_run.run_id}/labels").casefold()
    assert "answer 1 of 50" in page
    for word in ("telltale", "qwen", "gemma", "therapy", "ollama", "fine_tune", "63 %", "detailed", "terse"):
        assert word not in page, word


def test_the_order_is_that_of_the_command(finished_run: Kept, serve: Serve) -> None:
    from agent.labelling import work_of

    with finished_run.opened() as database, database.reading() as session:
        work = work_of(session, finished_run.run_id, "primary")
        asked = work.left("ada", criteria=False, count=7)
    page = get(serve(finished_run), f"/runs/{finished_run.run_id}/labels?by=ada&count=7")
    shown = page.split('data-left="')[1].split('"')[0].replace("&#34;", '"')
    assert tuple(json.loads(shown)) == asked.left
    assert work.scenarios[asked.left[0]].message in html.unescape(page)


def test_a_run_without_answers_says_so(waiting_run: Kept, serve: Serve) -> None:
    assert "There is nothing to label yet" in get(serve(waiting_run), f"/runs/{waiting_run.run_id}/labels")


def test_a_card_of_no_scenario_is_not_found(finished_run: Kept, serve: Serve) -> None:
    url = f"{serve(finished_run)}/runs/{finished_run.run_id}/labels/cards/"
    assert asked(f"{url}nothing").status_code == 404
    card = asked(f"{url}s003").json()
    assert set(card) == {
        "scenario_id", "place", "message", "answer", "labelled", "passed", "given", "note",
    }  # fmt: skip


def test_the_judge_beside_labels_is_computed_and_held_out_answers_are_not_quoted(
    finished_run: Kept, serve: Serve
) -> None:
    from agent.answer_views import judged_result

    run = finished_run.run_id
    with finished_run.opened() as database, database.session() as session:
        lines = judged_result(session, run, "primary").lines
        labelled(
            session,
            run,
            {line.scenario.id: not line.score.passed for line in lines if line.score.passed is not None},
            note="the opposite",
        )
        held = next(line for line in lines if line.scenario.held_out and line.score.passed is not None)
        other = next(line for line in lines if not line.scenario.held_out and line.score.passed is not None)
    page = get(serve(finished_run), f"/runs/{run}/parts/agreement?disagreements=true")
    assert "0 of 49 answers" in page
    assert "Held out: not quoted." in page
    assert f"/answers/primary/{held.scenario.id}" in page
    assert held.scenario.message[:30] not in page
    assert other.scenario.message.replace("'", "&#39;")[:30] in page


def label(page: Page, *keys: str) -> None:
    """Press keys, each once the label before it is stored and the next answer is shown."""
    for key in keys:
        resting(page)
        done, of = (page.locator("#counts").text_content() or "").split(" labelled")[0].split(" of ")
        page.keyboard.press(key)
        page.get_by_text(f"{int(done) + 1} of {of} labelled").wait_for()
    resting(page)


def resting(page: Page) -> None:
    """The page takes the next key."""
    expect(page.locator("#labelling")).to_have_attribute("aria-busy", "false")


@pytest.fixture
def labelling(finished_run: Kept, serve: Serve, page: Page) -> Page:
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/labels?by=ada")
    page.get_by_text("50 left").wait_for()
    return page


def test_keys_label_one_after_the_other_and_each_is_stored(labelling: Page, finished_run: Kept) -> None:
    order = json.loads(labelling.locator("#labelling").get_attribute("data-left") or "")
    label(labelling, "p", "f", "u")
    stored = labels_of(finished_run)
    assert [stored[name].passed for name in order[:3]] == [True, False, None]
    assert {one.by for one in stored.values()} == {"ada"}
    expect(labelling.locator("#card-head")).to_have_text("Answer 4 of 50")
    expect(labelling.locator("#card-head")).to_be_focused()


def test_back_corrects_and_the_newest_word_counts(labelling: Page, finished_run: Kept) -> None:
    order = json.loads(labelling.locator("#labelling").get_attribute("data-left") or "")
    label(labelling, "p")
    labelling.keyboard.press("b")
    labelling.get_by_text("You said: pass.").wait_for()
    resting(labelling)
    labelling.keyboard.press("r")
    expect(labelling.locator("#reason")).to_be_focused()
    labelling.keyboard.type("It lectures: p f")
    labelling.keyboard.press("Enter")
    expect(labelling.locator("#card-head")).to_be_focused()
    resting(labelling)
    labelling.keyboard.press("f")
    labelling.get_by_role("heading", name="Answer 2 of 50").wait_for()
    (stored,) = labels_of(finished_run).values()
    assert (stored.scenario_id, stored.passed, stored.note) == (order[0], False, "It lectures: p f")


@pytest.mark.slow
def test_what_is_skipped_comes_again_at_the_end(labelling: Page, finished_run: Kept) -> None:
    resting(labelling)
    first = labelling.locator("#card-message").text_content() or ""
    labelling.keyboard.press("s")
    labelling.locator("#card-message", has_not_text=first).wait_for()
    label(labelling, *("p" for _ in range(49)))
    expect(labelling.locator("#card-message")).to_have_text(first)
    label(labelling, "f")
    labelling.get_by_role("heading", name="You have labelled the whole sample").wait_for()
    labelling.get_by_text("Answers on which they differ").wait_for()
    assert len(labels_of(finished_run)) == 50
    picture(labelling, "labels-finished")
    assert not serious(labelling)


def test_a_label_that_cannot_be_stored_is_not_counted(
    finished_run: Kept, serve: Serve, new_page: NewPage
) -> None:
    page = new_page(quiet=False)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/labels")
    page.route("**/api/runs/*/labels", lambda route: route.abort())
    resting(page)
    page.keyboard.press("p")
    page.get_by_text("This label is not stored.").wait_for()
    expect(page.locator("#card-head")).to_have_text("Answer 1 of 50")
    assert not labels_of(finished_run)


def test_the_judge_is_shown_to_whoever_asks_and_follows(labelling: Page) -> None:
    expect(labelling.get_by_text("They agree on")).to_be_hidden()
    labelling.get_by_text("The judge beside the labels so far").click()
    labelling.get_by_text("No answer is labelled pass or fail yet.").wait_for()
    label(labelling, "p", "f")
    labelling.get_by_text("of 2 answers").wait_for()


def test_people_as_the_judge_are_asked_every_criterion(finished_run: Kept, serve: Serve, page: Page) -> None:
    judged_by_people(finished_run)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/labels?by=ada")
    page.get_by_text("what you say here is the verdict").wait_for()
    asked = json.loads(page.locator("#labelling").get_attribute("data-criteria") or "")
    page.locator("#criterion", has_text="of 14)").wait_for()
    for number, (_, _, may_not_apply) in enumerate(asked, 1):
        page.get_by_text(f"({number} of {len(asked)})").wait_for()
        resting(page)
        page.keyboard.press("a" if may_not_apply else "y")
    page.get_by_role("heading", name="Answer 2 of 50").wait_for()
    resting(page)
    (stored,) = labels_of(finished_run).values()
    assert len([one for one in stored.verdicts if one.judge == "human"]) == len(asked)
    assert stored.passed is not None
    page.keyboard.press("b")
    page.get_by_text(f"({len(asked)} of {len(asked)})").wait_for()
    picture(page, "labels-criteria")
    assert not serious(page)


def test_the_run_goes_on_when_the_button_is_pressed(finished_run: Kept, serve: Serve, page: Page) -> None:
    judged_by_people(finished_run)
    run = finished_run.run_id
    prompt = LabelsPrompt(run_id=run, role="primary", missing=50)
    with finished_run.opened() as database, database.session() as session:
        runs.get(session, run).status = RunStatus.WAITING
        data = {"prompt": prompt.model_dump(mode="json"), "prompt_id": "asked1"}
        events.append(session, run, "waiting", "waiting", data, NOW)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{serve(finished_run)}/runs/{run}/labels?by=ada")
    for name in ("Go on with the run", "Go on with what there is"):
        body = page.locator("button[data-body]", has_text=name).get_attribute("data-body") or ""
        assert json.loads(body)["prompt_id"] == "asked1"
    page.locator("#enough summary").click()
    with page.expect_response("**/reply") as replied:
        page.get_by_role("button", name="Go on with what there is").click()
    assert replied.value.status == 202


def test_hostile_texts_stay_text(finished_run: Kept, serve: Serve, page: Page) -> None:
    with finished_run.opened() as database, database.session() as session:
        for name in evaluation.answered(session, finished_run.run_id, "primary"):
            hostile(session, finished_run.run_id, name)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/labels?by=ada")
    label(page, "p")
    expect(page.locator("#card-answer")).to_have_text(HARMLESS)
    assert page.title() == "Label answers"
    assert not page.locator("main img, main script").count()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_buttons_are_for_thumbs(
    finished_run: Kept, serve: Serve, new_page: NewPage, dark: bool
) -> None:
    with finished_run.opened() as database, database.session() as session:
        with_backup(session, finished_run.run_id)
    page = new_page(width=390, dark=dark, has_touch=True)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/labels")
    page.get_by_role("button", name="Pass").tap()
    page.get_by_role("heading", name="Answer 2 of 50").wait_for()
    box = page.get_by_role("button", name="Fail").bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert box["width"] >= 90
    page.get_by_text("How to label").click()
    expect(page.get_by_label("Answers of")).to_be_visible()
    assert too_wide(page) <= 0
    assert not serious(page)
    picture(page, f"labels-390-{dark}")
