"""The newest events of a run in words; what happened many times in the same way is one line with a count."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.pages.render import short_address
from agent.pages.words import Line, line_of
from agent.reach import reach
from agent.views import EventRecord
from store import runs
from store.schema import EventRow
from tools.phrases import counted

LINES = 30
FARTHEST = 3000
"""Newest events that are looked at for them."""


def log(session: Session, run_id: str, most: int = LINES) -> tuple[Line, ...]:
    """The newest first. Nothing is called good of a run whose requests did not get through."""
    run_id = runs.get(session, run_id).id
    columns = (EventRow.seq, EventRow.at, EventRow.stage, EventRow.kind, EventRow.data)
    query = select(*columns).where(EventRow.run_id == run_id).order_by(EventRow.seq.desc()).limit(FARTHEST)
    rows = session.execute(query.execution_options(yield_per=200))
    events = (
        EventRecord(seq=row.seq, at=row.at, stage=row.stage, kind=row.kind, data=row.data) for row in rows
    )
    lines = folded(events, most)
    if reach(session, run_id).lost:
        lines = [line._replace(tone="warn") if line.tone == "good" else line for line in lines]
    return tuple(lines)


def folded(events: Iterable[EventRecord], most: int) -> list[Line]:
    """At most ``most`` lines of ``events``, the newest first as they are.

    Requests, answers and judgements that ended the same way are folded while nothing else comes between them.
    """
    lines: list[Line] = []
    times: list[int] = []
    newest: list[EventRecord] = []
    here: dict[Hashable, int] = {}
    for event in events:
        key = _key(event.kind, event.data)
        if key is not None and key in here:
            times[here[key]] += 1
            continue
        line = line_of(event)
        if line is None:
            continue
        if len(lines) == most:
            break
        if key is None and event.kind != "query":
            here = {}
        elif key is not None:
            here[key] = len(lines)
        lines.append(line)
        times.append(1)
        newest.append(event)
    return [
        line if count == 1 else line._replace(text=_several(event.kind, event.data, count, line.text))
        for line, count, event in zip(lines, times, newest, strict=True)
    ]


def _key(kind: str, data: Mapping[str, Any]) -> Hashable:
    """What events have in common that are told as one; None for those told alone."""
    ended = data.get("outcome")
    match kind:
        case "page" | "answer" | "assessment":
            return kind, ended, data.get("reason", "")
        case "query" if ended != "found":
            return kind, ended, data.get("reason", "")
        case _:
            return None


def _several(kind: str, data: Mapping[str, Any], count: int, single: str) -> str:
    ended, why = str(data.get("outcome", "")), str(data.get("reason") or "").replace("_", " ")
    match kind, ended:
        case "page", "found":
            read = counted(count, "page or record", "pages and records")
            return f"Read {read}, the newest {short_address(str(data.get('url', '')))}"
        case "page", _:
            return f"{counted(count, 'page')}: {why or ended}."
        case "query", _:
            return f"{counted(count, 'search', 'searches')}: {why or ended}."
        case "answer", "answered":
            return f"{counted(count, 'answer')}. The newest: {single}"
        case "assessment", "measured":
            return f"{counted(count, 'judgement')}. The newest: {single}"
        case "answer" | "assessment", _:
            return f"{counted(count, 'answer')}: {ended.replace('_', ' ')}."
    return single
