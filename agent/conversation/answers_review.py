"""The review of a result, and the end of the labelling."""

from __future__ import annotations

from collections.abc import Callable

from agent.conversation import intents
from agent.conversation.case import Answer, Case
from agent.conversation.offers import offer_reply
from agent.conversation.records import Said
from agent.conversation.replies import answer
from graphs.prompts import Labelled, LabelsPrompt, Review, ReviewPrompt
from store import evaluation, research, runs


def notes(case: Case, wish: intents.Notes) -> Answer:
    def put(prompt: ReviewPrompt) -> Answer:
        review = Review(notes=wish.text[:20_000], by=case.by)
        told = "Your notes go into the document." if wish.text else "The review ends without notes."
        can = [
            *((f"the backup {prompt.backup} could be run",) if prompt.backup else ()),
            *((f"{prompt.further} further scenarios could settle the decision",) if prompt.further else ()),
            *(
                (f"{prompt.failures} failures could be asked again under a better prompt",)
                if prompt.failures
                else ()
            ),
        ]
        if not can:
            return case.reply(review, told)
        return _offer_review(case, review, f"{told} That ends the review.", f"Before it {'; '.join(can)}.")

    return _review(case, put)


def run_backup(case: Case, _wish: intents.RunBackup) -> Answer:
    def put(prompt: ReviewPrompt) -> Answer:
        if prompt.backup is None:
            return answer(_why_no_backup(case, prompt), suggestions=case.suggestions())
        return _offer_review(
            case, Review(run_backup=True, by=case.by), f"Pull and evaluate the backup, {prompt.backup}."
        )

    return _review(case, put)


def _why_no_backup(case: Case, prompt: ReviewPrompt) -> str:
    from graphs.nodes.approve import newest_approval

    assert case.run_id is not None
    approved = newest_approval(research.approvals(case.session, case.run_id))
    backup = "" if approved is None else approved.backup
    if prompt.role == "backup" or "backup" in evaluation.roles(case.session, case.run_id):
        return "The backup has been run already."
    if not backup:
        return "No backup was approved, so there is none to run."
    if runs.get(case.session, case.run_id).options.get("story") is not None:
        return (
            f"The backup, {backup}, is approved, but this is a replay, and the recorded story has no answers "
            "of it. A live run could evaluate it."
        )
    return f"The backup, {backup}, cannot be run from here."


def try_prompt(case: Case, _wish: intents.TryPrompt) -> Answer:
    def put(prompt: ReviewPrompt) -> Answer:
        if not prompt.failures:
            return answer("There are no failures that could be asked again.", suggestions=case.suggestions())
        sentence = (
            f"Ask {prompt.failures} failures again, under an improved system prompt and under the same one."
        )
        return _offer_review(case, Review(try_prompt=True, by=case.by), sentence)

    return _review(case, put)


def further(case: Case, wish: intents.Further) -> Answer:
    def put(prompt: ReviewPrompt) -> Answer:
        number = wish.count or prompt.further
        if not number:
            return answer(
                "How many? For example: run 50 more scenarios.", suggestions=("run 50 more scenarios",)
            )
        if number > 5000:
            return answer("At most 5000 at a time.", suggestions=("run 50 more scenarios",))
        return _offer_review(
            case, Review(further=number, by=case.by), f"Run {number} more scenarios, then decide anew."
        )

    return _review(case, put)


def enough(case: Case, _wish: intents.Enough) -> Answer:
    if case.question is None or not isinstance(case.question.prompt, LabelsPrompt):
        return case.not_asked("labels")
    from graphs.labels import without_verdict

    assert case.run_id is not None
    left = without_verdict(case.session, case.run_id, case.question.prompt.role)
    if not left:
        return case.reply(Labelled(by=case.by), "Every answer has its verdict.")
    return offer_reply(
        case.run_id,
        case.question,
        Labelled(enough=True, by=case.by),
        f"Go on without verdicts on {left} answers; they count as unmeasured.",
    )


def _review(case: Case, what: Callable[[ReviewPrompt], Answer]) -> Answer:
    if case.question is None or not isinstance(case.question.prompt, ReviewPrompt):
        return case.not_asked("a review")
    return what(case.question.prompt)


def _offer_review(case: Case, review: Review, sentence: str, *more: str) -> Said:
    assert case.run_id is not None
    assert case.question is not None
    return offer_reply(case.run_id, case.question, review, sentence, *more)
