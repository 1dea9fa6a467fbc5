"""What is told from the rows of a run: one teller for each thing that can be asked for."""

from __future__ import annotations

from collections.abc import Callable

from agent.conversation import (
    intents,
    replies_advice,
    replies_models,
    replies_results,
    replies_run,
    replies_trust,
)
from agent.conversation.answers_models import on_model
from agent.conversation.case import Answer, Case
from agent.conversation.records import Said


def show(case: Case, wish: intents.Show) -> Answer:
    session, clock = case.session, case.clock
    if wish.what == "runs":
        return replies_run.runs(session, clock)
    if wish.what in {"costs", "stars"}:
        tell = replies_models.costs if wish.what == "costs" else replies_models.stars_explained
        return on_model(case, "", tell)
    if wish.what in {"advice", "tuning"}:
        return (replies_advice.advice if wish.what == "advice" else replies_advice.tuning)(case)
    tellers: dict[str, Callable[[str], Said]] = {
        "status": lambda run: replies_run.status(session, run, clock),
        "how long": lambda run: replies_run.how_long(session, run, clock),
        "table": lambda run: replies_models.table(run, case.book(), int(wish.of or replies_models.LISTED)),
        "proposal": lambda run: replies_models.why_proposal(run, case.book()),
        "rejected": lambda run: replies_models.rejected(run, case.book()),
        "blocked": lambda run: replies_run.blocked(session, run),
        "coverage": lambda run: replies_run.coverage(session, run),
        "result": lambda run: replies_results.result(session, run),
        "pass rate": lambda run: replies_results.pass_rate(session, run),
        "failed most": lambda run: replies_results.failed_most(session, run),
        "weakest topic": lambda run: replies_results.weakest_topic(session, run, best=wish.of == "strongest"),
        "example": lambda run: replies_results.example(session, run, wish.of),
        "safety": lambda run: replies_results.safety(session, run),
        "criterion": lambda run: replies_results.criterion(session, run, wish.of),
        "delete": replies_run.deleting,
        "judge": lambda run: replies_results.judge(session, run),
        "trust": lambda run: replies_trust.trust(session, run),
        "report": lambda run: replies_results.report(session, run),
    }
    return case.of_run(tellers[wish.what])
