"""``bms serve`` as a process: where it listens, why it does not, and how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.cli import main
from agent.commands.serve import listening
from tests.agent.conftest import Bms
from tests.standins.command_line import bms_process, ended, start
from tests.standins.patience import PATIENCE
from tools.faults import Fault, WrongUse

TOKEN = "correct-horse-battery-staple"


def address_said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("bms listens on http://"), line + (process.stderr.read() if process.stderr else "")
    return line.split()[3].rstrip(",")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_it_listens_until_ctrl_c(home: Path):
    process = start(home, "serve", "--port", "0", env={"BMS_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"})
    try:
        address = address_said(process)
        assert address.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            assert client.get(f"/api/runs?token={TOKEN}").status_code == 401
            answer = client.get("/api/runs", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.json()["items"] == []
            assert "server" not in answer.headers
            taken = bms_process(home, "serve", "--port", address.rpartition(":")[2])
            assert taken.status == 1
            assert "is taken: another program listens on it, perhaps `bms serve`." in taken.sentence
    finally:
        process.send_signal(signal.SIGINT)
        said = ended(process)
    assert said.status == 0
    assert "Runs under way are interrupted; they go on with the next `bms serve`." in said.text
    assert said.err == "", "no log of who asked for what"
    assert TOKEN not in said.out


def test_a_reader_of_events_does_not_hold_it_up(home: Path):
    """Whoever follows a run is let go before the server waits for answers under way."""
    process = start(home, "serve", "--port", "0", env={"PYTHONUNBUFFERED": "1"})
    try:
        address = address_said(process)
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            run = client.post("/api/runs", json={"story": "therapy-8b"}).json()["id"]
            headers = {"Accept": "text/event-stream"}
            with client.stream("GET", f"/api/runs/{run}/events", headers=headers) as stream:
                assert stream.status_code == 200
                lines = stream.iter_lines()
                assert next(lines)
                process.send_signal(signal.SIGINT)
                for _ in lines:
                    pass
    finally:
        said = ended(process)
    assert said.status == 0
    assert "Cancel" not in said.err, "nothing had to be broken off"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])
def test_another_address_needs_a_token(bms: Bms, host: str):
    said = bms("serve", "--host", host)
    assert said.status == 2
    assert "other machines can connect, which needs a token. Set BMS_TOKEN to at least 16" in said.sentence


def test_a_short_token_is_refused_and_not_repeated(bms: Bms, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_TOKEN", "hunter2")
    said = bms("serve", "--host", "0.0.0.0")
    assert said.status == 2
    assert "BMS_TOKEN" in said.err
    assert "hunter2" not in said.err


def test_an_address_of_another_machine(bms: Bms, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BMS_TOKEN", TOKEN)
    said = bms("serve", "--host", "192.0.2.1")
    assert said.status == 2
    assert "192.0.2.1 is no address of this machine." in said.sentence


def test_a_taken_port(taken: int):
    with pytest.raises(Fault, match=f"Port {taken} is taken") as refused:
        listening("127.0.0.1", taken)
    assert refused.value.exit_code == 1


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(WrongUse, match=r"models\.lan is no address of this machine"):
        listening("models.lan", 0)


def test_a_free_port_is_found():
    with listening("127.0.0.1", 0) as one, listening("::1", 0) as other:
        assert one.getsockname()[1] > 0
        assert other.family is socket.AF_INET6


def test_nothing_of_the_service_is_imported_for_the_help(capsys: pytest.CaptureFixture[str]):
    code = (
        "import sys, agent.commands.serve, agent.settings; agent.settings.load_settings(); "
        "print([m for m in ('uvicorn', 'fastapi', 'starlette') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    assert "--open" in capsys.readouterr().out
