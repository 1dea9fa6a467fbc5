"""The Ollama registry: proof that a tag exists, with exact bytes, quantization, licence and digest.

Nothing is pulled for it: three small requests to the registry's ``/v2`` API get the manifest, the config blob
and the licence blob. A tag can be pointed at other weights at any time (36 of 508 library tags were, within
eight months of records), so the digest of the manifest's bytes is what a choice is pinned to.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.outcomes import Failed, FailReason, Found, Outcome
from tools.web.page import Page, Web

REGISTRY = "https://registry.ollama.ai"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
TAG = re.compile(
    r"^(?:(?P<namespace>[A-Za-z0-9][A-Za-z0-9._-]{0,79})/)?(?P<model>[A-Za-z0-9][A-Za-z0-9._-]{0,79})"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,79}))?$"
)
DIGEST = r"^sha256:[0-9a-f]{64}$"
SMALL_BLOB_BYTES = 500_000
LAYER = "application/vnd.ollama.image."


class TagName(NamedTuple):
    """A tag taken apart, with the registry's defaults filled in."""

    namespace: str
    model: str
    tag: str

    def __str__(self) -> str:
        prefix = "" if self.namespace == "library" else f"{self.namespace}/"
        return f"{prefix}{self.model}:{self.tag}"


class TagProof(BaseModel):
    """What the registry says of a tag, pinned by digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tag: str
    digest: str = Field(pattern=DIGEST)
    """SHA-256 of the manifest's bytes; what ``ollama list`` shows as the model's id."""
    total_bytes: int
    """All layers and the config: what a pull stores."""
    model_bytes: int
    """The layers with weights alone, vision projector included."""
    model_layer_digest: str | None = Field(default=None, pattern=DIGEST)
    """Digest of the first layer with weights."""
    quantization: str | None = None
    """The config's ``file_type``: ``Q4_K_M``."""
    parameters: str | None = None
    """The config's ``model_type``, as it words it: ``8.2B``."""
    architecture: str | None = None
    """The config's ``model_family``: ``qwen3``. (Its ``architecture`` is that of a processor.)"""
    capabilities: tuple[str, ...] = ()
    """``completion``, ``tools``, ``thinking``, ``vision`` …; empty where the config names none."""
    context_length: int | None = None
    licence: str | None = None
    """First words of the first licence layer."""
    licence_text_hash: str | None = Field(default=None, pattern=DIGEST)
    """SHA-256 of the licence's text as it was read."""
    licence_digests: tuple[str, ...] = ()
    template_digest: str | None = Field(default=None, pattern=DIGEST)
    manifest_url: str
    manifest: Page
    config: Page | None = None
    licence_page: Page | None = None
    warnings: tuple[str, ...] = ()
    """Sentences about what could not be read; the proof of existence and size stands without it."""


class _Layer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    media_type: str = Field(alias="mediaType", max_length=200)
    digest: str = Field(pattern=DIGEST)
    size: int = Field(ge=0, le=10**15)


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    config: _Layer
    layers: tuple[_Layer, ...] = Field(min_length=1, max_length=10_000)

    def of_kind(self, *kinds: str) -> tuple[_Layer, ...]:
        return tuple(layer for layer in self.layers if layer.media_type in {LAYER + kind for kind in kinds})


def parse_tag(tag: str) -> TagName | None:
    """``model``, ``model:tag`` or ``namespace/model:tag``; None when it is no tag of this registry."""
    found = TAG.fullmatch(tag)
    if found is None or ".." in tag:
        return None
    return TagName(found["namespace"] or "library", found["model"], found["tag"] or "latest")


async def prove_tag(web: Web, tag: str, *, registry_url: str = REGISTRY) -> Outcome[TagProof]:
    """Prove ``tag`` by its manifest, config and licence. A tag that is not there is Empty."""
    name = parse_tag(tag)
    if name is None:
        return Failed(FailReason.UNSUPPORTED, f"{tag[:100]!r} is no Ollama tag")
    base = f"{registry_url.rstrip('/')}/v2/{name.namespace}/{name.model}"
    url = f"{base}/manifests/{name.tag}"
    outcome = await web.get(url, accept=MANIFEST_TYPE, max_bytes=SMALL_BLOB_BYTES)
    if not isinstance(outcome, Found):
        return outcome
    page = outcome.value
    try:
        manifest = _Manifest.model_validate(page.json_value())
    except (ValueError, ValidationError) as error:
        return Failed(FailReason.BAD_REPLY, f"the manifest of {name} cannot be read: {str(error)[:200]}")
    weights = manifest.of_kind("model", "tensor")
    if not weights:
        return Failed(FailReason.BAD_REPLY, f"{name} holds no weights here; it may be a cloud model")
    config, config_warning = await _blob(web, base, manifest.config, "config")
    licences = manifest.of_kind("license")
    licence, licence_warning = await _blob(web, base, licences[0], "licence") if licences else (None, None)
    said = _config_values(config)
    projectors = manifest.of_kind("projector")
    templates = manifest.of_kind("template")
    return Found(
        TagProof(
            tag=str(name),
            digest=page.body_sha256,
            total_bytes=sum(layer.size for layer in manifest.layers) + manifest.config.size,
            model_bytes=sum(layer.size for layer in (*weights, *projectors)),
            model_layer_digest=weights[0].digest,
            quantization=_word(said.get("file_type")),
            parameters=_word(said.get("model_type")),
            architecture=_word(said.get("model_family")),
            capabilities=_word_list(said.get("capabilities")),
            context_length=_count(said.get("context_length")),
            licence=licence_name(licence.text) if licence else None,
            licence_text_hash=_text_hash(licence),
            licence_digests=tuple(layer.digest for layer in licences),
            template_digest=templates[0].digest if templates else None,
            manifest_url=url,
            manifest=page,
            config=config,
            licence_page=licence,
            warnings=tuple(w for w in (config_warning, licence_warning) if w),
        )
    )


class _Blob(NamedTuple):
    page: Page | None
    warning: str | None


async def _blob(web: Web, base: str, layer: _Layer, what: str) -> _Blob:
    """A small blob, when it can be had and its bytes are what the manifest says."""
    if layer.size > SMALL_BLOB_BYTES:
        return _Blob(None, f"The {what} is {layer.size} bytes, too large to be read.")
    outcome = await web.get(f"{base}/blobs/{layer.digest}", max_bytes=SMALL_BLOB_BYTES)
    if not isinstance(outcome, Found):
        how = f"{type(outcome).__name__.lower()}, {outcome.detail}"
        return _Blob(None, f"The {what} could not be read: {how}.")
    if outcome.value.body_sha256 != layer.digest:
        return _Blob(None, f"The {what} is not what the manifest says: its digest differs.")
    return _Blob(outcome.value, None)


def licence_name(text: str) -> str:
    """The first words of a licence: its first lines that are not empty, up to 200 characters."""
    lines = (" ".join(line.split()) for line in text[:4000].splitlines())
    return " ".join([line for line in lines if line][:2])[:200]


def _config_values(page: Page | None) -> dict[str, Any]:
    if page is None:
        return {}
    try:
        value = page.json_value()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    return value[:60] if isinstance(value, str) and value else None


def _word_list(value: Any) -> tuple[str, ...]:
    listed = value[:20] if isinstance(value, list) else []
    return tuple(word for entry in listed if (word := _word(entry)))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text_hash(page: Page | None) -> str | None:
    if page is None:
        return None
    folded = "\n".join(line.rstrip() for line in page.text.strip().splitlines())
    return "sha256:" + hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
