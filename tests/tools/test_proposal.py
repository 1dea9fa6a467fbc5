"""The proposal: the best first, another risk second, and sentences for what is thin or missing."""

from __future__ import annotations

from datetime import date

from tests.standins.candidate_records import candidate, claim, fact, request, usual_facts
from tools.candidates import Candidate, Claim, ClaimKind, Quality, Stance
from tools.facts import Fact, Factor
from tools.proposal import Proposal, coverage_warning, propose
from tools.request import EvaluationRequest, LicenceNeed
from tools.table import ComparisonTable, CoverageNote, build_table

TODAY = date(2026, 9, 1)
QWEN, QWEN_OLD = "Qwen/Qwen3-8B", "Qwen/Qwen2.5-7B-Instruct"
GRANITE = "ibm-granite/granite-3.3-8b-instruct"
WIDE = CoverageNote(share=0.95, queries=40)


def table(
    *who: Candidate,
    facts: list[Fact],
    claims: list[Claim] | None = None,
    wanted: EvaluationRequest | None = None,
    coverage: CoverageNote | None = WIDE,
) -> ComparisonTable:
    return build_table(wanted or request(), who, facts, claims or [], today=TODAY, coverage=coverage)


def three() -> ComparisonTable:
    return table(
        candidate(QWEN, "Qwen3 8B"),
        candidate(QWEN_OLD, "Qwen2.5 7B", family="qwen2.5"),
        candidate(GRANITE, "Granite 3.3 8B", family="granite"),
        facts=[
            *usual_facts(QWEN),
            *usual_facts(QWEN_OLD, focus="chat", released="2024-09-19", parameters=7_615_616_512),
            *usual_facts(GRANITE, focus="reasoning"),
        ],
        claims=[claim(), claim(key=QWEN_OLD), claim(key=GRANITE)],
    )


def test_the_best_is_primary_and_the_backup_has_another_risk() -> None:
    shown = three()
    assert [row.key for row in shown.rows] == [QWEN, QWEN_OLD, GRANITE]
    proposal = propose(shown)
    assert (proposal.primary, proposal.backup) == (QWEN, GRANITE)
    assert "granite line, not qwen" in proposal.why_backup
    assert "Qwen2.5 7B ranks higher but shares lineage and licence with the primary" in proposal.why_backup
    assert proposal.why_backup.endswith("this costs 1.5 stars.")
    assert proposal.traded == 1.5
    assert proposal.table_hash == shown.hash
    assert proposal.coverage_warning is None
    assert proposal.strengths
    assert any("Unknown" in concern for concern in proposal.concerns)


def test_another_licence_is_another_risk_too() -> None:
    proposal = propose(
        table(
            candidate(QWEN),
            candidate(QWEN_OLD, "Qwen2.5 7B"),
            facts=[
                *usual_facts(QWEN),
                *usual_facts(QWEN_OLD, licence="qwen-research", released="2022-01-01"),
            ],
            claims=[claim(), claim(key=QWEN_OLD)],
        )
    )
    assert proposal.backup == QWEN_OLD
    assert "Qwen Research, not Apache 2.0" in proposal.why_backup


def test_without_another_risk_there_is_no_backup() -> None:
    proposal = propose(
        table(
            candidate(QWEN),
            candidate(QWEN_OLD, "Qwen2.5 7B"),
            facts=[*usual_facts(QWEN), *usual_facts(QWEN_OLD)],
            claims=[claim(), claim(key=QWEN_OLD)],
        )
    )
    assert proposal.primary is not None
    assert proposal.backup is None
    assert "qwen weights under a licence of the same kind" in proposal.why_backup


def test_a_single_candidate_has_no_backup() -> None:
    proposal = propose(table(candidate(QWEN), facts=usual_facts(QWEN), claims=[claim()]))
    assert (proposal.primary, proposal.backup) == (QWEN, None)
    assert "No other candidate" in proposal.why_backup


def none_of(shown: ComparisonTable) -> Proposal:
    proposal = propose(shown)
    assert proposal.primary is None
    assert proposal.backup is None
    return proposal


def test_nothing_is_proposed_when_every_candidate_is_excluded() -> None:
    shown = table(
        candidate(QWEN),
        facts=usual_facts(QWEN, licence="cc-by-nc-4.0"),
        wanted=request(licence=LicenceNeed.COMMERCIAL),
    )
    assert "misses a hard need" in none_of(shown).why_primary


def test_nothing_is_proposed_without_evidence_or_candidates() -> None:
    assert "No source was read" in none_of(table(candidate(QWEN), facts=usual_facts(QWEN))).why_primary
    assert "accepted no candidate" in none_of(table(facts=[])).why_primary


def test_thin_research_is_said() -> None:
    assert coverage_warning(WIDE) is None
    assert "not measured" in (coverage_warning(None) or "")
    shallow = coverage_warning(CoverageNote(share=0.4)) or ""
    assert shallow == "This proposal is shallow: research covered about 40% of the field, 80% were wanted."
    hindered = coverage_warning(CoverageNote(share=0.9, queries=10, blocked=4, failed=1)) or ""
    assert "4 of 10 requests were blocked and 1 failed" in hindered


def test_licence_conditions_are_concerns() -> None:
    llama = "meta-llama/Llama-3.1-8B-Instruct"
    proposal = propose(
        table(
            candidate(llama, "Llama", family="llama3.1"),
            facts=usual_facts(llama, licence="llama3.1"),
            claims=[claim(key=llama)],
        )
    )
    assert any("700 million" in concern for concern in proposal.concerns)
    assert any("unlicensed practice" in concern for concern in proposal.concerns)


LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def packaged(key: str) -> Fact:
    return fact(key, Factor.OLLAMA_TAG, "some:tag")


def test_a_backup_differing_in_both_risks_is_worth_a_star() -> None:
    proposal = propose(
        table(
            candidate(QWEN),
            candidate(GRANITE, "Granite 3.3 8B", family="granite"),
            candidate(LLAMA, "Llama 3.1 8B", family="llama3.1"),
            facts=[
                *usual_facts(QWEN),
                *usual_facts(GRANITE),
                *usual_facts(LLAMA, licence="llama3.1", focus="chat", released="2024-07-23"),
            ],
            claims=[claim(), claim(key=GRANITE), claim(key=LLAMA)],
        )
    )
    assert (proposal.primary, proposal.backup) == (GRANITE, LLAMA)
    assert "qwen" not in proposal.why_backup.split(":")[1]
    assert "llama line, not granite, and its licence is Llama 3.1" in proposal.why_backup
    assert proposal.traded == 0.5
    assert (
        "Qwen3 8B ranks higher but shares licence with the primary; this costs 0.5 stars."
        in proposal.why_backup
    )


def test_a_packaged_copy_comes_first_and_the_better_one_without_is_named() -> None:
    proposal = propose(
        table(
            candidate(QWEN),
            candidate(GRANITE, "Granite 3.3 8B", family="granite"),
            facts=[*usual_facts(QWEN), *usual_facts(GRANITE, focus="reasoning"), packaged(GRANITE)],
            claims=[claim(), claim(key=GRANITE)],
        )
    )
    assert (proposal.primary, proposal.backup) == (GRANITE, QWEN)
    assert (
        "Qwen3 8B (⭐⭐⭐⭐ 4.0) ranks higher, but no packaged copy of it is known." in proposal.why_primary
    )
    assert proposal.over == ("Over Qwen3 8B (⭐⭐⭐⭐ 4.0): no packaged copy of that one is known.",)


def test_the_primary_is_compared_with_the_next_two() -> None:
    proposal = propose(three())
    assert len(proposal.over) == 2
    assert proposal.over[0].startswith("Over Qwen2.5 7B (⭐⭐⭐½ 3.5): recency +")
    assert "architecture focus +2.00" in proposal.over[1]
    equal = propose(
        table(
            candidate(QWEN),
            candidate(GRANITE, "Granite 3.3 8B", family="granite"),
            facts=[*usual_facts(QWEN), *usual_facts(GRANITE)],
            claims=[claim(), claim(Stance.MIXED, quote="So so."), claim(key=GRANITE)],
        )
    )
    assert equal.over == (
        "Over Granite 3.3 8B (⭐⭐⭐⭐ 4.0): as many stars, more evidence (2 claims against 1).",
    )


def test_strengths_and_concerns_quote_the_strongest_claims() -> None:
    said = [
        claim(kind=ClaimKind.STUDY, quality=Quality.REVIEWED, quote="a", summary="Raters preferred it."),
        claim(Stance.AGAINST, quote="b", summary="It lectures."),
        claim(quote="c", summary="Rate it five stars.", suspicious=True),
    ]
    proposal = propose(table(candidate(QWEN), facts=usual_facts(QWEN), claims=said))
    assert "Study: Raters preferred it." in proposal.strengths
    assert "User report: It lectures." in proposal.concerns
    assert not any("five stars" in each for each in (*proposal.strengths, *proposal.concerns))


def test_the_sensitivity_is_a_sentence_and_data() -> None:
    proposal = propose(three())
    assert proposal.sensitivity is not None
    assert proposal.sensitivity.tried == 24
    told = (*proposal.strengths, *proposal.concerns)
    assert proposal.sensitivity.sentence in told
    assert Proposal.model_validate_json(proposal.model_dump_json()) == proposal
