"""Two models beside each other: figures, what is left out, and sentences where nothing can be compared."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import update

from agent.answer_views import compared
from agent.pages.render import told
from store.schema import MaterialRow, ScenarioRow
from tests.agent.pages.conftest import NewPage, Serve, asked
from tests.standins.browser import picture, serious, too_wide
from tests.standins.replayed import Kept
from tests.standins.second_models import BACKUP, hostile, second_run, with_backup

OTHER = "20261120-other"


@pytest.fixture
def both(finished_run: Kept) -> Kept:
    """Its backup was evaluated too, and there is the same run once more."""
    with finished_run.opened() as database, database.session() as session:
        with_backup(session, finished_run.run_id)
        session.flush()
        second_run(session, finished_run.run_id, OTHER)
    return finished_run


def get(url: str, path: str, status: int = 200) -> str:
    reply = asked(f"{url}{path}")
    assert reply.status_code == status, reply.text
    return html.unescape(reply.text)


def test_primary_and_backup_of_a_run(both: Kept, serve: Serve) -> None:
    run = both.run_id
    with both.opened() as database, database.reading() as session:
        found = compared(session, (run, "primary"), (run, "backup")).comparison
    assert found.paired is not None
    page = get(serve(both), f"/compare?first={run}")
    assert told(found.sentence).replace(f" ({run})", "") in page
    for one in (*found.topics, *found.criteria):
        assert re.search(rf'<th scope="row">{re.escape(one.name)}\b', page)
    for name in (*found.only_first, *found.only_second):
        assert f"/runs/{run}/answers/primary/{name}" in page
        assert f"/runs/{run}/answers/backup/{name}" in page
    for left in found.left_out:
        assert left.reason.value in page


def test_two_runs_of_one_model_are_told_apart_by_their_names(both: Kept, serve: Serve) -> None:
    page = get(serve(both), f"/compare?first={both.run_id}&second={OTHER}")
    assert f"({OTHER})" in page
    assert "Neither is ahead." in page


def test_only_held_out_scenarios(both: Kept, serve: Serve) -> None:
    page = get(serve(both), f"/compare?first={both.run_id}&held_out=true")
    assert "On the same 10 scenarios" in page
    assert "None that may be quoted." in page


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("first={run}&second=nothing", "There is no run 'nothing'"),
        ("first={run}", "has no judged answers of a backup model"),
        ("first={run}&second={run}", "The same run was chosen twice."),
    ],
)
def test_what_cannot_be_compared_is_said(finished_run: Kept, serve: Serve, path: str, sentence: str) -> None:
    url = serve(finished_run)
    status = 422
    assert sentence in get(url, f"/compare?{path.format(run=finished_run.run_id)}", status)


def test_other_scenarios_and_other_rubrics_are_said(both: Kept, serve: Serve) -> None:
    with both.opened() as database, database.session() as session:
        for row in session.query(ScenarioRow).where(ScenarioRow.run_id == OTHER):
            row.record = row.record | {"message": f"Another {row.id}"}
    url = serve(both)
    page = get(url, f"/compare?first={both.run_id}&second={OTHER}", 422)
    assert "no measured scenario in common that could be compared" in page
    assert "the message differs" in page
    with both.opened() as database, database.session() as session:
        rubric = session.get_one(MaterialRow, (OTHER, "rubric"))
        changed = re.sub(r"pass_threshold: *[0-9.]+", "pass_threshold: 0.11", rubric.text)
        assert changed != rubric.text
        mine = (MaterialRow.run_id == OTHER, MaterialRow.kind == "rubric")
        session.execute(update(MaterialRow).where(*mine).values(text=changed))
    page = get(url, f"/compare?first={both.run_id}&second={OTHER}", 422)
    assert "judged by different rubrics" in page


def test_without_a_judged_run_there_is_nothing_to_choose(waiting_run: Kept, serve: Serve) -> None:
    assert "No run has judged answers yet" in get(serve(waiting_run), "/compare")


@pytest.mark.parametrize(("width", "dark"), [pytest.param(1280, False, marks=pytest.mark.slow), (390, True)])
def test_the_form_leads_to_the_comparison(
    both: Kept, serve: Serve, new_page: NewPage, width: int, dark: bool
) -> None:
    with both.opened() as database, database.session() as session:
        hostile(session, both.run_id, "s002")
    page = new_page(width=width, dark=dark)
    page.goto(f"{serve(both)}/compare")
    page.get_by_label("First run").select_option(both.run_id)
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="By topic").wait_for()
    page.wait_for_load_state()
    assert BACKUP in (page.locator("main").text_content() or "")
    assert not page.locator("main script, main img").count()
    picture(page, f"compare-{width}")
    assert too_wide(page) <= 0
    assert not serious(page)
