"""Rows that come together are committed together, and nobody goes on before theirs is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from graphs.clerk import Clerk
from graphs.desk import Desk
from store import events, leases
from tests.standins.records import NOW


def keeper(batches: list[list[int]]) -> Callable[[Session, str, Sequence[int]], None]:
    def keep(session: Session, run_id: str, items: Sequence[int]) -> None:
        batches.append(list(items))
        events.append_all(session, run_id, "answer", "answer", [{"n": n} for n in items], NOW)

    return keep


async def stored(desk: Desk) -> list[int]:
    return [row.data["n"] for row in await desk.look(events.after, 0)]


async def test_what_arrives_during_a_commit_shares_the_next(desk_for: Callable[..., Desk]) -> None:
    desk, batches = desk_for(), []
    async with Clerk(desk, keeper(batches)) as clerk:
        await asyncio.gather(*(clerk.keep(n) for n in range(40)))
        assert sorted(await stored(desk)) == list(range(40)), "all are there when their keepers go on"
    assert len(batches) < 10
    assert [row.seq for row in await desk.look(events.after, 0)] == list(range(1, 41))


async def test_one_by_one_is_committed_one_by_one(desk_for: Callable[..., Desk]) -> None:
    desk, batches = desk_for(), []
    async with Clerk(desk, keeper(batches)) as clerk:
        for n in range(3):
            await clerk.keep(n)
            assert (await stored(desk))[-1] == n
    assert batches == [[0], [1], [2]]


async def test_a_failed_commit_fails_everybody_who_waits_and_the_next_begins_anew(
    desk_for: Callable[..., Desk],
) -> None:
    desk, batches = desk_for(), []
    fine = keeper(batches)

    def keep(session: Session, run_id: str, items: Sequence[int]) -> None:
        if 13 in items:
            raise ValueError("thirteen")
        fine(session, run_id, items)

    async with Clerk(desk, keep) as clerk:
        await clerk.keep(1)
        results = await asyncio.gather(clerk.keep(13), clerk.keep(14), return_exceptions=True)
        assert [str(result) for result in results] == ["thirteen", "thirteen"]
        await clerk.keep(2)
    assert await stored(desk) == [1, 2]


async def test_who_has_lost_the_lease_stores_nothing(desk_for: Callable[..., Desk]) -> None:
    desk, batches = desk_for(), []
    late = replace(desk, lease=desk.lease._replace(fence=desk.lease.fence - 1))
    async with Clerk(late, keeper(batches)) as clerk:
        with pytest.raises(leases.LostLease):
            await clerk.keep(1)
    assert await stored(desk) == []


async def test_a_row_whose_keeper_is_cancelled_is_kept_all_the_same(desk_for: Callable[..., Desk]) -> None:
    desk, batches = desk_for(), []
    async with Clerk(desk, keeper(batches)) as clerk:
        keeping = asyncio.ensure_future(clerk.keep(7))
        await asyncio.sleep(0)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
    assert await stored(desk) == [7]
