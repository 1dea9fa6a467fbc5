"""Wishes about the table that waits for its approval, and the approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.conversation import intents
from agent.conversation.answers_asked import agree
from agent.conversation.answers_models import named, on_models
from agent.conversation.case import Answer, Case
from agent.conversation.names import cleaned
from agent.conversation.offers import Table
from agent.conversation.records import Said
from agent.conversation.replies import names
from graphs.prompts import ApprovalPrompt, ScenariosPrompt
from store import runs


def _table(case: Case) -> Table | None:
    if case.run_id is None or case.question is None or not isinstance(case.question.prompt, ApprovalPrompt):
        return None
    replayed = runs.get(case.session, case.run_id).options.get("story") is not None
    return Table(case.run_id, case.question, case.book(), case.by, replayed=replayed)


def _on_table(case: Case, what: Callable[[Table], Said]) -> Answer:
    table = _table(case)
    return case.not_asked("an approval") if table is None else what(table)


def approve(case: Case, wish: intents.Approve) -> Answer:
    if case.asks(ScenariosPrompt) and wish == intents.Approve():
        return agree(case, intents.Agree(True))
    known, pair = case.book(), {}
    for role in ("primary", "backup"):
        words = getattr(wish, role)
        meant = words if words is None or _table(case) is None else named(case, words, known)
        if isinstance(meant, Said):
            return meant
        pair[role] = meant
    meant_pair = replace(wish, primary=pair["primary"], backup=pair["backup"])
    return _on_table(case, lambda table: table.approve(meant_pair))


def swap(case: Case, _wish: intents.Swap) -> Answer:
    return _on_table(case, Table.swap)


def reject(case: Case, wish: intents.Reject) -> Answer:
    if case.asks(ScenariosPrompt):
        return agree(case, intents.Agree(False))
    return _on_table(case, lambda table: table.reject(wish.reason))


def only(case: Case, wish: intents.Only) -> Answer:
    return _on_table(case, lambda table: table.only(wish))


def add(case: Case, wish: intents.Add) -> Answer:
    return _edit(case, wish.names, Table.add)


def leave_out(case: Case, wish: intents.LeaveOut) -> Answer:
    """By line where one is named: the same for "leave out llama" and "no llama models"."""
    known = case.book()
    lines = {words: known.of_line(words) for words in wish.names}
    broad = {words: keys for words, keys in lines.items() if set(keys) != set(known.in_table(words))}
    wanted = [key for words in wish.names for key in (broad.get(words) or (words,))]
    said = _edit(case, wanted, Table.leave_out)
    if not isinstance(said, Said) or said.extras.offer is None:
        return said
    told = [
        f"Made from {cleaned(words)}: {names([known.name(key) for key in made])}."
        for words, keys in lines.items()
        if (made := known.made_from(words, keys))
    ]
    return said.model_copy(update={"text": "\n\n".join((*told, said.text))})


def _edit(case: Case, words: Sequence[str], what: Callable[[Table, list[str]], Said]) -> Answer:
    table = _table(case)
    if table is None:
        return case.not_asked("an approval")
    return on_models(case, words, lambda _run, names, _known: what(table, names))


def more(case: Case, wish: intents.More) -> Answer:
    return _on_table(case, lambda table: table.more(wish.note))
