"""What every tool works with: rows, actions and a clock."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from agent.actions import Actions
from agent.engine import engine_for
from agent.settings import Settings
from store.database import Database
from tools.clock import Clock, SystemClock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

P = ParamSpec("P")
R = TypeVar("R")


class Desk(Protocol):
    """The part of :class:`agent.service.place.Place` that the tools need."""

    @property
    def settings(self) -> Settings: ...

    @property
    def database(self) -> Database: ...

    @property
    def actions(self) -> Actions: ...

    @property
    def clock(self) -> Clock: ...

    async def look(
        self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R: ...


@dataclass(frozen=True)
class OwnDesk:
    """A desk of ``bms mcp``, which has no service around it."""

    settings: Settings
    database: Database
    actions: Actions
    clock: Clock

    async def look(self, query: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.database.look(query, *args, **kwargs)


@contextlib.asynccontextmanager
async def own_desk(settings: Settings) -> AsyncIterator[OwnDesk]:
    """A desk with an engine of its own. At the end runs that are driven are interrupted; their orders stay
    open, and the next engine goes on with them."""
    clock = SystemClock()
    with Database(settings.rows_url) as database:
        engine = engine_for(settings, database)
        await engine.start()
        try:
            yield OwnDesk(settings, database, Actions(settings, database, engine, clock), clock)
        finally:
            await engine.stop()


def desk_of(context: Any) -> Desk:
    """The desk of the server that a request came to."""
    desk: Desk = context.request_context.lifespan_context
    return desk
