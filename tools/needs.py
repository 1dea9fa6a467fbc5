"""Hard needs of a request: size, licence, context, memory. They exclude; stars cannot outweigh them."""

from __future__ import annotations

from typing import Final, NamedTuple

from tools.facts import Factor
from tools.knowledge.domains import Domain
from tools.licences import CommercialUse, LicenceVerdict
from tools.rating import CandidateView
from tools.request import EvaluationRequest, LicenceNeed
from tools.sizes import fits_size, nominal_parameters, said

BYTES_PER_PARAMETER: Final = 0.62
"""Q4_K_M stores about 4.95 bits for a parameter, embeddings and scales included."""
CACHE_BYTES_PER_TOKEN: Final = 150_000
"""Key-value cache of an 8-billion model with grouped attention in 16 bits; scaled with size."""
FIXED_BYTES: Final = 400_000_000
"""Buffers of a runtime, whatever the model."""


class Needs(NamedTuple):
    """What became of the hard needs."""

    excluded: tuple[str, ...]
    """Needs that are missed, one sentence each."""
    open: tuple[str, ...]
    """Needs that nothing proves or disproves, or that are met under a condition; one sentence each."""


def exclusions(
    view: CandidateView, request: EvaluationRequest, domain: Domain, verdict: LicenceVerdict
) -> tuple[str, ...]:
    """Why the candidate cannot be proposed, one sentence each; empty when it can."""
    return check_needs(view, request, domain, verdict).excluded


def check_needs(
    view: CandidateView, request: EvaluationRequest, domain: Domain, verdict: LicenceVerdict
) -> Needs:
    """Every hard need of ``request`` against what is known of the candidate. Pure."""
    checks = (
        _size(view, request),
        _licence(request, domain, verdict),
        _context(view, request),
        _memory(view, request),
    )
    return Needs(
        tuple(check.sentence for check in checks if check and check.misses),
        tuple(check.sentence for check in checks if check and not check.misses),
    )


def needed_memory(view: CandidateView, context: int) -> int | None:
    """Bytes for weights, cache at ``context`` tokens and buffers; an estimate. None when no size is known.

    Weights are the exact bytes of the artefact where one is known, else parameters × ``BYTES_PER_PARAMETER``.
    """
    parameters = view.number(Factor.PARAMETERS)
    known = [b for f in (Factor.OLLAMA_BYTES, Factor.GGUF_BYTES) if (b := view.number(f)) is not None]
    if not known and parameters is None:
        return None
    weights = min(known) if known else round((parameters or 0) * BYTES_PER_PARAMETER)
    scale = (parameters or weights / BYTES_PER_PARAMETER) / 8e9
    return round(weights + context * CACHE_BYTES_PER_TOKEN * scale + FIXED_BYTES)


class _Check(NamedTuple):
    misses: bool
    sentence: str


def _size(view: CandidateView, request: EvaluationRequest) -> _Check | None:
    parameters = view.number(Factor.PARAMETERS)
    names = f"{view.candidate.key} {view.candidate.name} {view.text(Factor.OLLAMA_TAG) or ''}"
    fits = fits_size(request.size, parameters, names)
    if fits is None:
        return _Check(False, f"No source states its parameters; {request.size} was asked for.")
    if parameters is None:
        called = said(nominal_parameters(names) or 0)
        return _Check(not fits, f"Only its name tells its size, {called}; {request.size} was asked for.")
    if not fits:
        return _Check(True, f"It has {said(parameters)} parameters; {request.size} was asked for.")
    if not request.size.holds(parameters):
        return _Check(
            False, f"Its name is within {request.size}, though it has {said(parameters)} parameters."
        )
    return None


def _licence(request: EvaluationRequest, domain: Domain, verdict: LicenceVerdict) -> _Check | None:
    if request.licence_need is not LicenceNeed.COMMERCIAL or verdict.verdict is CommercialUse.YES:
        return None
    if verdict.verdict is CommercialUse.CONDITIONAL:
        return _Check(False, f"Commercial use for {domain.title} is conditional: {verdict.condition}")
    what = "does not allow" if verdict.verdict is CommercialUse.NO else "is not known to allow"
    return _Check(True, f"Its licence ({verdict.display}) {what} commercial use. {verdict.condition}".strip())


def _context(view: CandidateView, request: EvaluationRequest) -> _Check | None:
    native, extended = view.number(Factor.CONTEXT_NATIVE), view.number(Factor.CONTEXT_EXTENDED)
    needed = request.needed_context
    if native is None and extended is None:
        return _Check(False, f"No source states its context; {needed:,} tokens are needed.")
    if native is not None and native >= needed:
        return None
    largest = max(native or 0, extended or 0)
    if largest >= needed:
        return _Check(
            False, f"The {needed:,} tokens needed are reached only with extended context ({largest:,})."
        )
    return _Check(True, f"Its context is {largest:,} tokens; {needed:,} are needed.")


def _memory(view: CandidateView, request: EvaluationRequest) -> _Check | None:
    budget = request.memory_budget_bytes
    if budget is None:
        return None
    needed = needed_memory(view, request.needed_context)
    if needed is None:
        return _Check(False, f"Its memory need is unknown; {budget / 1e9:.1f} GB may be used.")
    if needed <= budget:
        return None
    return _Check(
        True,
        f"It needs about {needed / 1e9:.1f} GB at {request.needed_context:,} tokens of context; "
        f"{budget / 1e9:.1f} GB may be used.",
    )
