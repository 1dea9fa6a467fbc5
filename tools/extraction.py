"""From fetched records, configs, cards and manifests to facts, by rules; no model is asked.

Every fact cites a record field or a verbatim quote, and a quote is looked up in the text before the fact is
returned. Keep ``readable_text(page)`` as the stored text of a page: sources carry its hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tools.card_rules import card_rules
from tools.context_rules import read_context
from tools.facts import Fact, Factor, Source, SourceKind, Value, content_hash, quote_is_in
from tools.hub import HubFile, HubModel
from tools.registry import TagProof
from tools.web.page import Page
from tools.web.text import readable_text

MAX_CARD = 200_000
MAX_LINE = 600
QUANTS = re.compile(
    r"(?:^|[-._])((?:UD-)?I?Q\d(?:_[0-9A-Z]+)*|BF16|F16|F32|MXFP4)(?=\.gguf$|[-._])", re.IGNORECASE
)
SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)

TOKENS = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d{4,9}|\d{1,4}(?:\.\d)?\s?[KkM])(?!\w)")
CONTEXT_LINE = re.compile(
    r"context[- ]?(?:length|window|size)s?|\btokens? (?:of )?context|-token context", re.IGNORECASE
)
EXTENDED_WORD = re.compile(r"yarn|rope[- ]scaling|extend|extrapolat", re.IGNORECASE)
NATIVE_WORD = re.compile(r"\bnativ", re.IGNORECASE)
NOT_CONTEXT = re.compile(r"generat|output|new tokens|sliding|trained (?:on|with) [^.]{0,30}$", re.IGNORECASE)
PARAMETER_LINE = re.compile(
    r"\b(?:number of |total )?param(?:eter)?s?\b(?: count| size)?(?: \((?:total|paramaters)\))?\W{0,8}"
    r"(\d{1,3}(?:,\d{3}){2,4}|\d{1,3}(?:\.\d{1,3})?\s?(?:B|M|billion|million)\b)",
    re.IGNORECASE,
)
LICENCE_LINE = re.compile(
    r"^\W*(?:model )?licen[cs]e\b|\b(?:licensed|released|available) under", re.IGNORECASE
)
FRONT_LICENCE = re.compile(r"^licen[cs]e(?:_name)?:\s*[\"']?([A-Za-z0-9][\w.+-]{1,60})[\"']?\s*$")
RELEASE_LINE = re.compile(r"\breleased?\b", re.IGNORECASE)
DATES = re.compile(
    r"\b(\d{4})-(\d{2})-(\d{2})\b|"
    r"\b(\d{1,2})(?:st|nd|rd|th)? ([A-Z][a-z]{2,8}),? (\d{4})\b|"
    r"\b([A-Z][a-z]{2,8}) (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


MOST_VALUES = {Factor.LICENCE: 3, Factor.CONTEXT_NATIVE: 3, Factor.CONTEXT_EXTENDED: 3}


class _Said(NamedTuple):
    factor: Factor
    value: Value
    quote: str


class GgufFile(NamedTuple):
    """A GGUF file of a repository, whole: name, exact bytes, digest and quantization, where they are told."""

    name: str
    size: int | None
    sha256: str | None
    quantization: str | None


def facts_from_hub(model: HubModel, page: Page) -> list[Fact]:
    """Facts of a repository's own record, on ``page`` alone or in a listing. The candidate is the repository
    itself; of a repackaged copy, :func:`gguf_facts` says what concerns the original."""
    facts = _Facts(model.id, page, SourceKind.MAKER, prefix=_prefix(model, page))
    if model.safetensors_total:
        facts.field(Factor.PARAMETERS, model.safetensors_total, "safetensors.total", SourceKind.ARTEFACT)
    elif model.gguf_total:
        facts.field(Factor.PARAMETERS, model.gguf_total, "gguf.total", SourceKind.ARTEFACT)
    _licence_facts(model, facts)
    said = model.card_data.get("base_model")
    bases = said if isinstance(said, list) else [said]
    for base in bases[:10]:
        if isinstance(base, str) and base:
            facts.field(Factor.BASE_MODEL, base[:200], "cardData.base_model")
    if not facts.count(Factor.BASE_MODEL) and model.base_models:
        facts.field(Factor.BASE_MODEL, model.base_models[0], "tags")
    for factor, value, name in (
        (Factor.DOWNLOADS, model.downloads, "downloads"),
        (Factor.LIKES, model.likes, "likes"),
        (Factor.LAST_MODIFIED, model.last_modified, "lastModified"),
        (Factor.REPOSITORY_CREATED, model.created_at, "createdAt"),
    ):
        if value is not None:
            facts.field(factor, value, name)
    if model.gated is not None:
        facts.field(Factor.GATED, bool(model.gated), "gated")
    context = _count(model.gguf.get("context_length"))
    if context:
        facts.field(Factor.CONTEXT_NATIVE, context, "gguf.context_length", SourceKind.ARTEFACT)
    template = model.gguf.get("chat_template")
    if isinstance(template, str) and "enable_thinking" in template:
        facts.field(Factor.ARCHITECTURE_FOCUS, "hybrid thinking", "gguf.chat_template", SourceKind.ARTEFACT)
    focus = focus_of_name(model.id)
    if focus:  # a name is a weaker word than the card
        facts.field(Factor.ARCHITECTURE_FOCUS, focus, "id", SourceKind.VENDOR)
    return [*facts.all, *gguf_facts(model, page, candidate=model.id)]


def _prefix(model: HubModel, page: Page) -> str:
    """In a listing, a field is found by its repository."""
    return f"[{model.id}]." if urlsplit(page.url).path.rstrip("/").endswith("/api/models") else ""


def _licence_facts(model: HubModel, facts: _Facts) -> None:
    named = model.card_data.get("license_name")
    licence = model.card_data.get("license")
    if isinstance(licence, list):
        licence = licence[0] if licence else None
    if isinstance(named, str) and named and licence in {None, "other", "unknown"}:
        facts.field(Factor.LICENCE, named[:120], "cardData.license_name")
    elif isinstance(licence, str) and licence:
        facts.field(Factor.LICENCE, licence[:120], "cardData.license")
    else:
        tags = [tag.removeprefix("license:") for tag in model.tags if tag.startswith("license:")]
        for tag in tags[:1]:
            facts.field(Factor.LICENCE, tag[:120], "tags")


def gguf_files(model: HubModel) -> tuple[GgufFile, ...]:
    """Whole GGUF files of a repository, vision projectors and shards left out."""
    return tuple(
        GgufFile(file.rfilename, _size(file), file.sha256, quantization_of(file.rfilename))
        for file in model.siblings
        if file.rfilename.lower().endswith(".gguf")
        and "mmproj" not in file.rfilename.lower()
        and not SHARD.search(file.rfilename)
    )


def quantization_of(filename: str) -> str | None:
    """``Q4_K_M`` in ``Qwen3-8B-Q4_K_M.gguf``; None when the name tells none."""
    found = QUANTS.search(filename.rsplit("/", 1)[-1])
    return found.group(1).upper() if found else None


def gguf_facts(model: HubModel, page: Page, *, candidate: str, wanted: str = "Q4_K_M") -> list[Fact]:
    """Facts on the whole GGUF file of ``wanted`` quantization that a repository offers for ``candidate``."""
    own = model.id.split("/", 1)[0].casefold() == candidate.split("/", 1)[0].casefold()
    kind = SourceKind.MAKER if own else SourceKind.VENDOR
    facts = _Facts(candidate, page, kind, prefix=_prefix(model, page))
    for file in gguf_files(model):
        if file.quantization != wanted:
            continue
        facts.field(Factor.GGUF_REPO, model.id, "id")
        facts.field(Factor.GGUF_FILE, file.name, "siblings.rfilename")
        if file.size:
            facts.field(Factor.GGUF_BYTES, file.size, "siblings.size", SourceKind.ARTEFACT)
        if file.sha256:
            facts.field(Factor.GGUF_SHA256, file.sha256, "siblings.lfs.sha256", SourceKind.ARTEFACT)
        break
    return facts.all


def facts_from_config(page: Page, candidate: str) -> list[Fact]:
    """Context facts of a ``config.json``; none when it is no JSON object or tells no length."""
    try:
        config = page.json_value()
    except ValueError:
        return []
    if not isinstance(config, dict):
        return []
    reading = read_context(config)
    facts = _Facts(candidate, page, SourceKind.MAKER)
    if reading.native is not None and reading.field:
        facts.field(Factor.CONTEXT_NATIVE, reading.native, reading.field)
    if reading.extended is not None and reading.extended_field:
        facts.field(Factor.CONTEXT_EXTENDED, reading.extended, reading.extended_field)
    return facts.all


def facts_from_tag(proof: TagProof, candidate: str) -> list[Fact]:
    """Facts of a proved Ollama tag."""
    facts = _Facts(candidate, proof.manifest, SourceKind.ARTEFACT)
    facts.field(Factor.OLLAMA_TAG, proof.tag, "manifest")
    facts.field(Factor.OLLAMA_BYTES, proof.total_bytes, "layers.size")
    facts.field(Factor.OLLAMA_DIGEST, proof.digest, "manifest")
    found = facts.all
    if proof.config is not None:
        config = _Facts(candidate, proof.config, SourceKind.ARTEFACT)
        if proof.quantization:
            config.field(Factor.OLLAMA_QUANTIZATION, proof.quantization, "file_type")
        if proof.context_length:
            config.field(Factor.CONTEXT_NATIVE, proof.context_length, "context_length")
        found += config.all
    if proof.licence_page is not None:
        licence = _Facts(candidate, proof.licence_page, SourceKind.VENDOR)
        for name, quote in _licences_in(readable_text(proof.licence_page)[:400]):
            licence.quote(Factor.LICENCE, name, quote)
            break
        found += licence.all
    return found


def facts_from_card(page: Page, candidate: str, *, kind: SourceKind = SourceKind.MAKER) -> list[Fact]:
    """Facts that a model card's lines state, each with the line as its quote. The first line on a factor
    wins; where lines differ in licence or context, several are kept, so that the disagreement shows.

    A card's parameter count is as rounded as the card rounds it: ``8.2B``."""
    text = readable_text(page)[:MAX_CARD]
    facts = _Facts(candidate, page, kind)
    for said in _said_by(text):
        if facts.count(said.factor) < MOST_VALUES.get(said.factor, 1):
            facts.quote(said.factor, said.value, said.quote)
    return facts.all


def _said_by(text: str) -> Iterator[_Said]:
    rules = (_context_said, _parameters_said, _licence_said, _release_said)
    for line in text.splitlines():
        shown = line.strip()[:MAX_LINE]
        if not shown:
            continue
        for rule in rules:
            yield from rule(shown)
    yield from _focus_said(text)


def _context_said(line: str) -> Iterator[_Said]:
    """Each length that stands near a word for context: extended where its own words say so."""
    if not CONTEXT_LINE.search(line):
        return
    found = list(TOKENS.finditer(line))[:4]
    edges = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(line)]
    for number, match in enumerate(found):
        attached = 12 if number else 0
        before = line[edges[number] + attached : match.start()]
        after = line[match.end() : starts[number + 1]][:80]
        tokens = _tokens(match.group(1))
        near = CONTEXT_LINE.search(line[max(0, match.start() - 100) : match.end() + 60])
        if tokens is None or near is None or NOT_CONTEXT.search(before):
            continue
        native = NATIVE_WORD.search(before) or NATIVE_WORD.search(after[:15])
        extended = not native and (EXTENDED_WORD.search(before) or EXTENDED_WORD.search(after))
        yield _Said(Factor.CONTEXT_EXTENDED if extended else Factor.CONTEXT_NATIVE, tokens, line)


def _parameters_said(line: str) -> Iterator[_Said]:
    found = PARAMETER_LINE.search(line)
    value = _parameters(found.group(1)) if found else None
    lowered = line.lower()
    if value and not any(word in lowered for word in ("non-embedding", "active", "activated")):
        yield _Said(Factor.PARAMETERS, value, line)


def _licence_said(line: str) -> Iterator[_Said]:
    front = FRONT_LICENCE.match(line)
    if front and front.group(1) not in {"other", "unknown"}:
        yield _Said(Factor.LICENCE, front.group(1), line)
    elif LICENCE_LINE.search(line):
        for name, _ in _licences_in(line):
            yield _Said(Factor.LICENCE, name, line)
            return


def _licences_in(text: str) -> Iterator[tuple[str, str]]:
    for rule in card_rules().licences:
        found = re.search(rule.pattern, text, re.IGNORECASE)
        if found:
            yield rule.licence, found.group()


def _release_said(line: str) -> Iterator[_Said]:
    found = DATES.search(line)
    near = RELEASE_LINE.search(line)
    day = _date(found) if found else None
    if day and near and found and abs(found.start() - near.start()) < 80:
        yield _Said(Factor.RELEASE_DATE, day.isoformat(), line)


def _focus_said(text: str) -> Iterator[_Said]:
    for rule in card_rules().focus_phrases:
        found = re.search(rule.pattern, text, re.IGNORECASE)
        if found:
            yield _Said(Factor.ARCHITECTURE_FOCUS, rule.focus, _around(text, found.start(), found.end()))
            return


def domain_focus(page: Page, candidate: str, domain_words: Iterable[str]) -> list[Fact]:
    """``domain fine-tune`` as focus, when a line of the card says that the model was tuned for the domain."""
    text = readable_text(page)[:MAX_CARD]
    words = [re.escape(word) for word in domain_words if word.strip()]
    facts = _Facts(candidate, page, SourceKind.MAKER)
    if words:
        pattern = rf"^.*\b(?:fine[- ]?tun|trained on|tuned for)[^\n]*\b(?:{'|'.join(words)})[^\n]*$"
        for line in text.splitlines():
            found = re.search(pattern, line.strip()[:MAX_LINE], re.IGNORECASE)
            if found:
                facts.quote(Factor.ARCHITECTURE_FOCUS, "domain fine-tune", found.group())
                break
    return facts.all


def focus_of_name(repo: str) -> str | None:
    """What a repository's name says of its focus: code, mathematics, reasoning, base or chat."""
    name = repo.rsplit("/", 1)[-1].lower()
    for rule in card_rules().focus_names:
        if re.search(rf"(?:^|[-_.])(?:{rule.pattern})(?=$|[-_.\d])", name):
            return rule.focus
    return None


class _Facts:
    """Facts on one candidate from one page, each value of a factor once."""

    def __init__(self, candidate: str, page: Page, kind: SourceKind, *, prefix: str = "") -> None:
        self.candidate = candidate
        self.all: list[Fact] = []
        self._page = page
        self._kind = kind
        self._prefix = prefix
        self._text = readable_text(page)
        self._hash = content_hash(self._text)

    def field(self, factor: Factor, value: Value, name: str, kind: SourceKind | None = None) -> None:
        self._add(factor, value, kind, record_field=self._prefix + name)

    def quote(self, factor: Factor, value: Value, words: str) -> None:
        if quote_is_in(words, self._text):
            self._add(factor, value, None, quote=words)

    def count(self, factor: Factor) -> int:
        return sum(fact.factor is factor for fact in self.all)

    def _add(
        self,
        factor: Factor,
        value: Value,
        kind: SourceKind | None,
        *,
        quote: str | None = None,
        record_field: str | None = None,
    ) -> None:
        if any(fact.factor is factor and fact.value == value for fact in self.all):
            return
        source = Source(
            url=self._page.url,
            kind=kind or self._kind,
            retrieved_at=self._page.retrieved_at,
            content_hash=self._hash,
            quote=quote,
            record_field=record_field,
        )
        self.all.append(Fact(candidate=self.candidate, factor=factor, value=value, source=source))


def _tokens(said: str) -> int | None:
    """Tokens of ``32,768``, ``131072``, ``128K`` (1,024 each, as makers mean it) or ``1M``; no year."""
    bare = "".join(said.replace(",", "").split()).lower()
    scale = {"k": 1024, "m": 1024 * 1024}.get(bare[-1], 1)
    number = int(float(bare.rstrip("km")) * scale)
    round_enough = scale > 1 or number % 64 == 0 or number % 1000 == 0
    return number if round_enough and 1024 <= number <= 100_000_000 else None


def _parameters(said: str) -> int | None:
    bare = said.lower().replace(",", "").strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(b|m|billion|million)?", bare)
    if not found:
        return None
    scale = {"b": 10**9, "m": 10**6}.get((found.group(2) or " ")[0], 1)
    number = round(float(found.group(1)) * scale)
    return number if 10**6 <= number <= 10**13 else None


def _date(found: re.Match[str]) -> date | None:
    year, month, day, d2, m2, y2, m3, d3, y3 = found.groups()
    try:
        if year:
            return date(int(year), int(month), int(day))
        name, number, when = (m2, d2, y2) if m2 else (m3, d3, y3)
        return date(int(when), MONTHS.index(name[:3].lower()) + 1, int(number))
    except ValueError:
        return None


def _around(text: str, start: int, end: int) -> str:
    """The line around a match, bounded."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    line = text[first : last if last >= 0 else len(text)]
    if len(line) <= MAX_LINE:
        return line.strip()
    middle = start - first
    return line[max(0, middle - 200) : middle + 300].strip()


def _size(file: HubFile) -> int | None:
    return file.size or _count(file.lfs.get("size"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
