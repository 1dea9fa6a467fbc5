from __future__ import annotations

import pytest

from tools.evaluation import AnswerOutcome, Scenario, SignKind
from tools.hygiene import classify_reply, is_blank, signs
from tools.runtimes.base import ChatReply, RuntimeFault, RuntimeFaultKind

SCENARIO = Scenario(id="s1", topic="t", subtopic="s", style="terse", message="i am so tired of all of it")


def reply(text: str, **fields: object) -> ChatReply:
    return ChatReply.model_validate({"text": text, "seconds": 1.5, "finish_reason": "stop"} | fields)


def test_an_answer_keeps_everything_the_runtime_told() -> None:
    answer = classify_reply(
        reply("Hello.", thinking="hm", prompt_tokens=9, completion_tokens=3, first_token_seconds=0.2),
        None,
        SCENARIO,
    )
    assert answer.outcome is AnswerOutcome.ANSWERED
    assert answer.model_dump() == {
        "scenario_id": "s1",
        "outcome": AnswerOutcome.ANSWERED,
        "text": "Hello.",
        "thinking": "hm",
        "finish_reason": "stop",
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "seconds": 1.5,
        "first_token_seconds": 0.2,
        "detail": "",
    }


@pytest.mark.parametrize("text", ["", "  \n\t", "\u200b\ufeff\u00a0"])
def test_nothing_to_see_is_an_empty_answer(text: str) -> None:
    assert is_blank(text)
    answer = classify_reply(reply(text), None, SCENARIO)
    assert answer.outcome is AnswerOutcome.EMPTY
    assert "no text" in answer.detail


def test_only_thinking_is_an_empty_answer_that_says_so() -> None:
    assert "thinking and no answer" in classify_reply(reply("", thinking="Let me see"), None, SCENARIO).detail


@pytest.mark.parametrize("reason", ["length", "LENGTH", "max_tokens"])
def test_the_token_limit_cuts_off_and_decides_over_empty(reason: str) -> None:
    for text in ("I think that", ""):
        answer = classify_reply(reply(text, finish_reason=reason, completion_tokens=512), None, SCENARIO)
        assert answer.outcome is AnswerOutcome.TRUNCATED
        assert "512" in answer.detail


def test_faults_are_timeouts_or_errors_with_the_runtimes_words() -> None:
    timeout = classify_reply(None, RuntimeFault(RuntimeFaultKind.TIMEOUT, "Too slow."), SCENARIO)
    assert (timeout.outcome, timeout.detail, timeout.text) == (AnswerOutcome.TIMEOUT, "Too slow.", "")
    broken = classify_reply(reply("half"), RuntimeFault(RuntimeFaultKind.BAD_REPLY, "Not JSON."), SCENARIO)
    assert (broken.outcome, broken.detail, broken.text) == (AnswerOutcome.ERROR, "Not JSON.", "")
    assert classify_reply(None, None, SCENARIO).outcome is AnswerOutcome.ERROR


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I hear you. " * 6, SignKind.REPETITION_LOOP),
        ("Well. " + "no " * 15, SignKind.REPETITION_LOOP),
        ("a" * 60, SignKind.REPETITION_LOOP),
        ("That is hard.<|im_end|>", SignKind.TEMPLATE_LEAKAGE),
        ("That is hard. [/INST] More", SignKind.TEMPLATE_LEAKAGE),
        ("That is hard. User: thanks", SignKind.TEMPLATE_LEAKAGE),
        ("<think>The user is sad", SignKind.THINKING_LEAKAGE),
        ("and so on</think>That is hard.", SignKind.THINKING_LEAKAGE),
        ("I'm sorry, but I can't help with that.", SignKind.REFUSAL),
        ("As an AI language model, I cannot feel.", SignKind.REFUSAL),
        ("I am so tired of all of it. Yes.", SignKind.ECHO),
    ],
)
def test_signs_of_trouble(text: str, kind: SignKind) -> None:
    found = {sign.kind: sign.detail for sign in signs(text, SCENARIO)}
    assert kind in found
    assert found[kind]


@pytest.mark.parametrize(
    "text",
    [
        "That sounds exhausting. What has been the heaviest part?",
        "No, no, no, that is not your fault. Breathe in, breathe out, breathe in, breathe out.",
        "I can't imagine how hard that is. I won't pretend to know.",
        "I can't help but notice how hard you are on yourself.",
        "1. Sleep\n2. Walk\n3. Talk\n4. Rest",
        "",
    ],
)
def test_ordinary_answers_show_no_signs(text: str) -> None:
    assert signs(text, SCENARIO) == ()
