"""What ``bms judge`` leaves behind: a line for each answer judged, and beside it every reply it was made of.

Lines are whole or absent: a line torn by the end of a process is cut off when the file is opened again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from tools.evaluation import AssessmentOutcome
from tools.faults import Fault, WrongUse
from tools.responses import Response
from tools.runtimes import ChatReply, ChatRequest
from tools.scenario_files import MAX_LINE_BYTES, read_lines

ANOTHER = "Name another file with --out."


class Instrument(NamedTuple):
    """With what answers are judged. Verdicts of two instruments do not go together in one file."""

    judge: str
    rubric_text: str
    per_criterion: bool

    @property
    def record(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.rubric_text.encode()).hexdigest()
        one_by_one = {"per_criterion": True} if self.per_criterion else {}
        return {"judge": self.judge, "rubric": f"sha256:{digest}", **one_by_one}

    def hash(self, response: Response) -> str:
        return response.hash(self.rubric_text, self.judge, str(self.per_criterion))


class Lines:
    """JSONL to which whole objects are appended, each handed to the system before the next begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: list[dict[str, Any]] = []
        """What the file holds already."""
        self.torn = False
        """Whether its last line was never finished."""
        self._created = not path.exists()
        self._whole = self._size = path.stat().st_size if path.is_file() else 0
        if path.exists():
            self._read()

    def _read(self) -> None:
        for number, raw in read_lines(self.path):
            try:
                record = json.loads(raw)
            except (ValueError, RecursionError):
                if not raw.endswith(b"\n"):
                    self.torn = True
                    self._whole -= len(raw)
                    return
                record = None
            if not isinstance(record, dict):
                raise _not_ours(self.path, number)
            self.records.append(record)

    def open(self) -> IO[bytes]:
        """Make the file ready for further lines; nothing is changed before that."""
        try:
            self._stream = self.path.open("r+b" if self.path.exists() else "w+b")
            if os.fstat(self._stream.fileno()).st_size != self._size:
                raise _busy(self.path)
            if self.torn:
                self._stream.truncate(self._whole)
            if self._whole and not self._ends_a_line():
                self._stream.write(b"\n")
            self._stream.seek(0, os.SEEK_END)
        except OSError as error:
            raise WrongUse(f"{self.path} cannot be written: {error.strerror}.", ANOTHER) from error
        return self._stream

    def drop_if_empty(self) -> None:
        """A file that this process made and wrote nothing into is no use to anybody."""
        with contextlib.suppress(OSError):
            if self._created and not self.path.stat().st_size:
                self.path.unlink()

    def keep_only(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Leave the other lines out of the file, whole, before it is made ready."""
        part = self.path.with_name(f".{self.path.name}.part")
        try:
            if self.path.stat().st_size != self._size:
                raise _busy(self.path)
            part.write_bytes(b"".join(map(_line, records)))
            self._whole = self._size = part.stat().st_size
            self.torn = False
            part.replace(self.path)
        except OSError as error:
            raise WrongUse(f"{self.path} cannot be written: {error.strerror}.", ANOTHER) from error

    def _ends_a_line(self) -> bool:
        self._stream.seek(self._whole - 1)
        return self._stream.read(1) == b"\n"

    def append(self, record: Mapping[str, Any]) -> bool:
        """False when the line would be too long to be read again; it is not written then."""
        line = _line(record)
        if len(line) > MAX_LINE_BYTES:
            return False
        try:
            self._stream.write(line)
            self._stream.flush()
        except OSError as error:
            raise Fault(
                f"{self.path} cannot be written: {error.strerror}.",
                "Mend that; the same command goes on where this one stopped.",
            ) from error
        return True


class VerdictFile:
    """The judged answers of one instrument, and the replies that they were made of. A context manager."""

    def __init__(self, path: Path, instrument: Instrument) -> None:
        self._instrument = instrument
        self._stack = contextlib.ExitStack()
        self._calls = Lines(path.with_name(f"{path.name}.calls.jsonl"))
        self._lines = Lines(path)
        self._replies = {
            one["key"]: one["reply"] for one in self._calls.records if {"key", "reply"} <= set(one)
        }
        self.asked = 0
        """Calls that were made by this process."""
        self.lines: dict[str, dict[str, Any]] = {}
        """The judged answers by id."""
        self.again: set[str] = set()
        """Answers whose judgement could not be used; they are judged anew, with no reply of before."""
        for number, line in enumerate(self._lines.records, 1):
            self._check(line, number)
            if line["outcome"] == AssessmentOutcome.JUDGE_ERROR.value:
                self.again.add(line["id"])
            else:
                self.lines[line["id"]] = line
        if self._lines.torn and not self._lines.records and not self._calls.path.exists():
            raise _not_ours(path, 1)

    def _check(self, line: dict[str, Any], number: int) -> None:
        mine = self._instrument.record
        if not {"id", "verdicts", "outcome", "hash", "judge", "rubric"} <= set(line):
            raise _not_ours(self._lines.path, number)
        if line["judge"] != mine["judge"]:
            raise WrongUse(
                f"{self._lines.path} holds verdicts by {line['judge']}, not {mine['judge']}.", ANOTHER
            )
        if line["rubric"] != mine["rubric"]:
            raise WrongUse(f"{self._lines.path} holds verdicts by another rubric.", ANOTHER)
        if line.get("per_criterion") != mine.get("per_criterion"):
            raise WrongUse(
                f"{self._lines.path} holds verdicts that were asked for in another way (--per-criterion).",
                ANOTHER,
            )

    def holds(self, response: Response) -> bool:
        """Whether this very answer is judged; :class:`WrongUse` when another one of its id is."""
        line = self.lines.get(response.id)
        if line is not None and line["hash"] != self._instrument.hash(response):
            raise WrongUse(
                f'{self._lines.path} holds verdicts on another message or answer of the id "{response.id}".',
                ANOTHER,
            )
        return line is not None

    def keep(self, response: Response, record: Mapping[str, Any]) -> None:
        """Append a judged answer."""
        line = {"id": response.id, **record, **self._instrument.record}
        line["hash"] = self._instrument.hash(response)
        if not self._lines.append(line):
            raise Fault(f'The verdicts on "{response.id}" are too long for one line.', "Shorten the rubric.")
        self.lines[response.id] = line

    def reply(self, judge: str, request: ChatRequest) -> ChatReply | None:
        """What ``judge`` said to this very request before."""
        stored = self._replies.get(_key(judge, request))
        return None if stored is None else ChatReply.model_validate(stored)

    def keep_reply(self, judge: str, request: ChatRequest, reply: ChatReply) -> None:
        key, record = _key(judge, request), reply.model_dump(mode="json", exclude={"thinking"})
        self._calls.append({"key": key, "judge": judge, "reply": record})
        self._replies[key] = record
        self.asked += 1

    @property
    def usage(self) -> dict[str, Any]:
        """What every call cost that this file was made with, the preflight's included."""

        def total(field: str) -> int | None:
            told = [reply[field] for reply in self._replies.values() if reply.get(field) is not None]
            return sum(told) if told else None

        return {
            "calls": len(self._replies),
            "calls_now": self.asked,
            **{field: total(field) for field in ("prompt_tokens", "cached_tokens", "completion_tokens")},
        }

    def __enter__(self) -> Self:
        calls = self._stack.enter_context(self._calls.open())
        _lock(calls, self._calls.path, self._lines.path)
        if self.again:
            self._lines.keep_only(list(self.lines.values()))
        self._stack.enter_context(self._lines.open())
        return self

    def __exit__(self, *_: object) -> None:
        # Under the lock; but Windows does not remove a file that is open.
        windows = sys.platform == "win32"
        if not windows:
            self._drop_empty()
        self._stack.close()
        if windows:
            self._drop_empty()

    def _drop_empty(self) -> None:
        for lines in (self._lines, self._calls):
            lines.drop_if_empty()


def _line(record: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        text = json.dumps(record).encode()
    return text + b"\n"


def _key(judge: str, request: ChatRequest) -> str:
    return hashlib.sha256(
        f"{judge}\0{request.model_dump_json()}".encode("utf-8", "surrogatepass")
    ).hexdigest()


def _not_ours(path: Path, number: int) -> WrongUse:
    return WrongUse(f"{path}, line {number}: this was not written by `bms judge`.", ANOTHER)


def _busy(path: Path) -> Fault:
    return Fault(f"Another process is judging into {path}.", f"Wait for it. {ANOTHER}")


def _lock(file: IO[bytes], beside: Path, path: Path) -> None:
    """Two processes that judge into one file would pay for everything twice."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(path) from None
    except OSError:  # some network file systems know no locks
        return
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(file.fileno()), beside.stat()):
            return
    raise _busy(path)  # the other process has removed the empty file since it was opened here
