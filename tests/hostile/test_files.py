"""Hostile files, names and places: each gets a sentence, and nothing outside of its place is changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cassettes import played
from agent.commands import common
from agent.settings import load_settings
from agent.story import load_story
from agent.verdict_file import Lines as VerdictLines
from store import runs
from store.database import Database
from tests.hostile.cases_files import (
    DOCUMENTS,
    HEADERS,
    LINES,
    MODEL_NAMES,
    OTHERS,
    PLACES,
    RECORDINGS,
    RUN_NAMES,
    STORY_NAMES,
    TAGS,
    TARGETS,
    Document,
    Header,
    Lines,
    Name,
    Other,
    Place,
    Recording,
    Target,
)
from tests.hostile.kinds import BOUNDED, REFUSED, USED
from tests.standins.report_data import report, result, rows_of
from tools.faults import Fault, WrongUse
from tools.knowledge.loader import knowledge_text
from tools.report import write_document
from tools.responses import load_responses
from tools.rubric import load_rubric
from tools.runtimes.files import DigestCache
from tools.runtimes.gguf_header import GgufError, read_gguf_header
from tools.runtimes.gguf_names import HubFile, parse_gguf_name
from tools.runtimes.llamacpp import LlamaCppRuntime
from tools.scenario_files import load_scenarios, read_lines
from tools.taxonomy_reading import load_taxonomy
from tools.whole_files import open_file, write_whole
from tools.yaml_lines import parse, read_text

MEMORY = 80_000_000
"""Bytes that reading a hostile file may take; the worst of them would be gigabytes."""


def named(case: Any) -> str:
    return str(case.name)


def check(fault: Fault, says: str) -> None:
    """A sentence that names what is wrong, and fits a terminal."""
    assert re.search(says, fault.sentence), fault.sentence
    assert len(fault.sentence) < 6_000
    assert "Traceback" not in fault.sentence


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@contextlib.contextmanager
def powerless() -> Iterator[Path]:
    """A folder that anybody may enter, and no more power than anybody has: root may write everywhere."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65_534)
        try:
            yield folder
        finally:
            os.seteuid(before)
            for path in [folder, *folder.rglob("*")]:
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)


@pytest.mark.parametrize("case", DOCUMENTS, ids=named)
def test_yaml_is_read_within_its_limits_or_refused_with_its_line(case: Document, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    if case.got == USED:
        assert parse(read_text(path), path.name)["a"] == 1
        return
    with pytest.raises(WrongUse) as caught:
        parse(read_text(path), path.name)
    check(caught.value, case.says)
    assert caught.value.sentence.startswith("f.yaml")


@pytest.mark.parametrize("case", LINES, ids=named)
def test_jsonl_is_read_within_its_limits_or_refused_with_its_line(case: Lines, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    case.write(path)
    with bounded_memory():
        if case.got == USED:
            assert load_scenarios(path)[0].message == "x"
            return
        with pytest.raises(WrongUse) as caught:
            load_scenarios(path)
    check(caught.value, case.says)
    assert "s.jsonl" in caught.value.sentence


@pytest.mark.parametrize("case", HEADERS, ids=named)
def test_a_gguf_head_that_lies_is_not_believed(case: Header) -> None:
    if case.got == REFUSED:
        with pytest.raises(GgufError, match=case.says):
            read_gguf_header(case.data)
        return
    with bounded_memory():
        header = read_gguf_header(case.data)
    kept = sum(len(value) for value in header.metadata.values() if isinstance(value, tuple))
    assert kept <= 200_000
    assert (0 < kept < 60 * 4_096) or case.got != BOUNDED
    assert all("\x00" not in value for value in header.metadata.values() if isinstance(value, str))
    assert header.shape is None


@pytest.mark.parametrize("case", MODEL_NAMES, ids=named)
def test_no_name_of_a_model_leads_out_of_its_folder(case: Name, tmp_path: Path) -> None:
    if case.got == REFUSED:
        with pytest.raises(WrongUse) as caught:
            parse_gguf_name(case.text)
        check(caught.value, "no name|several files")
        assert caught.value.sentence.isprintable()
        return
    found = parse_gguf_name(case.text)
    assert isinstance(found, HubFile)
    assert found.place_in(tmp_path).resolve().is_relative_to(tmp_path)


@pytest.mark.parametrize("case", TAGS, ids=named)
def test_no_tag_leads_to_another_address(case: Name) -> None:
    from tools.registry import parse_tag

    found = parse_tag(case.text)
    assert (found is None) is (case.got == REFUSED)


@pytest.mark.both_databases
def test_no_name_of_a_run_means_another_or_a_path(database: Database, run_id: str) -> None:
    own = {"a run that is there": run_id, "the beginning of its name": run_id[:-2]}
    for case in RUN_NAMES:
        with database.session() as session:
            if case.got == USED:
                assert runs.get(session, own[case.name]).id == run_id
                continue
            with pytest.raises(WrongUse) as caught:
                runs.get(session, case.text)
            check(caught.value, "There is no run")
            assert len(caught.value.sentence) < 300


@pytest.mark.parametrize("case", STORY_NAMES, ids=named)
def test_no_name_of_a_story_leads_out_of_its_folder(case: Name, tmp_path: Path) -> None:
    (tmp_path / "stories").mkdir()
    (tmp_path / "story.yaml").write_text("text: secret")
    with pytest.raises(WrongUse) as caught:
        load_story(case.text, tmp_path / "stories")
    check(caught.value, "not a name|no story")
    assert "secret" not in caught.value.sentence.replace("../secret", "")


@pytest.mark.parametrize("case", RECORDINGS, ids=named)
def test_a_story_of_somebody_elses_runs_nothing(case: Recording, tmp_path: Path) -> None:
    folder = tmp_path / "story"
    folder.mkdir()
    path = folder / case.file
    path.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    with bounded_memory(), pytest.raises(WrongUse) as caught, contextlib.ExitStack() as stack:
        _ = load_story("story", tmp_path) if case.file == "story.yaml" else stack.enter_context(played(path))
    check(caught.value, case.says)


def _precious(folder: Path) -> Path:
    path = folder / "precious"
    path.write_text("precious")
    return path


@pytest.mark.parametrize("case", PLACES, ids=named)
def test_a_document_is_written_where_it_was_meant_or_not_at_all(case: Place) -> None:
    with powerless() as folder:
        precious = _precious(folder)
        place = case.make(folder, precious)
        if case.got == USED:
            written = write_document(place, report([result(rows_of(3, 1))], run_id="r-1"))
            assert written.path.resolve().is_relative_to(folder.resolve())
            assert not any(path.is_symlink() for path in (written.path, *written.figures, *written.exports))
        else:
            with pytest.raises(Fault) as caught:
                write_document(place, report([result(rows_of(3, 1))], run_id="r-1"))
            check(caught.value, case.says)
            assert caught.value.next_step
        assert precious.read_text() == "precious"
        assert not list(folder.rglob(".base-model-evaluation-*"))


@pytest.mark.parametrize("case", TARGETS, ids=named)
def test_a_file_is_written_whole_where_it_was_named_or_not_at_all(
    case: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.whole_files.READER_SECONDS", 0.0)
    with powerless() as folder:
        precious = _precious(folder)
        path = case.make(folder, precious)
        if case.got == USED:
            write_whole("whole\n", path)
            assert not path.is_file() or path.read_text() == "whole\n"
        else:
            with pytest.raises(WrongUse) as caught:
                write_whole("whole\n", path)
            check(caught.value, case.says)
        assert precious.read_text() == "precious"
        assert not list(folder.rglob(".bms-*"))


def test_a_table_is_not_written_through_a_link(tmp_path: Path) -> None:
    from tools.whole_files import write_own

    precious = _precious(tmp_path)
    (tmp_path / "table.md").symlink_to(precious)
    with pytest.raises(WrongUse, match="is a link"):
        write_own("table", tmp_path / "table.md")
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(WrongUse, match="is a folder"):
        write_own("table", tmp_path / "table.csv")
    os.mkfifo(tmp_path / "table.json")
    with pytest.raises(WrongUse, match="is not a file"):
        write_own("table", tmp_path / "table.json")
    write_own("table\n", tmp_path / "table.html")
    assert (tmp_path / "table.html").read_text() == "table\n"
    assert precious.read_text() == "precious"


DEADLINE = 20
"""Seconds within which a file that is none is refused; waiting for it would take for ever."""


@contextlib.contextmanager
def at_once(path: Path) -> Iterator[None]:
    """Fail when this takes until the deadline; whoever waits for a pipe then is let go."""

    def late(*_: object) -> None:
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        pytest.fail(f"{path} was waited for")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(DEADLINE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _proved(path: Path) -> None:
    async def prove() -> None:
        runtime = LlamaCppRuntime(path.parent, threads=1)
        try:
            await runtime.prove(str(path), context=512)
        finally:
            await runtime.aclose()

    asyncio.run(prove())


def _played(path: Path) -> None:
    with played(path):
        pass


READERS: dict[str, Callable[[Path], object]] = {
    "a person's file": lambda path: common.read_text(path, "rubric"),
    "a rubric": load_rubric,
    "a taxonomy": load_taxonomy,
    "scenarios": load_scenarios,
    "answers": load_responses,
    "verdicts": VerdictLines,
    "labels": lambda path: list(read_lines(path)),
    "a GGUF file": _proved,
    "the digest of a file": lambda path: asyncio.run(DigestCache().digest(path)),
    "recordings": _played,
    "a story": lambda path: load_story(path.parent.name, path.parent.parent),
}


@pytest.mark.parametrize("case", OTHERS, ids=named)
def test_what_is_no_file_is_refused_at_once(case: Other, tmp_path: Path) -> None:
    folder = tmp_path / "story"
    folder.mkdir()
    path = folder / "story.yaml"
    gguf = folder / "model.gguf"
    case.make(path)
    case.make(gguf)
    for name, reader in READERS.items():
        given = gguf if name == "a GGUF file" else path
        with at_once(given), pytest.raises((Fault, OSError)) as caught:
            reader(given)
        sentence = getattr(caught.value, "sentence", None) or caught.value.strerror
        assert re.search(f"{case.says}|no readable recording", sentence), (name, sentence)


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}"])
def test_a_pipe_that_the_program_was_started_with_is_read(name: str) -> None:
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as stream:
            stream.write(b"whole\n")
        path = Path(name.format(reading))
        with pytest.raises(OSError, match="is a pipe"):  # it may be one that the program made for itself
            open_file(path)
        os.set_inheritable(reading, True)
        with at_once(path), open_file(path) as given:
            assert given.read() == b"whole\n"
    finally:
        os.close(reading)


def test_the_null_device_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (Path(os.devnull), tmp_path / "link"):
        with open_file(path) as stream:
            assert stream.read() == b""


def test_the_reader_of_a_pipe_may_come_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[int] = []
    monkeypatch.setattr(
        "tools.whole_files.time.sleep", lambda _: came.append(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    )
    write_whole("whole\n", pipe)
    monkeypatch.undo()
    assert os.read(came[0], 100) == b"whole\n"
    os.close(came[0])
    monkeypatch.setattr("tools.whole_files.READER_SECONDS", 0.0)
    with pytest.raises(WrongUse, match="nobody reads this pipe"):
        write_whole("whole\n", pipe)


def test_a_pipe_without_a_name_is_written_into() -> None:
    reading, writing = os.pipe()
    try:
        write_whole("whole\n", Path(f"/dev/fd/{writing}"))
        assert os.read(reading, 100) == b"whole\n"
    finally:
        os.close(reading)
        os.close(writing)


FILE_OPTIONS = (
    ("run", "evaluate 8B models for coding", "--rubric"),
    ("run", "evaluate 8B models for coding", "--taxonomy"),
    ("run", "evaluate 8B models for coding", "--scenarios"),
    ("run", "evaluate 8B models for coding", "--system-prompt"),
    ("evaluate", "--domain", "coding", "--model", "openai:x", "--rubric"),
    ("scenarios", "--out", "made.jsonl", "--taxonomy"),
    ("judge", "--rubric", "r.yaml", "--out", "o.jsonl", "--responses"),
    ("judge", "--responses", "a.jsonl", "--out", "o.jsonl", "--rubric"),
    ("score", "--answers", "a.jsonl", "--rubric"),
    ("score", "--rubric", "r.yaml", "--answers"),
    ("rubric", "check"),
    ("rubric", "import", "--out", "o.yaml"),
)


@pytest.mark.parametrize("command", FILE_OPTIONS, ids=lambda one: f"{one[0]} {one[-1]}")
def test_a_pipe_is_no_file_for_any_command(
    command: tuple[str, ...], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.cli import main

    monkeypatch.chdir(home)
    good = Path("r.yaml")
    good.write_text(knowledge_text("therapy-coaching.rubric.yaml"))
    Path("a.jsonl").write_text('{"id": "a", "message": "x", "response": "y"}\n')
    pipe = home / "pipe"
    os.mkfifo(pipe)
    with at_once(pipe), pytest.raises(SystemExit) as left:
        main([*command, str(pipe)])
    assert left.value.code in {1, 2}
    told = capsys.readouterr().err
    assert "is a pipe and not a file" in told, told


def test_settings_do_not_wait_for_a_pipe(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    os.mkfifo("bms.toml")
    with at_once(home / "bms.toml"):
        assert load_settings().cache_days == 7.0
