"""What every request of the service works with."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from agent.actions import Actions
from agent.engine import Engine
from agent.service.feed import Feeds
from agent.service.pulse import Pulses
from agent.settings import Settings
from store.database import Database
from tools.clock import Clock
from tools.faults import WrongUse

P = ParamSpec("P")
R = TypeVar("R")

SHOWN = "whoever shows the token"
"""A program tells no name."""
SIGNED_IN = "person"
"""Where the guard leaves the name of whoever signed in, on ``request.state``."""


@dataclass(frozen=True)
class Place:
    """One service: its rows, its engine, and who follows which run."""

    settings: Settings
    database: Database
    engine: Engine
    actions: Actions
    feeds: Feeds
    pulses: Pulses
    clock: Clock
    studying: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Whoever makes a document, which takes seconds for thousands of answers, waits for the one before."""

    def let_go(self) -> None:
        """End every stream: whoever reads one connects again, to whoever serves next."""
        self.feeds.close()
        self.pulses.close()

    async def look(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """``query(session, …)`` for reading, off the event loop."""
        return await self.database.look(query, *args, **kwargs)

    async def study(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """As :meth:`look`, for what takes long: one at a time, so that short looks find a thread."""
        async with self.studying:
            return await self.database.look(query, *args, **kwargs)


def place_of(request: Request) -> Place:
    place: Place = request.app.state.place
    return place


def person_of(request: Request) -> str:
    """Who asks: whoever signed in, or on this machine's own address whoever runs the service."""
    signed_in: str | None = getattr(request.state, SIGNED_IN, None)
    if signed_in:
        return signed_in
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "a person at the page"


def signatory(request: Request, who: Annotated[str, Depends(person_of)]) -> Callable[[str | None], str]:
    """Whose word an answer is: who is named in it, or who asks. Somebody who signed in speaks for nobody
    else; a program that shows the token, or asks on this machine's own address, does for a person."""
    signed_in: str | None = getattr(request.state, SIGNED_IN, None)

    def signed(named: str | None) -> str:
        if named is None or named == who:
            return who
        if signed_in is not None and signed_in != SHOWN:
            raise WrongUse(f"You are signed in as {who}, not as {named[:60]}.", "Leave the name out.")
        return named

    return signed


Here = Annotated[Place, Depends(place_of)]
Who = Annotated[str, Depends(person_of)]
Signed = Annotated[Callable[[str | None], str], Depends(signatory)]
