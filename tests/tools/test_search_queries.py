"""The plan of queries, and what is asked after a wave."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tools.request import EvaluationRequest, LicenceNeed, SizeRange
from tools.search import queries as module
from tools.search.queries import (
    Gap,
    GapKind,
    follow_up_queries,
    plan_queries,
    size_words,
    templates,
    wanted_capabilities,
)
from tools.search.query_words import QueryTemplates

SIZE = SizeRange(minimum=7_000_000_000, maximum=9_000_000_000)
TODAY = date(2031, 5, 2)


def plan(
    *,
    today: date = TODAY,
    commercial: bool = False,
    limit: int = 200,
    languages: tuple[str, ...] = (),
    capabilities: tuple[str, ...] = (),
) -> tuple[str, ...]:
    return plan_queries(
        domain="therapy coaching",
        domain_words=["counselling", "mental health"],
        size=SIZE,
        families=["Qwen3", "Llama 3.1", "qwen3"],
        today=today,
        commercial=commercial,
        limit=limit,
        languages=languages,
        capabilities=capabilities,
    )


def follow(*gaps: Gap, asked: tuple[str, ...] = (), limit: int = 50, today: date = TODAY) -> tuple[str, ...]:
    return follow_up_queries(gaps, domain="therapy coaching", today=today, asked=asked, limit=limit)


def test_the_year_and_month_are_the_days():
    queries = plan()
    assert queries[0] == "best open weight 8B LLM for therapy coaching 2031"
    assert any("May 2031" in query for query in queries)
    assert not any("2030" in query or "2026" in query for query in queries)


def test_general_ones_come_first_and_every_family_before_the_next_template():
    queries = plan()
    families = [query for query in queries if "Qwen3" in query or "Llama 3.1" in query]
    assert queries.index(families[0]) == len(templates().general)
    assert families[:2] == ["Qwen3 8B therapy coaching", "Llama 3.1 8B therapy coaching"]
    assert len({query.casefold() for query in queries}) == len(queries)


def test_the_licence_is_asked_about_when_it_matters():
    assert len(plan(commercial=True)) == len(plan()) + 2


def test_languages_and_capabilities_have_their_queries_alone_and_with_families():
    german = plan(languages=("en", "de"))
    assert "best 8B LLM for therapy coaching in German 2031" in german
    assert "Qwen3 8B German" in german
    assert not any("English" in query for query in german)
    assert plan(languages=("en",)) == plan()
    long = plan(capabilities=("long context",))
    assert "best 8B LLM long context therapy coaching 2031" in long
    assert "Llama 3.1 8B long context" in long


@settings(max_examples=30)
@given(st.integers(min_value=0, max_value=60), st.booleans())
def test_a_limit_cuts_the_same_list(limit, commercial):
    assert plan(limit=limit, commercial=commercial) == plan(commercial=commercial)[:limit]


NAMES = st.text(alphabet='abcQ 3.-:"!{}é\n', max_size=12)


@settings(max_examples=40)
@given(
    domain=NAMES.filter(str.strip),
    words=st.lists(NAMES, max_size=3),
    families=st.lists(NAMES, max_size=4),
    today=st.dates(),
    limit=st.integers(min_value=0, max_value=40),
)
def test_any_plan_is_distinct_bounded_and_the_same_again(domain, words, families, today, limit):
    asked = {"domain": domain, "domain_words": words, "families": families, "size": SIZE, "today": today}
    queries = plan_queries(**asked, commercial=True, limit=limit, capabilities=("long context",))
    assert queries == plan_queries(**asked, commercial=True, limit=limit, capabilities=("long context",))
    assert len(queries) <= limit
    keys = [templates().key(query) for query in queries]
    assert len(set(keys)) == len(keys)
    assert not any('"' in query or ":" in query or "!" in query or "\n" in query for query in queries)
    if limit:
        assert str(today.year) in queries[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen3 8B therapy", "THERAPY qwen3 8b"),
        ("best LLM for therapy", "therapy language models"),
        ("Qwen 3 8B license", "qwen3-8b licence"),
        ("Llama-3.1-8B fine-tuned", "llama 3.1 8B finetune"),
        ("open source therapy model", "open-weights therapy models"),
    ],
)
def test_near_duplicates_are_the_same_question(one, other):
    assert templates().key(one) == templates().key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen3 8B therapy", "Qwen3 4B therapy"),
        ("Qwen 2 therapy", "Qwen 3 therapy"),
        ("therapy 2031", "therapy 2030"),
        ("Qwen3 context length", "Qwen3 licence"),
    ],
)
def test_different_questions_stay_apart(one, other):
    assert templates().key(one) != templates().key(other)


def test_a_new_name_is_asked_about_in_the_domain_and_for_its_facts():
    assert follow(Gap("Fable-Therapy 9B", GapKind.NEW)) == (
        "Fable-Therapy 9B therapy coaching",
        "Fable-Therapy 9B release date licence context length",
    )


def test_gaps_keep_their_order_and_every_gap_has_its_first_query_before_any_second():
    evidence = Gap("Qwen3 8B", GapKind.EVIDENCE)
    licence = Gap("Granite 8B", GapKind.LICENCE)
    queries = follow(evidence, licence, Gap("Qwen3 8B", GapKind.CONTEXT))
    assert queries[:3] == (
        "Qwen3 8B therapy coaching benchmark",
        "Granite 8B license commercial use",
        "Qwen3 8B context length",
    )
    assert "Qwen3 8B therapy coaching review 2031" in queries[3:]
    assert (
        follow(Gap("Qwen3 8B", GapKind.EVIDENCE), Gap("Granite 8B", GapKind.LICENCE), limit=1) == queries[:1]
    )


def test_a_contradiction_is_asked_about_as_one():
    assert follow(Gap("Qwen3 8B", GapKind.CONTEXT, disputed=True))[0] == "Qwen3 8B context length official"
    assert follow(Gap("Qwen3 8B", GapKind.LANGUAGES, disputed=True)) == ("Qwen3 8B supported languages",)


def test_what_was_asked_is_not_asked_again():
    asked = ("qwen 3 8b CONTEXT lengths",)
    assert follow(Gap("Qwen3 8B", GapKind.CONTEXT), asked=asked) == ()
    assert follow(Gap("Qwen3 8B", GapKind.RELEASE), asked=asked) != ()


GAPS = st.lists(st.builds(Gap, NAMES, st.sampled_from(GapKind), st.booleans()), max_size=8)


@settings(max_examples=40)
@given(GAPS, GAPS, st.integers(min_value=0, max_value=12), st.dates())
def test_any_follow_up_is_new_distinct_and_bounded(gaps, earlier, limit, today):
    asked = follow(*earlier, today=today)
    queries = follow(*gaps, asked=asked, limit=limit, today=today)
    assert queries == follow(*gaps, asked=asked, limit=limit, today=today)
    assert len(queries) <= limit
    keys = [templates().key(query) for query in (*asked, *queries)]
    assert len(set(keys)) == len(keys)
    assert not any(word.startswith(("-", "!")) for query in queries for word in query.split())


def test_a_name_from_a_page_commands_no_search_engine():
    (query,) = follow(Gap('!g "Evil" site:evil.example -8B {year}', GapKind.CONTEXT))
    assert query == "g Evil site evil.example 8B year context length"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0, 3e9, "3B"), (1e9, 2e9, "1.5B"), (7e9, 9e9, "8B"), (6.5e9, 7.5e9, "7B")],
)
def test_sizes_in_words(low, high, words):
    assert size_words(SizeRange(minimum=int(low), maximum=int(high))) == words


def wanted(text: str = "8B models", **more: object) -> tuple[str, ...]:
    return wanted_capabilities(EvaluationRequest(text=text, size=SIZE, domain="therapy", **more))  # type: ignore[arg-type]


def test_a_request_tells_which_capabilities_matter():
    assert wanted(licence_need=LicenceNeed.COMMERCIAL) == ()
    assert wanted(longest_conversation_turns=100) == ("long context",)
    assert wanted(memory_budget_bytes=8_000_000_000) == ("8 GB memory",)
    assert wanted(languages=("en", "de", "fr")) == ("multilingual",)
    assert wanted("coding models with function calling") == ("tool use",)


BROKEN = [
    ({"general": ("{when}",)}, "unknown places: when"),
    ({"specific": ("{name} 8B",)}, "unknown places: name"),
    ({"follow_up": {"new": ("{family}",)}}, "unknown places: family"),
    ({"follow_up": {"new": ("{name}",)}}, "no template for licence"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN)
def test_a_damaged_file_is_refused(change, words):
    with pytest.raises(ValidationError, match=words):
        QueryTemplates.model_validate({**templates().model_dump(), **change})


def test_no_year_is_written_down():
    texts = [
        resources.files("tools.knowledge").joinpath("queries.yaml").read_text("utf-8"),
        Path(str(module.__file__)).read_text("utf-8"),
    ]
    assert not any(re.search(r"\b20\d\d\b", text) for text in texts)
