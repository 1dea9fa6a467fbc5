"""One row of the comparison table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from tools.facts import Factor
from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.licences import judge_licence, lineage
from tools.needs import check_needs
from tools.rating import CandidateView, rate
from tools.request import EvaluationRequest
from tools.table_cells import CellWriter
from tools.table_records import TableRow


class Ancestry(NamedTuple):
    """What was read of repositories that candidates come from, candidates included."""

    licences: Mapping[str, str]
    """Repository → the licence displayed."""
    bases: Mapping[str, Sequence[str]]
    """Repository → what it says that it was made from."""


def table_row(
    view: CandidateView,
    request: EvaluationRequest,
    domain: Domain,
    *,
    ancestry: Ancestry,
    today: date,
    machine_memory_bytes: int | None = None,
) -> TableRow:
    """The row of one candidate."""
    candidate = view.candidate
    verdict = judge_licence(
        licence=view.text(Factor.LICENCE),
        base_models=lineage(candidate.key, ancestry.bases),
        base_licences={repo: text for repo, text in ancestry.licences.items() if repo != candidate.key},
        domain=domain,
    )
    needs = check_needs(view, request, domain, verdict)
    rating = rate(view, domain, today=today)
    return TableRow(
        key=candidate.key,
        name=candidate.name,
        family=candidate.family,
        lineage=lineage_of(view),
        cells=CellWriter(view, request, machine_memory_bytes).all(verdict, needs, rating),
        rating=rating,
        licence=verdict,
        excluded=needs.excluded,
        evidence=view.claims,
    )


def lineage_of(view: CandidateView) -> str:
    """Whose weights they are: by the base model that a source names, the name, the family, else the owner."""
    known = loader.families()
    base, key = view.text(Factor.BASE_MODEL), view.candidate.key
    family = known.get(view.candidate.family)
    member = known.member(key)
    if member is not None and member.weights:
        return member.weights
    by_base = known.lineage(base) if base else None
    return by_base or known.lineage(key) or (family.lineage if family else None) or key.split("/")[0].lower()
