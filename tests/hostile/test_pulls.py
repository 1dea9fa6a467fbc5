"""A Hub that sends without end, over a real socket: the pull ends, and the disk is as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hostile.cases_pulls import PULLS, Pulled, hub
from tests.hostile.peers import Peer, RawServer
from tools.runtimes import hub_files
from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.hub_files import MOST_BYTES, most_bytes
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


def _never(peer: Peer) -> None:
    raise AssertionError(peer.request)


def test_what_a_model_of_its_parameters_can_take() -> None:
    assert most_bytes(None) == most_bytes(10**18) == MOST_BYTES
    assert most_bytes(8_190_735_360) > 8_190_735_360 * 4
    assert most_bytes(8_190_735_360) < 50 * 10**9
