"""A Hub that sends without end, over a real socket: the pull ends, and the disk is as it was."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tests.hostile.cases_pulls import PULLS, Pulled, hub
from tests.hostile.peers import Peer, RawServer
from tools.runtimes import hub_files
from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.gguf_names import HubFile
from tools.runtimes.hub_files import MOST_BYTES, ProvedFile, _Growing, most_bytes
from tools.runtimes.llamacpp import LlamaCppRuntime

NAME = "somebody/tiny-GGUF/tiny.gguf"
ON_THE_WAY = 12_000_000
"""Bytes that buffers may hold beside what was read; an endless peer sends four times that."""
STORED = Path("somebody", "tiny-GGUF")


async def pulled(address: str, models: Path) -> None:
    runtime = LlamaCppRuntime(models, hub_endpoint=address, threads=1)
    try:
        async for _ in runtime.pull(await runtime.prove(NAME, context=1024)):
            pass
    finally:
        await runtime.aclose()


@pytest.mark.parametrize("case", PULLS, ids=lambda case: str(case.name))
async def test_a_pull_without_a_size_is_bounded(
    case: Pulled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_files, "MOST_BYTES", 3_000_000)
    monkeypatch.setattr(hub_files, "SLACK_BYTES", 1_000_000)
    if case.impatient:
        monkeypatch.setattr(hub_files, "METADATA_SECONDS", 0.5)
        monkeypatch.setattr(hub_files, "STALL_SECONDS", 0.5)
    if case.full_disk:
        monkeypatch.setattr(hub_files, "RESERVE_BYTES", 10**18)
    stored = tmp_path / STORED
    if case.part is not None:
        stored.mkdir(parents=True)
        (stored / "tiny.gguf.0123456789abcdef.part").write_bytes(bytes(case.part))
    with RawServer(case.script) as server:
        with pytest.raises(RuntimeFault) as caught:
            await pulled(server.address, tmp_path)
        assert server.sent < ON_THE_WAY + 3_000_000
    fault = caught.value
    assert fault.kind is case.kind, fault.sentence
    assert re.search(case.says, fault.sentence), fault.sentence
    assert fault.next_step
    assert [path.suffix for path in stored.glob("*")] == ([".part"] if case.kept else [])


async def test_a_file_that_grew_since_it_was_approved_is_not_pulled(tmp_path: Path) -> None:
    sizes = iter(("1000000", str(10**15)))

    def script(peer: Peer) -> None:
        if peer.request.startswith(b"HEAD"):
            return hub(_never, announced=int(next(sizes)))(peer)
        return hub(_never)(peer)

    with RawServer(script) as server, pytest.raises(RuntimeFault) as caught:
        await pulled(server.address, tmp_path)
    assert caught.value.kind is RuntimeFaultKind.DIGEST_MISMATCH
    assert "1,000,000 bytes then, 1,000,000,000,000,000 now" in caught.value.sentence
    assert not (tmp_path / STORED).exists()


@pytest.mark.parametrize(
    ("announced", "kind", "kept"),
    [(1_000_000, RuntimeFaultKind.INTERRUPTED, True), (10**15, RuntimeFaultKind.BAD_REPLY, False)],
)
async def test_a_size_that_is_announced_after_the_approval_is_used(
    tmp_path: Path, announced: int, kind: RuntimeFaultKind, kept: bool
) -> None:
    sizes = iter((None, announced))

    def cut(peer: Peer) -> None:
        peer.head("Connection: close")
        peer.send(b"x" * 500_000)

    def script(peer: Peer) -> None:
        hub(cut, announced=next(sizes) if peer.request.startswith(b"HEAD") else None)(peer)

    with RawServer(script) as server, pytest.raises(RuntimeFault) as caught:
        await pulled(server.address, tmp_path)
    assert caught.value.kind is kind, caught.value.sentence
    assert [path.suffix for path in (tmp_path / STORED).glob("*")] == ([".part"] if kept else [])


HERE = b"GGUF"
"""What an earlier pull left."""


@pytest.fixture
def growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Growing]:
    """A partial file without an announced size, on a disk with 50 bytes left."""
    monkeypatch.setattr(hub_files.shutil, "disk_usage", lambda _: SimpleNamespace(free=50))
    proved = ProvedFile(HubFile("somebody/tiny-GGUF", "tiny.gguf", "main"), "", None, None)
    with (tmp_path / "part").open("a+b") as file:
        file.write(HERE)
        file.flush()
        yield _Growing(file, hashlib.sha256(HERE), len(HERE), proved, 1_000)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RuntimeFaultKind.BUSY),
        (503, RuntimeFaultKind.SERVER_ERROR),
        (401, RuntimeFaultKind.REJECTED),
        (404, RuntimeFaultKind.NOT_FOUND),
        (200, RuntimeFaultKind.BAD_REPLY),
        (206, RuntimeFaultKind.BAD_REPLY),
    ],
)
def test_a_packed_reply_is_told_by_its_status_and_costs_nothing(
    growing: _Growing, tmp_path: Path, status: int, kind: RuntimeFaultKind
) -> None:
    with pytest.raises(RuntimeFault) as caught:
        growing.begin(httpx.Response(status, headers={"Content-Encoding": "gzip", "Retry-After": "55"}))
    assert caught.value.kind is kind
    assert caught.value.retry_after_seconds == (55 if status == 429 else None)
    assert (tmp_path / "part").read_bytes() == HERE


@pytest.mark.parametrize("coding", ["identity", "aws-chunked", "Identity, aws-chunked"])
def test_a_body_that_is_as_it_was_asked_for_is_no_packed_one(
    growing: _Growing, tmp_path: Path, coding: str
) -> None:
    growing.begin(httpx.Response(200, headers={"Content-Encoding": coding, "Content-Length": "30"}))
    growing._write(b"x" * 30)
    assert (tmp_path / "part").read_bytes() == b"x" * 30


def test_a_rest_is_pulled_where_it_fits_and_kept_where_it_does_not(growing: _Growing, tmp_path: Path) -> None:
    def begin(*length: tuple[str, str]) -> None:
        growing.begin(
            httpx.Response(206, headers=[("Content-Range", f"bytes {growing.completed}-99/*"), *length])
        )

    begin(("Content-Length", "50"))
    growing._write(b"x" * 50)
    kept = (tmp_path / "part").read_bytes()
    begin()
    for more in (
        lambda: growing._write(b"x"),
        lambda: begin(("Content-Length", "51")),
    ):
        with pytest.raises(RuntimeFault, match="are needed to go on") as caught:
            more()
        assert type(caught.value) is RuntimeFault  # of which the part is kept
        assert caught.value.kind is RuntimeFaultKind.DISK_FULL
    growing.size = 200
    with pytest.raises(RuntimeFault, match="146 bytes are needed to go on"):
        begin()
    assert (tmp_path / "part").read_bytes() == kept == HERE + b"x" * 50


def _never(peer: Peer) -> None:
    raise AssertionError(peer.request)


def test_what_a_model_of_its_parameters_can_take() -> None:
    assert most_bytes(None) == most_bytes(10**18) == MOST_BYTES
    assert most_bytes(8_190_735_360) > 8_190_735_360 * 4
    assert most_bytes(8_190_735_360) < 50 * 10**9
