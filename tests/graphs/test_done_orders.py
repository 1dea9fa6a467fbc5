"""An order whose process died right before it could say that it was carried out is not carried out twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from graphs import runner as runner_module
from graphs.extension import open_extension
from graphs.policy import policy_reply
from graphs.runner import Standing
from store import events, leases, orders, runs
from store.orders import OrderKind
from store.schema import RunStatus
from tests.graphs.evaluating import Evaluation, Script, evaluating
from tests.standins.records import NOW


def order(stage: Evaluation, run_id: str, kind: OrderKind, **record: int) -> int:
    with stage.database.session() as session:
        return orders.submit(session, run_id, kind, NOW, by="ada", record=record)


def told(stage: Evaluation, run_id: str, kind: str) -> int:
    with stage.database.reading() as session:
        return len(events.of_kind(session, run_id, kind))


def problem_of(stage: Evaluation, number: int) -> str | None:
    """None while the order is open."""
    with stage.database.reading() as session:
        row = orders.get(session, number)
    assert row is not None
    return None if row.done_at is None else row.problem


def let_go_only(session: Session, lease: leases.Lease, *_: object) -> None:
    """What a death at the very end leaves: a lease that nobody holds, and an order that is open."""
    leases.release(session, lease)


async def extended(stage: Evaluation, run_id: str, further: int, number: int) -> Standing:
    """Carry the order out to the run's end, with the policy's answers."""
    standing = await stage.runner.extend(run_id, further, order_id=number, to_be_continued=True)
    while standing.prompt is not None:
        reply = policy_reply(standing.prompt)
        standing = await stage.runner.drive(run_id, reply, order_id=number, to_be_continued=True)
    return standing


async def test_a_run_is_not_extended_twice_for_one_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script()
    async with evaluating(tmp_path, script) as stage:
        run_id = stage.start(count=4)
        await stage.to_the_end(run_id)
        number, before = order(stage, run_id, OrderKind.EXTEND, further=3), len(script.messages)
        with monkeypatch.context() as patch:
            patch.setattr(runner_module, "_let_go", let_go_only)
            await extended(stage, run_id, 3, number)
        assert (problem_of(stage, number), len(script.messages) - before) == (None, 3)
        standing = await extended(stage, run_id, 3, number)
        assert (standing.status, standing.prompt) == (RunStatus.DONE, None)
        assert (problem_of(stage, number), len(script.messages) - before) == ("", 3)
        assert told(stage, run_id, "extension") == 1
        assert told(stage, run_id, "ended") == 2
        await extended(stage, run_id, 2, order(stage, run_id, OrderKind.EXTEND, further=2))
        assert len(script.messages) - before == 5
        with stage.database.reading() as session:
            extension = open_extension(session, run_id)
        assert extension is not None
        assert extension.serial == 2


async def test_the_order_of_a_run_that_has_ended_is_done_without_a_problem(tmp_path: Path) -> None:
    async with evaluating(tmp_path, Script()) as stage:
        run_id = stage.start(count=4)
        number = order(stage, run_id, OrderKind.DRIVE)
        with stage.database.session() as session:
            runs.set_status(session, run_id, RunStatus.DONE, "it is good", NOW)
        standing = await stage.runner.drive(run_id, order_id=number)
        assert (standing.status, standing.detail) == (RunStatus.DONE, "it is good")
        assert problem_of(stage, number) == ""
