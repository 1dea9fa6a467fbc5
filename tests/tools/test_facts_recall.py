"""Every value that the facts file knows of its 69 models, against what the rules read from the world."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.standins.fact_page import page
from tests.standins.world import hub_content, models, registry_tags
from tools.extraction import facts_from_card, facts_from_config, facts_from_gguf_header, facts_from_hub
from tools.facts import Fact, Factor, Settled, SourceKind, Value, settle_all
from tools.hub import HubModel
from tools.web.contents import GGUF_TYPE

RECORDS, FILES = hub_content()
BY_REPO = {record["id"]: record for record in RECORDS}
HUB = "https://huggingface.co"


class Difference(NamedTuple):
    """A contradiction that must show, and who is right."""

    shown: Value
    beside: tuple[Value, ...]
    right: str


KNOWN: dict[tuple[str, Factor], Difference] = {
    ("Qwen/Qwen3-8B", Factor.CONTEXT_NATIVE): Difference(
        32_768, (40_960,), "the card: the config's 40,960 has room for the answer in it"
    ),
    ("mistralai/Ministral-8B-Instruct-2410", Factor.CONTEXT_NATIVE): Difference(
        131_072, (32_768,), "the card: the config holds the sliding window"
    ),
    ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", Factor.CONTEXT_NATIVE): Difference(
        131_072,
        (32_768,),
        "the config: 32,768 are native, 131,072 with YaRN; the facts file took the longer one",
    ),
    ("allenai/Olmo-3-7B-Instruct", Factor.CONTEXT_NATIVE): Difference(
        65_536, (8_192,), "the card: it was trained on at 65,536 with the scaling that the config holds"
    ),
}


def settled(repo: str) -> dict[Factor, Settled]:
    record = page(json.dumps(BY_REPO[repo]), f"{HUB}/api/models/{repo}")
    facts: list[Fact] = facts_from_hub(HubModel.model_validate(BY_REPO[repo]), record)
    config = FILES[repo].get("config.json")
    if isinstance(config, str):
        facts += facts_from_config(page(config, f"{HUB}/{repo}/raw/main/config.json"), repo)
    facts += facts_from_card(page(str(FILES[repo]["README.md"]), f"{HUB}/{repo}/raw/main/README.md"), repo)
    return {factor: found for (_, factor), found in settle_all(facts).items()}


def told(model: dict[str, Any]) -> dict[Factor, Value | None]:
    licence, context = model["license"], model["context"]
    return {
        Factor.PARAMETERS: model["parameters"],
        Factor.LICENCE: licence["license_name"] or licence["hf_tag"],
        Factor.CONTEXT_NATIVE: context["native"],
        Factor.CONTEXT_EXTENDED: context["extended"],
        Factor.RELEASE_DATE: model["release_date"],
    }


@pytest.mark.parametrize("model", models(), ids=lambda model: model["hf_repo"])
def test_every_value_of_the_facts_file_is_read_and_no_other_contradicts_it(model: dict[str, Any]) -> None:
    repo = model["hf_repo"]
    found = settled(repo)
    for factor, value in told(model).items():
        known = KNOWN.get((repo, factor))
        if value is not None:
            assert found[factor].fact.value == value, factor
        beside = tuple(other.value for other in found[factor].contradicting) if factor in found else ()
        assert beside == (known.beside if known else ()), factor
        if known:
            assert found[factor].fact.value == known.shown


def test_what_no_source_tells_stays_unknown() -> None:
    for model in models():
        found = settled(model["hf_repo"])
        assert Factor.RELEASE_DATE not in found or model["release_date"]
        assert Factor.PARAMETERS not in found or model["parameters"]


def test_every_value_has_a_source_and_every_ruled_one_a_note() -> None:
    for model in models():
        for factor, found in settled(model["hf_repo"]).items():
            source = found.fact.source
            assert source.quote or source.record_field
            if factor in {Factor.CONTEXT_NATIVE, Factor.CACHE_BYTES} and source.record_field:
                assert found.fact.note


def test_counts_far_from_the_name_say_why() -> None:
    noted = {m["hf_repo"] for m in models() if "name says" in settled_note(m["hf_repo"])}
    assert {"Qwen/Qwen3-1.7B", "Qwen/Qwen3.5-2B"} <= noted
    assert "Qwen/Qwen3-8B" not in noted


def settled_note(repo: str) -> str:
    found = settled(repo).get(Factor.PARAMETERS)
    return found.fact.note if found else ""


HEADERS = [
    ("google/gemma-2-9b-it", {"general.architecture": "gemma2", "gemma2.context_length": 8192}, 8192, None),
    (
        "mistralai/Mistral-Nemo-Instruct-2407",
        {"general.architecture": "llama", "llama.context_length": 1_024_000},
        None,
        None,
    ),
    (
        "deepseek-ai/DeepSeek-R1-0528-Qwen3-8B",
        {
            "general.architecture": "qwen3",
            "qwen3.context_length": 131_072,
            "qwen3.rope.scaling.type": "yarn",
            "qwen3.rope.scaling.factor": 4.0,
            "qwen3.rope.scaling.original_context_length": 32_768,
        },
        32_768,
        131_072,
    ),
]


@pytest.mark.parametrize(("repo", "metadata", "native", "extended"), HEADERS, ids=lambda case: str(case)[:30])
def test_gated_repositories_are_served_by_a_gguf_header(
    repo: str, metadata: dict[str, Any], native: int | None, extended: int | None
) -> None:
    told = page(json.dumps(metadata), f"{HUB}/pack/x/resolve/main/a.gguf").model_copy(
        update={"content_type": GGUF_TYPE}
    )
    facts = {fact.factor: fact for fact in facts_from_gguf_header(told, repo)}
    lengths = [
        facts[f].value if f in facts else None for f in (Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED)
    ]
    assert lengths == [native, extended]
    assert all(fact.source.kind is SourceKind.ARTEFACT for fact in facts.values())


def test_every_tag_of_the_facts_is_there() -> None:
    known = dict(registry_tags())
    wanted = [m["ollama"]["tag"] for m in models() if m["ollama"].get("registry")]
    assert wanted
    assert set(wanted) <= set(known)
