"""The text of a PDF, extracted in a child process that may fail without harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import asdict

from tools.outcomes import FailReason
from tools.web.body import UnreadableError
from tools.web.pdf_worker import PdfLimits, PdfReading, PdfState

PDF_BYTES = 12_000_000
"""A PDF may be so large where a page may be of the default size."""
AT_ONCE = 2
"""Child processes at the same time."""
INHERITED = frozenset(
    {"PATH", "SYSTEMROOT", "HOME", "USERPROFILE", "APPDATA", "VIRTUAL_ENV"}
    | {"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "LD_LIBRARY_PATH"}
)
"""What Python needs to find itself; no token or key is handed on."""
STEP = "read it in a browser if it matters"

REFUSALS = {
    PdfState.ENCRYPTED: ("the PDF is encrypted and opens with a password only", FailReason.UNSUPPORTED),
    PdfState.NO_TEXT: (f"the PDF has pictures of pages and no text; {STEP}", FailReason.UNSUPPORTED),
    PdfState.DAMAGED: ("the PDF is damaged", FailReason.BAD_REPLY),
    PdfState.TOO_MUCH: (f"the PDF takes more memory or time than one may; {STEP}", FailReason.TOO_LARGE),
}


class PdfDesk:
    """Where PDFs are read, a few at a time."""

    def __init__(self, limits: PdfLimits | None = None) -> None:
        self._limits = limits or PdfLimits()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def read(self, body: bytes) -> PdfReading:
        """The text of ``body``, as far as the limits reach.

        Raises :class:`UnreadableError`: UNSUPPORTED for an encrypted PDF or one of pictures alone, BAD_REPLY
        for a damaged one, TOO_LARGE for one that takes more memory or time than it may.
        """
        async with self._turns:
            reading = await self._in_child(body)
        if reading.state is not PdfState.READ:
            raise UnreadableError(*REFUSALS[reading.state])
        return reading

    async def _in_child(self, body: bytes) -> PdfReading:
        # -P: a folder named "tools" where somebody happens to stand is not ours.
        command = (sys.executable, "-P", "-m", "tools.web.pdf_worker", json.dumps(asdict(self._limits)))
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            child = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=nowhere, env=_environment()
            )
        except OSError as error:
            sentence = f"no process could be started to read the PDF: {error.strerror}"
            raise UnreadableError(sentence, FailReason.UNSUPPORTED) from error
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                written, _ = await child.communicate(body)
        except TimeoutError:
            return PdfReading(PdfState.TOO_MUCH)
        finally:
            await _end(child)
        return _reading(child.returncode, written)


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await asyncio.shield(child.wait())


def _reading(code: int | None, written: bytes) -> PdfReading:
    """What the child wrote; one that the system ended took too much."""
    try:
        said = json.loads(written)
    except ValueError:
        return PdfReading(PdfState.DAMAGED if code == 1 else PdfState.TOO_MUCH)
    return PdfReading(**{**said, "state": PdfState(said["state"])})


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.upper() in INHERITED}
