"""What a run tells by itself: some of its events as sentences, most of them not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, assert_never

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from agent.conversation import reach
from agent.conversation.records import Said
from agent.conversation.replies import answer, counted, items, percent, stars, view
from agent.conversation.steps import said_here
from agent.views import EventRecord
from agent.waiting import NOT_RECORDED
from graphs.prompts import (
    ApprovalPrompt,
    JudgePrompt,
    LabelsPrompt,
    Prompt,
    RequestPrompt,
    ReviewPrompt,
    ScenariosPrompt,
)
from store import research, runs
from tools.kinship import judge_relation
from tools.request import EvaluationRequest

_prompt: TypeAdapter[Prompt] = TypeAdapter(Prompt)

Teller = Callable[[Session, str, dict[str, Any]], Said | None]


def narrate(session: Session, run_id: str, event: EventRecord) -> Said | None:
    """The event in words; None where it is nothing to speak of. The same event is always told the same."""
    teller = _TELLERS.get(event.kind)
    if teller is None:
        return None
    try:
        return teller(session, run_id, event.data)
    except (KeyError, TypeError, ValueError, ValidationError):
        # An event of another version: it can be looked at where all events are.
        return answer(f"Something happened at “{event.stage}”: {event.kind}.", links=(view(run_id),))


def _request(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    request = EvaluationRequest.model_validate(data["request"])
    return answer(
        f"Understood: {request.domain}, {request.size}, licence: {request.licence_need.value}.",
        items(request.notes),
        links=(view(run_id, "research", "the research, live"),),
    )


def _read_anything(session: Session, run_id: str, data: dict[str, Any]) -> bool:
    """Whether anything had been read by the end of a wave."""
    if data["facts"] or data["claims"]:
        return True
    waves = [wave for wave in research.waves(session, run_id) if wave.number <= data["wave"]]
    return any(wave.pages for wave in waves) or not reach.of_run(session, run_id)


def _wave(session: Session, run_id: str, data: dict[str, Any]) -> Said:
    share = data.get("coverage")
    covered = "" if share is None else f" Coverage {share * 100:.1f}%."
    blocked, failed = data.get("blocked", 0), data.get("failed", 0)
    degraded = ""
    if blocked or failed:
        degraded = f" {blocked} requests were blocked and {failed} failed: the research is degraded."
    stopped = f" {data['stopped']}" if data.get("stopped") else ""
    if degraded and not _read_anything(session, run_id, data):
        return answer(
            reach.of_run(session, run_id),
            f"Research, wave {data['wave']}: {counted(data['accepted'], 'candidate')} known by name only."
            f"{stopped}",
            links=(view(run_id, "research", "the research"),),
            suggestions=reach.AGAIN[1:2],
        )
    return answer(
        f"Research, wave {data['wave']}: {data['seen']} repositories seen, {data['accepted']} accepted, "
        f"{data['rejected']} "
        f"rejected, {data['facts']} facts, {counted(data['claims'], 'claim')}.{covered}{stopped}{degraded}",
        links=(view(run_id, "research", "the research"),),
    )


def _table(session: Session, run_id: str, data: dict[str, Any]) -> Said:
    offered = research.table_with_hash(session, run_id, data["hash"])
    links = (view(run_id, "table", "the table"), view(run_id, "approval", "the approval"))
    if offered is None:
        told = f"The table is ready: {counted(data['rows'], 'candidate')}, {data['eligible']} not excluded."
        return answer(told, links=links)
    warning = reach.of_note(offered.table.coverage)
    told = f"{counted(data['rows'], 'candidate')}; {reach.meets(offered.table.rows)}."
    head = f"Nothing was read for the table: {told}" if warning else f"The table is ready: {told}"
    proposal, rows = offered.proposal, {row.key: row for row in offered.table.rows}
    lines = []
    for role, key in (("primary", proposal.primary), ("backup", proposal.backup)):
        if key is not None and key in rows:
            lines.append(
                f"proposed {role}: {rows[key].name} ({key}), {stars(rows[key].rating)}, "
                f"{rows[key].licence.display}"
            )
    none = proposal.why_primary if proposal.primary is None and not warning else ""
    return answer(
        head,
        items(lines),
        none,
        "" if warning else proposal.coverage_warning or "",
        links=links,
        suggestions=reach.AGAIN if warning else ("why this proposal?", "show the table"),
    )


def _waiting(session: Session, run_id: str, data: dict[str, Any]) -> Said | None:
    return question_said(session, run_id, _prompt.validate_python(data["prompt"]))


def question_said(session: Session, run_id: str, prompt: Prompt) -> Said:
    """The question that a run waits with, and what can be said to it."""
    match prompt:
        case RequestPrompt():
            return _asks_request(prompt)
        case ApprovalPrompt():
            return _asks_approval(session, run_id, prompt)
        case ScenariosPrompt():
            problem = (
                f"The taxonomy that was handed back could not be used: {prompt.problem}"
                if prompt.problem
                else ""
            )
            return answer(
                problem,
                f"No taxonomy is known for this domain, so one was drafted. Of the {prompt.count} "
                f"messages made from it:",
                items(f"“{message}”" for message in prompt.sample[:5]),
                "Shall these be used?",
                links=(view(run_id, "evaluation", "the draft"),),
                suggestions=("yes", "no"),
            )
        case JudgePrompt():
            anyway = prompt.judge is not None and prompt.usable
            return answer(
                prompt.problem,
                "Which model is to judge? Or judge yourself.",
                suggestions=(
                    *((f"use {prompt.judge} as judge anyway",) if anyway else ()),
                    use_judge(session, run_id, prompt.judge),
                    "I judge myself",
                ),
            )
        case LabelsPrompt():
            return answer(
                f"You are the judge: {counted(prompt.missing, 'answer')} of the {prompt.role} model wait "
                f"for your verdicts.",
                links=(view(run_id, "labels", "the labels"),),
                suggestions=("go on", "enough labels"),
            )
        case ReviewPrompt():
            return _asks_review(run_id, prompt)
        case _:
            assert_never(prompt)


_JUDGES = ("ollama:gemma3:12b", "ollama:qwen3:14b", "ollama:mistral-nemo:12b")
"""Examples of judges; of three families, so that one is not the candidate's."""


def use_judge(session: Session, run_id: str | None, refused: str | None = None) -> str:
    """How a judge is named, on one that is neither of the candidate's family nor the one just refused."""
    from graphs.nodes.approve import newest_approval

    approved = newest_approval(research.approvals(session, run_id)) if run_id is not None else None
    model = None if run_id is None else runs.get(session, run_id).options.get("model")
    judged = [name for name in (model, approved and approved.primary) if name]
    fit = [one for one in _JUDGES if one != refused and judge_relation(one, *judged) is None]
    return f"use {(fit or _JUDGES)[0]} as judge"


def _asks_request(prompt: RequestPrompt) -> Said:
    if prompt.not_needed is not None:
        return answer(prompt.not_needed, "Run it all the same?", suggestions=("run it anyway", "no"))
    lines = [
        question.sentence + (f" For example: {', '.join(question.examples)}." if question.examples else "")
        for question in prompt.questions
    ]
    firsts = [question.examples[0] for question in prompt.questions if question.examples]
    return answer("\n\n".join(lines), suggestions=(", ".join(firsts),) if firsts else ())


def _asks_approval(session: Session, run_id: str, prompt: ApprovalPrompt) -> Said:
    offered = research.table_with_hash(session, run_id, prompt.table_hash)
    named = {} if offered is None else {row.key: row.name for row in offered.table.rows}
    warning = "" if offered is None else reach.of_note(offered.table.coverage)
    problem, links = prompt.problem or "", (view(run_id, "approval", "the approval"),)
    if warning:
        asks = "Nothing is proposed, since nothing is known. Search again once the network is there, name a model yourself, or reject."  # noqa: E501
        return answer(warning, problem, asks, links=links, suggestions=(*reach.AGAIN, "cancel"))
    if prompt.primary is None:
        asks = "Nothing is proposed. Name a model yourself, ask for more research, or reject."
        can: tuple[str, ...] = ("search more", "show the table")
    else:
        backup = (
            f", with {named.get(prompt.backup, prompt.backup)} as backup"
            if prompt.backup
            else ", without a backup"
        )
        asks = f"Shall {named.get(prompt.primary, prompt.primary)} be evaluated{backup}? Nothing is pulled before you approve."  # noqa: E501
        can = ("approve", "swap them", "why this proposal?", "only Apache licences")
    return answer(problem, asks, links=links, suggestions=can)


def _asks_review(run_id: str, prompt: ReviewPrompt) -> Said:
    can = ["my notes: …", "no notes"]
    rate = "" if prompt.pass_rate is None else f", at a pass rate of {percent(prompt.pass_rate)}"
    wishes = []
    if prompt.backup:
        wishes.append(f"{prompt.backup}, the backup, can be run next.")
        can.append("run the backup too")
    if prompt.further:
        wishes.append(f"{prompt.further} further scenarios would settle the open decision.")
        can.append(f"run {prompt.further} more scenarios")
    if prompt.failures:
        wishes.append(f"{counted(prompt.failures, 'failure')} can be asked again under an improved prompt.")
        can.append("try a better prompt")
    read = (
        f"Read a sample of {counted(len(prompt.sample), 'answer')} and say what you think: “my notes: …”."
        if prompt.sample
        else "Your notes: “my notes: …”."
    )
    return answer(
        f"{prompt.decision} for the {prompt.role} model{rate}.",
        f"{read} “no notes” ends the review.",
        items(wishes),
        links=(view(run_id, "failures", "the failures"), view(run_id, "evaluation", "the answers")),
        suggestions=tuple(can),
    )


def _approval(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    action, by = data["action"], data["by"]
    told = {
        "approve": f"Approved by {by}: primary {data['primary']}, backup {data['backup'] or 'none'}.",
        "swap": f"Approved by {by}, exchanged: primary {data['primary']}, backup {data['backup'] or 'none'}.",
        "edit": f"{by} edits the table: {len(data['add'])} to add, {len(data['exclude'])} to leave out.",
        "more": f"{by} asks for more research.",
        "reject": f"Rejected by {by}.",
    }.get(action, f"{action} by {by}.")
    return answer(
        told,
        f"“{data['note']}”" if data.get("note") else "",
        links=(view(run_id, "approval", "the approval"),),
    )


def _pulled(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    here = " It was here already." if data.get("already_here") else ""
    return answer(
        f"{data['name']} is pulled and verified.{here}", links=(view(run_id, "evaluation", "the evaluation"),)
    )


def _artefact(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    size = "size unknown" if data["size_bytes"] is None else f"{data['size_bytes'] / 1e9:.2f} GB"
    quantization = data["quantization"] or "quantization unknown"
    return answer(
        f"To be pulled: {data['name']} on {data['runtime']}, {size}, {quantization}.", items(data["warnings"])
    )


def _scenarios(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    return answer(
        f"{counted(data['count'], 'scenario')} from {data['source']}.",
        links=(view(run_id, "evaluation", "the evaluation"),),
    )


def _preflight(_session: Session, _run_id: str, data: dict[str, Any]) -> Said:
    return answer(str(data["sentence"]))


def _host(_session: Session, run_id: str, data: dict[str, Any]) -> Said | None:
    """That hosts take part is how it should be; that one is left out, or is back, is told."""
    if data["state"] == "in":
        return None
    again = "Back again: " if data["state"] == "back" else ""
    return answer(f"{again}{data['sentence']}", links=(view(run_id, "evaluation", "the evaluation"),))


def _decision(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    return answer(
        f"{data['kind']} for the {data['role']} model. {data['reason']}",
        links=(view(run_id, "report", "the report"), view(run_id, "failures", "the failures")),
        suggestions=("what failed most?", "which topic is weakest?"),
    )


def _document(_session: Session, run_id: str, _data: dict[str, Any]) -> Said:
    return answer(
        "The document is written.",
        links=(view(run_id, "report", "the report"),),
        suggestions=("what failed most?", "what's the decision?"),
    )


def _stopped(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    sentence, links = said_here(str(data["sentence"]), run_id)
    return answer(
        f"The run has stopped: {sentence}",
        "" if "is kept" in sentence else "What was finished is kept.",
        links=(view(run_id), *links),
        suggestions=("status", "cancel") if NOT_RECORDED in sentence else ("resume", "status", "cancel"),
    )


def _ended(_session: Session, run_id: str, data: dict[str, Any]) -> Said:
    sentence, links = said_here(data.get("sentence") or "", run_id)
    told = {
        "done": f"The run is done{': ' + sentence if sentence else ''}.",
        "rejected": f"The run has ended: the table was rejected{': ' + sentence if sentence else ''}.",
        "not needed": f"The run has ended without an evaluation: {sentence}",
        "cancelled": "The run has ended: cancelled.",
    }.get(data["status"], f"The run has ended: {data['status']}.")
    return answer(told, links=(view(run_id), *links))


_TELLERS: Final[dict[str, Teller]] = {
    "request": _request,
    "wave": _wave,
    "table": _table,
    "waiting": _waiting,
    "approval": _approval,
    "artefact": _artefact,
    "pulled": _pulled,
    "scenarios": _scenarios,
    "host": _host,
    "preflight": _preflight,
    "decision": _decision,
    "extension": _preflight,
    "document": _document,
    "stopped": _stopped,
    "ended": _ended,
}

KINDS: Final = tuple(_TELLERS)
"""Kinds of events that may be told."""
