"""Everything of one database into another: of a SQLite home into a team's PostgreSQL, or back.

Rows go in one transaction, which is committed when the target holds what the source does; the checkpoints
go before them. So a copy that broke off has left a target without runs, and is simply made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, Connection, Table, create_engine, func, insert, inspect, null, select, text
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from store.checkpoints import forget, open_checkpointer
from store.database import TOO_LONG, Database, StoreFault
from store.leases import holder_of
from store.plain import finite, plain
from store.schema import Base, LeaseRow, RunRow, ThreadRow
from tools.faults import Conflict

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

BATCH = 200
"""Rows in memory at a time; a page has a few hundred kilobytes at most."""
WRITES = ("checkpoint_writes", "writes")
"""LangGraph's table of what a step wrote before it ended, on PostgreSQL and on SQLite."""
IDLE_FOR_LONG = "SET LOCAL idle_in_transaction_session_timeout = 0"
"""One side's transaction waits while the other side works, and both while checkpoints are copied."""

Tell = Callable[[str, int, int], None]
"""What is being copied, how much of it is, and of how much."""


class Side(NamedTuple):
    """Where to copy from, or to."""

    database: Database
    checkpoints_url: str


class Copied(NamedTuple):
    rows: dict[str, int]
    """Of each table."""
    checkpoints: int


class CopyFault(StoreFault):
    """The copy is not the same as what was copied."""


async def copy(source: Side, target: Side, now: datetime, tell: Tell) -> Copied:
    """Copy rows and checkpoints into a target that has neither runs nor conversations.

    :class:`~tools.faults.Conflict` when it has some, or while a run of the source is driven. Nobody can begin
    to drive one until the copy is made.
    """
    # Opened first: making their tables on PostgreSQL would wait for the transactions below.
    async with (
        open_checkpointer(source.checkpoints_url) as old,
        open_checkpointer(target.checkpoints_url) as new,
    ):
        with source.database.session() as session, target.database.session() as other:
            _stand_still(session)
            _refuse_driven(session, now)
            _keep_others_out(other)
            _refuse_filled(other)
            run_ids = list(session.scalars(select(RunRow.id).order_by(RunRow.id)))
            checkpoints = 0
            with _Paths(source.checkpoints_url) as paths:
                for done, run_id in enumerate(run_ids, 1):
                    forget(target.checkpoints_url, run_id)  # what a copy that broke off has left
                    checkpoints += await _copy_thread(old, new, paths.of(run_id), run_id)
                    tell("checkpoints", done, len(run_ids))
            rows = {
                table.name: _copy_table(session.connection(), other.connection(), table, tell)
                for table in Base.metadata.sorted_tables
            }
            _number_on(other)
    return Copied(rows, checkpoints)


def _stand_still(session: Session) -> None:
    """Whoever wants to drive a run has to write a lease first. A write transaction of SQLite keeps everybody
    from writing anything."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text(IDLE_FOR_LONG))
        session.execute(text("LOCK TABLE leases IN SHARE MODE"))


def _keep_others_out(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(IDLE_FOR_LONG))
        session.execute(text("LOCK TABLE runs, threads IN EXCLUSIVE MODE"))


def _refuse_driven(session: Session, now: datetime) -> None:
    for run_id in session.scalars(select(LeaseRow.run_id).where(LeaseRow.holder != "")):
        if (holder := holder_of(session, run_id, now)) is not None:
            raise Conflict(
                f"Run {run_id} is being driven ({holder.rpartition(':')[0]}), and would be copied half.",
                "Stop `bms serve` and whatever else drives runs, then copy.",
            )


def _refuse_filled(session: Session) -> None:
    counted = {
        name: session.scalar(select(func.count()).select_from(row)) or 0
        for name, row in (("run", RunRow), ("conversation", ThreadRow))
    }
    if any(counted.values()):
        has = " and ".join(counted_in_words(number, name) for name, number in counted.items() if number)
        raise Conflict(
            f"The database to copy to has {has} already, and nothing is mixed into them.",
            "Name an empty database with --to.",
        )


def counted_in_words(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


# --- rows --------------------------------------------------------------------------------------------------


def _copy_table(source: Connection, target: Connection, table: Table, tell: Tell) -> int:
    total = source.scalar(select(func.count()).select_from(table)) or 0
    tell(table.name, 0, total)
    done, sent = 0, 0
    for batch in _batches(source, table):
        try:
            target.execute(insert(table), [_written(table, row) for row in batch])
        except (DataError, OperationalError) as error:
            if isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) != TOO_LONG:
                raise
            said = str(error.orig).splitlines()[0].rstrip(".")
            raise CopyFault(
                f"A row of the table {table.name} is not taken by the other database: {said}.",
                "Nothing was stored. Delete the run that has it, or report this.",
            ) from error
        done += len(batch)
        sent = _sum(sent, batch)
        tell(table.name, done, total)
    arrived, count = 0, 0
    for batch in _batches(target, table):
        arrived = _sum(arrived, batch)
        count += len(batch)
    if (count, arrived) != (done, sent):
        raise CopyFault(
            f"The copy of the table {table.name} is not what was copied: {count} of {done} rows, or others.",
            "Nothing was stored. Copy again, and report it when it stays so.",
        )
    return done


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The rows with their values; None is SQL's NULL, :data:`JSON_NULL` the null of JSON."""
    columns = [*table.columns]
    nulls = [column for column in columns if column.nullable and _is_json(column)]
    query = select(*columns, *(column.is_(null()).label(f"no {column.name}") for column in nulls))
    found = connection.execute(query, execution_options={"yield_per": BATCH})
    for batch in found.mappings().partitions():
        yield [_values(table, row) for row in batch]


JSON_NULL = object()


def _is_json(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _values(table: Table, row: RowMapping) -> dict[str, Any]:
    values: dict[str, Any] = {column.name: row[column.name] for column in table.columns}
    for name, value in values.items():
        if value is None and row.get(f"no {name}") is False:
            values[name] = JSON_NULL
    return values


def _written(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """As a bound value means it: None is the null of JSON to a column of JSON."""
    written = {}
    for column in table.columns:
        value = row[column.name]
        if value is JSON_NULL:
            value = None
        elif value is None and _is_json(column):
            value = null()
        written[column.name] = value
    return written


def _sum(before: int, rows: Sequence[Mapping[str, Any]]) -> int:
    """A hash over rows whatever their order: the sum of each one's."""
    total = before
    for row in rows:
        words = json.dumps([[name, _told(row[name])] for name in sorted(row)], sort_keys=True)
        total += int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
    return total % 2**256


def _told(value: Any) -> Any:
    """A value as every database gives it back."""
    if value is JSON_NULL:
        return ["null"]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_told(one) for one in value]
    if isinstance(value, dict):
        return {plain(name): _told(one) for name, one in value.items()}
    return finite(value)


def _number_on(session: Session) -> None:
    """New rows are numbered after those that were copied."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        last = session.scalar(select(func.max(column)))
        if last is not None:
            counter = func.pg_get_serial_sequence(table.name, column.name)
            session.execute(select(func.setval(counter, last)))


# --- checkpoints -------------------------------------------------------------------------------------------


class _Paths:
    """Where in the graph each write came from, which a checkpointer does not tell."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        self._table = next(iter({*WRITES} & {*inspect(self._engine).get_table_names()}))

    def of(self, run_id: str) -> dict[tuple[str, str], str]:
        """By checkpoint and task."""
        query = f"SELECT DISTINCT checkpoint_id, task_id, task_path FROM {self._table} WHERE thread_id = :run"  # noqa: S608
        with self._engine.connect() as connection:
            return {(at, task): path for at, task, path in connection.execute(text(query), {"run": run_id})}

    def __enter__(self) -> _Paths:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()


async def _copy_thread(
    old: BaseCheckpointSaver[Any],
    new: BaseCheckpointSaver[Any],
    paths: Mapping[tuple[str, str], str],
    run_id: str,
) -> int:
    config: Any = {"configurable": {"thread_id": run_id}}
    kept = [_plain(one) async for one in old.alist(config)]
    for one in reversed(kept):
        place = {**one.config["configurable"]}
        parent = (one.parent_config or {}).get("configurable", {}).get("checkpoint_id")
        before: Any = {"configurable": {**place, "checkpoint_id": parent}}
        await new.aput(before, one.checkpoint, one.metadata, one.checkpoint["channel_versions"])
        for task, writes in _by_task(one).items():
            path = paths.get((place["checkpoint_id"], task[0]), "")
            await new.aput_writes({"configurable": place}, writes, task[0], path)
    arrived = [one async for one in new.alist(config)]
    if [_compared(one) for one in arrived] != [_compared(one) for one in kept]:
        raise CopyFault(
            f"The copy of the checkpoints of run {run_id} is not what was copied.",
            "No rows were stored. Copy again, and report it when it stays so.",
        )
    return len(kept)


def _plain(one: CheckpointTuple) -> CheckpointTuple:
    from store.postgres import with_plain_text

    return one._replace(checkpoint=with_plain_text(one.checkpoint))


def _by_task(one: CheckpointTuple) -> dict[tuple[str, bool], list[tuple[str, Any]]]:
    """Writes of each task in their order; those apart that have numbers of their own (questions, answers,
    errors), since the others are counted."""
    from langgraph.checkpoint.base import WRITES_IDX_MAP

    found: dict[tuple[str, bool], list[tuple[str, Any]]] = {}
    for task, channel, value in one.pending_writes or ():
        found.setdefault((task, channel in WRITES_IDX_MAP), []).append((channel, value))
    return found


def _compared(one: CheckpointTuple) -> tuple[Any, ...]:
    """What has to be the same in the copy, where writes of different tasks may come in another order."""
    parent = (one.parent_config or {}).get("configurable", {}).get("checkpoint_id")
    return one.config["configurable"], one.checkpoint, one.metadata, parent, _by_task(one)
