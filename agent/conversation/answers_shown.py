"""What was not understood, and what is said to greetings, pauses and second thoughts."""

from __future__ import annotations

from agent.conversation import intents, replies_run
from agent.conversation.case import Answer, Case
from agent.conversation.intents import Intent
from agent.conversation.replies import answer


def told_help(case: Case, _wish: intents.Help) -> Answer:
    return replies_run.help_now(case.session, case.run_id, case.clock)


def pleasantry(case: Case, wish: intents.Pleasantry) -> Answer:
    text = "You are welcome." if wish.thanks else "Hello. Which models shall be evaluated, and for what?"
    return answer(text, suggestions=case.suggestions())


def held(case: Case, wish: intents.Held) -> Answer:
    return answer(f"Understood as “not {wish.verb}”: nothing was done.", suggestions=case.suggestions())


def musing(case: Case, _wish: intents.Musing) -> Answer:
    return replies_run.musing(case.session, case.run_id, case.clock)


def unknown(case: Case, wish: Intent) -> Answer:
    german = isinstance(wish, intents.Unknown) and wish.german
    return replies_run.not_understood(case.session, case.run_id, case.clock, text=case.text, german=german)
