"""Large files: their SHA-256, and one writer at a time."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from pathlib import Path
from typing import IO, NamedTuple

from tools.runtimes.base import RuntimeFault, RuntimeFaultKind
from tools.whole_files import open_file

CHUNK_BYTES = 32 * 1024 * 1024

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class _Stamp(NamedTuple):
    """What changes when somebody writes a file."""

    path: Path
    size: int
    modified_ns: int


class DigestCache:
    """SHA-256 of files, computed again only when a file has changed."""

    def __init__(self) -> None:
        self._known: dict[_Stamp, str] = {}

    async def digest(self, path: Path) -> str:
        """``sha256:…`` of the file; raises :class:`OSError`."""
        stat = await asyncio.to_thread(path.stat)
        stamp = _Stamp(path, stat.st_size, stat.st_mtime_ns)
        if stamp not in self._known:
            with open_file(path) as file:
                sum_so_far = await hash_rest(file)
            self._known[stamp] = f"sha256:{sum_so_far.hexdigest()}"
        return self._known[stamp]


async def hash_rest(file: IO[bytes]) -> hashlib._Hash:
    """SHA-256 of what is left to read; a cancelled call stops at the next chunk."""
    sum_so_far = hashlib.sha256()

    def step() -> bool:
        chunk = file.read(CHUNK_BYTES)
        sum_so_far.update(chunk)
        return bool(chunk)

    while await asyncio.to_thread(step):
        pass
    return sum_so_far


def lock(file: IO[bytes], name: str) -> None:
    """Keep other processes from writing ``file``, until it is closed; a fault of kind BUSY when one does.

    Where locks are unknown (Windows, some network file systems) nothing is locked.
    """
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RuntimeFault(
            RuntimeFaultKind.BUSY, f"Another process is pulling {name}.", "Wait until it has finished."
        ) from None
    except OSError:
        return


def storage_fault(error: OSError, path: Path) -> RuntimeFault:
    """The fault for a file that could not be written or read."""
    if error.errno in _NO_SPACE:
        return RuntimeFault(
            RuntimeFaultKind.DISK_FULL,
            f"The disk is full: {path.name} could not be stored in {path.parent}.",
            "Free some space, or choose another directory for models; a second pull resumes.",
        )
    reason = error.strerror or type(error).__name__
    return RuntimeFault(
        RuntimeFaultKind.REJECTED, f"{path} cannot be used: {reason}.", "Check the path and its permissions."
    )
