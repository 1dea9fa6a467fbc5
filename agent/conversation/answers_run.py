"""Going on with a run, and ending it."""

from __future__ import annotations

from agent import views
from agent.conversation import intents, replies_run
from agent.conversation.answers_review import enough
from agent.conversation.case import Answer, Case
from agent.conversation.offers import SHALL_I, offer_cancel
from agent.conversation.records import Offer
from agent.conversation.replies import YES_NO, answer
from graphs.prompts import LabelsPrompt
from store.schema import RunStatus


def resume(case: Case, _wish: intents.Resume) -> Answer:
    if case.run_id is None:
        return case.not_asked("anything")
    if case.asks(LabelsPrompt):
        return enough(case, intents.Enough())
    state = views.run_state(case.session, case.run_id, case.clock)
    if views.ran_out(state):
        return answer(
            f"It cannot go on: {state.detail}. A replay holds no more than was recorded, so it would stop "
            "there again.",
            "“cancel” ends this run, and “replay the demo” begins anew.",
            suggestions=case.suggestions(),
        )
    if state.status is RunStatus.STOPPED:
        return Offer(kind="resume", sentence="It goes on.", run_id=case.run_id)
    undecided = any(one.decision.kind.value == "UNDECIDED" for one in state.results)
    if state.status is RunStatus.DONE and undecided:
        offer = Offer(
            kind="resume", sentence="Run more scenarios, as many as would settle it.", run_id=case.run_id
        )
        return answer(
            "The run is done, and undecided.",
            SHALL_I,
            offer=offer,
            suggestions=YES_NO,
        )
    return replies_run.status(case.session, case.run_id, case.clock)


def cancel(case: Case, _wish: intents.Cancel) -> Answer:
    if case.run_id is None:
        return case.not_asked("anything")
    state = views.run_state(case.session, case.run_id, case.clock)
    if state.status.ended:
        return answer(
            f"Run {state.id} has ended already: {state.status.value}.",
            suggestions=case.suggestions(),
        )
    return offer_cancel(case.run_id)
