"""What anybody can do to a run, over whichever way they came: page, API, MCP or conversation.

An action that takes long is stored as an order and carried out by the engine. Every action raises a
:class:`~tools.faults.Fault` whose sentence is for the person who asked.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.orm import Session

from agent.engine import Engine
from agent.settings import Settings
from agent.waiting import NOT_RECORDED, expect
from agent.wishes import Wishes, check, check_name, options_of, out_dir_of, words_of
from graphs.approval import TableChanged, check_approval
from graphs.prompts import Approval, ApprovalAction, JudgeChoice, Reply
from store import creations, leases, orders, research, runs
from store.database import Database
from store.orders import OrderKind
from store.schema import RunRow, RunStatus
from tools.clock import Clock, SystemClock
from tools.faults import Conflict, WrongUse
from tools.table import diff_tables

WITHOUT_A_MODEL = frozenset({ApprovalAction.REJECT, ApprovalAction.MORE})
"""Answers to a table that name no row of it; they are about it all the same."""


class Created(NamedTuple):
    run_id: str
    anew: bool
    """False when the same key had made it before."""


class StaleApproval(TableChanged):
    """The table is another one than the person saw; ``changes`` says all that is different, in sentences."""

    def __init__(self, sentence: str, next_step: str, changes: tuple[str, ...], table_hash: str) -> None:
        super().__init__(sentence, next_step)
        self.changes = changes
        self.table_hash = table_hash
        """Of the table as it is now."""


class Actions:
    """One person's hands on the rows; the engine does what takes long."""

    def __init__(
        self, settings: Settings, database: Database, engine: Engine, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.database = database
        self._engine = engine
        self._clock = clock or SystemClock()

    async def create(self, wishes: Wishes, *, by: str, key: str | None = None) -> Created:
        """Start a run. With ``key``, asking again with the same wishes gives the same run."""
        fingerprint = wishes.fingerprint

        def work(session: Session) -> Created:
            from graphs.runner import create_in

            now = self._clock.now()
            if key is not None and (known := creations.run_of(session, key, fingerprint)) is not None:
                return Created(known, anew=False)
            options, text = options_of(wishes, self.settings), words_of(wishes)
            if wishes.story is not None:
                from agent.story import load_story

                text = load_story(wishes.story).about.text
            run_id = create_in(session, text, options, wishes.materials, wishes.scenarios, now)
            own = options.model_copy(update={"out_dir": out_dir_of(run_id)})
            runs.set_options(session, run_id, own.model_dump(mode="json"), now)
            if key is not None:
                creations.keep(session, key, fingerprint, run_id, now)
            orders.submit(session, run_id, OrderKind.DRIVE, now, by=by)
            return Created(run_id, anew=True)

        await self.database.look(lambda _session: check(wishes))
        if wishes.host is not None and self.database.dialect != "postgresql":
            raise WrongUse(
                f"This service shares its runs with no other machine, so {wishes.host} cannot be named.",
                "Leave the host out; BMS_DATABASE_URL with a PostgreSQL lets several machines share them.",
            )
        created = await self.database.run(work)
        self._engine.wake()
        return created

    async def reply(self, run_id: str, reply: Reply, *, by: str, prompt_id: str | None = None) -> None:
        """Answer the question that the run waits with; 409 of every kind is a Conflict."""

        def work(session: Session) -> None:
            row = runs.get(session, run_id)
            question = expect(session, row.id, reply, prompt_id)
            if isinstance(reply, Approval):
                check_against_table(session, row.id, reply)
            elif isinstance(reply, JudgeChoice):
                for named in reply.judge.split(","):
                    check_name(named)
            orders.submit(
                session,
                row.id,
                OrderKind.REPLY,
                self._clock.now(),
                by=by,
                prompt_id=question.prompt_id,
                record=reply.model_dump(mode="json"),
            )

        await self.database.run(work)
        self._engine.wake()

    async def resume(self, run_id: str, *, by: str, further: int | None = None) -> None:
        """Go on with a run that stopped, or that ended undecided."""

        def work(session: Session) -> None:
            row = runs.get(session, run_id)
            now = self._clock.now()
            status = orders.status_of(session, row, now)
            if status in {RunStatus.RUNNING, RunStatus.QUEUED}:
                raise leases.AlreadyRunning(f"Run {row.id} is already {status.value}.")
            if status is RunStatus.WAITING:
                raise Conflict(f"Run {row.id} {row.detail}.", "Answer it, and it goes on.")
            if status.ended and status is not RunStatus.DONE:
                raise Conflict(f"Run {row.id} has ended ({status.value}).", "A new request starts a new run.")
            if status is RunStatus.STOPPED and row.options.get("story") and NOT_RECORDED in row.detail:
                raise Conflict(
                    f"The replay cannot go on: {row.detail}. A replay holds no more than was recorded.",
                    "Cancel it, and replay the story anew.",
                )
            if status.ended:
                _try_to_extend(session, row, further, now)
            kind = OrderKind.EXTEND if status.ended else OrderKind.DRIVE
            record = {"further": further} if status.ended and further else {}
            orders.submit(session, row.id, kind, now, by=by, record=record)

        await self.database.run(work)
        self._engine.wake()

    async def cancel(self, run_id: str) -> str:
        """End a run; what happened, in a sentence."""
        from agent.queue.steering import cancel

        return await self.database.run(cancel, run_id, self._clock.now())

    async def delete(self, run_id: str) -> None:
        """Remove a run with everything that is stored of it, its checkpoints and its report."""
        import shutil

        def work(session: Session) -> tuple[str, Path]:
            row = runs.get(session, run_id)
            now = self._clock.now()
            if orders.status_of(session, row, now) in {RunStatus.RUNNING, RunStatus.QUEUED}:
                raise Conflict(f"Run {row.id} is being driven.", "Cancel it first.")
            if leases.holder_of(session, row.id, now) is not None:
                raise Conflict(f"Run {row.id} is still being stopped.", "Try again in a few seconds.")
            name = row.id
            session.delete(row)
            return name, self.settings.home / "reports" / name

        name, folder = await self.database.run(work)
        from store.checkpoints import forget

        def tidy() -> None:
            forget(self.settings.checkpoints_url, name)
            shutil.rmtree(folder, ignore_errors=True)
            (self.settings.home / "replays" / f"{name}.played").unlink(missing_ok=True)

        await asyncio.to_thread(tidy)


def _try_to_extend(session: Session, row: RunRow, further: int | None, now: datetime) -> None:
    """Raise what extending the run would raise; nothing of it stays."""
    from graphs.extension import extend

    trial = session.begin_nested()
    try:
        extend(session, row.id, further, now, by_story=row.options.get("story") is not None)
    except WrongUse as fault:
        raise Conflict(fault.sentence, fault.next_step) from fault
    finally:
        trial.rollback()
        session.expire_all()


def check_against_table(session: Session, run_id: str, approval: Approval) -> None:
    """Raise :class:`~graphs.approval.Refused` when an approval does not go with the table as it is now."""
    from graphs.tables import current_table

    offered = research.newest_table(session, run_id)
    if offered is None:
        raise Conflict(f"Run {run_id} has no table yet.")
    seen = research.table_with_hash(session, run_id, approval.table_hash)
    current = current_table(session, run_id, offered.table.built_on)
    known = offered.table if seen is None else seen.table
    changes = tuple(diff_tables(known, current)) if known.hash != current.hash else ()
    if seen is None or (known.hash != offered.table.hash and approval.action in WITHOUT_A_MODEL):
        sentence = f"The table of run {run_id} is another one than the answer is about."
        raise StaleApproval(sentence, "Look at it again, then answer.", changes, current.hash)
    try:
        check_approval(approval, offered.proposal, current, known)
    except TableChanged as fault:
        raise StaleApproval(fault.sentence, fault.next_step, changes, current.hash) from fault
