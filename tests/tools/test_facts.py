"""Which fact is displayed, and what contradicts it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.records import NOW, a_fact
from tools.facts import Fact, Factor, Settled, Source, SourceKind, Value, content_hash, quote_is_in, settle

KEY = "Qwen/Qwen3-8B"
OWN = f"https://huggingface.co/{KEY}/raw/main/README.md"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def fact(
    factor: Factor,
    value: Value,
    *,
    kind: SourceKind = SourceKind.MAKER,
    url: str = OWN,
    quote: str | None = None,
    hours: int = 0,
    note: str = "",
) -> Fact:
    source = Source(
        url=url,
        kind=kind,
        retrieved_at=NOON + timedelta(hours=hours),
        content_hash=content_hash(url),
        quote=quote,
        record_field=None if quote else "a.field",
    )
    return Fact(candidate=KEY, factor=factor, value=value, source=source, note=note)


def settled(*facts: Fact) -> Settled:
    found = settle(facts)
    assert found is not None
    return found


def values(found: Settled) -> tuple[Value, list[Value]]:
    return found.fact.value, [other.value for other in found.contradicting]


def test_the_three_lengths_of_qwen3_are_all_kept_and_the_cards_comes_first() -> None:
    header = fact(Factor.CONTEXT_NATIVE, 40_960, kind=SourceKind.ARTEFACT, url="https://x/q.gguf", hours=9)
    config = fact(Factor.CONTEXT_NATIVE, 40_960, hours=5, note="no scaling")
    card = fact(Factor.CONTEXT_NATIVE, 32_768, quote="32,768 natively")
    blog = fact(
        Factor.CONTEXT_NATIVE,
        131_072,
        kind=SourceKind.THIRD_PARTY,
        url="https://blog.example",
        quote="131,072",
    )
    found = settled(blog, header, config, card)
    assert values(found) == (32_768, [40_960, 40_960, 131_072])
    assert {other.source.url for other in found.contradicting} == {
        "https://x/q.gguf",
        OWN,
        "https://blog.example",
    }


def test_for_other_factors_the_artefact_comes_first() -> None:
    card = fact(Factor.PARAMETERS, 8_000_000_000, quote="8B parameters", hours=3)
    record = fact(Factor.PARAMETERS, 9_653_104_368, kind=SourceKind.ARTEFACT)
    assert values(settled(card, record)) == (9_653_104_368, [8_000_000_000])


def test_values_that_say_the_same_do_not_contradict() -> None:
    assert values(
        settled(fact(Factor.LICENCE, "apache-2.0"), fact(Factor.LICENCE, "Apache License 2.0"))
    ) == (
        "apache-2.0",
        [],
    )
    assert (
        settled(
            fact(Factor.RELEASE_DATE, "2025-04-29"),
            fact(Factor.RELEASE_DATE, "2025-04", url="https://b.example"),
        ).fact.value
        == "2025-04-29"
    )


def test_the_candidates_own_repository_comes_before_others_of_the_same_kind() -> None:
    mirror = fact(Factor.LICENCE, "mit", url="https://huggingface.co/api/models/copy/of-it", hours=9)
    own = fact(Factor.LICENCE, "apache-2.0", url=f"https://huggingface.co/api/models/{KEY}")
    assert values(settled(mirror, own)) == ("apache-2.0", ["mit"])


def test_counts_of_a_moment_contradict_nothing_and_the_newest_is_shown() -> None:
    old = fact(Factor.DOWNLOADS, 444, url=f"https://huggingface.co/api/models/{KEY}")
    new = fact(Factor.DOWNLOADS, 450, url="https://huggingface.co/api/models?limit=9", hours=1)
    assert values(settled(old, new)) == (450, [])


def test_a_merge_may_have_two_bases_but_two_records_may_differ() -> None:
    two = [fact(Factor.BASE_MODEL, "a/one"), fact(Factor.BASE_MODEL, "a/two")]
    assert settled(*two).contradicting == ()
    other = fact(Factor.BASE_MODEL, "b/three", url="https://b.example", kind=SourceKind.VENDOR)
    assert values(settled(*two, other))[1] == ["b/three"]


def test_what_it_was_trained_for_comes_before_its_manner() -> None:
    name = fact(Factor.ARCHITECTURE_FOCUS, "code", kind=SourceKind.VENDOR)
    card = fact(Factor.ARCHITECTURE_FOCUS, "hybrid thinking", quote="enable_thinking")
    assert values(settled(card, name)) == ("code", [])


def test_a_value_read_plainly_comes_before_one_that_needed_a_rule() -> None:
    plain = fact(Factor.LICENCE, "mit", quote="license: mit")
    sentence = fact(Factor.LICENCE, "gemma", quote="the Gemma License", note="Said in a sentence.")
    assert values(settled(sentence, plain)) == ("mit", ["gemma"])


def test_nothing_settles_to_nothing() -> None:
    assert settle([]) is None


POOL: dict[Factor, list[Value]] = {
    Factor.PARAMETERS: [8_190_735_360, 8_200_000_000, 9_653_104_368],
    Factor.CONTEXT_NATIVE: [32_768, 40_960, 131_072, 128_000],
    Factor.LICENCE: ["mit", "apache-2.0", "Apache 2.0", "zzz"],
    Factor.RELEASE_DATE: ["2025-04", "2025-04-29", "2025-05-01"],
    Factor.ARCHITECTURE_FOCUS: ["chat", "code", "reasoning", "base"],
    Factor.DOWNLOADS: [1, 2, 3],
    Factor.BASE_MODEL: ["a/b", "A/B", "c/d"],
}


@st.composite
def groups(draw: st.DrawFn) -> list[Fact]:
    factor = draw(st.sampled_from(sorted(POOL)))
    return [
        fact(
            factor,
            draw(st.sampled_from(POOL[factor])),
            kind=draw(st.sampled_from(SourceKind)),
            url=draw(st.sampled_from([OWN, "https://a.example", "https://b.example"])),
            quote=draw(st.sampled_from([None, "one", "two"])),
            hours=draw(st.integers(0, 1)),
            note=draw(st.sampled_from(["", "A rule."])),
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


@settings(max_examples=150)
@given(groups(), st.randoms())
def test_the_order_of_arrival_never_matters(facts: list[Fact], random: object) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settle(facts) == settle(shuffled)
    found = settled(*facts)
    assert found.fact not in found.contradicting
    assert all(other.value != found.fact.value for other in found.contradicting)


@pytest.mark.parametrize(
    ("quote", "text", "there"),
    [
        ("a  b", "x a b y", True),
        ("a b", "a\n b", True),
        ("", "a", False),
        (" ", "a b", False),
        ("c", "a", False),
    ],
)
def test_quotes_are_looked_up_with_white_space_folded(quote: str, text: str, there: bool) -> None:
    assert quote_is_in(quote, text) is there


def test_what_a_page_said_before_it_changed_is_no_second_opinion():
    before = a_fact(factor=Factor.LICENCE, value="mit", text="Licence: MIT", quote="Licence: MIT")
    later = NOW + timedelta(days=1)
    after = a_fact(
        factor=Factor.LICENCE,
        value="apache-2.0",
        text="Licence: Apache 2.0",
        quote="Licence: Apache 2.0",
        retrieved_at=later,
    )
    elsewhere = a_fact(factor=Factor.LICENCE, value="mit", url="https://reviews.example/a", kind=4)
    settled = settle([before, after, elsewhere])
    assert settled is not None
    assert (settled.fact, settled.contradicting) == (after, (elsewhere,))
