"""What a run asks, as LangGraph's clients show it.

Two shapes are in use: ``HumanInterrupt`` of agent inbox and ``HITLRequest`` of agent-chat-ui and LangChain's
human-in-the-loop middleware. Their keys differ, so that by default one value is both at once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, StrictBool

from agent.conversation.records import Offer
from agent.langgraph_api.names import offer_name, task_name
from agent.waiting import ANSWERS, Waiting
from graphs.prompts import (
    ApprovalPrompt,
    JudgePrompt,
    LabelsPrompt,
    Prompt,
    RequestPrompt,
    ReviewPrompt,
    ScenariosPrompt,
)


class Schema(StrEnum):
    """``config.configurable.interrupt_schema`` of a run, or ``interrupt_schema`` in a thread's metadata."""

    BOTH = "both"
    """One object with the keys of the two, and ours under ``prompt``. The default."""
    AGENT_INBOX = "agent-inbox"
    """A list of one ``HumanInterrupt``."""
    HITL = "hitl"
    """``HITLRequest`` and nothing else."""
    PROMPT = "prompt"
    """Ours alone, as ``langgraph dev`` shows it: :mod:`graphs.prompts`."""


class Offered(NamedTuple):
    """What the conversation offers to do, and a person confirms."""

    thread_id: str
    message_id: str
    offer: Offer


Question = Waiting | Offered


class Confirmed(BaseModel):
    """The answer to what was offered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    yes: StrictBool


class Asked(NamedTuple):
    """A question as an action that a person lets pass, changes or refuses."""

    station: str
    action: str
    args: dict[str, Any]
    sentence: str
    accept: bool
    reject: bool
    edit: bool = True


def name_of(question: Question) -> str:
    """The interrupt's id."""
    if isinstance(question, Waiting):
        return question.prompt_id
    return offer_name(question.thread_id, question.message_id)


def asked(question: Question) -> Asked:
    if isinstance(question, Offered):
        args = {"yes": True}
        return Asked(
            "conversation",
            question.offer.kind,
            args,
            question.offer.sentence,
            accept=True,
            reject=True,
            edit=False,
        )
    return _of_prompt(question.prompt)


def _of_prompt(prompt: Prompt) -> Asked:
    match prompt:
        case ApprovalPrompt():
            return _approval(prompt)
        case RequestPrompt():
            return _request(prompt)
        case ScenariosPrompt():
            sentence = (
                f"{prompt.count} scenarios were made from a drafted taxonomy. Accept it, edit the YAML, or "
                f"refuse it, which ends the run.{_problem(prompt.problem)}"
            )
            args: dict[str, Any] = {"taxonomy": prompt.taxonomy}
            return Asked("agree", "agree_to_scenarios", args, sentence, accept=True, reject=True)
        case JudgePrompt():
            sentence = f"{prompt.problem} Edit the judge (`provider:model`), or insist on this one."
            args = {"judge": prompt.judge or "", "insist": False}
            usable = prompt.judge is not None and prompt.usable and not prompt.related
            return Asked("choose_judge", "choose_judge", args, sentence, accept=usable, reject=False)
        case LabelsPrompt():
            sentence = (
                f"{prompt.missing} answers of the {prompt.role} model wait for a person's verdicts. Accept "
                "once they are stored, or edit `enough` to go on without."
            )
            args = {"enough": False}
            return Asked("await_labels", "labels_stored", args, sentence, accept=True, reject=False)
        case ReviewPrompt():
            return _review(prompt)


def _approval(prompt: ApprovalPrompt) -> Asked:
    args = {"primary": prompt.primary, "backup": prompt.backup, "table_hash": prompt.table_hash}
    if prompt.primary is None:
        sentence = "Research proposes no model. Name one (edit), or reject."
    else:
        backup = f" with {prompt.backup} as backup" if prompt.backup else " without a backup"
        sentence = f"Approve {prompt.primary}{backup}? Nothing is pulled before."
    sentence = f"{sentence} The table is at /runs/{prompt.run_id}/table.{_problem(prompt.problem)}"
    return Asked("approve", "approve_models", args, sentence, accept=prompt.primary is not None, reject=True)


def _request(prompt: RequestPrompt) -> Asked:
    if prompt.not_needed is not None:
        args: dict[str, Any] = {"insist": False}
        return Asked("ask", "start_anyway", args, prompt.not_needed, accept=False, reject=True)
    sentence = " ".join(question.sentence for question in prompt.questions)
    args = {"answers": {question.field: "" for question in prompt.questions}}
    return Asked("ask", "answer_questions", args, sentence, accept=False, reject=False)


def _review(prompt: ReviewPrompt) -> Asked:
    sentence = (
        f"{prompt.sentence} Accept to have the document written, or edit: notes, run_backup, further, "
        "try_prompt."
    )
    args = {"notes": "", "run_backup": False, "further": 0, "try_prompt": False}
    return Asked("review", "review_result", args, sentence, accept=True, reject=False)


def _problem(problem: str | None) -> str:
    return "" if problem is None else f" The last answer was refused: {problem}"


def value_of(waiting: Question, schema: Schema) -> Any:
    """The ``value`` of the interrupt."""
    question = asked(waiting)
    inbox = {
        "action_request": {"action": question.action, "args": question.args},
        "config": {
            "allow_accept": question.accept,
            "allow_edit": question.edit,
            "allow_respond": True,
            "allow_ignore": question.reject,
        },
        "description": question.sentence,
    }
    decisions = ["approve"] * question.accept + ["edit"] * question.edit + ["reject"] * question.reject
    hitl = {
        "action_requests": [
            {"name": question.action, "args": question.args, "description": question.sentence}
        ],
        "review_configs": [{"action_name": question.action, "allowed_decisions": decisions}],
    }
    ours = (waiting.offer if isinstance(waiting, Offered) else waiting.prompt).model_dump(mode="json")
    match schema:
        case Schema.AGENT_INBOX:
            return [inbox]
        case Schema.HITL:
            return hitl
        case Schema.PROMPT:
            return ours
        case Schema.BOTH:
            return {**hitl, **inbox, "prompt": ours}


def interrupt_of(waiting: Question, schema: Schema) -> dict[str, Any]:
    reply = Confirmed if isinstance(waiting, Offered) else ANSWERS[type(waiting.prompt)]
    return {
        "id": name_of(waiting),
        "value": value_of(waiting, schema),
        "response_schema": reply.model_json_schema(),
    }


def task_of(waiting: Question, schema: Schema) -> dict[str, Any]:
    """A ``ThreadTask`` that waits with the interrupt."""
    return {
        "id": task_name(name_of(waiting)),
        "name": asked(waiting).station,
        "path": [],
        "error": None,
        "interrupts": [interrupt_of(waiting, schema)],
        "checkpoint": None,
        "state": None,
        "result": None,
    }
