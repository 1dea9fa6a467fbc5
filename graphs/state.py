"""The checkpointed state: small and JSON-able. Everything large is a row."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict  # typing's has no JSON schema before Python 3.12

Role = Literal["primary", "backup", "repeated", "reprompted"]
"""Whose answers: of the approved models, or the primary's second and third answers to what it failed, once
under the same prompt and once under an improved one."""


class Journey(TypedDict, total=False):
    """State of one run between two steps; stays under a few kilobytes whatever the size of the run."""

    run_id: str
    answers: dict[str, str]
    """What the person answered to questions about the request."""
    insist: bool
    """The person wants the run although none is needed."""
    prompt: dict[str, Any] | None
    """The question that the next waiting node asks."""
    ended: str | None
    """Why the run ends without a document."""
    wave: int
    """Waves of research done."""
    note: str
    """What the next wave looks for, in the person's words."""
    wider: int
    """How often a person asked for more research, which widens its budget."""
    again: bool
    """Another wave was asked for."""
    approval: dict[str, Any]
    """The last :class:`graphs.prompts.Approval`."""
    extension: int
    """How often the run was opened again after its end."""
    target: int
    """Scenarios that there shall be, where a person asked for more than at the start."""
    agreement: dict[str, Any]
    """The last :class:`graphs.prompts.ScenariosAgreement`."""
    role: Role
    """The model that is being evaluated."""
    answered: bool
    """Every scenario has been asked, so that a judge may begin."""
    judge: str | None
    judge_insisted: bool
    judge_by: str
    """Who named the judge, or insisted on it."""
    labelled: bool
    """A person who judges has said that the labels there are be enough."""
    problem: str | None
    """Why the table is offered again."""
    review: dict[str, Any]
    """The last :class:`graphs.prompts.Review`."""
    decision: str
