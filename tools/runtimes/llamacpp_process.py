"""The process in which the embedded llama.cpp runs: its start, its end, and what it died of."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.runtimes.openai_faults import out_of_memory_fault
from tools.runtimes.wire import looks_out_of_memory, tidy
from tools.secrecy import without_secrets

WHO = "The embedded llama.cpp"
ALIAS = "embedded"
STOP_SECONDS = 5.0
DEATH_SECONDS = 10.0
"""How long a process that is killed may take to end: it gives gigabytes back, where there are none left."""
LOG_BYTES = 16_384
WORKER = Path(__file__).with_name("llamacpp_worker.py")

_SIGNALS = {int(one): one.name for one in signal.Signals}
_REASON = re.compile(r"error loading model: (.+)|error: (.+)", re.IGNORECASE)


class Order(NamedTuple):
    """What the process is to run."""

    path: Path
    context: int
    threads: int | None
    cache_prompt: bool


class EmbeddedServer:
    """A running llama.cpp, reached over HTTP on loopback with a key that nobody else knows."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.key = secrets.token_urlsafe(32)
        self.address = ""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 – closed by stop()
        # "-P": the worker's directory must not come before the standard library.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=without_secrets(os.environ),
            # A Ctrl-C in the terminal is for the parent, which ends this process in its own time.
            start_new_session=True,
        )

    @classmethod
    async def start(cls, order: Order, *, seconds: float) -> Self:
        """Start a server and load the model; a :class:`RuntimeFault` says why that was not possible."""
        server = cls(order)
        try:
            async with asyncio.timeout(seconds):
                answer = await asyncio.to_thread(server._send_order)
        except TimeoutError:
            await server.stop(kill=True)
            raise RuntimeFault(
                RuntimeFaultKind.TIMEOUT,
                f"{WHO} did not load {order.path.name} within {seconds:g} seconds.",
                "Use a smaller model, or a faster disk.",
            ) from None
        except asyncio.CancelledError:
            await server.stop(kill=True)
            raise
        if "address" not in answer:
            await asyncio.to_thread(server._end)
            fault = server._load_fault(answer.get("error"))
            await server.stop()
            raise fault
        server.address = str(answer["address"])
        return server

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    async def died(self, seconds: float = DEATH_SECONDS) -> bool:
        """Whether the process has ended by itself; its connections break a little earlier than it ends."""
        try:
            await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def death(self) -> RuntimeFault:
        """The fault for a process that ended by itself."""
        code = self._process.poll()
        if code == -9:
            return out_of_memory_fault(WHO, ", most likely: the system has killed it.")
        words = self._words()
        if looks_out_of_memory(words):
            return out_of_memory_fault(WHO, f": {words.rstrip('.')}.")
        how = _SIGNALS.get(-(code or 0), f"exit code {code}")
        return RuntimeFault(
            RuntimeFaultKind.SERVER_ERROR,
            f"{WHO} crashed ({how})" + (f": {words.rstrip('.')}." if words else "."),
            "Try again; if it happens again, use another quantization or another runtime.",
        )

    async def stop(self, *, kill: bool = False) -> None:
        """End the process; it is gone when this returns."""
        if kill:
            self._process.kill()
        await asyncio.shield(asyncio.to_thread(self._end))
        self._log.close()

    def _send_order(self) -> dict[str, Any]:
        stdin, stdout = self._pipes()
        order = {**self.order._asdict(), "path": str(self.order.path), "alias": ALIAS, "key": self.key}
        try:
            stdin.write(json.dumps(order).encode() + b"\n")
            stdin.flush()
            answer = json.loads(stdout.readline())
        except (OSError, ValueError):
            return {}
        return answer if isinstance(answer, dict) else {}

    def _end(self) -> None:
        stdin, stdout = self._pipes()
        with contextlib.suppress(OSError):  # it may have gone first
            stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        stdout.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _load_fault(self, error: str | None) -> RuntimeFault:
        if error is None:
            return self.death()
        words = self._words() or tidy(error)
        if looks_out_of_memory(words):
            return out_of_memory_fault(WHO, f": {words.rstrip('.')}.")
        return RuntimeFault(
            RuntimeFaultKind.BAD_REPLY,
            f"{WHO} cannot load {self.order.path.name}: {words.rstrip('.')}.",
            "Pull the model again, or choose another file.",
        )

    def _words(self) -> str:
        """The log's best explanation of what went wrong."""
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - LOG_BYTES))
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        for line in lines:
            reason = _REASON.search(line)
            if reason is not None:
                return tidy(reason[1] or reason[2])
        memory = [line for line in lines if looks_out_of_memory(line)]
        return tidy((memory or lines or [""])[-1])
