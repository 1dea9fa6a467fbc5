"""The views of a run as it goes, from stored rows: every prompt, hostile texts, parts and histories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from agent.settings import Settings
from graphs.prompts import (
    AskedField,
    JudgePrompt,
    LabelsPrompt,
    Prompt,
    RequestPrompt,
    ReviewPrompt,
    ScenariosPrompt,
)
from store import evaluation, events, runs
from store.schema import AnswerRow, FetchRow, RunStatus, SearchRow
from tests.standins.records import NOW
from tests.standins.service import NoEngine, inside

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>\u202egnp'
VIEWS = ("", "/research", "/evaluation")
PARTS = (
    "head?tab=overview",
    "overview/stations",
    "overview/waiting",
    "overview/results",
    "pulse/log",
    "pulse/heartbeat",
    "research",
    "evaluation",
)


@pytest.fixture
async def finished_client(finished_run: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(Settings(home=finished_run.home), engine=NoEngine()) as client:
        yield client


def wait_with(run: Any, prompt: Prompt) -> None:
    """Let the stored run wait with this question."""
    with run.opened() as database, database.session() as session:
        runs.get(session, run.run_id).status = RunStatus.WAITING  # also where it has ended
        data = {"prompt": prompt.model_dump(mode="json"), "prompt_id": "asked1"}
        events.append(session, run.run_id, "waiting", "waiting", data, NOW)


async def waiting_part(run: Any, prompt: Prompt) -> str:
    wait_with(run, prompt)
    async with inside(Settings(home=run.home), engine=NoEngine()) as client:
        reply = await client.get(f"/runs/{run.run_id}/parts/overview/waiting")
    assert reply.status_code == 200, reply.text
    assert 'data-prompt="asked1"' in reply.text
    assert "<script>" not in reply.text
    assert "<img" not in reply.text
    return reply.text


@pytest.mark.parametrize("view", VIEWS)
async def test_views_of_a_finished_run(
    finished_client: httpx.AsyncClient, finished_run: Any, view: str
) -> None:
    reply = await finished_client.get(f"/runs/{finished_run.run_id}{view}")
    assert reply.status_code == 200
    assert "style=" not in reply.text
    assert " onclick" not in reply.text
    assert "<script>" not in reply.text


@pytest.mark.parametrize("part", PARTS)
async def test_parts_stand_alone(finished_client: httpx.AsyncClient, finished_run: Any, part: str) -> None:
    reply = await finished_client.get(f"/runs/{finished_run.run_id}/parts/{part}")
    assert reply.status_code == 200
    assert "<html" not in reply.text


async def test_the_result_is_on_the_overview(finished_client: httpx.AsyncClient, finished_run: Any) -> None:
    text = (await finished_client.get(f"/runs/{finished_run.run_id}")).text
    assert "FINE-TUNE" in text
    assert "<b>63 %</b> pass, 95 % interval 49 % to 75 %" in text
    assert text.count('class="station done"') == 11


async def test_research_shows_waves_blocks_and_the_curve(
    finished_client: httpx.AsyncClient, finished_run: Any
) -> None:
    text = (await finished_client.get(f"/runs/{finished_run.run_id}/research")).text
    assert "<strong>Degraded:</strong> 7 requests blocked" in text
    assert "<polyline" in text
    assert "The curve as a table" in text
    assert text.count('<th scope="row">') == 2
    assert "The newest 60 of 80" in text


async def test_evaluation_counts_verdicts_and_streams_answers(
    finished_client: httpx.AsyncClient, finished_run: Any
) -> None:
    text = (await finished_client.get(f"/runs/{finished_run.run_id}/evaluation")).text
    assert "50 of 50" in text
    assert "told all 5 planted answers apart" in text
    assert text.count("<meter") == 18
    assert text.index(">s050<") < text.index(">s049<")


async def test_evaluation_quotes_nothing_that_is_held_out(
    finished_client: httpx.AsyncClient, finished_run: Any
) -> None:
    run_id = finished_run.run_id
    with finished_run.opened() as database, database.reading() as session:
        held = [one for one in evaluation.scenarios(session, run_id)[-12:] if one.held_out]
        answers = evaluation.answers(session, run_id, "primary")
    assert held
    for path in ("evaluation", "parts/evaluation"):
        text = unescape((await finished_client.get(f"/runs/{run_id}/{path}")).text)
        assert text.count("Counted, not quoted.") == len(held)
        for one in held:
            assert f">{one.id}<" in text
            assert one.message not in text
            assert answers[one.id].text not in text


async def test_a_replay_without_a_recording_is_not_resumed(waiting_run: Any) -> None:
    detail = "the story has no recording of POST http://127.0.0.1:11434/api/pull"
    with waiting_run.opened() as database, database.session() as session:
        row = runs.get(session, waiting_run.run_id)
        row.status, row.detail = RunStatus.STOPPED, detail
    async with inside(Settings(home=waiting_run.home), engine=NoEngine()) as client:
        shown = (await client.get(f"/runs/{waiting_run.run_id}/parts/overview/results")).text
        refused = await client.post(f"/api/runs/{waiting_run.run_id}/resume", json={})
    assert "it would stop there again" in shown
    assert ">Resume<" not in shown
    assert refused.status_code == 409
    assert detail in refused.json()["detail"]


async def test_texts_of_strangers_are_text(finished_run: Any) -> None:
    with finished_run.opened() as database, database.session() as session:
        run_id = finished_run.run_id
        runs.get(session, run_id).text = HOSTILE
        search = session.scalars(select(SearchRow).where(SearchRow.run_id == run_id)).first()
        assert search is not None
        search.outcome, search.reason, search.detail = "blocked", HOSTILE, HOSTILE
        page = session.scalars(select(FetchRow).where(FetchRow.outcome == "blocked")).first()
        assert page is not None
        page.url, page.reason, page.detail = "javascript:alert(1)" + HOSTILE, HOSTILE, HOSTILE
        for answer in session.scalars(select(AnswerRow).where(AnswerRow.run_id == run_id)):
            answer.record = {**answer.record, "text": HOSTILE, "detail": HOSTILE}
        for kind in ("warning", "refused", "preflight", "worded"):
            data = {"sentence": HOSTILE, "judge": HOSTILE, "passed": False}
            events.append(session, run_id, "research", kind, data, NOW)
    async with inside(Settings(home=finished_run.home), engine=NoEngine()) as client:
        for path in ("/", "/runs", *(f"/runs/{finished_run.run_id}{view}" for view in VIEWS)):
            text = (await client.get(path)).text
            assert "onerror" in text
            assert "<img" not in text
            assert "<script>" not in text
            assert 'href="javascript' not in text


async def test_questions_about_the_request(waiting_run: Any) -> None:
    asked = AskedField(field="domain", sentence=f"Which domain? {HOSTILE}", examples=("coding", HOSTILE))
    text = await waiting_part(waiting_run, RequestPrompt(questions=(asked,)))
    assert 'name="domain" data-into="answers"' in text
    assert 'data-fill="q-1">coding<' in text


async def test_no_run_is_needed(waiting_run: Any) -> None:
    text = await waiting_part(waiting_run, RequestPrompt(not_needed=HOSTILE))
    assert "Run it all the same" in text


async def test_drafted_scenarios(waiting_run: Any) -> None:
    prompt = ScenariosPrompt(
        run_id=waiting_run.run_id,
        count=50,
        taxonomy="\n  topics: </textarea>",
        sample=(HOSTILE,),
        problem="line 3",
    )
    text = await waiting_part(waiting_run, prompt)
    assert "topics: &lt;/textarea&gt;" in text
    assert "line 3" in text
    assert text.count('type="submit"') == 2


async def test_a_judge_that_is_related_can_be_insisted_on(waiting_run: Any) -> None:
    text = await waiting_part(waiting_run, JudgePrompt(problem=HOSTILE, judge='ollama:"q', related=True))
    assert "all the same" in text
    assert "Every output will say so" in text


async def test_a_judge_that_cannot_be_asked_cannot(waiting_run: Any) -> None:
    text = await waiting_part(
        waiting_run, JudgePrompt(problem="It is not there.", judge="ollama:x", usable=False)
    )
    assert "all the same" not in text


async def test_labels(waiting_run: Any) -> None:
    text = await waiting_part(waiting_run, LabelsPrompt(run_id=waiting_run.run_id, role="primary", missing=3))
    assert f"/runs/{waiting_run.run_id}/labels" in text
    assert '"enough": true' in text


async def test_a_review_has_the_answers_to_read_first(finished_run: Any) -> None:
    prompt = ReviewPrompt(
        run_id=finished_run.run_id,
        role="primary",
        decision="FINE_TUNE",
        sentence=HOSTILE,
        pass_rate=0.75,
        sample=("s001", "s002"),
        backup="google/gemma-2-9b-it",
        further=40,
        failures=3,
    )
    text = await waiting_part(finished_run, prompt)
    assert text.count('class="reading"') == 2
    assert "Before anybody deploys" in text
    assert 'data-number="40"' in text
    assert 'name="try_prompt"' in text
    assert 'name="run_backup"' in text


async def test_the_approval_leads_to_its_view(waiting_run: Any) -> None:
    async with inside(Settings(home=waiting_run.home), engine=NoEngine()) as client:
        text = (await client.get(f"/runs/{waiting_run.run_id}")).text
    assert f'href="/runs/{waiting_run.run_id}/approval"' in text
    assert 'class="station waiting" aria-current="step"' in text


async def test_a_stopped_run_says_why_and_can_be_resumed(waiting_run: Any) -> None:
    with waiting_run.opened() as database, database.session() as session:
        runs.set_status(session, waiting_run.run_id, RunStatus.STOPPED, "the disk is full", NOW)
    async with inside(Settings(home=waiting_run.home), engine=NoEngine()) as client:
        text = (await client.get(f"/runs/{waiting_run.run_id}")).text
    assert "the disk is full" in text
    assert f'data-do="POST /api/runs/{waiting_run.run_id}/resume"' in text


async def test_the_history_has_decisions_and_two_to_compare(
    finished_client: httpx.AsyncClient, finished_run: Any
) -> None:
    text = (await finished_client.get("/runs")).text
    assert "FINE-TUNE" in text
    assert "63 %" in text
    assert f'name="second" value="{finished_run.run_id}"' in text
    assert "Page 1 of 1, 1 run<" in text


async def test_an_empty_home(tmp_path: Path) -> None:
    async with inside(Settings(home=tmp_path / "empty"), engine=NoEngine()) as client:
        assert "There is none yet" in (await client.get("/")).text
        assert "There is no run yet" in (await client.get("/runs")).text
        assert (await client.get("/runs/20000101-aaaaa")).status_code == 404
        assert (await client.get("/chats/none")).status_code == 404
        assert (await client.get("/runs?page=0")).status_code == 422
