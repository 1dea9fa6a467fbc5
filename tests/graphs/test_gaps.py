"""What a table leaves open becomes the questions of the next wave."""

from __future__ import annotations

from datetime import date

from graphs.gaps import PROMISING, gaps
from tests.standins.candidate_records import candidate, claim, fact, request, source, usual_facts
from tools.candidates import Candidate
from tools.facts import Factor, SourceKind
from tools.request import LicenceNeed
from tools.search.queries import Gap, GapKind
from tools.table import ComparisonTable, build_table

TODAY = date(2026, 11, 21)
QWEN = "Qwen/Qwen3-8B"


def a_table(*candidates: Candidate, facts: list = [], claims: list = [], **wanted: object) -> ComparisonTable:  # noqa: B006
    return build_table(request(**wanted), candidates, facts, claims, today=TODAY)  # type: ignore[arg-type]


def test_a_full_row_with_evidence_leaves_nothing_open():
    table = a_table(candidate(), facts=usual_facts(QWEN), claims=[claim(quote="Good for therapy.")])
    assert gaps(table) == ()


def test_each_unknown_cell_that_a_page_can_fill_is_a_gap_and_so_is_no_evidence():
    table = a_table(candidate())
    assert gaps(table) == (
        Gap("Qwen3 8B", GapKind.EVIDENCE),
        Gap("Qwen3 8B", GapKind.LICENCE),
        Gap("Qwen3 8B", GapKind.CONTEXT),
        Gap("Qwen3 8B", GapKind.RELEASE),
    )


def test_a_contradiction_is_a_disputed_gap():
    other = source("https://notes.example/qwen", kind=SourceKind.THIRD_PARTY, quote="It has 100,000 tokens.")
    facts = [*usual_facts(QWEN), fact(QWEN, Factor.CONTEXT_NATIVE, 100_000, other)]
    table = a_table(candidate(), facts=facts, claims=[claim(quote="Good for therapy.")])
    assert gaps(table) == (Gap("Qwen3 8B", GapKind.CONTEXT, disputed=True),)


def test_nobody_asks_about_rows_that_are_excluded_or_far_down():
    many = [candidate(f"maker/model-{n:02}-8B", f"Model {n:02} 8B", family="maker") for n in range(30)]
    excluded = a_table(*many, licence=LicenceNeed.COMMERCIAL)
    assert not excluded.eligible, "no licence is known"
    assert gaps(excluded) == ()
    names = [gap.name for gap in gaps(a_table(*many))]
    assert list(dict.fromkeys(names)) == [row.name for row in a_table(*many).rows[:PROMISING]]


def test_newcomers_are_asked_about_first_wherever_they_stand():
    many = [candidate(f"maker/model-{n:02}-8B", f"Model {n:02} 8B", family="maker") for n in range(30)]
    table = a_table(*many)
    last = table.rows[-1]
    found = gaps(table, {last.key})
    assert found[0] == Gap(last.name, GapKind.NEW)
    assert found[1:] == gaps(table)
