"""What models were made for: the world's cards and names, against what the facts file says of their mode."""

from __future__ import annotations

import json

import pytest

from tests.standins.fact_page import page
from tests.standins.world import hub_content, models
from tools.extraction import facts_from_card, facts_from_hub, tagged_focus
from tools.facts import Factor, settle
from tools.focus import focus_of_tags, focus_of_template, focus_said
from tools.hub import HubModel
from tools.knowledge.loader import domains

MODES = {
    "hybrid": "hybrid thinking",
    "chat": "chat",
    "reasoning": "reasoning",
}
BY_NAME = {
    "Qwen/Qwen2.5-Coder-3B-Instruct": "code",
    "Qwen/Qwen2.5-Coder-7B-Instruct": "code",
    "Qwen/Qwen2.5-Math-7B-Instruct": "mathematics",
    "mistralai/Mathstral-7B-v0.1": "mathematics",
    "microsoft/Phi-4-mini-reasoning": "reasoning",
    "Verdugie/Fable-Therapy-9B": "domain fine-tune",
    "Verdugie/Fable-Therapy-4B": "domain fine-tune",
    "Skshackster/gemma3-1b-mental-health-fine-tuned": "domain fine-tune",
    "klyang/MentaLLaMA-chat-7B-hf": "domain fine-tune",
}
"""What a name or the tags of a fine-tune say goes before the manner."""
RECORDS, FILES = hub_content()
BY_REPO = {record["id"]: record for record in RECORDS}


def expected(repo: str, mode: str | None) -> str:
    first = (mode or "chat").split(" ")[0].split("/")[0]
    return BY_NAME.get(repo) or MODES.get(first, "chat")


@pytest.mark.parametrize(("repo", "mode"), [(m["hf_repo"], m["mode"]) for m in models()])
def test_focus_of_every_model_of_the_facts(repo: str, mode: str | None) -> None:
    record = page(json.dumps(BY_REPO[repo]), f"https://huggingface.co/api/models/{repo}")
    model = HubModel.model_validate(BY_REPO[repo])
    card = page(str(FILES[repo]["README.md"]), f"https://huggingface.co/{repo}/raw/main/README.md")
    therapy = domains().named("therapy-coaching", "therapy")
    facts = [*facts_from_hub(model, record), *facts_from_card(card, repo)]
    facts += tagged_focus(model, record, therapy.words)
    found = settle(fact for fact in facts if fact.factor is Factor.ARCHITECTURE_FOCUS)
    assert found is not None
    assert found.fact.value == expected(repo, mode)
    assert found.contradicting == ()


@pytest.mark.parametrize(
    ("text", "focus"),
    [
        ("**Mode**: hybrid", "hybrid thinking"),
        ("Modes: both thinking and answering, with a switch", "hybrid thinking"),
        ("The mode of delivery is unknown.", None),
        ("DeepThing-8B is a reasoning model.", "reasoning"),
        ("It is compared with reasoning models such as R1.", None),
        ("Use the toggle reasoning button", "hybrid thinking"),
    ],
)
def test_what_a_card_says(text: str, focus: str | None) -> None:
    found = focus_said(text)
    assert (found.focus if found else None) == focus
    assert found is None or text[found.start : found.end]


def test_templates_and_tags() -> None:
    assert focus_of_template("{% if enable_thinking %}") == "hybrid thinking"
    assert focus_of_template("{{ bos }}") is None
    assert focus_of_template(7) is None
    assert focus_of_tags(["conversational"]) == "chat"
    assert focus_of_tags(["text"]) is None


def test_a_fine_tune_is_told_by_its_tags_only_where_it_names_a_base() -> None:
    words = ["therapy"]
    bare = HubModel.model_validate({"id": "org/Nice-8B", "tags": ["therapy"]})
    assert tagged_focus(bare, page("{}"), words) == []
    tuned = HubModel.model_validate(
        {"id": "org/Nice-8B", "tags": ["therapy", "base_model:finetune:Qwen/Qwen3-8B"]}
    )
    fact = tagged_focus(tuned, page("{}"), words)[0]
    assert (fact.value, fact.source.record_field) == ("domain fine-tune", "tags")
    assert "Qwen/Qwen3-8B" in fact.note
    assert tagged_focus(tuned, page("{}"), ["law"]) == []
