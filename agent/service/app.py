"""The application: routers put together, one engine, one database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from agent.actions import Actions
from agent.api import runs
from agent.engine import Engine, LocalEngine
from agent.pages.render import STATIC
from agent.service import problems
from agent.service.feed import Feeds
from agent.service.place import Place
from agent.settings import Settings
from store.database import Database
from tools.clock import Clock, SystemClock


def make_app(settings: Settings, *, engine: Engine | None = None, clock: Clock | None = None) -> FastAPI:
    """The service on the data directory of ``settings``. ``engine`` carries out orders; this machine's own
    when it is None."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = clock or SystemClock()
        with Database(settings.rows_url) as database:
            carrier = engine or LocalEngine(database)
            place = Place(
                settings=settings,
                database=database,
                engine=carrier,
                actions=Actions(settings, database, carrier, watch),
                feeds=Feeds(database),
                clock=watch,
            )
            app.state.place = place
            await carrier.start()
            try:
                yield
            finally:
                place.feeds.close()
                await carrier.stop()

    app = FastAPI(
        title="base-model-selector",
        version="1",
        summary="Which open-weight base model suits this domain, and is it already good enough?",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # its page would load a script from elsewhere
        redoc_url=None,
    )
    problems.install(app)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(runs.router, prefix="/api")
    return app
