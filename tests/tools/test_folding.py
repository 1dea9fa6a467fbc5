"""A listing folded: what each repository is, what stands for it, and what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.hub_names import confusion, hub_listing
from tools.folding import Folding, fold
from tools.hub import HubModel
from tools.identity import RepoKind, classify_repo
from tools.knowledge.loader import families

MAKERS = frozenset(org for family in families().families for org in family.orgs)


def model(repo: str, *tags: str, **more: object) -> HubModel:
    return HubModel.model_validate({"id": repo, "tags": list(tags), **more})


def tuned(repo: str, base: str, relation: str = "finetune", **more: object) -> HubModel:
    tags = ("conversational", f"base_model:{base}", f"base_model:{relation}:{base}")
    return model(repo, *tags, **more)


def folded(*models: HubModel) -> Folding:
    return fold(models, MAKERS)


QWEN = model("Qwen/Qwen3-8B", "conversational", "base_model:finetune:Qwen/Qwen3-8B-Base", downloads=10**6)
QWEN_BASE = model("Qwen/Qwen3-8B-Base", "transformers")
LLAMA = model("meta-llama/Llama-3.1-8B-Instruct", "conversational")
SEES = {"pipeline_tag": "image-text-to-text"}

HARD = [
    (tuned("a/Calm", "Qwen/Qwen3-8B", "adapter"), "adapter"),
    (model("a/llama-3-8b-lora-merged", "conversational"), "fine_tune"),
    (model("a/Calm-8B-lora", safetensors={"total": 8_030_000_000}), "fine_tune"),
    (model("a/Calm-8B", safetensors={"total": 41_000_000}), "adapter"),
    (model("yuhuili/EAGLE-LLaMA3-Instruct-8B"), "draft_head"),
    (model("RedHatAI/Qwen3-8B-speculator.eagle3"), "draft_head"),
    (model("RWKV/v5-Eagle-7B-HF", "conversational"), "fine_tune"),
    (model("nvidia/Eagle2.5-8B", **SEES), "vision_first"),
    (model("google/gemma-3-12b-it", "conversational", **SEES), "original"),
    (model("google/gemma-4-E4B-it", "conversational", pipeline_tag="any-to-any"), "original"),
    (model("mistralai/Ministral-3-8B-Instruct-2512", "conversational", **SEES), "original"),
    (model("Qwen/Qwen3.5-9B", "conversational", **SEES), "original"),
    (model("Qwen/Qwen2.5-VL-7B-Instruct", "conversational", **SEES), "vision_first"),
    (model("zai-org/GLM-4.1V-9B-Thinking", "conversational", **SEES), "vision_first"),
    (model("openbmb/MiniCPM-V-4_5", "conversational", **SEES), "vision_first"),
    (model("some/Newcomer-8B", "conversational", **SEES), "vision_first"),
    (tuned("a/gemma-3-4b-therapy", "google/gemma-3-4b-it", **SEES), "fine_tune"),
    (model("intfloat/e5-mistral-7b-instruct", "sentence-transformers"), "embedding"),
    (model("FreedomIntelligence/openPangu-Embedded-7B-V1.1", "conversational"), "fine_tune"),
    (model("Qwen/Qwen3-Reranker-8B"), "reranker"),
    (model("sfairXC/FsfairX-LLaMA3-RM-v0.1"), "reward"),
    (model("a/Llama-3-charm-8B", "conversational"), "fine_tune"),
    (model("Qwen/Qwen3Guard-Gen-8B", "conversational"), "guard"),
    (model("ibm-granite/granite-speech-3.3-8b"), "speech"),
    (model("a/Qwen3-8B-step-1000"), "training_checkpoint"),
    (model("stepfun-ai/Step-3.5-Flash", "conversational"), "fine_tune"),
    (model("yujiepan/qwen3-tiny-random"), "test"),
    (model("ibm-granite/granite-4.0-h-tiny", "conversational"), "original"),
    (model("baidu/ERNIE-4.5-21B-A3B-PT", "conversational"), "original"),
    (model("google/gemma-3-12b-pt", "transformers"), "base_checkpoint"),
    (model("a/L3.1-MOE-2X8B-Rune", "conversational"), "merge"),
    (tuned("a/dolphin-2.7-mixtral-8x7b", "mistralai/Mixtral-8x7B-v0.1"), "fine_tune"),
    (tuned("a/Qwen3-8B-abliterated", "Qwen/Qwen3-8B"), "abliterated"),
    (tuned("a/Llama-3.1-8B-German", "meta-llama/Llama-3.1-8B-Instruct"), "language_tune"),
    (model("a/Qwen3-8B-FP8-dynamic"), "quantised"),
]


@pytest.mark.parametrize(("record", "kind"), HARD)
def test_what_a_repository_is(record, kind):
    role = classify_repo(record, known_orgs=MAKERS)
    assert role.kind == RepoKind(kind), role.reason
    assert role.reason.endswith(".")


ANSWERING = (
    *("Zyphra/Zamba2-7B-instruct", "state-spaces/mamba-2.8b-hf", "tiiuae/falcon-mamba-7b-instruct"),
    *("microsoft/Phi-3-mini-128k-instruct", "openbmb/MiniCPM-2B-sft-bf16"),
    *("allenai/OLMoE-1B-7B-0924-Instruct", "deepseek-ai/deepseek-llm-7b-chat"),
    *("ibm-granite/granite-4.0-tiny-preview", "inclusionAI/Ling-mini-2.0", "allenai/FlexOlmo-7x7B-1T"),
    *("moonshotai/Kimi-Linear-48B-A3B-Instruct", "HuggingFaceTB/SmolLM3-3B", "bigscience/bloom"),
    *("mosaicml/mpt-7b-storywriter", "databricks/dolly-v2-12b", "EssentialAI/rnj-1-instruct"),
    *("upstage/solar-pro-preview-instruct", "Tele-AI/TeleChat2-7B"),
    *("nvidia/Llama-3_3-Nemotron-Super-49B-v1", "LiquidAI/LFM2-8B-A1B-preview"),
    *("CohereLabs/command-a-reasoning-08-2025", "XiaomiMiMo/MiMo-7B-RL", "tencent/Hunyuan-7B-Instruct"),
    *("mistralai/Mamba-Codestral-7B-v0.1", "nvidia/Llama-3.1-Nemotron-Nano-8B-v1"),
    *("Qwen/Qwen2.5-7B-Instruct-1M", "Qwen/QwQ-32B-Preview", "google/gemma-3n-E4B-it"),
    *("openai/gpt-oss-20b", "allenai/Olmo-3-7B-Think", "openchat/openchat-3.5-0106"),
    *("NousResearch/Hermes-3-Llama-3.1-8B",),
)
ANSWERING_AND_SEEING = (
    *("mistralai/Mistral-Small-3.1-24B-Instruct-2503", "google/gemma-4-12B-it", "Qwen/Qwen3.5-9B"),
    *("meta-llama/Llama-4-Scout-17B-16E-Instruct", "moonshotai/Kimi-K2.5"),
    *("LGAI-EXAONE/EXAONE-4.5-33B", "google/medgemma-4b-it"),
)
MADE_TO_SEE = (
    *("Qwen/QVQ-72B-Preview", "microsoft/Phi-4-multimodal-instruct"),
    *("microsoft/Phi-3.5-vision-instruct", "Salesforce/blip2-opt-2.7b", "rhymes-ai/Aria"),
    *("YannQi/R-4B", "nvidia/NVLM-D-72B", "internlm/Intern-S1-mini", "Skywork/Skywork-R1V-38B"),
    *("tencent/HunyuanOCR", "openbmb/MiniCPM-o-2_6", "Kwai-Keye/Keye-VL-8B-Preview"),
    *("h2oai/h2ovl-mississippi-2b", "PerceptronAI/Isaac-0.1", "moondream/moondream3-preview"),
    *("xlangai/OpenCUA-7B", "kakaocorp/kanana-1.5-v-3b-instruct"),
    *("nvidia/Llama-3.1-Nemotron-Nano-VL-8B-V1", "deepseek-ai/deepseek-vl2-tiny"),
    *("deepseek-ai/DeepSeek-OCR-2", "ByteDance-Seed/BAGEL-7B-MoT", "XiaomiMiMo/MiMo-V2.5-Omni"),
    *("google/paligemma2-3b-ft-docci-448", "mistralai/Pixtral-12B-2409"),
    *("ibm-granite/granite-4.1-3b-vision", "LiquidAI/LFM2-VL-3B", "zai-org/glm-4v-9b"),
    *("zai-org/cogagent-9b-20241220", "zai-org/GLM-4.5V"),
)


@pytest.mark.parametrize(
    ("repo", "pipeline", "viable"),
    [
        *((repo, "text-generation", True) for repo in ANSWERING),
        *((repo, "image-text-to-text", True) for repo in ANSWERING_AND_SEEING),
        *((repo, "image-text-to-text", False) for repo in MADE_TO_SEE),
    ],
)
def test_makers_models_that_inference_engines_list(repo, pipeline, viable):
    """Names from the list of models that vLLM supports."""
    role = classify_repo(model(repo, "conversational", pipeline_tag=pipeline), known_orgs=MAKERS)
    assert role.kind.viable is viable, role.reason
    assert viable or role.kind is RepoKind.VISION_FIRST


@pytest.mark.parametrize("kind", list(RepoKind))
def test_every_kind_has_a_reason_to_count_by(kind):
    assert kind.reason
    assert kind.viable == (kind in {RepoKind.ORIGINAL, RepoKind.FINE_TUNE, RepoKind.LANGUAGE_TUNE})


def test_a_language_tune_tells_its_language():
    role = classify_repo(model("a/Qwen3-8B-japanese"), known_orgs=MAKERS)
    assert (role.kind, role.language) == (RepoKind.LANGUAGE_TUNE, "Japanese")


def test_chains_lead_through_copies_to_the_maker():
    found = folded(
        QWEN,
        QWEN_BASE,
        tuned("a/Calm-8B", "Qwen/Qwen3-8B"),
        tuned("b/Calmer-8B", "unsloth/Qwen3-8B-bnb-4bit"),
        tuned("mradermacher/Calm-8B-GGUF", "a/Calm-8B", "quantized"),
        tuned("c/Calm-8B-lora", "mradermacher/Calm-8B-GGUF", "adapter"),
    )
    told = {repo: (entry.into, entry.root) for repo, entry in found.entries.items()}
    assert told["Qwen/Qwen3-8B"] == (None, "Qwen/Qwen3-8B")
    assert told["Qwen/Qwen3-8B-Base"] == ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B")
    assert told["a/Calm-8B"] == (None, "Qwen/Qwen3-8B")
    assert told["b/Calmer-8B"] == (None, "Qwen/Qwen3-8B")
    assert told["mradermacher/Calm-8B-GGUF"] == ("a/Calm-8B", "Qwen/Qwen3-8B")
    assert told["c/Calm-8B-lora"] == ("a/Calm-8B", "Qwen/Qwen3-8B")
    assert found.unseen == ()
    assert found.viable == ("Qwen/Qwen3-8B", "a/Calm-8B", "b/Calmer-8B")
    assert found.counts[RepoKind.FINE_TUNE] == 2


def test_originals_that_the_listing_lacks_are_named():
    found = folded(
        tuned("mradermacher/TherapyBeagle-11B-v1-GGUF", "victunes/TherapyBeagle-11B-v1", "quantized"),
        tuned("b/TherapyBeagle-11B-v1-AWQ", "victunes/TherapyBeagle-11B-v1", "quantized"),
        model("RichardErkhov/speakleash_-_Bielik-7B-Instruct-v0.1-gguf", "gguf"),
        model("TheBloke/zephyr-7B-beta-GGUF", "gguf"),
    )
    assert found.unseen[0] == "victunes/TherapyBeagle-11B-v1"
    assert set(found.unseen[1:]) == {"speakleash/Bielik-7B-Instruct-v0.1", "HuggingFaceH4/zephyr-7b-beta"}
    assert found.entries["TheBloke/zephyr-7B-beta-GGUF"].into == "HuggingFaceH4/zephyr-7b-beta"


def test_a_fine_tune_that_exists_as_gguf_alone_is_a_candidate():
    packed = tuned("ehealth/Counsel-8B-GGUF", "Qwen/Qwen3-8B", "quantized", library_name="gguf")
    alone = folded(QWEN, packed).entries["ehealth/Counsel-8B-GGUF"]
    assert (alone.role.kind, alone.into, alone.root) == (RepoKind.FINE_TUNE, None, "Qwen/Qwen3-8B")
    beside = folded(QWEN, packed, tuned("ehealth/Counsel-8B", "Qwen/Qwen3-8B"))
    assert beside.entries["ehealth/Counsel-8B-GGUF"].into == "ehealth/Counsel-8B"


def test_mirrors_are_found_without_a_base_and_under_old_names():
    found = folded(
        LLAMA,
        model("NousResearch/Meta-Llama-3.1-8B-Instruct", "conversational"),
        model("somebody/Qwen3-8B", "conversational"),
        tuned("a/Calm-8B", "meta-llama/Meta-Llama-3.1-8B-Instruct"),
        tuned("b/Chat-GLM-therapy", "THUDM/GLM-4-9B-0414"),
        model("zai-org/GLM-4-9B-0414", "conversational"),
    )
    mirrors = {
        repo: entry.into for repo, entry in found.entries.items() if entry.role.kind is RepoKind.MIRROR
    }
    assert mirrors == {
        "NousResearch/Meta-Llama-3.1-8B-Instruct": "meta-llama/Llama-3.1-8B-Instruct",
        "somebody/Qwen3-8B": "Qwen/Qwen3-8B",
    }
    assert found.entries["a/Calm-8B"].root == "meta-llama/Llama-3.1-8B-Instruct"
    assert found.entries["b/Chat-GLM-therapy"].root == "zai-org/GLM-4-9B-0414"
    assert found.unseen == ("Qwen/Qwen3-8B",)


def test_a_stranger_on_whom_others_build_is_a_maker():
    stranger = model("northlake-ai/Corvus-9B-Instruct", "conversational")
    tunes = [tuned(f"person{n}/Corvus-law-{n}", stranger.id) for n in range(3)]
    assert folded(stranger, *tunes).entries[stranger.id].role.kind is RepoKind.ORIGINAL
    assert folded(stranger, *tunes[:2]).entries[stranger.id].role.kind is RepoKind.FINE_TUNE
    copies = [tuned(f"mradermacher{n}/Corvus-9B-Instruct-GGUF", stranger.id, "quantized") for n in range(5)]
    assert folded(stranger, *copies).entries[stranger.id].role.kind is RepoKind.FINE_TUNE


def test_stages_of_a_makers_training_fold_into_the_finished_model():
    tulu = "allenai/Llama-3.1-Tulu-3-8B"
    found = folded(
        tuned(tulu, f"{tulu}-DPO"),
        tuned(f"{tulu}-DPO", f"{tulu}-SFT"),
        tuned(f"{tulu}-SFT", "meta-llama/Llama-3.1-8B"),
    )
    assert found.viable == (tulu,)
    assert {found.entries[f"{tulu}-{stage}"].into for stage in ("SFT", "DPO")} == {tulu}
    assert found.entries[f"{tulu}-DPO"].role.kind is RepoKind.TRAINING_CHECKPOINT


def test_a_tune_of_a_guard_is_a_guard():
    guard = model("meta-llama/Llama-Guard-3-8B", "conversational")
    found = folded(guard, tuned("a/PolicyBot-8B", guard.id)).entries["a/PolicyBot-8B"]
    assert found.role.kind is RepoKind.GUARD
    assert not found.viable


def test_circles_end():
    found = folded(
        tuned("a/One-8B", "b/Two-8B"), tuned("b/Two-8B", "c/Three-8B"), tuned("c/Three-8B", "a/One-8B")
    )
    assert len(found.entries) == 3
    assert folded(tuned("a/Self-8B", "a/Self-8B")).entries["a/Self-8B"].root is None


def test_models_that_learnt_to_see_are_told_from_those_that_are_made_to():
    kinds = folded(
        model("google/gemma-3-12b-it", "conversational", **SEES),
        model("Qwen/Qwen3-VL-8B-Instruct", "conversational", **SEES),
        tuned("a/Doc-8B", "Qwen/Qwen3-VL-8B-Instruct", pipeline_tag="text-generation"),
    ).entries
    assert [entry.role.kind for entry in kinds.values()] == [
        RepoKind.ORIGINAL,
        RepoKind.VISION_FIRST,
        RepoKind.VISION_FIRST,
    ]


ROWS = hub_listing(2_500, 3)
FOUND = fold([HubModel.model_validate(row) for row in ROWS], MAKERS)
TRUTH = confusion(ROWS, lambda repo: (FOUND.entries[repo].role.kind.value, FOUND.entries[repo].into))
UNTELLABLE = {"speech"}
"""``midashenglm`` says nowhere in its record that it listens."""


@pytest.mark.parametrize("kind", sorted({row["_truth"]["kind"] for row in ROWS} - UNTELLABLE))
def test_a_whole_listing_is_told_apart(kind):
    assert TRUTH.recall(kind) >= 0.95, TRUTH.kinds
    assert TRUTH.precision(kind) >= 0.9, TRUTH.kinds


def test_copies_are_led_to_what_stands_for_them():
    assert TRUTH.into_told > 1_000
    assert TRUTH.into_right / TRUTH.into_told >= 0.98


def test_no_real_model_is_lost():
    missing = [
        row["id"]
        for row in ROWS
        if row["_truth"]["kind"] == "original" and not FOUND.entries[row["id"]].viable
    ]
    assert missing == []


def test_a_fold_keeps_every_repository_in_order():
    assert list(FOUND.entries) == [row["id"] for row in ROWS]
    assert sum(FOUND.counts.values()) == len(ROWS)


def test_the_same_listing_comes_from_the_same_seed():
    assert hub_listing(200, 7) == hub_listing(200, 7)
    assert hub_listing(200, 7) != hub_listing(200, 8)


@settings(max_examples=25, deadline=None)
@given(st.permutations(ROWS[:60]))
def test_the_order_of_the_listing_does_not_matter(rows):
    first = fold([HubModel.model_validate(row) for row in ROWS[:60]], MAKERS)
    again = fold([HubModel.model_validate(row) for row in rows], MAKERS)
    assert {repo: entry.role.kind for repo, entry in again.entries.items()} == {
        repo: entry.role.kind for repo, entry in first.entries.items()
    }
    assert {repo: entry.into for repo, entry in again.entries.items()} == {
        repo: entry.into for repo, entry in first.entries.items()
    }


NAMES = st.sampled_from(
    ("a/A-8B", "b/B-7B-GGUF", "c/C-9B-lora", "Qwen/Qwen3-8B", "d/Qwen3-8B-Base", "e/E-8B-slerp")
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(NAMES, NAMES, st.sampled_from(("finetune", "quantized", "merge", "adapter"))), max_size=9
    )
)
def test_any_listing_folds_and_nothing_stands_for_itself(told):
    found = fold([tuned(repo, base, relation) for repo, base, relation in told], MAKERS)
    assert set(found.entries) == {repo for repo, _, _ in told}
    for repo, entry in found.entries.items():
        assert entry.into != repo
        assert (entry.into is None) or not entry.viable
        assert all(name not in found.entries for name in found.unseen)
