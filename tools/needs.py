"""Hard needs of a request: size, licence, context, memory, languages, safe files. They exclude; stars cannot
outweigh them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tools.facts import Factor
from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.licences import CommercialUse, LicenceVerdict
from tools.rating import CandidateView
from tools.request import EvaluationRequest, LicenceNeed
from tools.sizes import fits_size, nominal_parameters, said

BYTES_PER_PARAMETER: Final = 0.62
"""Q4_K_M stores about 4.95 bits for a parameter, embeddings and scales included."""
CACHE_BYTES_PER_TOKEN: Final = 150_000
"""Key-value cache of an 8-billion model with grouped attention in 16 bits; scaled with size where the model's
own dimensions are not known."""
FIXED_BYTES: Final = 400_000_000
"""Buffers of a runtime, whatever the model."""


class Needs(NamedTuple):
    """What became of the hard needs."""

    excluded: tuple[str, ...]
    """Needs that are missed, one sentence each."""
    open: tuple[str, ...]
    """Needs that nothing proves or disproves, or that are met under a condition; one sentence each."""


def check_needs(
    view: CandidateView, request: EvaluationRequest, domain: Domain, verdict: LicenceVerdict
) -> Needs:
    """Every hard need of ``request`` against what is known of the candidate. Pure."""
    checks = (
        _size(view, request),
        _licence(request, domain, verdict),
        _context(view, request),
        _memory(view, request),
        _languages(view, request),
        _security(view),
    )
    return Needs(
        tuple(check.sentence for check in checks if check and check.misses),
        tuple(check.sentence for check in checks if check and not check.misses),
    )


class MemoryNeed(NamedTuple):
    """Memory for one context, in bytes."""

    weights: int
    weights_from: Factor
    """``PARAMETERS`` where the weights are an estimate, else the factor that has their exact bytes."""
    cache_per_token: int
    cache_exact: bool
    """Whether the cache follows from the model's own dimensions."""
    total: int
    """Weights, cache at the context asked for and buffers."""


def memory_need(view: CandidateView, context: int) -> MemoryNeed | None:
    """What the candidate needs at ``context`` tokens; None when no size is known.

    Weights are the exact bytes of the smallest artefact known, else parameters × ``BYTES_PER_PARAMETER``; the
    cache is the exact bytes of a token where they are known, else ``CACHE_BYTES_PER_TOKEN`` by size.
    """
    parameters = view.number(Factor.PARAMETERS)
    artefacts = [
        (b, f) for f in (Factor.OLLAMA_BYTES, Factor.GGUF_BYTES) if (b := view.number(f)) is not None
    ]
    if artefacts:
        weights, source = min(artefacts)
    elif parameters is not None:
        weights, source = round(parameters * BYTES_PER_PARAMETER), Factor.PARAMETERS
    else:
        return None
    exact = view.number(Factor.CACHE_BYTES)
    scale = (parameters or weights / BYTES_PER_PARAMETER) / 8e9
    cache = round(CACHE_BYTES_PER_TOKEN * scale) if exact is None else exact
    return MemoryNeed(weights, source, cache, exact is not None, weights + context * cache + FIXED_BYTES)


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
        if not fits:
            return _Check(True, f"Its name says {called}; {request.size} was asked for.")
        return _Check(False, f"Its size, {called}, is known from its name only.")
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
    need = memory_need(view, request.needed_context)
    if need is None:
        return _Check(False, f"Its memory need is unknown; {gigabytes(budget)} may be used.")
    if need.total <= budget:
        return None
    return _Check(
        True,
        f"It needs about {gigabytes(need.total)} at {request.needed_context:,} tokens of context; "
        f"{gigabytes(budget)} may be used.",
    )


def gigabytes(size: int) -> str:
    """``5.23 GB``: always 10⁹ bytes."""
    return f"{size / 1e9:.2f} GB"


def _languages(view: CandidateView, request: EvaluationRequest) -> _Check | None:
    """English is asked for unless a person says otherwise, so that a card's silence on it is no question."""
    wanted, listed = request.languages, listed_languages(view)
    missing = [code for code in wanted if code not in listed]
    if not missing or (wanted == ("en",) and (not listed or "multilingual" in listed)):
        return None
    names = ", ".join(map(language_name, missing))
    if not listed:
        return _Check(False, f"No source names its languages; {names} was asked for.")
    if "multilingual" in listed:
        return _Check(False, f"Its card says multilingual without naming {names}.")
    few = ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
    return _Check(True, f"Its card names the languages {few}; {names} was asked for.")


def listed_languages(view: CandidateView) -> tuple[str, ...]:
    """Codes of the languages that a source names, in its order; empty when none does."""
    text = (view.text(Factor.LANGUAGES) or "").lower()
    return tuple(dict.fromkeys(code.partition("-")[0] for code in re.split(r"[,\s]+", text) if code))


def language_name(code: str) -> str:
    """``German (de)``; the code alone where ``intake.yaml`` has no name for it."""
    names = loader.intake_words().languages.get(code)
    return f"{names[0].title()} ({code})" if names else code


def _security(view: CandidateView) -> _Check | None:
    said = view.text(Factor.SECURITY)
    text = " ".join(said.split())[:200] if said else ""
    if not text or text.lower() == "safe":
        return None
    unsafe = re.search(r"\b(?:unsafe|dangerous|malicious|infected)\b", text, re.IGNORECASE) is not None
    what = "calls its files unsafe" if unsafe else "has not cleared its files"
    return _Check(unsafe, f"The Hub's security scan {what}: {text}.")
