"""Licence verdicts: what tags mean, what the base's licence adds, what use policies say of a domain."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.knowledge.loader import domains, licences
from tools.licences import CommercialUse, LicenceVerdict, judge_licence, lineage


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
    ("glm-4", "conditional", "GLM-4 9B"),
    ("nobody-knows-1.0", "unknown", "nobody-knows-1.0"),
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


def test_the_whole_chain_is_judged_not_only_the_nearest_base() -> None:
    bases = {"shop/Calm-8B": ["lab/Tuned-8B"], "lab/Tuned-8B": ["meta-llama/Llama-3.1-8B"]}
    chain = lineage("shop/Calm-8B", bases)
    assert chain == ("shop/Calm-8B", "lab/Tuned-8B", "meta-llama/Llama-3.1-8B")
    found = judge("apache-2.0", *chain, read={"lab/Tuned-8B": "mit"})
    assert found.laundering
    assert found.verdict is CommercialUse.CONDITIONAL
    assert found.condition.startswith(
        "Stated as Apache 2.0, but the weights come from meta-llama/Llama-3.1-8B"
    )
    assert any("unlicensed practice" in clause for clause in found.clauses)


def test_a_non_commercial_base_far_down_closes_a_permissive_child() -> None:
    chain = lineage("a/b", {"A/B": ["c/d"], "c/d": ["CohereLabs/aya-expanse-8b"]})
    found = judge("mit", *chain)
    assert (found.verdict, found.laundering) == (CommercialUse.NO, True)


def test_conditions_of_all_licences_apply() -> None:
    found = judge("llama3", "NousResearch/Hermes-3-Llama-3.1-8B", "meta-llama/Llama-3.1-8B")
    assert not found.laundering
    assert "Built with Meta Llama 3" in found.condition
    assert (
        "The weights come from meta-llama/Llama-3.1-8B, which is under Llama 3.1 Community" in found.condition
    )
    closed = judge("cc-by-nc-4.0", "google/gemma-3-4b-it")
    assert closed.verdict is CommercialUse.NO
    assert "Non-commercial use only." in closed.condition
    assert "Gemma Terms of Use" in closed.condition


def test_the_strictest_of_several_bases_is_named_first() -> None:
    found = judge("apache-2.0", "google/gemma-2-9b", "CohereLabs/aya-expanse-8b")
    assert found.verdict is CommercialUse.NO
    assert found.condition.startswith(
        "Stated as Apache 2.0, but the weights come from CohereLabs/aya-expanse-8b"
    )
    assert "google/gemma-2-9b" in found.condition


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from("abcdA"), max_size=3)))
def test_a_lineage_ends_whatever_the_records_say(bases: dict[str, list[str]]) -> None:
    found = lineage("a", bases)
    assert found[0] == "a"
    assert len(found) == len({repo.casefold() for repo in found}) <= 4


def test_a_long_lineage_is_not_followed_to_its_end() -> None:
    assert len(lineage("m/0", {f"m/{n}": [f"m/{n + 1}"] for n in range(100)})) == 12


def test_clauses_are_quoted_in_the_policys_own_words() -> None:
    quotes = judge("llama3.1").clause_quotes
    assert quotes == (
        "Engage in the unauthorized or unlicensed practice of any profession including, but not limited to, "
        "financial, legal, medical/health, or related professional practices",
    )
    assert judge("llama3.1", domain="coding").clause_quotes == ()
    assert any("unlicensed practice of any vocation" in quote for quote in judge("gemma").clause_quotes)
    assert judge("deepseek", domain="legal-qa").clause_quotes


def test_entries_with_a_day_of_checking_name_a_public_text() -> None:
    checked = [terms for terms in licences().licences if terms.checked]
    assert {
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "gemma",
        "qwen",
        "qwen-research",
    } <= {terms.key for terms in checked}
    assert all(found.url.startswith("https://") for terms in checked for found in terms.checked)


NAMED = [
    ("Licensed under the Apache License, Version 2.0", "apache-2.0"),
    ("Apache-2.0", "apache-2.0"),
    ("front matter says apache-2.0, body says Gemma License", "apache-2.0"),
    ("the Gemma Terms, code under Apache 2.0", "gemma"),
    ("released under the MIT licence", "mit"),
    ("the MIT Media Lab", None),
    ("LLaMA 3.1 license", "llama3.1"),
    ("EXAONE AI Model License Agreement 1.2 - NC", "exaone-1.2"),
    ("EXAONE AI Model License Agreement 1.1 - NC", "exaone"),
    ("CC BY-NC-SA 4.0", "cc-by-nc-sa-4.0"),
    ("CC-BY-NC", "cc-by-nc-4.0"),
    ("The code is under the MIT License", None),
    ("This repository and the model weights are under the MIT License", "mit"),
    ("no licence at all", None),
]


@pytest.mark.parametrize(("sentence", "key"), NAMED)
def test_the_licence_that_a_sentence_names(sentence: str, key: str | None) -> None:
    found = licences().named_in(sentence)
    assert (found.key if found else None) == key


def test_gemma_4_is_no_gemma_of_the_old_terms() -> None:
    assert licences().covering("google/gemma-4-E4B-it") is None
    assert not judge("apache-2.0", "google/gemma-4-E4B-it").laundering
