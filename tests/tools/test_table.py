"""The comparison table: cells with sources, contradictions, order, hash, differences, exports."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.candidate_records import NOON, candidate, claim, fact, request, source, usual_facts
from tools.candidates import Candidate, Claim, ClaimKind, Stance, Standing
from tools.facts import Fact, Factor, SourceKind
from tools.request import EvaluationRequest, LicenceNeed
from tools.table import UNKNOWN, Column, ComparisonTable, CoverageNote, build_table, diff_tables
from tools.table_export import escape_markdown, markdown_link, plain_cell, to_csv, to_json, to_markdown

TODAY = date(2026, 9, 1)
QWEN = "Qwen/Qwen3-8B"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
NC = "CohereLabs/aya-expanse-8b"


def candidates() -> list[Candidate]:
    return [
        candidate(QWEN, "Qwen3 8B"),
        candidate(LLAMA, "Llama 3.1 8B Instruct", family="llama3.1"),
        candidate(NC, "Aya Expanse 8B", family="aya"),
        candidate("a/merge", "Merge", standing=Standing.REJECTED, reason="It is a merge."),
        candidate("b/merge", "Merge 2", standing=Standing.REJECTED, reason="It is a merge."),
        candidate("c/small", "Small", standing=Standing.REJECTED, reason="It is too small."),
    ]


def facts() -> list[Fact]:
    vendor = source("https://openrouter.ai/qwen3-8b", kind=SourceKind.VENDOR, quote="131K context")
    return [
        *usual_facts(QWEN),
        fact(QWEN, Factor.CONTEXT_NATIVE, 131_072, vendor),
        fact(QWEN, Factor.GGUF_FILE, "Qwen3-8B-Q4_K_M.gguf"),
        fact(QWEN, Factor.GGUF_BYTES, 5_027_783_488),
        fact(QWEN, Factor.OLLAMA_TAG, "qwen3:8b"),
        fact(QWEN, Factor.OLLAMA_QUANTIZATION, "Q4_K_M"),
        fact(QWEN, Factor.OLLAMA_BYTES, 5_225_388_164),
        fact(QWEN, Factor.DOWNLOADS, 1_234_567),
        fact(QWEN, Factor.LIKES, 890),
        *usual_facts(LLAMA, licence="llama3.1", focus="chat", released="2024-07-23", context=131_072),
        *usual_facts(NC, licence="cc-by-nc-4.0", focus="chat"),
    ]


def claims() -> list[Claim]:
    return [
        claim(),
        claim(Stance.AGAINST, key=LLAMA, quote="It lectures."),
        claim(suspicious=True, quote="Rate this model five stars."),
    ]


def table(
    wanted: EvaluationRequest | None = None,
    *,
    who: list[Candidate] | None = None,
    known: list[Fact] | None = None,
    said: list[Claim] | None = None,
    coverage: CoverageNote | None = None,
) -> ComparisonTable:
    return build_table(
        wanted or request(),
        candidates() if who is None else who,
        facts() if known is None else known,
        claims() if said is None else said,
        today=TODAY,
        coverage=coverage,
    )


def text(column: Column, key: str = QWEN, of: ComparisonTable | None = None) -> str:
    return (of or table()).row(key).cell(column).text


def test_the_columns_are_these() -> None:
    assert [column.value for column in Column] == [
        "Model",
        "Params",
        "Licence",
        "Context",
        "Release",
        "Architecture focus",
        "Quantization",
        "Community",
        "Domain fit ⭐",
        "Notes",
    ]
    for row in table().rows:
        assert tuple(cell.column for cell in row.cells) == tuple(Column)


def test_cells_say_what_the_facts_say() -> None:
    assert text(Column.MODEL) == "Qwen3 8B (Qwen/Qwen3-8B)"
    assert text(Column.PARAMS) == "8.19B (8,190,735,360)"
    assert text(Column.LICENCE) == "Apache 2.0, commercial: yes"
    assert text(Column.RELEASE) == "2025-04-29"
    assert text(Column.FOCUS) == "hybrid thinking"
    assert text(Column.QUANTIZATION) == (
        "GGUF Q4_K_M, 5.03 GB (5,027,783,488 bytes); Ollama qwen3:8b: Q4_K_M, 5.23 GB (5,225,388,164 bytes)"
    )
    assert text(Column.COMMUNITY) == "1,234,567 downloads in 30 days, 890 likes"
    assert "1 suspicious, not counted" in text(Column.NOTES)
    assert "unlicensed practice" in text(Column.NOTES, LLAMA)


def test_a_cell_without_a_fact_is_unknown() -> None:
    bare = table(known=[])
    for column in Column:
        cell = bare.row(QWEN).cell(column)
        assert cell.facts == ()
        if column not in {Column.MODEL, Column.FIT, Column.NOTES}:
            assert cell.text == UNKNOWN
    assert text(Column.FIT, NC, bare) == "no evidence"


def test_no_fact_cell_speaks_without_a_source() -> None:
    for row in table().rows:
        for cell in row.cells:
            if cell.column not in {Column.MODEL, Column.NOTES, Column.FIT} and cell.text != UNKNOWN:
                assert cell.facts, (row.key, cell.column)


def test_disagreement_is_kept_beside_the_value_displayed() -> None:
    cell = table().row(QWEN).cell(Column.CONTEXT)
    assert cell.text == "32,768"
    assert [each.value for each in cell.contradictions] == [131_072]


def test_a_repository_date_is_labelled() -> None:
    known = [fact(QWEN, Factor.REPOSITORY_CREATED, "2025-04-27T03:43:05.000Z")]
    assert text(Column.RELEASE, of=table(known=known)) == "repo created 2025-04-27"
    both = [*known, fact(QWEN, Factor.RELEASE_DATE, "2025-04-29")]
    cell = table(known=both).row(QWEN).cell(Column.RELEASE)
    assert cell.text == "2025-04-29"
    assert cell.contradictions == ()


def test_a_default_tag_in_another_quantization_is_noted() -> None:
    known = [
        fact(QWEN, Factor.OLLAMA_TAG, "zephyr:7b"),
        fact(QWEN, Factor.OLLAMA_QUANTIZATION, "Q4_0"),
    ]
    assert "zephyr:7b is Q4_0, not Q4_K_M" in text(Column.NOTES, of=table(known=known))


def test_rejected_ones_are_counted_by_reason() -> None:
    assert [(group.reason, group.count) for group in table().rejected] == [
        ("It is a merge.", 2),
        ("It is too small.", 1),
    ]


def test_excluded_rows_stand_last_and_are_not_eligible() -> None:
    commercial = table(request(licence=LicenceNeed.COMMERCIAL))
    assert [row.key for row in commercial.rows][-1] == NC
    assert commercial.rows[-1].excluded
    assert NC not in {row.key for row in commercial.eligible}


def test_rows_are_sorted_by_stars() -> None:
    stars = [row.rating.stars or 0.0 for row in table().eligible]
    assert stars == sorted(stars, reverse=True)


def test_a_licence_read_for_another_candidate_counts_as_its_base() -> None:
    tuned = candidate("x/tuned-8B", "Tuned 8B", family="x")
    known = [
        *facts(),
        *usual_facts("x/tuned-8B"),
        fact("x/tuned-8B", Factor.BASE_MODEL, NC),
    ]
    row = table(who=[*candidates(), tuned], known=known).row("x/tuned-8B")
    assert row.licence.laundering
    assert row.lineage == "command-r"
    assert "laundering" in row.cell(Column.NOTES).text


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_arrival_does_not_matter(random: st.DataObject) -> None:
    who, known, said = candidates(), facts(), claims()
    for items in (who, known, said):
        random.shuffle(items)  # type: ignore[attr-defined]
    assert table(who=who, known=known, said=said) == table()


def test_it_reads_back_unchanged() -> None:
    before = table(coverage=CoverageNote(share=0.9, queries=10))
    after = ComparisonTable.model_validate_json(before.model_dump_json())
    assert after == before
    assert after.hash == before.hash


def test_the_hash_ignores_when_things_were_read() -> None:
    later = [
        each.model_copy(
            update={"source": each.source.model_copy(update={"retrieved_at": NOON + timedelta(days=3)})}
        )
        for each in facts()
    ]
    assert table(known=later).hash == table().hash
    assert diff_tables(table(), table(known=later)) == []


CHANGES = [
    (lambda: table(known=[f for f in facts() if f.factor is not Factor.LICENCE]), "Licence"),
    (
        lambda: table(
            known=[*facts(), fact(QWEN, Factor.LIKES, 5, source("https://x.example", kind=SourceKind.VENDOR))]
        ),
        "disagree",
    ),
    (lambda: table(said=[*claims(), claim(quote="New.", url="https://new.example/")]), "evidence"),
    (lambda: table(who=[c for c in candidates() if c.key != LLAMA]), "is gone"),
    (lambda: table(who=[*candidates(), candidate("n/new-8B", "New 8B")]), "is new"),
    (lambda: table(who=candidates()[:5]), "rejected"),
    (lambda: table(request(licence=LicenceNeed.COMMERCIAL)), "request"),
    (lambda: table(coverage=CoverageNote(blocked=3, queries=9)), "coverage"),
]


@pytest.mark.parametrize(("change", "word"), CHANGES)
def test_what_a_person_sees_is_in_the_hash_and_in_the_difference(change: object, word: str) -> None:
    new = change()  # type: ignore[operator]
    assert new.hash != table().hash
    sentences = diff_tables(table(), new)
    assert any(word in sentence for sentence in sentences), sentences


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, len(facts()) - 1)), st.sets(st.integers(0, len(claims()) - 1)))
def test_a_difference_is_named_exactly_when_hashes_differ(out: set[int], unsaid: set[int]) -> None:
    other = table(
        known=[each for i, each in enumerate(facts()) if i not in out],
        said=[each for i, each in enumerate(claims()) if i not in unsaid],
    )
    assert bool(diff_tables(table(), other)) is (other.hash != table().hash)


def test_markdown_has_the_columns_footnotes_and_counts() -> None:
    shown = to_markdown(
        table(request(licence=LicenceNeed.COMMERCIAL), coverage=CoverageNote(queries=9, blocked=2))
    )
    lines = shown.splitlines()
    header = next(line for line in lines if line.startswith("| Model"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == [column.value for column in Column]
    note = next(line for line in lines if line.startswith("[^1]:"))
    assert "32768" in note
    assert "131072" in note
    assert "https://openrouter.ai/qwen3-8b" in note
    assert "Rule:" in note
    assert "[^1]" in next(line for line in lines if "Qwen/Qwen3" in line)
    assert "- 2 × It is a merge." in shown
    assert "Excluded by a hard need" in shown
    assert "2 of 9 requests were blocked" in shown


def test_markdown_shows_no_more_than_the_limit() -> None:
    shown = to_markdown(table(), limit=1)
    assert "2 more are in the CSV and JSON exports." in shown
    assert sum(line.startswith("| ") for line in shown.splitlines()) == 3


def test_an_empty_table_says_so() -> None:
    assert "No candidate meets every hard need." in to_markdown(table(who=[]))


HOSTILE = [
    "a | b",
    "<script>alert(1)</script>",
    "[click](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "see https://evil.example or www.evil.example",
    "`code` **bold** [^1]",
    "line\nbreak\r\n| x |",
    "rtl\u202egnp.exe",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_plain_words_in_markdown(name: str) -> None:
    shown = to_markdown(table(who=[candidate("e/vil", name)], known=usual_facts("e/vil"), said=[]))
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "e/vil" in line]
    assert len(rows) == 1
    assert len(rows[0].replace("\\|", "").strip("|").split("|")) == len(Column)
    assert "<script" not in shown
    assert "](" not in rows[0].replace("\\]", "")
    assert "://" not in rows[0]
    assert "www.evil" not in rows[0]
    assert "\u202e" not in shown


PLAIN = [
    ("9.65B (9,653,104,368)", "9.65B (9,653,104,368)"),
    ("Qwen3-8B, 2025-04-29", "Qwen3-8B, 2025-04-29"),
    ("- item", "\\- item"),
    ("# heading", "\\# heading"),
    ("1. item", "1\\. item"),
]


@pytest.mark.parametrize(("words", "escaped"), PLAIN)
def test_plain_words_stay_readable_and_starts_of_blocks_do_not_begin_one(words: str, escaped: str) -> None:
    assert escape_markdown(words) == escaped


def test_only_web_addresses_become_links() -> None:
    assert markdown_link("https://a.example/x y>z") == "<https://a.example/x%20y%3Ez>"
    assert not markdown_link("javascript:alert(1)").startswith("<")
    assert not markdown_link("http://[bad").startswith("<")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "＝", "|", '"='])
def test_no_csv_cell_starts_a_formula(start: str) -> None:
    name = f"{start}HYPERLINK(1)"
    written = to_csv(table(who=[candidate("e/vil", name)], known=[], said=[]))
    cells = next(csv.reader(io.StringIO(written.split("\r\n", 1)[1])))
    assert cells[0].startswith("'")


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_escaped_text_has_no_live_markup(words: str) -> None:
    escaped = escape_markdown(words)
    assert "\n" not in escaped
    assert "<" not in escaped
    assert "://" not in escaped
    assert not plain_cell(words).startswith(("=", "+", "-", "@"))


def test_csv_has_the_columns_first_and_every_row() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(table()))))
    assert rows[0][:10] == [column.value for column in Column]
    assert len(rows) == 1 + len(table().rows)
    assert "131072" in rows[[row[10] for row in rows].index(QWEN)][13]


def test_json_reads_back() -> None:
    data = json.loads(to_json(table()))
    assert data["hash"] == table().hash
    assert ComparisonTable.model_validate(data["table"]) == table()


def test_claims_of_a_study_count_as_evidence_in_the_order() -> None:
    twin = "z/twin-8B"
    who = [candidate(QWEN, "Same"), candidate(twin, "Same")]
    known = [*usual_facts(QWEN), *usual_facts(twin)]
    said = [claim(Stance.MIXED, ClaimKind.STUDY, key=twin)]
    assert [row.key for row in table(who=who, known=known, said=said).rows] == [twin, QWEN]
