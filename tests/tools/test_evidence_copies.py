"""A claim counts once however many sites copy it."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.candidates import Claim, ClaimKind, FoundBy, Quality, Stance
from tools.copies import distinct
from tools.facts import Source, SourceKind, content_hash

LONG = "In our long therapy test Qwen3 8B was warm, patient and excellent at reflecting feelings."


def claim(
    quote: str = LONG, url: str = "https://a.example/", candidate: str = "Qwen/Qwen3-8B", **more: object
) -> Claim:
    fields: dict[str, object] = {"stance": Stance.FOR, "kind": ClaimKind.USER_REPORT, "summary": "Says so."}
    source = Source(
        url=url,
        kind=SourceKind.THIRD_PARTY,
        retrieved_at=datetime(2026, 6, 1, tzinfo=UTC),
        content_hash=content_hash(quote),
        quote=quote,
    )
    return Claim.model_validate({**fields, **more, "candidate": candidate, "source": source})


def test_the_same_words_are_one_claim_with_the_other_addresses() -> None:
    copies = [
        claim(),
        claim(LONG.upper(), "https://b.example/"),
        claim(f"As they say, {LONG}", "https://c.example/"),
    ]
    (kept,) = distinct(copies)
    assert kept.source.url == "https://a.example/"
    assert kept.copies == ("https://b.example/", "https://c.example/")
    assert distinct(reversed(copies)) == [kept]
    assert distinct([*distinct(copies[:2]), copies[2]]) == [kept]


def test_a_word_changed_here_and_there_is_a_copy_still() -> None:
    words = [f"word{n}" for n in range(60)]
    changed = [*words[:59], "another"]
    assert len(distinct([claim(" ".join(words)), claim(" ".join(changed), "https://b.example/")])) == 1
    half = [*words[:30], *(f"other{n}" for n in range(30))]
    assert len(distinct([claim(" ".join(words)), claim(" ".join(half), "https://b.example/")])) == 2


def test_a_short_saying_inside_a_long_one_is_another() -> None:
    short, longer = (
        "Qwen3 8B is good for therapy.",
        "Qwen3 8B is good for therapy only when nobody is in danger.",
    )
    assert len(distinct([claim(short), claim(longer, "https://b.example/")])) == 2


def test_the_best_source_is_kept_and_rules_before_a_model() -> None:
    known = claim(url="https://z.example/", quality=Quality.REVIEWED)
    assert distinct([claim(), known])[0].source.url == "https://z.example/"
    by_brain = claim(
        url="https://y.example/", quality=Quality.REVIEWED, found_by=FoundBy.BRAIN, stance=Stance.MIXED
    )
    (kept,) = distinct([by_brain, claim()])
    assert (kept.found_by, kept.stance) == (FoundBy.RULES, Stance.FOR)


def test_a_hostile_page_hides_no_honest_one() -> None:
    hostile = claim(url="https://0.example/", suspicious=True, quality=Quality.REVIEWED)
    assert {c.suspicious for c in distinct([hostile, claim()])} == {True, False}


def test_two_candidates_in_one_sentence_are_two_claims() -> None:
    assert len(distinct([claim(), claim(candidate="google/gemma-2-9b-it", stance=Stance.AGAINST)])) == 2


def test_rows_alike_under_different_benchmarks_are_two_claims() -> None:
    row = "| Qwen3 8B | 71.2 |"
    one = claim(row, summary="EQ-Bench 71.2, rank 1 of 9.", kind=ClaimKind.BENCHMARK)
    other = claim(
        row, "https://b.example/", summary="CounselBench 71.2, rank 9 of 9.", kind=ClaimKind.BENCHMARK
    )
    copy = claim(row, "https://c.example/", summary="EQ-Bench 71.2, rank 1 of 9.", kind=ClaimKind.BENCHMARK)
    assert len(distinct([one, other, copy])) == 2


def test_five_thousand_claims_with_boilerplate() -> None:
    rng = random.Random(7)
    words = [f"w{n}" for n in range(400)]
    originals = [" ".join(["our model is based on the work", *rng.choices(words, k=25)]) for _ in range(2500)]
    many = [claim(text, f"https://{n}.example/") for n, text in enumerate([*originals, *originals])]
    kept = distinct(many)
    assert len(kept) == 2500
    assert all(len(each.copies) == 1 for each in kept)


SAYINGS = st.lists(
    st.sampled_from(["warm", "cold", "kind", "in", "therapy", "it", "was", "the", "best", "of", "all"]),
    min_size=1,
    max_size=14,
)


@settings(max_examples=60)
@given(st.lists(st.tuples(SAYINGS, st.integers(0, 5)), max_size=10), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(
    sayings: list[tuple[list[str], int]], rng: random.Random
) -> None:
    many = [claim(" ".join(words), f"https://{n}.example/") for words, n in sayings]
    once = distinct(many)
    shuffled = [*many, *many]
    rng.shuffle(shuffled)
    assert distinct(shuffled) == once
    assert distinct(once) == once
    assert {c.source.url for c in many} == {url for c in once for url in (c.source.url, *c.copies)}
