"""What kind of thing a repository is, by its record alone: the surest sign first.

:mod:`tools.folding` goes on from here with a whole listing: what a copy is a copy of, and what stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from tools.hub import HubModel
from tools.knowledge.loader import families
from tools.knowledge.naming import KindSigns, naming, whole_words
from tools.model_names import packaging_of, signature
from tools.sizes import nominal_parameters

QUANTISING_LIBRARIES = frozenset({"gguf", "mlx", "exllamav2", "ctranslate2", "onnx", "openvino", "coreml"})
QUANTISED_TAGS = frozenset({"gguf", "gptq", "awq", "exl2", "exl3", "4-bit", "8-bit", "mlx", "bitsandbytes"})
SEEING = frozenset({"image-text-to-text", "any-to-any"})
"""Pipelines of models that converse and take pictures or sound as well; which comes first, the name tells."""
PART = 20
"""A repository that stores less than one part in this many of the size in its name holds no whole model."""
TOY_PARAMETERS = 50_000_000
DRAFT_PARAMETERS = 1_500_000_000
DEEPEST_NAME = 6
"""Words before a family's name that are looked past: ``L3-Calm-Therapy-Llama-3.1-8B``."""


class RepoKind(StrEnum):
    """What a repository holds."""

    ORIGINAL = "original"
    FINE_TUNE = "fine_tune"
    LANGUAGE_TUNE = "language_tune"
    QUANTISED = "quantised"
    MIRROR = "mirror"
    MERGE = "merge"
    ADAPTER = "adapter"
    ABLITERATED = "abliterated"
    BASE_CHECKPOINT = "base_checkpoint"
    TRAINING_CHECKPOINT = "training_checkpoint"
    DRAFT_HEAD = "draft_head"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    REWARD = "reward"
    GUARD = "guard"
    CLASSIFIER = "classifier"
    SPEECH = "speech"
    VISION_FIRST = "vision_first"
    VISION_ONLY = "vision_only"
    TEST = "test"

    @property
    def viable(self) -> bool:
        """Whether such a repository can be a candidate; of the domain or not is the caller's question."""
        return self in {RepoKind.ORIGINAL, RepoKind.FINE_TUNE, RepoKind.LANGUAGE_TUNE}

    @property
    def reason(self) -> str:
        """Why repositories of the kind are counted as they are; the same words for each of them."""
        return _REASONS[self]


_REASONS = {
    RepoKind.ORIGINAL: "a maker's own chat model",
    RepoKind.FINE_TUNE: "a fine-tune",
    RepoKind.LANGUAGE_TUNE: "a tune for one language",
    RepoKind.QUANTISED: "a quantised or repackaged copy; its original is considered",
    RepoKind.MIRROR: "a mirror of another repository",
    RepoKind.MERGE: "a merge of other models",
    RepoKind.ADAPTER: "an adapter, not a whole model",
    RepoKind.ABLITERATED: "an uncensored or abliterated variant of another model",
    RepoKind.BASE_CHECKPOINT: "a base checkpoint without chat training",
    RepoKind.TRAINING_CHECKPOINT: "a checkpoint on the way to a finished model",
    RepoKind.DRAFT_HEAD: "a draft head for speculative decoding, not a model of its own",
    RepoKind.EMBEDDING: "an embedding model, not one that converses",
    RepoKind.RERANKER: "a reranker, not a model that converses",
    RepoKind.REWARD: "a reward model or critic, not one that converses",
    RepoKind.GUARD: "a guard model that classifies content",
    RepoKind.CLASSIFIER: "a classifier, not a model that converses",
    RepoKind.SPEECH: "a speech or audio model",
    RepoKind.VISION_FIRST: "a vision-language model whose purpose is pictures",
    RepoKind.VISION_ONLY: "not a conversational text model",
    RepoKind.TEST: "a test repository",
}


class RepoRole(NamedTuple):
    """A repository's kind, why, and the repository that it was made from where that is known."""

    kind: RepoKind
    reason: str
    original: str | None
    language: str | None = None
    """Language that it was tuned for, where its name tells: ``German``."""


class _Signs(NamedTuple):
    kind: RepoKind
    names: re.Pattern[str]
    tags: frozenset[str]
    pipelines: frozenset[str]


@cache
def _signs() -> dict[RepoKind, _Signs]:
    def of(key: str, signs: KindSigns) -> _Signs:
        kind = RepoKind(key)
        inside = kind is RepoKind.TRAINING_CHECKPOINT
        names = whole_words(signs.names, inside=inside)
        return _Signs(kind, names, frozenset(signs.tags), frozenset(signs.pipelines))

    return {RepoKind(key): of(key, signs) for key, signs in naming().kinds.items()}


@cache
def _languages() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, whole_words(words)) for name, words in naming().languages.items())


@cache
def _any_task() -> re.Pattern[str]:
    """One search that most names do not pass, before the one for each kind."""
    return whole_words(word for kind in TASKS for word in naming().kinds[kind].names)


TASKS = (
    *(RepoKind.RERANKER, RepoKind.EMBEDDING, RepoKind.REWARD, RepoKind.GUARD, RepoKind.SPEECH),
    *(RepoKind.VISION_FIRST, RepoKind.VISION_ONLY, RepoKind.CLASSIFIER),
)
"""Kinds that were made for something else than conversation."""


@lru_cache(maxsize=64)
def _folded(orgs: frozenset[str]) -> frozenset[str]:
    return frozenset(org.casefold() for org in orgs)


def classify_repo(model: HubModel, *, known_orgs: Collection[str]) -> RepoRole:
    """What a repository holds, from its tags, its library and its name; the surest sign first.

    ``known_orgs`` are owners who make models themselves; anybody else's copy of one is a mirror.
    """
    owner, name = model.id.split("/", 1)
    original = next((base for base in model.base_models if base.casefold() != model.id.casefold()), None)
    ours = owner.casefold() in _folded(frozenset(known_orgs))
    return (
        _by_being_no_model(model, owner, name, original)
        or _by_packaging(model, name, original)
        or _by_task(model, name, original)
        or _by_change(model, name, original, ours=ours)
        or _by_owner(model, owner, original, ours=ours)
    )


def _by_being_no_model(model: HubModel, owner: str, name: str, original: str | None) -> RepoRole | None:
    """Test repositories, adapters and draft heads: none can be run by itself."""
    stored, named = model.safetensors_total, nominal_parameters(name)
    toy = model.parameters is not None and model.parameters < TOY_PARAMETERS
    found = _signs()[RepoKind.TEST].names.search(name)
    if owner.casefold() in naming().testing_owners or (found and (toy or "random" in found.group().lower())):
        return RepoRole(RepoKind.TEST, "It was made to test software, not to answer.", None)
    if found and named is None and original is None:
        return RepoRole(RepoKind.TEST, f"Its name says {found.group()}.", None)
    draft = _signs()[RepoKind.DRAFT_HEAD]
    if _is_draft(model, name, draft):
        return RepoRole(RepoKind.DRAFT_HEAD, "It drafts tokens for a larger model.", original)
    if "adapter" in model.relations:
        return RepoRole(RepoKind.ADAPTER, _said(original), original)
    whole = stored is not None and named is not None and stored > named / 2
    word = _signs()[RepoKind.ADAPTER].names.search(name)
    merged_in = word is not None and "merged" in name[word.end() :].lower()
    if model.library_name in {"peft", "adapter-transformers"} or (word and not whole and not merged_in):
        return RepoRole(RepoKind.ADAPTER, "It holds an adapter, not a whole model.", original)
    if stored is not None and named is not None and named >= 10**9 and stored < named / PART:
        what = f"It stores {stored:,} parameters of the {named:,} in its name: a part, no whole model."
        return RepoRole(RepoKind.ADAPTER, what, original)
    return None


def _is_draft(model: HubModel, name: str, draft: _Signs) -> bool:
    """An "eagle" alone may be a model of that name; beside another family's name it is a draft head."""
    if draft.tags & _lower(model.tags):
        return True
    found = draft.names.search(name)
    if found is None:
        return False
    small = model.parameters is not None and model.parameters < DRAFT_PARAMETERS
    rest = draft.names.sub("", name).strip("-_. ")
    return (small or family_key(rest) is not None) and model.pipeline_tag not in SEEING


def _said(original: str | None) -> str:
    return f"Its record says so, of {original}." if original else "Its record says so."


def names_original(name: str, original: str) -> bool:
    """Whether a repository's name contains its original's. The Hub calls every GGUF made from a base model
    "quantized", fine-tunes with a name of their own included."""
    return set(signature(original).words) <= set(signature(name).words)


def _by_packaging(model: HubModel, name: str, original: str | None) -> RepoRole | None:
    if "quantized" in model.relations and (original is None or names_original(model.id, original)):
        return RepoRole(RepoKind.QUANTISED, _said(original), original)
    found = packaging_of(name)
    if found:
        return RepoRole(RepoKind.QUANTISED, f"Its name says {found}: a repackaged copy.", original)
    library = (model.library_name or "").lower()
    packed = library in QUANTISING_LIBRARIES or QUANTISED_TAGS & _lower(model.tags)
    if packed and original and model.safetensors_total is None and names_original(model.id, original):
        return RepoRole(RepoKind.QUANTISED, f"It holds packaged weights of {original}.", original)
    return None


def _lower(tags: tuple[str, ...]) -> frozenset[str]:
    return frozenset(tag.lower() for tag in tags)


def _by_task(model: HubModel, name: str, original: str | None) -> RepoRole | None:
    """What it was made for. A model that converses and sees is viable where its family is one of text."""
    tags, named = _lower(model.tags), _any_task().search(name) is not None
    for kind in TASKS:
        signs = _signs()[kind]
        found = signs.names.search(name) if named else None
        if found:
            return RepoRole(kind, f"Its name says {found.group()}: {kind.reason}.", original)
        if model.pipeline_tag in signs.pipelines:
            return RepoRole(kind, f"It is for {model.pipeline_tag}, not for conversation.", original)
        if signs.tags & tags and not _converses(model):
            return RepoRole(kind, f"Its record is tagged {min(signs.tags & tags)}.", original)
    if model.pipeline_tag in SEEING and not any(map(family_key, (name, original or ""))):
        return RepoRole(
            RepoKind.VISION_FIRST, "It takes pictures, and is of no known family of text.", original
        )
    return None


@lru_cache(maxsize=50_000)
def family_key(name: str) -> str | None:
    """Key of the family whose name ``name`` begins with, or has after a maker's or tuner's own words."""
    known = families()
    parts = re.split(r"[-_\s]", name.rsplit("/", 1)[-1])
    rests = ("-".join(parts[at:]) for at in range(min(len(parts), DEEPEST_NAME)))
    found = known.of(name) or next((family for rest in rests if (family := known.by_beginning(rest))), None)
    return found.key if found else None


def _by_change(model: HubModel, name: str, original: str | None, *, ours: bool) -> RepoRole | None:
    """Merges, abliterated variants, checkpoints on the way, raw ones."""
    tags, signs = _lower(model.tags), _signs()
    merged = "merge" in model.relations or len(_card_bases(model)) > 1 or signs[RepoKind.MERGE].tags & tags
    own = name.lower().replace(original.split("/", 1)[1].lower(), "") if original else name
    if merged or signs[RepoKind.MERGE].names.search(own):
        return RepoRole(RepoKind.MERGE, "Its record or its name says that it is a merge of models.", original)
    if (
        not ours
        and re.search(r"(?<![\w.])[2-9]x\d", own, re.IGNORECASE)
        and "mixtral" not in f"{name} {original}".lower()
    ):
        return RepoRole(RepoKind.MERGE, "Its name counts the models that it was put together from.", original)
    word = signs[RepoKind.ABLITERATED].names.search(name)
    if word or signs[RepoKind.ABLITERATED].tags & tags:
        said = word.group() if word else "abliterated"
        return RepoRole(
            RepoKind.ABLITERATED, f"It is {said}: its refusals were trained or cut away.", original
        )
    word = signs[RepoKind.TRAINING_CHECKPOINT].names.search(name)
    if word:
        return RepoRole(RepoKind.TRAINING_CHECKPOINT, f"Its name says {word.group()}.", original)
    if signs[RepoKind.BASE_CHECKPOINT].names.search(name) and not signature(name).chat:
        return RepoRole(RepoKind.BASE_CHECKPOINT, "Its name says that it is a base checkpoint.", original)
    return None


def _by_owner(model: HubModel, owner: str, original: str | None, *, ours: bool) -> RepoRole:
    if ours and _is_raw(model):
        return RepoRole(RepoKind.BASE_CHECKPOINT, "Its tokenizer has no chat template.", original)
    same_owner = original is not None and original.split("/", 1)[0].casefold() == owner.casefold()
    if original is not None and not same_owner and signature(original) == signature(model.id):
        return RepoRole(RepoKind.MIRROR, f"It bears the name of {original}.", original)
    if ours:
        reason = f"this one from {original}" if original else "and names no other as its base"
        return RepoRole(RepoKind.ORIGINAL, f"{owner} makes models, {reason}.", original)
    language = language_of(model.id)
    if language is not None:
        reason = f"Its name says that it was tuned for {language}."
        return RepoRole(RepoKind.LANGUAGE_TUNE, reason, original, language)
    if original is None:
        return RepoRole(RepoKind.FINE_TUNE, "Its owner is no known maker, and it names no base.", None)
    return RepoRole(RepoKind.FINE_TUNE, f"It says that it was tuned from {original}.", original)


def language_of(repo: str) -> str | None:
    """The one language that a repository's name says it was tuned for."""
    name = repo.rsplit("/", 1)[-1]
    found = [language for language, words in _languages() if words.search(name)]
    return found[0] if len(found) == 1 else None


def _converses(model: HubModel) -> bool:
    """Whether it was taught to converse: the Hub tags a model with a chat template "conversational"."""
    template = model.gguf.get("chat_template") or model.config.get("chat_template_jinja")
    return "conversational" in model.tags or bool(template)


def _is_raw(model: HubModel) -> bool:
    return bool(model.tags) and not _converses(model) and not signature(model.id).chat


def _card_bases(model: HubModel) -> tuple[str, ...]:
    said = model.card_data.get("base_model")
    return tuple(entry for entry in said if isinstance(entry, str)) if isinstance(said, list) else ()
