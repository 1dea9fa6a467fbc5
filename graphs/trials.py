"""Whose model answers, which scenarios, and under which prompt: the same questions for every role.

The roles ``repeated`` and ``reprompted`` are the primary model once more, on the scenarios that it failed.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlalchemy.orm import Session

from graphs.desk import Desk
from graphs.materials import system_prompt
from graphs.state import Role
from store import evaluation, runs
from store.evaluation import ModelRole
from tools.evaluation import Scenario
from tools.knowledge.loader import domains

RETRIED = "retried"
"""Material: the scenarios that are asked again, as a JSON list of ids."""
IMPROVED_PROMPT = "improved_prompt"
SETTLED_AT = "settled at"
"""Call that is no call: how many scenarios there were when a backup was decided on."""


class Trial(NamedTuple):
    """What is the same for every answer of a role."""

    prompt: str
    seed: int


def model_role(role: Role) -> ModelRole:
    return "backup" if role == "backup" else "primary"


def is_retrial(role: Role) -> bool:
    return role in {"repeated", "reprompted"}


def scenarios_of(session: Session, run_id: str, role: Role) -> list[Scenario]:
    """The scenarios that a role answers, in their order.

    A backup keeps those that it was decided on: scenarios that the primary got later are not missing from it.
    """
    every = evaluation.scenarios(session, run_id)
    if is_retrial(role):
        material = runs.material(session, run_id, RETRIED)
        chosen = set() if material is None else set(json.loads(material.text))
        return [scenario for scenario in every if scenario.id in chosen]
    settled = evaluation.stored_call(session, run_id, SETTLED_AT, role) if role == "backup" else None
    return every if settled is None else every[: settled["scenarios"]]


async def trial_of(desk: Desk, role: Role) -> Trial:
    """Prompt and seed of a role. The two retrials share a seed, which is not that of the first answers."""
    request = await desk.request()
    prompt = await system_prompt(desk, domains().named(request.domain_key, request.domain).system_prompt)
    if not is_retrial(role):
        return Trial(prompt, desk.options.seed)
    if role == "reprompted":
        improved = await desk.look(runs.material, IMPROVED_PROMPT)
        assert improved is not None
        prompt = improved.text
    return Trial(prompt, desk.options.seed + 1)
