"""Engines by name: which there are, in which order, and what each is made of."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.clock import SystemClock
from tools.search.breaker import BreakerEngine
from tools.search.engines import DEFAULT_ENGINES, engine_names, open_engines
from tools.web.client import HttpWeb

SEARX = "langchain:langchain_community.utilities.SearxSearchWrapper"


def test_names_keep_their_order_and_stand_once():
    assert engine_names(DEFAULT_ENGINES) == ("duckduckgo", "searxng", "mojeek", "brave")
    assert engine_names(f" Brave, mojeek ,brave,{SEARX},") == ("brave", "mojeek", SEARX)


@pytest.mark.parametrize(
    "text", ["google", "duckduckgo,bing", "langchain:Nothing", "langchain:a b.C", "", " , "]
)
def test_an_unknown_engine_is_refused_with_the_choices(text):
    with pytest.raises(ValueError, match="duckduckgo, mojeek, brave, startpage, yahoo and langchain:package"):
        engine_names(text)


async def test_engines_are_opened_each_behind_a_breaker(monkeypatch):
    monkeypatch.setenv("SEARX_HOST", "http://127.0.0.1:9")
    async with HttpWeb(SystemClock()) as web:
        names = engine_names(f"startpage,searxng,duckduckgo,{SEARX}")
        with_searxng = open_engines(names, web, searxng_url="http://127.0.0.1:9")
        without = open_engines(names, web)
    assert [engine.name for engine in with_searxng] == [
        "startpage",
        "searxng",
        "duckduckgo",
        "langchain:SearxSearchWrapper",
    ]
    assert [engine.name for engine in without] == ["startpage", "duckduckgo", "langchain:SearxSearchWrapper"]
    assert all(isinstance(engine, BreakerEngine) for engine in with_searxng)


def test_langchain_is_not_imported_unless_it_is_named():
    code = (
        "import sys\n"
        "from tools.search.engines import DEFAULT_ENGINES, engine_names, open_engines\n"
        "open_engines(engine_names(DEFAULT_ENGINES), None)\n"
        "print([m for m in sys.modules if m.startswith('langchain') or m in ('ddgs', 'primp')])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
