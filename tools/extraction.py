"""From fetched records, configs, headers and manifests to facts, by rules; no model is asked.

Every fact cites a record field. What words state is read by :mod:`tools.card_facts`, whose functions are
offered here too. Keep ``readable_text(page)`` as the stored text of a page: sources carry its hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from tools.cache_rules import BYTES_PER_VALUE, read_cache
from tools.card_facts import domain_focus, facts_from_card, facts_from_page, tagged_focus
from tools.card_lines import language_codes
from tools.context_rules import ContextReading, read_context, read_header_context
from tools.fact_sheet import FactSheet
from tools.facts import Fact, Factor, SourceKind
from tools.focus import focus_of_name, focus_of_tags, focus_of_template
from tools.hub import HubDiscussions, HubFile, HubModel, is_repo
from tools.knowledge.loader import licences
from tools.registry import TagProof
from tools.sizes import nominal_parameters, said
from tools.web.page import Page

__all__ = [
    "GgufFile",
    "domain_focus",
    "facts_from_card",
    "facts_from_config",
    "facts_from_discussions",
    "facts_from_gguf_header",
    "facts_from_hub",
    "facts_from_page",
    "facts_from_tag",
    "focus_of_name",
    "gguf_facts",
    "gguf_files",
    "licence_text_facts",
    "quantization_of",
    "tagged_focus",
]

QUANTS = re.compile(
    r"(?:^|[-._])((?:UD-)?I?Q\d(?:_[0-9A-Z]+)*|BF16|F16|F32|MXFP4)(?=\.gguf$|[-._])", re.IGNORECASE
)
SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
ACTIVE_IN_NAME = re.compile(r"(?<![a-z0-9])a(\d+(?:\.\d+)?b)(?![a-z0-9])", re.IGNORECASE)
FAR_FROM_NAME = 0.1
"""Share by which a count must differ from the name's before a note says so."""
MOST_BASES = 10
STATES = (".ssm.", ".shortconv.", ".wkv.", ".time_mix")
"""Parts of header keys of models with layers that keep a state instead of a cache."""


class GgufFile(NamedTuple):
    """A GGUF file of a repository, whole: name, exact bytes, digest and quantization, where they are told."""

    name: str
    size: int | None
    sha256: str | None
    quantization: str | None


def facts_from_hub(model: HubModel, page: Page) -> list[Fact]:
    """Facts of a repository's own record, on ``page`` alone or in a listing. The candidate is the repository
    itself; of a repackaged copy, :func:`gguf_facts` says what concerns the original."""
    sheet = FactSheet(model.id, page, SourceKind.MAKER, prefix=model.prefix_on(page))
    _parameter_facts(model, sheet)
    _licence_facts(model, sheet)
    _base_facts(model, sheet)
    _language_facts(model, sheet)
    for factor, value, name in (
        (Factor.DOWNLOADS, model.downloads, "downloads"),
        (Factor.LIKES, model.likes, "likes"),
        (Factor.LAST_MODIFIED, model.last_modified, "lastModified"),
        (Factor.REPOSITORY_CREATED, model.created_at, "createdAt"),
        (Factor.GATED, None if model.gated is None else bool(model.gated), "gated"),
        (Factor.SECURITY, model.security, "securityRepoStatus"),
    ):
        if value is not None:
            sheet.field(factor, value, name)
    context = _count(model.gguf.get("context_length"))
    if context:
        architecture = str(model.gguf.get("architecture") or "")
        metadata = {"general.architecture": architecture, f"{architecture}.context_length": context}
        reading = read_header_context(metadata)
        if reading.native:
            note = reading.sentence
            sheet.field(
                Factor.CONTEXT_NATIVE, reading.native, "gguf.context_length", SourceKind.ARTEFACT, note=note
            )
    _focus_facts(model, sheet)
    return [*sheet.all, *gguf_facts(model, page, candidate=model.id)]


def _parameter_facts(model: HubModel, sheet: FactSheet) -> None:
    notes = []
    total = model.safetensors_total or model.gguf_total
    if total is None:
        return
    nominal = nominal_parameters(model.id)
    if model.sees and model.safetensors_total:
        notes.append("The count includes the vision tower.")
    active = ACTIVE_IN_NAME.search(model.id)
    if active:
        notes.append(f"A mixture of experts: all are counted, about {active.group(1).upper()} are active.")
    if nominal and abs(total - nominal) > FAR_FROM_NAME * nominal and not model.packed:
        notes.append(
            f"Stored elements; the name says {said(nominal)}: tied embeddings stored twice, per-layer "
            "embeddings or a vision tower can be counted."
        )
    if model.safetensors_total and model.packed:
        notes.append("A quantised upload packs several weights into one element, so this is too few.")
        kind = SourceKind.VENDOR  # even a rounded word of the maker's is nearer to the truth
        sheet.field(
            Factor.PARAMETERS, model.safetensors_total, "safetensors.total", kind, note=" ".join(notes)
        )
        return
    field = "safetensors.total" if model.safetensors_total else "gguf.total"
    sheet.field(Factor.PARAMETERS, total, field, SourceKind.ARTEFACT, note=" ".join(notes))


def _licence_facts(model: HubModel, sheet: FactSheet) -> None:
    named = model.card_data.get("license_name")
    licence = model.card_data.get("license")
    if isinstance(licence, list):
        licence = licence[0] if licence else None
    if isinstance(named, str) and named and licence in (None, "other", "unknown"):
        sheet.field(Factor.LICENCE, named[:120], "cardData.license_name")
    elif isinstance(licence, str) and licence:
        sheet.field(Factor.LICENCE, licence[:120], "cardData.license")
    else:
        tags = [tag.removeprefix("license:") for tag in model.tags if tag.startswith("license:")]
        for tag in tags[:1]:
            sheet.field(Factor.LICENCE, tag[:120], "tags")


def _base_facts(model: HubModel, sheet: FactSheet) -> None:
    listed = model.card_data.get("base_model")
    bases = listed if isinstance(listed, list) else [listed]
    for base in bases[:MOST_BASES]:
        if isinstance(base, str) and base:
            sheet.field(Factor.BASE_MODEL, base[:200], "cardData.base_model")
    if not sheet.count(Factor.BASE_MODEL) and model.base_models:
        sheet.field(Factor.BASE_MODEL, model.base_models[0], "tags")


def _language_facts(model: HubModel, sheet: FactSheet) -> None:
    listed = model.card_data.get("language")
    entries = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    codes = language_codes([entry for entry in entries[:300] if isinstance(entry, str)])
    if codes:
        sheet.field(Factor.LANGUAGES, ", ".join(codes), "cardData.language")


def _focus_facts(model: HubModel, sheet: FactSheet) -> None:
    """The template is the artefact's own; a name and a tag are weaker words than the card."""
    switch = focus_of_template(model.gguf.get("chat_template"))
    if switch:
        sheet.field(Factor.ARCHITECTURE_FOCUS, switch, "gguf.chat_template", SourceKind.ARTEFACT)
    named = focus_of_name(model.id)
    if named:
        sheet.field(Factor.ARCHITECTURE_FOCUS, named, "id", SourceKind.VENDOR)
    tagged = focus_of_tags(model.tags)
    if tagged and not named:
        note = "The tag for a chat template; how it answers is not told."
        sheet.field(Factor.ARCHITECTURE_FOCUS, tagged, "tags", SourceKind.THIRD_PARTY, note=note)


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
    kind = SourceKind.MAKER if _same_owner(model.id, candidate) else SourceKind.VENDOR
    sheet = FactSheet(candidate, page, kind, prefix=model.prefix_on(page))
    for file in gguf_files(model):
        if file.quantization != wanted:
            continue
        sheet.field(Factor.GGUF_REPO, model.id, "id")
        sheet.field(Factor.GGUF_FILE, file.name, "siblings.rfilename")
        if file.size:
            sheet.field(Factor.GGUF_BYTES, file.size, "siblings.size", SourceKind.ARTEFACT)
        if file.sha256:
            sheet.field(Factor.GGUF_SHA256, file.sha256, "siblings.lfs.sha256", SourceKind.ARTEFACT)
        break
    return sheet.all


def facts_from_discussions(discussions: HubDiscussions) -> list[Fact]:
    """How many discussions of a repository are open."""
    sheet = FactSheet(discussions.repo, discussions.page, SourceKind.MAKER)
    sheet.field(Factor.OPEN_ISSUES, discussions.open, "count")
    return sheet.all


def facts_from_config(page: Page, candidate: str) -> list[Fact]:
    """Context and cache facts of a ``config.json``; none when it is no JSON object or tells neither."""
    config = _json_object(page)
    if config is None:
        return []
    sheet = FactSheet(candidate, page, SourceKind.MAKER)
    _context_facts(read_context(config), sheet)
    cache = read_cache(config)
    if cache.bytes_per_token:
        sheet.field(Factor.CACHE_BYTES, cache.bytes_per_token, cache.field, note=cache.rule)
    return sheet.all


def facts_from_gguf_header(page: Page, candidate: str) -> list[Fact]:
    """Facts of a GGUF file's header, a page of type ``application/x-gguf-header``: what the weights are is
    the artefact's own word; licence and lineage are the word of whoever packaged it."""
    from tools.runtimes.gguf_header import model_shape

    told = _json_object(page)
    if told is None:
        return []
    metadata = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    sheet = FactSheet(candidate, page, SourceKind.ARTEFACT)
    architecture = str(metadata.get("general.architecture") or "")
    parameters = _count(metadata.get("general.parameter_count"))
    if parameters:
        sheet.field(Factor.PARAMETERS, parameters, "general.parameter_count")
    _context_facts(read_header_context(metadata), sheet)
    heads = metadata.get(f"{architecture}.attention.head_count_kv")
    state = any(part in key for key in metadata for part in STATES) and not isinstance(heads, tuple)
    latent = _count(metadata.get(f"{architecture}.attention.kv_lora_rank"))
    shape = None if state or latent else model_shape(metadata)
    if shape is not None:
        size = shape.kv_heads_total * (shape.key_length + shape.value_length) * BYTES_PER_VALUE
        window = _count(metadata.get(f"{architecture}.attention.sliding_window"))
        note = f"{shape.kv_heads_total} key-value heads in {shape.layers} layers, in 16 bits."
        note += f" Layers with a window of {window:,} tokens are counted in full." if window else ""
        sheet.field(Factor.CACHE_BYTES, size, f"{architecture}.attention.head_count_kv", note=note)
    switch = focus_of_template(metadata.get("tokenizer.chat_template"))
    if switch:
        sheet.field(Factor.ARCHITECTURE_FOCUS, switch, "tokenizer.chat_template")
    return [*sheet.all, *_packagers_facts(metadata, page, candidate)]


def _packagers_facts(metadata: Mapping[str, Any], page: Page, candidate: str) -> list[Fact]:
    """What a converter copied from a card: the maker's word only in the maker's own repository."""
    own = f"/{candidate.split('/', 1)[0].casefold()}/" in page.url.casefold()
    sheet = FactSheet(candidate, page, SourceKind.MAKER if own else SourceKind.VENDOR)
    for field in ("general.license.name", "general.license"):
        licence = metadata.get(field)
        if isinstance(licence, str) and licence not in {"", "other", "unknown"}:
            sheet.field(Factor.LICENCE, licence[:120], field)
            break
    for number in range(MOST_BASES):
        field = f"general.base_model.{number}.repo_url"
        url = metadata.get(field)
        base = url.rstrip("/").removeprefix("https://huggingface.co/") if isinstance(url, str) else ""
        if is_repo(base) and base.casefold() != candidate.casefold():
            sheet.field(Factor.BASE_MODEL, base, field)
    return sheet.all


def facts_from_tag(proof: TagProof, candidate: str) -> list[Fact]:
    """Facts of a proved Ollama tag."""
    sheet = FactSheet(candidate, proof.manifest, SourceKind.ARTEFACT)
    sheet.field(Factor.OLLAMA_TAG, proof.tag, "manifest")
    sheet.field(Factor.OLLAMA_BYTES, proof.total_bytes, "layers.size")
    sheet.field(Factor.OLLAMA_DIGEST, proof.digest, "manifest")
    found = sheet.all
    if proof.config is not None:
        config = FactSheet(candidate, proof.config, SourceKind.ARTEFACT)
        if proof.quantization:
            config.field(Factor.OLLAMA_QUANTIZATION, proof.quantization, "file_type")
        if proof.context_length:
            family = proof.architecture or ""
            metadata = {"general.architecture": family, f"{family}.context_length": proof.context_length}
            reading = read_header_context(metadata)
            if reading.native:
                config.field(Factor.CONTEXT_NATIVE, reading.native, "context_length", note=reading.sentence)
        found += config.all
    if proof.licence_page is not None:
        found += licence_text_facts(proof.licence_page, candidate, text_hash=proof.licence_text_hash)
    return found


def licence_text_facts(page: Page, candidate: str, *, text_hash: str | None = None) -> list[Fact]:
    """The licence whose own text ``page`` is, recognised by its title; ``text_hash`` goes into the note, so
    that another text under the same title is noticed. None where no known title stands at its beginning."""
    sheet = FactSheet(candidate, page, SourceKind.VENDOR)
    beginning = [line.strip() for line in sheet.text[:4000].splitlines() if line.strip()][:2]
    terms = licences().find(" ".join(beginning)) or licences().named_in(" ".join(beginning))
    if terms is not None:
        words = " ".join(beginning)[:300]
        note = f"The licence's own text, {text_hash}." if text_hash else "The licence's own text."
        sheet.quote(Factor.LICENCE, terms.key, words, note=note)
    return sheet.all


def _context_facts(reading: ContextReading, sheet: FactSheet) -> None:
    if reading.native is not None and reading.field:
        sheet.field(Factor.CONTEXT_NATIVE, reading.native, reading.field, note=reading.sentence)
    if reading.extended is not None and reading.extended_field:
        sheet.field(Factor.CONTEXT_EXTENDED, reading.extended, reading.extended_field, note=reading.rule)


def _json_object(page: Page) -> dict[str, Any] | None:
    try:
        value = page.json_value()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _same_owner(one: str, other: str) -> bool:
    return one.split("/", 1)[0].casefold() == other.split("/", 1)[0].casefold()


def _size(file: HubFile) -> int | None:
    return file.size or _count(file.lfs.get("size"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
