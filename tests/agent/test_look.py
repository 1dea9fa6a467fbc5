"""`bms table` and `bms evidence` over a run whose rows are written by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from graphs.options import RunOptions
from graphs.tables import current_table
from store import reading, research, runs
from store.database import Database
from store.schema import RunStatus
from tests.agent.conftest import Bms
from tests.standins.records import NOW, a_candidate, a_request, a_source
from tools.candidates import Claim, ClaimKind, Quality, Stance, Standing
from tools.facts import Fact, Factor, SourceKind, Value
from tools.proposal import propose

pytestmark = [pytest.mark.usefixtures("elsewhere")]

QWEN, LLAMA = "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct"
PAGE = "Qwen3 8B listens well in therapy, and Llama 3.1 8B lectures. Context 32,768 tokens, or 40,960."
RULE = "no scaling: the length is native"
COPY = "https://copy.example/1"


def fact(key: str, factor: Factor, value: Value, note: str = "", kind: SourceKind = SourceKind.MAKER) -> Fact:
    where = a_source(PAGE, quote="Context 32,768 tokens", url=f"https://hub.example/{key}", kind=kind)
    return Fact(candidate=key, factor=factor, value=value, source=where, note=note)


def claim(key: str, stance: Stance, quote: str) -> Claim:
    return Claim(
        candidate=key,
        stance=stance,
        kind=ClaimKind.STUDY,
        summary=f"A study says: {quote}",
        quality=Quality.REVIEWED,
        dated=date(2025, 6, 1),
        copies=(COPY,),
        source=a_source(PAGE, quote=quote, url="https://study.example/1", kind=SourceKind.THIRD_PARTY),
    )


@pytest.fixture
def run_id(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run with two candidates, an offered table and a rejected merge."""
    monkeypatch.setenv("BMS_DATABASE_URL", database.url)
    facts = [
        *(fact(QWEN, Factor.CONTEXT_NATIVE, 32_768, note=RULE), fact(QWEN, Factor.LICENCE, "apache-2.0")),
        fact(QWEN, Factor.CONTEXT_NATIVE, 40_960, kind=SourceKind.THIRD_PARTY),
        *(fact(QWEN, Factor.PARAMETERS, 8_190_735_360), fact(QWEN, Factor.RELEASE_DATE, "2025-04-29")),
        *(fact(QWEN, Factor.ARCHITECTURE_FOCUS, "hybrid thinking"), fact(QWEN, Factor.DOWNLOADS, 5)),
        *(fact(LLAMA, Factor.PARAMETERS, 8_030_261_248), fact(LLAMA, Factor.LICENCE, "cc-by-nc-4.0")),
        *(fact(LLAMA, Factor.CONTEXT_NATIVE, 131_072), fact(LLAMA, Factor.DOWNLOADS, 9_000_000)),
    ]
    claims = [
        claim(QWEN, Stance.FOR, "Qwen3 8B listens well in therapy"),
        claim(LLAMA, Stance.AGAINST, "Llama 3.1 8B lectures."),
    ]
    with database.session() as session:
        made = runs.create(session, "8B", RunOptions(out_dir=str(home)).model_dump(mode="json"), NOW)
        session.flush()
        runs.set_request(session, made, a_request(domain_key="therapy-coaching"), NOW)
        reading.keep_text(session, made, PAGE)
        candidates = [
            a_candidate(QWEN, name="Qwen3 8B"),
            a_candidate(LLAMA, name="Llama 3.1 8B", family="llama3.1"),
            a_candidate("a/merge", standing=Standing.REJECTED, reason="a merge"),
        ]
        research.keep_candidates(session, made, candidates)
        assert research.keep_facts(session, made, facts) == len(facts)
        assert research.keep_claims(session, made, claims) == len(claims)
        table = current_table(session, made, NOW.date())
        research.keep_table(session, made, table, propose(table), NOW)
        runs.set_status(session, made, RunStatus.REJECTED, "", NOW)
    return made


def flat(text: str) -> str:
    return " ".join(text.split())


def test_evidence_explains_every_half_star(bms: Bms, run_id: str) -> None:
    text = flat(bms("evidence", run_id, QWEN).out)
    rating = bms("evidence", run_id, QWEN, "--json").json["rating"]
    for line in rating["arithmetic"]:
        assert flat(line) in text
    assert rating["arithmetic"][0] == "start 2.50"
    assert rating["arithmetic"][-1] == f"rounded to halves {rating['total']:.2f} → {rating['stars']:.1f}"
    evidence = rating["parts"][1]
    assert evidence["lines"][0].startswith(
        "for: study, reviewed source, said 2025-06-01, 1 copy not counted:"
    )
    assert flat(evidence["lines"][-1]) in text
    assert f"read by the rule: {RULE}" in text
    assert f"copied, not counted: {COPY}" in text
    assert "study, reviewed source, said 2025-06-01, read by rules" in text


def test_the_foot_of_the_table_counts(bms: Bms, run_id: str) -> None:
    text = flat(bms("table", run_id).out)
    assert "3 candidates seen: 2 viable, 0 excluded by a hard need, 1 rejected by research." in text
    assert "1 in contradiction" in text
    assert "The oldest fact was read on 2026-03-01, the day of the table." in text
    assert "Differs: context native 40960 according to a third party" in text
    assert f"Read by the rule: {RULE}." in text


def test_a_part_of_the_table(bms: Bms, run_id: str) -> None:
    by_downloads = bms(
        "table", run_id, "--sort", "downloads", "--columns", "community", "--format", "csv"
    ).out
    assert by_downloads.splitlines()[0].startswith('"Model","Community","Key"')
    assert LLAMA in by_downloads.splitlines()[1]
    free = bms("table", run_id, "--licence", "commercial", "--format", "md").out
    assert QWEN in free
    assert LLAMA not in free
    assert "8,030,261,248" not in bms("table", run_id, "--family", "qwen", "--columns", "params").out


WRONG = [
    (("--sort", "size", "--json"), "json is the whole table"),
    (("--columns", "price"), "There is no column 'price'"),
    (("--family", "nobody"), "No candidate of the table is left"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_a_wrong_part_is_a_wrong_use(
    bms: Bms, run_id: str, arguments: tuple[str, ...], sentence: str
) -> None:
    said = bms("table", run_id, *arguments)
    assert said.status == 2
    assert sentence in said.sentence


def test_every_format_is_written(bms: Bms, run_id: str, tmp_path: Path) -> None:
    written = bms("table", run_id, "--out", str(tmp_path / "out")).out.splitlines()[-4:]
    assert written == [str(tmp_path / "out" / f"table.{ending}") for ending in ("md", "csv", "json", "html")]
    page = (tmp_path / "out" / "table.html").read_text("utf-8")
    assert page == bms("table", run_id, "--format", "html").out
    assert f"Proposal: {QWEN}" in page
    assert json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))["hash"] in page
