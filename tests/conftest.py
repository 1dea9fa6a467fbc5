"""For every test: a home of its own, a bare environment, and no way out of this machine."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from agent.cli import FEWER_COLLECTIONS
from store import runs
from store.database import Database, sqlite_url
from tests.standins.command_line import warm
from tests.standins.once import made_once
from tests.standins.postgres import Postgres, folder_of, fresh
from tests.standins.records import NOW
from tests.standins.zygote import Zygote

# A slow machine is no fault, and no test fails by chance: `make test-all` looks for what was never tried.
settings.register_profile("exploring", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("the same each time", settings.get_profile("exploring"), derandomize=True)
settings.load_profile("the same each time")

OURS = ("BMS_", "OLLAMA_", "HF_", "HUGGING_FACE_", "HUGGINGFACE_", "OPENAI_", "XDG_")
WITH_ROWS = {
    "finished",
    "waiting",
    "finished_run",
    "waiting_run",
    "api",
    "client",
    "database",
    "rows",
    "empty",
}
"""Fixtures with rows in the database that a data directory is served on."""
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
LONGEST = (
    "faults/test_matrix.py",
    "agent/test_engine.py",
    "graphs/test_journey.py",
    "graphs/test_research_disturbed.py",
    "agent/test_mcp_journey.py",
    "agent/test_evaluate_killed.py",
    "graphs/test_research.py",
    "agent/test_worker_killed.py",
    "hostile/test_secrets.py",
    "agent/test_api_schema.py",
    "agent/test_langgraph_protocol_story.py",
    "agent/test_cli_approval.py",
    "agent/test_evaluate_command.py",
    "agent/pages/test_whole_story.py",
    "test_benchmarks.py",
    "agent/pages/test_table_in_browser.py",
    "agent/test_cli_wrong_uses.py",
    "agent/test_chat_command.py",
    "agent/test_api_story.py",
    "agent/test_evaluated_documents.py",
    "graphs/test_evaluation_faults.py",
    "agent/pages/test_labels_page.py",
    "graphs/test_research_killed.py",
    "agent/pages/test_chat_page.py",
    "test_docs.py",
    "agent/test_guard_browser.py",
    "test_wheel.py",
)
"""Files that take longest, the longest first: begun last, one would keep a worker while the others idle."""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # it begins with many tests, we begin with long ones


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``both_databases`` runs a test on PostgreSQL too; ``both_databases(slow=True)`` only where slow tests
    run. It is the database of the test's own rows, or the one that its data directory is served on."""
    mark = metafunc.definition.get_closest_marker("both_databases")
    where = next((name for name in ("database_url", "served_on") if name in metafunc.fixturenames), None)
    if where == "served_on" and WITH_ROWS.isdisjoint(metafunc.fixturenames):
        return
    if mark is not None and where is not None:
        marks = (pytest.mark.slow,) if mark.kwargs.get("slow") else ()
        both = ("sqlite", pytest.param("postgresql", marks=marks))
        metafunc.parametrize(where, both, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: looking through it for cycles finds none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FEWER_COLLECTIONS)


def pytest_unconfigure() -> None:
    if warm.cache_info().currsize:
        warm().close()
        warm.cache_clear()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of this test. The environment has no setting of the developer's, nor a proxy."""
    for name in os.environ:
        if name.upper().startswith(OURS) or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    # huggingface_hub asks the Hub for a list of coding agents before its first request, unless told not to.
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    # Engines that stand in for DuckDuckGo are public, and asked through a library that the guard cannot see.
    monkeypatch.setenv("BMS_SEARCH_ENGINES", "duckduckgo")
    monkeypatch.setenv(
        "BMS_LEADERBOARDS", "false"
    )  # their addresses are public, and no setting leads elsewhere
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("BMS_HOME", str(home / "bms"))
    return home


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Fails the test when it connects to, or asks a name server for, anything but this machine.

    The list holds what was tried, also when the code under test swallowed the failure. Only Python's sockets
    are seen: ``primp`` (under ddgs) and llama.cpp bring their own in Rust and C++, which cannot be patched
    from here, and a subprocess has a Python of its own. Tests give those a loopback address.
    """
    tried: list[str] = []
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def refuse(what: str) -> None:
        tried.append(what)
        pytest.fail(f"a test tried to reach {what}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_here(self, address):
            refuse(f"{address[0]}:{address[1]}")
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if not _is_here(self, address):
            refuse(f"{address[0]}:{address[1]}")
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != "localhost" and _number(name) is None:
            refuse(f"a name server, for {name}")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
    yield tried
    assert not tried


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and nothing in it: migrated once, copied for every test."""
    path = tmp_path_factory.mktemp("database") / "empty.sqlite"
    Database(sqlite_url(path)).close()
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL server, the same one for all workers."""
    server = Postgres(folder_of(os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())))
    made_once(tmp_path_factory, "postgres template", lambda _folder: server.make_template())
    yield server
    server.close()


@pytest.fixture(scope="session")
def zygote() -> Zygote:
    """A warm process that is forked for each process that a test needs."""
    return warm()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of a new PostgreSQL database with the newest schema."""
    with fresh(postgres) as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, empty_database: Path) -> str:
    """The address of a new database: SQLite, in ``bms.sqlite`` in ``tmp_path``; with the mark
    ``both_databases`` the test runs on PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    path = tmp_path / "bms.sqlite"
    shutil.copy(empty_database, path)
    return sqlite_url(path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database (``database_url``), open."""
    with Database(database_url) as opened:
        yield opened


@pytest.fixture
def run_id(database: Database) -> str:
    """A run in ``database`` that has not started."""
    with database.session() as session:
        return runs.create(session, "evaluate 8B models for therapy coaching", {"out_dir": "/out"}, NOW)


def _is_here(sock: socket.socket, address: Any) -> bool:
    if sock.family not in {socket.AF_INET, socket.AF_INET6}:
        return True
    host = str(address[0])
    number = _number(host)
    return host in {"", "localhost"} if number is None else number.is_loopback or number.is_unspecified


def _number(host: str) -> IPv4Address | IPv6Address | None:
    """The address that ``host`` is when no name server is needed to read it; ``0x7f.1`` is one too."""
    with contextlib.suppress(OSError, UnicodeError):
        return IPv4Address(socket.inet_aton(host))
    with contextlib.suppress(ValueError):
        return ip_address(host.split("%", maxsplit=1)[0])
    return None
