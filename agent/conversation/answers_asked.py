"""Answers to what a run asks before and beside the table: of the request, the scenarios and the judge."""

from __future__ import annotations

from agent.conversation import intents
from agent.conversation.answers_shown import unknown
from agent.conversation.case import Answer, Case
from agent.conversation.narrate import question_said, use_judge
from agent.conversation.offers import offer_reply
from agent.conversation.replies import answer, view
from agent.wishes import check_name
from graphs.prompts import (
    JudgeChoice,
    JudgePrompt,
    LabelsPrompt,
    RequestAnswer,
    RequestPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from tools.faults import WrongUse
from tools.panel import HUMAN


def answers(case: Case, wish: intents.Answers) -> Answer:
    question = case.question
    if question is None or not isinstance(question.prompt, RequestPrompt):
        return unknown(case, wish)
    from agent.intake import complaint_about

    complaints = [
        why for name, words in wish.answers.items() if (why := complaint_about(name, words)) is not None
    ]
    if complaints:
        asked = question_said(case.session, case.run_id or "", question.prompt)
        return answer(" ".join(complaints), asked.text, suggestions=asked.extras.suggestions)
    if wish.insist is not None:
        told = "Run it all the same." if wish.insist else "No run, then."
    else:
        told = "; ".join(f"{name}: {words}" for name, words in wish.answers.items()) + "."
    return case.reply(RequestAnswer(answers=wish.answers, insist=wish.insist), told)


def agree(case: Case, wish: intents.Agree) -> Answer:
    if not case.asks(ScenariosPrompt):
        return case.not_asked("drafted scenarios")
    if wish.yes:
        return case.reply(ScenariosAgreement(agree=True, by=case.by), "The drafted scenarios are used.")
    assert case.run_id is not None
    assert case.question is not None
    return offer_reply(
        case.run_id,
        case.question,
        ScenariosAgreement(agree=False, by=case.by),
        "Refuse the drafted scenarios; the run ends, since there is nothing else to ask the model.",
    )


def judge(case: Case, wish: intents.UseJudge) -> Answer:
    if case.question is None or not isinstance(case.question.prompt, JudgePrompt):
        return case.not_asked("a judge")
    prompt = case.question.prompt
    name = wish.judge or prompt.judge
    if not name:
        return answer(
            f"Which model? For example: {use_judge(case.session, case.run_id)}.",
            suggestions=(use_judge(case.session, case.run_id), "I judge myself"),
        )
    if name.partition(":")[0] not in {"ollama", "openai", "llamacpp"}:
        return answer(
            f"A judge is named provider:model; is it ollama:{name}?",
            suggestions=(f"use ollama:{name} as judge", "I judge myself"),
        )
    try:
        check_name(name)
    except WrongUse as wrong:
        return answer(wrong.sentence, wrong.next_step, suggestions=("I judge myself",))
    insist = wish.insist and name == prompt.judge and prompt.usable
    told = (
        f"{name} judges, in spite of what speaks against it."
        if insist
        else f"{name} is noted as the judge; whether it can judge is checked next."
    )
    return case.reply(JudgeChoice(judge=name[:200], insist=insist, by=case.by), told)


def judge_myself(case: Case, _wish: intents.JudgeMyself) -> Answer:
    if case.asks(LabelsPrompt):
        assert case.run_id is not None
        return answer(
            "Here they are.",
            links=(view(case.run_id, "labels", "the labels"),),
            suggestions=("go on", "enough labels"),
        )
    if not case.asks(JudgePrompt):
        return case.not_asked("a judge")
    return case.reply(JudgeChoice(judge=HUMAN, by=case.by), "You judge the answers yourself.")
