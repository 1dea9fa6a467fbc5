"""The guard that keeps tests on this machine guards."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest

from tests.conftest import LONGEST
from tests.standins.http_server import Answered, StandIn
from tests.standins.once import made_once

FAILED = pytest.fail.Exception


def test_a_public_address_fails_the_test_that_asks_for_it(outside: list[str]):
    with socket.socket() as sock, pytest.raises(FAILED, match=r"198\.51\.100\.7:80"):
        sock.connect(("198.51.100.7", 80))
    with socket.socket() as sock, pytest.raises(FAILED):
        sock.connect_ex(("198.51.100.7", 80))
    assert len(outside) == 2
    outside.clear()


async def test_so_does_a_name_through_the_event_loop(outside: list[str]):
    with pytest.raises(FAILED, match=r"a name server, for never\.example"):
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get("http://never.example/")
    outside.clear()


async def test_a_server_on_this_machine_is_reached():
    with StandIn(lambda _: Answered(b"here")) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(server.address)).text == "here"


def test_every_test_has_its_own_home(home: Path):
    assert Path.home() == home
    assert os.environ["BMS_HOME"].startswith(str(home))
    assert not {"HF_TOKEN", "HF_ENDPOINT", "OLLAMA_HOST", "OPENAI_API_KEY", "BMS_JUDGE"} & set(os.environ)


def test_the_files_that_are_begun_first_exist():
    assert [name for name in LONGEST if not (Path(__file__).parent / name).is_file()] == []


def test_what_is_made_once_is_made_again_after_a_failure(tmp_path_factory: pytest.TempPathFactory):
    tried: list[list[Path]] = []

    def make(folder: Path) -> None:
        tried.append(list(folder.iterdir()))
        (folder / "half").touch()
        if len(tried) == 1:
            raise OSError("the disk is full")

    name = f"once-{os.getpid()}"
    with pytest.raises(OSError, match="full"):
        made_once(tmp_path_factory, name, make)
    folder = made_once(tmp_path_factory, name, make)
    assert made_once(tmp_path_factory, name, make) == folder
    assert tried == [[], []]
    assert [path.name for path in folder.iterdir()] == ["half"]
