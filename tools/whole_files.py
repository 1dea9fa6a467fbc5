"""Reading what is a file and nothing else; writing one so that nobody ever reads half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import time
from pathlib import Path
from typing import IO

from tools.faults import WrongUse

READER_SECONDS = 5.0
"""How long the reader of a pipe may take to come: a shell starts it beside whoever writes."""

_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_GIVEN = re.compile(r"/dev/stdin|/(?:dev|proc/self)/fd/([0-9]{1,6})")
_OTHERS = {
    stat.S_IFIFO: "it is a pipe and not a file; write into a file what comes out of it",
    stat.S_IFSOCK: "it is a socket and not a file",
    stat.S_IFCHR: "it is a device and not a file",
    stat.S_IFBLK: "it is a device and not a file",
    stat.S_IFDIR: os.strerror(errno.EISDIR),
}


def open_file(path: str | Path) -> IO[bytes]:
    """Open a file for reading, at once: a pipe that nobody writes into would be waited for.

    A pipe that this program was started with (``/dev/stdin``, and ``/dev/fd/63`` as a shell writes ``<(…)``)
    is read as it comes, and the null device is empty. Raises :class:`OSError`, also for other pipes, sockets,
    devices and folders, with words for ``strerror``.
    """
    try:
        found = os.stat(path)
        given = _given_pipe(path, found)
        if given is not None:
            handle = os.dup(given)
            os.set_blocking(handle, True)
            return os.fdopen(handle, "rb")
        if _is_null(found):
            return open(os.devnull, "rb")
        check_kind(found.st_mode)  # before it is opened, which for a device may do something
        handle = os.open(path, os.O_RDONLY | _AT_ONCE)
    except ValueError as error:  # a NUL in its name
        raise OSError(errno.EINVAL, "it has a name that no file has") from error
    try:
        check_kind(os.fstat(handle).st_mode)  # it may have been changed for another meanwhile
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _given_pipe(path: str | Path, found: os.stat_result) -> int | None:
    """The descriptor that ``path`` names when it is a pipe, and from whoever started this program."""
    named = _GIVEN.fullmatch(str(path))
    if named is None or not stat.S_ISFIFO(found.st_mode):
        return None
    handle = int(named[1] or 0)
    # What this program opens itself is not inheritable; its own pipes would be waited for without end.
    return handle if os.get_inheritable(handle) else None


def _is_null(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev


def check_kind(mode: int) -> None:
    """Raise :class:`OSError` when the ``st_mode`` is not a file's."""
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, _OTHERS.get(stat.S_IFMT(mode), "it is not a file"))


def write_whole(text: str, path: Path) -> None:
    """Put ``text`` into the file that a person named, in one step; a link is written through.

    Raises :class:`WrongUse` when it cannot be written.
    """
    check_file(path)
    try:
        if path.exists() and not path.is_file():  # /dev/stdout, a pipe
            _write_at_once(path, text)
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, text)
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the file cannot be made"
        raise WrongUse(f"{path} cannot be written: {reason}.", "Name another file.") from error


def write_own(text: str, path: Path) -> None:
    """Put ``text`` into a file that this program names, in one step.

    Whoever named the folder did not mean what a link in it leads to, so a link is refused. Raises
    :class:`WrongUse` for it, :class:`OSError` when the file cannot be written.
    """
    if path.is_symlink():
        raise WrongUse(
            f"{path} is a link; writing through it would change a file somewhere else.",
            "Remove the link, or name another folder with --out.",
        )
    check_file(path)
    if path.exists() and not path.is_file():
        raise WrongUse(f"{path} is not a file.", "Move it away, or name another folder with --out.")
    _replace(path, text)


def check_file(path: Path) -> None:
    """Raise :class:`WrongUse` when ``path`` is a folder."""
    try:
        folder = path.is_dir()
    except OSError:  # a name too long: whoever writes is told
        return
    if folder:
        raise WrongUse(f"{path} cannot be written: it is a folder.", "Name a file in it.")


def _write_at_once(path: Path, text: str) -> None:
    # A pipe that nobody reads would be waited for; one that somebody reads slowly is.
    handle = _open_at_once(path)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
        os.set_blocking(handle, True)
        stream.write(text)


def _open_at_once(path: Path) -> int:
    late = time.monotonic() + READER_SECONDS
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_TRUNC | _AT_ONCE)
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo():
                raise
            if time.monotonic() >= late:
                step = "Start what reads it first, or name a file."
                raise WrongUse(f"{path} cannot be written: nobody reads this pipe.", step) from error
        time.sleep(0.05)


def _replace(path: Path, text: str) -> None:
    # A name that nobody can foresee: in a folder of many people's, one could lie there as a link.
    handle, part = tempfile.mkstemp(prefix=".bms-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(part, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _umask() -> int:
    mask = os.umask(0o077)  # strict for the moment, should another thread make a file meanwhile
    os.umask(mask)
    return mask
