"""The whole journey against the stand-ins: what it asks, what it stores, what it writes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from graphs.desk import NamedModel, Services
from graphs.options import Approver, RunOptions
from graphs.policy import policy_reply
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
)
from graphs.results import result_of
from graphs.runner import Runner, Standing, create_run
from store import evaluation, events, reading, research, runs
from store.checkpoints import open_checkpointer
from store.database import Database, sqlite_url
from store.schema import AssessmentRow, RunStatus
from tests.graphs.evaluating import RUBRIC
from tests.standins.ollama_server import OllamaServer
from tests.standins.stage import TODAY, staged
from tests.standins.therapy_story import JUDGE, ollama
from tests.standins.tiny_gguf import write_tiny_gguf
from tests.standins.world import World
from tools.candidates import Standing as CandidateStanding
from tools.decision import DecisionKind
from tools.facts import quote_is_in
from tools.runtimes.shelf import RuntimeSettings, RuntimeShelf

TEXT = "evaluate 8B models for therapy coaching"
BY = "a test"
ALL = {"budget": {"candidates": 60, "pages": 60, "queries": 60, "waves": 3}}
"""Budgets under which the proposal is that of the story."""


class Stage(NamedTuple):
    """A runner over the stand-ins, with what a test looks at."""

    runner: Runner
    database: Database
    ollama: OllamaServer
    services: Services
    home: Path

    def start(
        self, text: str = TEXT, materials: dict[str, tuple[str, str]] | None = None, **options: object
    ) -> str:
        budget = {"queries": 2, "pages": 4, "candidates": 12, "waves": 1}
        small = {"budget": budget, "count": 2}
        given = {"out_dir": str(self.home), "judge": f"ollama:{JUDGE}", **small, **options}
        return create_run(self.database, text, RunOptions.model_validate(given), materials or {})

    def begun(self, **options: object) -> str:
        """The run that waits for its approval, with other options for what comes after it."""
        with self.database.session() as session:
            (row,) = runs.latest(session)
            changed = {**row.options, "out_dir": str(self.home), **options}
            runs.set_options(session, row.id, changed, TODAY)
            return row.id

    async def to_the_end(self, run_id: str, reply: Reply | None = None) -> Standing:
        """Drive with the policy's answers."""
        while True:
            standing = await self.runner.drive(run_id, reply)
            if standing.prompt is None:
                return standing
            reply = policy_reply(standing.prompt)
            assert reply is not None, standing.prompt


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@contextlib.asynccontextmanager
async def stage_in(home: Path, world: World) -> AsyncIterator[Stage]:
    with ollama(world) as server, Database(f"sqlite:///{home}/bms.sqlite") as database:
        async with (
            staged(world, server, database) as services,
            open_checkpointer(sqlite_url(home / "checkpoints.sqlite")) as checkpointer,
        ):
            yield Stage(Runner(services, checkpointer), database, server, services, home)


@pytest.fixture
async def stage(world: World, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_in(tmp_path, world) as opened:
        yield opened


@pytest.fixture(scope="module")
def researched(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a run that has come to its approval; to be copied."""
    home = tmp_path_factory.mktemp("researched")

    async def research() -> None:
        async with stage_in(home, world) as opened:
            waiting = await opened.runner.drive(opened.start(**ALL))
            assert isinstance(waiting.prompt, ApprovalPrompt)

    asyncio.run(research())
    return home


@pytest.fixture
async def table(world: World, researched: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which one run waits for its approval."""
    shutil.copytree(researched, tmp_path, dirs_exist_ok=True)
    async with stage_in(tmp_path, world) as opened:
        yield opened


async def test_from_a_sentence_to_a_document(stage: Stage) -> None:
    run_id = stage.start(count=50, **ALL)
    waiting = await stage.runner.drive(run_id)
    assert isinstance(waiting.prompt, ApprovalPrompt)
    assert waiting.status is RunStatus.WAITING
    assert not [asked for asked in stage.ollama.asked if asked.path == "/api/pull"], "pulled before approval"
    with stage.database.reading() as session:
        offered = research.newest_table(session, run_id)
        assert offered is not None
        assert offered.proposal.primary == "Qwen/Qwen3-8B"
        for row in offered.table.rows:
            for cell in row.cells:
                for fact in cell.facts:
                    text = reading.page_text(session, fact.source.content_hash)
                    assert text is not None
                    assert fact.source.quote is None or quote_is_in(fact.source.quote, text)
        ledger = research.ledger(session, run_id)
        assert all(candidate.reason for candidate in ledger)
        assert {c.standing for c in ledger} == {CandidateStanding.ACCEPTED, CandidateStanding.REJECTED}
    ended = await stage.to_the_end(run_id, policy_reply(waiting.prompt))
    assert (ended.status, ended.detail) == (RunStatus.DONE, "FINE_TUNE")
    document = (stage.home / "docs" / "base-model-evaluation.md").read_text("utf-8")
    for heading in (
        "## Date",
        "## Model Selection",
        "### Research Summary",
        "### Selected Model",
        "## Evaluation Results",
        "## Failure Analysis",
        "## Qualitative Notes",
        "## Next Steps",
    ):
        assert f"\n{heading}\n" in document
    assert "NO PERSON APPROVED THIS" in document
    results = json.loads((stage.home / "docs" / "base-model-evaluation.json").read_text("utf-8"))
    assert results["run"] == run_id
    with stage.database.reading() as session:
        held = evaluation.held(session, run_id, "primary")
        assert held is not None
        assert held.loaded is not None
        assert held.loaded.allocated_context == 4096
        assert held.artefact.digest in document


@pytest.mark.slow
async def test_the_checkpoint_stays_small(table: Stage) -> None:
    run_id = table.begun(count=20)
    await table.to_the_end(run_id)
    state = await table.runner.graph.aget_state({"configurable": {"thread_id": run_id}})
    assert len(json.dumps(state.values)) < 10_000


async def test_a_missing_size_is_asked_back_and_never_guessed(stage: Stage) -> None:
    run_id = stage.start("find a base model for therapy coaching")
    asked = await stage.runner.drive(run_id)
    assert isinstance(asked.prompt, RequestPrompt)
    assert [question.field for question in asked.prompt.questions] == ["size"]
    told = await stage.runner.drive(run_id, RequestAnswer(answers={"size": "8B"}))
    assert isinstance(told.prompt, ApprovalPrompt)
    with stage.database.reading() as session:
        assert str(runs.request_of(session, run_id).size) == "7–9B"


@pytest.mark.parametrize("insists", [True, False])
async def test_a_run_that_is_not_needed_says_why_and_can_be_insisted_on(stage: Stage, insists: bool) -> None:
    run_id = stage.start("evaluate 8B models for therapy coaching, but I only want prompting")
    told = await stage.runner.drive(run_id)
    assert isinstance(told.prompt, RequestPrompt)
    assert told.prompt.not_needed
    went_on = await stage.runner.drive(run_id, RequestAnswer(insist=insists))
    if insists:
        assert isinstance(went_on.prompt, ApprovalPrompt)
    else:
        assert went_on.status is RunStatus.NOT_NEEDED
        assert went_on.detail


async def test_reject_swap_edit_and_more(stage: Stage) -> None:
    run_id = stage.start()
    prompt = (await stage.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    assert prompt.primary is not None
    edited = await stage.runner.drive(
        run_id,
        Approval(action=ApprovalAction.EDIT, table_hash=prompt.table_hash, exclude=(prompt.primary,), by=BY),
    )
    assert isinstance(edited.prompt, ApprovalPrompt)
    assert edited.prompt.primary not in {prompt.primary, None}
    assert edited.prompt.table_hash != prompt.table_hash
    stale = await stage.runner.drive(
        run_id,
        Approval(action=ApprovalAction.APPROVE, table_hash=prompt.table_hash, primary=prompt.primary, by=BY),
    )
    assert isinstance(stale.prompt, ApprovalPrompt)
    assert stale.prompt.problem is not None
    assert "changed" in stale.prompt.problem
    seen = edited.prompt.table_hash
    more = await stage.runner.drive(
        run_id, Approval(action=ApprovalAction.MORE, table_hash=seen, note="small German models", by=BY)
    )
    assert isinstance(more.prompt, ApprovalPrompt)
    with stage.database.reading() as session:
        waves = [e.data["wave"] for e in events.after(session, run_id, 0, 5000) if e.kind == "wave"]
    assert waves == [1, 2]
    rejected = await stage.runner.drive(
        run_id,
        Approval(action=ApprovalAction.REJECT, table_hash=more.prompt.table_hash, note="none of them", by=BY),
    )
    assert rejected.status is RunStatus.REJECTED
    assert "none of them" in rejected.detail
    assert not [asked for asked in stage.ollama.asked if asked.path == "/api/pull"]


@pytest.mark.slow
async def test_a_second_wave_asks_the_network_only_for_what_is_new(table: Stage, world: World) -> None:
    run_id = table.begun()
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    before = len(world.hub.asked)
    again = Approval(action=ApprovalAction.MORE, table_hash=prompt.table_hash, note="", by=BY)
    await table.runner.drive(run_id, again)
    fresh = [asked.path for asked in world.hub.asked[before:]]
    with table.database.reading() as session:
        blocked = reading.counts(session, run_id).fetches.get("blocked", 0)
    assert len(fresh) <= blocked, "only what was blocked may be asked for again"


async def test_no_judge_is_asked_for_and_a_relative_is_questioned(table: Stage) -> None:
    run_id = table.begun(judge=None)
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    without = await table.runner.drive(run_id, policy_reply(prompt))
    assert isinstance(without.prompt, JudgePrompt)
    assert "No judge" in without.prompt.problem
    with table.database.reading() as session:
        assert evaluation.held(session, run_id, "primary") is None, (
            "nothing is pulled before there is a judge"
        )
    relative = await table.runner.drive(run_id, JudgeChoice(judge="ollama:qwen2.5:14b", by=BY))
    assert isinstance(relative.prompt, JudgePrompt)
    assert "same family" in relative.prompt.problem
    itself = await table.runner.drive(run_id, JudgeChoice(judge="ollama:qwen3:8b", by=BY))
    assert isinstance(itself.prompt, JudgePrompt)
    assert "same family" in itself.prompt.problem, "its tag is known only once it has been proved"
    other = await table.runner.drive(run_id, JudgeChoice(judge=f"ollama:{JUDGE}", by=BY))
    assert isinstance(other.prompt, ReviewPrompt)


async def test_the_backup_runs_only_when_a_person_asks(table: Stage) -> None:
    table.ollama.registry["gemma2:9b"] = replace(
        table.ollama.registry["qwen3:8b"],
        name="gemma2:9b",
        pinned=(await _digest_of("gemma2:9b", table)).removeprefix("sha256:"),  # type: ignore[call-arg]
    )
    run_id = table.begun(judge_insisted=True)  # the judge of the story is a relative of the backup
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    reviewed = await table.runner.drive(run_id, policy_reply(prompt))
    assert isinstance(reviewed.prompt, ReviewPrompt)
    assert reviewed.prompt.backup == "google/gemma-2-9b-it"
    second = await table.runner.drive(run_id, Review(run_backup=True, by=BY))
    assert isinstance(second.prompt, ReviewPrompt)
    assert (second.prompt.role, second.prompt.backup) == ("backup", None)
    ended = await table.runner.drive(run_id, Review(notes="Both are alike.", by=BY))
    assert ended.status is RunStatus.DONE
    document = (table.home / "docs" / "base-model-evaluation.md").read_text("utf-8")
    assert "### Backup:" in document
    assert "Both are alike." in document


async def _digest_of(tag: str, stage: Stage) -> str:
    from tools.outcomes import Found
    from tools.registry import prove_tag

    proof = await prove_tag(stage.services.web, tag)
    assert isinstance(proof, Found)
    return proof.value.digest


async def test_the_embedded_llamacpp_without_ollama_says_that_the_answers_are_noise(
    stage: Stage, tmp_path: Path
) -> None:
    """Real inference from the approval to the document: a random model's answers and verdicts."""
    model = write_tiny_gguf(tmp_path / "tiny.gguf")
    judge = write_tiny_gguf(tmp_path / "judge.gguf", seed=11, context_length=16384)
    shelf = RuntimeShelf(RuntimeSettings(models_dir=tmp_path / "models", threads=1))

    async def open_model(spec: str) -> NamedModel:
        return NamedModel(spec, *shelf.open(spec))

    services = replace(stage.services, choose_runtime=shelf.choose, open_model=open_model)
    async with open_checkpointer(sqlite_url(tmp_path / "other.sqlite")) as checkpointer:
        other = stage._replace(runner=Runner(services, checkpointer), services=services)
        run_id = other.start(
            f"evaluate {model} for therapy coaching",
            {"rubric": ("small.yaml", RUBRIC)},
            given={"domain": "therapy coaching", "size": "any"},
            insist=True,
            approver=Approver.POLICY,
            model=str(model),
            runtime="llamacpp",
            judge=f"llamacpp:{judge}",
            count=2,
            max_tokens=40,
        )
        try:
            ended = await other.to_the_end(run_id)
        finally:
            await shelf.aclose()
    assert (ended.status, ended.detail) == (RunStatus.DONE, "UNDECIDED")
    document = (tmp_path / "docs" / "base-model-evaluation.md").read_text("utf-8")
    assert "is not fit to judge" in document
    with stage.database.reading() as session:
        answers = evaluation.answers(session, run_id, "primary")
        conditions = evaluation.conditions(session, run_id, "primary")
    assert len(answers) == 2
    assert conditions["runtime"] == "llamacpp"
    assert all(answer.completion_tokens for answer in answers.values())


async def test_a_judge_that_cannot_be_asked_is_asked_for_again_and_nobody_can_insist(table: Stage) -> None:
    run_id = table.begun(judge="ollama:nowhere:1b", judge_insisted=True)
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    asked = await table.runner.drive(run_id, policy_reply(prompt))
    assert isinstance(asked.prompt, JudgePrompt)
    assert not asked.prompt.usable
    assert "nowhere:1b" in asked.prompt.problem
    assert policy_reply(asked.prompt) is None
    other = await table.runner.drive(run_id, JudgeChoice(judge=f"ollama:{JUDGE}", by=BY))
    assert isinstance(other.prompt, ReviewPrompt)


@pytest.mark.slow
async def test_no_policy_insists_on_a_relative_as_judge(table: Stage) -> None:
    table.ollama.local["qwen2.5:14b"] = replace(table.ollama.local[JUDGE], name="qwen2.5:14b")
    run_id = table.begun(judge="ollama:qwen2.5:14b")
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    asked = await table.runner.drive(run_id, policy_reply(prompt))
    assert isinstance(asked.prompt, JudgePrompt)
    assert asked.prompt.related
    assert policy_reply(asked.prompt) is None
    insisted = JudgeChoice(judge="ollama:qwen2.5:14b", insist=True, by="Ada")
    reviewed = await table.runner.drive(run_id, insisted)
    assert isinstance(reviewed.prompt, ReviewPrompt)
    await table.runner.drive(run_id, Review(by=BY))
    document = (table.home / "docs" / "base-model-evaluation.md").read_text("utf-8")
    assert "It was used because Ada insisted." in document


async def test_a_primary_that_cannot_be_had_goes_back_to_the_table(table: Stage) -> None:
    run_id = table.begun()
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    unpacked = Approval(
        action=ApprovalAction.APPROVE,
        table_hash=prompt.table_hash,
        primary="internlm/internlm3-8b-instruct",
        backup="Qwen/Qwen3-8B",
        by=BY,
    )
    back = await table.runner.drive(run_id, unpacked)
    assert isinstance(back.prompt, ApprovalPrompt)
    assert back.prompt.problem is not None
    assert "found no Ollama tag or a GGUF repository" in back.prompt.problem
    better = unpacked.model_copy(
        update={"primary": "Qwen/Qwen3-8B", "backup": "internlm/internlm3-8b-instruct"}
    )
    reviewed = await table.runner.drive(run_id, better)
    assert isinstance(reviewed.prompt, ReviewPrompt)
    ended = await table.runner.drive(run_id, Review(run_backup=True, by=BY))
    assert ended.status is RunStatus.DONE, "a backup that cannot be had leaves the primary's result"
    assert (table.home / "docs" / "base-model-evaluation.md").exists()


async def test_a_table_that_has_changed_is_offered_anew(table: Stage) -> None:
    run_id = table.begun()
    prompt = (await table.runner.drive(run_id)).prompt
    assert isinstance(prompt, ApprovalPrompt)
    with table.database.session() as session:
        gone = next(c for c in research.ledger(session, run_id) if c.key == prompt.primary)
        changed = {"standing": CandidateStanding.REJECTED, "reason": "withdrawn"}
        research.keep_candidates(session, run_id, [gone.model_copy(update=changed)])
    refused = await table.runner.drive(run_id, policy_reply(prompt))
    assert isinstance(refused.prompt, ApprovalPrompt)
    assert refused.prompt.problem is not None
    assert "changed" in refused.prompt.problem
    assert refused.prompt.table_hash != prompt.table_hash
    anew = policy_reply(refused.prompt.model_copy(update={"problem": None}))
    went_on = await table.runner.drive(run_id, anew)
    # It was accepted: in the way now are a judge of the second choice's family, and an Ollama without it.
    assert isinstance(went_on.prompt, JudgePrompt)
    assert went_on.prompt.related
    went_on = await table.runner.drive(run_id, JudgeChoice(judge=f"ollama:{JUDGE}", insist=True, by=BY))
    assert isinstance(went_on.prompt, ApprovalPrompt)
    assert went_on.prompt.problem is not None
    assert "The registry has no gemma2:9b" in went_on.prompt.problem
    with table.database.reading() as session:
        assert [row.action for row in research.approvals(session, run_id)] == ["approve"]
        assert evaluation.held(session, run_id, "primary") is None


async def test_a_part_of_the_judgements_decides_nothing(table: Stage) -> None:
    run_id = table.begun(count=50)
    await table.to_the_end(run_id)
    with table.database.session() as session:
        for row in session.query(AssessmentRow).filter_by(run_id=run_id).offset(14):
            session.delete(row)
        session.flush()
        result = result_of(session, run_id, "primary", f"ollama:{JUDGE}")
    assert (result.decision.measured, result.decision.unmeasured) == (14, 36)
    assert result.decision.kind is DecisionKind.UNDECIDED
