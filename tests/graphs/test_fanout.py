"""The same work on many items: bounded, and a failure or a cancellation ends all of it."""

from __future__ import annotations

import asyncio

import pytest

from graphs.fanout import Crew, each


class Workers:
    """Work that counts who is at it, and goes on for a few turns of the event loop."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.done: list[int] = []
        self.cancelled: list[int] = []
        self.most = 0

    async def __call__(self, item: int) -> None:
        self.begun.append(item)
        self.most = max(self.most, len(self.begun) - len(self.done) - len(self.cancelled))
        try:
            for _ in range(1 + item % 4):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        self.done.append(item)


@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
async def test_no_more_than_so_many_at_once_and_no_fewer(at_once: int):
    work = Workers()
    await each(range(20), work, at_once=at_once)
    assert work.most == min(at_once, 20)
    assert sorted(work.done) == list(range(20))
    assert work.begun == list(range(20)), "items begin in their order"


async def test_nothing_to_do_is_done():
    work = Workers()
    await each([], work, at_once=1)
    assert work.begun == []


async def test_the_first_failure_is_raised_as_itself_and_stops_the_others():
    forever, work = asyncio.Event(), Workers()

    async def one_fails(item: int) -> None:
        if item == 2:
            raise KeyError("the first failure")
        work.begun.append(item)
        try:
            await forever.wait()
        except asyncio.CancelledError:
            work.cancelled.append(item)
            raise

    with pytest.raises(KeyError, match="the first failure"):
        await each(range(10), one_fails, at_once=3)
    assert work.begun == sorted(work.cancelled) == [0, 1], (
        "what had begun is cancelled, what had not never begins"
    )


async def test_of_several_failures_the_first_is_raised():
    async def fail_in_turn(item: int) -> None:
        for _ in range(5 - item):
            await asyncio.sleep(0)
        raise ValueError(str(item))

    with pytest.raises(ValueError, match=r"^4$"):
        await each(range(5), fail_in_turn, at_once=5)


async def test_failures_while_being_cancelled_do_not_hide_the_first():
    async def fail(item: int) -> None:
        if item == 0:
            await asyncio.sleep(0)
            raise KeyError("first")
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("while cleaning up")

    with pytest.raises(KeyError, match="first"):
        await each(range(3), fail, at_once=3)


async def test_a_group_of_failures_inside_the_work_is_opened_too():
    async def nested(_: int) -> None:
        raise ExceptionGroup("inner", [ExceptionGroup("innermost", [LookupError("at last")])])

    with pytest.raises(LookupError, match="at last"):
        await each([1], nested, at_once=1)


async def test_a_cancellation_passes_through():
    all_begun, work = asyncio.Event(), Workers()

    async def wait(item: int) -> None:
        work.begun.append(item)
        if len(work.begun) == 2:
            all_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            work.cancelled.append(item)

    task = asyncio.create_task(each(range(5), wait, at_once=2))
    await all_begun.wait()
    task.cancel("a person")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.begun == sorted(work.cancelled) == [0, 1]
    assert task.cancelled()


# --- a crew ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3, 100])
async def test_a_crew_waits_for_all_that_was_added_and_keeps_to_its_places(at_once: int):
    work = Workers()
    async with Crew(at_once) as crew:
        for item in range(20):
            crew.add(work(item))
            await asyncio.sleep(0)
    assert sorted(work.done) == list(range(20))
    assert work.most <= at_once


async def test_work_of_a_crew_may_add_work():
    done: list[int] = []

    async def more(item: int) -> None:
        done.append(item)
        if item < 5:
            crew.add(more(item + 1))

    async with Crew(1) as crew:
        crew.add(more(0))
    assert done == [0, 1, 2, 3, 4, 5]


async def test_a_failure_in_a_crew_cancels_the_rest_waits_for_it_and_is_raised_as_itself():
    begun, ended = asyncio.Event(), []

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("forever")

    async def fail() -> None:
        await begun.wait()
        raise KeyError("the first failure")

    async def never() -> None:
        pytest.fail("its place was never free")

    async def together() -> None:
        async with Crew(2) as crew:
            for work in (forever(), fail(), never()):
                crew.add(work)

    with pytest.raises(KeyError, match="the first failure"):
        await together()
    assert ended == ["forever"], "whoever had begun could clean up before the failure was raised"


async def test_a_failure_of_the_body_cancels_the_crew_and_is_raised_as_itself():
    begun, cancelled = asyncio.Event(), []

    async def forever() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def body() -> None:
        async with Crew(1) as crew:
            crew.add(forever())
            await begun.wait()
            raise LookupError("the body")

    with pytest.raises(LookupError, match="the body"):
        await body()
    assert cancelled == [True]


async def test_a_failure_in_a_crew_interrupts_its_body():
    async def fail() -> None:
        raise OSError("while the body waits")

    async def body() -> None:
        async with Crew(1) as crew:
            crew.add(fail())
            await asyncio.Event().wait()

    with pytest.raises(OSError, match="while the body waits"):
        await body()
