"""Writing a file so that nobody ever reads half of it, and nothing else is written in its place."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from tools.faults import WrongUse


def write_whole(text: str, path: Path) -> None:
    """Put ``text`` into the file that a person named, in one step; a link is written through.

    Raises :class:`WrongUse` when it cannot be written.
    """
    check_file(path)
    try:
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_file():  # /dev/stdout, a pipe
            target.write_text(text, "utf-8")
            return
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
