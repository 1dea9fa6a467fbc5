"""Several wishes at once, conditions, amounts and places in a list."""

from __future__ import annotations

from agent import views
from agent.conversation import intents, replies_factors, replies_results, replies_run
from agent.conversation.answers_models import on_model
from agent.conversation.answers_start import starting
from agent.conversation.answers_table import leave_out
from agent.conversation.case import Answer, Case
from agent.conversation.replies import answer
from agent.wishes import Wishes
from store import runs
from tools.escape import shorten
from tools.request import EvaluationRequest


def several(case: Case, wish: intents.Several) -> Answer:
    return answer(
        "That is more than one wish, and one is taken at a time. Nothing was done. Which is the first?",
        suggestions=tuple(shorten(part, 120) for part in wish.parts),
    )


def conditional(case: Case, wish: intents.Conditional) -> Answer:
    return answer(
        f"Nothing was done: nobody waits here for “{shorten(wish.condition, 80)}”. Find out first, then say "
        f"“{shorten(wish.command, 80)}” by itself.",
        suggestions=(shorten(wish.command, 120), "show the table", "status"),
    )


def fits_memory(case: Case, wish: intents.FitsMemory) -> Answer:
    if wish.name is None:
        return case.of_run(lambda run: replies_factors.all_that_run_in(run, wish.gigabytes, case.book()))
    return on_model(
        case, wish.name, lambda run, name, known: replies_factors.runs_in(run, name, wish.gigabytes, known)
    )


def extreme(case: Case, wish: intents.Extreme) -> Answer:
    return case.of_run(lambda run: replies_factors.extreme(run, wish.column, case.book(), most=wish.most))


def of_maker(case: Case, wish: intents.OfMaker) -> Answer:
    known = case.book()
    made = replies_factors.made_by(wish.name, known.rows)
    if not wish.leave_out:
        return case.of_run(lambda run: replies_factors.of_maker(run, wish.name, known))
    if made:
        return leave_out(case, intents.LeaveOut(tuple(row.key for row in made)))
    if known.in_table(wish.name):
        return leave_out(case, intents.LeaveOut((wish.name,)))
    return case.of_run(lambda run: replies_factors.nobody_of(run, wish.name, known))


def good_enough(case: Case, wish: intents.GoodEnough) -> Answer:
    return case.of_run(lambda run: replies_results.good_enough(case.session, run, wish.percent))


def smaller(case: Case, _wish: intents.Smaller) -> Answer:
    return answer(
        "By how much? A limit leaves out what is in the table; another size is another run.",
        suggestions=("nothing above 7B", "which is the smallest?", "start over with 4B"),
    )


def pause(case: Case, _wish: intents.Pause) -> Answer:
    state = None if case.run_id is None else views.run_state(case.session, case.run_id, case.clock)
    if state is None or state.status.ended or state.waits_for is not None:
        return answer(
            "Nothing goes on that could be paused."
            if state is None or state.status.ended
            else f"Run {state.id} {state.detail}, for as long as you like.",
            suggestions=case.suggestions(),
        )
    return answer(
        "A run cannot be paused from here: it goes on until it needs you, and waits then. “cancel” ends it "
        "for good. Nothing was done.",
        suggestions=("status", "how long?", "cancel"),
    )


def start_over(case: Case, wish: intents.StartOver) -> Answer:
    """Another run: of the same domain where only a size is named."""
    if not wish.size:
        return replies_run.start_over(case.session, case.run_id, case.clock)
    row = None if case.run_id is None else runs.get(case.session, case.run_id)
    if row is None or row.request is None:
        return answer(
            f"For what are {wish.size} models to be evaluated?",
            suggestions=(f"evaluate {wish.size} models for coding", *replies_run.START[:1]),
        )
    domain = EvaluationRequest.model_validate(row.request).domain
    text = f"evaluate {wish.size} models for {domain}"
    return starting(case, Wishes(text=text), f"Starting: {text}.", sure=False)
