"""A conversation as it is shown: its messages, and between them what the run tells by itself.

A cursor is a place in two numbered lists: the conversation's messages, and the events of the run that the
conversation was about at that message. Each part only grows, and a turn carries exactly what was read with
it; so a reader loses nothing and gets nothing twice, whatever arrives between two reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.conversation.narrate import KINDS, narrate
from agent.conversation.records import Cursor, Extras, OfferKind, Turn
from agent.views import EventRecord, event_record
from agent.waiting import waiting
from store import threads
from store.schema import EventRow, MessageRow
from tools.faults import NotFound

BEGINNING = Cursor()
MOST = 200
"""Turns of one reading; the rest comes with the next."""


class _Stretch(NamedTuple):
    """A part of the conversation about one run."""

    run_id: str | None
    messages: tuple[MessageRow, ...]
    until: int | None
    """Last event of the run that belongs here; None where it goes on."""
    entered: bool
    """Begins with a message, after which the run's events are counted from the first."""


def feed(session: Session, thread_id: str, after: Cursor = BEGINNING, limit: int = MOST) -> list[Turn]:
    """What follows ``after``, in order; :class:`~tools.faults.NotFound` without such a conversation."""
    thread = threads.get(session, thread_id)
    found: list[Turn] = []
    for turn in _turns(session, thread.run_id, threads.messages(session, thread_id), after):
        found.append(turn)
        if len(found) == limit:
            break
    return found


def message_turn(session: Session, row: MessageRow, event: int | None = None) -> Turn:
    """A stored message as it is shown now: an offer that can no longer be confirmed says why.

    Without ``event``, the last one read before it, the turn has no cursor: nothing can be read on from it.
    """
    extras = extras_of(row)
    void = _void(session, row, extras) if extras.offer is not None and extras.settled is None else ""
    shown = extras.model_copy(update={"doing": None, "left_at": None, "left_run": None, "void": void})
    return Turn(
        id=row.id,
        cursor="" if event is None else str(Cursor(row.position, event)),
        author="person" if row.author == threads.PERSON else "bms",
        text=row.text,
        extras=shown,
        at=row.at,
    )


def extras_of(row: MessageRow) -> Extras:
    return Extras.model_validate(row.data or {})


OUTDONE = "A newer offer was made after this one, which is void."


def is_outdone(session: Session, row: MessageRow) -> bool:
    """Whether another offer was made after that of ``row``: only the newest one can be confirmed."""
    later = [one for one in threads.messages(session, row.thread_id) if one.position > row.position]
    return any(extras_of(one).offer is not None for one in later)


def _void(session: Session, row: MessageRow, extras: Extras) -> str:
    offer = extras.offer
    if offer is not None and is_outdone(session, row):
        return OUTDONE
    if offer is None or offer.kind != OfferKind.REPLY or offer.run_id is None:
        return ""
    try:
        question = waiting(session, offer.run_id)
    except NotFound:
        return "The run has been deleted."
    if question is None or question.prompt_id != offer.prompt_id:
        return "The run has gone on since."
    return ""


def run_in_force(thread_run: str | None, messages: Sequence[MessageRow]) -> str | None:
    """The run that the conversation is about after these messages, as a reader counts its events."""
    return _stretches(thread_run, messages)[-1].run_id


def _stretches(thread_run: str | None, messages: Sequence[MessageRow]) -> list[_Stretch]:
    """The conversation cut where it turned to another run: at messages that say where the last one stood."""
    marks = [extras_of(row) for row in messages]
    cuts = [place for place, mark in enumerate(marks) if mark.left_at is not None]
    found, begun, entered = [], 0, False
    for ended in cuts:
        turned = marks[ended]
        found.append(_Stretch(turned.left_run, tuple(messages[begun:ended]), turned.left_at, entered))
        begun, entered = ended, True
    named = next((mark.run_id for mark in marks[begun:] if mark.run_id is not None), None)
    found.append(_Stretch(thread_run if named is None else named, tuple(messages[begun:]), None, entered))
    return found


def _turns(
    session: Session, thread_run: str | None, messages: Sequence[MessageRow], after: Cursor
) -> Iterator[Turn]:
    for stretch in _stretches(thread_run, messages):
        first = stretch.messages[0].position if stretch.messages else 1
        last = stretch.messages[-1].position if stretch.messages else 0
        if stretch.until is not None and after.message > last:
            continue
        # The reader's number of an event is of this stretch's run only when they were in it already.
        here = not stretch.entered or after.message >= first
        start = after if here else Cursor(first - 1, 0)
        yield from _merged(session, stretch, start)


def _merged(session: Session, stretch: _Stretch, after: Cursor) -> Iterator[Turn]:
    message, event = after
    unread = [row for row in stretch.messages if row.position > message]
    told = _events(session, stretch, event)
    if stretch.entered and unread and unread[0] is stretch.messages[0]:
        row = unread.pop(0)
        message = row.position
        yield message_turn(session, row, event)
    for row in unread:
        while told and told[0].seq <= row.after_event:
            turn = _event_turn(session, stretch, told.pop(0), message)
            if turn is not None:
                event = Cursor.parse(turn.cursor).event
                yield turn
        message = row.position
        yield message_turn(session, row, event)
    for record in told:
        turn = _event_turn(session, stretch, record, message)
        if turn is not None:
            yield turn


def _events(session: Session, stretch: _Stretch, after: int) -> list[EventRecord]:
    if stretch.run_id is None:
        return []
    query = select(EventRow).where(
        EventRow.run_id == stretch.run_id, EventRow.seq > after, EventRow.kind.in_(KINDS)
    )
    if stretch.until is not None:
        query = query.where(EventRow.seq <= stretch.until)
    return [event_record(row) for row in session.scalars(query.order_by(EventRow.seq))]


def _event_turn(session: Session, stretch: _Stretch, record: EventRecord, message: int) -> Turn | None:
    assert stretch.run_id is not None
    said = narrate(session, stretch.run_id, record)
    if said is None:
        return None
    return Turn(
        id=f"{stretch.run_id}.{record.seq}",
        cursor=str(Cursor(message, record.seq)),
        author="run",
        text=said.text,
        extras=said.extras,
        at=record.at,
    )
