"""``python -m tools.web.pdf_worker LIMITS``: a PDF on standard input, a :class:`PdfReading` on output.

A process of its own, because a PDF from the web is a program in disguise: it can ask for any amount of time
and memory. What is asked for beyond the limits ends this process and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdf import PdfReader


class PdfState(StrEnum):
    """How reading ended."""

    READ = "read"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    NO_TEXT = "no text"
    TOO_MUCH = "too much"


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """What one PDF may take."""

    pages: int = 100
    characters: int = 400_000
    cpu_seconds: int = 12
    """Pages are begun for so long; a page that goes on and on is ended a little later, by the system."""
    wall_seconds: float = 30.0
    memory_bytes: int = 768 * 1024 * 1024
    """Address space, which is more than what is really used."""


@dataclass(frozen=True, slots=True)
class PdfReading:
    """What came of it."""

    state: PdfState
    text: str = ""
    pages: int = 0
    """Pages of the document."""
    pages_read: int = 0


DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a parser of damaged objects stumbles over."""

WRAPPED = re.compile(r"[^\W\d_]-?$|,$")
"""The end of a line that goes on in the next one: a letter, a hyphenated letter or a comma."""
FULL_LINE = 40
"""Shorter lines are headings, list items and cells."""


def read(body: bytes, limits: PdfLimits) -> PdfReading:
    """The text of a PDF, page by page. An empty user password is tried: such files open for everybody."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, LimitReachedError, PyPdfError

    try:
        reader = PdfReader(BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            return PdfReading(PdfState.ENCRYPTED)
        return _pages(reader, limits)
    except DependencyError:  # a cipher of its own
        return PdfReading(PdfState.ENCRYPTED)
    except LimitReachedError:
        return PdfReading(PdfState.TOO_MUCH)
    except (*DAMAGE, PyPdfError):
        return PdfReading(PdfState.DAMAGED)


def _pages(reader: PdfReader, limits: PdfLimits) -> PdfReading:
    from pypdf.errors import LimitReachedError, PyPdfError

    total = len(reader.pages)
    texts: list[str] = []
    size = damaged = 0
    state = PdfState.NO_TEXT
    for number in range(min(total, limits.pages)):
        if size >= limits.characters or time.process_time() > limits.cpu_seconds:
            state = PdfState.TOO_MUCH
            break
        try:
            text = unwrapped(reader.pages[number].extract_text())
        except (MemoryError, LimitReachedError):
            state = PdfState.TOO_MUCH
            break
        except (*DAMAGE, PyPdfError):
            damaged += 1
            continue
        texts.append(text)
        size += len(text)
    whole = "\n\n".join(text for text in texts if text)[: limits.characters]
    if whole:
        state = PdfState.READ
    elif damaged and not texts:
        state = PdfState.DAMAGED
    return PdfReading(state, whole, total, len(texts))


def unwrapped(text: str) -> str:
    """Lines of a paragraph as one line, words parted at a line's end joined; short lines and rows stay."""
    return "\n".join(_joined(text.replace("\x00", "\ufffd").splitlines()))


def _joined(lines: list[str]) -> Iterator[str]:
    pending = ""
    full = False
    for line in lines:
        words = " ".join(line.split())
        if pending and full and words[:1].isalnum() and WRAPPED.search(pending):
            hyphenated = pending.endswith("-") and words[0].islower()
            pending = pending[:-1] + words if hyphenated else f"{pending} {words}"
        else:
            if pending:
                yield pending
            pending = words
        full = len(words) >= FULL_LINE
    if pending:
        yield pending


def _restrict(limits: PdfLimits) -> None:
    try:
        import resource
    except ImportError:  # Windows; the wall clock of whoever started this holds there too
        return
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds + 5),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(kind, (most, most))


def main() -> None:
    import pypdf  # noqa: F401 - before files can no longer be written, which keeps it compiled

    limits = PdfLimits(**json.loads(sys.argv[1]))
    _restrict(limits)
    try:
        reading = read(sys.stdin.buffer.read(), limits)
    except MemoryError:
        reading = PdfReading(PdfState.TOO_MUCH)
    sys.stdout.buffer.write(json.dumps(asdict(reading)).encode("ascii"))


if __name__ == "__main__":
    main()
