"""A listing of the Hub as it really looks: makers' models, and what everybody else makes of them.

The shares, the ways of naming and the gaps in the records (no ``base_model``, no tags, a wrong pipeline)
follow what the Hub's own pages show. Every record carries its truth under ``_truth``, which no reader of the
wire format knows: ``kind`` (a value of ``RepoKind``), ``into`` (what stands for it) and ``root`` (the maker's
original).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.standins.stored_facts import models

FINE_TUNES = ("Verdugie/", "victunes/", "Skshackster/", "klyang/")
QUANTISERS = (
    "mradermacher",
    "bartowski",
    "QuantFactory",
    "MaziyarPanahi",
    "lmstudio-community",
    "tensorblock",
)
PEOPLE = (
    *(
        "jondoe",
        "a-kim",
        "ml-garage",
        "PolarResearch",
        "sarah-m",
        "deep-forge",
        "nightowl42",
        "kzhang",
        "Undi95",
    ),
    *(
        "beta-labs",
        "rpmaker",
        "Sao10K-fan",
        "cloudyu2",
        "prithiv",
        "uni-koeln-nlp",
        "ehealth",
        "tokyo-llm",
        "x0rz",
    ),
)
TOPICS = (
    *(
        "Therapy",
        "medical",
        "finance",
        "sql",
        "roleplay",
        "law",
        "customer-support",
        "code-alpaca",
        "openorca",
    ),
    *("math-cot", "story", "agent", "toolcalling", "cybersec", "ultrachat", "physics", "counsel", "poetry"),
)
NOUNS = (
    "Lumen",
    "Stheno",
    "Nymph",
    "Umbra",
    "Beagle",
    "Kestrel",
    "Aurora",
    "Hydra",
    "Rune",
    "Sable",
    "Marigold",
)
STRANGERS = ("northlake-ai/Corvus-9B-Instruct", "halden-lab/Veld-8B-chat", "KumoResearch/Tansy-7B-it")
"""Makers whom no list has, known only by what others make of their models."""
LANGUAGES = (
    "German",
    "Japanese",
    "korean",
    "Turkish",
    "vietnamese",
    "Polish",
    "french",
    "Arabic",
    "hindi",
    "ukrainian",
)
SPECIAL: dict[str, tuple[str, ...]] = {
    "embedding": (
        *("intfloat/e5-mistral-7b-instruct", "Alibaba-NLP/gte-Qwen2-7B-instruct", "nvidia/NV-Embed-v2"),
        *("Qwen/Qwen3-Embedding-8B", "Salesforce/SFR-Embedding-Mistral", "BAAI/bge-multilingual-gemma2"),
        *("Linq-AI-Research/Linq-Embed-Mistral", "McGill-NLP/LLM2Vec-Meta-Llama-3-8B-Instruct-mntp"),
    ),
    "reranker": ("Qwen/Qwen3-Reranker-8B", "castorini/rank_zephyr_7b_v1_full", "BAAI/bge-reranker-v2-gemma"),
    "reward": (
        *(
            "Skywork/Skywork-Reward-Llama-3.1-8B-v0.2",
            "RLHFlow/ArmoRM-Llama3-8B-v0.1",
            "Qwen/Qwen2.5-Math-PRM-7B",
        ),
        *(
            "allenai/Llama-3.1-Tulu-3-8B-RM",
            "internlm/internlm2-7b-reward",
            "prometheus-eval/prometheus-7b-v2.0",
        ),
        *(
            "sfairXC/FsfairX-LLaMA3-RM-v0.1",
            "nicolinho/QRM-Llama3.1-8B-v2",
            "Skywork/Skywork-Critic-Llama-3.1-8B",
        ),
    ),
    "guard": (
        *("meta-llama/Llama-Guard-3-8B", "google/shieldgemma-9b", "ibm-granite/granite-guardian-3.3-8b"),
        *("allenai/wildguard", "Qwen/Qwen3Guard-Gen-8B", "nvidia/llama-3.1-nemoguard-8b-content-safety"),
    ),
    "speech": (
        *("Qwen/Qwen2-Audio-7B-Instruct", "ibm-granite/granite-speech-3.3-8b", "HKUSTAudio/Llasa-8B"),
        *(
            "fixie-ai/ultravox-v0_5-llama-3_1-8b",
            "moonshotai/Kimi-Audio-7B-Instruct",
            "mispeech/midashenglm-7b",
        ),
    ),
    "vision_first": (
        *("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen3-VL-8B-Instruct", "llava-hf/llava-v1.6-mistral-7b-hf"),
        *("OpenGVLab/InternVL3-8B", "openbmb/MiniCPM-V-4_5", "allenai/Molmo-7B-D-0924", "AIDC-AI/Ovis2.5-9B"),
        *("zai-org/GLM-4.1V-9B-Thinking", "Qwen/Qwen2.5-Omni-7B", "nvidia/Eagle2.5-8B", "openvla/openvla-7b"),
        *(
            "HuggingFaceM4/Idefics3-8B-Llama3",
            "allenai/olmOCR-7B-0825",
            "CohereLabs/aya-vision-8b",
            "Open-Bee/Bee-8B-RL",
        ),
    ),
}
SHARES: tuple[tuple[str, float], ...] = (
    *(("quantised", 0.44), ("fine_tune", 0.19), ("merge", 0.13), ("adapter", 0.06), ("abliterated", 0.045)),
    *(("packed_tune", 0.02), ("mirror", 0.03), ("language_tune", 0.03), ("training_checkpoint", 0.02)),
    *(("draft_head", 0.008), ("test", 0.008), ("special_copy", 0.019)),
)


class _Repo(NamedTuple):
    id: str
    kind: str
    into: str | None
    root: str | None

    @property
    def name(self) -> str:
        return self.id.split("/", 1)[1]


class _Hub:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.records: dict[str, dict[str, Any]] = {}
        self.originals: list[_Repo] = []
        self.tuned: list[_Repo] = []
        self.special: list[_Repo] = []

    def add(self, repo: _Repo, **record: Any) -> _Repo | None:
        """The repository, or None when its name is taken."""
        if repo.id in self.records:
            return None
        tags = record.pop("tags", [])
        told = {name: value for name, value in record.items() if value is not None}
        made = {
            "id": repo.id,
            "modelId": repo.id,
            "author": repo.id.split("/", maxsplit=1)[0],
            "private": False,
            "gated": False,
            "pipeline_tag": "text-generation",
            "tags": [*tags, "region:us"],
            "downloads": self.downloads(),
            **told,
        }
        made["_truth"] = {"kind": repo.kind, "into": repo.into, "root": repo.root}
        self.records[repo.id] = made
        return repo

    def downloads(self) -> int:
        return int(self.rng.paretovariate(0.6) * 8)

    def owner(self) -> str:
        ending = self.rng.choice(("", "", "", "-hf", "2", str(self.rng.randrange(90))))
        return f"{self.rng.choice(PEOPLE)}{ending}"

    def base_of(self, repo: str, relation: str, chance: float) -> dict[str, Any]:
        """What a record tells of its base: usually card and tags, often the tag alone, sometimes nothing."""
        draw = self.rng.random()
        if draw > chance:
            return {"tags": []}
        tags = [f"base_model:{repo}", f"base_model:{relation}:{repo}"]
        return {"tags": tags} if draw > chance * 0.8 else {"tags": tags, "cardData": {"base_model": repo}}


def hub_listing(count: int, seed: int) -> list[dict[str, Any]]:
    """``count`` records of the Hub's listing, the same ones for the same ``seed``, in no order."""
    hub = _Hub(seed)
    _makers(hub)
    _special(hub)
    kinds, shares = zip(*SHARES, strict=True)
    while len(hub.records) < count:
        MAKE[hub.rng.choices(kinds, shares)[0]](hub)
    rows = list(hub.records.values())[:count]
    hub.rng.shuffle(rows)
    return rows


def _makers(hub: _Hub) -> None:
    """The models of the facts, and base checkpoints of those whose makers publish one."""
    for model in models():
        repo, mode = model["hf_repo"], model["mode"] or ""
        kind = "fine_tune" if repo.startswith(FINE_TUNES) else "original"
        sees = "vision" in mode or "multimodal" in mode
        made = hub.add(
            _Repo(repo, kind, None, repo if kind == "original" else None),
            tags=["transformers", "safetensors", "conversational"],
            pipeline_tag="image-text-to-text" if sees else "text-generation",
            safetensors={"total": model["parameters"]} if model["parameters"] else None,
            library_name="transformers",
        )
        if made is not None and kind == "original":
            hub.originals.append(made)
    for repo in STRANGERS:
        made = hub.add(_Repo(repo, "original", None, repo), tags=["safetensors", "conversational"])
        if made is not None:
            hub.originals.append(made)
    for original in list(hub.originals):
        base = _base_name(original.id)
        if base is not None:
            hub.add(
                _Repo(base, "base_checkpoint", original.id, original.id), tags=["transformers", "safetensors"]
            )
            told = {"base_model": base}
            hub.records[original.id] |= {"cardData": told}
            hub.records[original.id]["tags"] += [f"base_model:{base}", f"base_model:finetune:{base}"]


def _base_name(repo: str) -> str | None:
    if re.fullmatch(r"Qwen/Qwen3(\.5)?-[\d.]+B|HuggingFaceTB/SmolLM3-3B", repo):
        return f"{repo}-Base"
    if repo.startswith(("Qwen/Qwen2.5", "meta-llama/", "tiiuae/", "swiss-ai/")):
        return repo.replace("-Instruct", "")
    if re.fullmatch(r"google/gemma-3-\d+b-it", repo):
        return repo.removesuffix("-it") + "-pt"
    return None


def _special(hub: _Hub) -> None:
    """Models that do not converse; many are labelled text-generation all the same."""
    for kind, repos in SPECIAL.items():
        for repo in repos:
            sees = kind == "vision_first" and hub.rng.random() < 0.8
            made = hub.add(
                _Repo(repo, kind, None, None),
                tags=["transformers", "safetensors", *(["conversational"] if hub.rng.random() < 0.5 else [])],
                pipeline_tag="image-text-to-text" if sees or "Bee" in repo else "text-generation",
                safetensors={"total": 7_800_000_000},
            )
            if made is not None:
                hub.special.append(made)


def _parent(hub: _Hub, *, tuned: float = 0.3) -> _Repo:
    if hub.tuned and hub.rng.random() < tuned:
        return hub.rng.choice(hub.tuned)
    return hub.rng.choice(hub.originals)


def _stands(repo: _Repo) -> str | None:
    """What stands for a thing made of ``repo``."""
    return repo.id if repo.kind in {"original", "fine_tune", "language_tune"} else repo.into


def _quantised(hub: _Hub) -> None:
    _copy(hub, _parent(hub, tuned=0.45))


def _special_copy(hub: _Hub) -> None:
    _copy(hub, hub.rng.choice(hub.special))


def _copy(hub: _Hub, parent: _Repo) -> None:
    rng, name = hub.rng, parent.name
    by = rng.choice(QUANTISERS)
    ways = (
        f"{by}/{name}-GGUF",
        f"mradermacher/{name}-i1-GGUF",
        f"bartowski/{parent.id.replace('/', '_')}-GGUF",
        f"RichardErkhov/{parent.id.replace('/', '_-_')}-gguf",
        f"mlx-community/{name}-{rng.choice('468')}bit",
        f"unsloth/{name}-unsloth-bnb-4bit",
        f"unsloth/{name}-bnb-4bit",
        f"{hub.owner()}/{name}-AWQ",
        f"{hub.owner()}/{name}-GPTQ-Int4",
        f"{hub.owner()}/{name}-Q4_K_M-GGUF",
        f"{hub.owner()}/{name}-FP8-dynamic",
        f"RedHatAI/{name}-quantized.w4a16",
        f"{hub.owner()}/{name}-exl2-{rng.choice(('4.0', '6.5', '8.0'))}bpw",
        f"{hub.owner()}/{name.lower().replace('-', '_')}_q5_k_m",
        f"{hub.owner()}/{name}-int4-ov",
        f"TheBloke/{name}-GGUF",
        f"{hub.owner()}/{name}-nvfp4",
        f"{hub.owner()}/{name}-mlx-8Bit",
    )
    told = hub.base_of(parent.id, "quantized", 0.88)
    tags = [*told.pop("tags"), "gguf" if rng.random() < 0.5 else "4-bit"]
    hub.add(_Repo(rng.choice(ways), "quantised", _stands(parent), parent.root), tags=tags, **told)


def _tune_name(hub: _Hub, parent: _Repo, topic: str) -> str:
    rng = hub.rng
    size = next(iter(re.findall(r"\d+(?:\.\d+)?[bB]", parent.name)), "8B")
    return rng.choice(
        (
            f"{parent.name}-{topic}",
            f"{topic}-{parent.name}-v{rng.randrange(1, 5)}",
            f"{parent.name}-{topic}-sft",
            f"{parent.name.lower()}-{topic}-lora-merged",
            f"{rng.choice(NOUNS)}-{topic}-{size}",
            f"{rng.choice(NOUNS)}{rng.choice(NOUNS)}-{size}-v0.{rng.randrange(9)}",
            f"{parent.name}_{topic}_merged_16bit",
        )
    )


def _fine_tune(hub: _Hub) -> None:
    parent = _parent(hub, tuned=0.12)
    name = _tune_name(hub, parent, hub.rng.choice(TOPICS))
    told = hub.base_of(parent.id, "finetune", 0.8)
    known = bool(told["tags"])
    repo = _Repo(f"{hub.owner()}/{name}", "fine_tune", None, parent.root if known else None)
    made = hub.add(repo, tags=[*told.pop("tags"), "safetensors", "conversational"], **told)
    if made is not None:
        hub.tuned.append(made)


def _packed_tune(hub: _Hub) -> None:
    """A fine-tune that exists as GGUF alone; the Hub calls it a quantisation of its base."""
    parent = hub.rng.choice(hub.originals)
    name = f"{hub.rng.choice(NOUNS)}-{hub.rng.choice(TOPICS)}-{hub.rng.choice(('8B', '9b', '7B'))}-GGUF"
    told = hub.base_of(parent.id, "quantized", 1.0)
    repo = _Repo(f"{hub.owner()}/{name}", "fine_tune", None, parent.root)
    hub.add(repo, tags=[*told.pop("tags"), "gguf"], library_name="gguf", **told)


def _language_tune(hub: _Hub) -> None:
    parent = hub.rng.choice(hub.originals)
    told = hub.base_of(parent.id, "finetune", 0.8)
    root = parent.root if told["tags"] else None
    name = f"{parent.name}-{hub.rng.choice(LANGUAGES)}"
    made = hub.add(_Repo(f"{hub.owner()}/{name}", "language_tune", None, root), tags=told.pop("tags"), **told)
    if made is not None:
        hub.tuned.append(made)


def _merge(hub: _Hub) -> None:
    rng, parents = hub.rng, [_parent(hub, tuned=0.6) for _ in range(hub.rng.randrange(2, 5))]
    size = next(iter(re.findall(r"\d+(?:\.\d+)?[bB]", parents[0].name)), "8B")
    name = rng.choice(
        (
            f"{rng.choice(NOUNS)}{rng.choice(NOUNS)}-{size}-slerp",
            f"{rng.choice(NOUNS)}-{rng.choice(NOUNS)}-{size}-v{rng.randrange(1, 9)}",
            f"{rng.choice(NOUNS)}Merge-{size}-TIES",
            f"mergekit-slerp-{rng.randrange(16**6):06x}",
            f"L3.1-MOE-2X8B-{rng.choice(NOUNS)}-{rng.randrange(90)}",
        )
    )
    bases = [parent.id for parent in parents]
    draw = rng.random()
    tags = ["mergekit", "merge"] if draw < 0.8 else []
    card = {"base_model": bases} if draw < 0.6 or draw > 0.8 else {"base_model": bases[0]}
    marked = [f"base_model:merge:{base}" for base in bases] if draw < 0.5 else []
    repo = _Repo(f"{hub.owner()}/{name}", "merge", _stands(parents[0]), parents[0].root)
    made = hub.add(repo, tags=[*tags, *marked, "safetensors"], cardData=card)
    if made is not None:
        hub.tuned.append(made)


def _adapter(hub: _Hub) -> None:
    rng, parent = hub.rng, _parent(hub, tuned=0.1)
    topic = rng.choice(TOPICS)
    told = hub.base_of(parent.id, "adapter", 0.7)
    signs = rng.choice(("peft", "name", "both"))
    name = f"{parent.name}-{topic}" + (
        "" if signs == "peft" else rng.choice(("-lora", "-qlora-v2", "_LoRA_r16"))
    )
    into, root = (_stands(parent), parent.root) if told["tags"] else (None, None)
    hub.add(
        _Repo(f"{hub.owner()}/{name}", "adapter", into, root),
        tags=told.pop("tags"),
        library_name="transformers" if signs == "name" else "peft",
        **told,
    )


def _abliterated(hub: _Hub) -> None:
    parent, rng = hub.rng.choice(hub.originals), hub.rng
    word = rng.choice(
        ("abliterated", "uncensored", "heretic", "abliterated-v2", "Uncensored-DPO", "obliterated")
    )
    told = hub.base_of(parent.id, "finetune", 0.85)
    into, root = (parent.id, parent.root) if told["tags"] else (None, None)
    repo = _Repo(
        f"{rng.choice(('huihui-ai', 'mlabonne', 'x0rz'))}/{parent.name}-{word}", "abliterated", into, root
    )
    made = hub.add(repo, tags=[*told.pop("tags"), "conversational"], **told)
    if made is not None and into is not None:
        hub.tuned.append(made)


def _mirror(hub: _Hub) -> None:
    parent = hub.rng.choice(hub.originals)
    owner = hub.rng.choice(("unsloth", "NousResearch", hub.owner(), hub.owner()))
    name = (
        f"Meta-{parent.name}" if parent.name.startswith("Llama") and hub.rng.random() < 0.4 else parent.name
    )
    if parent.id == f"{owner}/{name}":
        return
    told = hub.base_of(parent.id, "finetune", 0.5)
    hub.add(
        _Repo(f"{owner}/{name}", "mirror", parent.id, parent.root),
        tags=["conversational", *told.pop("tags")],
        **told,
    )


def _training_checkpoint(hub: _Hub) -> None:
    parent, rng = hub.rng.choice(hub.originals), hub.rng
    step = rng.choice(
        ("step-1000", "checkpoint-500", "epoch-3", "global_step_240", "ckpt1200", "iter-4000", "2000steps")
    )
    told = hub.base_of(parent.id, "finetune", 0.8)
    into, root = (parent.id, parent.root) if told["tags"] else (None, None)
    name = f"{parent.name}-grpo-{step}"
    hub.add(_Repo(f"{hub.owner()}/{name}", "training_checkpoint", into, root), tags=told.pop("tags"), **told)


def _draft_head(hub: _Hub) -> None:
    parent, rng = hub.rng.choice(hub.originals), hub.rng
    name = rng.choice(
        (f"{parent.name}-speculator.eagle3", f"EAGLE3-{parent.name}", f"{parent.name}-Medusa-1.0")
    )
    told = hub.base_of(parent.id, "finetune", 0.6)
    into, root = (parent.id, parent.root) if told["tags"] else (None, None)
    repo = _Repo(f"{rng.choice(('RedHatAI', 'yuhuili', 'AngelSlim'))}/{name}", "draft_head", into, root)
    hub.add(repo, tags=told.pop("tags"), safetensors={"total": 950_000_000}, **told)


def _test(hub: _Hub) -> None:
    arch = hub.rng.choice(("LlamaForCausalLM", "Qwen3ForCausalLM", "mistral", "gemma-3"))
    name = hub.rng.choice(
        (f"tiny-random-{arch}", f"tiny-{arch}-dummy", f"{arch}-{hub.rng.randrange(99)}-tiny-random")
    )
    repo = f"{hub.rng.choice(('trl-internal-testing', 'yujiepan', hub.owner()))}/{name}"
    hub.add(_Repo(repo, "test", None, None), safetensors={"total": 2_400_000})


MAKE: dict[str, Callable[[_Hub], None]] = {
    "quantised": _quantised,
    "fine_tune": _fine_tune,
    "merge": _merge,
    "adapter": _adapter,
    "abliterated": _abliterated,
    "packed_tune": _packed_tune,
    "mirror": _mirror,
    "language_tune": _language_tune,
    "training_checkpoint": _training_checkpoint,
    "draft_head": _draft_head,
    "test": _test,
    "special_copy": _special_copy,
}


class Confusion(NamedTuple):
    """How a folding compares with the truth."""

    kinds: dict[tuple[str, str], int]
    """(true kind, found kind) → number of repositories."""
    into_right: int
    into_told: int
    """Of the repositories whose truth names what stands for them: how many were led there."""

    def precision(self, kind: str) -> float:
        found = sum(n for (_, said), n in self.kinds.items() if said == kind)
        return self.kinds.get((kind, kind), 0) / found if found else 1.0

    def recall(self, kind: str) -> float:
        true = sum(n for (is_, _), n in self.kinds.items() if is_ == kind)
        return self.kinds.get((kind, kind), 0) / true if true else 1.0


def confusion(rows: Sequence[dict[str, Any]], found: Callable[[str], tuple[str, str | None]]) -> Confusion:
    """Compare ``found`` (repository → kind, what stands for it) with the truth of ``rows``."""
    kinds: dict[tuple[str, str], int] = {}
    right = told = 0
    for row in rows:
        truth, (kind, into) = row["_truth"], found(row["id"])
        kinds[truth["kind"], kind] = kinds.get((truth["kind"], kind), 0) + 1
        if truth["into"] is not None and kind == truth["kind"]:
            told += 1
            right += into == truth["into"]
    return Confusion(kinds, right, told)
