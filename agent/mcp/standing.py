"""Where a run is, as a record and in words."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy.orm import Session

from agent import views
from agent.mcp.records import Counts, Headline, ModelProgress, Question, RunLine, RunReply
from agent.mcp.words import as_data, bounded_values, line
from agent.reach import Reach
from graphs.prompts import (
    ApprovalPrompt,
    JudgePrompt,
    LabelsPrompt,
    Prompt,
    RequestPrompt,
    ReviewPrompt,
    ScenariosPrompt,
)
from store import events, runs
from store.schema import RunStatus
from tools.clock import Clock

LONGEST_QUESTION = 12_000
"""Characters of a text in a question: a drafted taxonomy has to be read whole."""

HOW: dict[type[Prompt], str] = {
    RequestPrompt: "Ask the person, then call `answer` with kind `request` and their words.",
    ApprovalPrompt: (
        "Call `table`, show it to the person with the proposal, and let them decide. Then call `approve` "
        "with their name and the hash of the table that they saw. Do not decide for them."
    ),
    ScenariosPrompt: (
        "Show the person the drafted taxonomy and the sample, then call `answer` with kind `scenarios`."
    ),
    JudgePrompt: "Ask the person for a judge, then call `answer` with kind `judge`.",
    LabelsPrompt: (
        "A person has to judge answers, on the page of `bms serve` or with `bms label`. When they say that "
        "it is enough, call `answer` with kind `labels`."
    ),
    ReviewPrompt: (
        "Show the person the result and the sample of `answers`, then call `answer` with kind `review` and "
        "their notes."
    ),
}
"""How each question is answered."""

ON: dict[RunStatus, str] = {
    RunStatus.QUEUED: "Call `wait`.",
    RunStatus.RUNNING: "Call `wait`.",
    RunStatus.STOPPED: "Call `resume` to go on with it.",
    RunStatus.DONE: "Call `report`, `results` or `failures`.",
    RunStatus.REJECTED: "Nothing more; a new request starts a new run.",
    RunStatus.NOT_NEEDED: "Nothing more; `research` with insist runs it all the same.",
    RunStatus.CANCELLED: "Nothing more; a new request starts a new run.",
}


class Glance(NamedTuple):
    """The little that a waiting client is told again and again."""

    settled: bool
    """It waits for a person, stopped or ended."""
    last_event: int
    sentence: str


def glance(session: Session, run_id: str, clock: Clock) -> Glance:
    row = runs.get(session, run_id)
    seen = views.summary(session, row, clock)
    return Glance(
        settled=seen.status not in {RunStatus.QUEUED, RunStatus.RUNNING},
        last_event=events.last_seq(session, row.id),
        sentence=_sentence(session, row.id, seen),
    )


def _sentence(session: Session, run_id: str, seen: views.RunSummary) -> str:
    models = views.progress(session, run_id)
    if models:
        now = models[-1]
        told = f"{now.role} {now.candidate}: {now.answered} of {now.planned} answered, {now.judged} judged"
    else:
        found = views.tally(session, run_id)
        blocked = found.searches.get("blocked", 0) + found.fetches.get("blocked", 0)
        told = (
            f"wave {max(1, len(views.waves(session, run_id)))}: {sum(found.searches.values())} queries, "
            f"{found.pages} pages, {found.viable} of {found.seen} candidates accepted, {found.facts} facts, "
            f"{blocked} blocked"
        )
    return line(f"{seen.status.value} at {seen.stage}; {told}")


def run_reply(session: Session, run_id: str, clock: Clock) -> RunReply:
    from graphs.tables import coverage_note

    state = views.run_state(session, run_id, clock)
    waits = state.waits_for
    counted = state.tally.model_dump()
    waves = len(views.waves(session, state.id))
    return RunReply(
        run=state.id,
        text=line(state.text, 1000),
        status=state.status.value,
        stage=state.stage,
        detail=line(state.detail, 600),
        replay_of=state.story,
        waits_for=None
        if waits is None
        else Question(
            kind=waits.prompt.kind,
            prompt_id=waits.prompt_id,
            sentence=line(state.detail, 600),
            about=bounded_values(
                waits.prompt.model_dump(mode="json", exclude={"kind", "run_id"}), LONGEST_QUESTION
            ),
        ),
        counts=Counts(
            **counted, waves=waves, coverage=coverage_note(session, state.id).share if waves else None
        ),
        progress=tuple(
            ModelProgress.model_validate(one, from_attributes=True, extra="ignore") for one in state.progress
        ),
        results=tuple(headline(one) for one in state.results),
        documents=state.documents,
        problem=line(state.problem, 1000),
        next=HOW[type(waits.prompt)]
        if waits is not None
        else "Nothing more: the replay holds no more; `cancel` ends it."
        if views.ran_out(state)
        else ON.get(state.status, "Call `wait`."),
    )


def headline(one: views.ResultView) -> Headline:
    decision = one.decision
    return Headline(
        role=one.role,
        candidate=one.candidate,
        judge=one.judge,
        decision=decision.kind.value,
        reason=line(decision.reason, 1500),
        pass_rate=decision.pass_rate,
        low=None if decision.interval is None else decision.interval.low,
        high=None if decision.interval is None else decision.interval.high,
        passes=decision.passes,
        measured=decision.measured,
        unmeasured=decision.unmeasured,
        planned=one.planned,
        labels=one.labels,
        corrected=None if decision.corrected is None else decision.corrected.rate,
        further_scenarios=decision.further_scenarios,
        gate_failures=decision.gate_failures,
    )


def run_line(one: views.RunSummary) -> RunLine:
    return RunLine(
        run=one.id,
        text=line(one.text),
        status=one.status.value,
        stage=one.stage,
        detail=line(one.detail),
        replay_of=one.story,
        created_at=one.created_at,
    )


def _unreached(counts: Counts) -> str:
    """The warning where hardly a request got through: what was found then says nothing."""
    outcomes = Counter(counts.searches) + Counter(counts.fetches)
    answered = outcomes["found"] + outcomes["empty"]
    reasons = tuple((name, many) for name in ("failed", "blocked") if (many := outcomes[name]))
    found = Reach(outcomes.total(), answered, outcomes["blocked"], reasons)
    return f"{found.sentence} {found.advice}." if found.lost else ""


def in_words(reply: RunReply) -> str:
    """The record as a few lines; every number of it comes from rows."""
    lines = [f"Run {reply.run}: {reply.status} at {reply.stage}. {reply.detail}".rstrip()]
    if reply.replay_of:
        lines.append(f"It replays the recorded story {reply.replay_of}: nothing here was asked today.")
    counts = reply.counts
    lines += [f"{unreached} Then research more."] if (unreached := _unreached(counts)) else []
    covered = "" if counts.coverage is None else f", coverage {counts.coverage:.0%}"
    lines.append(
        f"Research: {counts.waves} waves, searches {_tally(counts.searches)}, fetches "
        f"{_tally(counts.fetches)}, {counts.pages} pages, {counts.viable} of {counts.seen} candidates "
        f"accepted, {counts.facts} facts, {counts.claims} claims{covered}."
    )
    lines += [
        f"{one.role} {one.candidate}: {one.answered} of {one.planned} answered, {one.judged} judged."
        for one in reply.progress
    ]
    lines += [headline_words(one) for one in reply.results]
    if reply.problem:
        lines.append(f"The last order could not be carried out: {reply.problem}")
    if reply.waits_for is not None:
        lines.append(f"It asks a person ({reply.waits_for.kind}): {_question(reply.waits_for)}")
    lines += [f"Written: {path}" for path in reply.documents]
    return "\n".join([*lines, f"Next: {reply.next}"])


def headline_words(one: Headline) -> str:
    if one.pass_rate is None or one.low is None or one.high is None:
        rate = "nothing was measured"
    else:
        rate = (
            f"{one.passes} of {one.measured} measured passed, {one.pass_rate:.0%} "
            f"({one.low:.0%} to {one.high:.0%}, 95 %)"
        )
    return (
        f"{one.role} {one.candidate}: {one.decision}; {rate}, {one.unmeasured} unmeasured, "
        f"judge {one.judge}. {one.reason}"
    )


def _question(question: Question) -> str:
    told = []
    for name, value in question.about.items():
        if value is None or value in ([], ""):
            continue
        if isinstance(value, str) and len(value) > 200:
            told.append(f"{name}:\n{as_data(value, LONGEST_QUESTION)}")
        elif name == "questions":
            told += [f"{one['sentence']} (field {one['field']})" for one in value]
        else:
            told.append(f"{name} = {line(str(value), 1500)}")
    return "; ".join(told)


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
