"""A warm process that has imported everything and is forked for each process that a test needs.

Starting Python and importing LangGraph with our graph takes about one and a half seconds of a processor; a
fork of a process that has done it takes a few milliseconds. What comes out is a process of its own: with its
own number, working directory, environment and standard streams, really killed by ``kill -9``, and its exit
status is the real one::

    with Zygote() as zygote:  # or the fixture ``zygote``, one for the whole session
        process = zygote.start("agent.cli:main", "show", "RUN", cwd=home, env=environment(home))
        process.send_signal(signal.SIGKILL)
        said = ended(process)  # of tests.standins.command_line; communicate(), wait(), poll() as of Popen

A target is ``module:function``; it is called with the list of arguments, and what it returns or raises is the
exit status as with ``sys.exit``. What a module reads from the environment while it is imported it has read
from the zygote's, and nothing that is opened, no thread and no event loop may be left over by an import: the
zygote ends rather than fork with a second thread.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from tests.standins.patience import PATIENCE

ROOT = Path(__file__).parents[2]
PACKAGES = ("graphs", "store", "tools")
"""Imported whole."""
WARM = (
    "agent.cli",
    "agent.commands.journey",
    "agent.commands.look",
    "agent.commands.stories",
    "agent.drive",
    "agent.questions",
    "agent.replaying",
    "agent.services",
    "aiosqlite",
    "anyio._backends._asyncio",
    "ddgs.engines",
    "ddgs.http_client",
    "httpcore._async",
    "httpcore._sync",
    "h11",
    "huggingface_hub",
    "jinja2",
    "langchain_core.tracers.run_collector",
    "langgraph.checkpoint.sqlite.aio",
    "lxml.html",
    "ollama",
    "protego",
    "psutil",
    "psycopg_pool",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "tests.standins.stage",
    "vcr.stubs.httpx_stubs",
)
"""What else a drive imports sooner or later."""
FRAME = struct.Struct("!I")
ENDING = struct.Struct("!id")
"""Exit status as ``Popen.returncode`` has it, and seconds of processor time."""


class Forked:
    """A process that a zygote was forked for; used as a :class:`subprocess.Popen` with pipes and text."""

    def __init__(self, target: str, pid: int, stdin: int | None, out: int, err: int, ending: int) -> None:
        self.args = target
        self.pid = pid
        self.returncode: int | None = None
        self.cpu_seconds = 0.0
        """Of a processor, known with the exit status."""
        self.stdin = None if stdin is None else os.fdopen(stdin, "w", encoding="utf-8")
        self.stdout = os.fdopen(out, "r", encoding="utf-8", errors="replace")
        self.stderr = os.fdopen(err, "r", encoding="utf-8", errors="replace")
        self._read = {self.stdout: BytesIO(), self.stderr: BytesIO()}
        self._ending = ending
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self.returncode is not None:
                return self.returncode
            with selectors.DefaultSelector() as selector:
                selector.register(self._ending, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
            read = os.read(self._ending, ENDING.size)
            if not read:
                raise RuntimeError("the zygote has died")
            self.returncode, self.cpu_seconds = ENDING.unpack(read)
            os.close(self._ending)
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing happens when it has ended; the zygote, its parent, may not have noticed yet."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        """What it writes to both streams until it has ended."""
        until = None if timeout is None else time.monotonic() + timeout
        if self.stdin is not None and not self.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.write(input or "")
                self.stdin.close()
        read = self._read
        with selectors.DefaultSelector() as selector:
            for stream in read:
                if not stream.closed:
                    selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                left = None if until is None else until - time.monotonic()
                ready = selector.select(left)
                if not ready and left is not None and left <= 0:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    read[key.fileobj].write(data)  # type: ignore[index]
                    if not data:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
        self.wait(None if until is None else max(0.0, until - time.monotonic()))
        out, err = (stream.getvalue().decode("utf-8", "replace") for stream in read.values())
        return out, err


class Zygote:
    """The warm process; a context manager. Every process that it was forked for dies with it.

    ``modules`` are imported beside what a drive needs; ``env`` is what imports see of the environment.
    """

    def __init__(self, *modules: str, env: Mapping[str, str] | None = None) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.standins.zygote", str(theirs.fileno()), *WARM, *modules],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("BMS_")},
                "LANGGRAPH_STRICT_MSGPACK": "true",
                "HF_HUB_DISABLE_TELEMETRY": "1",
                "OPENBLAS_NUM_THREADS": "1",  # numpy would begin threads when it is imported
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(
        self,
        target: str,
        *arguments: str,
        cwd: Path | str = ROOT,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
    ) -> Forked:
        """A process that calls ``target``. ``stdin`` is nothing, or ``subprocess.PIPE``; without ``env`` it
        has this process's environment."""
        from_us, ours_in = os.pipe()
        out, ours_out = os.pipe()
        err, ours_err = os.pipe()
        ending, told = os.pipe()
        theirs = (from_us, ours_out, ours_err, told)
        wish = {
            "target": target,
            "arguments": list(arguments),
            "cwd": str(cwd),
            "env": dict(os.environ if env is None else env),
        }
        body = json.dumps(wish).encode()
        try:
            with self._lock:
                socket.send_fds(self._socket, [FRAME.pack(len(body))], theirs)
                self._socket.sendall(body)
                answer = _exactly(self._socket, FRAME.size)
        finally:
            for number in theirs:
                os.close(number)
        if stdin != subprocess.PIPE:
            os.close(ours_in)
        pid = FRAME.unpack(answer)[0]
        return Forked(target, pid, ours_in if stdin == subprocess.PIPE else None, out, err, ending)

    def bms(self, *arguments: str, cwd: Path | str = ROOT, env: Mapping[str, str] | None = None) -> Forked:
        """``bms ARGUMENTS``."""
        return self.start("agent.cli:main", *arguments, cwd=cwd, env=env)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _exactly(source: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        more = source.recv(size - len(read))
        if not more:
            raise RuntimeError("the zygote has died")
        read += more
    return read


class _Nest:
    """The zygote's own side: forks, and tells of the end of what it has forked. It has one thread."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._endings: dict[int, int] = {}
        """By process, where its end is told."""
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)

    def serve(self) -> None:
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._reap()
                if self._control in ready and not self._fork():
                    break
        for pid in self._endings:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._endings:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            told = self._endings.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                seconds = used.ru_utime + used.ru_stime
                os.write(told, ENDING.pack(os.waitstatus_to_exitcode(status), seconds))
            os.close(told)

    def _fork(self) -> bool:
        head, streams, _, _ = socket.recv_fds(self._control, FRAME.size, 4)
        if not head:
            return False
        head += _exactly(self._control, FRAME.size - len(head)) if len(head) < FRAME.size else b""
        wish = json.loads(_exactly(self._control, FRAME.unpack(head)[0]))
        alone = threading.active_count() == 1 and _threads() == 1
        if not alone:
            raise RuntimeError(f"the zygote has threads: {threading.enumerate()}, {_threads()} in all")
        pid = os.fork()
        if pid == 0:
            self._become(wish, streams)
        *of_child, told = streams
        for number in of_child:
            os.close(number)
        self._endings[pid] = told
        self._control.sendall(FRAME.pack(pid))
        return True

    def _become(self, wish: Mapping[str, Any], streams: Sequence[int]) -> None:
        """What happens in the child; it does not return."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # A test session that was begun in the background ignores Ctrl-C.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._control.close()
            *standard, told = streams
            for number in (self._woken, self._wake, told, *self._endings.values()):
                os.close(number)
            os.setsid()
            for place, number in enumerate(standard):
                os.dup2(number, place)
                os.close(number)
            sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
            sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
            sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
                2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
            )
            os.environ.clear()
            os.environ.update(wish["env"])
            os.chdir(wish["cwd"])
            status = _called(wish["target"], wish["arguments"])
        finally:
            os._exit(status)


def _called(target: str, arguments: list[str]) -> int:
    """The exit status of ``target``, with everything done that Python does at its end but tidying memory."""
    module, _, name = target.partition(":")
    sys.argv = [module, *arguments]
    try:
        code = getattr(importlib.import_module(module), name)(arguments)
    except SystemExit as ending:
        code = ending.code
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - as Python itself does where nobody caught it
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return code or 0


def _threads() -> int:
    """Threads of this process, those of other languages too; 1 where the system does not tell."""
    with contextlib.suppress(FileNotFoundError):
        return len(os.listdir("/proc/self/task"))
    return 1


def _warm_up(modules: Sequence[str]) -> None:
    for package in PACKAGES:
        found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        for module in found:
            if ".migrations" not in module.name:
                importlib.import_module(module.name)
    for name in modules:
        importlib.import_module(name)


if __name__ == "__main__":
    _warm_up(sys.argv[2:])
    gc.collect()
    gc.freeze()
    _Nest(socket.socket(fileno=int(sys.argv[1]))).serve()
