"""Names of models in sentences: what is one, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.stored_facts import models
from tools.identity import KnownNames
from tools.mentions import MOST, MentionKind, names_in

SENTENCES: list[tuple[str, list[str]]] = [
    ("Nemotron Nano 9B v2 is strong.", ["Nemotron Nano 9B v2"]),
    ("We like LFM2-8B-A1B and EuroLLM-9B.", ["LFM2-8B-A1B", "EuroLLM-9B"]),
    ("Use meta-llama/Llama-3.1-8B-Instruct for that.", ["meta-llama/Llama-3.1-8B-Instruct"]),
    ("ollama run hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", ["unsloth/Qwen3-8B-GGUF"]),
    ("See https://huggingface.co/Qwen/Qwen3-8B.", ["Qwen/Qwen3-8B"]),
    ("See https://huggingface.co/Qwen/Qwen3-8B/blob/main/config.json for it.", ["Qwen/Qwen3-8B"]),
    (
        "[card](https://huggingface.co/speakleash/Bielik-11B-v3.0-Instruct)",
        ["speakleash/Bielik-11B-v3.0-Instruct"],
    ),
    ("https://ollama.com/library/qwen3:8b has it", ["qwen3:8b"]),
    ("ollama run qwen3:8b", ["qwen3:8b"]),
    ("then `llama3.1:8b-instruct-q4_K_M` it is", ["llama3.1:8b-instruct-q4_K_M"]),
    ("ollama pull phi4-mini", ["phi4-mini"]),
    ("gemma4:e4b runs on a phone", ["gemma4:e4b"]),
    ("Qwen 3 (8 billion) parameters", ["Qwen 3 (8 billion)"]),
    ("Qwen3 8B parameters in all", ["Qwen3 8B"]),
    ("Meta Llama 3.1 8B Instruct beats Gemma 2 9B", ["Llama 3.1 8B Instruct", "Gemma 2 9B"]),
    ("We compared Phi-4-mini and Mistral Nemo.", ["Phi-4-mini", "Mistral Nemo"]),
    ("| Model | Size |\n| Corvus-9B-Instruct | 9B |", ["Corvus-9B-Instruct"]),
    ("| Qwen3 8B | 32k | apache-2.0 |", ["Qwen3 8B"]),
    ("| TherapyBeagle-11B-v1 | 11B |", ["TherapyBeagle-11B-v1"]),
    ("**SmolLM3-3B** is small", ["SmolLM3-3B"]),
    ("- Apertus 8B\n- Teuken 7B", ["Apertus 8B", "Teuken 7B"]),
    ("DeepSeek R1 Distill Llama 8B thinks", ["DeepSeek R1 Distill Llama 8B"]),
    ("gpt-oss-20b is open", ["gpt-oss-20b"]),
    ("The Falcon 7B of old", ["Falcon 7B"]),
    ("Mistral 7B v0.3 answers", ["Mistral 7B v0.3"]),
    ("Mixtral 8x7B needs 26 GB", ["Mixtral 8x7B"]),
    ("Gemma-4 E4B or gemma 3 12b", ["Gemma-4 E4B", "gemma 3 12b"]),
    ("Llama-3.1-8B/Qwen3-8B compared", ["Llama-3.1-8B", "Qwen3-8B"]),
    ("Yesterday Qwen3 8B came out", ["Qwen3 8B"]),
    ("running Qwen2.5-Coder 7B on vLLM 0.6", ["Qwen2.5-Coder 7B"]),
    ("I moved from Zephyr 7B to Ministral 8B.", ["Zephyr 7B", "Ministral 8B"]),
    ("ContactDoctor/Bio-Medical-Llama-3-8B was trained", ["ContactDoctor/Bio-Medical-Llama-3-8B"]),
    ("the rnj-1 8B and MiMo 7B models", ["rnj-1 8B", "MiMo 7B"]),
    ("Granite 3.3 8B Instruct (Apache)", ["Granite 3.3 8B Instruct"]),
    ("With EXAONE 3.5 7.8B in Korean", ["EXAONE 3.5 7.8B"]),
    ("Command R7B cites its sources", ["Command R7B"]),
    ("bartowski/Qwen_Qwen3-8B-GGUF has all quants", ["bartowski/Qwen_Qwen3-8B-GGUF"]),
    ("a 7B model on an RTX 4090 with 24GB", []),
    ("A100 80B is not a thing", []),
    ("an H100 80GB and two RTX 3090", []),
    ("our 8B Instruct", []),
    ("most 8B models, 7B-13B", []),
    ("the new 7B and 13B variants", []),
    ("trained on FineWeb 15B tokens", []),
    ("Dolma 3T tokens, RedPajama 30B", []),
    ("raised $8B from investors", []),
    ("Revenue of €7B in 2024", []),
    ("Python 3.11 and CUDA 12.4 with PyTorch 2.5", []),
    ("vLLM 0.6.3, transformers 4.46", []),
    ("GPT-4 8B", []),
    ("Claude 3.5 and Gemini 2.5 lead", []),
    ("MMLU 8B", []),
    ("on GSM8K and MT-Bench it gets 8.1", []),
    ("pip install torch/vision and/or km/h 7B/8B", []),
    ("https://huggingface.co/datasets/foo/bar-7B", []),
    ("https://huggingface.co/spaces/foo/chat-7B", []),
    ("https://github.com/someone/llama-7b-demo", []),
    ("docker run nginx:latest", []),
    ("models/qwen3-8b.gguf lies in ./models", []),
    ("Q4_K_M/Q5_K_M quants, 4.7 GB/5.5 GB", []),
    ("size:8b in the form", []),
    ("There are 8 billion people on Earth", []),
    ("8B", []),
    ("at 3:7b o'clock", []),
    ("The M4 Max with 64GB runs 8B at 40 tok/s", []),
    ("", []),
]


def test_there_are_enough_sentences():
    assert len(SENTENCES) >= 60


@pytest.mark.parametrize(("sentence", "names"), SENTENCES)
def test_names_in_a_sentence(sentence, names):
    assert [mention.text for mention in names_in(sentence)] == names


def test_kinds_and_sizes():
    found = names_in("Qwen/Qwen3-8B is qwen3:8b, and Mixtral 8x7B is larger.")
    assert [(mention.kind, mention.size) for mention in found] == [
        (MentionKind.REPO, "8b"),
        (MentionKind.TAG, "8b"),
        (MentionKind.PROSE, "8x7b"),
    ]
    assert found[0].signature == found[1].signature


def test_a_name_counts_once_and_text_is_bounded():
    assert len(names_in("Qwen3 8B, qwen3 8b and QWEN3 8B. " * 50)) == 1
    many = "\n".join(f"Corvus{n}-9B" for n in range(MOST + 50))
    assert len(names_in(many)) == MOST


def test_what_is_found_is_known_again():
    keys = KnownNames([model["hf_repo"] for model in models()])
    text = "We ran Qwen3 8B (Qwen/Qwen3-8B), Ministral 8B, unsloth/phi-4-GGUF and EuroLLM-9B."
    assert [keys.key(mention.text) for mention in names_in(text)] == [
        "Qwen/Qwen3-8B",
        "Qwen/Qwen3-8B",
        "mistralai/Ministral-8B-Instruct-2410",
        "microsoft/phi-4",
        None,
    ]


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_any_text_can_be_read_and_mentions_stand_in_it(text):
    for mention in names_in(text):
        assert mention.text.removesuffix(")") in text
        assert mention.signature.words


@settings(max_examples=60)
@given(
    st.sampled_from([model["hf_repo"] for model in models()]),
    st.sampled_from(
        ("See {} now.", "({})", "| {} | 8B |", "https://huggingface.co/{}", "`{}`", "“{}”, they say")
    ),
)
def test_a_repository_is_found_wherever_it_stands(repo, sentence):
    kinds = {mention.text: mention.kind for mention in names_in(sentence.format(repo))}
    assert kinds[repo] is MentionKind.REPO


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            (
                "the",
                "model",
                "has",
                "many",
                "of",
                "these",
                "and",
                "our",
                "new",
                "Machine",
                "with",
                "16",
                "GB",
                "on",
            )
        ),
        max_size=12,
    ),
    st.sampled_from(("7B", "13b", "8 billion", "70B", "1.5B")),
)
def test_talk_about_size_is_no_name(words, size):
    assert names_in(" ".join([*words, size, "parameters"])) == ()


@pytest.mark.parametrize("unit", ["a/", "A-", "ollama run ", "8B ", "(", "1.", "_", "https://", "a.", "x:"])
def test_text_without_end_is_read_to_no_name(unit):
    assert names_in(unit * 20_000) == ()
