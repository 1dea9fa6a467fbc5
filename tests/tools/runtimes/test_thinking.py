from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.runtimes.thinking import ThinkingSplit, join_thinking, split_thinking, template_can_think

prose = st.text(st.characters(exclude_characters="<[", exclude_categories=("Cs",)), max_size=60)
words = prose.map(str.strip).filter(bool)
TAGS_AND_PIECES = (
    "<think>",
    "</think>",
    "<thinking>",
    "</reasoning>",
    "[THINK]",
    "[/THINK]",
    "<th",
    "ink>",
    "<|end|>",
    "<|channel|>analysis<|message|>",
    "<|channel|>final<|message|>",
    "<|start|>assistant",
    "<|chan",
)
tags = st.sampled_from(["think", "thinking", "reasoning", "THINK"])
noise = st.lists(
    st.one_of(
        prose,
        st.sampled_from(TAGS_AND_PIECES),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("<think>hm</think>Yes.", ThinkingSplit("Yes.", "hm", True)),
        ("<think>\n\n</think>\n\nYes.", ThinkingSplit("Yes.", None, True)),
        ("<think>I wonder", ThinkingSplit("", "I wonder", False)),
        ("Well. <think>I wonder", ThinkingSplit("", "Well.\nI wonder", False)),
        ("I wonder</think>Yes.", ThinkingSplit("Yes.", "I wonder", True)),
        ("I wonder</think>", ThinkingSplit("", "I wonder", True)),
        ("<thinking>hm</thinking>Yes.", ThinkingSplit("Yes.", "hm", True)),
        ("<reasoning>hm</reasoning>Yes.", ThinkingSplit("Yes.", "hm", True)),
        ("<think>hm</thinking>Yes.", ThinkingSplit("Yes.", "hm", True)),
        ("[THINK]hm[/THINK]Yes.", ThinkingSplit("Yes.", "hm", True)),
        ("<think>use <think> tags</think>Yes.", ThinkingSplit("Yes.", "use \ntags", True)),
        ("<think>a<think>b</think>c</think>Yes.", ThinkingSplit("Yes.", "a\nb\nc", True)),
        ("<think>hm</think>Yes.</think>", ThinkingSplit("Yes.", "hm", True)),
        ("<think>a</think>One.<think>b</think>Two.", ThinkingSplit("One.\nTwo.", "a\nb", True)),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            ThinkingSplit("Yes.", "hm", True),
        ),
        ("<|channel|>analysis<|message|>hm", ThinkingSplit("", "hm", False)),
        ("<|channel|>final<|message|><think>hm</think>Yes.", ThinkingSplit("Yes.", "hm", True)),
    ],
)
def test_each_form_of_thinking_is_separated(reply: str, expected: ThinkingSplit) -> None:
    split = split_thinking(reply)
    assert split.text == expected.text
    assert (split.thinking or "").split() == (expected.thinking or "").split()
    assert split.closed == expected.closed


@given(prose)
@settings(max_examples=50)
def test_text_without_tags_is_returned_as_it_is(text: str) -> None:
    assert split_thinking(text) == ThinkingSplit(text, None, True)


@given(tags, words, words)
@settings(max_examples=50)
def test_a_closed_block_never_reaches_the_answer(tag: str, thoughts: str, answer: str) -> None:
    assert split_thinking(f"<{tag}>{thoughts}</{tag}>{answer}") == ThinkingSplit(answer, thoughts, True)
    assert split_thinking(f"{thoughts}</{tag}>{answer}") == ThinkingSplit(answer, thoughts, True)


@given(tags, words)
@settings(max_examples=50)
def test_unfinished_thoughts_leave_no_answer(tag: str, thoughts: str) -> None:
    assert split_thinking(f"<{tag}>{thoughts}") == ThinkingSplit("", thoughts, False)


@given(noise)
@settings(max_examples=200)
def test_an_answer_contains_no_tags_and_splitting_it_again_changes_nothing(text: str) -> None:
    split = split_thinking(text)
    assert split_thinking(split.text) == ThinkingSplit(split.text, None, True)
    assert split.closed or not split.text


def test_thoughts_that_the_server_separated_are_kept_beside_our_own() -> None:
    assert join_thinking("<think>b</think> Yes. ", "a") == ThinkingSplit("Yes.", "a\nb", True)
    assert join_thinking("\n\nYes.", None) == ThinkingSplit("Yes.", None, True)
    assert join_thinking("Yes.", "") == ThinkingSplit("Yes.", None, True)


def test_a_template_shows_whether_it_can_think() -> None:
    assert template_can_think("{% if enable_thinking %}…{% endif %}")
    assert template_can_think("assistant\n<think>\n")
    assert not template_can_think("{{ message.content }}")
    assert not template_can_think(None)
