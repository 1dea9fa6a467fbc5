"""Stars: bounded, monotone in evidence, blind to order and to suspicious claims; needs exclude."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.candidate_records import candidate, claim, fact, request, usual_facts
from tools.candidates import Claim, ClaimKind, Stance
from tools.facts import Fact, Factor
from tools.knowledge.loader import domains
from tools.licences import judge_licence
from tools.needs import check_needs, exclusions, needed_memory
from tools.rating import CandidateView, Rating, distinct, rate, view_of
from tools.request import EvaluationRequest, LicenceNeed, SizeRange
from tools.sizes import fits_size, nominal_parameters, said, search_bounds

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


def test_no_evidence_is_no_evidence() -> None:
    nothing = rate(view(focus=None), THERAPY, today=TODAY)
    assert nothing.stars is None
    assert str(nothing) == "no evidence"
    assert len(nothing.parts) == 4
    odd = rate(view(focus="banana"), THERAPY, today=TODAY)
    assert odd.stars is None


def test_figures_on_other_benchmarks_are_no_evidence_either() -> None:
    figure = claim(kind=ClaimKind.BENCHMARK, summary="It scores 84 on GSM8K.", quote="GSM8K: 84")
    rating = rate(view(figure, focus=None), THERAPY, today=TODAY)
    assert rating.stars is None
    assert "does not count" in next(p.why for p in rating.parts if p.name == "benchmarks")
    assert rate(view(figure, focus=None), MATHS, today=TODAY).stars is not None


def test_focus_and_domain_decide_together() -> None:
    assert stars(focus="chat") > stars(focus="reasoning")
    maths_chat = rate(view(focus="chat"), MATHS, today=TODAY).stars
    maths_reasoning = rate(view(focus="reasoning"), MATHS, today=TODAY).stars
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
    if more.suspicious or more.stance is Stance.MIXED:
        assert after.stars == before.stars
    elif more.stance is Stance.FOR:
        assert after.stars >= before.stars
    else:
        assert after.stars <= before.stars


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


def needs_of(
    wanted: EvaluationRequest, *facts: Fact, licence: str | None = "apache-2.0", name: str = "Qwen3 8B"
) -> tuple[str, ...]:
    seen = view_of(candidate(name=name), facts, ())
    verdict = judge_licence(licence=licence, base_models=(), base_licences={}, domain=THERAPY)
    return exclusions(seen, wanted, THERAPY, verdict)


def test_a_candidate_that_meets_every_need_is_not_excluded() -> None:
    assert needs_of(request(licence=LicenceNeed.COMMERCIAL, turns=40), *usual_facts(KEY)) == ()


def test_each_hard_need_excludes_with_a_sentence() -> None:
    commercial = request(licence=LicenceNeed.COMMERCIAL)
    facts = usual_facts(KEY)
    assert "does not allow" in needs_of(commercial, *facts, licence="cc-by-nc-4.0")[0]
    assert "not known to allow" in needs_of(commercial, *facts, licence=None)[0]
    assert needs_of(request(), *facts, licence="cc-by-nc-4.0") == ()
    assert "40,000 are needed" in needs_of(request(turns=100), *usual_facts(KEY, context=8192))[0]
    assert "14.77B" in needs_of(request(), *usual_facts(KEY, parameters=14_770_000_000), name="X")[0]
    assert "4.0 GB may be used" in needs_of(request(memory=4 * 10**9), *facts)[0]


def test_what_nothing_tells_stays_open_and_excludes_nothing() -> None:
    seen = view_of(candidate(key="a/b", name="Mystery"), (), ())
    verdict = judge_licence(licence=None, base_models=(), base_licences={}, domain=THERAPY)
    needs = check_needs(seen, request(memory=10**10, turns=40), THERAPY, verdict)
    assert needs.excluded == ()
    assert len(needs.open) == 3


def test_extended_context_is_a_condition() -> None:
    facts = [*usual_facts(KEY), fact(KEY, Factor.CONTEXT_EXTENDED, 131_072)]
    seen = view_of(candidate(), facts, ())
    verdict = judge_licence(licence="apache-2.0", base_models=(), base_licences={}, domain=THERAPY)
    needs = check_needs(seen, request(turns=200), THERAPY, verdict)
    assert needs.excluded == ()
    assert "only with extended context (131,072)" in needs.open[0]


def test_memory_counts_the_real_artefact() -> None:
    seen = view_of(candidate(), [*usual_facts(KEY), fact(KEY, Factor.GGUF_BYTES, 5_027_783_488)], ())
    needed = needed_memory(seen, 4096)
    assert needed is not None
    assert 5_027_783_488 < needed < 6.5e9
    more = needed_memory(seen, 16_000)
    assert more is not None
    assert more > needed


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
