"""A driver that did not hear how its commit ended finds out, and writes once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphs.desk import Desk
from store import events
from store.database import Database
from tests.standins.patience import PATIENCE
from tests.standins.postgres_proxy import Break, between


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.mark.parametrize("what", Break)
async def test_a_driver_writes_once_whatever_it_heard(
    database_url: str, database: Database, desk_for: Callable[..., Desk], what: Break
) -> None:
    with between(database_url) as proxy, Database(proxy.url, patience=PATIENCE) as distant:
        desk = desk_for(database=distant)
        await desk.say("s", "first")
        proxy.breaks = what
        await desk.say("s", "second")
        await desk.say("s", "third")
        assert proxy.broken == 1
    with database.reading() as session:
        found = [event.kind for event in events.after(session, desk.run_id, 0)]
    assert found == ["first", "second", "third"]
