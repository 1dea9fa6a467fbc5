"""Which failures of a runtime are tried again, after which wait, and which are not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from graphs.desk import Desk
from graphs.retry import DELAYS, LONGEST_WAIT, patiently
from store import events, leases
from store.leases import LostLease
from tests.standins.records import NOW
from tools.runtimes import RuntimeFault, RuntimeFaultKind

RETRYABLE = [kind for kind in RuntimeFaultKind if kind.retryable]
FINAL = [kind for kind in RuntimeFaultKind if not kind.retryable]


class Waits(list[float]):
    """A sleep that takes no time and remembers."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def failing(
    *kinds: RuntimeFaultKind, retry_after: float | None = None
) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    """A call that fails with these kinds in turn and then answers; and the numbers of its tries."""
    tries: list[int] = []

    async def call() -> str:
        tries.append(len(tries))
        if len(tries) <= len(kinds):
            kind = kinds[len(tries) - 1]
            raise RuntimeFault(kind, f"fault {len(tries)}: {kind.value}.", retry_after_seconds=retry_after)
        return "an answer"

    return call, tries


async def retries(desk: Desk) -> list[tuple[str, float]]:
    """Sentence and wait of each retry event."""
    said = await desk.look(events.after, 0)
    assert {(row.stage, row.kind) for row in said} <= {("answer", "retry")}
    return [(row.data["sentence"], row.data["wait_seconds"]) for row in said]


async def test_what_works_is_called_once(desk_for: Callable[..., Desk]):
    call, tries = failing()
    desk = desk_for()
    assert await patiently(desk, "answer", call) == "an answer"
    assert len(tries) == 1
    assert await retries(desk) == []


@pytest.mark.parametrize("kind", RETRYABLE)
async def test_what_may_pass_is_tried_again_after_the_delays(
    desk_for: Callable[..., Desk], kind: RuntimeFaultKind
):
    waits = Waits()
    call, tries = failing(*[kind] * len(DELAYS))
    desk = desk_for(sleep=waits)
    assert await patiently(desk, "answer", call) == "an answer"
    assert tuple(waits) == DELAYS
    assert len(tries) == len(DELAYS) + 1
    assert await retries(desk) == [
        (f"fault {n}: {kind.value}.", delay) for n, delay in enumerate(DELAYS, start=1)
    ]


@pytest.mark.parametrize("kind", FINAL)
async def test_what_will_not_pass_is_not_tried_again(desk_for: Callable[..., Desk], kind: RuntimeFaultKind):
    waits = Waits()
    call, tries = failing(kind)
    with pytest.raises(RuntimeFault, match="fault 1") as caught:
        await patiently(desk_for(sleep=waits), "answer", call)
    assert caught.value.kind is kind
    assert (len(tries), waits) == (1, [])


async def test_the_last_failure_is_raised_when_every_try_failed(desk_for: Callable[..., Desk]):
    waits = Waits()
    call, tries = failing(*[RuntimeFaultKind.BUSY] * 10)
    with pytest.raises(RuntimeFault, match=f"fault {len(DELAYS) + 1}:"):
        await patiently(desk_for(sleep=waits), "answer", call)
    assert len(tries) == len(DELAYS) + 1
    assert tuple(waits) == DELAYS


async def test_a_failure_that_stays_after_one_that_passed_is_raised_at_once(desk_for: Callable[..., Desk]):
    waits = Waits()
    call, tries = failing(RuntimeFaultKind.TIMEOUT, RuntimeFaultKind.OUT_OF_MEMORY)
    with pytest.raises(RuntimeFault, match="fault 2"):
        await patiently(desk_for(sleep=waits), "answer", call)
    assert (len(tries), waits) == (2, [DELAYS[0]])


@pytest.mark.parametrize(
    ("wanted", "waited"),
    [(None, 1.0), (0.0, 1.0), (0.5, 1.0), (30.0, 30.0), (LONGEST_WAIT, LONGEST_WAIT)],
)
async def test_a_server_that_names_a_longer_wait_gets_it(
    desk_for: Callable[..., Desk], wanted: float | None, waited: float
):
    waits = Waits()
    call, _ = failing(RuntimeFaultKind.BUSY, retry_after=wanted)
    assert await patiently(desk_for(sleep=waits), "answer", call) == "an answer"
    assert waits == [waited]


async def test_a_server_that_wants_too_long_a_wait_is_down(desk_for: Callable[..., Desk]):
    waits = Waits()
    call, tries = failing(RuntimeFaultKind.BUSY, retry_after=LONGEST_WAIT + 1)
    with pytest.raises(RuntimeFault):
        await patiently(desk_for(sleep=waits), "answer", call)
    assert (len(tries), waits) == (1, [])


async def test_other_failures_are_not_ours_to_try_again(desk_for: Callable[..., Desk]):
    async def call() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await patiently(desk_for(), "answer", call)


async def test_a_process_that_lost_its_lease_asks_nothing_more(desk_for: Callable[..., Desk]):
    desk = desk_for(sleep=Waits())
    later = NOW + leases.DURATION
    await desk.services.database.run(leases.take, desk.run_id, "another-machine:1:1.00", later)
    call, tries = failing(RuntimeFaultKind.BUSY)
    with pytest.raises(LostLease):
        await patiently(desk, "answer", call)
    assert not tries, "it would be paid for what its successor asks for"
