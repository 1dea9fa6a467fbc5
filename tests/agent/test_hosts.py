"""`BMS_RUNTIMES`: the setting, and what `bms doctor` says of every host."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import cli
from agent.services import open_services, replaying
from agent.settings import load_settings
from agent.story import About, Story
from store.database import Database
from tests.standins.ollama_server import OllamaServer, StandInModel
from tests.standins.records import NOW
from tools.faults import WrongUse
from tools.runtimes.spread import SpreadRuntime

SET = "BMS_RUNTIMES"


def test_nothing_is_listed_by_default() -> None:
    assert load_settings().runtime_hosts == ()


def test_a_password_is_refused_and_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SET, "ollama:http://gpu1:11434,ollama:http://me:hunter2@gpu2:11434")
    with pytest.raises(WrongUse) as caught:
        load_settings()
    assert caught.value.sentence.startswith(
        "The setting BMS_RUNTIMES (runtimes in bms.toml) cannot be used: has an entry, number 2, that holds "
        "a user name or a password"
    )
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_the_list_may_stand_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bms.toml").write_text('runtimes = "openai:http://gpu2:8000/v1#qwen3:8b=Q8, http://gpu1:11434"')
    assert [host.label for host in load_settings().runtime_hosts] == ["gpu2:8000", "gpu1:11434"]


async def test_the_candidate_is_spread_over_the_list(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OllamaServer() as one, OllamaServer() as two:
        monkeypatch.setenv(SET, f"{one.url.join(['ollama:', ''])},ollama:{two.url}")
        async with open_services(load_settings(), database) as services:
            assert isinstance(await services.choose_runtime("auto"), SpreadRuntime)
    story = Story("one", Path("one"), About(text="8B models for therapy", recorded_at=NOW, hosts=()))
    assert replaying(load_settings(), story).runtime_hosts == (), "a replay asks for what was recorded"


def test_doctor_has_a_line_for_every_host(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    model = StandInModel()
    with OllamaServer(local={"qwen3:8b": model}) as one:
        monkeypatch.setenv(SET, f"ollama:{one.url},ollama:http://127.0.0.1:1")
        said = CliRunner().invoke(cli, ["doctor", "--offline", "--json"], catch_exceptions=False)
        label = f"127.0.0.1:{one.port}"
    told = {finding["what"]: finding for finding in json.loads(said.stdout)}
    assert told[f"host {label}"]["fine"]
    for words in ("0.32.15", f"qwen3:8b (sha256:{model.digest[:12]})"):
        assert words in told[f"host {label}"]["detail"]
    assert not told["host 127.0.0.1:1"]["fine"]
    assert told["runtime ollama"]["detail"].startswith(f"1 of 2 hosts answer: {label}.")
