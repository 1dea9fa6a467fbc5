"""The proposal: the best first, another risk second, and sentences for what is thin or missing."""

from __future__ import annotations

from datetime import date

from tests.standins.candidate_records import candidate, claim, request, usual_facts
from tools.candidates import Candidate, Claim
from tools.facts import Fact
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
        claims=[claim(), claim(key=QWEN_OLD)],
    )


def test_the_best_is_primary_and_the_backup_has_another_risk() -> None:
    shown = three()
    assert [row.key for row in shown.rows] == [QWEN, QWEN_OLD, GRANITE]
    proposal = propose(shown)
    assert (proposal.primary, proposal.backup) == (QWEN, GRANITE)
    assert "granite line, not qwen" in proposal.why_backup
    assert "Qwen2.5 7B ranks higher but shares" in proposal.why_backup
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
        )
    )
    assert proposal.primary is not None
    assert proposal.backup is None
    assert "qwen weights under Apache 2.0 too" in proposal.why_backup


def test_a_single_candidate_has_no_backup() -> None:
    proposal = propose(table(candidate(QWEN), facts=usual_facts(QWEN)))
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
    assert "Nothing was found" in none_of(table(candidate(QWEN), facts=[])).why_primary
    assert "accepted no candidate" in none_of(table(facts=[])).why_primary


def test_thin_research_is_said() -> None:
    assert coverage_warning(WIDE) is None
    assert "not measured" in (coverage_warning(None) or "")
    assert "about 40%" in (coverage_warning(CoverageNote(share=0.4)) or "")
    hindered = coverage_warning(CoverageNote(share=0.9, queries=10, blocked=4, failed=1)) or ""
    assert "4 of 10 requests were blocked and 1 failed" in hindered


def test_licence_conditions_are_concerns() -> None:
    llama = "meta-llama/Llama-3.1-8B-Instruct"
    proposal = propose(
        table(candidate(llama, "Llama", family="llama3.1"), facts=usual_facts(llama, licence="llama3.1"))
    )
    assert any("700 million" in concern for concern in proposal.concerns)
    assert any("unlicensed practice" in concern for concern in proposal.concerns)
