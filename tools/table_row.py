"""One row of the comparison table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from tools.facts import Factor, SourceKind
from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.licences import CommercialUse, LicenceVerdict, judge_licence, lineage
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
    verdict = _licence(view, ancestry, domain)
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


def _licence(view: CandidateView, ancestry: Ancestry, domain: Domain) -> LicenceVerdict:
    """What the licence means. A third party's word can make it stricter, and never more permissive: anybody
    can write on some page that a model is under MIT."""

    def judged(licence: str | None) -> LicenceVerdict:
        return judge_licence(
            licence=licence,
            base_models=lineage(view.candidate.key, ancestry.bases),
            base_licences={
                repo: text for repo, text in ancestry.licences.items() if repo != view.candidate.key
            },
            domain=domain,
        )

    stated = view.fact(Factor.LICENCE)
    verdict = judged(None if stated is None else str(stated.value))
    permissive = verdict.verdict in {CommercialUse.YES, CommercialUse.CONDITIONAL}
    if stated is None or stated.source.kind is not SourceKind.THIRD_PARTY or not permissive:
        return verdict
    condition = f"Only {stated.source.url} says {verdict.display}; no source of the maker's states a licence."
    return judged(None).model_copy(update={"condition": condition})


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
