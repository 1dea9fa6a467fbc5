"""Hard needs: what is missed excludes with a sentence, what nobody tells stays open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.standins.candidate_records import candidate, fact, request, usual_facts
from tools.facts import Fact, Factor
from tools.knowledge.loader import domains
from tools.licences import judge_licence
from tools.needs import Needs, check_needs, memory_need
from tools.rating import CandidateView, view_of
from tools.request import EvaluationRequest, LicenceNeed

KEY = "Qwen/Qwen3-8B"
THERAPY = domains().named("therapy-coaching", "")


def needs_found(
    wanted: EvaluationRequest, *facts: Fact, licence: str | None = "apache-2.0", name: str = "Qwen3 8B"
) -> Needs:
    seen = view_of(candidate(name=name), facts, ())
    verdict = judge_licence(licence=licence, base_models=(), base_licences={}, domain=THERAPY)
    return check_needs(seen, wanted, THERAPY, verdict)


def excluded(wanted: EvaluationRequest, *facts: Fact, **given: str | None) -> tuple[str, ...]:
    return needs_found(wanted, *facts, **given).excluded  # type: ignore[arg-type]


def test_a_candidate_that_meets_every_need_is_not_excluded() -> None:
    assert excluded(request(licence=LicenceNeed.COMMERCIAL, turns=40), *usual_facts(KEY)) == ()


def test_each_hard_need_excludes_with_a_sentence() -> None:
    commercial = request(licence=LicenceNeed.COMMERCIAL)
    facts = usual_facts(KEY)
    assert "does not allow" in excluded(commercial, *facts, licence="cc-by-nc-4.0")[0]
    assert "not known to allow" in excluded(commercial, *facts, licence=None)[0]
    assert excluded(request(), *facts, licence="cc-by-nc-4.0") == ()
    assert "40,000 are needed" in excluded(request(turns=100), *usual_facts(KEY, context=8192))[0]
    assert "14.77B" in excluded(request(), *usual_facts(KEY, parameters=14_770_000_000), name="X")[0]
    assert "4.00 GB may be used" in excluded(request(memory=4 * 10**9), *facts)[0]


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


GERMAN = [
    ("en, fr", "Its card names the languages en, fr; German (de) was asked for.", None),
    ("en, de", None, None),
    ("EN,DE-AT", None, None),
    ("multilingual", None, "Its card says multilingual without naming German (de)."),
    (None, None, "No source names its languages; German (de) was asked for."),
]


@pytest.mark.parametrize(("listed", "missed", "left_open"), GERMAN)
def test_a_language_that_the_card_leaves_out_excludes(
    listed: str | None, missed: str | None, left_open: str | None
) -> None:
    known = [*usual_facts(KEY), *([fact(KEY, Factor.LANGUAGES, listed)] if listed else [])]
    needs = needs_found(request(languages=("de",)), *known)
    assert needs.excluded == ((missed,) if missed else ())
    assert needs.open == ((left_open,) if left_open else ())


def test_english_is_a_question_only_where_the_card_names_others() -> None:
    assert needs_found(request(), *usual_facts(KEY)).open == ()
    chinese = needs_found(request(), *usual_facts(KEY), fact(KEY, Factor.LANGUAGES, "zh"))
    assert "English (en) was asked for" in chinese.excluded[0]


def test_unsafe_files_exclude_and_unscanned_ones_are_a_question() -> None:
    def scanned(status: str) -> Needs:
        return needs_found(request(), *usual_facts(KEY), fact(KEY, Factor.SECURITY, status))

    assert scanned("safe") == ((), ())
    assert scanned("unsafe: model.bin").excluded == (
        "The Hub's security scan calls its files unsafe: unsafe: model.bin.",
    )
    assert scanned("queued").open == ("The Hub's security scan has not cleared its files: queued.",)


def seen_with(*facts: Fact) -> CandidateView:
    return view_of(candidate(), [*usual_facts(KEY), *facts], ())


def test_memory_counts_the_real_artefact_and_the_real_cache() -> None:
    guessed = memory_need(seen_with(), 4096)
    assert guessed is not None
    assert (guessed.weights_from, guessed.cache_exact) == (Factor.PARAMETERS, False)
    exact = memory_need(
        seen_with(fact(KEY, Factor.GGUF_BYTES, 5_027_783_488), fact(KEY, Factor.CACHE_BYTES, 147_456)), 4096
    )
    assert exact == (
        5_027_783_488,
        Factor.GGUF_BYTES,
        147_456,
        True,
        5_027_783_488 + 4096 * 147_456 + 400_000_000,
    )
    assert memory_need(view_of(candidate(), (), ()), 4096) is None


@given(st.integers(1, 200_000), st.integers(0, 200_000), st.integers(1, 10**11), st.integers(1, 10**7))
def test_more_context_never_needs_less(context: int, more: int, weights: int, cache: int) -> None:
    seen = seen_with(fact(KEY, Factor.GGUF_BYTES, weights), fact(KEY, Factor.CACHE_BYTES, cache))
    one, other = memory_need(seen, context), memory_need(seen, context + more)
    assert one is not None
    assert other is not None
    assert other.total - one.total == more * cache
