"""The failure explorer down to one answer: counts, filters, held-out scenarios, hostile texts."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from agent.answer_views import judged_result
from agent.pages.render import told
from graphs.results import Result
from store.schema import AnswerRow, AssessmentRow, VerdictRow
from tests.agent.pages.conftest import NewPage, Serve, asked
from tests.standins.browser import picture, serious, too_wide
from tests.standins.replayed import Kept
from tests.standins.second_models import BACKUP, HARMLESS, hostile, labelled, with_backup
from tools.evaluation import AnswerOutcome, AssessmentOutcome
from tools.failures import analyse

if TYPE_CHECKING:
    from playwright.sync_api import Page


def result_of(run: Kept, role: str = "primary") -> Result:
    with run.opened() as database, database.reading() as session:
        return judged_result(session, run.run_id, "primary" if role == "primary" else "backup")


def get(url: str, path: str) -> str:
    reply = asked(f"{url}{path}")
    assert reply.status_code == 200, reply.text
    return html.unescape(reply.text)


def listed(page: str) -> list[str]:
    return re.findall(r'<h3><a href="/runs/[^"]*/answers/[^"]*">([^<]*)</a></h3>', page)


def test_counts_are_those_of_the_analysis_with_gates_first(finished_run: Kept, serve: Serve) -> None:
    result = result_of(finished_run)
    found = analyse(result.lines, result.rubric, result.by_judge)
    page = get(serve(finished_run), f"/runs/{finished_run.run_id}/failures")
    order = re.findall(r'<th scope="row"><a href="[^"]*">(\w+)</a>', page)[: len(found.criteria)]
    assert sorted(order) == sorted(entry.criterion for entry in found.criteria)
    gates = [name in result.rubric.gates for name in order]
    assert gates == sorted(gates, reverse=True)
    for entry in found.criteria:
        assert f'<td class="number">{entry.failed} of {entry.assessed}</td>' in page
    assert told(found.summary) in page
    assert f"{sum(row.scenario.held_out for row in result.lines)} of these scenarios are held out" in page


def test_the_grid_sums_to_the_criterion_and_leads_to_its_answers(finished_run: Kept, serve: Serve) -> None:
    result = result_of(finished_run)
    criterion = analyse(result.lines, result.rubric).criteria[-1].criterion
    url = serve(finished_run)
    page = get(url, f"/runs/{finished_run.run_id}/failures?criterion={criterion}&outcome=failed")
    squares = re.findall(r'aria-label="(\d+) of (\d+) fail: ([^"]*)"', page)
    inner = [int(n) for n, _, place in squares if "all topics" not in place and "all styles" not in place]
    (whole,) = [int(n) for n, _, place in squares if place == "all topics, all styles"]
    assert sum(inner) == whole == len(listed(page))
    link = re.search(r'href="([^"]*)" aria-label="(\d+) of \d+ fail: (?!all topics)', page)
    assert link is not None
    assert len(listed(get(url, link[1].partition("#")[0]))) == int(link[2])


def test_held_out_scenarios_are_counted_and_never_quoted(finished_run: Kept, serve: Serve) -> None:
    held = [row for row in result_of(finished_run).lines if row.scenario.held_out]
    url, run = serve(finished_run), finished_run.run_id
    pages = [get(url, f"/runs/{run}/failures?page={number}") for number in (1, 2)]
    pages += [get(url, f"/runs/{run}/answers/primary/{row.scenario.id}") for row in held]
    names = [name for page in pages[:2] for name in listed(page)]
    assert len(set(names)) == 50
    assert {row.scenario.id for row in held} <= set(names)
    everything = " ".join(pages)
    for row in held:
        assert row.scenario.message[:40] not in everything
        assert row.answer.text[:40] not in everything
        for verdict in row.assessment.verdicts:
            if verdict.judge != "computed" and len(verdict.reason) > 40:
                assert verdict.reason not in pages[0]


def test_unmeasured_answers_stand_under_their_reasons(finished_run: Kept, serve: Serve) -> None:
    run = finished_run.run_id
    with finished_run.opened() as database, database.session() as session:
        row = session.get_one(AnswerRow, (run, "primary", "s002"))
        row.record = row.record | {"outcome": AnswerOutcome.TRUNCATED.value, "detail": "the limit was 1024"}
        mine = (AssessmentRow.run_id == run, AssessmentRow.scenario_id == "s002")
        session.execute(update(AssessmentRow).where(*mine).values(outcome=AssessmentOutcome.NO_ANSWER.value))
        session.execute(delete(VerdictRow).where(VerdictRow.run_id == run, VerdictRow.scenario_id == "s002"))
    url = serve(finished_run)
    page = get(url, f"/runs/{run}/failures?outcome=unmeasured&reason=cut+off+by+the+token+limit")
    assert listed(page) == ["s002"]
    assert "the limit was 1024" in page
    assert sorted(listed(get(url, f"/runs/{run}/failures?outcome=unmeasured"))) == ["s002", "s021"]


def test_a_run_without_verdicts_and_strange_filters_say_so(
    waiting_run: Kept, finished_run: Kept, serve: Serve
) -> None:
    assert "No answer is judged yet" in get(serve(waiting_run), f"/runs/{waiting_run.run_id}/failures")
    url = serve(finished_run)
    page = get(url, f"/runs/{finished_run.run_id}/failures?criterion=<b>&topic=nowhere&page=99")
    assert "has no criterion “<b>”" in page
    assert "No answer is like that." in page
    for path in ("answers/primary/nothing", "answers/backup/s001"):
        assert asked(f"{url}/runs/{finished_run.run_id}/{path}").status_code == 404


def test_the_backup_has_failures_of_its_own(finished_run: Kept, serve: Serve) -> None:
    with finished_run.opened() as database, database.session() as session:
        with_backup(session, finished_run.run_id)
    page = get(serve(finished_run), f"/runs/{finished_run.run_id}/failures?role=backup&outcome=failed")
    assert f"What fails: {BACKUP}" in page
    failed = [row for row in result_of(finished_run, "backup").lines if row.score.passed is False]
    assert len(listed(page)) == len(failed)
    assert "/answers/backup/" in page


def test_an_answer_shows_all_that_is_known_and_its_neighbours(finished_run: Kept, serve: Serve) -> None:
    run = finished_run.run_id
    with finished_run.opened() as database, database.session() as session:
        labelled(session, run, {"s002": True}, note="I would let that pass.")
    result = result_of(finished_run)
    row = next(row for row in result.lines if row.scenario.id == "s002")
    url = serve(finished_run)
    page = get(url, f"/runs/{run}/answers/primary/s002?criterion=CQ7&outcome=failed")
    assert row.scenario.message in page
    assert row.answer.text in page
    for verdict in row.assessment.verdicts:
        assert verdict.reason in page
        assert f"{verdict.criterion} {verdict.verdict.value}" in page
    for word in ("I would let that pass.", "System prompt", "qwen3:8b", "sha256:", "Seed", "1024"):
        assert word in page
    (following,) = re.findall(r'rel="next" id="next" href="([^"]*)"', page)
    assert "criterion=CQ7&outcome=failed" in following
    assert f'id="previous" href="/runs/{run}/answers/primary/s002' in get(url, following)


def hostile_run(run: Kept) -> None:
    with run.opened() as database, database.session() as session:
        hostile(session, run.run_id, "s002")


def test_hostile_texts_stay_text(finished_run: Kept, serve: Serve, page: Page) -> None:
    hostile_run(finished_run)
    base = f"{serve(finished_run)}/runs/{finished_run.run_id}"
    for path in (
        "/failures?outcome=failed",
        "/failures?criterion=CQ1&outcome=failed",
        "/answers/primary/s002",
    ):
        page.goto(base + path)
        assert "owned" not in page.title() or page.title().startswith(("Failures", "s002"))
        assert not page.locator("main script, main img, main [onerror]").count()
        assert not page.locator('a[href^="javascript"]').count()
        assert HARMLESS.split()[0] in (page.locator("main").text_content() or "")
        assert "\u202e" not in page.content()
    picture(page, "answer-hostile")
    assert too_wide(page) <= 0


@pytest.mark.parametrize(("width", "dark"), [pytest.param(1280, False, marks=pytest.mark.slow), (390, True)])
def test_keyboard_widths_and_accessibility(
    finished_run: Kept, serve: Serve, new_page: NewPage, width: int, dark: bool
) -> None:
    page = new_page(width=width, dark=dark)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/failures")
    picture(page, f"failures-{width}")
    assert too_wide(page) <= 0
    assert not serious(page)
    page.get_by_role("link", name="CQ7", exact=True).first.press("Enter")
    page.wait_for_url("**criterion=CQ7**")
    page.get_by_role("heading", name="Where CQ7 fails").wait_for()
    page.get_by_role("link", name=re.compile("fail: family and parenting, all styles")).press("Enter")
    page.get_by_text(re.compile(r"^3 answers")).wait_for()
    page.locator(".answers h3 a").first.press("Enter")
    page.wait_for_url("**/answers/primary/**")
    page.get_by_role("heading", name="Verdicts").wait_for()
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: "/answers/" in url and url != first)
    page.get_by_text("2 of 3").wait_for()
    page.keyboard.press("k")
    page.wait_for_url(first)
    picture(page, f"answer-{width}")
    assert too_wide(page) <= 0
    assert not serious(page)
