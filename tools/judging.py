"""The judge: a model's verdicts on one answer, asked for in a fixed form and never filled in for it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

from tools.computed import apply_rule
from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Scenario,
    Usage,
    Verdict,
)
from tools.judge_prompt import build_messages, instructions
from tools.judge_reply import JudgeReplyError, parse_reply, reply_schema
from tools.rubric import Criterion, Rubric
from tools.runtimes.base import ChatReply, ChatRequest, Message, RuntimeFault, RuntimeFaultKind

COMPUTED = "computed"
"""Judge of the criteria that a rule decides."""
MAX_JUDGED_CHARACTERS = 12_000
"""Message and answer together; longer ones are not judged, they would not fit beside the rubric."""
_TOKENS_FOR_TEXTS = MAX_JUDGED_CHARACTERS // 3
_OF_THIS_CALL = frozenset({RuntimeFaultKind.BAD_REPLY, RuntimeFaultKind.TIMEOUT, RuntimeFaultKind.REFUSED})
"""Faults that belong to one judgement. The others belong to the server and are raised, so that a run stops
and can be resumed, instead of recording fifty judge errors."""

Chat = Callable[[ChatRequest], Awaitable[ChatReply]]


def context_needed(rubric: Rubric) -> int:
    """Tokens of context for a judge: one number a rubric, so that no server reloads between two answers."""
    characters = len(instructions(rubric))
    tokens = characters // 3 + _TOKENS_FOR_TEXTS + _reply_tokens(len(rubric.judged))
    return -(-tokens // 2048) * 2048


def computed_verdicts(rubric: Rubric, scenario: Scenario, answer_text: str) -> tuple[CriterionVerdict, ...]:
    """Verdicts of the criteria that rules decide."""
    found: list[CriterionVerdict] = []
    for criterion in rubric.computed:
        if criterion.rule is None:
            raise ValueError(f"the computed criterion {criterion.id} has no rule")
        ruling = apply_rule(criterion.rule, scenario.message, answer_text)
        found.append(
            CriterionVerdict(
                criterion=criterion.id, verdict=ruling.verdict, reason=ruling.reason, judge=COMPUTED
            )
        )
    return tuple(found)


async def judge_answer(
    chat: Chat,
    rubric: Rubric,
    scenario: Scenario,
    answer: Answer,
    *,
    judge: str,
    reasks: int = 1,
    per_criterion: bool = False,
) -> Assessment:
    """The assessment of one answer: computed criteria by rule, judged ones in one call of ``chat``.

    With ``per_criterion`` each judged criterion has a call of its own, one after the other, so that a server
    that keeps prefixes reads only the criterion anew.

    An answer that is not ANSWERED gives NO_ANSWER without a call. A reply that breaks the form is asked for
    again ``reasks`` times, naming what was wrong; then the outcome is JUDGE_ERROR, with the verdicts that
    there are. Raises RuntimeFault when the judge's server, not this judgement, is in trouble.
    """
    if answer.outcome is not AnswerOutcome.ANSWERED:
        return unanswered(answer)
    return await judge_text(
        chat, rubric, scenario, answer.text, judge=judge, reasks=reasks, per_criterion=per_criterion
    )


def unanswered(answer: Answer) -> Assessment:
    """The assessment of an answer that nobody can judge."""
    outcome = answer.outcome.value
    return Assessment(
        scenario_id=answer.scenario_id,
        outcome=AssessmentOutcome.NO_ANSWER,
        detail=f"{outcome[:1].upper()}{outcome[1:]}. {answer.detail}".strip(),
    )


async def judge_text(
    chat: Chat,
    rubric: Rubric,
    scenario: Scenario,
    text: str,
    *,
    judge: str,
    reasks: int = 1,
    per_criterion: bool = False,
) -> Assessment:
    """:func:`judge_answer` for a bare text, empty ones included; what the preflight uses."""
    verdicts = list(computed_verdicts(rubric, scenario, text))
    if not rubric.judged:
        return assessment_of(rubric, scenario.id, verdicts)
    if len(text) + len(scenario.message) > MAX_JUDGED_CHARACTERS:
        too_long = "Message and answer are too long to be judged."
        return assessment_of(rubric, scenario.id, verdicts, error=too_long)
    calls = _Calls(chat, rubric, scenario, text, judge, reasks)
    errors: list[str] = []
    for criterion in rubric.judged if per_criterion else (None,):
        try:
            verdicts += await calls.verdicts(criterion)
        except JudgeReplyError as error:
            errors.append(f"{criterion.id}: {error.violation}" if criterion else error.violation)
    usage = total_usage(calls.usages)
    return assessment_of(rubric, scenario.id, verdicts, error=" ".join(errors), usage=usage)


def assessment_of(
    rubric: Rubric,
    scenario_id: str,
    verdicts: Iterable[CriterionVerdict],
    *,
    error: str = "",
    usage: Usage | None = None,
) -> Assessment:
    """The assessment that ``verdicts`` make, in the rubric's order; an ``error`` makes it a JUDGE_ERROR."""
    by_id = {verdict.criterion: verdict for verdict in verdicts}
    ordered = tuple(by_id[identifier] for identifier in rubric.ids if identifier in by_id)
    unclear = [v.criterion for v in ordered if v.verdict is Verdict.CANNOT_ASSESS]
    outcome, detail = AssessmentOutcome.MEASURED, ""
    if error:
        outcome, detail = AssessmentOutcome.JUDGE_ERROR, error
    elif unclear:
        outcome = AssessmentOutcome.CANNOT_ASSESS
        detail = f"The judge could not assess {', '.join(unclear)}."
    return Assessment(scenario_id=scenario_id, outcome=outcome, verdicts=ordered, detail=detail, usage=usage)


def total_usage(usages: Iterable[Usage]) -> Usage:
    """What several calls cost together; tokens are of the calls that told, None when none did."""
    known = list(usages)

    def tokens(of: Callable[[Usage], int | None]) -> int | None:
        told = [n for usage in known if (n := of(usage)) is not None]
        return sum(told) if told else None

    return Usage(
        calls=sum(usage.calls for usage in known),
        prompt_tokens=tokens(lambda usage: usage.prompt_tokens),
        cached_tokens=tokens(lambda usage: usage.cached_tokens),
        completion_tokens=tokens(lambda usage: usage.completion_tokens),
        seconds=sum(usage.seconds for usage in known),
    )


class _Calls:
    """The calls on one answer, and what they cost."""

    def __init__(
        self, chat: Chat, rubric: Rubric, scenario: Scenario, text: str, judge: str, reasks: int
    ) -> None:
        self._chat, self._rubric, self._scenario, self._text = chat, rubric, scenario, text
        self._judge, self._reasks = judge, reasks
        self.usages: list[Usage] = []

    async def verdicts(self, criterion: Criterion | None) -> tuple[CriterionVerdict, ...]:
        """On ``criterion`` or on all; :class:`JudgeReplyError` when the last re-ask did not help either."""
        criteria = self._rubric.judged if criterion is None else (criterion,)
        asked = build_messages(self._rubric, self._scenario, self._text, criterion)
        messages = asked
        for left in range(self._reasks, -1, -1):
            reply = await self._reply(_request(self._rubric, criteria, messages))
            try:
                return _read(reply, criteria, self._judge, asked[1].content)
            except JudgeReplyError as error:
                if not left:
                    raise
                messages = _reask(asked, error.violation)
        raise ValueError("the number of re-asks cannot be negative")

    async def _reply(self, request: ChatRequest) -> ChatReply:
        began = time.perf_counter()
        try:
            reply = await self._chat(request)
        except RuntimeFault as fault:
            if fault.kind not in _OF_THIS_CALL:
                raise
            self.usages.append(Usage(calls=1, seconds=time.perf_counter() - began))
            raise JudgeReplyError(fault.sentence) from None
        usage = Usage(
            calls=1,
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=reply.cached_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
        )
        self.usages.append(usage)
        return reply


def _reply_tokens(criteria: int) -> int:
    return 128 + 110 * criteria


def _request(rubric: Rubric, criteria: tuple[Criterion, ...], messages: tuple[Message, ...]) -> ChatRequest:
    return ChatRequest(
        messages=messages,
        context=context_needed(rubric),
        max_tokens=_reply_tokens(len(criteria)),
        temperature=0.0,
        top_p=1.0,
        thinking=False,
        json_schema=reply_schema(criteria),
    )


def _reask(messages: tuple[Message, ...], violation: str) -> tuple[Message, ...]:
    """The same question with what was wrong, in two messages still: many templates want turns to alternate.

    The broken reply is not shown back, a small model would copy it.
    """
    system, task = messages
    again = (
        f"Your last reply could not be used. {violation} Judge again and reply with the JSON object alone."
    )
    return system, task.model_copy(update={"content": f"{task.content}\n\n{again}"})


def _read(
    reply: ChatReply, criteria: tuple[Criterion, ...], judge: str, task: str
) -> tuple[CriterionVerdict, ...]:
    if reply.finish_reason == "length":
        raise JudgeReplyError("The reply was cut off; keep each reason to one short sentence.")
    if reply.thinking and not reply.text.strip():
        raise JudgeReplyError("The reply held thoughts and no JSON object.")
    return parse_reply(reply.text, criteria, judge, judged=task)
