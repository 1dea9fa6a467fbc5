from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evaluation import AnswerOutcome, Scenario, SignKind
from tools.hygiene import classify_reply, is_blank, signs
from tools.runtimes.base import ChatReply, RuntimeFault, RuntimeFaultKind

SCENARIO = Scenario(id="s1", topic="t", subtopic="s", style="terse", message="i am so tired of all of it")


def reply(text: str, **fields: object) -> ChatReply:
    return ChatReply.model_validate({"text": text, "seconds": 1.5, "finish_reason": "stop"} | fields)


def test_an_answer_keeps_everything_the_runtime_told() -> None:
    answer = classify_reply(
        reply(
            "Hello.",
            left_out=("seed",),
            thinking="hm",
            prompt_tokens=9,
            completion_tokens=3,
            first_token_seconds=0.2,
        ),
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
        "max_tokens": None,
        "asked": 1,
        "signs": (),
        "left_out": ("seed",),
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


def kinds(text: str, message: str = SCENARIO.message) -> dict[SignKind, str]:
    return {sign.kind: sign.detail for sign in signs(text, SCENARIO.model_copy(update={"message": message}))}


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_answers_carry_their_signs_and_nothing_else_does(reason: str) -> None:
    answer = classify_reply(reply("That is hard.<|im_end|>", finish_reason=reason), None, SCENARIO)
    assert [sign.kind for sign in answer.signs] == [SignKind.TEMPLATE_LEAKAGE]
    assert classify_reply(reply("  "), None, SCENARIO).signs == ()
    fault = RuntimeFault(RuntimeFaultKind.TIMEOUT, "Too slow.")
    assert classify_reply(reply("x<|im_end|>"), fault, SCENARIO).signs == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I hear you. " * 6, SignKind.REPETITION_LOOP),
        ("Well. " + "no " * 15, SignKind.REPETITION_LOOP),
        ("a" * 60, SignKind.REPETITION_LOOP),
        ("!" * 200, SignKind.REPETITION_LOOP),
        (
            "Fine.\n" + "\n".join(f"{n}. Take a walk by the river" for n in range(1, 9)),
            SignKind.REPETITION_LOOP,
        ),
        ("我很抱歉听到这个消息。" * 8, SignKind.REPETITION_LOOP),
        (
            "It helps to write down what you feel each night before you sleep, then to read it again in the "
            "morning, and to ask yourself whether it is still as true as it was then. " * 3,
            SignKind.REPETITION_LOOP,
        ),
        ("<think>The user is sad", SignKind.THINKING_LEAKAGE),
        ("and so on</think>That is hard.", SignKind.THINKING_LEAKAGE),
        ("analysisThe user is sad.assistantfinalThat is hard.", SignKind.THINKING_LEAKAGE),
        ("Okay, the user is asking for comfort. That is hard.", SignKind.THINKING_LEAKAGE),
        ("[THINK]hm[/THINK] That is hard.", SignKind.THINKING_LEAKAGE),
        ("I'm sorry, but I can't help with that.", SignKind.REFUSAL),
        ("I’m sorry, but I can’t assist with that request.", SignKind.REFUSAL),
        ("I am unable to provide that.", SignKind.REFUSAL),
        ("As an AI language model, I cannot feel.", SignKind.REFUSAL),
        (
            "Es tut mir leid, dabei kann ich dir leider nicht helfen. Damit kann ich dir nicht helfen.",
            SignKind.REFUSAL,
        ),
        ("Lo siento, pero no puedo ayudar con eso.", SignKind.REFUSAL),
        ("抱歉，我无法提供这方面的帮助。", SignKind.REFUSAL),
        ("I am so tired of all of it. Yes.", SignKind.ECHO),
    ],
)
def test_signs_of_trouble(text: str, kind: SignKind) -> None:
    assert kinds(text).get(kind)


@pytest.mark.parametrize(
    "text",
    [
        "That is hard.<|im_end|>",
        "That is hard.<|im_end|>\n<|im_start|>user\nthanks",
        "That is hard.<|eot_id|><|start_header_id|>assistant<|end_header_id|>",
        "<|begin_of_text|>That is hard.",
        "That is hard.<end_of_turn>\n<start_of_turn>model",
        "That is hard.<turn|>",
        "That is hard. [/INST] More",
        "[INST] <<SYS>> hm <</SYS>>",
        "That is hard.</s>",
        "<s> That is hard.",
        "That is hard.<|end|><|start|>assistant<|channel|>final<|message|>",
        "That is hard.<|endoftext|>",
        "<|assistant|>\nThat is hard.",
        "That is hard.<｜end▁of▁sentence｜>",
        "<｜User｜>That is hard.",
        "That is hard.[|endofturn|]",
        "That is hard.<|im_en",
        "That is hard.\n\n### Instruction:\nWrite a poem",
        "### Response:\nThat is hard.",
        "assistant\nThat is hard.",
        "That is hard. User: thanks",
        "That is hard.\n\nUser: thanks\nAssistant: you are welcome",
        "That is hard.\nHuman: and now?",
        "ASSISTANT: That is hard.",
        "**User:** thanks",
    ],
)
def test_every_kind_of_template_leaks_visibly(text: str) -> None:
    assert kinds(text).get(SignKind.TEMPLATE_LEAKAGE)


POEM = """Row by row we mend the net,
    and the tide comes in.
Knot by knot, and not done yet,
    and the tide comes in.
Morning, evening, cold and wet,
    and the tide comes in.
All we lose and all we get,
    and the tide comes in."""

TABLE = "| Day | Mood | Sleep |\n|---|---|---|\n" + "| Mon | ok | ok |\n" * 12

CODE = "Try this:\n\n```python\n" + "print('hello', 0, 0, 0, 0)\n" * 12 + "```\n\nIt prints twelve lines."

ORDINARY = [
    "That sounds exhausting. What has been the heaviest part?",
    "No, no, no, that is not your fault. Breathe in, breathe out, breathe in, breathe out.",
    "I can't imagine how hard that is. I won't pretend to know.",
    "I'm sorry, but I can't imagine what that was like for you.",
    "I can't help but notice how hard you are on yourself.",
    "I can't help wondering what he meant to you.",
    "I can't tell you how sorry I am.",
    'You could say: "I\'m sorry, but I can\'t help with that today." That is a whole sentence.',
    "1. Sleep\n2. Walk\n3. Talk\n4. Rest",
    "",
    POEM,
    TABLE,
    CODE,
    "Section one\n" + "=" * 70 + "\nSome text here.\n" + "-" * 80,
    "The sum is 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 = 20.",
    "$$\\begin{pmatrix} " + "a & a & a & a \\\\ " * 4 + "\\end{pmatrix}$$ is singular.",
    "A googol is 1" + "0" * 100 + ".",
    "Rain on the roof, rain on the stone, rain on the road that leads you home.",
    "We will, we will rock you! We will, we will rock you!",
    "In HTML write `<s>old</s>` for a line through the text, and `<|im_end|>` ends a turn.",
    "```fsharp\nlet y = f <| x |> g\n```\nThe operators cancel out.",
    "Here is an example of such a talk:\n\nUser: Where is my order?\nAssistant: Let me look.",
    "Host: localhost\nUser: root\nPort: 5432",
    "## Instructions\nMix the flour and the eggs.",
    "The user interface is slow because the query runs twice.",
    "Think of it as a model: nothing more, and nothing less.",
    "I think the assistant: a patient one, would help.",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_answers_show_no_signs(text: str) -> None:
    assert kinds(text) == {}


def test_what_the_message_brings_is_no_leakage() -> None:
    asked = "what does <|im_start|> mean, and </think>?"
    assert kinds("<|im_start|> begins a turn, </think> ends the thinking.", asked) == {}
    dialogue = "Write a short dialogue between a user and an assistant"
    assert kinds("User: Hello.\nAssistant: Good morning.", dialogue) == {}


GERMAN = "Das klingt sehr anstrengend. Was war für dich das Schwerste an dieser Woche?"
FRENCH = "Ça doit être très dur pour vous. Qu'est-ce qui vous a le plus pesé cette semaine ?"


@pytest.mark.parametrize(
    ("message", "text", "wrong"),
    [
        (SCENARIO.message, GERMAN, True),
        ("ich kann seit wochen nicht mehr schlafen und weiß nicht warum", FRENCH, True),
        (
            "ich kann seit wochen nicht mehr schlafen und weiß nicht warum",
            "我很抱歉听到这个消息，你还好吗？",
            True,
        ),
        ("ich kann seit wochen nicht mehr schlafen und weiß nicht warum", GERMAN, False),
        ("How would you say that to me in German?", GERMAN, False),
        ("Please translate: I am so tired of all of it", GERMAN, False),
        (
            "Summarise this: " + GERMAN,
            "That sounds hard. It was the hardest part of the week for you.",
            False,
        ),
        ("hm", GERMAN, False),
        (SCENARIO.message, "Ja, klar.", False),
        (SCENARIO.message, f"I hear you. In the words of a friend of mine: {GERMAN} {GERMAN}", False),
        (
            "jeg kan ikke sove og jeg ved ikke hvorfor",
            "Det høres veldig tungt ut. Hva har vært vanskeligst?",
            False,
        ),
        (SCENARIO.message, "```\nder die das und ist in den von zu mit\n```", False),
    ],
)
def test_a_wrong_language_is_said_only_where_both_are_sure(message: str, text: str, wrong: bool) -> None:
    found = kinds(text, message)
    assert (SignKind.WRONG_LANGUAGE in found) is wrong, found
    if wrong:
        assert "the answer in" in found[SignKind.WRONG_LANGUAGE]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.from_regex(r"[a-z]{2,8}", fullmatch=True), min_size=3, max_size=40, unique=True),
    st.integers(15, 30),
)
def test_any_stretch_that_is_said_over_and_over_is_a_loop(stretch: list[str], times: int) -> None:
    assert SignKind.REPETITION_LOOP in kinds("Well then: " + " ".join(stretch * times))
    assert SignKind.REPETITION_LOOP not in kinds(" ".join(stretch * 2))


@pytest.mark.parametrize(
    "hostile",
    [
        "<|" * 12_000,
        "$$" * 9_000,
        "```\n" * 6_000,
        '"' * 24_000,
        "a b " * 9_000,
        "User:" * 8_000,
        "| " * 20_000,
    ],
)
def test_hostile_texts_are_read_once(hostile: str) -> None:
    assert len(kinds(hostile * 20)) <= 6
