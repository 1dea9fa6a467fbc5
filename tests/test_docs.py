"""The pages say what the program does: examples parse, command lines are accepted, output is printed."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import click
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from agent.api.labels import LabelGiven
from agent.api.replies import ApprovalGiven, ReplyGiven
from agent.api.runs import Further
from agent.api.threads import Confirmation, NewMessage, NewThread
from agent.cli import COMMANDS, cli
from agent.conversation.hearing import understand
from agent.conversation.intents import Situation, Unknown
from agent.mcp.server import TOOLS
from agent.service.app import make_app
from agent.service.problems import STATUSES
from agent.settings import VARIABLES, Settings
from agent.wishes import Wishes
from graphs.options import Approver
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from store.schema import Base, RunStatus
from tests.agent.test_guard import CASES
from tests.standins.command_line import bms_process
from tools.computed import Rule
from tools.decision import DecisionKind
from tools.evaluation import Verdict
from tools.responses import load_responses
from tools.rubric import Rubric, parse_rubric
from tools.rubric_import import import_markdown
from tools.scenario_files import load_scenarios
from tools.scenarios import generate
from tools.scoring import score_file
from tools.taxonomy import parse_taxonomy

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
OURS = tuple(page for page in PAGES if page.name not in {"dependencies.md", "graph.md"})
GLOBAL_FLAGS = {"--version", "--debug", "--help"}
OTHER_TOOLS_FLAGS = {"--force", "--local-dir", "--log-dir", "--no-browser", "--allow-blocking"}
"""Of `uv`, `hf`, `inspect` and `langgraph`."""
NO_VARIABLES = {*DecisionKind, *Verdict, "Q4_K_M"}
SEVERAL_SHAPES = {"progress", "enumerated"}
"""Kinds of event of which not every one has all fields."""
RUN_FLAGS_TOO = {"research", "evaluate"}
"""Commands of which the reference says that they take the flags of `bms run`."""

FENCE = re.compile(
    r"(?:<!-- (?P<tag>[^>\n]+?) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block."""

    page: Path
    tag: str
    language: str
    body: str


def names(paths: Iterable[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@cache
def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(page: Path) -> list[Block]:
    return [
        Block(page, found["tag"] or "", found["language"], textwrap.dedent(found["body"]))
        for found in FENCE.finditer(text_of(page))
    ]


def tagged(tag: str) -> list[Block]:
    return [block for page in OURS for block in blocks(page) if block.tag == tag]


def only(tag: str) -> Block:
    (block,) = tagged(tag)
    return block


@cache
def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def leaves(of: click.Command) -> Iterator[click.Command]:
    """The command itself, or the commands of a group."""
    if not isinstance(of, click.Group):
        yield of
        return
    for inner in of.commands.values():
        yield from leaves(inner)


@cache
def flags_of(name: str) -> frozenset[str]:
    return frozenset(
        flag
        for leaf in leaves(command(name))
        for parameter in leaf.params
        if isinstance(parameter, click.Option)
        for flag in (*parameter.opts, *parameter.secondary_opts)
    )


@cache
def all_flags() -> frozenset[str]:
    return frozenset().union(*(flags_of(name) for name in COMMANDS))


# --- examples ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", OURS, ids=names(OURS))
def test_every_example_in_a_data_format_says_what_it_is(page: Path) -> None:
    known = {
        "rubric",
        "markdown rubric",
        "taxonomy",
        "settings",
        "scenarios",
        "responses",
        "verdicts",
        "scores",
        "mcp client",
    }
    formats = {"yaml", "toml", "json", "markdown"}
    untagged = [b.body for b in blocks(page) if b.language in formats and b.tag not in known]
    assert untagged == []


def rubric() -> Rubric:
    return parse_rubric(only("rubric").body, "rubric.yaml")


def test_the_rubric_can_be_used_as_it_stands() -> None:
    assert rubric().warnings == ()
    assert rubric().planted is not None


def test_the_rubric_in_markdown_is_read_whole() -> None:
    imported = import_markdown(only("markdown rubric").body, "rubric.md")
    assert imported.notes == ()
    parsed = parse_rubric(imported.yaml, "rubric.yaml")
    assert parsed.warnings == ()
    assert parsed.ids == ("T1", "T2", "T3", "T5")
    assert parsed.gates == {"T5"}
    assert [c.id for c in parsed.criteria if c.na_allowed] == ["T2"]


def test_the_taxonomy_can_be_used_as_it_stands() -> None:
    taxonomy = parse_taxonomy(only("taxonomy").body, "taxonomy.yaml")
    assert taxonomy.warnings == ()
    assert len(generate(taxonomy, 50)) == 50


def test_the_scenarios_can_be_used_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(only("scenarios").body, "utf-8")
    assert [scenario.id for scenario in load_scenarios(path)] == ["m1", "m2"]


def test_the_responses_can_be_judged_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(only("responses").body, "utf-8")
    assert [response.id for response in load_responses(path)] == ["a1", "a2"]


def test_the_verdicts_get_the_scores_that_the_page_shows(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(only("verdicts").body, "utf-8")
    shown = [json.loads(line) for line in only("scores").body.splitlines()]
    assert [row.record() for row in score_file(path, rubric())] == shown


def test_the_settings_file_can_be_used_as_it_stands() -> None:
    given = tomllib.loads(only("settings").body)
    assert given.items() <= Settings(**given).model_dump().items()


# --- commands ----------------------------------------------------------------------------------------------


def command_lines(page: Path) -> Iterator[list[str]]:
    """What shell blocks would pass to `bms`, line by line."""
    for block in blocks(page):
        if block.language != "sh":
            continue
        for line in block.body.replace("\\\n", " ").splitlines():
            words = shlex.split(line.partition(" | ")[0], comments=True)
            places = [i for i, word in enumerate(words) if word in {"bms", ".venv/bin/bms"}]
            if places and all("=" in word for word in words[: places[0]]):
                yield words[places[0] + 1 :]


@pytest.mark.parametrize("page", OURS, ids=names(OURS))
def test_command_lines_are_accepted(page: Path) -> None:
    """Each is parsed by the program's own parser, ranges and required flags included."""
    for words in command_lines(page):
        name, rest = (words[0], words[1:]) if words[0] in COMMANDS else ("run", words)
        assert name != "run" or " " in words[0], f"bms {shlex.join(words)} is no command"
        found = command(name)
        if isinstance(found, click.Group):
            inner = found.commands.get(rest[0])
            assert inner is not None, f"bms {shlex.join(words)} is no command"
            found, rest = inner, rest[1:]
        found.make_context(name, list(rest))


def test_there_are_command_lines_to_look_at() -> None:
    shown = {words[0] for page in OURS for words in command_lines(page)}
    assert {"evaluate", "approve", "resume", "score", "scenarios", "record", "show", "evidence"} <= shown
    assert {"rubric", "judge", "label", "calibrate", "compare"} <= shown
    assert {"chat", "serve", "mcp"} <= shown


@pytest.mark.parametrize("page", OURS, ids=names(OURS))
def test_commands_and_flags_in_the_text_exist(page: Path) -> None:
    prose = COMMENT.sub("", text_of(page))
    for code in CODE.findall(FENCE.sub("", prose)):
        word = re.match(r"bms ([a-z]+)\b", code)
        assert word is None or word[1] in COMMANDS, f"`{code}`"
        known = flags_of(word[1]) | GLOBAL_FLAGS if word else all_flags() | GLOBAL_FLAGS | OTHER_TOOLS_FLAGS
        assert set(FLAG.findall(code)) <= known, f"`{code}`"
    unknown = set(FLAG.findall(prose)) - all_flags() - GLOBAL_FLAGS - OTHER_TOOLS_FLAGS
    assert not unknown


def sections(page: Path, level: str) -> dict[str, str]:
    """Heading to text of every section at this level, up to the next heading of it or above."""
    found = re.split(rf"^(?=#{{1,{len(level)}}} )", text_of(page), flags=re.MULTILINE)
    return {
        part.partition("\n")[0].removeprefix(f"{level} "): part.partition("\n")[2]
        for part in found
        if part.startswith(f"{level} ")
    }


REFERENCE = ROOT / "docs" / "reference.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_command_with_every_flag(name: str) -> None:
    told = sections(REFERENCE, "###")[f"bms {name}"]
    named = set(FLAG.findall(told))
    wanted = flags_of(name) - (flags_of("run") if name in RUN_FLAGS_TOO else set())
    assert wanted <= named
    assert named <= flags_of(name)


def test_the_makefile_has_the_targets_that_are_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    said = [
        line.partition("#")[0]
        for page in OURS
        for line in (*CODE.findall(text_of(page)), *(x for b in blocks(page) for x in b.body.splitlines()))
    ]
    named = {target for line in said if line.startswith("make ") for target in line.split()[1:]}
    assert {"demo", "test"} <= named <= targets


# --- the service -------------------------------------------------------------------------------------------

API, SERVICE, CLIENTS = (ROOT / "docs" / name for name in ("api.md", "service.md", "clients.md"))
EXAMPLES = {"RUN": "20261121-gtwh9", "OTHER": "20261121-cmyyn", "THREAD": "t1", "MESSAGE": "m1"}
BODIES: dict[str, type[BaseModel]] = {
    "runs": Wishes,
    "approval": ApprovalGiven,
    "reply": ReplyGiven,
    "labels": LabelGiven,
    "resume": Further,
    "threads": NewThread,
    "messages": NewMessage,
    "confirm": Confirmation,
}
"""What is sent to an address that ends so."""
CURL_FLAGS_WITH_A_VALUE = {"-H", "-d", "-X"}
SITUATIONS = tuple(
    Situation(asks=asks, fields=fields, has_run=asks is not None)
    for asks in (None, "approval", "request", "judge", "review")
    for fields in ((), ("size", "domain"))
)


class Request(NamedTuple):
    """What a curl line would send."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str | None


def curl_lines() -> Iterator[str]:
    """With the variables that the blocks set, in the order of the page."""
    known = dict(EXAMPLES)
    for block in tagged("curl"):
        for line in block.body.replace("\\\n", " ").splitlines():
            if found := re.fullmatch(r"([A-Z]+)=(\S+)", line):
                known[found[1]] = found[2]
                continue
            assert line.startswith("curl "), line
            yield re.sub(r"\$([A-Z]+)", lambda name: known[name[1]], line)


def request_of(line: str) -> Request:
    words = shlex.split(line)[1:]
    method, address, headers, body = "", "", {}, None
    while words:
        word = words.pop(0)
        value = words.pop(0) if word in CURL_FLAGS_WITH_A_VALUE else ""
        if word == "-X":
            method = value
        elif word == "-H":
            name, _, rest = value.partition(": ")
            headers[name] = rest
        elif word == "-d":
            body = value
        elif not word.startswith("-"):
            address = word
    parts = urlsplit(address)
    assert parts.netloc == "127.0.0.1:8765"
    return Request(method or ("GET" if body is None else "POST"), parts.path, dict(parse_qsl(parts.query)),
                   headers, body)  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return make_app(Settings(home=tmp_path_factory.mktemp("app")))


def test_every_curl_line_is_an_operation_of_the_schema(app: FastAPI) -> None:
    """Path, method, query, and a body that its model takes."""
    schema = app.openapi()["paths"]
    used = set()
    for line in curl_lines():
        wanted = request_of(line)
        patterns = {path: re.sub(r"\{[^/]+\}", "[^/]+", path) for path in schema}
        paths = [
            path
            for path, pattern in patterns.items()
            if re.fullmatch(pattern, wanted.path) and wanted.method.lower() in schema[path]
        ]
        path = min(paths, key=lambda one: one.count("{"), default="")
        assert path, line
        used.add(path)
        operation = schema[path][wanted.method.lower()]
        known = {one["name"].lower(): one["in"] for one in operation.get("parameters", [])}
        assert dict.fromkeys(wanted.query, "query").items() <= known.items(), line
        assert {name.lower() for name in wanted.headers} <= {*known, "accept", "content-type"}, line
        if wanted.body is not None:
            assert wanted.headers["Content-Type"] == "application/json", line
            BODIES[path.rpartition("/")[2]].model_validate_json(wanted.body)
    assert {path for path in schema if path.startswith("/api/")} - used <= {
        "/api/runs/{run_id}/source",
        "/api/threads/{thread_id}",
        "/api/health",
        "/api/stories",
    }


def first_words(page: Path, section: str, level: str = "##") -> list[str]:
    """First cells of the table rows of a section that begin with code."""
    told = sections(page, level)[section]
    return [found[1] for line in told.splitlines() if (found := re.match(r"\| `([^`]+)` \|", line))]


def test_the_api_page_has_every_problem_with_its_status() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", sections(API, "##")["Problems"], re.MULTILINE)
    ours = {(name, str(status)) for _, status, name in STATUSES}
    assert set(told) == ours | {("invalid", "422"), ("unexpected", "500")}
    assert len(told) == len(set(told))


def test_the_api_page_has_every_action() -> None:
    assert first_words(API, "Approve") == list(ApprovalAction)


def test_what_can_be_said_is_understood() -> None:
    told = sections(SERVICE, "##")["What can be said"]
    examples = [
        said
        for line in told.splitlines()
        if line.startswith("| ") and "`" in line
        for said in CODE.findall(line.split("|")[2])
    ]
    assert len(examples) > 30
    for said in examples:
        assert any(not isinstance(understand(said, one), Unknown) for one in SITUATIONS), said


def test_the_page_of_clients_has_every_tool() -> None:
    assert first_words(CLIENTS, "The tools", "###") == [tool.__name__ for tool, *_ in TOOLS]


def test_settings_of_mcp_clients_can_be_used_as_they_stand() -> None:
    shown = tagged("mcp client")
    assert len(shown) >= 3
    for block in shown:
        (server,) = json.loads(block.body)["mcpServers"].values()
        if "command" in server:
            assert server["command"] == "bms"
            name, *rest = server["args"]
            command(name).make_context(name, rest)
            assert set(server.get("env", {})) <= set(VARIABLES.values())
        else:
            assert server["url"] == "http://127.0.0.1:8765/mcp"


@pytest.mark.parametrize("page", OURS, ids=names(OURS))
def test_programs_in_python_are_programs(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.body, str(page), "exec")


def test_the_cases_of_the_guard_are_counted_right() -> None:
    told = sections(ROOT / "docs" / "explanation.md", "##")["What the guard refuses"]
    rows = {
        name.split(",")[0]: (int(number), int(let_in), int(refused))
        for name, number, let_in, refused in re.findall(
            r"^\| ([^|]+?) \| (\d+) \| (\d+) \| (\d+) \|$", told, re.MULTILINE
        )
    }
    number = Counter(case.kind for case in CASES)
    # 303 sends whoever has not signed in to the page where they do.
    let_in = Counter(case.kind for case in CASES if case.status < 400 and case.status != 303)
    counted = {kind: (number[kind], let_in[kind], number[kind] - let_in[kind]) for kind in number}
    assert rows == counted | {"all": (len(CASES), let_in.total(), len(CASES) - let_in.total())}


# --- settings, tables, records -----------------------------------------------------------------------------


@cache
def variables_read_elsewhere() -> frozenset[str]:
    """Variables that tools read themselves, as their own programs do."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "tools").rglob("*.py"))
    return frozenset(re.findall(r'environ\.get\(\s*"([A-Z_]+)"', source))


@pytest.mark.parametrize("page", OURS, ids=names(OURS))
def test_variables_that_are_named_are_read(page: Path) -> None:
    named = set(VARIABLE.findall(text_of(page))) - NO_VARIABLES
    assert named <= set(VARIABLES.values()) | variables_read_elsewhere()


def rows_of(section: str) -> dict[str, list[str]]:
    """First cell, without its backticks, to the other cells of the tables of a section."""
    told = sections(REFERENCE, "##")[section]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in told.splitlines()
        if line.startswith("| `")
    ]
    return {first.strip("`"): others for first, *others in rows}


def test_the_reference_has_every_setting_with_its_default() -> None:
    told = rows_of("Settings")
    assert set(told) == set(VARIABLES.values())
    for field, variable in VARIABLES.items():
        key, *_, default = told[variable]
        assert key == f"`{field}`"
        stated = Settings.model_fields[field].default
        if isinstance(stated, str) and stated:
            assert default == f"`{stated}`"


def test_the_reference_has_every_table() -> None:
    assert set(rows_of("Database tables")) == set(Base.metadata.tables)


def test_the_reference_has_every_status() -> None:
    assert list(rows_of("Run statuses")) == list(RunStatus)


def test_the_reference_has_every_rule_of_computed_criteria() -> None:
    told = sections(REFERENCE, "###")["Rubric"]
    rules = Rule.__origin__.__args__  # type: ignore[attr-defined]
    for rule in rules:
        (name,) = rule.model_fields["type"].annotation.__args__
        (line,) = [line for line in told.splitlines() if line.startswith(f"| `{name}` ")]
        keys = {field for field in rule.model_fields if field != "type"}
        assert set(CODE.findall(line.split("|")[2])) == keys


@pytest.mark.parametrize(
    ("prompt", "reply"),
    [
        (RequestPrompt, RequestAnswer),
        (ApprovalPrompt, Approval),
        (ScenariosPrompt, ScenariosAgreement),
        (LabelsPrompt, Labelled),
        (JudgePrompt, JudgeChoice),
        (ReviewPrompt, Review),
    ],
)
def test_the_reference_has_every_field_of_the_six_questions(
    prompt: type[RequestPrompt], reply: type[RequestAnswer]
) -> None:
    told = sections(REFERENCE, "##")["The six questions"]
    kind = prompt.model_fields["kind"].default
    begin = told.index(f"`{kind}`: ")
    part = told[begin : told.find("\n\n`", begin + 1)]
    lines = [line.split("|") for line in part.splitlines() if line.startswith("|")]
    asked = {word for cells in lines for word in CODE.findall(cells[1])}
    replied = {word for cells in lines for word in CODE.findall(cells[3])}
    assert asked == set(prompt.model_fields) - {"kind"}
    assert replied == set(reply.model_fields)


def test_the_reference_has_every_action_of_an_approval() -> None:
    told = sections(REFERENCE, "##")["The six questions"]
    (line,) = [line for line in told.splitlines() if "| `action` |" in line]
    assert CODE.findall(line)[-len(ApprovalAction) :] == list(ApprovalAction)
    assert Approver.POLICY.value in told


# --- links -------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


# --- what the program really prints ------------------------------------------------------------------------


class Played(NamedTuple):
    """A finished replay of the story."""

    home: Path
    run_id: str
    screen: str


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    home = tmp_path_factory.mktemp("docs")
    said = bms_process(home, "demo", "--yes", "--out", str(home / "out"))
    assert said.status == 0, said.err
    (run,) = bms_process(home, "runs", "--json").json
    return Played(home, run["run"], said.out)


def test_output_on_the_pages_is_what_the_program_prints(played: Played) -> None:
    printed = {"demo": folded(played.screen)}
    shown = [block for page in OURS for block in blocks(page) if block.tag.startswith("output of: ")]
    assert len(shown) >= 5
    for block in shown:
        line = block.tag.removeprefix("output of: ")
        if line not in printed:
            words = [played.run_id if word == "RUN" else word for word in shlex.split(line)]
            printed[line] = folded(bms_process(played.home, *words).out)
        for wanted in block.body.splitlines():
            assert folded(wanted) in printed[line], f"{block.page.name} shows what is not printed: {wanted}"


def test_the_reference_has_every_kind_of_event_with_its_data(played: Played) -> None:
    told = rows_of("Events")
    files = [path for folder in ("agent", "graphs", "store") for path in (ROOT / folder).rglob("*.py")]
    source = "".join(path.read_text("utf-8") for path in files)
    assert [kind for kind in told if f'"{kind}"' not in source] == []
    log = bms_process(played.home, "show", played.run_id, "--events", "--json").json["events"]
    assert log
    for event in log:
        assert event["kind"] in told
        _, fields = told[event["kind"]]
        if event["kind"] not in SEVERAL_SHAPES:
            assert set(CODE.findall(fields)) <= set(event["data"]), event
