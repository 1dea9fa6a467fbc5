"""A yes or a no where nothing was offered: to what the run asks."""

from __future__ import annotations

from agent.conversation import intents
from agent.conversation.answers_asked import agree
from agent.conversation.answers_table import approve
from agent.conversation.case import Answer, Case
from agent.conversation.replies import answer
from graphs.prompts import ApprovalPrompt, ScenariosAgreement, ScenariosPrompt


def yes(case: Case, _wish: intents.Yes) -> Answer:
    if case.asks(ScenariosPrompt):
        return case.reply(ScenariosAgreement(agree=True, by=case.by), "The drafted scenarios are used.")
    if case.asks(ApprovalPrompt):
        return approve(case, intents.Approve())
    return answer("Yes to what? Nothing waits for a yes.", suggestions=case.suggestions())


def no(case: Case, _wish: intents.No) -> Answer:
    if case.asks(ScenariosPrompt):
        return agree(case, intents.Agree(False))
    return answer("Nothing was done.", suggestions=case.suggestions())
