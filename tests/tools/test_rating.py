"""Stars: bounded, monotone in evidence, blind to order and to suspicious claims, explained in full."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.candidate_records import candidate, claim, fact
from tools.candidates import Claim, ClaimKind, FoundBy, Quality, Stance
from tools.facts import Fact, Factor, SourceKind
from tools.knowledge.loader import domains
from tools.rating import MOST_WITHOUT_OTHERS, START, CandidateView, Rating, rate, view_of
from tools.request import SizeRange
from tools.sizes import fits_size, nominal_parameters, said, search_bounds
from tools.weighing import distinct, strength

TODAY = date(2026, 9, 1)
KEY = "Qwen/Qwen3-8B"
THERAPY = domains().named("therapy-coaching", "")
MATHS = domains().named("mathematics", "")


def view(*claims: Claim, focus: str | None = "chat", released: str | None = "2025-04-29") -> CandidateView:
    facts: list[Fact] = []
    if focus:
        facts.append(fact(KEY, Factor.ARCHITECTURE_FOCUS, focus))
    if released:
        facts.append(fact(KEY, Factor.RELEASE_DATE, released))
    return view_of(candidate(), facts, claims)


def stars(*claims: Claim, focus: str | None = "chat", released: str | None = "2025-04-29") -> float:
    found = rate(view(*claims, focus=focus, released=released), THERAPY, today=TODAY).stars
    assert found is not None
    return found


def part(rating: Rating, name: str) -> float:
    return next(each.points for each in rating.parts if each.name == name)


@pytest.mark.parametrize("focus", [None, "banana", "chat"])
def test_no_evidence_is_no_evidence_whatever_the_architecture(focus: str | None) -> None:
    nothing = rate(view(focus=focus), THERAPY, today=TODAY)
    assert nothing.stars is None
    assert nothing.total is None
    assert nothing.arithmetic == ()
    assert str(nothing) == "no evidence"
    assert len(nothing.parts) == 4


def test_figures_on_other_benchmarks_are_no_evidence_either() -> None:
    figure = claim(kind=ClaimKind.BENCHMARK, summary="It scores 84 on GSM8K.", quote="GSM8K: 84")
    rating = rate(view(figure, focus=None), THERAPY, today=TODAY)
    assert rating.stars is None
    assert "does not count" in next(p.why for p in rating.parts if p.name == "benchmarks")
    assert rate(view(figure, focus=None), MATHS, today=TODAY).stars is not None


def test_what_leaderboards_are_read_for_fits() -> None:
    figure = claim(kind=ClaimKind.BENCHMARK, summary="LMArena German rating 1201.", quote="1201")
    assert rate(view(figure), THERAPY, today=TODAY).stars is None
    read = figure.model_copy(update={"found_by": FoundBy.LEADERBOARD})
    assert rate(view(read), THERAPY, today=TODAY).stars is not None


def test_focus_and_domain_decide_together() -> None:
    assert stars(claim(), focus="chat") > stars(claim(), focus="reasoning")
    maths_chat = rate(view(claim(), focus="chat"), MATHS, today=TODAY).stars
    maths_reasoning = rate(view(claim(), focus="reasoning"), MATHS, today=TODAY).stars
    assert maths_chat is not None
    assert maths_reasoning is not None
    assert maths_reasoning > maths_chat


def test_a_fine_tune_for_something_else_is_avoided() -> None:
    ours = part(
        rate(view(focus="domain fine-tune: mental health"), THERAPY, today=TODAY), "architecture focus"
    )
    others = part(rate(view(focus="domain fine-tune: finance"), THERAPY, today=TODAY), "architecture focus")
    assert others == -1
    assert ours == 0


def test_newer_is_better_and_the_half_life_is_stated() -> None:
    old, new = view(released="2023-01-01"), view(released="2026-08-01")
    before, after = (part(rate(v, THERAPY, today=TODAY), "recency") for v in (old, new))
    assert -1 <= before < after <= 1
    at_half_life = rate(view(released="2025-03-02"), THERAPY, today=TODAY)
    assert part(at_half_life, "recency") == pytest.approx(0)
    assert "548 days" in at_half_life.parts[-1].why


def test_a_repository_date_is_named_as_such() -> None:
    facts = [fact(KEY, Factor.REPOSITORY_CREATED, "2025-04-27T03:43:05.000Z")]
    why = rate(view_of(candidate(), facts, ()), THERAPY, today=TODAY).parts[-1].why
    assert why.startswith("Repository created (release unknown) 2025-04-27")


def test_a_maker_weighs_less_than_a_study() -> None:
    maker, study = (
        rate(view(claim(kind=k)), THERAPY, today=TODAY) for k in (ClaimKind.MAKER, ClaimKind.STUDY)
    )
    assert part(study, "evidence") > part(maker, "evidence") > 0


def test_one_page_and_one_sentence_count_once() -> None:
    one = part(rate(view(claim()), THERAPY, today=TODAY), "evidence")
    copied = [claim(url=f"https://forum.example/{n}") for n in range(8)]
    chatty = [claim(quote=f"It listens well, version {n}.") for n in range(8)]
    independent = [claim(url=f"https://forum.example/{n}", quote=f"Reason {n}.") for n in range(8)]
    assert part(rate(view(*copied), THERAPY, today=TODAY), "evidence") == one
    assert part(rate(view(*chatty), THERAPY, today=TODAY), "evidence") == one
    assert part(rate(view(*independent), THERAPY, today=TODAY), "evidence") > one


def test_repetition_is_removed_from_what_is_shown() -> None:
    again = claim(quote="It  LISTENS well.")
    assert distinct([claim(), again, claim(stance=Stance.AGAINST)]) == distinct(
        [claim(stance=Stance.AGAINST), again, claim()]
    )
    assert len(distinct([claim(), again])) == 1


def test_what_a_claim_weighs() -> None:
    def worth(**given: object) -> float:
        return strength(claim(**given), TODAY)  # type: ignore[arg-type]

    study = ClaimKind.STUDY
    assert worth(kind=study, quality=Quality.REVIEWED) == 1.0
    assert worth(kind=study) == 0.8
    assert worth(kind=study, quality=Quality.UNKNOWN) == worth(kind=study, quality=Quality.ANONYMOUS) == 0.5
    assert worth(kind=study, quality=Quality.REVIEWED, dated=date(2019, 1, 1)) == 1.0
    assert worth() == worth(dated=TODAY) == worth(dated=date(2027, 1, 1)) == 0.32
    assert worth(dated=date(2024, 9, 1)) == 0.16
    assert worth(dated=date(2010, 1, 1)) == 0.08
    own = {"said_by": SourceKind.MAKER, "quality": Quality.REVIEWED}
    assert worth(kind=study, **own) == worth(kind=ClaimKind.BENCHMARK, **own) == 0.4


def test_copies_never_count_and_are_told() -> None:
    copied = claim(copies=("https://mirror.example/1", "https://mirror.example/2"))
    one, same = (rate(view(each), THERAPY, today=TODAY) for each in (claim(), copied))
    assert part(one, "evidence") == part(same, "evidence")
    assert one.counted == same.counted == 1
    assert any("2 copies not counted" in line for each in same.parts for line in each.lines)


def test_makers_alone_lift_no_candidate_above_the_cap() -> None:
    praise = [
        claim(
            kind=ClaimKind.MAKER,
            url=f"https://maker.example/{n}",
            quote=f"Best {n}.",
            said_by=SourceKind.MAKER,
        )
        for n in range(9)
    ]
    figures = [
        claim(
            kind=ClaimKind.BENCHMARK,
            url=f"https://maker.example/card{n}",
            quote=f"EQ-Bench: 9{n}",
            said_by=SourceKind.MAKER,
        )
        for n in range(5)
    ]
    alone = rate(view(*praise, *figures), THERAPY, today=TODAY)
    assert alone.stars == alone.most == MOST_WITHOUT_OTHERS
    assert any("without a source beside its makers" in line for line in alone.arithmetic)
    assert any(line.startswith("at most 3.50 without") for line in alone.arithmetic)
    backed = rate(view(*praise, *figures, claim()), THERAPY, today=TODAY)
    assert backed.stars is not None
    assert backed.stars > MOST_WITHOUT_OTHERS
    doubted = rate(view(*praise, *figures, claim(Stance.AGAINST)), THERAPY, today=TODAY)
    assert doubted.stars == MOST_WITHOUT_OTHERS


def test_an_example_is_added_up_by_hand() -> None:
    study = claim(kind=ClaimKind.STUDY, quality=Quality.REVIEWED, quote="It helps.")
    rating = rate(view(study, released="2026-09-01"), THERAPY, today=TODAY)
    assert rating.arithmetic == (
        "start 2.50",
        "architecture focus +1.00 × 1.00 = +1.00",
        "evidence +0.50 × 1.25 = +0.63",
        "benchmarks +0.00 × 0.75 = +0.00",
        "recency +1.00 × 0.50 = +0.50",
        "sum 4.63",
        "rounded to halves 4.63 → 4.5",
    )
    assert rating.parts[1].lines == (
        "for: study, reviewed source, undated: 1 × 1 × 1.00 = 1.00, https://forum.example/1",
        "for 1.00, against 0.00, each saying and each page once: +1.00 ÷ (1.00 + 1) = +0.50",
    )


def test_a_figure_and_a_study_in_the_same_words_speak_to_two_parts() -> None:
    words = "EQ-Bench 3: 71."
    figure = claim(Stance.AGAINST, ClaimKind.BENCHMARK, quote=words)
    study = claim(Stance.AGAINST, ClaimKind.STUDY, quote=words)
    rating = rate(view(figure, study), THERAPY, today=TODAY)
    assert part(rating, "benchmarks") < 0
    assert part(rating, "evidence") < 0


CLAIMS = st.builds(
    claim,
    st.sampled_from(Stance),
    st.sampled_from(ClaimKind),
    url=st.sampled_from([f"https://site{n}.example/" for n in range(4)]),
    quote=st.sampled_from(["It listens.", "It lectures.", "EQ-Bench 3: 71.", "GSM8K: 84.", "IT  listens."]),
    suspicious=st.booleans(),
    quality=st.sampled_from(Quality),
    dated=st.sampled_from([None, date(2019, 1, 1), date(2025, 6, 1), date(2026, 8, 31), date(2027, 1, 1)]),
    said_by=st.sampled_from([SourceKind.MAKER, SourceKind.THIRD_PARTY]),
    copies=st.sampled_from([(), ("https://site0.example/",), ("https://else.example/",)]),
)
FOCUSES = st.sampled_from([None, "chat", "reasoning", "hybrid", "code", "banana"])
DATES = st.sampled_from([None, "2022-01-01", "2025-04-29", "2026-08-30", "2031-01-01", "someday"])


@settings(max_examples=100, deadline=None)
@given(st.lists(CLAIMS, max_size=8), FOCUSES, DATES)
def test_stars_are_bounded_halves(claims: list[Claim], focus: str | None, released: str | None) -> None:
    rating = rate(view(*claims, focus=focus, released=released), THERAPY, today=TODAY)
    if rating.stars is not None:
        assert 1 <= rating.stars <= 5
        assert (rating.stars * 2).is_integer()
    assert [p.name for p in rating.parts] == ["architecture focus", "evidence", "benchmarks", "recency"]
    assert all(-1 <= p.points <= 1 for p in rating.parts)


@settings(max_examples=100, deadline=None)
@given(st.lists(CLAIMS, max_size=8), CLAIMS, FOCUSES)
def test_more_evidence_never_works_backwards(claims: list[Claim], more: Claim, focus: str | None) -> None:
    before = rate(view(*claims, focus=focus), THERAPY, today=TODAY)
    after = rate(view(*claims, more, focus=focus), THERAPY, today=TODAY)
    if before.stars is None:
        return
    assert after.stars is not None
    assert before.total is not None
    assert after.total is not None
    gained = after.total - before.total
    assert gained >= 0 or more.stance is not Stance.FOR
    assert gained <= 0 or more.stance is Stance.FOR
    if more.suspicious or more.stance is Stance.MIXED:
        assert after.stars == before.stars
    elif more.stance is Stance.FOR:
        assert after.stars >= before.stars
    else:
        assert after.stars <= before.stars


@settings(max_examples=100, deadline=None)
@given(st.lists(CLAIMS, min_size=1, max_size=8), FOCUSES, DATES)
def test_what_is_shown_adds_up(claims: list[Claim], focus: str | None, released: str | None) -> None:
    rating = rate(view(*claims, focus=focus, released=released), THERAPY, today=TODAY)
    if rating.stars is None:
        return
    adds = [
        float(found.group(1))
        for line in rating.arithmetic
        if (found := re.search(r"= ([+-]\d+\.\d\d)$", line))
    ]
    assert len(adds) == 4
    shown = round(START + sum(adds), 2)
    assert f"sum {shown:.2f}" in rating.arithmetic
    assert rating.total == min(rating.most, max(1.0, shown))
    assert abs(rating.stars - rating.total) <= 0.25
    for each in rating.parts:
        assert each.lines[-1:] == () or each.lines[-1].endswith(f"{each.points:+.2f}")


@settings(max_examples=60, deadline=None)
@given(st.lists(CLAIMS, max_size=8).flatmap(lambda c: st.tuples(st.just(c), st.permutations(c))))
def test_order_does_not_matter(pair: tuple[list[Claim], list[Claim]]) -> None:
    one, other = pair
    assert rate(view(*one), THERAPY, today=TODAY) == rate(view(*other), THERAPY, today=TODAY)


@settings(max_examples=60, deadline=None)
@given(st.lists(CLAIMS, max_size=6), st.lists(CLAIMS, max_size=4), FOCUSES)
def test_suspicious_claims_change_nothing(
    claims: list[Claim], others: list[Claim], focus: str | None
) -> None:
    planted = [each.model_copy(update={"suspicious": True}) for each in others]
    clean = rate(view(*claims, focus=focus), THERAPY, today=TODAY)
    assert rate(view(*claims, *planted, focus=focus), THERAPY, today=TODAY) == clean


NOMINAL = [
    ("Qwen/Qwen3-8B", 8_000_000_000),
    ("Llama-3.2-1B-Instruct", 1_000_000_000),
    ("qwen3:1.7b", 1_700_000_000),
    ("SmolLM2-360M", 360_000_000),
    ("google/gemma-4-E4B-it", None),
    ("microsoft/phi-4", None),
    ("Phi-4-mini-instruct", None),
    ("c4ai-command-r7b-12-2024", None),
]


@pytest.mark.parametrize(("name", "parameters"), NOMINAL)
def test_size_in_a_name(name: str, parameters: int | None) -> None:
    assert nominal_parameters(name) == parameters


def test_models_fit_by_count_or_by_name_where_that_is_near() -> None:
    asked = SizeRange(minimum=7 * 10**9, maximum=14 * 10**9)
    assert fits_size(asked, 14_768_307_200, "Qwen/Qwen3-14B") is True
    assert fits_size(asked, 14_659_507_200, "microsoft/phi-4") is False
    assert fits_size(asked, 7_996_156_490, "google/gemma-4-E4B-it") is True
    assert fits_size(asked, 30_000_000_000, "odd/thing-8B") is False
    assert fits_size(asked, None, "thing-8B") is True
    assert fits_size(asked, None, "thing") is None
    assert search_bounds(asked).holds(14_768_307_200)


def test_sizes_as_said() -> None:
    assert [said(n) for n in (8_190_735_360, 1_700_000_000, 8_000_000_000, 360_000_000)] == [
        "8.19B",
        "1.7B",
        "8B",
        "360M",
    ]
