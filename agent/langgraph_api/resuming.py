"""What a client's ``resume`` means for the question that is asked. Nothing is guessed from words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from agent.langgraph_api.interrupts import Confirmed, Offered, Question, asked, name_of
from agent.waiting import ANSWERS, Waiting
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from tools.faults import Conflict, WrongUse

INTERRUPT_ID = re.compile(r"[0-9a-f]{32}")
"""LangGraph names interrupts so: a resume whose keys all look like this answers them by name."""

HOW = (
    'Send {"decisions": [{"type": "approve"}]}, [{"type": "accept", "args": null}], or the reply that the '
    "interrupt's response_schema describes."
)


class Meant(NamedTuple):
    """One of the three."""

    reply: Reply | None = None
    text: str | None = None
    """Something for the conversation; the question stays open."""
    yes: bool | None = None
    """To what was offered."""


class _Decision(NamedTuple):
    kind: str
    """accept, edit, reject or response."""
    args: Any = None
    """Of an edit what was changed, of an acceptance what was seen."""
    message: str = ""


def understand(given: Any, question: Question, by: str) -> Meant:
    """What is said to the question that it was said to (see :func:`chosen`).

    :class:`~tools.faults.Conflict` when another question is answered than is asked;
    :class:`~tools.faults.WrongUse` when it is no answer to it."""
    decision = _decision(given)
    if decision is not None and decision.kind == "response":
        if not decision.message.strip():
            raise WrongUse("A response has a text in its args.", HOW)
        return Meant(text=decision.message)
    if isinstance(question, Offered):
        return Meant(yes=_confirmed(given, decision))
    if decision is None:
        return Meant(_own(given, question, by))
    match decision.kind:
        case "accept":
            return Meant(_accepted(decision, question, by))
        case "edit":
            return Meant(_edited(decision, question, by))
    return Meant(_rejected(decision, question, by))


def _confirmed(given: Any, decision: _Decision | None) -> bool:
    if decision is not None and decision.kind in {"accept", "reject"}:
        return decision.kind == "accept"
    if decision is None:
        with contextlib.suppress(ValidationError):
            return Confirmed.model_validate(given).yes
    raise WrongUse("What is offered is confirmed or declined; a change is said in words.", HOW)


def chosen(resume: Any, questions: Sequence[Question], *, sure: bool) -> tuple[Any, Question]:
    """Which of the open questions is answered, and with what. ``sure`` says that the client has told which
    state it answers, whose question is the first."""
    named = isinstance(resume, dict) and bool(resume) and all(map(INTERRUPT_ID.fullmatch, resume))
    if not named:
        if len(questions) > 1 and not sure:
            raise Conflict(
                "Two things are asked: what was offered last, and what the run waits with.",
                "Answer one of them by its interrupt's id.",
            )
        return resume, questions[0]
    for question in questions:
        if set(resume) == {name_of(question)}:
            return resume[name_of(question)], question
    raise Conflict("The run has gone on since that question was asked.", "Look at what it asks now.")


def _decision(given: Any) -> _Decision | None:
    """Read either schema; None when the value is in neither."""
    if isinstance(given, dict) and "decisions" in given:
        return _of_middleware(_only(given["decisions"]))
    if isinstance(given, list) or (isinstance(given, dict) and "type" in given):
        return _of_inbox(_only(given if isinstance(given, list) else [given]))
    return None


def _only(answers: Any) -> dict[str, Any]:
    if not isinstance(answers, list) or len(answers) != 1 or not isinstance(answers[0], dict):
        raise WrongUse("One action was put up for decision, and takes one.", HOW)
    return answers[0]


def _of_inbox(answer: dict[str, Any]) -> _Decision:
    """``{type: accept|ignore|response|edit, args}``."""
    kind, args = answer.get("type"), answer.get("args")
    text = args if isinstance(args, str) else ""
    match kind:
        case "accept":
            return _Decision("accept", _inner(args))
        case "edit":
            return _Decision("edit", _inner(args))
        case "ignore":
            return _Decision("reject", message=text)
        case "response":
            return _Decision("response", message=text)
    raise WrongUse(f"{str(kind)[:40]!r} is none of accept, ignore, response and edit.", HOW)


def _of_middleware(answer: dict[str, Any]) -> _Decision:
    """``{type: approve|reject|edit, …}``. Agent inbox sends its own answers to such a request in this shape,
    and then what a person wrote to us comes as a rejection with ``args``; it is taken as what it was."""
    kind, args = answer.get("type"), answer.get("args")
    match kind:
        case "approve":
            return _Decision("accept", _inner(args))
        case "edit":
            edited = answer.get("edited_action", args)
            return _Decision("edit", _inner(edited))
        case "reject" if isinstance(args, str) and "message" not in answer:
            return _Decision("response", message=args)
        case "reject":
            return _Decision("reject", message=str(answer.get("message") or ""))
        case "respond" | "response":
            return _Decision("response", message=str(answer.get("message") or args or ""))
    raise WrongUse(f"{str(kind)[:40]!r} is none of approve, edit and reject.", HOW)


def _inner(args: Any) -> Any:
    """The arguments of an action, with or without the action around them."""
    if isinstance(args, Mapping) and "args" in args and ("action" in args or "name" in args):
        return args["args"]
    return args


def _accepted(decision: _Decision, waiting: Waiting, by: str) -> Reply:
    """What was shown, as it was shown."""
    prompt = waiting.prompt
    question = asked(waiting)
    if isinstance(decision.args, Mapping) and any(
        question.args.get(name) != value for name, value in decision.args.items() if name in question.args
    ):
        raise Conflict(
            "What was accepted is not what is asked.", "Look at what it asks now; a change is an edit."
        )
    if not question.accept:
        raise WrongUse(f"There is nothing to accept as it stands: {question.sentence}", HOW)
    match prompt:
        case ApprovalPrompt():
            return Approval(
                action=ApprovalAction.APPROVE,
                table_hash=prompt.table_hash,
                primary=prompt.primary,
                backup=prompt.backup,
                by=by,
            )
        case ScenariosPrompt():
            return ScenariosAgreement(agree=True, by=by)
        case JudgePrompt(judge=str(judge)):
            return JudgeChoice(judge=judge, insist=True, by=by)
        case LabelsPrompt():
            return Labelled(by=by)
        case ReviewPrompt():
            return Review(by=by)
    raise AssertionError(f"{question.action} is offered for acceptance")


def _edited(decision: _Decision, waiting: Waiting, by: str) -> Reply:
    prompt, args = waiting.prompt, decision.args
    if not isinstance(args, Mapping):
        raise WrongUse("An edit has the changed arguments in its args.", HOW)
    given = dict(args)
    match prompt:
        case ApprovalPrompt():
            changes = bool(given.get("add") or given.get("exclude"))
            given.setdefault("table_hash", prompt.table_hash)
            if given.get("backup", prompt.backup) is None:
                given["backup"] = ""  # it was shown, and taken away
            given["action"] = ApprovalAction.EDIT if changes else ApprovalAction.APPROVE
        case ScenariosPrompt():
            given["agree"] = True
        case RequestPrompt() if "answers" not in given and "insist" not in given:
            given = {"answers": given}
        case _:
            pass
    return _checked(given, waiting, by)


def _rejected(decision: _Decision, waiting: Waiting, by: str) -> Reply:
    prompt = waiting.prompt
    match prompt:
        case ApprovalPrompt():
            return Approval(
                action=ApprovalAction.REJECT,
                table_hash=prompt.table_hash,
                note=decision.message[:4000],
                by=by,
            )
        case ScenariosPrompt():
            return ScenariosAgreement(agree=False, by=by)
        case RequestPrompt(not_needed=str()):
            return RequestAnswer(insist=False)
    raise WrongUse(
        "There is nothing to reject in this question.", "Edit the answer, or cancel the run to give it up."
    )


def _own(given: Any, waiting: Waiting, by: str) -> Reply:
    """A reply in our own words."""
    if not isinstance(given, dict):
        raise WrongUse("That answers nothing: a resume is an object, never a word.", HOW)
    return _checked(given, waiting, by)


def _checked(given: dict[str, Any], waiting: Waiting, by: str) -> Reply:
    """Who decided is who asked, whatever the client says."""
    model: type[BaseModel] = ANSWERS[type(waiting.prompt)]
    told = {name: value for name, value in given.items() if name not in {"by", "at"}}
    if "by" in model.model_fields:
        told["by"] = by
    try:
        return model.model_validate(told)  # type: ignore[return-value]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the answer"
        raise WrongUse(f"{where}: {first['msg']}.", HOW) from error
