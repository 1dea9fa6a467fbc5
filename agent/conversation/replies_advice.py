"""What to do: in every phase the proposal, the decision, or what is waited for, with reasons and doubts."""

from __future__ import annotations

from agent import views
from agent.conversation import replies_models, replies_results, replies_run
from agent.conversation.case import Answer, Case
from agent.conversation.narrate import question_said
from agent.conversation.records import Said
from agent.conversation.replies import answer, items, view
from agent.conversation.steps import said_here
from graphs.prompts import ApprovalPrompt, ReviewPrompt
from store.schema import RunStatus

YOURS = "The decision is yours."


def advice(case: Case) -> Answer:
    return case.of_run(lambda run_id: _advice(case, run_id))


def _advice(case: Case, run_id: str) -> Said:
    state = views.run_state(case.session, run_id, case.clock)
    prompt = None if state.waits_for is None else state.waits_for.prompt
    if isinstance(prompt, ApprovalPrompt):
        said = replies_models.why_proposal(run_id, case.book())
        head = "By what was read I would approve the proposal, with these reasons and doubts. " + YOURS
        text = f"{head}\n\n{said.text}" if prompt.primary else said.text
        return said.model_copy(update={"text": text})
    if prompt is not None and not isinstance(prompt, ReviewPrompt):
        return question_said(case.session, run_id, prompt)
    if state.results:
        return _after(case, run_id)
    if state.status is RunStatus.STOPPED:
        step = "“cancel” ends it." if views.ran_out(state) else "“resume” goes on with it."
        return answer(f"Run {state.id} has stopped: {state.detail}. {step}", suggestions=case.suggestions())
    if state.status.ended:
        return answer(
            f"Run {state.id} {replies_run.standing(state)}. Another request starts a new run.",
            suggestions=replies_run.START,
        )
    return answer(
        f"Nothing waits for you: run {state.id} {replies_run.standing(state)}.",
        "You are asked when it needs you.",
        links=(view(run_id),),
        suggestions=case.suggestions(),
    )


def _after(case: Case, run_id: str) -> Said:
    """The decision, and the next steps of the report."""
    from agent.report_view import report_data
    from tools.report.next_steps import plan
    from tools.report.tally import tally
    from tools.review import review_sample

    said = replies_results.result(case.session, run_id)
    data, told = report_data(case.session, run_id, case.clock), []
    for model in data.models:
        reading = [pick.row for pick in review_sample(model.rows, model.rubric, disagreeing=model.disputed)]
        steps = [said_here(step.text, run_id)[0] for step in plan(data, model, tally(model), reading).steps]
        told.append(f"Next, for the {model.role} model:\n{items(steps)}" if steps else "")
    return answer(
        said.text,
        *told,
        YOURS,
        links=said.extras.links,
        suggestions=("what failed most?", "can I trust the judge?", *case.suggestions()[:3]),
    )


def tuning(case: Case) -> Answer:
    return case.of_run(lambda run_id: _tuning(case, run_id))


def _tuning(case: Case, run_id: str) -> Said:
    from tools.report.next_steps import FINE_TUNE_EXAMPLES, FULL_PIPELINE_EXAMPLES

    few, many = FINE_TUNE_EXAMPLES, FULL_PIPELINE_EXAMPLES
    return answer(
        "What a fine-tune costs is not estimated by this program: no source here tells the price of a "
        "machine or of people's time.",
        "What is known is how much data is a usual beginning, and most of the cost is writing it:\n"
        + items(
            (
                f"a fine-tune: {few[0]:,} to {few[1]:,} training examples",
                f"the full pipeline: {many[0]:,} to {many[1]:,} reviewed examples",
            )
        ),
        links=(view(run_id, "report", "the report"),) if views.result_views(case.session, run_id) else (),
        suggestions=("what does it cost to run?", "what should I do next?"),
    )
