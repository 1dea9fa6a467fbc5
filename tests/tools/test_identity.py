"""One model under its many names; what a repository holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.standins.stored_facts import models as stored_models
from tests.standins.stored_facts import stored
from tests.standins.world_hub import hub_content
from tools.hub import HubModel
from tools.identity import (
    FamilyPattern,
    KnownNames,
    RepoKind,
    canonical_key,
    classify_repo,
    family_of,
    same_family,
    signature,
)

KNOWN = [
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-4B",
    "Qwen/Qwen3-4B-Instruct-2507",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
    "meta-llama/Llama-3.1-8B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "google/gemma-2-9b-it",
    "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
]
MAKERS = {"Qwen", "meta-llama", "google", "mistralai", "deepseek-ai", "allenai", "NousResearch"}
FAMILIES = [
    FamilyPattern(family="qwen3", patterns=(r"qwen-?3(?!\.)",)),
    FamilyPattern(family="qwen3.5", patterns=(r"qwen-?3\.5",)),
    FamilyPattern(family="llama3.1", patterns=(r"llama-?3\.1", r"llama")),
    FamilyPattern(family="deepseek-r1", patterns=(r"deepseek-r1",)),
]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        *((n, "Qwen/Qwen3-8B") for n in ("Qwen3 8B", "qwen3:8b", "Qwen/Qwen3-8B", "Qwen 3 (8 billion)")),
        *((n, "Qwen/Qwen3-8B") for n in ("unsloth/Qwen3-8B-GGUF", "Qwen3-8B-Q4_K_M.gguf", "QWEN3_8B")),
        *((n, "Qwen/Qwen3-8B") for n in ("stelterlab/Qwen3-8B-AWQ", "qwen3:8b-q4_K_M", "Qwen3-8B-FP8")),
        ("deepseek-r1:8b", None),
        ("DeepSeek R1 Distill Llama 8B", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
        ("llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("unsloth/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "meta-llama/Llama-3.1-8B-Instruct"),
        ("gemma2:9b", "google/gemma-2-9b-it"),
        ("qwen3:4b", "Qwen/Qwen3-4B"),
        ("Qwen3-4B-2507", "Qwen/Qwen3-4B-Instruct-2507"),
        ("nvidia_NVIDIA-Nemotron-Nano-9B-v2-GGUF", "nvidia/NVIDIA-Nemotron-Nano-9B-v2"),
        ("Qwen3-14B", None),
        ("Qwen3", None),
        ("", None),
    ],
)
def test_names_of_one_model(name, key):
    assert canonical_key(name, KNOWN) == key


def test_further_names_are_believed():
    known = {"deepseek-ai/DeepSeek-R1-0528-Qwen3-8B": ["deepseek-r1:8b"], "Qwen/Qwen3-8B": []}
    assert canonical_key("deepseek-r1:8b", known) == "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"


@settings(max_examples=80)
@given(st.text(max_size=80))
def test_any_name_has_a_signature_and_keys_mean_themselves(name):
    assert signature(name) == signature(name)
    assert canonical_key(name, KNOWN) in {None, *KNOWN}


@given(
    st.sampled_from(KNOWN),
    st.sampled_from(["-GGUF", "-AWQ", "-bnb-4bit", "-Q4_K_M-GGUF", "-i1-GGUF", "-FP8"]),
)
def test_packaging_never_changes_the_model(key, packaging):
    assert canonical_key("someone/" + key.split("/")[1] + packaging, KNOWN) == key


def everything() -> KnownNames:
    """Every model of the facts with its tag, and the neighbours it must not be mistaken for."""
    known = {model["hf_repo"]: [tag] if (tag := model["ollama"]["tag"]) else [] for model in stored_models()}
    return KnownNames(known | dict.fromkeys(NEIGHBOURS, ()))


NEIGHBOURS = (
    *("Qwen/Qwen3-8B-Base", "meta-llama/Llama-3.1-8B", "google/gemma-3-4b-pt", "deepseek-ai/DeepSeek-R1"),
    *(
        "mistralai/Mistral-7B-Instruct-v0.1",
        "mistralai/Mistral-7B-Instruct-v0.2",
        "mistralai/Mistral-7B-v0.3",
    ),
    *(
        "microsoft/phi-4-reasoning",
        "microsoft/Phi-4-reasoning-plus",
        "openbmb/MiniCPM-V-4",
        "openbmb/MiniCPM4-8B",
    ),
    *("LiquidAI/LFM2-8B-A1B", "mistralai/Mixtral-8x7B-Instruct-v0.1", "THUDM/glm-4-9b-chat-1m"),
    *("mlabonne/Meta-Llama-3.1-8B-Instruct-abliterated", "allenai/Llama-3.1-Tulu-3-8B-SFT"),
)
FACTS = [
    (name, model["hf_repo"])
    for model in stored_models()
    for name in (model["hf_repo"], model["ollama"]["tag"], model["gguf"]["repo"])
    if name and not (name == model["gguf"]["repo"] and name.startswith(("Verdugie/",)))
]
MANY_NAMES = [
    *((n, "Qwen/Qwen3-8B") for n in ("hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", "bartowski/Qwen_Qwen3-8B-GGUF")),
    *((n, "Qwen/Qwen3-8B") for n in ("lmstudio-community/Qwen3-8B-GGUF", "mlx-community/Qwen3-8B-4bit")),
    *(
        (n, "Qwen/Qwen3-8B")
        for n in ("unsloth/Qwen3-8B-unsloth-bnb-4bit", "RedHatAI/Qwen3-8B-quantized.w4a16")
    ),
    *((n, "Qwen/Qwen3-8B") for n in ("RichardErkhov/Qwen_-_Qwen3-8B-gguf", "Qwen3-8B-UD-Q4_K_XL.gguf")),
    *(
        (n, "Qwen/Qwen3-8B")
        for n in ("mradermacher/Qwen3-8B-i1-GGUF", "x/Qwen3-8B-exl2-4.0bpw-h6", "qwen3:8b-fp16")
    ),
    *(
        (n, "Qwen/Qwen3-8B")
        for n in ("Alibaba Qwen3 8B", "qwen-3-8b", "Qwen3-8B-NVFP4", "Qwen3 8B parameters")
    ),
    *(
        (n, "Qwen/Qwen3-8B")
        for n in ("https://huggingface.co/Qwen/Qwen3-8B", "Qwen3 8bn", "x/Qwen3-8B-int4-ov")
    ),
    ("Qwen/Qwen3-8B-Base", "Qwen/Qwen3-8B-Base"),
    ("Qwen3-8B-Base-GGUF", "Qwen/Qwen3-8B-Base"),
    ("Qwen3 4B", "Qwen/Qwen3-4B"),
    ("qwen3:4b-instruct-2507-q4_K_M", "Qwen/Qwen3-4B-Instruct-2507"),
    ("Qwen3-4B-Thinking-2507", "Qwen/Qwen3-4B-Thinking-2507"),
    ("mlx-community/Qwen3-4B-Thinking-2507-8bit", "Qwen/Qwen3-4B-Thinking-2507"),
    ("Qwen3.5 9B", "Qwen/Qwen3.5-9B"),
    ("Qwen2.5 Coder 7B", "Qwen/Qwen2.5-Coder-7B-Instruct"),
    ("Qwen2.5-7B-Instruct-AWQ", "Qwen/Qwen2.5-7B-Instruct"),
    *(
        (n, "meta-llama/Llama-3.1-8B-Instruct")
        for n in ("Meta Llama 3.1 8B Instruct", "llama3.1:8b-instruct-q4_K_M")
    ),
    *(
        (n, "meta-llama/Llama-3.1-8B-Instruct")
        for n in ("Llama 3.1 8B", "unsloth/Meta-Llama-3.1-8B-Instruct")
    ),
    ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "meta-llama/Llama-3.1-8B-Instruct"),
    ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "meta-llama/Llama-3.1-8B"),
    (
        "mlabonne/Meta-Llama-3.1-8B-Instruct-abliterated-GGUF",
        "mlabonne/Meta-Llama-3.1-8B-Instruct-abliterated",
    ),
    ("Llama-3.1-8B-Instruct-uncensored", None),
    ("Llama 3.1 70B", None),
    ("Llama 3 8B", None),
    ("gemma-4 E4B", "google/gemma-4-E4B-it"),
    ("Gemma 4 4B", None),
    ("bartowski/google_gemma-3-4b-it-GGUF", "google/gemma-3-4b-it"),
    ("google/gemma-3-4b-it-qat-q4_0-gguf", "google/gemma-3-4b-it"),
    ("gemma3:4b-it-qat", "google/gemma-3-4b-it"),
    ("unsloth/gemma-3-4b-pt", "google/gemma-3-4b-pt"),
    ("Gemma 2 9B", "google/gemma-2-9b-it"),
    ("Ministral 8B", "mistralai/Ministral-8B-Instruct-2410"),
    ("Ministral-3-8B", "mistralai/Ministral-3-8B-Instruct-2512"),
    ("Ministral 3 8B", "mistralai/Ministral-3-8B-Instruct-2512"),
    ("mistralai/Ministral-3-8B-Instruct-2512-GGUF", "mistralai/Ministral-3-8B-Instruct-2512"),
    ("Mistral-7B-Instruct-v0.1", "mistralai/Mistral-7B-Instruct-v0.1"),
    ("TheBloke/Mistral-7B-Instruct-v0.2-GGUF", "mistralai/Mistral-7B-Instruct-v0.2"),
    ("Mistral 7B Instruct v0.3", "mistralai/Mistral-7B-Instruct-v0.3"),
    ("mistralai/Mistral-7B-v0.3", "mistralai/Mistral-7B-v0.3"),
    ("Mistral 7B", None),
    ("Mistral Nemo 12B", "mistralai/Mistral-Nemo-Instruct-2407"),
    ("Mistral Nemo", "mistralai/Mistral-Nemo-Instruct-2407"),
    ("Mixtral 8x7B Instruct v0.1", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ("Phi-4", "microsoft/phi-4"),
    ("phi-4 14B", "microsoft/phi-4"),
    ("Phi-4 mini instruct", "microsoft/Phi-4-mini-instruct"),
    ("phi4-mini", "microsoft/Phi-4-mini-instruct"),
    ("phi-4-reasoning", "microsoft/phi-4-reasoning"),
    ("unsloth/Phi-4-mini-reasoning-GGUF", "microsoft/Phi-4-mini-reasoning"),
    ("Phi-3", None),
    ("DeepSeek-R1-Distill-Llama-8B", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
    ("DeepSeek R1 0528 Qwen3 8B", "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"),
    ("DeepSeek R1 Distill Qwen 7B", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"),
    ("deepseek-r1:671b", None),
    ("GLM-4 9B Chat", "THUDM/glm-4-9b-chat"),
    ("zai-org/glm-4-9b-chat", "THUDM/glm-4-9b-chat"),
    ("glm-4-9b-chat-1m", "THUDM/glm-4-9b-chat-1m"),
    ("GLM-4-9B-0414", "zai-org/GLM-4-9B-0414"),
    ("OLMo 2 7B", "allenai/OLMo-2-1124-7B-Instruct"),
    ("Olmo 3 7B Think", "allenai/Olmo-3-7B-Think"),
    ("Granite 3.3 8B", "ibm-granite/granite-3.3-8b-instruct"),
    ("IBM Granite 4.1 8B", "ibm-granite/granite-4.1-8b"),
    ("granite 4.0 h tiny", "ibm-granite/granite-4.0-h-tiny"),
    ("SmolLM3 3B", "HuggingFaceTB/SmolLM3-3B"),
    ("Nemotron Nano 9B v2", "nvidia/NVIDIA-Nemotron-Nano-9B-v2"),
    ("NVIDIA Nemotron Nano 9B", None),
    ("EXAONE 3.5 7.8B", "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct"),
    ("Command R7B", "CohereLabs/c4ai-command-r7b-12-2024"),
    ("Aya Expanse 8B", "CohereLabs/aya-expanse-8b"),
    ("Apertus 8B", "swiss-ai/Apertus-8B-Instruct-2509"),
    ("Hermes 3 Llama 3.1 8B", "NousResearch/Hermes-3-Llama-3.1-8B"),
    ("LFM2 8B", "LiquidAI/LFM2-8B-A1B"),
    ("LiquidAI_LFM2-8B-A1B-GGUF", "LiquidAI/LFM2-8B-A1B"),
    ("MiniCPM4.1 8B", "openbmb/MiniCPM4.1-8B"),
    ("MiniCPM4 8B", "openbmb/MiniCPM4-8B"),
    ("InternLM3-8B-Instruct", "internlm/internlm3-8b-instruct"),
    ("Zephyr 7B beta", "HuggingFaceH4/zephyr-7b-beta"),
    ("an 8B model", None),
    ("8B", None),
]


def test_there_are_enough_names():
    assert len({name for name, _ in [*FACTS, *MANY_NAMES]}) >= 150


@pytest.mark.parametrize(("name", "key"), [*FACTS, *MANY_NAMES])
def test_one_candidate_under_many_names(name, key):
    assert ALL.key(name) == key


ALL = everything()
WRAPPINGS = (
    "-GGUF",
    "-AWQ",
    "-GPTQ-Int4",
    "-bnb-4bit",
    "-MLX-6bit",
    "-FP8-dynamic",
    "-i1-GGUF",
    "-exl2-5.0bpw",
)
KEYS = sorted(model["hf_repo"] for model in stored_models())


@settings(max_examples=120)
@given(
    st.sampled_from(KEYS),
    st.sampled_from(WRAPPINGS),
    st.sampled_from(("bartowski", "a-b", "unsloth")),
    st.booleans(),
)
def test_owner_and_packaging_never_change_the_key(key, wrapping, owner, upper):
    name = f"{owner}/{key.split('/')[1]}{wrapping}"
    assert ALL.key(name.upper() if upper else name) == key
    assert ALL.key(f"bartowski/{key.replace('/', '_')}-GGUF") in {key, None}


@settings(max_examples=80)
@given(st.sampled_from(KEYS), st.integers(15, 400))
def test_another_size_is_another_model(key, billions):
    told = signature(key).size
    other = (
        key.replace(told, f"{billions}b").replace(told.upper(), f"{billions}B")
        if told
        else f"{key}-{billions}B"
    )
    assert ALL.key(other) != key
    assert ALL.key(other.split("/")[1].replace("-", " ")) != key


@settings(max_examples=80)
@given(
    st.sampled_from(KEYS),
    st.sampled_from(("v9", "2603", "9.7", "Thinkier", "Distill", "abliterated", "Base")),
)
def test_another_word_or_version_is_another_model(key, word):
    assert ALL.key(f"{key}-{word}") != key
    assert ALL.key(f"{key.split('/')[1]} {word}".replace("-", " ")) != key


def model(repo: str, *tags: str, **more: object) -> HubModel:
    return HubModel.model_validate({"id": repo, "tags": list(tags), **more})


@pytest.mark.parametrize(
    ("record", "kind", "original"),
    [
        (
            model("Qwen/Qwen3-8B", "conversational", "base_model:Qwen/Qwen3-8B-Base"),
            "original",
            "Qwen/Qwen3-8B-Base",
        ),
        (model("Qwen/Qwen3-8B-Base", "conversational"), "base_checkpoint", None),
        (model("meta-llama/Llama-3.1-8B", "transformers"), "base_checkpoint", None),
        (model("a/Qwen3-8B-GGUF", "base_model:quantized:Qwen/Qwen3-8B"), "quantised", "Qwen/Qwen3-8B"),
        (model("a/Qwen3-8B-AWQ"), "quantised", None),
        (
            model("v/Fable-Therapy-9B", "gguf", "base_model:quantized:Qwen/Qwen3.5-9B"),
            "fine_tune",
            "Qwen/Qwen3.5-9B",
        ),
        (model("a/Qwen3-8B", "base_model:finetune:Qwen/Qwen3-8B"), "mirror", "Qwen/Qwen3-8B"),
        (model("a/Calm", "base_model:adapter:Qwen/Qwen3-8B"), "adapter", "Qwen/Qwen3-8B"),
        (model("a/Calm-8B-lora"), "adapter", None),
        (model("a/Calm", library_name="peft"), "adapter", None),
        (model("m/NeuralBeagle14-7B", "merge", "mergekit"), "merge", None),
        (model("a/Two", cardData={"base_model": ["b/One", "b/Other"]}), "merge", "b/One"),
        (model("a/Sees", pipeline_tag="image-to-text"), "vision_only", None),
        (model("a/Calm-8B", "base_model:finetune:Qwen/Qwen3-8B"), "fine_tune", "Qwen/Qwen3-8B"),
        (model("a/Calm-8B"), "fine_tune", None),
    ],
)
def test_what_a_repository_holds(record, kind, original):
    role = classify_repo(record, known_orgs=MAKERS)
    assert (role.kind, role.original) == (RepoKind(kind), original)
    assert role.reason.endswith(".")


def test_the_worlds_repositories_are_told_apart():
    roles = {
        record["id"]: classify_repo(HubModel.model_validate(record), known_orgs=MAKERS).kind.value
        for record in hub_content()[0]
    }
    for extra in stored("models.json")["extra_repositories"]:
        assert roles[extra["repo"]] == extra["kind"], extra["repo"]


def test_families():
    assert family_of("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", FAMILIES) == "deepseek-r1"
    assert family_of("qwen3.5:9b", FAMILIES) == "qwen3.5"
    assert family_of("qwen3:8b", FAMILIES) == "qwen3"
    assert family_of("phi4:14b", FAMILIES) is None
    assert same_family("qwen3:8b", "unsloth/Qwen3-4B-GGUF", FAMILIES)
    assert not same_family("qwen3:8b", "phi4:14b", FAMILIES)
    assert same_family("phi4:14b", "microsoft/Phi-4-mini-instruct", FAMILIES)
    with pytest.raises(ValidationError):
        FamilyPattern(family="x", patterns=("(",))
