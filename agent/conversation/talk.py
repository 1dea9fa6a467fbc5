"""A conversation: what a person says is stored, understood, done or answered, and the answer is stored.

A message is stored before anything is done, and what it asks for at once is stored with it before it is
done. So a message that is sent again, because the connection broke or the server died, is one message, one
action and one answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent import views
from agent.actions import Actions
from agent.conversation import intents, replies_run
from agent.conversation.answering import answer_to
from agent.conversation.case import Answer, Case
from agent.conversation.feed import OUTDONE, extras_of, feed, is_outdone, message_turn, run_in_force
from agent.conversation.hearing import understand
from agent.conversation.intents import Situation
from agent.conversation.records import Extras, Offer, OfferKind, Said, Settled, Turn
from agent.conversation.replies import answer, view
from agent.conversation.steps import said_here
from agent.settings import Settings
from agent.waiting import Waiting, waiting
from agent.wishes import Wishes
from graphs.desk import NamedModel
from graphs.prompts import Approval, Reply, RequestPrompt, Review
from store import events, leases, orders, threads
from store.database import Database
from store.schema import MessageRow, OrderRow
from tools.clock import Clock, SystemClock
from tools.faults import Conflict, Fault, NotFound, WrongUse

__all__ = ["Conversation", "feed"]

LONGEST = 20_000
"""Characters of a message."""
LONGEST_ID = 80

OpenBrain = Callable[[str], AbstractAsyncContextManager[NamedModel]]
"""Opens the agent's own model by ``provider:model``."""

_reply: TypeAdapter[Reply] = TypeAdapter(Reply)
_names = uuid.UUID("5f0c9d0e-0f63-4d39-8a34-6f2c8a2c7b51")


class _Here(NamedTuple):
    """Where a conversation is when something is said."""

    run_id: str | None
    question: Waiting | None
    situation: Situation
    open_offer: MessageRow | None
    """The last thing said, where it is an offer. That it is settled by now says that another server has been
    told the same: what comes of it is stored right after it, and would be the last thing."""
    spoken: tuple[str, ...]
    """The candidates that were spoken of last."""
    forgotten: bool
    """Whether the conversation was about a run that has been deleted."""
    begun: Offer | None
    """What the message asked for, where somebody has begun to do it: another server that was told the same,
    or one that died over it."""


class Conversation:
    """Conversations of one service. What one person says in one of them is worked on in order."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        actions: Actions,
        clock: Clock | None = None,
        open_brain: OpenBrain | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._actions = actions
        self._clock = clock or SystemClock()
        self._open_brain = open_brain or _opener(settings)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def say(self, thread_id: str, text: str, *, by: str, message_id: str | None = None) -> list[Turn]:
        """Store what ``by`` says, do or answer it; the message and the answer.

        With ``message_id``, saying it again gives the same turns and does nothing again; another text under
        the same name is a :class:`~tools.faults.Conflict`.
        """
        text = text.strip()
        if not text or len(text) > LONGEST:
            raise WrongUse(f"A message has 1 to {LONGEST:,} characters.")
        if message_id is not None and not 0 < len(message_id) <= LONGEST_ID:
            raise WrongUse(f"The name of a message has 1 to {LONGEST_ID} characters.")
        async with self._lock(thread_id):
            row = await self._database.run(self._keep_message, thread_id, text, message_id)
            answer_id = _named(thread_id, row.id, "answer")
            known = await self._database.look(threads.by_id, thread_id, answer_id)
            if known is None:
                known = await self._answer(thread_id, row, answer_id, by)
            return await self._database.look(_shown, [row, known])

    async def confirm(self, thread_id: str, message_id: str, yes: bool, *, by: str) -> list[Turn]:
        """Carry out the offer of a message, or let it be. Doing so twice does it once.

        :class:`~tools.faults.NotFound` without such a message, :class:`~tools.faults.Conflict` where it
        offers nothing, was answered otherwise before, or the run has gone on since.
        """
        async with self._lock(thread_id):
            settled = await self._database.run(self._settle, thread_id, message_id, yes, by)
            outcome_id = _named(thread_id, message_id, "outcome")
            known = await self._database.look(threads.by_id, thread_id, outcome_id)
            if known is None:
                assert settled.offer is not None
                assert settled.settled is not None
                said, run_id = await self._settled_said(settled.offer, settled.settled, thread_id, message_id)
                known = await self._database.run(self._keep_answer, thread_id, outcome_id, said, run_id)
            return await self._database.look(_shown, [known])

    def _lock(self, thread_id: str) -> asyncio.Lock:
        return self._locks.setdefault(thread_id, asyncio.Lock())

    # --- rows ----------------------------------------------------------------------------------------------

    def _keep_message(
        self, session: Session, thread_id: str, text: str, message_id: str | None
    ) -> MessageRow:
        threads.locked(session, thread_id)  # another server may be told the same
        if message_id is not None:
            known = threads.by_id(session, thread_id, message_id)
            if known is not None:
                if known.author != threads.PERSON or known.text != text:
                    raise Conflict(
                        f"Another message of this conversation is named {message_id!r}.", "Take a new name."
                    )
                return known
        return self._stored(session, thread_id, threads.PERSON, text, Extras(), message_id)

    def _keep_answer(
        self, session: Session, thread_id: str, answer_id: str, said: Said, run_id: str | None
    ) -> MessageRow:
        thread = threads.locked(session, thread_id)
        if (known := threads.by_id(session, thread_id, answer_id)) is not None:
            return known
        if run_id is not None and thread.run_id != run_id:
            before = self._in_force(session, thread_id)
            threads.set_run(session, thread_id, run_id, self._clock.now())
            left = 0 if before is None else events.last_seq(session, before)
            turned = {"run_id": run_id, "left_at": left, "left_run": before}
            extras = said.extras.model_copy(update=turned)
            return self._say(session, thread_id, threads.BMS, said.text, extras, answer_id)
        return self._stored(session, thread_id, threads.BMS, said.text, said.extras, answer_id)

    def _stored(
        self,
        session: Session,
        thread_id: str,
        author: str,
        text: str,
        extras: Extras,
        message_id: str | None,
    ) -> MessageRow:
        """The message with the run that it is about; where somebody else turned to another, it says so."""
        run_id = threads.get(session, thread_id).run_id
        before = self._in_force(session, thread_id)
        changes: dict[str, Any] = {"run_id": run_id}
        if run_id is not None and before != run_id:
            changes["left_at"] = 0 if before is None else events.last_seq(session, before)
            changes["left_run"] = before
        return self._say(session, thread_id, author, text, extras.model_copy(update=changes), message_id)

    def _say(
        self, session: Session, thread_id: str, author: str, text: str, extras: Extras, name: str | None
    ) -> MessageRow:
        data = extras.model_dump(mode="json", exclude_defaults=True)
        return threads.say(session, thread_id, author, text, self._clock.now(), data=data, message_id=name)

    @staticmethod
    def _in_force(session: Session, thread_id: str) -> str | None:
        rows = threads.messages(session, thread_id)
        return run_in_force(threads.get(session, thread_id).run_id, rows)

    # --- answering -----------------------------------------------------------------------------------------

    async def _answer(self, thread_id: str, row: MessageRow, answer_id: str, by: str) -> MessageRow:
        try:
            said, run_id = await self._said(thread_id, row, by)
        except Fault as fault:
            about = await self._database.look(threads.get, thread_id)
            said, run_id = _failed(fault, about.run_id), None
        return await self._database.run(self._keep_answer, thread_id, answer_id, said, run_id)

    async def _said(self, thread_id: str, row: MessageRow, by: str) -> tuple[Said, str | None]:
        here = await self._database.look(self._look_around, thread_id, row)
        if here.begun is not None:
            return await self._carry_out(here.begun, by, _named(thread_id, row.id, "key"), row.at)
        intent = understand(row.text, here.situation)
        if here.open_offer is not None and isinstance(intent, intents.Yes | intents.No):
            return await self._settled_by_word(
                thread_id, here.open_offer, isinstance(intent, intents.Yes), by
            )

        def answered(session: Session) -> Answer:
            about = (here.run_id, here.question, here.spoken, here.forgotten)
            try:
                by_rules = answer_to(intent, Case(session, self._clock, by, *about, text=row.text))
            except Fault:
                if (begun := _begun(session, thread_id, row.id)) is None:
                    raise
                return begun
            return _begun(session, thread_id, row.id) or by_rules

        found = await self._database.look(answered)
        if isinstance(found, Offer):
            return await self._at_once(thread_id, row, found, by)
        if isinstance(intent, intents.Unknown) and self._settings.brain is not None:
            return await self._by_brain(thread_id, row, here, found, by)
        return found, None

    def _look_around(self, session: Session, thread_id: str, message: MessageRow) -> _Here:
        run_id = threads.get(session, thread_id).run_id
        question = None
        if run_id is not None:
            question = waiting(session, run_id)
        begun = _begun(session, thread_id, message.id)
        before = [one for one in threads.messages(session, thread_id) if one.position < message.position]
        last = before[-1] if before else None
        offers = last is not None and last.author == threads.BMS
        extras = extras_of(last) if last is not None and offers else Extras()
        open_offer = last if extras.offer is not None else None
        prompt = None if question is None else question.prompt
        fields = tuple(one.field for one in prompt.questions) if isinstance(prompt, RequestPrompt) else ()
        situation = Situation(
            asks=None if prompt is None else prompt.kind,
            fields=fields,
            offered=open_offer is not None,
            has_run=run_id is not None,
        )
        forgotten = run_id is None and any(extras_of(one).run_id is not None for one in before)
        return _Here(run_id, question, situation, open_offer, _spoken(run_id, before), forgotten, begun)

    async def _settled_by_word(
        self, thread_id: str, row: MessageRow, yes: bool, by: str
    ) -> tuple[Said, str | None]:
        settled = await self._database.run(self._settle, thread_id, row.id, yes, by)
        assert settled.offer is not None
        assert settled.settled is not None
        return await self._settled_said(settled.offer, settled.settled, thread_id, row.id)

    async def _by_brain(
        self, thread_id: str, row: MessageRow, here: _Here, by_rules: Said, by: str
    ) -> tuple[Said, str | None]:
        from agent.conversation.brain import Brain

        brain = Brain(self._settings, self._database, self._clock, self._open_brain, by)
        earlier = await self._database.look(threads.messages, thread_id)
        talked = [(one.author, one.text) for one in earlier if one.position < row.position][-6:]
        return await brain.answer(row.text, talked, here.run_id, here.question, by_rules), None

    # --- doing ---------------------------------------------------------------------------------------------

    async def _at_once(
        self, thread_id: str, row: MessageRow, doing: Offer, by: str
    ) -> tuple[Said, str | None]:
        """Do what needs no further yes; what it is stands in the message before it is done."""

        def begin(session: Session) -> None:
            kept = threads.by_id(session, thread_id, row.id)
            assert kept is not None
            extras = extras_of(kept).model_copy(update={"doing": doing})
            kept.data = extras.model_dump(mode="json", exclude_defaults=True)

        await self._database.run(begin)
        return await self._carry_out(doing, by, _named(thread_id, row.id, "key"), row.at)

    def _settle(self, session: Session, thread_id: str, message_id: str, yes: bool, by: str) -> Extras:
        """Write down what was said to an offer, before anything is done about it."""
        threads.locked(session, thread_id)
        row = threads.by_id(session, thread_id, message_id)
        if row is None:
            raise NotFound(f"There is no message {message_id[:60]!r} in this conversation.")
        extras = extras_of(row)
        if extras.offer is None:
            raise Conflict("This message offers nothing that could be confirmed.")
        if extras.settled is not None:
            if extras.settled.yes != yes:
                said = "confirmed" if extras.settled.yes else "declined"
                raise Conflict(f"This was {said} already, by {extras.settled.by}.")
            return extras
        if yes and is_outdone(session, row):
            raise Conflict(OUTDONE, "Answer the newer one.")
        if yes:
            _still_asked(session, extras.offer)
        kept = extras.model_copy(update={"settled": Settled(yes=yes, by=by, at=self._clock.now())})
        row.data = kept.model_dump(mode="json", exclude_defaults=True)
        return kept

    async def _settled_said(
        self, offer: Offer, settled: Settled, thread_id: str, message_id: str
    ) -> tuple[Said, str | None]:
        if not settled.yes:
            run_id = offer.run_id
            can = await self._database.look(replies_run.suggestions, run_id, self._clock)
            return answer("Left as it is. Nothing was done.", suggestions=can), None
        key = _named(thread_id, message_id, "key")
        try:
            return await self._carry_out(offer, settled.by, key, settled.at)
        except Fault as fault:
            return _failed(fault, offer.run_id), None

    async def _carry_out(self, offer: Offer, by: str, key: str, at: Any) -> tuple[Said, str | None]:
        """Do it; what was done already is not done again."""
        match offer.kind:
            case "start":
                return await self._start(offer, by, key)
            case "reply":
                return await self._reply_to(offer, by, at), None
            case "resume":
                assert offer.run_id is not None
                try:
                    await self._actions.resume(offer.run_id, by=by, further=offer.record.get("further"))
                except (leases.AlreadyRunning, Conflict):
                    if not await self._database.look(_was_resumed, offer.run_id, by, at):
                        raise
                return answer(
                    "It goes on.", links=(view(offer.run_id),), suggestions=("status", "how long?")
                ), None
            case "cancel":
                return await self._cancel(offer), None

    async def _start(self, offer: Offer, by: str, key: str) -> tuple[Said, str]:
        created = await self._actions.create(Wishes.model_validate(offer.record), by=by, key=key)
        said = answer(
            f"{offer.sentence} It is run {created.run_id}.",
            links=(view(created.run_id), view(created.run_id, "research", "the research, live")),
            suggestions=("status", "how long?"),
        )
        return said, created.run_id

    async def _reply_to(self, offer: Offer, by: str, at: Any) -> Said:
        assert offer.run_id is not None
        reply = _reply_of(offer, by, at)
        try:
            await self._actions.reply(offer.run_id, reply, by=by, prompt_id=offer.prompt_id)
        except Conflict:
            record = reply.model_dump(mode="json")
            if not await self._database.look(_was_ordered, offer.run_id, offer.prompt_id, record, by):
                raise
        return answer(
            f"Done: {offer.sentence}", links=(view(offer.run_id),), suggestions=("status", "how long?")
        )

    async def _cancel(self, offer: Offer) -> Said:
        assert offer.run_id is not None
        try:
            told = await self._actions.cancel(offer.run_id)
        except Conflict:
            state = await self._database.look(views.run_state, offer.run_id, self._clock)
            if state.status.value != "cancelled":
                raise
            told = ""
        return answer(f"The run is cancelled. {told}".strip(), links=(view(offer.run_id),))


def _opener(settings: Settings) -> OpenBrain:
    """Opens a model on the runtimes of the settings, and closes them after it has answered."""

    @contextlib.asynccontextmanager
    async def opened(spec: str) -> AsyncIterator[NamedModel]:
        from agent.shelf import shelf_for

        shelf = shelf_for(settings)
        try:
            runtime, model = shelf.open(spec)
            yield NamedModel(spec, runtime, model)
        finally:
            await shelf.aclose()

    return opened


def _named(thread_id: str, message_id: str, what: str) -> str:
    """The name of what comes of a message: the same one whenever it is asked for."""
    return str(uuid.uuid5(_names, f"{thread_id}\0{message_id}\0{what}"))


def _shown(session: Session, rows: list[MessageRow]) -> list[Turn]:
    """Stored messages as turns, with what has become of them since."""
    fresh = [threads.by_id(session, row.thread_id, row.id) or row for row in rows]
    return [message_turn(session, row) for row in fresh]


def _failed(fault: Fault, run_id: str | None) -> Said:
    """A fault in words; its next step without a terminal's commands where there is something to say here."""
    sentence, links = said_here(fault.sentence, run_id)
    step, more = said_here(fault.next_step or "", run_id)
    return answer(sentence, step, links=(*links, *more), suggestions=("status", "help"))


_MODEL_PAGE = re.compile(r"/runs/([^/]+)/models/(.+)")


def _spoken(run_id: str | None, before: Sequence[MessageRow]) -> tuple[str, ...]:
    """Whom the last answer that links to evidence was about; nobody where it was about another run."""
    for row in reversed(before[-20:]):
        if row.author != threads.BMS:
            continue
        pages = [_MODEL_PAGE.fullmatch(link.href) for link in extras_of(row).links]
        keys = tuple(dict.fromkeys(page[2] for page in pages if page is not None and page[1] == run_id))
        if keys:
            return keys
    return ()


def _begun(session: Session, thread_id: str, message_id: str) -> Offer | None:
    """What the message asked for, where somebody has begun to do it.

    Looked at last: another server may have been told the same, and what it does is begun before it changes
    what this one sees.
    """
    query = select(MessageRow.data).where(MessageRow.thread_id == thread_id, MessageRow.id == message_id)
    data = session.scalar(query)
    return None if data is None else Extras.model_validate(data).doing


def _still_asked(session: Session, offer: Offer) -> None:
    """Raise :class:`Conflict` where the run has gone on since the offer was made."""
    if offer.kind != OfferKind.REPLY or offer.run_id is None:
        return
    question = waiting(session, offer.run_id)
    if question is None or question.prompt_id != offer.prompt_id:
        raise Conflict("The run has gone on since this was offered.", "Look at what it asks now.")


def _reply_of(offer: Offer, by: str, at: Any) -> Reply:
    """The reply of an offer, by whoever confirmed it, at that time."""
    from agent.waiting import ANSWERS

    kinds = {prompt.model_fields["kind"].default: reply for prompt, reply in ANSWERS.items()}
    kind = kinds[offer.record["kind"]]
    reply = kind.model_validate(offer.record["reply"])
    changes: dict[str, Any] = {"by": by} if "by" in kind.model_fields else {}
    if isinstance(reply, Approval | Review):
        changes["at"] = at
    return reply.model_copy(update=changes)


def _was_resumed(session: Session, run_id: str, by: str, at: datetime) -> bool:
    """Whether the same person had the run go on since: the message was carried out before."""
    query = select(OrderRow.kind).where(OrderRow.run_id == run_id, OrderRow.by == by, OrderRow.at >= at)
    return any(kind != orders.OrderKind.REPLY for kind in session.scalars(query))


def _was_ordered(
    session: Session, run_id: str, prompt_id: str | None, record: dict[str, Any], by: str
) -> bool:
    """Whether this very answer was given to this question before."""
    query = select(OrderRow).where(OrderRow.run_id == run_id, OrderRow.prompt_id == prompt_id)
    return any(
        order.by == by and order.kind == orders.OrderKind.REPLY and order.record == record
        for order in session.scalars(query)
    )
