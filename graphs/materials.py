"""The texts that a run was made with: taxonomy, rubric, system prompt. The first text used is kept."""

from __future__ import annotations

from graphs.desk import Desk
from store import runs
from tools.drafting import draft_taxonomy, dump_taxonomy
from tools.knowledge.loader import domains, knowledge_text
from tools.request import EvaluationRequest
from tools.rubric import Rubric, parse_rubric
from tools.taxonomy import Taxonomy, parse_taxonomy

GENERAL_RUBRIC = "general.rubric.yaml"
DRAFTED = "draft"
"""Material: the taxonomy that was drafted from the domain's words, as YAML."""


async def taxonomy_of(desk: Desk) -> Taxonomy:
    """The person's taxonomy, else the domain's starter, else a draft made from the domain's words."""
    stored = await desk.look(runs.material, "taxonomy")
    if stored is not None:
        return parse_taxonomy(stored.text, stored.name)
    request = await desk.request()
    domain = domains().named(request.domain_key, request.domain)
    if domain.taxonomy is None:
        draft = drafted(request)
        for warning in draft.warnings:
            await desk.say("scenarios", "warning", sentence=warning)
        await desk.write(runs.keep_material, DRAFTED, request.domain, dump_taxonomy(draft))
        return draft
    text = knowledge_text(domain.taxonomy)
    await desk.write(runs.keep_material, "taxonomy", domain.taxonomy, text)
    return parse_taxonomy(text, domain.taxonomy)


def drafted(request: EvaluationRequest) -> Taxonomy:
    """The draft for a domain without a taxonomy of its own; the same words give the same draft."""
    return draft_taxonomy(request.domain)


async def rubric_of(desk: Desk) -> Rubric:
    """The person's rubric, else the domain's starter, else the general one."""
    stored = await desk.look(runs.material, "rubric")
    if stored is not None:
        return parse_rubric(stored.text, stored.name)
    request = await desk.request()
    name = domains().named(request.domain_key, request.domain).rubric or GENERAL_RUBRIC
    text = knowledge_text(name)
    await desk.write(runs.keep_material, "rubric", name, text)
    return parse_rubric(text, name)


async def system_prompt(desk: Desk, default: str) -> str:
    """The person's system prompt, else the domain's."""
    stored = await desk.look(runs.material, "system_prompt")
    if stored is not None:
        return stored.text
    await desk.write(runs.keep_material, "system_prompt", "the domain's", default)
    return default
