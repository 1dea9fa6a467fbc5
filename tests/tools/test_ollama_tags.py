"""Tags guessed by habit, and proofs that speak of another model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.stored_facts import models
from tools.knowledge.loader import families
from tools.ollama_tags import GUESSES, disagreement, tag_guesses
from tools.registry import TagProof, parse_tag
from tools.web.page import Page

HINTED = {"mistral:7b", "zephyr:7b", "openchat:7b", "yi:9b", "mathstral:7b"}
"""Tags that leave out a version: no rule may guess them, since no proof could tell the versions apart."""
PAGE = Page.model_construct(url="https://registry.ollama.ai/v2/library/x/manifests/y", text="{}")


def family(name: str) -> str | None:
    found = families().of(name)
    return found.key if found else None


def proof(tag: str, parameters: str | None, architecture: str | None, licence: str | None = None) -> TagProof:
    return TagProof.model_construct(
        tag=tag, parameters=parameters, architecture=architecture, licence=licence, manifest=PAGE
    )


@pytest.mark.parametrize(
    ("repo", "tag"),
    [
        (model["hf_repo"], tag)
        for model in models()
        if (tag := model["ollama"]["tag"]) is not None and tag not in HINTED
    ],
)
def test_the_tags_of_the_facts_are_among_the_guesses(repo, tag):
    assert tag in tag_guesses(repo, family(repo))


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Qwen/Qwen3-8B", "qwen3:8b"),
        ("Qwen3 8B", "qwen3:8b"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1:8b"),
        ("ibm-granite/granite-3.3-8b-instruct", "granite3.3:8b"),
        ("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", "exaone3.5:7.8b"),
        ("microsoft/Phi-4-mini-instruct", "phi4-mini:3.8b"),
        ("microsoft/phi-4", "phi4:14b"),
        ("openai/gpt-oss-20b", "gpt-oss:20b"),
        ("google/gemma-4-E4B-it", "gemma4:e4b"),
    ],
)
def test_the_likeliest_guess_comes_first(name, first):
    assert tag_guesses(name, family(name))[0] == first


@pytest.mark.parametrize(
    ("name", "never"),
    [
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5:7b"),
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen3:4b"),
        ("mistralai/Mistral-7B-Instruct-v0.2", "mistral:7b"),
        ("microsoft/Phi-4-mini-reasoning", "phi4-mini:3.8b"),
        ("mistralai/Ministral-8B-Instruct-2410", "ministral-3:8b"),
    ],
)
def test_no_guess_drops_what_tells_two_models_apart(name, never):
    assert never not in tag_guesses(name, family(name))


def test_a_distillation_is_looked_for_where_its_makers_list_it():
    repo = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
    guesses = tag_guesses(repo, family(repo))
    assert {"deepseek-r1:8b", "deepseek-r1:8b-llama-distill-q4_K_M"} <= set(guesses)
    repo = "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"
    assert "deepseek-r1:8b" in tag_guesses(repo, family(repo))


@settings(max_examples=80)
@given(st.text(max_size=80), st.sampled_from((None, "qwen3", "hermes")))
def test_guesses_are_tags(name, key):
    guesses = tag_guesses(name, key)
    assert len(guesses) <= GUESSES
    assert all(parse_tag(guess) is not None and ":" in guess for guess in guesses)


R1 = proof("deepseek-r1:8b", "8.2B", "qwen3", "MIT License")
OLD_R1 = proof("deepseek-r1:8b", "8.0B", "llama", "MIT License")
DISAGREEMENTS = [
    (R1, 8_190_735_360, "qwen3", "mit", None),
    (R1, 8_030_261_248, "llama", "mit", "built as qwen3"),
    (R1, None, "llama", None, "built as qwen3"),
    (OLD_R1, 8_030_261_248, "llama", "mit", None),
    (OLD_R1, 8_190_735_360, "qwen3", "mit", "built as llama"),
    (proof("mistral:7b", "7.2B", "llama"), 7_248_023_552, "mistral", "apache-2.0", None),
    (proof("qwen2.5:7b", "7.6B", "qwen2"), 8_190_735_360, "qwen2", None, "7.6B parameters"),
    (proof("llama3.2:1b", "1.2B", "llama"), 1_235_814_400, "llama", None, None),
    (proof("qwen2.5:0.5b", "494.03M", "qwen2"), 494_032_768, "qwen2", None, None),
    (proof("x:8b", "8.0B", "brandnew"), 8_030_261_248, "llama", None, None),
    (proof("x:8b", "8.0B", "llama"), 8_030_261_248, "brandnew", None, None),
    (proof("x:8b", None, None, "Apache License Version 2.0"), None, None, "gemma", "licence of apache"),
    (proof("x:8b", None, None, "Apache License Version 2.0"), None, None, "apache-2.0", None),
    (proof("x:8b", "8.0B", "llama", "MIT License"), 8_030_261_248, "llama", "llama3.1", None),
    (proof("x:8b", "eight", None, "Our own terms"), 8 * 10**9, "llama", "other", None),
]


@pytest.mark.parametrize(("found", "parameters", "model_type", "licence", "why"), DISAGREEMENTS)
def test_why_a_tag_is_not_the_model(found, parameters, model_type, licence, why):
    said = disagreement(found, parameters=parameters, model_type=model_type, licence=licence)
    assert (said is None) if why is None else (why in (said or ""))


@given(st.integers(1_000_000_000, 90_000_000_000), st.floats(1.06, 3.0))
def test_a_count_that_is_off_is_refused_and_a_rounded_one_is_not(parameters, factor):
    rounded = proof("x:1b", f"{parameters / 1e9:.2f}B", None)
    wrong = proof("x:1b", f"{parameters * factor / 1e9:.2f}B", None)
    assert disagreement(rounded, parameters=parameters, model_type=None, licence=None) is None
    assert disagreement(wrong, parameters=parameters, model_type=None, licence=None) is not None
