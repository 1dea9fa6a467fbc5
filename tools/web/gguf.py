"""What a GGUF file on the web says of itself, from its first bytes."""

from __future__ import annotations

import json
from typing import NamedTuple

from tools.outcomes import Failed, FailReason, Found, Outcome
from tools.runtimes import gguf_header
from tools.runtimes.gguf_header import GgufError, GgufHeader, MetadataValue
from tools.web.body import UnreadableError
from tools.web.contents import GGUF_TYPE
from tools.web.page import Page, Web

HEAD_BYTES = 262_144
"""Enough for quantization, context, licence and lineage; vocabularies come later and are large."""
VERSION, TENSORS = "GGUF.version", "GGUF.tensor_count"
"""Keys for what the file states outside its metadata."""


class HeaderText(NamedTuple):
    """Metadata as canonical JSON (keys sorted, no white space), and how far it was read."""

    text: str
    notes: tuple[str, ...]


async def read_gguf_header(web: Web, url: str) -> Outcome[Page]:
    """The header of the GGUF file at ``url``: a page of type ``application/x-gguf-header``.

    Its text is a JSON object of the metadata that is no vocabulary, so that ``general.license`` is a field a
    source can cite; :func:`header_of` gives it as a record. A file of another kind is a failure.
    """
    outcome = await web.get(url, accept="*/*", headers={"Range": f"bytes=0-{HEAD_BYTES - 1}"})
    if isinstance(outcome, Found) and outcome.value.content_type != GGUF_TYPE:
        return Failed(FailReason.UNSUPPORTED, "this is no GGUF file")
    return outcome


def header_text(head: bytes) -> HeaderText:
    """The text of a header page. Raises :class:`UnreadableError` when ``head`` is no start of a GGUF file."""
    try:
        header = gguf_header.read_gguf_header(head)
    except GgufError as error:
        raise UnreadableError(f"the GGUF header cannot be read. {error}") from error
    told: dict[str, MetadataValue] = {VERSION: header.version, TENSORS: header.tensor_count}
    told.update((key, value) for key, value in header.metadata.items() if _is_kept(key, value))
    cut = f"{len(head):,} bytes of the GGUF file were read; its header goes on after them."
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return HeaderText(text, () if header.complete else (cut,))


def header_of(page: Page) -> GgufHeader:
    """The header that a page of :func:`read_gguf_header` tells. Raises ValueError for any other page."""
    told = page.json_value()
    if page.content_type != GGUF_TYPE or not isinstance(told, dict):
        raise ValueError(f"{page.url} is no header of a GGUF file")
    version, tensors = told.pop(VERSION), told.pop(TENSORS)
    metadata = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return GgufHeader(version=version, tensor_count=tensors, metadata=metadata, complete=False)


def _is_kept(key: str, value: MetadataValue) -> bool:
    """Single values, and per-layer numbers such as heads; lists of the vocabulary are of no use here."""
    return not isinstance(value, tuple) or not key.startswith("tokenizer.")
