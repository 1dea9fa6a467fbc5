"""One model under its many names; what a repository holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.standins.world import _facts, hub_content
from tools.hub import HubModel
from tools.identity import (
    FamilyPattern,
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


def test_every_gguf_repository_of_the_facts_is_its_models():
    models = [m for m in _facts("models.json")["models"] if m["gguf"]["repo"] and m["gguf"]["q4_k_m_file"]]
    keys = [m["hf_repo"] for m in models]
    wrong = [
        m["hf_repo"] for m in models if canonical_key(m["gguf"]["repo"], keys) not in {m["hf_repo"], None}
    ]
    missed = [m["hf_repo"] for m in models if canonical_key(m["gguf"]["repo"], keys) is None]
    assert wrong == []
    assert len(missed) <= 1


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
    for extra in _facts("models.json")["extra_repositories"]:
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
