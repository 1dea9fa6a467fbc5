"""Failures in a browser: a page with what is wrong and a way on; for a program, problem details."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agent.pages.problem_page import steps_here
from agent.settings import Settings
from tests.standins.offered import offered_run
from tests.standins.service import NoEngine, inside

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def run_id(home: Path, empty_database: Path) -> str:
    return offered_run(home / "bms", empty_database)


@pytest.fixture
async def client(home: Path, run_id: str) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "There is no page at this address."),
        ("/runs/nonsense", 404, "There is no run &#39;nonsense&#39;."),
        ("/runs/nonsense/table", 404, "There is no run"),
        ("/runs/no_run", 422, "This address is wrong"),
        ("/chats/nonsense", 404, "nonsense"),
        ("/runs?page=0", 422, "“page” in this address: input should be greater than or equal to 1."),
        ("/runs/{run}/models/no/such", 404, "has not come across"),
        ("/runs/{run}/answers/primary/s999", 404, "s999"),
    ],
)
async def test_a_browser_gets_a_page_in_the_shell(
    client: httpx.AsyncClient, run_id: str, path: str, status: int, words: str
) -> None:
    reply = await client.get(path.format(run=run_id), headers=BROWSER)
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith("text/html")
    assert '<nav aria-label="Main">' in reply.text
    assert words in reply.text
    assert '<a class="button" href="/runs">All runs</a>' in reply.text
    assert "bms " not in reply.text.partition("<main")[2]
    back = f'<a class="button" href="/runs/{run_id}">Back to the run</a>'
    assert (back in reply.text) == (run_id in path.format(run=run_id))


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/problem+json"])
async def test_a_program_gets_problem_details(client: httpx.AsyncClient, accept: str) -> None:
    reply = await client.get("/runs/nonsense", headers={"Accept": accept})
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["next_step"] == "`bms runs` lists them."


@pytest.mark.parametrize("path", ["/api/runs/nonsense", "/langgraph/threads/nonsense", "/static/nothing.js"])
async def test_addresses_of_programs_answer_with_problem_details(
    client: httpx.AsyncClient, path: str
) -> None:
    reply = await client.get(path, headers=BROWSER)
    assert reply.status_code >= 400
    assert "text/html" not in reply.headers["content-type"]


async def test_a_strangers_words_stay_text(client: httpx.AsyncClient) -> None:
    reply = await client.get("/runs/x/answers/primary/%3Cscript%3E", headers=BROWSER)
    assert reply.status_code in {404, 422}
    assert "<script>" not in reply.text


async def test_nothing_is_evaluated_before_the_approval(client: httpx.AsyncClient, run_id: str) -> None:
    reply = await client.get(f"/runs/{run_id}/evaluation", headers=BROWSER)
    assert reply.status_code == 200
    assert f'<a href="/runs/{run_id}/approval">approve one</a>' in reply.text


def test_what_is_done_elsewhere_is_left_out_of_the_next_step() -> None:
    assert steps_here("Choose another one. `bms runs` lists them.") == "Choose another one."
    assert steps_here("See /api/openapi.json.") == ""
