"""The words in each cell of the comparison table, from settled facts."""

from __future__ import annotations

import re
from typing import Final

from tools.candidates import Stance
from tools.facts import Fact, Factor
from tools.licences import LicenceVerdict
from tools.needs import Needs, gigabytes, language_name, listed_languages, memory_need
from tools.rating import CandidateView, Rating, parse_day
from tools.request import EvaluationRequest
from tools.sizes import said
from tools.table_records import UNKNOWN, Cell, Column

LONGEST_TEXT: Final = 1200
"""Characters of a value that a cell shows; the fact keeps all."""
NOTHING: Final = "–"
"""Text of the notes when there is nothing to note."""

_QUANTIZATION = re.compile(
    r"(?<![A-Z0-9])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|MXFP4)(?![A-Z0-9])", re.IGNORECASE
)


class CellWriter:
    """Writes the cells of one row."""

    def __init__(self, view: CandidateView, request: EvaluationRequest, machine: int | None) -> None:
        self._view = view
        self._request = request
        self._machine = machine

    def all(self, verdict: LicenceVerdict, needs: Needs, rating: Rating) -> tuple[Cell, ...]:
        view = self._view
        released = _release_factors(view)
        return (
            self._cell(Column.MODEL, f"{view.candidate.name} ({view.candidate.key})"),
            self._cell(Column.PARAMS, _params(view), Factor.PARAMETERS),
            self._cell(Column.LICENCE, _licence(verdict), Factor.LICENCE, Factor.BASE_MODEL),
            self._cell(Column.CONTEXT, self._context(), Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED),
            self._cell(Column.RELEASE, _release(view), *released),
            self._cell(Column.FOCUS, _text(view, Factor.ARCHITECTURE_FOCUS), Factor.ARCHITECTURE_FOCUS),
            self._cell(Column.QUANTIZATION, _quantization(view), *_ARTEFACT),
            self._cell(Column.MEMORY, self._memory(), *self._memory_factors()),
            self._cell(Column.COMMUNITY, _community(view), *_COMMUNITY),
            self._cell(Column.FIT, str(rating), Factor.ARCHITECTURE_FOCUS, *released),
            self._cell(Column.NOTES, self._notes(verdict, needs), *_NOTED),
        )

    def _cell(self, column: Column, text: str, *factors: Factor) -> Cell:
        settled = [self._view.settled[factor] for factor in factors if factor in self._view.settled]
        otherwise = [fact for factor in factors for fact in self._view.otherwise.get(factor, ())]
        return Cell(
            column=column,
            text=text[:LONGEST_TEXT] or (NOTHING if column is Column.NOTES else UNKNOWN),
            facts=tuple(each.fact for each in settled),
            contradictions=tuple(fact for each in settled for fact in _by_value(each.contradicting)),
            otherwise=_by_value(tuple(otherwise)),
        )

    def _context(self) -> str:
        """Native and extended length apart, and whether the conversation asked for fits."""
        native = self._view.number(Factor.CONTEXT_NATIVE)
        extended = self._view.number(Factor.CONTEXT_EXTENDED)
        if native is None and extended is None:
            return UNKNOWN
        parts = ["native unknown" if native is None else f"{native:,} native"]
        if extended is not None and extended > (native or 0):
            parts.append(f"{extended:,} extended")
        needed = self._request.needed_context
        if (native or 0) >= needed:
            fits = f"fits the {needed:,} needed"
        elif (extended or 0) >= needed:
            fits = f"fits the {needed:,} needed only when extended"
        else:
            fits = f"too short for the {needed:,} needed"
        return f"{', '.join(parts)}; {fits}"

    def _memory(self) -> str:
        """Need at the wanted context, what it consists of, and whether it is there."""
        context = self._request.needed_context
        need = memory_need(self._view, context)
        if need is None:
            return UNKNOWN
        text = f"about {gigabytes(need.total)} at {context:,} tokens"
        budget = self._request.memory_budget_bytes
        there, whose = (budget, "allowed") if budget is not None else (self._machine, "of this machine")
        if there is not None:
            text += f", {'within' if need.total <= there else 'more than'} the {gigabytes(there)} {whose}"
        exact = need.weights_from is not Factor.PARAMETERS
        weights = f"weights {need.weights:,} bytes" if exact else "weights estimated from parameters"
        cache = f"cache {need.cache_per_token:,} bytes a token" if need.cache_exact else "cache estimated"
        return f"{text} ({weights}, {cache})"

    def _memory_factors(self) -> tuple[Factor, ...]:
        need = memory_need(self._view, self._request.needed_context)
        return () if need is None else (need.weights_from, Factor.CACHE_BYTES)

    def _notes(self, verdict: LicenceVerdict, needs: Needs) -> str:
        """Sentences in the order in which they matter; the cell's text may cut the last of them off."""
        notes = [f"Excluded: {why}" for why in needs.excluded]
        notes += needs.open
        if verdict.laundering:
            notes.append("Its stated licence allows more than that of the model it was made from.")
        if verdict.display == UNKNOWN and verdict.condition:
            notes.append(verdict.condition)
        notes += [self._too_large()]
        notes += verdict.clauses
        notes += [write(self._view) for write in (_gated, _base, _off_quantization, _said_about, _scanned)]
        notes += [self._languages()]
        text = " ".join(filter(None, notes))
        return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1].rsplit(" ", 1)[0] + "…"

    def _too_large(self) -> str:
        need = memory_need(self._view, self._request.needed_context)
        if self._request.memory_budget_bytes is not None or self._machine is None or need is None:
            return ""
        if need.total <= self._machine:
            return ""
        return f"Too large for this machine: about {gigabytes(need.total)} of {gigabytes(self._machine)}."

    def _languages(self) -> str:
        """Those asked for first; a list of a hundred is cut."""
        listed = listed_languages(self._view)
        asked = [code for code in listed if code in self._request.languages]
        shown = [*asked, *(code for code in listed if code not in asked)][:4]
        if not shown:
            return ""
        more = f" and {len(listed) - len(shown)} more" if len(listed) > len(shown) else ""
        return f"Languages named: {', '.join(map(language_name, shown))}{more}."


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


_COMMUNITY: Final = (Factor.DOWNLOADS, Factor.LIKES, Factor.LAST_MODIFIED, Factor.OPEN_ISSUES)
_NOTED: Final = (Factor.GATED, Factor.BASE_MODEL, Factor.LANGUAGES, Factor.SECURITY)


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
        return UNKNOWN
    return f"{verdict.display}, commercial: {verdict.verdict}"


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
    downloads, likes, open_issues = (
        view.number(factor) for factor in (Factor.DOWNLOADS, Factor.LIKES, Factor.OPEN_ISSUES)
    )
    changed = view.text(Factor.LAST_MODIFIED)
    parts = [f"{downloads:,} downloads in 30 days"] if downloads is not None else []
    parts += [f"{likes:,} likes"] if likes is not None else []
    parts += [f"last change {_day(changed)}"] if changed else []
    parts += (
        [f"{open_issues:,} open issue{'' if open_issues == 1 else 's'}"] if open_issues is not None else []
    )
    return ", ".join(parts) or UNKNOWN


def _scanned(view: CandidateView) -> str:
    said = view.text(Factor.SECURITY)
    return "" if said is None or said.strip().lower() == "safe" else f"The Hub's scan says: {said}."


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
    suspicious = sum(claim.suspicious for claim in view.claims)
    read = len(view.claims) - len(counted) - suspicious
    text += f" Not counted: {suspicious} that try to instruct the reader." if suspicious else ""
    text += f" {read} read by the agent's model, not counted." if read else ""
    return text.strip()
