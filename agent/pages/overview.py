"""Where a run is: its stations, what it waits for, its results, its newest events."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import Session

from agent import views
from agent.pages.lost import Lost, lost
from agent.pages.research_live import Heartbeat, heartbeat
from agent.pages.stations import Station, stations
from agent.views import RunState, RunSummary
from graphs.prompts import ReviewPrompt
from graphs.results import result_of, sample_of
from store import evaluation, events, runs
from store.evaluation import ModelRole
from store.schema import RunStatus
from tools.clock import Clock
from tools.evaluation import Verdict

LONGEST_READ = 6000


class Missed(NamedTuple):
    """A criterion that an answer failed."""

    criterion: str
    reason: str


class Reading(NamedTuple):
    """An answer that a person should read before the review."""

    scenario: str
    topic: str
    style: str
    why: str
    message: str
    text: str
    missed: tuple[Missed, ...]


class Pulse(NamedTuple):
    """Whether the run lives."""

    run: RunSummary
    heartbeat: Heartbeat | None
    seconds_quiet: float
    """Since the newest event."""

    @property
    def active(self) -> bool:
        return self.run.status in {RunStatus.RUNNING, RunStatus.QUEUED}


class Overview(NamedTuple):
    run: RunState
    stations: tuple[Station, ...]
    readings: tuple[Reading, ...]
    """Of a review: the sample."""
    lost: Lost | None


def run_summary(session: Session, run_id: str, clock: Clock) -> RunSummary:
    return views.summary(session, runs.get(session, run_id), clock)


def pulse(session: Session, run_id: str, clock: Clock) -> Pulse:
    run = run_summary(session, run_id, clock)
    beat = heartbeat(session, run.id)
    quiet = 0.0 if beat is None else max(0.0, (clock.now() - beat.at).total_seconds())
    return Pulse(run, beat, quiet)


def overview(session: Session, run_id: str, clock: Clock) -> Overview:
    run = views.run_state(session, run_id, clock)
    seen = {event.stage for event in events.of_kind(session, run.id, "stage")}
    prompt = None if run.waits_for is None else run.waits_for.prompt
    readings: tuple[Reading, ...] = ()
    if isinstance(prompt, ReviewPrompt):
        readings = _readings(session, run.id, prompt.role, prompt.sample)
    vain = lost(session, run.id)
    return Overview(run, tuple(stations(run.stage, run.status, seen, lost=vain is not None)), readings, vain)


def _readings(session: Session, run_id: str, role: ModelRole, sample: tuple[str, ...]) -> tuple[Reading, ...]:
    result = result_of(session, run_id, role, evaluation.judge_of(session, run_id, role) or "")
    reasons = {pick.row.scenario.id: pick.why for pick in sample_of(result)}
    return tuple(
        Reading(
            scenario.id,
            scenario.topic,
            scenario.style,
            reasons.get(scenario.id, ""),
            scenario.message,
            answer.text[:LONGEST_READ],
            tuple(
                Missed(verdict.criterion, verdict.reason)
                for verdict in assessment.verdicts
                if verdict.verdict is Verdict.NO
            ),
        )
        for scenario, answer, assessment, _ in result.lines
        if scenario.id in sample
    )
