"""Records of the comparison table. Import them from :mod:`tools.table`."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.candidates import Claim
from tools.coverage import Coverage
from tools.facts import Fact, Source, content_hash
from tools.licences import LicenceVerdict
from tools.rating import Rating
from tools.request import EvaluationRequest

UNKNOWN = "unknown"
"""Text of a cell that no source speaks for."""
NO_EVIDENCE = str(Rating())


class Column(StrEnum):
    """The columns, in the order in which they stand."""

    MODEL = "Model"
    PARAMS = "Params"
    LICENCE = "Licence"
    CONTEXT = "Context"
    RELEASE = "Release"
    FOCUS = "Architecture focus"
    QUANTIZATION = "Quantization"
    MEMORY = "Memory"
    COMMUNITY = "Community"
    FIT = "Domain fit ⭐"
    NOTES = "Notes"


FREE_TEXT = frozenset({Column.MODEL, Column.NOTES})
"""Columns that are always filled."""


class Cell(BaseModel):
    """One cell: what is displayed, what it rests on, and what disagrees with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Column
    text: str
    """What a person reads; ``unknown`` when there is no fact. Untrusted: escape it wherever it is shown."""
    facts: tuple[Fact, ...] = ()
    """Facts displayed."""
    contradictions: tuple[Fact, ...] = ()
    """Facts on the same factors with other values; each is shown beside the one displayed."""
    otherwise: tuple[Fact, ...] = ()
    """Facts that say the value displayed in other words or digits: 128,000 for 131,072."""

    @property
    def unknown(self) -> bool:
        """Whether no source tells what the column asks."""
        return self.text.startswith((UNKNOWN, NO_EVIDENCE))


class TableRow(BaseModel):
    """One accepted candidate."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    """Hub repository; the identity of the candidate, and what an approval names."""
    name: str
    family: str
    """Key in ``families.yaml``, or the repository's owner."""
    lineage: str
    """Lineage group, such as ``qwen``: what "of the same family" means for judges and backups."""
    cells: tuple[Cell, ...]
    """One for each :class:`Column`, in that order."""
    rating: Rating
    licence: LicenceVerdict
    excluded: tuple[str, ...] = ()
    """Hard needs that the candidate misses, one sentence each; a row with any cannot be proposed."""
    evidence: tuple[Claim, ...] = ()
    """Distinct claims about it, suspicious ones included and marked."""

    def cell(self, column: Column) -> Cell:
        """The cell of ``column``; unknown in a table stored before there was such a column."""
        found = next((cell for cell in self.cells if cell.column == column), None)
        return found or Cell(column=column, text=UNKNOWN)


class RejectedGroup(BaseModel):
    """Candidates that research saw and did not accept, by reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    count: int = Field(gt=0)


class CoverageNote(BaseModel):
    """How much of the field research believes it has seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float | None = Field(default=None, ge=0.0, le=1.0)
    """Estimated share of viable candidates and planned questions covered; None when it was not measured."""
    threshold: float = Field(default=0.8, ge=0.0, le=1.0)
    """Share below which a proposal carries a warning."""
    queries: int = Field(default=0, ge=0)
    """Queries and fetches asked."""
    blocked: int = Field(default=0, ge=0)
    """How many of them were blocked."""
    failed: int = Field(default=0, ge=0)
    """How many of them failed."""
    detail: str = ""
    """What is missing, in a sentence."""
    measured: Coverage | None = None
    """The figures behind ``share``; None when they were not measured."""

    @property
    def degraded(self) -> bool:
        """Whether something was blocked or failed, so that silence may not mean absence."""
        return self.blocked > 0 or self.failed > 0

    @property
    def below_threshold(self) -> bool:
        return self.share is not None and self.share < self.threshold


class Counts(NamedTuple):
    """How full a table is."""

    seen: int
    """Candidates in the ledger."""
    viable: int
    """Of them, those that meet every hard need."""
    excluded: int
    """Of them, those that miss a hard need."""
    rejected: int
    """Of them, those that research did not accept."""
    filled: int
    """Cells of the accepted ones that a source speaks for; model and notes are not counted."""
    unknown: int
    contradicted: int
    """How many of the filled cells have sources that disagree."""


class ComparisonTable(BaseModel):
    """What a person sees before approving; stored whole as JSON and read back unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: EvaluationRequest
    domain_title: str
    """Title of the domain in ``domains.yaml``, or the person's own words."""
    built_on: date
    """Today, as recency was judged; not part of the hash."""
    rating_version: str
    rows: tuple[TableRow, ...]
    """Eligible candidates by stars, then as :mod:`tools.ranking` says; excluded ones after them."""
    rejected: tuple[RejectedGroup, ...] = ()
    """Rejected candidates counted by reason, the most frequent first."""
    coverage: CoverageNote | None = None
    """None when research did not say."""

    @property
    def eligible(self) -> tuple[TableRow, ...]:
        """Rows that may be proposed."""
        return tuple(row for row in self.rows if not row.excluded)

    @property
    def counts(self) -> Counts:
        """How many candidates and cells there are, by what became of them."""
        asked = [cell for row in self.rows for cell in row.cells if cell.column not in FREE_TEXT]
        rejected = sum(group.count for group in self.rejected)
        viable, unknown = len(self.eligible), sum(cell.unknown for cell in asked)
        return Counts(
            seen=len(self.rows) + rejected,
            viable=viable,
            excluded=len(self.rows) - viable,
            rejected=rejected,
            filled=len(asked) - unknown,
            unknown=unknown,
            contradicted=sum(bool(cell.contradictions) for cell in asked if cell.column is not Column.FIT),
        )

    @property
    def oldest(self) -> datetime | None:
        """When the oldest fact shown was read; None without facts."""
        facts = (fact for row in self.rows for cell in row.cells for fact in cell.facts)
        return min((fact.source.retrieved_at for fact in facts), default=None)

    def row(self, key: str) -> TableRow:
        """The row of candidate ``key``; KeyError when the table has none."""
        for row in self.rows:
            if row.key == key:
                return row
        raise KeyError(key)

    @property
    def hash(self) -> str:
        """``sha256:…`` over canonical JSON of everything that a person sees, retrieval times left out."""
        return content_hash(json.dumps(seen(self), sort_keys=True, ensure_ascii=False, separators=(",", ":")))


def seen(table: ComparisonTable) -> dict[str, Any]:
    """Everything that a person sees, as JSON values; what was read when, and with which hash, is left out."""
    return {
        "request": table.request.model_dump(mode="json"),
        "domain": table.domain_title,
        "rating version": table.rating_version,
        "rows": [{"key": row.key, **seen_row(row)} for row in table.rows],
        "rejected": [group.model_dump(mode="json") for group in table.rejected],
        "coverage": table.coverage.model_dump(mode="json") if table.coverage else None,
    }


def seen_row(row: TableRow) -> dict[str, Any]:
    """What a person sees of one row, part by part."""
    return {
        "name": row.name,
        "family": [row.family, row.lineage],
        "cells": {
            cell.column.value: {
                "text": cell.text,
                "facts": [_seen_fact(fact) for fact in cell.facts],
                "contradictions": [_seen_fact(fact) for fact in cell.contradictions],
                "otherwise": [_seen_fact(fact) for fact in cell.otherwise],
            }
            for cell in row.cells
        },
        "rating": [
            row.rating.stars,
            [[part.name, part.why, sorted(map(_seen_source, part.sources))] for part in row.rating.parts],
        ],
        "licence": row.licence.model_dump(mode="json"),
        "excluded": list(row.excluded),
        "evidence": [
            [
                claim.kind.value,
                claim.stance.value,
                claim.summary,
                claim.suspicious,
                _seen_source(claim.source),
            ]
            for claim in row.evidence
        ],
    }


def _seen_fact(fact: Fact) -> list[Any]:
    return [fact.factor.value, fact.value, fact.note, _seen_source(fact.source)]


def _seen_source(source: Source) -> list[Any]:
    return [source.url, int(source.kind), source.quote or "", source.record_field or ""]
