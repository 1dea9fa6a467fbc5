"""The plan of queries."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.request import SizeRange
from tools.search.queries import QueryTemplates, plan_queries, size_words

SIZE = SizeRange(minimum=7_000_000_000, maximum=9_000_000_000)


def plan(*, today: date = date(2031, 5, 2), commercial: bool = False, limit: int = 100) -> tuple[str, ...]:
    return plan_queries(
        domain="therapy coaching",
        domain_words=["counselling", "mental health"],
        size=SIZE,
        families=["Qwen3", "Llama 3.1", "qwen3"],
        today=today,
        commercial=commercial,
        limit=limit,
    )


def test_the_year_and_month_are_the_days():
    queries = plan()
    assert queries[0] == "best open weight 8B LLM for therapy coaching 2031"
    assert any("May 2031" in query for query in queries)
    assert not any("2030" in query or "2026" in query for query in queries)


def test_general_ones_come_first_and_every_family_before_the_next_template():
    queries = plan()
    families = [query for query in queries if "Qwen3" in query or "Llama 3.1" in query]
    assert queries.index(families[0]) > 8
    assert families[:2] == ["Qwen3 8B therapy coaching", "Llama 3.1 8B therapy coaching"]
    assert len({query.casefold() for query in queries}) == len(queries)


def test_the_licence_is_asked_about_when_it_matters():
    assert len(plan(commercial=True)) == len(plan()) + 2


@settings(max_examples=30)
@given(st.integers(min_value=0, max_value=60), st.booleans())
def test_a_limit_cuts_the_same_list(limit, commercial):
    assert plan(limit=limit, commercial=commercial) == plan(commercial=commercial)[:limit]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0, 3e9, "3B"), (1e9, 2e9, "1.5B"), (7e9, 9e9, "8B"), (6.5e9, 7.5e9, "7B")],
)
def test_sizes_in_words(low, high, words):
    assert size_words(SizeRange(minimum=int(low), maximum=int(high))) == words


def test_a_template_with_an_unknown_place_is_refused():
    with pytest.raises(ValidationError, match="unknown places"):
        QueryTemplates(general=("{when}",), commercial=(), per_word=(), per_family=())
