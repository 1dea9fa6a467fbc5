"""The application: routers put together, one engine, one database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from agent.actions import Actions
from agent.api import about, events, labels, replies, report, research, results, runs, threads
from agent.engine import Engine, engine_for
from agent.langgraph_api import router as langgraph
from agent.mcp.http import McpEndpoint, names_of
from agent.pages import (
    answer_page,
    approval_page,
    compare_page,
    evidence_page,
    failures_page,
    home,
    labels_page,
    live,
    report_page,
    table_page,
)
from agent.pages.render import STATIC, Files
from agent.service import guard, problems
from agent.service.feed import Feeds
from agent.service.news import News
from agent.service.place import Place
from agent.service.pulse import Pulses
from agent.settings import Settings
from store.database import Database
from tools.clock import Clock, SystemClock


def make_app(
    settings: Settings, host: str = "127.0.0.1", *, engine: Engine | None = None, clock: Clock | None = None
) -> FastAPI:
    """The service on the data directory of ``settings``. ``engine`` carries out orders; the one that goes
    with the database when it is None. ``host`` is the address it will listen on: WrongUse when others could
    connect to it and there is no token."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watch = clock or SystemClock()
        with Database(settings.rows_url) as database:
            news = News(database)
            carrier = engine or engine_for(settings, database)
            place = Place(
                settings=settings,
                database=database,
                engine=carrier,
                actions=Actions(settings, database, carrier, watch),
                feeds=Feeds(database, news),
                pulses=Pulses(database, news, watch),
                clock=watch,
            )
            app.state.place = place
            news.start()
            await carrier.start()
            try:
                yield
            finally:
                place.let_go()
                await mcp.close()
                await carrier.stop()
                await news.stop()

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
    guard.install(app, settings, host, clock=clock)
    mcp = McpEndpoint(lambda: app.state.place, names_of(settings, host))
    app.router.routes.append(mcp.route)
    app.mount("/static", Files(directory=STATIC))
    app.include_router(runs.router, prefix="/api")
    app.include_router(events.router, prefix="/api")
    app.include_router(research.router, prefix="/api")
    app.include_router(replies.router, prefix="/api")
    app.include_router(labels.router, prefix="/api")
    app.include_router(results.router, prefix="/api")
    app.include_router(report.router, prefix="/api")
    app.include_router(threads.router, prefix="/api")
    app.include_router(about.router, prefix="/api")
    app.include_router(langgraph.router)
    app.include_router(home.router)
    app.include_router(live.router)
    app.include_router(failures_page.router)
    app.include_router(answer_page.router)
    app.include_router(labels_page.router)
    app.include_router(report_page.router)
    app.include_router(compare_page.router)
    app.include_router(table_page.router)
    app.include_router(approval_page.router)
    app.include_router(evidence_page.router)
    return app
