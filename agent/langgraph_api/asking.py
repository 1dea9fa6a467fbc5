"""What a client wants of a thread: to say something, to answer what is asked, or to go on."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.conversation.feed import run_in_force
from agent.conversation.records import Extras
from agent.langgraph_api import kept as ledger
from agent.langgraph_api import state
from agent.langgraph_api.driving import Drives, goes_on, is_busy
from agent.langgraph_api.interrupts import Offered, Question, Schema
from agent.langgraph_api.kept import Kept
from agent.langgraph_api.names import check_assistant, run_name
from agent.langgraph_api.resuming import chosen, understand
from agent.langgraph_api.wire import THREAD_ID, NewRun
from agent.service.place import Place
from agent.waiting import Waiting, expect
from agent.wishes import Wishes, words_of
from graphs.prompts import RequestAnswer
from store import events, threads
from store.schema import EventRow, ThreadRow
from tools.faults import Conflict, NotFound, WrongUse

LARGEST_MESSAGE = 20_000
LONGEST_ID = 80


class Message(NamedTuple):
    text: str
    id: str


class Begun(NamedTuple):
    kept: Kept
    anew: bool
    """False when the same message had begun it before."""


async def begin(place: Place, drives: Drives, thread_id: str, body: NewRun, who: str) -> Begun:
    """Begin a run of the protocol on a thread, which is made where the client says so."""
    check_assistant(body.assistant_id)
    _refuse(body)
    await place.database.run(_prepare, thread_id, body, place.clock)
    if body.command is not None and body.command.resume is not None:
        return await _answer(place, drives, thread_id, body, who)
    said = messages_in(body.input)
    if said:
        message = await place.look(_new_one, thread_id, said)
        return await _said(place, drives, thread_id, body, who, message)
    wishes = _wishes_in(body.input)
    await place.look(state.check_basis, thread_id, _basis(body))
    await _mind_others(place, drives, thread_id, body)
    if wishes is not None:
        return await _started(place, drives, thread_id, body, who, wishes)
    return await _further(place, drives, thread_id, body, who)


def _refuse(body: NewRun) -> None:
    """What this server does not do, and must not seem to do."""
    if body.webhook:
        raise WrongUse("No webhook is called from here.", "Join the run's stream, or look at its state.")
    if body.interrupt_before or body.interrupt_after:
        raise WrongUse("A run waits where a person decides, and nowhere else.", "Leave interrupt_* out.")
    if body.after_seconds:
        raise WrongUse("A run begins at once.", "Leave after_seconds out.")
    if body.command is not None and (body.command.goto or body.command.update):
        raise WrongUse(
            "The journey's stations and state are not set from outside.", "Send command.resume, or a message."
        )


def _prepare(session: Session, thread_id: str, body: NewRun, clock: Any) -> None:
    """The thread is there, and knows how its interrupts are to look."""
    if session.get(ThreadRow, thread_id) is None:
        if body.if_not_exists != "create":
            raise NotFound(f"There is no conversation {thread_id[:60]!r}.", "POST /threads makes one.")
        if not re.fullmatch(THREAD_ID, thread_id):
            raise WrongUse("A thread's name has 1 to 40 letters, digits, - and _.")
        threads.create(session, clock.now(), thread_id=thread_id)
    named = body.configurable.get(state.SCHEMA)
    if named is not None:
        ledger.tag(session, thread_id, {state.SCHEMA: schema_named(named).value}, clock.now())


def schema_named(name: Any) -> Schema:
    try:
        return Schema(name)
    except ValueError:
        known = ", ".join(schema.value for schema in Schema)
        raise WrongUse(f"{str(name)[:40]!r} is no shape of interrupts.", f"There are {known}.") from None


def _basis(body: NewRun) -> str | None:
    given = (body.checkpoint or {}).get("checkpoint_id") or body.checkpoint_id
    return None if given is None else str(given)


async def _mind_others(place: Place, drives: Drives, thread_id: str, body: NewRun) -> None:
    """``enqueue``, the default, says the message at once: a conversation goes on while its run does."""
    if body.multitask_strategy in {None, "enqueue"}:
        return
    busy = drives.talks(thread_id) or await place.look(is_busy, thread_id, place.clock)
    if not busy:
        return
    if body.multitask_strategy == "reject":
        raise Conflict("The thread is busy: its run goes on.", "Join it, or leave multitask_strategy out.")
    raise WrongUse(
        f"multitask_strategy {body.multitask_strategy!r} would throw away what the run has done.",
        "Cancel the run first if that is meant; a message alone disturbs nothing.",
    )


async def _keep(place: Place, thread_id: str, body: NewRun, who: str, kind: Any, name: str) -> Begun:
    def work(session: Session) -> Begun:
        thread = threads.locked(session, thread_id)
        if any(known.id == name for known in ledger.all_of(thread)):
            return Begun(ledger.find(thread, name), anew=False)
        one = Kept(
            id=name,
            kind=kind,
            at=place.clock.now(),
            by=who,
            run_id=thread.run_id,
            start=str(ledger.position(session, thread)),
            at_work_until=place.clock.now() + ledger.AT_WORK,
            metadata=ledger.checked(body.metadata or {}),
            strategy=body.multitask_strategy or "enqueue",
        )
        ledger.keep(session, thread_id, one)
        return Begun(one, anew=True)

    return await place.database.run(work)


async def _said(
    place: Place, drives: Drives, thread_id: str, body: NewRun, who: str, message: Message
) -> Begun:
    name = run_name(thread_id, "message", message.id)
    thread = await place.look(threads.get, thread_id)
    await place.look(_same_message, thread_id, message)
    if all(one.id != name for one in ledger.all_of(thread)):
        await place.look(state.check_basis, thread_id, _basis(body))
        await _mind_others(place, drives, thread_id, body)
    begun = await _keep(place, thread_id, body, who, "message", name)
    left = begun.kept.end is None and not drives.holds(name)  # by a service that ended before it answered
    if begun.anew or left:
        drives.begin(
            place,
            thread_id,
            begun.kept,
            lambda: drives.talk.say(thread_id, message.text, by=who, message_id=message.id),
        )
    return begun


def _same_message(session: Session, thread_id: str, message: Message) -> None:
    known = threads.by_id(session, thread_id, message.id)
    if known is not None and known.text != message.text.strip():
        raise Conflict(f"Another message of this conversation is named {message.id!r}.", "Take a new name.")


async def _answer(place: Place, drives: Drives, thread_id: str, body: NewRun, who: str) -> Begun:
    assert body.command is not None
    basis = _basis(body)
    await place.look(state.check_basis, thread_id, basis)
    open_now = await place.look(_questions, thread_id)
    thread = await place.look(threads.get, thread_id)
    given, question = chosen(body.command.resume, open_now, sure=basis is not None)
    meant = understand(given, question, who)
    if meant.text is not None:
        return await _said(place, drives, thread_id, body, who, Message(meant.text, str(uuid.uuid4())))
    if basis is None and given is body.command.resume:
        await place.look(_mind_what_was_seen, thread_id, question, given)
    if meant.yes is not None:
        assert isinstance(question, Offered)
        return await _confirm(place, drives, thread_id, body, who, question, meant.yes)
    assert meant.reply is not None
    assert isinstance(question, Waiting)
    assert thread.run_id is not None
    name = run_name(thread_id, "reply", str(uuid.uuid4()))
    one = (await _keep(place, thread_id, body, who, "reply", name)).kept
    try:
        await place.actions.reply(thread.run_id, meant.reply, by=who, prompt_id=question.prompt_id)
    except BaseException:
        await place.database.run(ledger.drop, thread_id, name)
        raise
    drives.begin(place, thread_id, one, None)
    return Begun(one, anew=True)


def _mind_what_was_seen(session: Session, thread_id: str, question: Question, given: Any) -> None:
    """:class:`~tools.faults.Conflict` for an answer that does not say to what, where its client may have seen
    another question: an offer, the same kind asked before, or one that was answered elsewhere meanwhile."""
    how = "Name the interrupt's id or the checkpoint; of an approval the table_hash does as well."
    if isinstance(question, Offered):
        raise Conflict("What was offered is not confirmed by an answer that does not name it.", how)
    if "table_hash" in json.dumps(given):  # which is compared with the table that is asked about
        return
    thread = threads.get(session, thread_id)
    assert thread.run_id is not None
    told = session.scalars(
        select(EventRow.data).where(EventRow.run_id == thread.run_id, EventRow.kind == "waiting")
    )
    before = {
        data.get("prompt_id"): data["prompt"]["kind"]
        for data in told
        if data.get("prompt_id") != question.prompt_id
    }
    here = [one for one in ledger.all_of(thread) if one.kind == "reply" and one.run_id == thread.run_id]
    if question.prompt.kind in before.values() or len(before) > len(here):
        raise Conflict("The run has asked before, and this answer does not say which question it means.", how)


async def _confirm(
    place: Place, drives: Drives, thread_id: str, body: NewRun, who: str, offered: Offered, yes: bool
) -> Begun:
    """Settled before the client hears that it is: what has become void meanwhile is a conflict."""
    name = run_name(thread_id, "confirm", offered.message_id)
    begun = await _keep(place, thread_id, body, who, "message", name)
    if begun.anew:
        try:
            await drives.talk.confirm(thread_id, offered.message_id, yes, by=who)
        except BaseException:
            await place.database.run(ledger.drop, thread_id, name)
            raise
        drives.begin(place, thread_id, begun.kept, None)
    return begun


def _questions(session: Session, thread_id: str) -> list[Question]:
    """:class:`~tools.faults.Conflict` when nothing is asked, or an answer is under way."""
    thread = threads.get(session, thread_id)
    found = state.open_questions(session, thread)
    if not found and thread.run_id is None:
        raise Conflict("Nothing is asked in this conversation.", "Say what is to be evaluated.")
    if not found:
        assert thread.run_id is not None
        expect(session, thread.run_id, RequestAnswer(), None)
    return found


async def _started(
    place: Place, drives: Drives, thread_id: str, body: NewRun, who: str, wishes: Wishes
) -> Begun:
    """A run with everything that a person may wish, where words alone do not say it."""
    if await place.look(goes_on, thread_id, place.clock):
        raise Conflict("The conversation's run goes on.", "Begin another thread for another run.")
    name = run_name(thread_id, "further", str(uuid.uuid4()))
    one = (await _keep(place, thread_id, body, who, "message", name)).kept

    async def act() -> None:
        created = await place.actions.create(wishes, by=who, key=f"langgraph:{name}")
        words = words_of(wishes) if wishes.story is None else f"replay the story {wishes.story}"

        def work(session: Session) -> None:
            now = place.clock.now()
            threads.say(session, thread_id, threads.PERSON, words, now)
            before = run_in_force(
                threads.get(session, thread_id).run_id, threads.messages(session, thread_id)
            )
            left = 0 if before is None else events.last_seq(session, before)
            threads.set_run(session, thread_id, created.run_id, now)
            told = f"It is run {created.run_id}."
            about = Extras(run_id=created.run_id, left_at=left).model_dump(mode="json", exclude_defaults=True)
            threads.say(session, thread_id, threads.BMS, told, now, data=about)

        await place.database.run(work)

    drives.begin(place, thread_id, one, act)
    return Begun(one, anew=True)


async def _further(place: Place, drives: Drives, thread_id: str, body: NewRun, who: str) -> Begun:
    """No input: go on with a run that stopped; of one that goes on or waits this is a look."""
    thread = await place.look(threads.get, thread_id)
    if thread.run_id is None:
        raise WrongUse(
            "There is nothing to go on with yet.",
            'Send {"messages": [{"role": "user", "content": "evaluate 8B models for therapy coaching"}]}.',
        )
    status = await place.look(state.status_of, thread, place.clock)
    name = run_name(thread_id, "further", str(uuid.uuid4()))
    one = (await _keep(place, thread_id, body, who, "further", name)).kept
    if status == "error":
        try:
            await place.actions.resume(thread.run_id, by=who)
        except BaseException:
            await place.database.run(ledger.drop, thread_id, one.id)
            raise
    drives.begin(place, thread_id, one, None)
    return Begun(one, anew=True)


def messages_in(given: Any) -> list[Message]:
    """A person's messages in an input; none when there are none, or the text has wishes beside it."""
    if given is None:
        return []
    if not isinstance(given, dict):
        raise WrongUse('An input is {"messages": [...]} or {"text": "..."}.')
    if "messages" in given:
        entries = given["messages"]
        entries = entries if isinstance(entries, list) else [entries]
        return [found for entry in entries if (found := _of_person(entry)) is not None]
    if set(given) == {"text"}:
        return [Message(_text(given["text"]), str(uuid.uuid4()))]
    return []


def _new_one(session: Session, thread_id: str, said: list[Message]) -> Message:
    """Clients may send what was said before along; the last of it when nothing is new."""
    new = [one for one in said if threads.by_id(session, thread_id, one.id) is None]
    if len(new) > 1:
        raise WrongUse("One message is taken at a time.", "Earlier ones are remembered: send the new one.")
    return new[0] if new else said[-1]


def _of_person(entry: Any) -> Message | None:
    """A person's message; None for one that a model or a tool is said to have sent, which nobody believes."""
    if isinstance(entry, str):
        return Message(_text(entry), str(uuid.uuid4()))
    if isinstance(entry, list) and len(entry) == 2:
        entry = {"role": entry[0], "content": entry[1]}
    if not isinstance(entry, dict):
        raise WrongUse("A message has a role and a content.")
    if entry.get("type", entry.get("role")) not in {"human", "user"}:
        return None
    name = entry.get("id") or str(uuid.uuid4())
    if not isinstance(name, str) or len(name) > LONGEST_ID:
        raise WrongUse(f"A message's id has up to {LONGEST_ID} characters.")
    return Message(_text(entry.get("content")), name)


def _text(content: Any) -> str:
    if isinstance(content, list):
        parts = [part if isinstance(part, dict) else {"type": "text", "text": part} for part in content]
        if any(part.get("type") != "text" for part in parts):
            raise WrongUse("A message is text; pictures and files are not read.")
        content = "\n".join(str(part.get("text", "")) for part in parts)
    if not isinstance(content, str) or not content.strip():
        raise WrongUse("A message has a text.")
    if len(content) > LARGEST_MESSAGE:
        raise WrongUse(f"A message has up to {LARGEST_MESSAGE} characters.")
    return content


def _wishes_in(given: Any) -> Wishes | None:
    """:class:`~agent.wishes.Wishes` as the input itself."""
    if not isinstance(given, dict) or not given or "messages" in given:
        return None
    try:
        return Wishes.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongUse(f"input.{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
