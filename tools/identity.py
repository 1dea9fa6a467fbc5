"""Which model is meant: one model under its many names, and what kind of thing a repository is.

Two names are one model when owner, packaging and punctuation are all that differ:
``Qwen3 8B``, ``qwen3:8b``, ``Qwen/Qwen3-8B``, ``unsloth/Qwen3-8B-GGUF`` and "Qwen 3 (8 billion)". Words that
change the weights (Instruct, Distill, a version, a date) always count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, field_validator

from tools.hub import HubModel

QUANTISATION = re.compile(
    r"(?:^|[-_. ])(?:gguf|ggml|gptq(?:[-_]?int[48])?|awq|exl[23]|mlx|bnb|nf4|hqq|aqlm|onnx|int[48]|[48]-?bit|"
    r"fp8(?:[-_]dynamic)?|fp16|bf16|nvfp4|w[48]a(?:16|8)|i?q[1-8](?:_[0-9a-z]+)*|imatrix|i1|qat|quantized|dynamic|"
    r"unsloth|openvino|coreml|tflite|litert)(?=$|[-_. ])",
    re.IGNORECASE,
)
PACKAGED = re.compile(
    r"(?:^|[-_.])(?:gguf|ggml|gptq|awq|exl[23]|mlx|bnb|nf4|onnx|int[48]|[48]-?bit|fp8|nvfp4|w[48]a(?:16|8)|"
    r"imatrix|i1|q[2-8](?:_[0-9a-z]+)*|quantized)(?=$|[-_.])",
    re.IGNORECASE,
)
BILLION = re.compile(r"(\d+(?:\.\d+)?)\s*[- ]?(?:billion(?:[- ]parameters?)?|bn|b)\b", re.IGNORECASE)
PARTS = re.compile(r"\d+(?:\.\d+)*[a-z]?(?![a-z])|[a-z]+|\d+")
SAME_WORD = {"instruct": "chat", "it": "chat", "chat": "chat"}
"""Makers' words for the same thing: the model that answers, rather than the raw one."""
NOISE = frozenset({"hf", "model", "llm", "the", "parameters", "parameter", "safetensors", "latest"})
OWNER_PREFIX = re.compile(
    r"^(?:meta|nvidia|c4ai|google|microsoft|mistralai|nousresearch|ibm)[-_ ]+(?=.)", re.IGNORECASE
)
"""Makers who repeat their own name in a repository's name, and copies that do not."""
MERGE = re.compile(
    r"(?:^|[-_.])(?:merge[ds]?|slerp|ties|dare|passthrough|frankenmerge|moerge|linear-merge)(?=$|[-_.])",
    re.IGNORECASE,
)
ADAPTER = re.compile(r"(?:^|[-_.])(?:q?lora|adapter|peft|dora)(?=$|[-_.])", re.IGNORECASE)
BASE = re.compile(r"(?:^|[-_.])(?:base|pt|pretrain(?:ed)?|foundation)(?=$|[-_.])", re.IGNORECASE)
VISION_ONLY = frozenset(
    {"image-to-text", "image-classification", "visual-question-answering", "object-detection"}
    | {"text-to-image", "image-feature-extraction", "feature-extraction", "fill-mask"}
    | {"automatic-speech-recognition", "text-to-speech"}
    | {"sentence-similarity", "text-classification", "token-classification", "text-ranking"}
)
QUANTISING_LIBRARIES = frozenset({"gguf", "mlx", "exllamav2", "ctranslate2", "onnx", "openvino", "coreml"})
QUANTISED_TAGS = frozenset({"gguf", "gptq", "awq", "exl2", "exl3", "4-bit", "8-bit", "mlx", "bitsandbytes"})


class RepoKind(StrEnum):
    """What a repository holds."""

    ORIGINAL = "original"
    QUANTISED = "quantised"
    MERGE = "merge"
    ADAPTER = "adapter"
    BASE_CHECKPOINT = "base_checkpoint"
    VISION_ONLY = "vision_only"
    MIRROR = "mirror"
    FINE_TUNE = "fine_tune"


class RepoRole(NamedTuple):
    """A repository's kind, why, and the repository that it was made from where that is known."""

    kind: RepoKind
    reason: str
    original: str | None


class FamilyPattern(BaseModel):
    """How a family is recognised in a repository's name or an Ollama tag."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    """Key of the family."""
    patterns: tuple[str, ...]
    """Regular expressions, searched in the lower-case name without its owner."""

    @field_validator("patterns")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns


class Signature(NamedTuple):
    """What distinguishes one model from another in its name."""

    words: tuple[str, ...]
    """Words and versions in alphabetical order, the size aside: ``("llama", "3.1")``."""
    size: str | None
    """``8b``; None when the name tells none."""
    chat: bool
    """Whether the name says that it is the answering variant."""


@lru_cache(maxsize=20_000)
def signature(name: str) -> Signature:
    """The distinguishing parts of a model's name, whatever its spelling, owner and packaging."""
    bare = name.strip()[:200].rsplit("/", 1)[-1]
    bare = re.sub(r"\.gguf$", "", bare, flags=re.IGNORECASE)
    for pattern in (OWNER_PREFIX, QUANTISATION):
        while (stripped := pattern.sub("" if pattern is OWNER_PREFIX else " ", bare)) != bare:
            bare = stripped
    bare = BILLION.sub(lambda m: f" {float(m[1]):g}b ", bare.replace("_", "-"))
    size: str | None = None
    words: list[str] = []
    for part in PARTS.findall(bare.lower()):
        if re.fullmatch(r"\d+(?:\.\d+)?b", part):
            size = size or part
        elif part not in NOISE:
            words.append(SAME_WORD.get(part, part))
    kept = tuple(sorted(_joined(word for word in words if word != "chat")))
    return Signature(kept, size, "chat" in words)


def _joined(words: Iterable[str]) -> list[str]:
    """Versions without their ``v`` and their ``.0``, so that ``v0.3`` and ``0.3`` are one."""
    return [re.sub(r"^(\d+)\.0$", r"\1", word) for word in words if word != "v"]


def canonical_key(name: str, known: Collection[str] | Mapping[str, Sequence[str]]) -> str | None:
    """The key among ``known`` that ``name`` means, or None when none or several could be meant.

    ``known`` are keys (Hub repositories), or keys with further names of each (Ollama tags, titles). A name
    that says nothing of chat or instruct means the answering variant, as with Ollama's tags and in prose; in
    a repository's name it means the raw checkpoint where both are known.
    """
    names = known if isinstance(known, Mapping) else dict.fromkeys(known, ())
    wanted = signature(name)
    if name in names:
        return name
    exact = [key for key, others in names.items() if name.casefold() in {key.casefold(), *_folded(others)}]
    if len(exact) == 1:
        return exact[0]
    if not wanted.words:
        return None
    like = [key for key, others in names.items() if any(_alike(wanted, signature(n)) for n in (key, *others))]
    if len(like) > 1:
        answering = wanted.chat or "/" not in name
        like = [key for key in like if signature(key).chat == answering] or like
    return like[0] if len(like) == 1 else None


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}


def _alike(one: Signature, other: Signature) -> bool:
    return one.words == other.words and one.size == other.size


def family_of(name: str, patterns: Sequence[FamilyPattern]) -> str | None:
    """Key of the family that a repository or tag belongs to; the longest match wins, then the earlier family.

    A distilled or fine-tuned model that names two families (``DeepSeek-R1-Distill-Llama-8B``) belongs to the
    one whose pattern matches more of its name.
    """
    bare = name.strip()[:200].rsplit("/", 1)[-1].lower()
    best: tuple[int, str] | None = None
    for entry in patterns:
        for pattern in entry.patterns:
            found = re.search(pattern, bare)
            if found and found.group() and (best is None or len(found.group()) > best[0]):
                best = (len(found.group()), entry.family)
    return best[1] if best else None


def same_family(one: str, other: str, patterns: Sequence[FamilyPattern] = ()) -> bool:
    """Whether two repositories or tags are of one family; by their first word where no pattern knows them."""
    first, second = family_of(one, patterns), family_of(other, patterns)
    if first is not None or second is not None:
        return first == second
    return _first_word(one) == _first_word(other) != ""


def _first_word(name: str) -> str:
    found = re.match(r"[a-z]+", name.strip().rsplit("/", 1)[-1].lower())
    return found.group() if found else ""


def classify_repo(model: HubModel, *, known_orgs: Collection[str]) -> RepoRole:
    """What a repository holds, from its tags, its library and its name; the surest sign first.

    ``known_orgs`` are owners who make models themselves; anybody else's copy of one is a mirror.
    """
    owner, name = model.id.split("/", 1)
    original = next((base for base in model.base_models if base.casefold() != model.id.casefold()), None)
    ours = owner.casefold() in {org.casefold() for org in known_orgs}
    return (
        _by_relation(model, original)
        or _by_packaging(model, name, original)
        or _by_name(model, name, original)
        or _by_owner(model, owner, original, ours=ours)
    )


def _by_relation(model: HubModel, original: str | None) -> RepoRole | None:
    said = f"Its record says so, of {original}." if original else "Its record says so."
    if "adapter" in model.relations:
        return RepoRole(RepoKind.ADAPTER, said, original)
    if "merge" in model.relations:
        return RepoRole(RepoKind.MERGE, said, original)
    if "quantized" in model.relations and (original is None or _names(model.id, original)):
        return RepoRole(RepoKind.QUANTISED, said, original)
    if model.pipeline_tag in VISION_ONLY:
        reason = f"It is for {model.pipeline_tag}, not for conversation."
        return RepoRole(RepoKind.VISION_ONLY, reason, original)
    return None


def _names(name: str, original: str) -> bool:
    """Whether a repository's name contains its original's. The Hub calls every GGUF made from a base model
    "quantized", fine-tunes with a name of their own included."""
    return set(signature(original).words) <= set(signature(name).words)


def _by_packaging(model: HubModel, name: str, original: str | None) -> RepoRole | None:
    found = PACKAGED.search(name)
    if found:
        word = found.group().strip("-_.")
        return RepoRole(RepoKind.QUANTISED, f"Its name says {word}: a repackaged copy.", original)
    if model.library_name in {"peft", "adapter-transformers"} or ADAPTER.search(name):
        return RepoRole(RepoKind.ADAPTER, "It holds an adapter, not a whole model.", original)
    library = (model.library_name or "").lower()
    packed = library in QUANTISING_LIBRARIES or QUANTISED_TAGS & {tag.lower() for tag in model.tags}
    if packed and original and model.safetensors_total is None and _names(model.id, original):
        return RepoRole(RepoKind.QUANTISED, f"It holds packaged weights of {original}.", original)
    return None


def _by_name(model: HubModel, name: str, original: str | None) -> RepoRole | None:
    tags = {tag.lower() for tag in model.tags}
    if MERGE.search(name) or tags & {"merge", "mergekit", "moerge"} or len(_card_bases(model)) > 1:
        return RepoRole(RepoKind.MERGE, "Its record or its name says that it is a merge of models.", original)
    if BASE.search(name):
        return RepoRole(RepoKind.BASE_CHECKPOINT, "Its name says that it is a base checkpoint.", original)
    return None


def _by_owner(model: HubModel, owner: str, original: str | None, *, ours: bool) -> RepoRole:
    if ours and _is_raw(model):
        return RepoRole(RepoKind.BASE_CHECKPOINT, "Its tokenizer has no chat template.", original)
    if original is None:
        if ours:
            return RepoRole(RepoKind.ORIGINAL, f"{owner} makes models, and names no other as its base.", None)
        return RepoRole(RepoKind.FINE_TUNE, "Its owner is no known maker, and it names no base.", None)
    same_owner = original.split("/", 1)[0].casefold() == owner.casefold()
    if signature(original) == signature(model.id) and not same_owner:
        return RepoRole(RepoKind.MIRROR, f"It bears the name of {original}.", original)
    if ours or same_owner:
        return RepoRole(RepoKind.ORIGINAL, f"{owner} makes models; this one from {original}.", original)
    return RepoRole(RepoKind.FINE_TUNE, f"It says that it was tuned from {original}.", original)


def _is_raw(model: HubModel) -> bool:
    """Whether a checkpoint was never taught to converse: the Hub tags a chat template "conversational"."""
    template = model.gguf.get("chat_template") or model.config.get("chat_template_jinja")
    converses = "conversational" in model.tags or bool(template)
    return bool(model.tags) and not converses and not signature(model.id).chat


def _card_bases(model: HubModel) -> tuple[str, ...]:
    said = model.card_data.get("base_model")
    return tuple(entry for entry in said if isinstance(entry, str)) if isinstance(said, list) else ()
