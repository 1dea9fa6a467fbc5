"""What happens in a run, as it happens: server-sent events, or pages of JSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from agent import views
from agent.api.inputs import ONLY_TEXT, RunId
from agent.api.paging import LINK, link_next
from agent.api.streams import HEARTBEAT, MEDIA_TYPE, EventStream, last_id, wants_stream
from agent.service.feed import Feeds
from agent.service.place import Here
from agent.service.problems import responses
from agent.views import EventPage

router = APIRouter(tags=["events"], dependencies=[ONLY_TEXT])

MOST_EVENTS = 1000

_STREAM = (
    "retry: 1000\n\n"
    "id: 170\nevent: query\n"
    'data: {"seq":170,"at":"2026-11-21T12:51:43Z","stage":"research","kind":"query","data":'
    '{"query":"best open weight 8B LLM for therapy coaching 2026","engine":"duckduckgo","hits":10,'
    '"outcome":"found","reason":"","detail":""}}\n\n'
    ": still here\n\n"
)
_PAGE = {
    "total": 824,
    "next": "170",
    "items": [
        {
            "seq": 170,
            "at": "2026-11-21T12:51:43Z",
            "stage": "research",
            "kind": "query",
            "data": {
                "query": "best open weight 8B LLM for therapy coaching 2026",
                "engine": "duckduckgo",
                "hits": 10,
                "outcome": "found",
                "reason": "",
                "detail": "",
            },
        }
    ],
}
_OK: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of events, or all of them as they come when `Accept` names "
        f"`{MEDIA_TYPE}`: `id` is the number, `event` the kind, `data` the event as JSON.",
        "headers": LINK,
        "content": {
            "application/json": {"example": _PAGE},
            MEDIA_TYPE: {"schema": {"type": "string"}, "example": _STREAM},
        },
    }
}


@router.get(
    "/runs/{run_id}/events",
    operation_id="list_events",
    response_model=EventPage,
    responses=_OK | responses(404, 422, 429),
)
async def list_events(
    run_id: RunId,
    request: Request,
    response: Response,
    here: Here,
    after: Annotated[
        int, Query(ge=0, le=10**9, description="Number of the last event that is known; 0 for none.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS, description="Most events of a JSON page.")] = 200,
    last_event_id: Annotated[
        str | None,
        Header(
            max_length=100,
            description="Where a stream goes on: the last `id` that was read. It goes before `after`.",
            examples=["17"],
        ),
    ] = None,
) -> Any:
    """What happened in a run. Events are numbered from 1 without gaps and never change.

    As server-sent events when `Accept` names `text/event-stream`: everything after `Last-Event-ID` (or
    `after`), then what comes, with a comment every 15 seconds so that a dead connection is noticed. The
    stream ends when the run is deleted or the service stops; a client that connects again with the last `id`
    misses nothing and gets nothing twice.
    """
    if wants_stream(request):
        here.feeds.check_room()
        whole = await here.look(views.whole_id, run_id)
        return EventStream(_pieces(here.feeds, whole, last_id(last_event_id, after)))
    page = await here.look(views.event_page, run_id, after, limit)
    link_next(request, response, page, by="after")
    return page


async def _pieces(feeds: Feeds, run_id: str, after: int) -> AsyncGenerator[bytes, None]:
    async with aclosing(feeds.follow(run_id, after)) as batches:
        async for batch in batches:
            yield b"".join(event.wire for event in batch) or HEARTBEAT
