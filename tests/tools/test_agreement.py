"""What says the same is no contradiction; what differs is one."""

from __future__ import annotations

import pytest

from tests.standins.candidate_records import fact, source
from tools.agreement import read_together
from tools.facts import Fact, Factor, SourceKind, Value

KEY = "Qwen/Qwen3-8B"

SAME: list[tuple[Factor, Value, Value]] = [
    (Factor.CONTEXT_NATIVE, 131_072, 128_000),
    (Factor.CONTEXT_NATIVE, 32_768, 32_000),
    (Factor.CONTEXT_EXTENDED, 1_048_576, 1_000_000),
    (Factor.RELEASE_DATE, "2025-04-29", "2025-04"),
    (Factor.RELEASE_DATE, "2025-04-29", "2025-04-29T08:00:00Z"),
    (Factor.LICENCE, "apache-2.0", "Apache License 2.0"),
    (Factor.LANGUAGES, "en, de", "de,en"),
    (Factor.BASE_MODEL, "Qwen/Qwen3-8B-Base", "qwen/qwen3-8b-base"),
    (Factor.DOWNLOADS, 10, 20_000),
    (Factor.LAST_MODIFIED, "2025-04-29", "2026-04-29"),
]
DIFFERENT: list[tuple[Factor, Value, Value]] = [
    (Factor.CONTEXT_NATIVE, 32_768, 40_960),
    (Factor.CONTEXT_NATIVE, 131_072, 1_024_000),
    (Factor.CONTEXT_NATIVE, 32_768, 131_072),
    (Factor.CONTEXT_NATIVE, 128_000, 130_000),
    (Factor.PARAMETERS, 7_996_156_490, 4_000_000_000),
    (Factor.RELEASE_DATE, "2025-04-29", "2025-04-28"),
    (Factor.LICENCE, "mit", "llama3.1"),
    (Factor.ARCHITECTURE_FOCUS, "chat", "reasoning"),
    (Factor.LANGUAGES, "en", "en, de"),
]


def values(factor: Factor, one: Value, other: Value) -> tuple[Fact, Fact]:
    elsewhere = source("https://else.example/", kind=SourceKind.THIRD_PARTY)
    return fact(KEY, factor, one), fact(KEY, factor, other, elsewhere)


@pytest.mark.parametrize(("factor", "one", "other"), SAME)
def test_the_same_said_differently_is_no_contradiction(factor: Factor, one: Value, other: Value) -> None:
    pair = values(factor, one, other)
    assert read_together(pair)[factor].settled.contradicting == ()


@pytest.mark.parametrize(("factor", "one", "other"), DIFFERENT)
def test_what_differs_is_kept_beside_the_value_displayed(factor: Factor, one: Value, other: Value) -> None:
    pair = values(factor, one, other)
    read = read_together(pair)[factor]
    assert read.settled == (pair[0], (pair[1],))
    assert read.otherwise == ()


def test_another_way_of_saying_it_is_shown_except_for_counters() -> None:
    pair = values(Factor.CONTEXT_NATIVE, 131_072, 128_000)
    assert read_together(pair)[Factor.CONTEXT_NATIVE].otherwise == (pair[1],)
    assert read_together(values(Factor.LIKES, 5, 6))[Factor.LIKES].otherwise == ()


def test_artefacts_are_alternatives_and_never_mixed() -> None:
    one = source("https://hub.example/a-GGUF", kind=SourceKind.MAKER)
    other = source("https://hub.example/b-GGUF", kind=SourceKind.MAKER)
    exact = source("https://hub.example/b-GGUF", kind=SourceKind.ARTEFACT)
    facts = [
        fact(KEY, Factor.GGUF_REPO, "a/GGUF", one),
        fact(KEY, Factor.GGUF_FILE, "a-Q4_K_M.gguf", one),
        fact(KEY, Factor.GGUF_REPO, "b/GGUF", other),
        fact(KEY, Factor.GGUF_FILE, "b-Q4_K_M.gguf", other),
        fact(KEY, Factor.GGUF_BYTES, 4_000_000_000, exact),
    ]
    read = read_together(facts)
    assert read[Factor.GGUF_FILE].settled == (facts[1], ())
    assert read[Factor.GGUF_REPO].settled == (facts[0], ())
    assert Factor.GGUF_BYTES not in read
    assert read == read_together(reversed(facts))
