"""The skill file: every command in it is one, and every key that it names is printed by a real replay."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click
import pytest
import yaml

from agent.cli import COMMANDS, cli
from agent.mcp.records import RunReply, Standing
from agent.mcp.server import TOOLS
from store.schema import RunStatus
from tests.agent.conftest import Bms
from tests.standins.command_line import ROOT
from tests.standins.replayed import Kept

TEXT = (ROOT / "docs" / "SKILL.md").read_text("utf-8")
FRONT, BODY = re.fullmatch(r"---\n(.*?)\n---\n(.*)", TEXT, re.DOTALL).groups()  # type: ignore[union-attr]
BLOCKS = re.findall(r"```sh\n(.*?)```", BODY, re.DOTALL)
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", BODY, flags=re.DOTALL))
LINES = sorted({line for block in BLOCKS for line in block.splitlines()})
MENTIONED = sorted({said for said in INLINE if said.startswith("bms ")})
FLAGS = sorted({said.split()[0] for said in INLINE if said.startswith("--")})
KEYS = [
    (command, re.findall(r"`([^`]+)`", keys))
    for command, keys in re.findall(r"^\| `(bms [^`]*--json)`(?: \(each\))? \| (.*) \|$", BODY, re.MULTILINE)
]


def parsed(line: str) -> dict[str, Any]:
    """The values with which the command would be called; fails on an unknown command, flag or choice."""
    words = shlex.split(line.replace(" N", " 5"))
    assert words[0] == "bms"
    assert words[1] in COMMANDS, line
    command = cli.get_command(click.Context(cli), words[1])
    assert command is not None
    return command.make_context(words[1], words[2:], resilient_parsing=False).params


def at(value: Any, path: str) -> Any:
    for part in path.split("."):
        assert part in value, path
        value = value[part]
    return value


def test_its_head_says_when_to_use_it() -> None:
    head = yaml.safe_load(FRONT)
    assert set(head) == {"name", "description"}
    assert re.fullmatch(r"[a-z0-9-]{1,64}", head["name"])
    assert 50 < len(head["description"]) <= 1024
    assert "Not for" in head["description"]


@pytest.mark.parametrize("line", LINES)
def test_a_command_to_type_is_understood(line: str) -> None:
    assert parsed(line) is not None


@pytest.mark.parametrize("line", MENTIONED)
def test_a_command_in_the_text_is_understood(line: str) -> None:
    words = shlex.split(line)
    if len(words) == 2:
        assert words[1] in COMMANDS
    else:
        assert parsed(line) is not None


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_in_the_text_is_one(flag: str) -> None:
    names = {
        name
        for command in ("research", "approve", "resume", "demo")
        for option in cli.get_command(click.Context(cli), command).params  # type: ignore[union-attr]
        for name in option.opts
    }
    assert flag in names


def test_no_command_to_type_takes_the_proposals_unasked() -> None:
    assert [line for line in LINES if "--yes" in line] == ["bms demo --yes"]


@pytest.mark.parametrize(("line", "keys"), KEYS)
def test_the_keys_are_printed_by_a_finished_replay(
    bms: Bms, finished: Kept, line: str, keys: list[str]
) -> None:
    words = shlex.split(line)[1:]
    if "cancel" in words:
        pytest.skip("a finished run is not cancelled")
    places = {"RUN": finished.run_id, "MODEL": "Qwen/Qwen3-8B"}
    told = bms(*(places.get(word, word) for word in words)).json
    record = told[0] if isinstance(told, list) else told
    for key in keys:
        at(record, key)


def test_the_keys_of_rows_and_results(bms: Bms, finished: Kept) -> None:
    row = bms("table", finished.run_id, "--json").json["table"]["rows"][0]
    said = re.search(r"A row of\n`table.rows` has (.*?);", BODY, re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) <= set(row)
    result = bms("report", finished.run_id, "--json").json["results"][0]
    said = re.search(r"An item of `results` has (.*?)\.", BODY, re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) <= set(result)


def test_a_cancelled_run_prints_its_keys(bms: Bms, waiting: Kept) -> None:
    (keys,) = [keys for command, keys in KEYS if "cancel" in command]
    assert set(keys) <= set(bms("cancel", waiting.run_id, "--json").json)


def test_what_commands_that_drive_a_run_print(bms: Bms, waiting: Kept, elsewhere: object) -> None:
    table = bms("table", waiting.run_id, "--json").json["hash"]
    said = bms("approve", waiting.run_id, "--reject", "none fits", "--table", table, "--json")
    assert set(said.json) == {"run", "status", "waits_for", "detail", "documents"}
    assert said.json["status"] == "rejected"
    again = bms("approve", waiting.run_id, "--reject", "none fits", "--table", table, "--json")
    assert again.status == 2
    assert "does not wait for an approval" in again.sentence


def test_exit_statuses_are_those_of_the_program(bms: Bms, waiting: Kept) -> None:
    assert bms("show", waiting.run_id, "--json").status == 0
    assert bms("show", "nobody", "--json").status == 2
    listed = re.search(r"`status` is one of (.*?)\.\n", BODY, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`([\w ]+)`", listed[1])) == {status.value for status in RunStatus}


def test_the_tools_are_those_of_the_server() -> None:
    listed = re.search(r"The tools are (.*?)\. Every answer", BODY, re.DOTALL)
    assert listed is not None
    assert re.findall(r"`(\w+)`", listed[1]) == [
        *(name for name in ("research", "wait", "status", "runs", "table", "evidence", "approve", "answer")),
        *(name for name in ("results", "answers", "failures", "report", "resume", "cancel")),
    ]
    assert set(re.findall(r"`(\w+)`", listed[1])) == {tool.__name__ for tool, _, _ in TOOLS}
    assert "next" in Standing.model_fields
    assert issubclass(RunReply, Standing)
