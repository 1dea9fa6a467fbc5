"""A story played back to a run: strictly, and on from where an earlier process had got to."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from agent.cassettes import StoryCassette, played
from agent.settings import Settings
from agent.story import ReplayMiss, Story
from store import runs
from store.database import Database


@contextlib.asynccontextmanager
async def replay(
    settings: Settings, database: Database, story: Story, run_id: str
) -> AsyncIterator[StoryCassette]:
    """Every request is answered from the story. One without a recording fails, and is named.

    What has been played is noted in the data directory, so that a resume goes on from there.
    """
    with database.reading() as session:
        run_id = runs.get(session, run_id).id
    journal = settings.home / "replays" / f"{run_id}.played"
    journal.parent.mkdir(parents=True, exist_ok=True)
    with played(story.http, journal=journal) as cassette:
        try:
            yield cassette
        except Exception as error:
            if cassette.misses:
                raise _miss(story, cassette) from error
            raise
        if cassette.misses:
            raise _miss(story, cassette)


def _miss(story: Story, cassette: StoryCassette) -> ReplayMiss:
    more = f" and {len(cassette.misses) - 1} more" if len(cassette.misses) > 1 else ""
    return ReplayMiss(
        f"The story {story.name} has no recording of {cassette.misses[0]}{more}.",
        "It was made with another version or other choices; `bms record` makes a new one.",
    )
