"""Licence verdicts: what tags mean, what the base's licence adds, what use policies say of a domain."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.knowledge.loader import domains, licences
from tools.licences import CommercialUse, LicenceVerdict, judge_licence


def judge(
    licence: str | None, *bases: str, read: dict[str, str] | None = None, domain: str = "therapy-coaching"
) -> LicenceVerdict:
    return judge_licence(
        licence=licence, base_models=bases, base_licences=read or {}, domain=domains().named(domain, domain)
    )


VERDICTS = [
    ("apache-2.0", "yes", "Apache 2.0"),
    ("license:apache-2.0", "yes", "Apache 2.0"),
    ("Apache License\nVersion 2.0, January 2004", "yes", "Apache 2.0"),
    ("mit", "yes", "MIT"),
    ("llama3.1", "conditional", "Llama 3.1 Community"),
    (
        "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date",
        "conditional",
        "Llama 3.2 Community",
    ),
    ("gemma", "conditional", "Gemma Terms of Use"),
    ("other (mrl)", "no", "Mistral Research"),
    ("other: falcon-llm-license", "conditional", "TII Falcon LLM"),
    ("other nvidia-open-model-license", "yes", "NVIDIA Open Model"),
    ("exaone", "no", "EXAONE AI Model 1.1 NC"),
    ("qwen-research", "no", "Qwen Research"),
    ("cc-by-nc-4.0", "no", "CC BY-NC 4.0"),
    ("lfm1.0", "conditional", "LFM Open 1.0"),
    ("other", "unknown", "other"),
    ("glm-4", "unknown", "glm-4"),
    ("", "unknown", "unknown"),
    (None, "unknown", "unknown"),
]


@pytest.mark.parametrize(("licence", "verdict", "display"), VERDICTS)
def test_what_a_stated_licence_means(licence: str | None, verdict: str, display: str) -> None:
    found = judge(licence)
    assert (found.verdict.value, found.display) == (verdict, display)
    assert (found.condition == "") is (verdict == "yes")
    assert bool(found.sources) is (verdict != "unknown")


LAUNDERED = [
    ("apache-2.0", "google/gemma-3-1b-it", "conditional"),
    ("mit", "meta-llama/Llama-3.1-8B-Instruct", "conditional"),
    ("mit", "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "conditional"),
    ("apache-2.0", "mistralai/Ministral-8B-Instruct-2410", "no"),
    ("llama3.1", "CohereLabs/aya-expanse-8b", "no"),
]


@pytest.mark.parametrize(("licence", "base", "verdict"), LAUNDERED)
def test_a_tag_more_permissive_than_the_base_is_flagged(licence: str, base: str, verdict: str) -> None:
    found = judge(licence, base)
    assert found.laundering
    assert found.verdict.value == verdict
    assert base in found.condition


@pytest.mark.parametrize(
    ("licence", "base"),
    [
        ("apache-2.0", "Qwen/Qwen3-8B"),
        ("apache-2.0", "google/gemma-4-E4B-it"),
        ("llama3.1", "meta-llama/Llama-3.1-8B"),
        ("gemma", "google/gemma-3-4b-pt"),
        ("cc-by-nc-4.0", "meta-llama/Llama-3.1-8B"),
    ],
)
def test_an_honest_tag_is_not_flagged(licence: str, base: str) -> None:
    assert not judge(licence, base).laundering


def test_a_licence_read_for_the_base_counts_whatever_its_case() -> None:
    found = judge("apache-2.0", "some/base", read={"Some/Base": "cc-by-nc-4.0"})
    assert found.laundering
    assert found.verdict is CommercialUse.NO


def test_an_unstated_licence_is_never_guessed_open_but_may_be_known_closed() -> None:
    assert judge(None, "Qwen/Qwen3-8B", read={"Qwen/Qwen3-8B": "apache-2.0"}).verdict is CommercialUse.UNKNOWN
    closed = judge(None, "LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct")
    assert closed.verdict is CommercialUse.NO
    assert closed.display == "unknown"


def test_clauses_appear_only_for_the_domains_they_touch() -> None:
    assert any("unlicensed practice" in clause for clause in judge("llama3.1").clauses)
    assert any("unlicensed practice" in clause for clause in judge("gemma", domain="legal-qa").clauses)
    assert judge("llama3.1", domain="coding").clauses == ()
    assert judge("other nvidia-open-model-license", domain="coding").clauses
    assert judge("llama3.1", domain="wine tasting").clauses == ()


def test_clauses_of_the_base_are_taken_over() -> None:
    assert judge("apache-2.0", "google/gemma-3-1b-it").clauses == judge("gemma").clauses


def test_every_licence_has_sources_and_its_own_names_find_it() -> None:
    for terms in licences().licences:
        for name in (terms.key, terms.display, *terms.aliases, *terms.text_begins):
            assert licences().find(name) == terms


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.none(), st.text(max_size=60)), st.lists(st.text(max_size=30), max_size=3))
def test_no_words_make_it_raise_or_open(licence: str | None, bases: list[str]) -> None:
    found = judge(licence, *bases)
    assert found.verdict is CommercialUse.UNKNOWN or licences().find(licence or "") is not None
