"""One row of the comparison table: from settled facts to the words in each cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from tools.candidates import Stance
from tools.facts import Fact, Factor
from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.licences import CommercialUse, LicenceVerdict, judge_licence
from tools.needs import Needs, check_needs
from tools.rating import CandidateView, Rating, parse_day, rate
from tools.request import EvaluationRequest
from tools.sizes import said
from tools.table_records import UNKNOWN, Cell, Column, TableRow

LONGEST_TEXT: Final = 400
"""Characters of a value that a cell shows; the fact keeps all."""
NOTHING: Final = "–"
"""Text of the notes when there is nothing to note."""

_QUANTIZATION = re.compile(
    r"(?<![A-Z0-9])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|MXFP4)(?![A-Z0-9])", re.IGNORECASE
)


def table_row(
    view: CandidateView,
    request: EvaluationRequest,
    domain: Domain,
    *,
    base_licences: Mapping[str, str],
    today: date,
) -> TableRow:
    """The row of one candidate; ``base_licences`` are licences read for other repositories."""
    candidate, base = view.candidate, view.text(Factor.BASE_MODEL)
    verdict = judge_licence(
        licence=view.text(Factor.LICENCE),
        base_models=tuple(filter(None, (candidate.key, base))),
        base_licences={repo: text for repo, text in base_licences.items() if repo != candidate.key},
        domain=domain,
    )
    needs = check_needs(view, request, domain, verdict)
    rating = rate(view, domain, today=today)
    return TableRow(
        key=candidate.key,
        name=candidate.name,
        family=candidate.family,
        lineage=lineage_of(view),
        cells=_cells(view, verdict, needs, rating),
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


def _cells(view: CandidateView, verdict: LicenceVerdict, needs: Needs, rating: Rating) -> tuple[Cell, ...]:
    return (
        _cell(view, Column.MODEL, f"{view.candidate.name} ({view.candidate.key})"),
        _cell(view, Column.PARAMS, _params(view), Factor.PARAMETERS),
        _cell(view, Column.LICENCE, _licence(verdict), Factor.LICENCE, Factor.BASE_MODEL),
        _cell(view, Column.CONTEXT, _context(view), Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED),
        _cell(view, Column.RELEASE, _release(view), *_release_factors(view)),
        _cell(view, Column.FOCUS, _text(view, Factor.ARCHITECTURE_FOCUS), Factor.ARCHITECTURE_FOCUS),
        _cell(view, Column.QUANTIZATION, _quantization(view), *_ARTEFACT),
        _cell(view, Column.COMMUNITY, _community(view), Factor.DOWNLOADS, Factor.LIKES),
        _cell(view, Column.FIT, str(rating), Factor.ARCHITECTURE_FOCUS, *_release_factors(view)),
        _cell(view, Column.NOTES, _notes(view, verdict, needs), Factor.GATED, Factor.BASE_MODEL),
    )


_ARTEFACT: Final = (
    Factor.GGUF_REPO,
    Factor.GGUF_FILE,
    Factor.GGUF_BYTES,
    Factor.GGUF_SHA256,
    Factor.OLLAMA_TAG,
    Factor.OLLAMA_QUANTIZATION,
    Factor.OLLAMA_BYTES,
    Factor.OLLAMA_DIGEST,
)


def _cell(view: CandidateView, column: Column, text: str, *factors: Factor) -> Cell:
    settled = [view.settled[factor] for factor in factors if factor in view.settled]
    return Cell(
        column=column,
        text=text[:LONGEST_TEXT] or (NOTHING if column is Column.NOTES else UNKNOWN),
        facts=tuple(each.fact for each in settled),
        contradictions=tuple(fact for each in settled for fact in _by_value(each.contradicting)),
    )


def _by_value(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Facts without repetition of the same value from the same place, in their order of precedence."""
    return tuple({(str(fact.value), fact.source.url): fact for fact in reversed(facts)}.values())[::-1]


def _text(view: CandidateView, factor: Factor) -> str:
    found = view.text(factor)
    return " ".join(found.split()) if found else UNKNOWN


def _params(view: CandidateView) -> str:
    number = view.number(Factor.PARAMETERS)
    return UNKNOWN if number is None else f"{said(number)} ({number:,})"


def _licence(verdict: LicenceVerdict) -> str:
    if verdict.display == UNKNOWN:
        return (
            UNKNOWN
            if verdict.verdict is CommercialUse.UNKNOWN
            else f"{UNKNOWN}, commercial: {verdict.verdict}"
        )
    return f"{verdict.display}, commercial: {verdict.verdict}"


def _context(view: CandidateView) -> str:
    native, extended = view.number(Factor.CONTEXT_NATIVE), view.number(Factor.CONTEXT_EXTENDED)
    if native is None:
        return UNKNOWN if extended is None else f"native unknown, {extended:,} extended"
    return f"{native:,}" + (f" ({extended:,} extended)" if extended is not None and extended > native else "")


def _release(view: CandidateView) -> str:
    released, created = view.text(Factor.RELEASE_DATE), view.text(Factor.REPOSITORY_CREATED)
    if released:
        return _day(released)
    return f"repo created {_day(created)}" if created else UNKNOWN


def _release_factors(view: CandidateView) -> tuple[Factor, ...]:
    """The repository's creation is no second opinion on the release, so only one of them is cited."""
    known = Factor.RELEASE_DATE in view.settled
    return (Factor.RELEASE_DATE,) if known else (Factor.REPOSITORY_CREATED,)


def _day(value: str) -> str:
    return (
        value[:10] if re.match(r"\d{4}-\d{2}-\d{2}", value) and parse_day(value) else " ".join(value.split())
    )


def _quantization(view: CandidateView) -> str:
    parts = []
    file, size = view.text(Factor.GGUF_FILE), view.number(Factor.GGUF_BYTES)
    if file or size is not None:
        label = _QUANTIZATION.search(file.rsplit("/", 1)[-1]) if file else None
        parts.append(f"GGUF {label.group(1).upper() if label else 'of unknown quantization'}{_bytes(size)}")
    tag = view.text(Factor.OLLAMA_TAG)
    if tag:
        real = view.text(Factor.OLLAMA_QUANTIZATION) or "quantization unknown"
        parts.append(f"Ollama {tag}: {real}{_bytes(view.number(Factor.OLLAMA_BYTES))}")
    return "; ".join(parts) or UNKNOWN


def _bytes(size: int | None) -> str:
    return "" if size is None else f", {size / 1e9:.2f} GB ({size:,} bytes)"


def _community(view: CandidateView) -> str:
    downloads, likes = view.number(Factor.DOWNLOADS), view.number(Factor.LIKES)
    parts = [f"{downloads:,} downloads in 30 days"] if downloads is not None else []
    parts += [f"{likes:,} likes"] if likes is not None else []
    return ", ".join(parts) or UNKNOWN


def _notes(view: CandidateView, verdict: LicenceVerdict, needs: Needs) -> str:
    """Sentences in the order in which they matter; the cell's text may cut the last of them off."""
    notes = [f"Excluded: {why}" for why in needs.excluded]
    notes += needs.open
    if verdict.laundering:
        notes.append("Licence laundering: the stated licence is more permissive than that of its base.")
    notes += verdict.clauses
    notes += [note for write in (_gated, _base, _off_quantization, _said_about) if (note := write(view))]
    text = " ".join(notes)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1].rsplit(" ", 1)[0] + "…"


Note = Callable[[CandidateView], str]


def _gated(view: CandidateView) -> str:
    value = view.text(Factor.GATED)
    open_values = {None, "false", "none", "no", ""}
    return (
        ""
        if (value.lower() if value else None) in open_values
        else "Gated: its licence must be accepted first."
    )


def _base(view: CandidateView) -> str:
    base = view.text(Factor.BASE_MODEL)
    return f"Made from {base}." if base else ""


def _off_quantization(view: CandidateView) -> str:
    real, tag = view.text(Factor.OLLAMA_QUANTIZATION), view.text(Factor.OLLAMA_TAG)
    if not real or real.upper() == "Q4_K_M":
        return ""
    return f"Ollama's {tag or 'tag'} is {real}, not Q4_K_M."


def _said_about(view: CandidateView) -> str:
    counted = view.counted
    parts = [f"{n} {stance.value}" for stance in Stance if (n := sum(c.stance is stance for c in counted))]
    text = f"Claims: {', '.join(parts)}." if parts else ""
    ignored = len(view.claims) - len(counted)
    return f"{text} {ignored} suspicious, not counted.".strip() if ignored else text
