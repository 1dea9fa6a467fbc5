"""From an intent to an answer, an offer within an answer, or an action that is done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.conversation import (
    answers_asked,
    answers_facts,
    answers_models,
    answers_review,
    answers_run,
    answers_shown,
    answers_start,
    answers_table,
    answers_wishes,
    answers_yes_no,
    intents,
)
from agent.conversation.case import Answer, Case
from agent.conversation.intents import Intent
from store import runs


def answer_to(intent: Intent, case: Case) -> Answer:
    """The answer to one message; reads rows and writes none."""
    if case.run_id is not None:
        case = case._replace(run_id=runs.get(case.session, case.run_id).id)
    return _HANDLERS[type(intent)](case, intent)


_HANDLERS: dict[type[Intent], Callable[[Case, Any], Answer]] = {
    intents.Start: answers_start.start,
    intents.StartModelOrSize: answers_start.model_or_size,
    intents.ModelWithoutDomain: answers_start.without_domain,
    intents.Replay: answers_start.replay,
    intents.Answers: answers_asked.answers,
    intents.Yes: answers_yes_no.yes,
    intents.No: answers_yes_no.no,
    intents.Held: answers_shown.held,
    intents.Help: answers_shown.told_help,
    intents.Pleasantry: answers_shown.pleasantry,
    intents.Why: answers_models.why,
    intents.WhyProposal: answers_models.why_proposal,
    intents.About: answers_models.about,
    intents.HowGood: answers_models.how_good,
    intents.Musing: answers_shown.musing,
    intents.StartOver: answers_wishes.start_over,
    intents.Several: answers_wishes.several,
    intents.Conditional: answers_wishes.conditional,
    intents.FitsMemory: answers_wishes.fits_memory,
    intents.Extreme: answers_wishes.extreme,
    intents.OfMaker: answers_wishes.of_maker,
    intents.GoodEnough: answers_wishes.good_enough,
    intents.Smaller: answers_wishes.smaller,
    intents.Pause: answers_wishes.pause,
    intents.Compare: answers_models.compare,
    intents.Look: answers_wishes.look,
    intents.Licences: answers_wishes.licences,
    intents.OtherRun: answers_wishes.other_run,
    intents.Only: answers_table.only,
    intents.Add: answers_table.add,
    intents.LeaveOut: answers_table.leave_out,
    intents.More: answers_table.more,
    intents.Approve: answers_table.approve,
    intents.Swap: answers_table.swap,
    intents.Reject: answers_table.reject,
    intents.UseJudge: answers_asked.judge,
    intents.JudgeMyself: answers_asked.judge_myself,
    intents.Resume: answers_run.resume,
    intents.Cancel: answers_run.cancel,
    intents.RunBackup: answers_review.run_backup,
    intents.TryPrompt: answers_review.try_prompt,
    intents.Further: answers_review.further,
    intents.Notes: answers_review.notes,
    intents.NotesAndWish: answers_wishes.notes_and_wish,
    intents.Enough: answers_review.enough,
    intents.Agree: answers_asked.agree,
    intents.Show: answers_facts.show,
    intents.Unknown: answers_shown.unknown,
}
"""What is done about each intent."""
