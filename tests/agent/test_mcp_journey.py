"""The whole journey by the protocol's own client: over standard input and output, and over HTTP."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.message import SessionMessage
from mcp_types import ElicitResult, JSONRPCRequest

from agent.settings import Settings
from store import orders
from tests.standins.command_line import ROOT, environment
from tests.standins.patience import PATIENCE, soon
from tests.standins.ports import Port
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine, listening, serving

COMMAND = ["-m", "agent.cli", "mcp"]


def started(home: Path) -> StdioServerParameters:
    """``bms mcp`` as a client starts it."""
    return StdioServerParameters(command=sys.executable, args=COMMAND, env=environment(home), cwd=ROOT)


class Driver:
    """A client's model that passes on what a person says."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[str] = []

    async def call(self, tool: str, **arguments: Any) -> Any:
        grows: list[float] = []

        async def note(done: float, _total: float | None, message: str | None) -> None:
            grows.append(done)
            self.told.append(message or "")

        answer = await self.client.call_tool(tool, arguments, progress_callback=note)
        assert not answer.is_error, answer.content[0].text
        assert all(later > earlier for earlier, later in itertools.pairwise(grows)), grows
        return answer.structured_content

    async def until(self, run: str, status: str, kind: str | None = None) -> Any:
        """Wait until the run asks that, or ends so."""
        for _ in range(20):
            seen = await self.call("wait", run=run, wait_seconds=10)
            if seen["status"] not in {"queued", "running"}:
                break
        asked = None if seen["waits_for"] is None else seen["waits_for"]["kind"]
        assert (seen["status"], asked) == (status, kind), seen
        return seen

    async def research(self) -> str:
        """From the request to the question about the table; the run."""
        begun = await self.call("research", story="therapy-8b", wait_seconds=0)
        waits = await self.until(begun["run"], "waiting", "approval")
        assert waits["replay_of"] == "therapy-8b"
        messages = " ".join(self.told)
        assert "queries" in messages
        assert "candidates accepted" in messages
        return str(begun["run"])

    async def approval(self, run: str) -> None:
        """What there is to see before a person approves, and the approval."""
        waits = await self.call("status", run=run)
        table = await self.call("table", run=run)
        assert table["hash"] == waits["waits_for"]["about"]["table_hash"]
        proposed = table["proposal"]["primary"]
        evidence = await self.call("evidence", run=run, model=proposed)
        assert evidence["key"] == proposed
        assert all(fact["said"] and fact["url"].startswith("http") for fact in evidence["facts"])
        await self.call(
            "approve", run=run, approved_by="Ada", table_hash=table["hash"], note="It suits the domain."
        )

    async def review(self, run: str, measured: int) -> str:
        """From the approval to the report; the document."""
        review = await self.until(run, "waiting", "review")
        sample = await self.call("answers", run=run)
        assert {one["scenario"] for one in sample["answers"]} <= set(review["waits_for"]["about"]["sample"])
        await self.call(
            "answer",
            run=run,
            kind="review",
            answered_by="Ada",
            prompt_id=review["waits_for"]["prompt_id"],
            notes="It listens before it advises.",
        )
        await self.until(run, "done")
        results = await self.call("results", run=run)
        proposed = results["results"][0]["candidate"]
        assert results["results"][0]["measured"] == measured
        status = await self.call("status", run=run)
        assert status["documents"]
        assert Path(status["documents"][0]).is_file()
        assert f"primary {proposed}: " in " ".join(self.told)
        document = ""
        offset: int | None = 0
        while offset is not None:
            part = await self.call("report", run=run, offset=offset)
            document, offset = document + part["markdown"], part["next_offset"]
        assert "It listens before it advises." in document
        return document


@pytest.mark.slow
async def test_over_stdio_a_client_drives_the_story_to_its_end(tmp_path: Path) -> None:
    async with Client(started(tmp_path)) as client:
        driver = Driver(client)
        run = await driver.research()
        await driver.approval(run)
        document = await driver.review(run, 49)
    assert "as an MCP client says" in document


@pytest.fixture
def short(waiting: Kept) -> Kept:
    """A run that waits for its approval, with two scenarios to answer."""
    return waiting.shortened()


class Person:
    """Says yes when their client asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, _context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        return ElicitResult(action="accept", content={"confirmed": True})


@pytest.mark.slow
async def test_over_http_clients_of_both_protocols_drive_a_run_to_its_end(short: Kept) -> None:
    person = Person()
    with serving(short.home) as served:
        url = f"{served.url}/mcp"
        async with Client(url, mode="legacy", elicitation_callback=person) as client:
            await Driver(client).approval(short.run_id)
        assert len(person.asked) == 1
        async with Client(url, mode="auto") as client:
            document = await Driver(client).review(short.run_id, 2)
    assert "confirmed over MCP" in document
    assert "Traceback" not in served.said


async def test_over_http_a_person_confirms_without_a_session(waiting: Kept) -> None:
    person = Person()
    with listening(Settings(home=waiting.home), engine=NoEngine()) as url:
        async with Client(f"{url}/mcp", mode="auto", elicitation_callback=person) as client:
            await Driver(client).approval(waiting.run_id)
    assert len(person.asked) == 1
    with waiting.opened() as database, database.reading() as session:
        assert [order.run_id for order in orders.all_open(session)] == [waiting.run_id]


@pytest.mark.slow
async def test_a_run_whose_client_left_is_gone_on_with_by_the_next(short: Kept) -> None:
    home, run = short.home, short.run_id
    async with Client(started(home)) as client:
        table = (await Driver(client).call("table", run=run))["hash"]
        await Driver(client).call("approve", run=run, approved_by="Ada", table_hash=table, note="")
        await soon(lambda: _driven(home))
    await soon(lambda: not _driven(home))  # a client ends its server when that takes its time
    with short.opened() as database, database.reading() as session:
        assert [order.run_id for order in orders.all_open(session)] == [run]
    async with Client(started(home)) as client:
        await Driver(client).until(run, "waiting", "review")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_standard_input_is_open(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + PATIENCE
        while not _catches(process.pid, number):
            assert time.monotonic() < until, "it does not begin"
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(PATIENCE) == 128 + number
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b""
        assert b"Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.communicate()


async def test_standard_output_has_the_protocol_alone(tmp_path: Path) -> None:
    async with stdio_client(started(tmp_path)) as (read, write):
        async with asyncio.timeout(PATIENCE):
            asked = JSONRPCRequest(jsonrpc="2.0", id=1, method="ping")
            await write.send(SessionMessage(asked))
            answer = await read.receive()
    assert isinstance(answer, SessionMessage), answer


async def test_alone_over_http_on_this_machine(tmp_path: Path) -> None:
    port = Port()
    process = subprocess.Popen(  # noqa: ASYNC220 - it only starts
        [sys.executable, *COMMAND, "--http", "--port", str(port.number)],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    url = f"http://127.0.0.1:{port.number}/mcp"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as curl:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        rebound = await curl.post(url, json={}, headers={"Host": "evil.example"})
                        break
                    except httpx.ConnectError:
                        assert process.poll() is None
                        await asyncio.sleep(0.05)
            crossed = await curl.post(url, json={}, headers={"Origin": "https://evil.example"})
            large = await curl.post(
                url, content=b"[" + b" " * 5_000_000, headers={"Content-Type": "application/json"}
            )
        assert [rebound.status_code, crossed.status_code, large.status_code] == [421, 403, 413]
        async with Client(url) as client:
            assert (await Driver(client).call("runs"))["total"] == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) in {0, 130, -signal.SIGINT}
    finally:
        process.kill()
        _, said = process.communicate()
        port.close()
    assert b"Traceback" not in said


async def test_in_the_service_the_guard_stands_before_it(tmp_path: Path) -> None:
    with listening(Settings(home=tmp_path), engine=NoEngine()) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as curl:
            rebound = await curl.post("/mcp", json={}, headers={"Host": "evil.example"})
            crossed = await curl.post("/mcp", json={}, headers={"Origin": "https://evil.example"})
            nonsense = await curl.post("/mcp", json={"jsonrpc": "2.0"})
    assert [rebound.status_code, crossed.status_code] == [421, 403]
    assert 400 <= nonsense.status_code < 500


def test_the_service_starts_without_importing_the_protocol() -> None:
    script = "import sys, agent.service.app; sys.exit('mcp' in sys.modules or 'mcp_types' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def _driven(home: Path) -> list[int]:
    """Processes that drive runs of this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if "agent.driven" in process.cmdline() and process.environ().get("BMS_HOME") == str(home):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler of its own, other than Python's for Ctrl-C, which it has at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1) and bool(caught >> (number - 1) & 1)
