"""The services of a process, made from its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.services import open_services
from agent.settings import load_settings
from agent.story import About, Story
from store.database import Database
from tests.standins.records import NOW
from tools.faults import WrongUse


async def engine_names(database: Database, story: Story | None = None) -> list[str]:
    async with open_services(load_settings(), database, story=story) as services:
        return [engine.name for engine in services.engines]


async def test_the_engines_are_those_of_the_settings(database, monkeypatch):
    monkeypatch.setenv("BMS_SEARCH_ENGINES", "searxng,mojeek,duckduckgo")
    assert await engine_names(database) == ["mojeek", "duckduckgo"], "SearXNG has no address"
    monkeypatch.setenv("BMS_SEARXNG_URL", "http://127.0.0.1:9")
    assert await engine_names(database) == ["searxng", "mojeek", "duckduckgo"]


async def test_a_replay_asks_duckduckgo_alone_whatever_is_set(database, monkeypatch):
    monkeypatch.setenv("BMS_SEARCH_ENGINES", "searxng,mojeek")
    monkeypatch.setenv("BMS_SEARXNG_URL", "http://127.0.0.1:9")
    story = Story("one", Path("one"), About(text="8B models for therapy", recorded_at=NOW, hosts=()))
    assert await engine_names(database, story) == ["duckduckgo"]


async def test_an_engine_that_cannot_be_opened_is_a_wrong_use(database, monkeypatch):
    monkeypatch.setenv("BMS_SEARCH_ENGINES", "langchain:no_such_package.Search")
    with pytest.raises(WrongUse, match="no_such_package"):
        await engine_names(database)
