"""Context lengths in the words of a card, all lines read together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.context_words import EXTENDING, lengths_in, read_lengths
from tools.facts import Factor


def read(text: str, candidate: str = "org/Model-8B") -> tuple[list[int], list[int]]:
    lengths = [length for line in text.splitlines() for length in lengths_in(line, candidate)]
    found = read_lengths(lengths, extends=EXTENDING.search(text) is not None)
    native = [one.tokens for one in found if one.factor is Factor.CONTEXT_NATIVE]
    return native, [one.tokens for one in found if one.factor is Factor.CONTEXT_EXTENDED]


CARDS = [
    (
        "- Context Length: 32,768 natively and [131,072 tokens with YaRN](#x).",
        "Qwen/Qwen3-8B",
        [32768],
        [131072],
    ),
    (
        "- Context Length: Full 131,072 tokens and generation 8192 tokens\n"
        "The current `config.json` is set for context length up to 32,768 tokens.\n"
        "To handle extensive inputs exceeding 32,768 tokens, we utilize YaRN.",
        "Qwen/Qwen2.5-7B-Instruct",
        [32768],
        [131072],
    ),
    ("- Context Length: **262,144 natively**.", "Qwen/Qwen3-4B-Instruct-2507", [262144], []),
    ("Trained with a **128k context window**", "mistralai/Mistral-Nemo-Instruct-2407", [131072], []),
    (
        "Released with a 128k context length, with interleaved sliding-window attention pattern",
        "mistralai/Ministral-8B-Instruct-2410",
        [131072],
        [],
    ),
    ("| Context length | 128k |", "meta-llama/Llama-3.1-8B-Instruct", [131072], []),
    (
        "Total input context of 128K tokens for the 4B, 12B, and 27B sizes, and 32K tokens for the 1B size",
        "google/gemma-3-4b-it",
        [131072],
        [],
    ),
    (
        "Total input context of 128K tokens for the 4B, 12B, and 27B sizes, and 32K tokens for the 1B size",
        "google/gemma-3-1b-it",
        [32768],
        [],
    ),
    (
        "MiniCPM4.1 natively supports context lengths of up to 65,536(64k) tokens.\n"
        "Longer inputs: the context length can be extended to 131,072 with longrope.",
        "openbmb/MiniCPM4.1-8B",
        [65536],
        [131072],
    ),
    (
        "By default, Apertus supports a context length up to 65,536 tokens.",
        "swiss-ai/Apertus-8B",
        [65536],
        [],
    ),
    ("Context length: 65,536\nIts context window is 128K.", "org/Model-8B", [65536, 131072], []),
    (
        "We evaluated at a context length of 8,192. It natively has a context length of 32,768.",
        "o/M",
        [32768],
        [],
    ),
    ("Released in 2024 with a context of 8K tokens.", "org/Model-8B", [8192], []),
    ("It was trained on 15,000,000 tokens.", "org/Model-8B", [], []),
]


@pytest.mark.parametrize(("text", "candidate", "native", "extended"), CARDS)
def test_cards_of_real_wording(text: str, candidate: str, native: list[int], extended: list[int]) -> None:
    assert read(text, candidate) == (native, extended)


def test_the_rule_is_told() -> None:
    lines = ("Context length: 131,072.", "Its native context length is 32,768.")
    lengths = [length for line in lines for length in lengths_in(line, "o/m")]
    assert [one.note for one in read_lengths(lengths, extends=True) if one.tokens == 131072] == [
        "The page calls 32,768 native and speaks of scaling, so this is the extended length."
    ]


WORDS = ("context", "length", "native", "YaRN", "exceeding", "32,768", "128K", "tokens", "4B", ":", ",", "\n")


@given(st.lists(st.sampled_from(WORDS), max_size=20))
def test_any_words_give_believable_lengths(words: list[str]) -> None:
    native, extended = read(" ".join(words))
    assert len(native) <= 3
    assert len(extended) <= 3
    assert all(1024 <= tokens <= 100_000_000 for tokens in (*native, *extended))
