"""Whether a licence allows what a person wants to do: commercial use, in the domain, with these weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.knowledge.licence_terms import Licences, LicenceTerms


class CommercialUse(StrEnum):
    """Whether a product may be built on the weights."""

    YES = "yes"
    CONDITIONAL = "conditional"
    NO = "no"
    UNKNOWN = "unknown"


class LicenceVerdict(BaseModel):
    """What the licence of one candidate means for one domain. A reading aid, not legal advice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: CommercialUse
    """Commercial use, with the conditions of the base model's licence included."""
    display: str
    """The licence as a person would name it: ``Apache 2.0``; ``unknown`` where none is known."""
    condition: str = ""
    """What commercial use depends on, in one sentence; empty for an unconditional verdict."""
    laundering: bool = False
    """The stated licence is more permissive than that of the weights it was derived from."""
    clauses: tuple[str, ...] = ()
    """Clauses of the use policy that touch the domain, one sentence each."""
    clause_quotes: tuple[str, ...] = ()
    """Those clauses in the policies' own words, where they were read."""
    sources: tuple[str, ...] = ()
    """URLs of the licence texts and policies that the verdict rests on."""


MOST_ANCESTORS = 12
"""Repositories of a lineage that are followed."""

_RANK = {CommercialUse.YES: 0, CommercialUse.CONDITIONAL: 1, CommercialUse.NO: 2}


class _Base(NamedTuple):
    repo: str
    terms: LicenceTerms


def lineage(key: str, bases: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """``key`` and every repository that its weights come from, the nearest first, by what records say of
    ``bases``; a circle ends where it closes, and more than ``MOST_ANCESTORS`` are not followed."""
    known = {repo.casefold(): tuple(named) for repo, named in bases.items()}
    found = [key]
    seen = {key.casefold()}
    for repo in found:
        for base in known.get(repo.casefold(), ()):
            if base.casefold() not in seen and len(found) < MOST_ANCESTORS:
                seen.add(base.casefold())
                found.append(base)
    return tuple(found)


def judge_licence(
    *,
    licence: str | None,
    base_models: Sequence[str],
    base_licences: Mapping[str, str],
    domain: Domain,
) -> LicenceVerdict:
    """What the licence stated, and those of the weights beneath it, mean for ``domain``.

    ``licence`` is a Hub tag, a name or the beginning of a licence text; None when no source states one.
    ``base_models`` are all Hub repositories that the weights come from, as :func:`lineage` gives them (the
    candidate's own may be among them); ``base_licences`` are licences read for them. Where none was read,
    ``covers`` in ``licences.yaml`` says what is known. The strictest of all licences decides, and the
    conditions of every one apply; a stated licence that is more permissive than that of its base is
    laundering, because nobody can give away rights they do not have.
    """
    known = loader.licences()
    own = known.find(licence) if licence and licence.strip() else None
    bases = _bases(base_models, base_licences, known)
    strictest = max(bases, key=lambda base: _RANK[CommercialUse(base.terms.commercial)], default=None)
    if own is None:
        return _without_own(licence, strictest, domain)
    verdict = CommercialUse(own.commercial)
    laundering = strictest is not None and _RANK[CommercialUse(strictest.terms.commercial)] > _RANK[verdict]
    conditions = [own.condition] if own.condition else []
    for base in _by_terms(bases, own):
        said = (
            f"the weights come from {base.repo}, which is under {base.terms.display}: {base.terms.condition}"
        )
        if base is strictest and laundering:
            conditions.insert(0, f"Stated as {own.display}, but {said}")
        else:
            conditions.append(f"{said[0].upper()}{said[1:]}")
    if strictest is not None and laundering:
        verdict = CommercialUse(strictest.terms.commercial)
    terms = (own, *(base.terms for base in bases))
    return _verdict(own.display, verdict, " ".join(conditions), laundering, terms, domain)


def _by_terms(bases: Sequence[_Base], own: LicenceTerms) -> list[_Base]:
    """One base for each licence that has a condition of its own, the strictest first."""
    first: dict[str, _Base] = {}
    for base in bases:
        if base.terms != own and base.terms.condition:
            first.setdefault(base.terms.key, base)
    return sorted(first.values(), key=lambda base: -_RANK[CommercialUse(base.terms.commercial)])


def _bases(repos: Sequence[str], stated: Mapping[str, str], known: Licences) -> tuple[_Base, ...]:
    """Each repository with the licence read for it and the one that it is known to stand under."""
    read = {repo.lower(): licence for repo, licence in stated.items()}
    pairs = [
        (repo, terms)
        for repo in dict.fromkeys(repos)
        for terms in (known.find(read.get(repo.lower(), "")), known.covering(repo))
    ]
    return tuple(_Base(repo, terms) for repo, terms in pairs if terms is not None)


def _without_own(licence: str | None, base: _Base | None, domain: Domain) -> LicenceVerdict:
    """No licence is stated, or one that nobody has entered in ``licences.yaml``: never guessed to be open."""
    display = " ".join(licence.split())[:60] if licence and licence.strip() else "unknown"
    what = (
        "No source that was read states a licence"
        if display == "unknown"
        else f"The licence {display!r} was not judged yet"
    )
    terms = (base.terms,) if base else ()
    if base is not None and base.terms.commercial == "no":
        condition = f"{what}; by our list {base.repo} is under {base.terms.display}: {base.terms.condition}"
        return _verdict(display, CommercialUse.NO, condition, False, terms, domain)
    by_list = f"; by our list the weights of {base.repo} are under {base.terms.display}." if base else "."
    condition = what + by_list
    return _verdict(display, CommercialUse.UNKNOWN, condition, False, terms, domain)


def _verdict(
    display: str,
    verdict: CommercialUse,
    condition: str,
    laundering: bool,
    terms: Sequence[LicenceTerms],
    domain: Domain,
) -> LicenceVerdict:
    watched = {*domain.licence_watch, "any"}
    touching = [clause for each in terms for clause in each.clauses if watched & set(clause.touches)]
    sources = [source for each in terms for source in each.sources] + [clause.source for clause in touching]
    return LicenceVerdict(
        verdict=verdict,
        display=display,
        condition=condition,
        laundering=laundering,
        clauses=tuple(dict.fromkeys(clause.says for clause in touching)),
        clause_quotes=tuple(dict.fromkeys(clause.quote for clause in touching if clause.quote)),
        sources=tuple(dict.fromkeys(sources)),
    )
