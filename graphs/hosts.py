"""Inference hosts of a run, where there are several: who takes part is told as it changes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy.orm import Session

from graphs.desk import Desk
from store import events
from tools.runtimes import Runtime
from tools.runtimes.places import HostNews
from tools.runtimes.spread import SpreadRuntime

KIND = "host"
"""Of the events."""
MOST_TOLD = 12


@contextlib.asynccontextmanager
async def telling(desk: Desk, stage: str, engine: Runtime) -> AsyncIterator[None]:
    """Make events of hosts that come and go while the body calls ``engine``."""
    if not isinstance(engine, SpreadRuntime):
        yield
        return

    async def tell(news: HostNews) -> None:
        await desk.say(stage, KIND, **news._asdict())

    async with engine.watched(tell):
        yield


def left_out(session: Session, run_id: str) -> tuple[str, ...]:
    """Sentences on hosts that were not used, or not to the end, in the order in which it was found out."""
    told: dict[str, str] = {}
    back = set()
    for event in events.of_kind(session, run_id, KIND):
        host, state = event.data["host"], event.data["state"]
        if state == "out":
            told[event.data["sentence"]] = host
            back.discard(host)
        else:  # a process that has just begun takes in what an earlier one had left out
            back.add(host)
    sentences = [
        f"{sentence} It was let in again." if host in back else sentence for sentence, host in told.items()
    ]
    more = (f"So it went {len(sentences) - MOST_TOLD} more times.",) if len(sentences) > MOST_TOLD else ()
    return (*sentences[:MOST_TOLD], *more)
