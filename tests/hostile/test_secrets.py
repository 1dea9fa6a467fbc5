"""Secrets that are sent to one server come back from it in every way, and are written nowhere."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from agent.cassettes import recorded
from agent.commands.serve import LOG
from agent.settings import load_settings
from store.database import Database
from tests.hostile.cases_text import LEAKS
from tests.standins.command_line import bms_process
from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.loopback import Asked as Heard
from tests.standins.loopback import Exchange
from tests.standins.openai_server import OpenAIServer
from tests.standins.patience import PATIENCE
from tests.standins.stage import TODAY
from tests.standins.umpired import Umpired
from tests.standins.umpired_runs import Place
from tools.clock import FixedClock
from tools.faults import Fault
from tools.outcomes import Found
from tools.runtimes import ChatRequest, Message
from tools.runtimes.llamacpp_process import EmbeddedServer, Order
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.secrecy import HushedFormatter, Secrets, hold, hushed
from tools.web.client import HttpWeb
from tools.web.pdf import _environment

KEY = "sk-Canary/Key+0123456789=x"
TOKEN = "hf_CanaryTokenAbCdEfGhIjKl"
SERVICE = "canary-token-of-the-service"
PASSWORD = "canary-pass-w0rd"
CANARIES = (KEY, TOKEN, SERVICE, PASSWORD)
ASKED = ChatRequest(messages=(Message(role="user", content="Hello."),), context=2048, max_tokens=50)


def spelled(secret: str) -> set[bytes]:
    """As it may be found in a file: as it is, in addresses, in JSON, in hexadecimal and in base64."""
    raw = secret.encode()
    whole = (raw, b"Bearer " + raw, b"x:" + raw, b"bob:" + raw)
    # The last characters depend on what follows.
    based = {base64.b64encode(text)[8:-4] for text in whole if len(text) > 20}
    forms = {
        raw,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        json.dumps(secret)[1:-1].encode(),
    }
    forms.add(raw[:12])  # also where somebody cut it off
    return {form for form in forms | based | {raw.hex().encode()} if len(form) > 7}


def found_in(data: bytes | str) -> list[bytes]:
    told = data.encode("utf-8", "replace") if isinstance(data, str) else data
    return [form for secret in CANARIES for form in spelled(secret) if form in told]


def told_by(error: BaseException) -> str:
    """Everything that a traceback would show, and what a logger would make of it."""
    return "".join(traceback.format_exception(error)) + repr(error)


# --- servers that send the key back ------------------------------------------------------------------------


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PARROTS: Mapping[str, Callable[[str], str]] = {
    "a server that repeats the key in an error": lambda given: f"Incorrect API key provided: {given}",
    "a server that repeats the key at the end of a long error": lambda given: "x" * 385 + given,
    "a server that repeats the key in base64": lambda given: base64.b64encode(
        f"k={given}!".encode()
    ).decode(),
    "a server that repeats the key percent-encoded": lambda given: quote(given, safe=""),
}


class Parrot(OpenAIServer):
    """Sends the header back in errors."""

    def __init__(self, says: Callable[[str], str], *, lists: bool = False) -> None:
        super().__init__()
        self._says, self._lists = says, lists

    def answer(self, exchange: Exchange, asked: Heard) -> None:
        given = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self._lists and asked.path == "/v1/models":
            return exchange.send_json({"object": "list", "data": [{"id": f"model {given}"}]})
        return exchange.send_json({"error": {"message": self._says(given)}}, 500)


async def _asked(server: OpenAIServer, model: str = "tiny", *, by_password: bool = False) -> str:
    """All that becomes of a status, a proof and a chat."""
    url = server.url.replace("//", f"//bob:{PASSWORD}@") if by_password else server.url
    runtime = OpenAICompatibleRuntime(f"{url}/v1", KEY)
    said = [repr(runtime)]
    try:
        said.append(str(await runtime.status()))
        for ask in (lambda: runtime.prove(model, context=2048), lambda: runtime.chat(model, ASKED)):
            try:
                said.append(str(await ask()))
            except Fault as fault:
                said.append(told_by(fault))
    finally:
        await runtime.aclose()
    return "\n".join(said)


async def repeated_in_an_error(name: str) -> str:
    with Parrot(PARROTS[name]) as server:
        told = await _asked(server)
        assert any(KEY in asked.headers.get("authorization", "") for asked in server.asked)
        told += await _asked(server, by_password=True)
        assert any("Basic" in asked.headers.get("authorization", "") for asked in server.asked)
    assert "500" in told
    return told


async def repeated_in_an_answer() -> str:
    """The stand-in streams a few characters at a time."""
    with OpenAIServer(reply=lambda _: f"<think>My key is {KEY}.</think>Your key is {KEY}, ha.") as server:
        told = await _asked(server)
    assert "Your key is [withheld], ha." in told
    return told


async def a_model_named_after_it() -> str:
    with Parrot(lambda given: given, lists=True) as server:
        told = await _asked(server)
    assert "model [withheld]" in told
    return told


async def _fetched(respond: Callable[[Asked], Answered], *, path: str = "/x", token: str = TOKEN) -> str:
    with StandIn(respond) as server:
        host = server.address.removeprefix("http://")
        async with HttpWeb(
            FixedClock(TODAY), allow_hosts=frozenset({host}), hub_token=token, hub_host=host
        ) as web:
            outcome = await web.get(f"{server.address}{path}")
            if isinstance(outcome, Found):
                assert "taken out" in " ".join(outcome.value.notes) or not path
                from tools.facts import content_hash

                assert outcome.value.content_hash == content_hash(outcome.value.text)
            return str(outcome)


async def a_page_with_it() -> str:
    return await _fetched(lambda asked: Answered(json.dumps(asked.headers).encode() + base64.b64encode(
        asked.headers["authorization"].encode())))  # fmt: skip


async def headers_with_it() -> str:
    def respond(asked: Asked) -> Answered:
        given = asked.headers["authorization"]
        return Answered(b"fine", headers={"ETag": f'"{given}"', "Link": f"<http://x/?t={quote(given)}>"})

    return await _fetched(respond)


async def a_redirect_with_it() -> str:
    def respond(asked: Asked) -> Answered:
        given = asked.headers["authorization"].removeprefix("Bearer ")
        return Answered(status=302, headers={"Location": f"/again?token={given}"})

    told = await _fetched(respond)
    assert "redirects to an address with the token" in told
    return told


async def a_redirect_elsewhere() -> str:
    heard: list[str] = []
    with StandIn(lambda asked: Answered(str(heard.append(str(asked.headers))).encode())) as other:
        here = other.address.removeprefix("http://")
        with StandIn(lambda _: Answered(status=302, headers={"Location": f"{other.address}/y"})) as server:
            host = server.address.removeprefix("http://")
            async with HttpWeb(
                FixedClock(TODAY), allow_hosts=frozenset({host, here}), hub_token=TOKEN, hub_host=host
            ) as web:
                assert isinstance(await web.get(f"{server.address}/x"), Found)
    assert heard
    return "".join(heard)


async def a_token_that_no_header_takes() -> str:
    return await _fetched(lambda _: Answered(b"fine"), token=f"{TOKEN}\n")


# --- settings, databases, tracebacks, logs, children -------------------------------------------------------


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    given = {
        "HF_TOKEN": f" {TOKEN}\n",
        "OPENAI_API_KEY": KEY,
        "BMS_TOKEN": SERVICE,
        "BMS_DATABASE_URL": f"postgresql+psycopg://bob:{PASSWORD}@127.0.0.1:1/db",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "HTTPS_PROXY": f"http://bob:{PASSWORD}@127.0.0.1:9",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    yield given
    hold(())


def _failing(work: Callable[[], Any]) -> str:
    with pytest.raises(Fault) as caught:
        work()
    return told_by(caught.value) + caught.value.sentence + caught.value.next_step


def a_password_taken_for_a_host() -> str:
    told = _failing(lambda: Database(f"postgresql+psycopg://bob:a@{PASSWORD}@127.0.0.1:1/db"))
    return told + _failing(lambda: Database(f"postgresql+psycopg://bob:x@h:{PASSWORD}/db"))


def a_password_in_a_query() -> str:
    return _failing(lambda: Database(f"postgresql+psycopg://bob@127.0.0.1:1/db?password={PASSWORD}"))


def a_password_in_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> str:
    told = ""
    for name in ("HF_ENDPOINT", "BMS_OLLAMA_REGISTRY", "BMS_DUCKDUCKGO_URL", "BMS_SEARXNG_URL"):
        monkeypatch.setenv(name, f"https://bob:{PASSWORD}@hub.example")
        told += _failing(load_settings)
        assert "without a user name" in told
        monkeypatch.delenv(name)
    monkeypatch.setenv("OLLAMA_HOST", f"http://bob:{PASSWORD}@hub.example:port")
    from tools.runtimes.ollama import OllamaRuntime

    return told + _failing(OllamaRuntime)


def a_token_too_short(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("BMS_TOKEN", SERVICE[:12])
    told = _failing(load_settings)
    monkeypatch.setenv("BMS_TOKEN", f"{SERVICE} {KEY}")
    told += _failing(load_settings)
    assert SERVICE[:12] not in told
    return told


def an_exception(tmp_path: Path, canaries: dict[str, str]) -> str:
    """A defect of ours, or of a library, whose words have a secret in them."""
    code = (
        "import agent.cli as c\n"
        "from agent.settings import load_settings\n"
        "def broken(*a, **k):\n"
        "    s = load_settings()\n"
        "    raise RuntimeError(s.openai_api_key.get_secret_value() + s.database_url) from ValueError(\n"
        "        s.hub_token.get_secret_value() + s.token.get_secret_value())\n"
        "c.cli.main = broken\n"
        "import sys; c.main(sys.argv[1:])\n"
    )
    told = ""
    for more in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *more, "runs"], cwd=Path(__file__).parents[2], capture_output=True,
            env={**os.environ, "BMS_HOME": str(tmp_path)}, check=False, text=True,
        )  # fmt: skip
        assert done.returncode == 1
        told += done.stdout + done.stderr
    assert "Traceback" in told
    assert "[withheld]" in told
    return told


def a_log_line(canaries: dict[str, str]) -> str:
    load_settings()
    assert LOG["formatters"]["plain"]["()"] == "tools.secrecy.HushedFormatter"
    formatter = HushedFormatter("%(message)s")
    try:
        raise RuntimeError(f"{KEY} {canaries['BMS_DATABASE_URL']}")  # noqa: TRY301 - to be logged
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, f"%s {SERVICE}", (TOKEN,), sys.exc_info())
    told = formatter.format(record)
    assert "RuntimeError" in told
    return told


def the_model_servers_environment(monkeypatch: pytest.MonkeyPatch) -> str:
    given: list[dict[str, str]] = []

    class Started:
        def __init__(self, argv: list[str], **options: Any) -> None:
            given.append({**options["env"], "argv": " ".join(argv)})

    monkeypatch.setattr("tools.runtimes.llamacpp_process.subprocess.Popen", Started)
    EmbeddedServer(Order(Path("x.gguf"), 2048, None, True))
    assert "PATH" in given[0]
    return str(given)


def the_pdf_readers_environment() -> str:
    return str(_environment())


def a_recording(tmp_path: Path) -> str:
    path = tmp_path / "http.yaml"

    def respond(asked: Asked) -> Answered:
        given = asked.headers["authorization"]
        told = {
            "said": given,
            "coded": base64.b64encode(given.encode()).decode(),
            "hex": given.encode().hex(),
        }
        told["url"] = quote(given, safe="")
        return Answered(
            json.dumps(told).encode(), headers={"Location": f"/?{quote(given)}", "Set-Cookie": given}
        )

    with (
        StandIn(respond) as server,
        recorded(path, secrets=CANARIES),
        httpx.Client(trust_env=False, timeout=PATIENCE) as client,
    ):
        for secret in CANARIES:
            client.post(
                f"{server.address}/?x={quote_plus(secret)}",
                headers={"Authorization": f"Bearer {secret}", "Cookie": secret},
                json={"said": secret, "coded": coded(secret)},
            )
    text = path.read_text().replace("\\\n", "").replace("\n", "")
    assert text.count("REDACTED") > 10
    return text


async def _told(name: str, canaries: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if name in PARROTS:
        return await repeated_in_an_error(name)
    asked: dict[str, Callable[[], Any]] = {
        "a server that repeats the key in an answer, in two pieces": repeated_in_an_answer,
        "a server that names a model after the key": a_model_named_after_it,
        "a Hub that repeats the token in a page": a_page_with_it,
        "a Hub that repeats the token in its headers": headers_with_it,
        "a Hub that redirects to an address with the token in it": a_redirect_with_it,
        "a Hub that redirects elsewhere": a_redirect_elsewhere,
        "a token with a line's end, which no header takes": a_token_that_no_header_takes,
    }
    if name in asked:
        told: str = await asked[name]()
        return told
    done: dict[str, Callable[[], str]] = {
        "a database's password with an @, taken for its host": a_password_taken_for_a_host,
        "a database's password in the query": a_password_in_a_query,
        "a password in HF_ENDPOINT": lambda: a_password_in_an_endpoint(monkeypatch),
        "a token too short, in a traceback": lambda: a_token_too_short(monkeypatch),
        "an exception with the key in it, with --debug": lambda: an_exception(tmp_path, canaries),
        "a log line with the key in it": lambda: a_log_line(canaries),
        "the environment of the model's server": lambda: the_model_servers_environment(monkeypatch),
        "the environment of the PDF reader": the_pdf_readers_environment,
        "a recording": lambda: a_recording(tmp_path),
    }
    return done[name]()


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
async def test_it_is_told_nobody(
    leak: Any, canaries: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await _told(leak.name, canaries, tmp_path, monkeypatch)
    assert told
    assert not found_in(told), told


SECRETS = {
    "HF_TOKEN": TOKEN,
    "OPENAI_API_KEY": KEY,
    "BMS_TOKEN": SERVICE,
    "BMS_LEADERBOARDS": "false",
}


def test_a_run_and_its_files_hold_no_secret(tmp_path: Path) -> None:
    """Candidate and judge are asked with the key, and say it in answers, reasons and errors. Then everything
    that was written is looked through."""
    place = Place(tmp_path)
    with Umpired(say=lambda call: f"Good {call.text} {KEY} {coded(KEY)} {quote(KEY, safe='')}") as server:
        told = bms_process(tmp_path, *arguments_of(place), env={**SECRETS, **server.env})
        assert told.status == 0, told
        assert any(KEY in asked.headers.get("authorization", "") for asked in server.asked)
    said = told.out + told.err
    assert not found_in(said), said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "bms.sqlite" for path in files)
    assert place.document in files
    assert "[withheld]" in place.document.with_suffix("").joinpath("answers.jsonl").read_text("utf-8")
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}


@pytest.mark.slow  # a server that fails is tried again for a while
def test_a_run_that_fails_and_its_traceback_hold_no_secret(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with Parrot(lambda given: f"no, {given}") as broken:
        address = f"{broken.url.replace('//', f'//bob:{PASSWORD}@')}/v1"
        told = [
            bms_process(tmp_path, *arguments, env={**SECRETS, "OPENAI_BASE_URL": address})
            for arguments in (("--debug", *arguments_of(place)), ("runs", "--json"))
        ]
    said = "".join(one.out + one.err for one in told)
    assert not found_in(said), said
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "bms.sqlite" for path in files)
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}


def arguments_of(place: Place) -> tuple[str, ...]:
    from tests.standins.umpired import CANDIDATE, JUDGE, RUBRIC

    rubric = place.home / "rubric.yaml"
    if not rubric.exists():
        rubric.write_text(RUBRIC, "utf-8")
        lines = (json.dumps({"id": f"s{n}", "message": f"Case {n}: how are you?"}) for n in range(3))
        (place.home / "scenarios.jsonl").write_text("\n".join(lines), "utf-8")
    return (
        "evaluate", "--model", CANDIDATE, "--domain", "therapy coaching", "--runtime", "openai",
        "--judge", JUDGE, "--rubric", str(rubric), "--scenarios", str(place.home / "scenarios.jsonl"),
        "--insist", "--yes", "--out", str(place.out),
    )  # fmt: skip


def test_short_words_are_no_secrets() -> None:
    held = Secrets(["ollama", "", None, KEY])
    assert held.out_of("ollama is here") == "ollama is here"
    assert held.out_of(f"a {KEY} b") == "a [withheld] b"
    assert KEY not in repr(held)


def test_addresses_lose_their_passwords_and_others_stay() -> None:
    hold(())
    for text in ("see http://127.0.0.1:8765/runs/x", "me@example.org wrote to http://a.example", "a:b@c"):
        assert hushed(text) == text
    assert (
        hushed("postgresql://u:p%40x@h/db?password=y") == "postgresql://[withheld]@h/db?password=[withheld]"
    )
