"""Wrong uses and failures: an exit status, one sentence, the next step, never a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.commands import common
from graphs import retry
from store import database as store_database
from store import evaluation, runs
from store.database import Database, sqlite_url
from tests.agent.conftest import Bms
from tests.standins.command_line import Said, bms_process, ended, start
from tests.standins.patience import PATIENCE
from tests.standins.replayed import Kept
from tests.standins.small_model import (
    MESSAGES,
    MODEL,
    NOTHING,
    Gate,
    Place,
    arguments,
    place,
)
from tests.standins.therapy_story import JUDGE, say
from tools.knowledge.loader import knowledge_text
from tools.search import duckduckgo

pytestmark = pytest.mark.usefixtures("elsewhere")

TEXT = "evaluate 8B models for therapy coaching"
RUBRIC = "therapy-coaching.rubric.yaml"
TAXONOMY = "therapy-coaching.taxonomy.yaml"


def assert_wrong(said: Said, sentence: str, *, status: int = 2) -> None:
    """The status, and exactly this sentence on standard error."""
    assert (said.status, said.sentence) == (status, f"Error: {sentence}")


def status_of(run_id: str, home: Path) -> str:
    with Database(sqlite_url(home / "bms.sqlite")) as database, database.reading() as session:
        return str(runs.get(session, run_id).status)


def the_run(home: Path) -> str:
    with Database(sqlite_url(home / "bms.sqlite")) as database, database.reading() as session:
        (row,) = runs.latest(session)
        return row.id


@pytest.fixture
def data(home: Path) -> Path:
    """The data directory of this test."""
    return home / "bms"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits: neither before a call is tried again, nor to be polite to a search engine."""
    monkeypatch.setattr(retry, "DELAYS", (0.0,) * len(retry.DELAYS))
    polite = duckduckgo.DuckDuckGo

    def hurried(**given: Any) -> duckduckgo.DuckDuckGo:
        return polite(**{**given, "min_interval_seconds": 0.0, "jitter_seconds": 0.0})

    monkeypatch.setattr(duckduckgo, "DuckDuckGo", hurried)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, impatient: None) -> Iterator[Place]:
    """A small model in a registry; no runtime is set."""
    with place() as opened:
        use(monkeypatch, opened.settings(None))
        yield opened


def use(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


# --- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("reserch", "research"), ("resum", "resume"), ("aprove", "approve"), ("demmo", "demo")],
)
def test_a_command_with_a_typing_error_is_not_taken_for_a_request(bms: Bms, typed: str, meant: str) -> None:
    said = bms(typed)
    assert said.status == 2
    assert said.sentence.endswith(f"Error: There is no command {typed!r}. Did you mean {meant!r}?")


@pytest.mark.parametrize("words", [("frobnicate",), ("asdf qwer zxcv",), ("run", "\x1b]0;owned\x07hm")])
def test_nonsense_is_no_request(bms: Bms, words: tuple[str, ...]) -> None:
    assert_wrong(
        bms(*words),
        "No request for evaluating models was found in this text. "
        "For example: evaluate 8B models for therapy coaching.",
    )
    assert bms("runs", "--json").json == []


@pytest.mark.parametrize("words", [("",), ("run",), ("run", "  "), ("research", "")])
def test_an_empty_request(bms: Bms, words: tuple[str, ...]) -> None:
    assert_wrong(bms(*words), "The request is empty. For example: evaluate 8B models for therapy coaching.")


def test_a_request_of_100_kilobytes(bms: Bms) -> None:
    assert_wrong(
        bms(f"{TEXT} " + "x" * 100_000),
        "The request is longer than 20,000 bytes; say in a few sentences what is wanted.",
    )


def test_a_request_that_is_no_text(bms: Bms) -> None:
    """Bytes that are no UTF-8 arrive as halves of surrogate pairs."""
    assert_wrong(
        bms(os.fsdecode(TEXT.encode() + b" \xff")), "The request is not text in UTF-8. Type it anew."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nope",),
        ("table",),
        ("runs", "--limit", "0"),
        ("run", "--count", "0", TEXT),
        ("run", "--runtime", "vllm", TEXT),
        ("show", "a", "b"),
    ],
)
def test_wrong_flags_and_arguments(bms: Bms, arguments: tuple[str, ...]) -> None:
    said = bms(*arguments)
    assert said.status == 2
    assert "Usage: bms" in said.err
    assert "--help' for help." in said.err


def test_evaluate_needs_a_domain_and_a_model(bms: Bms) -> None:
    assert_wrong(
        bms("evaluate", "--model", "qwen3:8b"),
        'A domain is needed: what should the model be good at? For example --domain "coding".',
    )
    assert_wrong(
        bms("evaluate", "--model", " ", "--domain", "coding"),
        "The model has no name. For example --model qwen3:8b.",
    )


@pytest.mark.parametrize(
    ("judge", "sentence"),
    [
        (
            "gemma3",
            "'gemma3' does not name a model. Write it as ollama:MODEL, llamacpp:MODEL, openai:MODEL.",
        ),
        (
            "gemma3:12b",
            "There is no provider 'gemma3'. Write the model as ollama:MODEL, llamacpp:MODEL, openai:MODEL.",
        ),
    ],
)
def test_a_judge_without_its_provider_is_told_before_anything_is_pulled(
    bms: Bms, monkeypatch: pytest.MonkeyPatch, judge: str, sentence: str
) -> None:
    assert_wrong(bms("run", TEXT, "--judge", judge), sentence)
    monkeypatch.setenv("BMS_JUDGE", judge)
    assert_wrong(bms("run", TEXT), sentence)
    assert bms("runs", "--json").json == []


@pytest.mark.parametrize("command", ["show", "table", "report", "resume", "cancel", "evidence", "approve"])
def test_a_run_that_does_not_exist(bms: Bms, command: str) -> None:
    more = {"evidence": ("qwen3",), "approve": ("--primary", "qwen3")}.get(command, ())
    assert_wrong(
        bms(command, "20260101-zzzzz", *more), "There is no run '20260101-zzzzz'. `bms runs` lists them."
    )


def test_stories_that_do_not_exist(bms: Bms) -> None:
    assert_wrong(
        bms("demo", "nope"), "There is no story 'nope'; there is: therapy-8b. `bms record` makes a new one."
    )
    assert_wrong(
        bms("demo", "../up"),
        "'../up' is not a name for a story. Use small letters, digits and hyphens: therapy-8b.",
    )
    assert_wrong(
        bms("record", "mine", TEXT, "--judge", "ollama:gemma3:12b"),
        "There is nobody to approve the models here. Say --yes to take the proposals.",
    )
    assert_wrong(
        bms("record", "mine", TEXT, "--yes"), "A story needs a judge. --judge provider:model names one."
    )


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"x = [", "bms.toml is not valid TOML: Invalid value (at end of document)."),
        (b"\xff\xfe", "bms.toml is not text in UTF-8."),
        (
            b'jugde = "x"',
            "bms.toml has 'jugde', which is no setting. There are home, database_url, brain, judge, runtime, "
            "runtimes, ollama_host, hub_endpoint, hub_token, openai_base_url, openai_api_key, registry_url, "
            "duckduckgo_url, searxng_url, search_engines, cache_days, leaderboards, allow_hosts, token, "
            "hosts, runs_at_once, threads.",
        ),
        (
            b"runtime = 3",
            "The setting BMS_RUNTIME (runtime in bms.toml) cannot be used: Input should be a valid string. "
            "See `bms --help` and docs/reference.",
        ),
    ],
)
def test_a_broken_settings_file(bms: Bms, elsewhere: Path, content: bytes, sentence: str) -> None:
    (elsewhere / "bms.toml").write_bytes(content)
    assert_wrong(bms("runs"), sentence)


def test_a_runtime_that_is_none(bms: Bms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMS_RUNTIME", "vllm")
    assert_wrong(
        bms("runs"),
        "The setting BMS_RUNTIME (runtime in bms.toml) cannot be used: must be one of auto, ollama, "
        "llamacpp, openai. See `bms --help` and docs/reference.",
    )


def test_a_data_directory_that_cannot_be_made(bms: Bms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMS_HOME", "/dev/null/bms")
    assert_wrong(
        bms("runs"),
        "The data directory /dev/null/bms cannot be made: Not a directory. "
        "Set BMS_HOME to a folder that you can write to.",
        status=1,
    )


def test_a_database_that_is_none(bms: Bms, data: Path) -> None:
    data.mkdir()
    (data / "bms.sqlite").write_text("Dear diary, " * 100)
    assert_wrong(
        bms("runs"),
        f"sqlite:///{data}/bms.sqlite is not a usable database. "
        "Move the file away, or set BMS_HOME to another folder.",
        status=1,
    )


def test_the_disk_with_the_database_is_full(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself says so, when a file may not grow; with room again the run goes on."""
    bms("runs")
    pragmas = store_database._sqlite_pragmas

    def full(connection: Any, record: object) -> None:
        pragmas(connection, record)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    with small.ollama() as server:
        use(monkeypatch, small.settings(server))
        with monkeypatch.context() as while_full:
            while_full.setattr(store_database, "_sqlite_pragmas", full)
            said = bms(*arguments(tmp_path))
        run_id = the_run(data)
        assert_wrong(
            said,
            "The disk with the database is full. "
            f"Free some disk space, then `bms resume {run_id}`: what was finished is kept.",
            status=1,
        )
        assert "stopped" in bms("show", run_id).text
        assert bms("resume", run_id, "--yes").status == 0
    assert status_of(run_id, data) == "done"


def test_the_disk_with_the_checkpoints_is_full(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    setup, limited = AsyncSqliteSaver.setup, set[AsyncSqliteSaver]()

    async def full(self: AsyncSqliteSaver) -> None:
        await setup(self)
        if self in limited:
            return
        limited.add(self)
        async with self.conn.execute("PRAGMA page_count") as cursor:
            row = await cursor.fetchone()
        assert row is not None
        gate = 2  # pages of the table of fences and its index, which are made next
        await self.conn.execute(f"PRAGMA max_page_count={row[0] + gate}")

    with small.ollama() as server:
        use(monkeypatch, small.settings(server))
        with monkeypatch.context() as while_full:
            while_full.setattr(AsyncSqliteSaver, "setup", full)
            said = bms(*arguments(tmp_path))
        run_id = the_run(data)
        assert_wrong(
            said,
            f"The checkpoints of run {run_id} cannot be written: database or disk is full. "
            f"Free some disk space, then `bms resume {run_id}`: what was finished is kept.",
            status=1,
        )
        assert status_of(run_id, data) == "stopped"
        assert bms("resume", run_id, "--yes").status == 0
    assert status_of(run_id, data) == "done"


# --- files of the person -----------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Files that are none of what they are said to be."""
    made = {name: tmp_path / name for name in ("missing", "folder", "binary", "list", "broken", "large")}
    made["folder"].mkdir()
    made["binary"].write_bytes(bytes(range(256)))
    made["list"].write_text("- one\n- two\n")
    made["broken"].write_text("name: x\n  topics: [\n")
    made["large"].write_bytes(b"#" * (common.LARGEST_FILE + 1))
    return made


UNREADABLE = {
    "missing": "The {what} {path} cannot be read: No such file or directory. Check the path.",
    "folder": "The {what} {path} cannot be read: Is a directory. Check the path.",
    "binary": "The {what} {path} is not text in UTF-8.",
    "large": "The {what} {path} is larger than 10 MB.",
}


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("what", ["rubric", "taxonomy", "scenarios", "system prompt"])
def test_files_that_cannot_be_read_are_told_before_a_run_begins(
    bms: Bms, files: dict[str, Path], what: str, kind: str
) -> None:
    sentence = UNREADABLE[kind].format(what=what, path=files[kind])
    assert_wrong(bms("run", TEXT, f"--{what.replace(' ', '-')}", str(files[kind])), sentence)
    assert bms("runs", "--json").json == []


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("list", "line 1: a rubric is a mapping with name, pass_threshold, categories and criteria."),
        ("broken", "line 2: this is not valid YAML: mapping values are not allowed in this context."),
    ],
)
@pytest.mark.parametrize("command", [("run", TEXT), ("score", "--answers", "answers.jsonl")])
def test_a_rubric_of_the_wrong_shape(
    bms: Bms, files: dict[str, Path], command: tuple[str, ...], kind: str, sentence: str
) -> None:
    assert_wrong(bms(*command, "--rubric", str(files[kind])), f"{files[kind]}, {sentence}")


@pytest.mark.parametrize(
    ("name", "option", "command", "right", "typed"),
    [
        (RUBRIC, "--rubric", ("run", TEXT), "pass_threshold", "pas_threshold"),
        (TAXONOMY, "--taxonomy", ("run", TEXT), "topics", "topcis"),
        (TAXONOMY, "--taxonomy", ("scenarios", "--out", "made.jsonl"), "topics", "topcis"),
    ],
)
def test_a_misspelt_key_is_named_with_its_line(
    bms: Bms, elsewhere: Path, name: str, option: str, command: tuple[str, ...], right: str, typed: str
) -> None:
    lines = knowledge_text(name).splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith(f"{right}:"))
    lines[number] = lines[number].replace(right, typed)
    path = elsewhere / name
    path.write_text("\n".join(lines), "utf-8")
    assert_wrong(
        bms(*command, option, str(path)),
        f'{path}, line {number + 1}: the key "{typed}" is not known here. Did you mean "{right}"?',
    )
    assert not (elsewhere / "made.jsonl").exists()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("run", TEXT, "--out"), "{out}/docs"),
        (("evaluate", "--model", MODEL, "--domain", "coding", "--out"), "{out}/docs"),
        (("demo", "--yes", "--out"), "{out}/docs"),
        (("research", TEXT, "--out"), "{out}"),
    ],
)
def test_a_folder_that_cannot_be_one_is_told_before_the_work(
    bms: Bms, tmp_path: Path, command: tuple[str, ...], what: str
) -> None:
    (tmp_path / "taken").write_text("a file")
    out = tmp_path / "taken" / "there"
    assert_wrong(
        bms(*command, str(out)),
        f"Nothing can be written to {what.format(out=out)}: {tmp_path}/taken is not a folder. "
        "Name another folder with --out.",
    )
    assert bms("runs", "--json").json == []


def test_a_folder_of_somebody_else(bms: Bms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the system, which lets an administrator write anywhere: so its answer is given here."""
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    assert_wrong(
        bms("run", TEXT, "--out", str(tmp_path / "out")),
        f"Nothing can be written to {tmp_path}/out/docs: {tmp_path} is not yours to write to. "
        "Name another folder with --out.",
    )


def test_scenarios_and_tables_that_cannot_be_written(bms: Bms, waiting: Kept, tmp_path: Path) -> None:
    taxonomy = tmp_path / TAXONOMY
    taxonomy.write_text(knowledge_text(TAXONOMY), "utf-8")
    assert_wrong(
        bms("scenarios", "--taxonomy", str(taxonomy), "--out", str(tmp_path)),
        f"{tmp_path} cannot be written: it is a folder. Name a file in it.",
    )
    assert_wrong(
        bms("table", waiting.run_id, "--out", str(taxonomy)),
        f"The table cannot be written to {taxonomy}: File exists. Name another folder with --out.",
    )


def test_a_document_that_cannot_be_written_is_kept_in_the_rows(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder was fine when the run began."""
    with small.ollama() as server:
        use(monkeypatch, small.settings(server))
        begun = bms(*arguments(tmp_path))
        assert begun.status == 0, begun.err
        run_id = the_run(data)
        (tmp_path / "docs").write_text("in the way")
        said = bms("resume", run_id, "--yes")
        assert said.status == 1
        assert said.sentence == (
            f"Error: {tmp_path}/docs is not a folder. Move it away, or name another folder with --out. "
            f"`bms resume {run_id}` goes on; what was finished is kept."
        )
        assert bms("report", run_id).out.startswith("<!-- bms run:")
        (tmp_path / "docs").unlink()
        assert bms("resume", run_id).out.splitlines()[-1] == str(
            tmp_path / "docs" / "base-model-evaluation.md"
        )


# --- runs that cannot go on --------------------------------------------------------------------------------


def test_a_run_that_has_ended_is_not_resumed(bms: Bms, finished: Kept) -> None:
    assert_wrong(
        bms("resume", finished.run_id),
        f"Run {finished.run_id} has ended (done): FINE_TUNE. "
        f"`bms show {finished.run_id}` tells more; --further N runs more scenarios all the same.",
    )
    assert_wrong(
        bms("resume", finished.run_id, "--further", "10"),
        "A replay holds no more than was recorded. A new run can go on.",
    )
    assert_wrong(bms("cancel", finished.run_id), f"Run {finished.run_id} has already ended (done).")


def test_a_run_without_table_report_or_judge(bms: Bms, waiting: Kept) -> None:
    run_id = waiting.run_id
    with waiting.opened() as database, database.session() as session:
        session.connection().exec_driver_sql("DELETE FROM tables")
    assert_wrong(
        bms("table", run_id), f"Run {run_id} has no table yet. `bms show {run_id}` tells where it is."
    )
    assert_wrong(
        bms("report", run_id),
        f"Run {run_id} has nothing to report yet. `bms show {run_id}` tells where it is.",
    )
    assert_wrong(
        bms("evidence", run_id, "nobody/nothing"),
        f"Run {run_id} has not come across 'nobody/nothing'. `bms table {run_id} --all` "
        f"and `bms table {run_id} --rejected` list whom it has seen.",
    )
    assert_wrong(
        bms("resume", run_id, "--judge", "ollama:gemma3:12b"),
        f"Run {run_id} does not wait for a judge; it waits for an approval of the table. "
        f"`bms show {run_id}` tells more.",
    )


# --- network and runtime -----------------------------------------------------------------------------------


def test_no_network_is_not_an_empty_world(
    bms: Bms, impatient: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that was not read is told as such, with counts, and nothing is proposed."""
    closed = {
        "HF_ENDPOINT": NOTHING,
        "BMS_OLLAMA_REGISTRY": NOTHING,
        "BMS_DUCKDUCKGO_URL": f"{NOTHING}/html/",
        "BMS_ALLOW_HOSTS": NOTHING.removeprefix("http://"),
        "OLLAMA_HOST": NOTHING,
    }
    use(monkeypatch, closed)
    said = bms("research", TEXT, "--out", str(tmp_path / "out"))
    run_id = the_run(data)
    assert said.status == 0, said.err
    assert "0 seen" not in said.out
    assert "the Hub's text models of 7–9B: ✗ could not be read: failed (unreachable)" in said.text
    assert re.search(r"! The Hub cannot be reached: \d+ more listings were not asked for\.", said.text)
    asked = len(re.findall(r"^  ✗ .* failed \(unreachable\)$", said.out, re.MULTILINE))
    assert asked == 48, "every planned query is told, those that the breaker held back too"
    counted = re.search(r"0 requests blocked, (\d+) failed: degraded research", said.text)
    assert counted is not None
    assert f"0 of {counted[1]} requests were blocked and {counted[1]} failed" in said.text
    assert "No proposal. No source was read that says how well any of the" in said.text
    assert f"then bms approve {run_id} --more TEXT, which asks again what failed" in said.text
    rows = json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))
    assert rows["table"]["coverage"]["failed"] == int(counted[1])
    shown = bms("show", run_id, "--json").json
    assert (shown["status"], shown["pages"]) == ("waiting", 0)
    assert set(shown["searches"]) == set(shown["fetches"]) == {"failed"}
    assert_wrong(
        bms("approve", run_id, "--swap"),
        "There is no backup to exchange the primary with. Name one with --backup.",
        status=1,
    )


def test_a_tag_that_the_registry_does_not_have(
    bms: Bms, small: Place, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small.ollama() as server:
        use(monkeypatch, small.settings(server))
        where = ("--runtime", "ollama", "--judge", "ollama:umpire:1b", "--yes")
        said = bms("evaluate", "--model", "nope:1b", *where, "--domain", "coding")
        assert [asked.path for asked in server.asked] == ["/api/tags"]
    assert_wrong(
        said,
        "The Ollama registry has no nope:1b: HTTP 404. Check the tag at https://ollama.com/library.",
        status=1,
    )
    assert status_of(the_run(data), data) == "stopped"


def test_no_room_is_told_before_a_byte_is_pulled(
    bms: Bms, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry says a petabyte; disk and memory are those of this machine."""
    with place(weights_bytes=10**15) as huge, huge.ollama() as server:
        use(monkeypatch, huge.settings(server))
        said = bms(*arguments(tmp_path))
        assert [asked.path for asked in server.asked] == ["/api/tags"]
    run_id = the_run(data)
    assert said.status == 1
    assert said.sentence.startswith(
        f"Error: There is no room for {MODEL}: {MODEL} needs 1,000,000,000,010,000 bytes (1000000.00 GB) on "
        "disk, and "
    )
    assert f" are free at {data}." in said.sentence
    assert "of main memory are available" in said.sentence
    assert said.sentence.endswith(
        "Free some and try again, or take a smaller model. "
        f"`bms resume {run_id}` goes on; what was finished is kept."
    )


def test_no_runtime_at_all(bms: Bms, small: Place, data: Path, tmp_path: Path) -> None:
    said = bms(*arguments(tmp_path))
    run_id = the_run(data)
    assert_wrong(
        said,
        f"Ollama at {NOTHING} cannot be reached. Start it with: ollama serve. It can be installed from "
        f"https://ollama.com/download. `bms resume {run_id}` goes on; what was finished is kept.",
        status=1,
    )
    assert said.out.count("Trying again in") == 3
    assert bms("show", run_id, "--json").json["status"] == "stopped"


def test_ollama_goes_down_mid_run_and_no_answered_scenario_is_asked_again(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def until_it_falls(request: dict[str, Any]) -> str:
        if request["messages"][-1]["content"] == MESSAGES[2]:
            first.go_down()
        return say(request)

    with small.ollama(until_it_falls) as first:
        use(monkeypatch, small.settings(first))
        said = bms(*arguments(tmp_path))
    run_id = the_run(data)
    assert said.status == 1
    assert said.sentence.startswith(f"Error: Ollama at {first.url} cannot be reached: ")
    assert said.sentence.endswith(
        "Start it with: ollama serve. It can be installed from https://ollama.com/download. "
        f"`bms resume {run_id}` goes on; what was finished is kept."
    )
    shown = bms("show", run_id, "--json").json
    assert (shown["status"], shown["stage"]) == ("stopped", "answer")
    with Database(sqlite_url(data / "bms.sqlite")) as database, database.reading() as session:
        before = evaluation.answers(session, run_id, "primary")
    assert before
    with small.ollama(pulled=True) as second:
        use(monkeypatch, small.settings(second))
        assert bms("resume", run_id, "--yes").status == 0
    assert second.answered == list(MESSAGES[len(before) :])
    assert status_of(run_id, data) == "done"


def test_a_run_without_a_judge_waits_for_one(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was answered is answered again while the right judge is looked for."""
    with small.ollama() as server:
        use(monkeypatch, small.settings(server))
        given = [word for word in arguments(tmp_path) if word not in {"--judge", f"ollama:{JUDGE}"}]
        said = bms(*given)
        run_id = the_run(data)
        waits = f"Run {run_id} waits for a judge: bms resume {run_id} --judge provider:model "
        assert said.status == 1, said.err
        assert f"{waits}No judge is set, and a model does not judge itself." in said.text
        assert_wrong(
            bms("resume", run_id, "--insist-judge"), "No judge is named. --judge provider:model names one."
        )
        for judge, problem in (
            (
                "gemma3",
                "'gemma3' does not name a model. Write it as ollama:MODEL, llamacpp:MODEL, openai:MODEL.",
            ),
            (f"ollama:{MODEL}", f"{MODEL} would judge its own answers."),
            ("ollama:nope:1b", "nope:1b"),
        ):
            refused = bms("resume", run_id, "--judge", judge)
            assert problem in refused.text + refused.sentence, judge
            assert bms("show", run_id, "--json").json["status"] == "waiting", judge
        judged = bms("resume", run_id, "--judge", f"ollama:{JUDGE}")
        assert "judging: 4 of 4" in judged.out
        assert server.answered == list(MESSAGES)


# --- several processes -------------------------------------------------------------------------------------


def test_ctrl_c_in_the_middle_stops_the_run_and_resume_goes_on(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(after=1)
    data.mkdir()
    with small.ollama(gate) as server:
        process = start(data, *arguments(tmp_path), env=small.settings(server))
        try:
            assert gate.reached.wait(PATIENCE), "the scenario was not asked"
            process.send_signal(signal.SIGINT)
            said = ended(process)
        finally:
            gate.opened.set()
            process.kill()
    assert_wrong(
        said,
        "Interrupted. What was finished is kept; `bms runs` shows the run, `bms resume RUN` goes on.",
        status=130,
    )
    run_id = the_run(data)
    shown = bms("show", run_id, "--json").json
    assert (shown["status"], shown["detail"]) == ("stopped", "interrupted")
    with small.ollama(pulled=True) as second:
        use(monkeypatch, small.settings(second))
        assert bms("resume", run_id, "--yes").status == 0
    assert second.answered == list(MESSAGES[1:])


def test_of_two_processes_that_resume_a_run_at_once_one_works(
    bms: Bms, small: Place, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate holds whoever drives the run, until the other one has given up."""
    begun = bms(*arguments(tmp_path))  # no runtime is there: the run is made, and stops
    assert begun.status == 1
    run_id = the_run(data)
    gate = Gate(after=0)
    with small.ollama(gate) as server:
        settings = small.settings(server)
        both = [start(data, "resume", run_id, "--yes", env=settings) for _ in range(2)]
        try:
            assert gate.reached.wait(PATIENCE), "nobody drives the run"
            said: list[Said] = []
            waiters = [
                threading.Thread(target=lambda one=one: said.append(ended(one)), daemon=True) for one in both
            ]
            for waiter in waiters:
                waiter.start()
            while not said:
                for waiter in waiters:
                    waiter.join(0.05)
            gate.opened.set()
            for waiter in waiters:
                waiter.join(PATIENCE)
        finally:
            gate.opened.set()
            for one in both:
                one.kill()
        refused, worked = said
        assert refused.status == 1
        assert re.fullmatch(
            rf"Error: Run {run_id} is already running \(\S+:\d+\)\. "
            rf"`bms show {run_id}` follows it; `bms cancel {run_id}` ends it\.",
            refused.sentence,
        )
        assert worked.status == 0, worked.err
        assert server.answered == list(MESSAGES)
    assert status_of(run_id, data) == "done"


def test_cancelling_from_another_process_ends_the_one_that_works(
    bms: Bms, small: Place, data: Path, tmp_path: Path
) -> None:
    gate = Gate(after=1)
    data.mkdir()
    with small.ollama(gate) as server:
        process = start(data, *arguments(tmp_path), env=small.settings(server))
        try:
            assert gate.reached.wait(PATIENCE), "the scenario was not asked"
            run_id = the_run(data)
            told = bms("cancel", run_id)
            assert (told.status, told.text) == (
                0,
                f"Run {run_id} is cancelled. It stops within a few seconds.",
            )
            said = ended(process)
        finally:
            gate.opened.set()
            process.kill()
    assert_wrong(said, f"Run {run_id} was cancelled.", status=1)
    assert_wrong(
        bms("resume", run_id),
        f"Run {run_id} has ended (cancelled): cancelled by a person. "
        f"`bms show {run_id}` tells more; a new request starts a new run.",
    )


# --- the last resort ---------------------------------------------------------------------------------------


def test_what_nobody_thought_of_is_one_sentence_and_debug_shows_where(
    bms: Bms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise sqlite3.ProgrammingError("something \x1b[31modd")

    monkeypatch.setattr(runs, "latest", broken)
    assert_wrong(
        bms("runs"),
        "Something unexpected went wrong (ProgrammingError: something odd). --debug shows where.",
        status=1,
    )


def test_debug_shows_the_traceback(data: Path) -> None:
    said = bms_process(data.parent, "show", "20260101-zzzzz", "--debug")
    assert said.status == 1
    assert "Traceback (most recent call last)" in said.err
    assert "There is no run '20260101-zzzzz'." in said.err
