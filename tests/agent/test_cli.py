"""The command line: its help, what it prints for programs, files in and out, and what runs leave behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from agent.cli import COMMANDS
from graphs.options import RunOptions
from graphs.tables import current_table
from store import reading, research, runs
from store.database import Database
from store.migrate import HEAD
from store.schema import RunStatus
from tests.agent.conftest import Bms
from tests.standins.command_line import PERSON, ROOT, environment, start
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW, a_candidate, a_claim, a_request, a_source
from tests.standins.replayed import Kept
from tools.candidates import Standing
from tools.facts import Fact, Factor
from tools.knowledge.loader import knowledge_text
from tools.proposal import propose
from tools.scenario_files import load_scenarios

pytestmark = pytest.mark.usefixtures("elsewhere")

HEAVY = ("langgraph", "sqlalchemy", "rich", "httpx", "vcr", "pydantic", "yaml", "agent.commands", "graphs")
TAXONOMY = "therapy-coaching.taxonomy.yaml"

RUBRIC = """\
name: Small
pass_threshold: 0.6
categories:
  comprehension: {weight: 3}
  connection: {weight: 1}
criteria:
  - {id: CQ1, category: comprehension, question: Does it answer what was asked?, gate: true}
  - {id: CQ2, category: comprehension, question: Is it right?}
  - {id: CQ3, category: connection, question: Is it kind?, na_allowed: true}
"""

VERDICTS = {
    "good": {"CQ1": "YES", "CQ2": "YES", "CQ3": "NA"},
    "half": {"CQ1": "YES", "CQ2": "NO", "CQ3": "NO"},
    "gate": {"CQ1": "NO", "CQ2": "YES", "CQ3": "YES"},
    "open": {"CQ1": "YES", "CQ2": "CANNOT_ASSESS", "CQ3": "YES"},
}


# --- help --------------------------------------------------------------------------------------------------


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    """A person who types ``bms --help`` waits for an interpreter and click, and for nothing else."""
    code = (
        "import sys\n"
        "from agent.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "except SystemExit:\n"
        "    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "click" in loaded
    assert not loaded & set(HEAVY)
    for name in COMMANDS:
        assert re.search(rf"^  {name}\s+\S", done.stdout, re.MULTILINE), name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(bms: Bms, command: str) -> None:
    said = bms(command, "--help")
    assert said.status == 0
    assert said.out.startswith(f"Usage: bms {command}")


def test_bms_alone_shows_the_help_and_its_version(bms: Bms) -> None:
    assert bms().out == bms("--help").out
    assert bms("--version").out.strip() == f"bms, version {version('base-model-selector')}"


def test_a_reader_that_stops_early_hears_no_complaint(finished: Kept) -> None:
    """``bms table RUN --json | head -1``"""
    process = start(finished.home, "table", finished.run_id, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "{\n"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(PATIENCE), said) == (1, "")


# --- what programs read ------------------------------------------------------------------------------------


def keys(value: dict[str, Any]) -> list[str]:
    return sorted(value)


def test_no_runs_yet(bms: Bms) -> None:
    assert bms("runs").text == (
        'There are no runs yet. Start one: bms "evaluate 8B models for therapy coaching"'
    )
    assert bms("runs", "--json").json == []


def test_runs_as_json(bms: Bms, finished: Kept) -> None:
    (row,) = bms("runs", "--json").json
    assert keys(row) == ["created_at", "detail", "run", "stage", "status", "story", "text"]
    assert (row["run"], row["status"], row["stage"]) == (finished.run_id, "done", "document")
    assert row["text"] == "evaluate 8B models for therapy coaching"
    assert Path(row["story"]).name == "therapy-8b"
    assert f"{finished.run_id} (replay)" in bms("runs").out


def test_show_as_json(bms: Bms, finished: Kept) -> None:
    shown = bms("show", finished.run_id, "--json").json
    assert keys(shown) == [
        *("approvals", "candidates", "detail", "fetches", "host", "last_event", "pages"),
        *("request", "run", "searches", "stage", "status", "text"),
    ]
    assert (shown["status"], shown["detail"]) == ("done", "FINE_TUNE")
    with finished.opened() as database, database.reading() as session:
        counts = reading.counts(session, finished.run_id)
        assert shown["candidates"] == len(research.ledger(session, finished.run_id)) > 50
    assert (shown["searches"], shown["fetches"], shown["pages"]) == counts
    assert [keys(approval) for approval in shown["approvals"]] == [["action", "at", "by"]]
    assert (shown["approvals"][0]["action"], shown["approvals"][0]["by"]) == ("approve", PERSON)
    events = bms("show", finished.run_id, "--events", "--json").json["events"]
    assert [event["seq"] for event in events] == list(range(1, shown["last_event"] + 1))
    assert {tuple(keys(event)) for event in events} == {("at", "data", "kind", "seq", "stage")}
    assert Counter(event["kind"] for event in events)["answer"] == 50


def test_show_tells_the_result_from_the_rows(bms: Bms, finished: Kept) -> None:
    shown = bms("show", finished.run_id[:-2]).text  # the beginning of a name is enough
    assert shown.startswith(f"Run {finished.run_id}: done at document. FINE_TUNE")
    assert "primary Qwen/Qwen3-8B: 50 of 50 answers" in shown
    assert "Qwen/Qwen3-8B (primary): 31 of 49 passed (63%), 1 unmeasured, 50 of 50 scenarios" in shown
    with finished.opened() as database, database.session() as session:
        session.connection().exec_driver_sql("DELETE FROM verdicts WHERE scenario_id = 's001'")
    assert "(primary): 30 of 48 passed" in bms("show", finished.run_id).text


def test_table_in_every_format(bms: Bms, finished: Kept, tmp_path: Path) -> None:
    shown = bms("table", finished.run_id, "--json").json
    assert keys(shown) == ["hash", "table"]
    assert bms("table", finished.run_id, "--format", "json").json == shown
    assert keys(shown["table"]) == [
        *("built_on", "coverage", "domain_title", "rating_version", "rejected", "request", "rows")
    ]
    rows = shown["table"]["rows"]
    assert keys(rows[0]) == [
        *("cells", "evidence", "excluded", "family", "key", "licence", "lineage", "name", "rating")
    ]
    markdown = bms("table", finished.run_id, "--format", "md").out
    assert "| Model | Params | Licence | Context |" in markdown
    csv = bms("table", finished.run_id, "--format", "csv").out
    assert csv.startswith('"Model","Params","Licence","Context",')
    more = f"{len(rows) - 12} more: bms table RUN --all"
    assert more in bms("table", finished.run_id).text
    assert more not in bms("table", finished.run_id, "--all").text
    written = bms("table", finished.run_id, "--out", str(tmp_path / "out")).out.splitlines()[-4:]
    assert written == [str(tmp_path / "out" / f"table.{ending}") for ending in ("md", "csv", "json", "html")]
    assert json.loads((tmp_path / "out" / "table.json").read_text("utf-8")) == shown
    assert (tmp_path / "out" / "table.csv").read_bytes().decode() == csv


def test_evidence_names_a_source_for_everything(bms: Bms, finished: Kept) -> None:
    told = bms("evidence", finished.run_id, "Qwen3 8B", "--json").json
    assert keys(told) == ["candidate", "claims", "facts", "rating"]
    assert told["candidate"]["key"] == "Qwen/Qwen3-8B"
    assert told["rating"]["stars"] == 3.5
    assert told["facts"]
    assert told["claims"]
    for entry in (*told["facts"], *told["claims"]):
        assert keys(entry["source"]) == [
            *("content_hash", "kind", "quote", "record_field", "retrieved_at", "url")
        ]
        assert entry["source"]["url"].startswith("https://")
        assert entry["source"]["quote"] or entry["source"]["record_field"]
    shown = bms("evidence", finished.run_id, "Qwen/Qwen3-8B").text
    for claim in told["claims"]:
        assert f"“{' '.join(claim['source']['quote'].split())}”" in shown
    assert "parameters = 8190735360 field safetensors.total" in shown


def test_evidence_of_an_attack_is_shown_as_one(bms: Bms, finished: Kept) -> None:
    told = bms("evidence", finished.run_id, "tiiuae/Falcon3-7B-Instruct", "--json").json
    assert [claim["suspicious"] for claim in told["claims"]] == [True, True]
    shown = bms("evidence", finished.run_id, "tiiuae/Falcon3-7B-Instruct").text
    assert shown.count("(tries to instruct: not counted)") == 2


def test_evidence_of_a_rejected_candidate(bms: Bms, finished: Kept) -> None:
    with finished.opened() as database, database.reading() as session:
        rejected = research.ledger(session, finished.run_id, Standing.REJECTED)[0]
    told = bms("evidence", finished.run_id, rejected.key, "--json").json
    assert (told["candidate"]["reason"], told["rating"]) == (rejected.reason, None)


def test_report_in_every_format_is_the_document(bms: Bms, finished: Kept) -> None:
    def timeless(document: str) -> str:
        """Without the minute at which it was written."""
        return re.sub(r"written \d{4}-\d\d-\d\d \d\d:\d\d UTC", "written", document).strip()

    written = finished.document.read_text("utf-8")
    assert "written 2" in written
    assert timeless(bms("report", finished.run_id).out) == timeless(written)
    assert "<title>" in bms("report", finished.run_id, "--format", "html").out
    told = bms("report", finished.run_id, "--json").json
    results = json.loads(finished.document.with_suffix(".json").read_text("utf-8"))
    assert told["data"].pop("made_at") > results["data"].pop("made_at")
    assert told == results
    assert told["run"] == finished.run_id


def test_doctor_as_json(bms: Bms, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("BMS_JUDGE", "ollama:gemma3:12b")
    found = bms("doctor", "--offline", "--json").json
    assert {tuple(keys(finding)) for finding in found} == {("detail", "fine", "what")}
    told = {finding["what"]: finding for finding in found}
    assert list(told) == [
        *("data directory", "disk", "memory", "database"),
        *("runtime ollama", "runtime llamacpp", "runtime openai", "judge", "brain"),
    ]
    assert told["data directory"]["detail"] == str(home / "bms")
    assert told["database"]["detail"] == (
        f"sqlite:///{home}/bms/bms.sqlite, schema {HEAD}; orders are carried out by `bms serve`"
    )
    assert told["runtime ollama"] == {
        "what": "runtime ollama",
        "fine": False,
        "detail": "Ollama at http://127.0.0.1:9 cannot be reached: All connection attempts failed.",
    }
    assert not told["judge"]["fine"]
    assert told["judge"]["detail"].startswith(
        "ollama:gemma3:12b: Ollama at http://127.0.0.1:9 cannot be reached"
    )
    lines = bms("doctor", "--offline").out.splitlines()
    assert [line[:2] for line in lines] == ["✓ " if finding["fine"] else "– " for finding in found]


def test_doctor_says_which_database_and_never_its_password(
    bms: Bms, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make_url(postgres_url)
    monkeypatch.setenv(
        "BMS_DATABASE_URL", known.set(password="hunter2").render_as_string(hide_password=False)
    )
    there = {one["what"]: one for one in bms("doctor", "--offline", "--json").json}["database"]
    assert there["fine"]
    assert re.fullmatch(
        rf".*/{known.database}, PostgreSQL \d+.*, schema {HEAD}; .*`bms worker`", there["detail"]
    )
    monkeypatch.setenv("BMS_DATABASE_URL", "postgresql+psycopg://ada:hunter2@127.0.0.1:9/bms")
    said = bms("doctor", "--offline", "--json")
    gone = {one["what"]: one for one in said.json}["database"]
    assert said.status == 0
    assert not gone["fine"]
    assert "does not answer" in gone["detail"]
    assert {one["what"] for one in said.json} >= {"runtime ollama", "judge"}
    assert "hunter2" not in there["detail"] + said.out + said.err


def test_research_as_json_prints_one_object_and_the_rest_elsewhere(bms: Bms) -> None:
    """A size is missing, so it asks before anything is looked up."""
    said = bms("research", "find a base model for therapy coaching", "--json")
    assert said.status == 0
    assert keys(said.json) == ["detail", "documents", "run", "status", "waits_for"]
    run_id = said.json["run"]
    assert said.json == {
        "run": run_id,
        "status": "waiting",
        "waits_for": "request",
        "detail": "waits for an answer about the request",
        "documents": [],
    }
    assert f"run {run_id}" in said.err


def test_a_question_that_nobody_is_there_to_answer(bms: Bms) -> None:
    said = bms("find a base model for therapy coaching")
    assert said.status == 0
    assert re.search(
        r"Run \S+ waits for an answer about the request: bms resume \S+ at a terminal, or start again with "
        r"--size and --domain Which model sizes should be considered\?$",
        said.text,
    )
    said = bms("evaluate 8B models for therapy coaching, but I only want prompting")
    assert said.status == 0
    assert re.search(r"bms resume \S+ at a terminal, or start again with --insist", said.text)


# --- scenarios ---------------------------------------------------------------------------------------------


@pytest.fixture
def taxonomy(tmp_path: Path) -> Path:
    path = tmp_path / "taxonomy.yaml"
    path.write_text(knowledge_text(TAXONOMY), "utf-8")
    return path


def test_scenarios_cover_the_taxonomy_and_are_lines_of_json(bms: Bms, taxonomy: Path, tmp_path: Path) -> None:
    out = tmp_path / "scenarios.jsonl"
    said = bms("scenarios", "--taxonomy", str(taxonomy), "--out", str(out), "--json")
    assert (said.status, said.err) == (0, "")
    assert {"coverage", "out", "scenarios"} <= set(said.json)
    assert (said.json["scenarios"], said.json["out"]) == (50, str(out))
    fields = ("dimension", "got", "share", "value", "wanted")
    assert {tuple(keys(row)) for row in said.json["coverage"]} == {fields}
    assert all(row["got"] >= row["wanted"] for row in said.json["coverage"])
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len({line["id"] for line in lines}) == len({line["message"] for line in lines}) == 50
    for line in lines:
        assert {"id", "message", "topic", "subtopic", "style", "edge_case"} <= set(line)
    assert len(load_scenarios(out)) == 50


def test_the_same_seed_makes_the_same_scenarios(bms: Bms, taxonomy: Path, tmp_path: Path) -> None:
    def made(name: str, *flags: str) -> bytes:
        said = bms("scenarios", "--taxonomy", str(taxonomy), "--out", str(tmp_path / name), *flags)
        assert said.status == 0
        assert said.out.startswith(f"{flags[-1]} scenarios in {tmp_path / name}\n")
        return (tmp_path / name).read_bytes()

    first = made("1", "--seed", "3", "--count", "30")
    assert first == made("2", "--seed", "3", "--count", "30")
    assert first != made("3", "--seed", "4", "--count", "30")
    assert len(made("4", "--count", "7").splitlines()) == 7


# --- score -------------------------------------------------------------------------------------------------


@pytest.fixture
def scored(tmp_path: Path) -> tuple[str, ...]:
    """``bms score`` of four answers."""
    rubric, answers = tmp_path / "rubric.yaml", tmp_path / "answers.jsonl"
    rubric.write_text(RUBRIC, "utf-8")
    lines = [json.dumps({"id": name, "verdicts": verdicts}) for name, verdicts in VERDICTS.items()]
    answers.write_text("\n".join(lines) + "\n", "utf-8")
    return ("score", "--answers", str(answers), "--rubric", str(rubric))


def test_score_turns_verdicts_into_scores_line_by_line(bms: Bms, scored: tuple[str, ...]) -> None:
    said = bms(*scored)
    assert said.status == 0
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert rows == [
        {
            "id": "good",
            "score": 1.0,
            "passed": True,
            "gate_failed": [],
            "unmeasured": False,
            "categories": {"comprehension": 1.0, "connection": None},
        },
        {
            "id": "half",
            "score": 0.375,
            "passed": False,
            "gate_failed": [],
            "unmeasured": False,
            "categories": {"comprehension": 0.5, "connection": 0.0},
        },
        {
            "id": "gate",
            "score": 0.625,
            "passed": False,
            "gate_failed": ["CQ1"],
            "unmeasured": False,
            "categories": {"comprehension": 0.5, "connection": 1.0},
        },
        {
            "id": "open",
            "score": None,
            "passed": None,
            "gate_failed": [],
            "unmeasured": True,
            "categories": {"comprehension": None, "connection": 1.0},
        },
    ]
    assert said.sentence == (
        "1 of 3 measured answers passed: 33.3% (95 % Wilson interval 6.1%–79.2%); 1 unmeasured."
    )


def test_score_as_json_ends_with_the_summary_on_a_line_of_its_own(bms: Bms, scored: tuple[str, ...]) -> None:
    said = bms(*scored, "--json")
    assert said.err == ""
    *rows, last = [json.loads(line) for line in said.out.splitlines()]
    assert [row["id"] for row in rows] == list(VERDICTS)
    summary = last["summary"]
    assert keys(summary) == [
        *("answers", "gate_failures", "interval", "measured", "pass_rate", "passed", "unmeasured")
    ]
    counts = [summary[name] for name in ("answers", "measured", "unmeasured", "passed", "gate_failures")]
    assert counts == [4, 3, 1, 1, 1]
    assert summary["interval"]["low"] == pytest.approx(0.0615, abs=1e-4)
    assert summary["interval"]["high"] == pytest.approx(0.7923, abs=1e-4)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "answers.jsonl, line 5: this is not valid JSON: "),
        ('{"id": "good", "verdicts": {}}', 'answers.jsonl, line 5: the id "good" stands in line 1 already.'),
        (
            '{"id": "x", "verdicts": {"CQ9": "YES"}}',
            'answers.jsonl, line 5: the rubric has no criterion "CQ9".',
        ),
        (
            '{"id": "x", "verdicts": {"CQ1": "yes"}}',
            "answers.jsonl, line 5: 'yes' on CQ1 is not a verdict. Use one of YES, NO, NA, CANNOT_ASSESS.",
        ),
        (
            '{"id": "x"}',
            'answers.jsonl, line 5: "verdicts" must be an object of criterion and verdict.',
        ),
    ],
)
def test_score_names_the_line_that_is_wrong(
    bms: Bms, scored: tuple[str, ...], line: str, sentence: str
) -> None:
    with Path(scored[2]).open("a", encoding="utf-8") as answers:
        answers.write(line + "\n")
    said = bms(*scored)
    assert said.status == 2
    assert said.sentence.startswith(f"Error: {sentence}")


def test_score_of_nothing_measured(bms: Bms, scored: tuple[str, ...]) -> None:
    Path(scored[2]).write_text(json.dumps({"id": "open", "verdicts": VERDICTS["open"]}), "utf-8")
    assert bms(*scored).sentence == "None of 1 answers was measured."
    assert json.loads(bms(*scored, "--json").out.splitlines()[-1])["summary"]["interval"] is None


# --- text of strangers -------------------------------------------------------------------------------------

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HOSTILE = "Evil\x1b]0;owned\x07 \x1b[2J\x9b31m[bold red]model[/]\u202e\x08"
"""Sets a title, clears the screen, colours in two ways, and turns the direction of reading round."""


@pytest.fixture
def hostile(database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose words, candidate, fact, claim and reasons are all hostile; its table is offered."""
    monkeypatch.setenv("BMS_DATABASE_URL", database.url)
    page = f"The licence is {HOSTILE} and {HOSTILE} is good at dialogue in therapy."
    key = "evil/model-8b"
    source = a_source(page, quote=page, url=f"https://evil.example/{HOSTILE}")
    with database.session() as session:
        run_id = runs.create(session, HOSTILE, RunOptions(out_dir=str(home)).model_dump(mode="json"), NOW)
        session.flush()
        runs.set_request(session, run_id, a_request(text=HOSTILE, domain=HOSTILE), NOW)
        reading.keep_text(session, run_id, page)
        research.keep_candidates(
            session,
            run_id,
            [
                a_candidate(key, name=HOSTILE, reason=HOSTILE),
                a_candidate("evil/other", name=HOSTILE, reason=HOSTILE, standing=Standing.REJECTED),
            ],
        )
        fact = Fact(candidate=key, factor=Factor.LICENCE, value=HOSTILE, source=source)
        assert research.keep_facts(session, run_id, [fact]) == 1
        assert research.keep_claims(session, run_id, [a_claim(key, summary=HOSTILE, source=source)]) == 1
        table = current_table(session, run_id, NOW.date())
        research.keep_table(session, run_id, table, propose(table), NOW)
        runs.set_status(session, run_id, RunStatus.REJECTED, HOSTILE, NOW)
    return run_id


@pytest.mark.parametrize(
    "command",
    [
        ("table", "RUN"),
        ("table", "RUN", "--rejected"),
        ("table", "RUN", "--format", "md"),
        ("table", "RUN", "--format", "csv"),
        ("table", "RUN", "--json"),
        ("evidence", "RUN", "evil/model-8b"),
        ("evidence", "RUN", "evil/model-8b", "--json"),
        ("show", "RUN"),
        ("show", "RUN", "--json"),
        ("show", "RUN", "--events"),
        ("runs",),
        ("runs", "--json"),
        ("resume", "RUN"),
        ("evidence", "RUN", HOSTILE),
        ("demo", HOSTILE),
        ("resume", HOSTILE),
        ("run", "--rubric", HOSTILE, "evaluate 8B models for coding"),
    ],
)
def test_no_control_sequence_of_a_stranger_reaches_the_terminal(
    bms: Bms, hostile: str, command: tuple[str, ...]
) -> None:
    said = bms(*(hostile if word == "RUN" else word for word in command))
    printed = said.out.replace("\r\n", "\n") + said.err  # lines of CSV end like this
    assert "odel" in printed or "Evil" in printed
    assert CONTROL.findall(printed) == []


def test_markup_of_a_stranger_is_shown_and_not_obeyed(bms: Bms, hostile: str) -> None:
    for command in (("table", hostile), ("evidence", hostile, "evil/model-8b")):
        assert "[bold red]model[/]" in bms(*command).out.replace("\n", "")


def test_json_keeps_every_character_of_a_stranger(bms: Bms, hostile: str) -> None:
    """Controls are spelled out, so a program reads what was there."""
    assert bms("evidence", hostile, "evil/model-8b", "--json").json["candidate"]["name"] == HOSTILE
