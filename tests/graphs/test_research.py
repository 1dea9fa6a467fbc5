"""Five requests researched on the stand-ins, up to the table: everything has its source and its reason."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from graphs.options import Budget
from store import reading, research, runs
from store.schema import SearchRow
from tests.graphs.researching import REQUESTS, Researched, researched
from tests.standins.stored_facts import models
from tests.standins.world import World
from tools.candidates import Candidate, Standing
from tools.facts import Fact, Factor, settle_all
from tools.request import EvaluationRequest
from tools.sizes import fits_size
from tools.table import UNKNOWN, Column

KINDS_OF_COPIES = ("a quantised or repackaged copy", "a mirror of another repository")
DERIVED = {Factor.ARCHITECTURE_FOCUS, Factor.CACHE_BYTES, Factor.CONTEXT_EXTENDED, Factor.SECURITY}
"""Factors that a rule reads out of a field, which does not hold the value itself."""

# --- every fact has its source, every candidate its reason -------------------------------------------------


def every_fact_stands_where_it_says(done: Researched) -> None:
    facts: list[Fact] = done.look(research.facts)
    assert len(facts) > 200
    with done.database.reading() as session:
        texts = {
            digest: reading.page_text(session, digest)
            for digest in {fact.source.content_hash for fact in facts}
        }
    wrong = [
        (fact.candidate, fact.factor.value, fact.value, fact.source.record_field or fact.source.quote)
        for fact in facts
        if not _stands(fact, texts[fact.source.content_hash])
    ]
    assert not wrong, wrong


def every_claim_stands_verbatim_in_its_page(done: Researched) -> None:
    claims = done.look(research.claims)
    assert claims
    with done.database.reading() as session:
        for claim in claims:
            text = reading.page_text(session, claim.source.content_hash)
            assert text is not None
            assert claim.source.quote
            assert _folded(claim.source.quote) in _folded(text), claim


def every_cell_has_a_source_or_says_unknown(done: Researched) -> None:
    table = done.offered.table
    for row in table.rows:
        for cell in row.cells:
            if cell.column in {Column.MODEL, Column.NOTES, Column.FIT}:
                continue
            assert cell.facts or cell.text.startswith(UNKNOWN), (row.key, cell.column, cell.text)
        rated = row.rating.stars is not None
        assert rated == bool(row.rating.counted)
        assert all(part.sources for part in row.rating.parts if part.points)
    counts = table.counts
    assert counts.seen == counts.viable + counts.excluded + counts.rejected
    assert counts.filled > counts.unknown


def every_line_of_the_ledger_has_its_reason(done: Researched) -> None:
    ledger: list[Candidate] = done.look(research.ledger)
    assert len(ledger) > 100
    assert all(line.reason and line.found_by for line in ledger)
    lines = {line.key: line for line in ledger}
    for line in ledger:
        if line.standing is Standing.ACCEPTED:
            assert line.folded_into is None
        elif line.folded_into is not None:
            assert line.folded_into in lines, f"{line.key} is folded into what nobody looked at"
        elif line.reason.startswith(KINDS_OF_COPIES):
            assert line.key == "stand-in/quiet-therapist-8b-GGUF", f"nobody knows what {line.key} copies"
    table = done.offered.table
    assert {row.key for row in table.rows} == {k for k, c in lines.items() if c.standing is Standing.ACCEPTED}
    assert sum(group.count for group in table.rejected) == len(ledger) - len(table.rows)


def coverage_is_measured_and_says_why_research_stopped(done: Researched) -> None:
    note = done.offered.table.coverage
    assert note is not None
    assert note.measured is not None
    measured = note.measured
    waves = done.look(research.waves)
    asked = {query for wave in waves for query in wave.queries}
    searches: list[SearchRow] = done.look(reading.searches)
    assert {row.query for row in searches} == asked
    assert (measured.queries, measured.unanswered) == (len(asked), 0)
    assert measured.low is not None
    assert measured.sample_coverage is not None
    assert measured.high is not None
    assert 0.9 < measured.low <= measured.sample_coverage <= measured.high <= 1
    assert note.share == measured.sample_coverage
    assert measured.listed <= measured.known <= len(done.offered.table.rows)
    assert [point.query for point in measured.curve] == list(range(1, len(asked) + 1))
    assert measured.curve[-1].known == measured.known
    assert measured.stopped == waves[-1].stopped != ""
    assert not any(wave.stopped for wave in waves[:-1])
    assert not measured.truncated


def primary_and_backup_meet_the_needs_and_differ_in_their_risk(done: Researched) -> None:
    offered = done.offered
    assert offered.proposal.primary is not None
    assert offered.proposal.backup is not None
    primary, backup = (offered.table.row(k) for k in (offered.proposal.primary, offered.proposal.backup))
    assert not primary.excluded
    assert not backup.excluded
    assert primary.lineage != backup.lineage or primary.licence.verdict is not backup.licence.verdict
    assert offered.proposal.strengths
    assert offered.proposal.over
    assert offered.proposal.sensitivity is not None


def the_checkpoint_stays_small(done: Researched) -> None:
    assert done.state["wave"] == len(done.look(research.waves)) >= 2
    assert len(json.dumps(done.state)) < 10_000


def _stands(fact: Fact, text: str | None) -> bool:
    source = fact.source
    if text is None:
        return False
    if source.quote is not None:
        return _folded(source.quote) in _folded(text)
    record = json.loads(text)
    if source.record_field == "manifest":
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        tag = str(fact.value).replace(":", "/manifests/")
        return fact.value == digest if fact.factor is Factor.OLLAMA_DIGEST else source.url.endswith(tag)
    values = _at(record, source.record_field or "")
    if fact.factor in DERIVED:
        return bool(values)
    if fact.factor is Factor.OLLAMA_BYTES:
        return fact.value == sum(values) + record["config"]["size"]
    if fact.factor is Factor.GATED:  # false, "auto" or "manual"
        return [fact.value] == [bool(value) for value in values]
    if fact.factor is Factor.LANGUAGES:
        return str(fact.value).split(", ") == [str(value) for value in values]
    return fact.value in values


def _at(record: Any, field: str) -> list[Any]:
    """Values of a record's field; every one, where a list lies on the way. ``[id]`` names a row of a list."""
    row = re.fullmatch(r"\[([^\]]+)\]\.(.+)", field)
    if row is not None:
        return [value for one in record if one["id"] == row[1] for value in _at(one, row[2])]
    if isinstance(record, list):
        return [value for one in record for value in _at(one, field)]
    if isinstance(record, dict) and field in record:
        value = record[field]
        return list(value) if isinstance(value, list) else [value]
    head, dot, rest = field.partition(".")
    return _at(record[head], rest) if dot and isinstance(record, dict) and head in record else []


def _folded(text: str) -> str:
    return " ".join(text.split())


# --- hard needs --------------------------------------------------------------------------------------------


def _excluded(done: Researched) -> dict[str, str]:
    return {row.key: " ".join(row.excluded) for row in done.offered.table.rows if row.excluded}


def what_needs_too_much_memory_is_excluded_with_the_figures(done: Researched) -> None:
    assert done.look(runs.request_of).memory_budget_bytes == 8_000_000_000
    too_large = _excluded(done)["mistralai/Mistral-Nemo-Instruct-2407"]
    assert "It needs about 8.14 GB at 4,096 tokens of context; 8.00 GB may be used." in too_large
    assert all("12B" not in row.key for row in done.offered.table.eligible)


def what_may_not_be_used_commercially_is_excluded_with_its_licence(done: Researched) -> None:
    excluded = _excluded(done)
    assert (
        "(Mistral Research) does not allow commercial use" in excluded["mistralai/Ministral-8B-Instruct-2410"]
    )
    assert "(CC BY-NC 4.0) does not allow commercial use" in excluded["CohereLabs/aya-expanse-8b"]
    assert "No source that was read states a licence" in excluded["Qwen/Qwen2.5-Math-7B-Instruct"], (
        "unknown is not free"
    )
    assert all(row.licence.verdict.value in {"yes", "conditional"} for row in done.offered.table.eligible)


def what_does_not_speak_german_is_excluded_and_silence_is_not(done: Researched) -> None:
    assert done.look(runs.request_of).languages == ("de",)
    assert _excluded(done)["Equall/Saul-7B-Instruct-v1"] == (
        "Its card names the languages en; German (de) was asked for."
    )
    silent = done.offered.table.row("meta-llama/Llama-3.1-8B-Instruct")
    assert not silent.excluded


def whoever_is_excluded_is_told_why_and_is_not_proposed(done: Researched) -> None:
    proposal, excluded = done.offered.proposal, _excluded(done)
    assert all(reason.endswith(".") for reason in excluded.values())
    assert not {proposal.primary, proposal.backup} & set(excluded)
    rows = done.offered.table.rows
    assert not any(row.excluded for row in rows[: len(rows) - len(excluded)]), "they stand at the end"


# --- recall ------------------------------------------------------------------------------------------------


def _in_range(request: EvaluationRequest) -> list[str]:
    """Models of the facts in the size that was asked for: by their count, else by their name."""
    return [
        model["hf_repo"]
        for model in models()
        if (
            request.size.holds(model["parameters"])
            if model["parameters"]
            else fits_size(request.size, None, model["hf_repo"])
        )
    ]


def no_model_of_the_facts_is_missing_from_the_ledger(done: Researched) -> None:
    ledger = {line.key: line for line in done.look(research.ledger)}
    wanted = _in_range(done.look(runs.request_of))
    assert len(wanted) >= 3
    assert not [repo for repo in wanted if repo not in ledger]
    for repo in wanted:
        line = ledger[repo]
        assert line.standing is Standing.ACCEPTED or line.reason.startswith("a fine-tune for something else")


class Difference(NamedTuple):
    """A value of the table that is not that of the facts."""

    model: str
    factor: Factor
    facts: object
    table: object


TABLE_IS_RIGHT = {
    # config.json says so itself, by the rule that the note of the fact states.
    Difference("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", Factor.CONTEXT_EXTENDED, None, 131072),
    Difference("internlm/internlm3-8b-instruct", Factor.CONTEXT_EXTENDED, None, 196608),
    Difference("allenai/Olmo-3-7B-Instruct", Factor.CONTEXT_EXTENDED, None, 65536),
    # A packaged copy that the facts do not list.
    Difference(
        "mistralai/Mathstral-7B-v0.1", Factor.GGUF_REPO, None, "lmstudio-community/mathstral-7B-v0.1-GGUF"
    ),
}
FACTS_ARE_RIGHT = {
    # No manifest of these tags is in the facts, so that the registry has nothing to prove them by: unknown.
    Difference("Qwen/Qwen3.5-9B", Factor.OLLAMA_TAG, "qwen3.5:9b", None),
    Difference("Qwen/Qwen3.5-2B", Factor.OLLAMA_TAG, "qwen3.5:2b", None),
    Difference("google/gemma-4-E4B-it", Factor.OLLAMA_TAG, "gemma4:e4b", None),
    Difference("google/gemma-4-12B-it", Factor.OLLAMA_TAG, "gemma4:12b", None),
    Difference("allenai/Olmo-3-7B-Instruct", Factor.OLLAMA_TAG, "olmo-3:7b-instruct-q4_K_M", None),
    Difference("ibm-granite/granite-4.1-8b", Factor.OLLAMA_TAG, "granite4.1:8b", None),
    Difference("mistralai/Ministral-3-3B-Instruct-2512", Factor.OLLAMA_TAG, "ministral-3:3b", None),
    # The repository's files are not in the facts: unknown.
    Difference("Verdugie/Fable-Therapy-9B", Factor.GGUF_REPO, "Verdugie/Fable-Therapy-9B", None),
}


def _values(model: dict[str, Any]) -> dict[Factor, object]:
    named = model["license"]["license_name"] or model["license"]["hf_tag"]
    return {
        Factor.PARAMETERS: model["parameters"],
        Factor.LICENCE: named,
        Factor.CONTEXT_NATIVE: model["context"]["native"],
        Factor.CONTEXT_EXTENDED: model["context"]["extended"],
        Factor.RELEASE_DATE: model["release_date"],
        Factor.REPOSITORY_CREATED: model["hf_created_at"],
        Factor.OLLAMA_TAG: model["ollama"].get("tag"),
        Factor.OLLAMA_BYTES: (model["ollama"].get("registry") or {}).get("total_bytes"),
        Factor.GGUF_REPO: model["gguf"]["repo"],
    }


def every_cell_is_that_of_the_facts_or_listed_with_who_is_right(done: Researched) -> None:
    read = {key: settled.fact.value for key, settled in settle_all(done.look(research.facts)).items()}
    accepted = {row.key for row in done.offered.table.rows}
    found = {
        Difference(model["hf_repo"], factor, value, shown)
        for model in models()
        if model["hf_repo"] in accepted
        for factor, value in _values(model).items()
        if _word(shown := read.get((model["hf_repo"], factor))) != _word(value)
    }
    assert found <= TABLE_IS_RIGHT | FACTS_ARE_RIGHT
    listed = {d for d in TABLE_IS_RIGHT | FACTS_ARE_RIGHT if d.model in accepted}
    assert found == listed, "what no longer differs need not be listed"


def _word(value: object) -> object:
    """Times as days, licences without regard to case."""
    text = str(value)
    return text[:10] if re.match(r"\d{4}-\d\d-\d\d", text) else text.casefold()


def a_tag_that_was_pointed_at_other_weights_is_not_the_old_model(done: Researched) -> None:
    tags = {
        fact.candidate: fact.value
        for fact in done.look(research.facts)
        if fact.factor is Factor.OLLAMA_TAG and str(fact.value) == "deepseek-r1:8b"
    }
    assert tags == {"deepseek-ai/DeepSeek-R1-0528-Qwen3-8B": "deepseek-r1:8b"}


# --- the five requests -------------------------------------------------------------------------------------

CHECKS = (
    every_fact_stands_where_it_says,
    every_claim_stands_verbatim_in_its_page,
    every_cell_has_a_source_or_says_unknown,
    every_line_of_the_ledger_has_its_reason,
    coverage_is_measured_and_says_why_research_stopped,
    primary_and_backup_meet_the_needs_and_differ_in_their_risk,
    the_checkpoint_stays_small,
    whoever_is_excluded_is_told_why_and_is_not_proposed,
    no_model_of_the_facts_is_missing_from_the_ledger,
    every_cell_is_that_of_the_facts_or_listed_with_who_is_right,
)
MORE: dict[str, tuple[Callable[[Researched], None], ...]] = {
    "coding": (what_needs_too_much_memory_is_excluded_with_the_figures,),
    "mathematics": (what_may_not_be_used_commercially_is_excluded_with_its_licence,),
    "law": (what_does_not_speak_german_is_excluded_and_silence_is_not,),
    "therapy": (a_tag_that_was_pointed_at_other_weights_is_not_the_old_model,),
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name not in {"therapy", "coding"} else ())
        for name in REQUESTS
    ],
)
async def test_a_request_is_researched_up_to_its_table(world: World, tmp_path: Path, name: str) -> None:
    """One test for each request, since research takes seconds and every check looks at the same run."""
    done = await researched(world, tmp_path / "run", REQUESTS[name], budget=Budget())
    for check in (*CHECKS, *MORE.get(name, ())):
        check(done)
    done.database.close()
