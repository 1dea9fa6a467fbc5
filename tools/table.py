"""The comparison table that a person approves from: every cell has its sources or says "unknown"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar

from tools.candidates import Candidate, Claim, Standing
from tools.facts import Fact, Factor, SourceKind, settle_all
from tools.knowledge import loader
from tools.ranking import order
from tools.rating import RATING_VERSION, view_of
from tools.request import EvaluationRequest
from tools.table_diff import diff_tables
from tools.table_records import (
    UNKNOWN,
    Cell,
    Column,
    ComparisonTable,
    CoverageNote,
    RejectedGroup,
    TableRow,
)
from tools.table_row import Ancestry, table_row

__all__ = [
    "UNKNOWN",
    "Cell",
    "Column",
    "ComparisonTable",
    "CoverageNote",
    "RejectedGroup",
    "TableRow",
    "build_table",
    "diff_tables",
]

Spoken = TypeVar("Spoken", Fact, Claim)


def build_table(
    request: EvaluationRequest,
    candidates: Sequence[Candidate],
    facts: Sequence[Fact],
    claims: Sequence[Claim],
    *,
    today: date,
    coverage: CoverageNote | None = None,
    machine_memory_bytes: int | None = None,
) -> ComparisonTable:
    """The table of all accepted candidates. Pure; the order of the arguments' items does not matter.

    A candidate named twice is taken as accepted when one of its entries is. ``machine_memory_bytes`` is all
    the memory of the machine that will run the model; where the request names no budget, the table says which
    candidates are too large for it. It is part of what a person sees, so the same run must keep naming the
    same machine.
    """
    domain = loader.domains().named(request.domain_key, request.domain)
    accepted = {c.key: c for c in sorted(candidates, key=_entry) if c.standing is Standing.ACCEPTED}
    by_key = _grouped(facts)
    claims_by_key = _grouped(claims)
    ancestry = Ancestry(_licences_read(facts), _bases_read(facts))
    rows = [
        table_row(
            view_of(candidate, by_key.get(key, ()), claims_by_key.get(key, ())),
            request,
            domain,
            ancestry=ancestry,
            today=today,
            machine_memory_bytes=machine_memory_bytes,
        )
        for key, candidate in accepted.items()
    ]
    refused = {c.key: c for c in sorted(candidates, key=_entry) if c.key not in accepted}
    return ComparisonTable(
        request=request,
        domain_title=domain.title,
        built_on=today,
        rating_version=RATING_VERSION,
        rows=tuple(sorted(rows, key=order)),
        rejected=_reasons(refused.values()),
        coverage=coverage,
    )


def _entry(candidate: Candidate) -> str:
    return candidate.model_dump_json()


def _grouped(items: Iterable[Spoken]) -> dict[str, list[Spoken]]:
    groups: dict[str, list[Spoken]] = {}
    for item in items:
        groups.setdefault(item.candidate, []).append(item)
    return groups


def _licences_read(facts: Iterable[Fact]) -> dict[str, str]:
    """Licence displayed of every repository that facts speak of: a candidate may be another one's base. What
    third parties alone say of a base counts for nothing."""
    return {
        key: str(settled.fact.value)
        for (key, _), settled in settle_all([f for f in facts if f.factor is Factor.LICENCE]).items()
        if settled.fact.source.kind is not SourceKind.THIRD_PARTY
    }


def _bases_read(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """What every repository says that it was made from; several where it is a merge."""
    bases: dict[str, list[str]] = {}
    for fact in facts:
        if fact.factor is Factor.BASE_MODEL:
            bases.setdefault(fact.candidate, []).append(str(fact.value))
    return {key: sorted(set(named)) for key, named in bases.items()}


def _reasons(refused: Iterable[Candidate]) -> tuple[RejectedGroup, ...]:
    counts = Counter(candidate.reason for candidate in refused)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(RejectedGroup(reason=reason, count=count) for reason, count in ordered)
