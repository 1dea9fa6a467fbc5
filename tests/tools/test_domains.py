"""Domains: what each prefers, which benchmarks fit, and what a free one makes of its own words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.knowledge.domains import Focus, Liking
from tools.knowledge.loader import domains

METHOD = [
    ("therapy-coaching", Focus.REASONING, Liking.AVOID),
    ("therapy-coaching", Focus.CHAT, Liking.PREFER),
    ("mathematics", Focus.CHAT, Liking.AVOID),
    ("mathematics", Focus.REASONING, Liking.PREFER),
    ("mathematics", Focus.MATHEMATICS, Liking.PREFER),
    ("coding", Focus.CODE, Liking.PREFER),
    ("creative-writing", Focus.REASONING, Liking.AVOID),
    ("legal-qa", Focus.DOMAIN_FINE_TUNE, Liking.PREFER),
    ("medical-qa", Focus.DOMAIN_FINE_TUNE, Liking.PREFER),
    ("translation", Focus.CODE, Liking.AVOID),
]


@pytest.mark.parametrize(("key", "focus", "liking"), METHOD)
def test_preferences_follow_the_method(key: str, focus: Focus, liking: Liking) -> None:
    domain = domains().get(key)
    assert domain is not None
    assert domain.preferences[focus].liking is liking


def test_every_domain_avoids_raw_checkpoints_and_prefers_something() -> None:
    listed = [domains().named(domain.key, "") for domain in domains().domains]
    assert len(listed) == 12
    for domain in listed:
        assert domain.preferences[Focus.BASE].liking is Liking.AVOID
        assert any(each.liking is Liking.PREFER for each in domain.preferences.values())
        assert domain.benchmarks
        assert domain.benchmarks_why


NAMED = [
    ("therapy-coaching", "EQ-Bench 3 Elo 1100, rank 2 of 9", "EQ-Bench 3"),
    ("therapy-coaching", "EQ-Bench Creative Writing v3 Elo 1200", None),
    ("therapy-coaching", "EQ-Bench Creative Writing and EQ-Bench 3", "EQ-Bench 3"),
    ("creative-writing", "EQ-Bench Longform Creative Writing score 60", "EQ-Bench Longform"),
    ("creative-writing", "EQ-Bench 3 Elo 1100", None),
    ("coding", "HumanEval+ 80", "HumanEval+"),
    ("education", "MMLU-PRO 40", "MMLU-Pro"),
    ("education", "GSM8K 80", None),
]


@pytest.mark.parametrize(("key", "text", "name"), NAMED)
def test_a_benchmark_that_fits(key: str, text: str, name: str | None) -> None:
    assert domains().named(key, "").benchmark_in(text) == name


FREE = [
    ("patent law in German", ("patent law in german", "patent", "law"), ("legal",)),
    ("wine tasting advice", ("wine tasting advice", "wine", "tasting"), ()),
    (
        "veterinary medicine questions",
        ("veterinary medicine questions", "veterinary", "medicine"),
        ("medical",),
    ),
    ("questions and answers", ("questions and answers",), ()),
]


@pytest.mark.parametrize(("name", "words", "watched"), FREE)
def test_a_free_domain_lives_on_its_own_words(
    name: str, words: tuple[str, ...], watched: tuple[str, ...]
) -> None:
    domain = domains().free(name)
    assert domain.evidence_words == domain.search_words == words
    assert domain.licence_watch == watched
    assert domain.mentions(f"a study on {words[-1]}")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_name_makes_a_domain(name: str) -> None:
    domain = domains().free(name)
    assert 1 <= len(domain.search_words) <= 4
    assert set(domain.preferences) == set(Focus)
    assert domain.title in domain.system_prompt
