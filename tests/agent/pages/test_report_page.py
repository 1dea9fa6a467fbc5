"""The report in the page: the headline from rows, the document in its frame, every download."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from playwright.sync_api import expect

from agent.answer_views import judged_result
from agent.pages.render import told
from tests.agent.pages.conftest import NewPage, Serve, asked
from tests.standins.browser import picture, serious, too_wide
from tests.standins.patience import PATIENCE
from tests.standins.replayed import Kept
from tests.standins.second_models import hostile, with_backup


def get(url: str, path: str) -> str:
    reply = asked(f"{url}{path}")
    assert reply.status_code == 200, reply.text
    return html.unescape(reply.text)


def test_the_headline_is_computed_from_rows(finished_run: Kept, serve: Serve) -> None:
    url, run = serve(finished_run), finished_run.run_id
    with finished_run.opened() as database, database.session() as session:
        before = judged_result(session, run, "primary").decision
        with_backup(session, run)
        after = judged_result(session, run, "backup").decision
    page = get(url, f"/runs/{run}/report")
    for decision in (before, after):
        assert told(decision.reason) in page
        assert f"{decision.passes} of {decision.measured}" in page
    assert "Both on the same scenarios" in page
    assert "REPLAY" in page
    assert "What to do next" in page


def test_every_download_is_there(finished_run: Kept, serve: Serve) -> None:
    url, run = serve(finished_run), finished_run.run_id
    page = get(url, f"/runs/{run}/report")
    links = re.findall(r'<li><a href="(/api/runs/[^"]+)" download', page)
    assert len(links) > 10
    assert any(link.endswith("held-out.jsonl") for link in links)
    assert any(link.endswith("table.csv") for link in links)
    for link in links:
        reply = asked(f"{url}{link}")
        assert reply.status_code == 200, link
        assert reply.content, link


def test_what_a_sentence_names_a_command_for_is_linked(finished_run: Kept, serve: Serve) -> None:
    page = get(serve(finished_run), f"/runs/{finished_run.run_id}/report")
    assert f'<a class="way" href="/runs/{finished_run.run_id}/labels">Label answers</a>' in page
    assert f'<a class="way" href="/compare?first={finished_run.run_id}">Compare two runs</a>' in page
    assert "<summary>In a terminal</summary><pre>bms evaluate" in page


def test_a_label_is_counted_the_next_time_the_report_is_opened(finished_run: Kept, serve: Serve) -> None:
    url, run = serve(finished_run), finished_run.run_id
    assert "No human has checked this judge" in get(url, f"/runs/{run}/report")
    body = {"role": "primary", "scenario_id": "s001", "passed": True}
    assert httpx.post(f"{url}/api/runs/{run}/labels", json=body, timeout=PATIENCE, trust_env=False).is_success
    assert "1 answers labelled by people" in get(url, f"/runs/{run}/report")


def test_a_run_without_verdicts_says_so(waiting_run: Kept, serve: Serve) -> None:
    assert "nothing to report yet" in get(serve(waiting_run), f"/runs/{waiting_run.run_id}/report")


@pytest.mark.parametrize(("width", "dark"), [pytest.param(1280, False, marks=pytest.mark.slow), (390, True)])
def test_the_document_stands_in_a_frame_in_which_nothing_runs(
    finished_run: Kept, serve: Serve, new_page: NewPage, width: int, dark: bool
) -> None:
    with finished_run.opened() as database, database.session() as session:
        hostile(session, finished_run.run_id, "s002")
    page = new_page(width=width, dark=dark)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}/report")
    frame = page.locator("iframe.document")
    assert frame.get_attribute("sandbox") == ""
    frame.scroll_into_view_if_needed()
    document = page.frame_locator("iframe.document")
    document.get_by_role("heading", level=1).wait_for()
    expect(document.locator("svg").nth(1)).to_be_attached()
    assert not document.locator("script, img").count()
    assert not page.locator("main script, main img").count()
    assert "\u202e" not in page.content()
    box = frame.bounding_box()
    assert box is not None
    assert box["height"] >= 500
    picture(page, f"report-{width}")
    assert too_wide(page) <= 0
    assert not serious(page)
