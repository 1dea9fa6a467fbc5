"""The approval as a page, and what it sends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.pages.choices import Machine, choice
from agent.settings import Settings
from store import reading, research, runs
from store.database import Database
from store.schema import RunStatus
from tests.standins.offered import EVIL, GEMMA, QWEN, offered_run
from tests.standins.records import NOW, a_fact, a_request
from tests.standins.service import NoEngine, inside
from tools.facts import Factor
from tools.table import ComparisonTable

ROOMY = Machine(free_disk=10**12, memory=10**12, available_memory=10**12)


@pytest.fixture
def run_id(home: Path, empty_database: Path) -> str:
    return offered_run(home / "bms", empty_database, rows=2)


def opened(home: Path) -> Database:
    return Database(Settings(home=home / "bms").rows_url)


def table_of(home: Path, run_id: str) -> ComparisonTable:
    with opened(home) as database, database.reading() as session:
        offered = research.newest_table(session, run_id)
        assert offered is not None
        return offered.table


async def page(home: Path, address: str) -> str:
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.get(address)
    assert reply.status_code == 200, reply.text
    return reply.text


async def decide(home: Path, run_id: str, **given: Any) -> httpx.Response:
    body = {"action": "approve", "table_hash": table_of(home, run_id).hash, **given}
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        return await client.post(f"/api/runs/{run_id}/approval", json=body)


def selected(html: str, role: str) -> str:
    select = re.search(rf'<select id="{role}".*?</select>', html, re.DOTALL)
    assert select is not None
    found = re.search(r'<option value="([^"]*)"[^>]*selected>', select[0])
    return found[1] if found else ""


async def test_the_proposal_is_preselected_with_its_reasons(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/approval")
    assert selected(html, "primary") == QWEN
    assert selected(html, "backup") == GEMMA
    for words in ("The proposal", "Against it, or unknown", "Other weights.", "No backup", "This machine:"):
        assert words in html
    assert "⭐" not in html
    assert f'data-hash="{table_of(home, run_id).hash}"' in html


async def test_before_the_button_stands_what_it_costs(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/approval")
    card = html[html.index('id="about-primary"') : html.index('id="about-backup"')]
    assert "5.2 GB" in card
    assert "qwen3:8b" in card
    for term in ("Download", "Memory", "Licence", "Context"):
        assert f"<dt>{term}</dt>" in card
    assert "Apache 2.0" in card
    backup = html[html.index('id="about-backup"') : html.index('id="why"')]
    assert "no packaged copy known" in backup


async def test_an_address_fills_in_the_form(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/approval?primary={GEMMA}&add=owner/name")
    assert selected(html, "primary") == GEMMA
    assert selected(html, "backup") == QWEN, "whoever was proposed is the one to fall back on"
    assert ">owner/name</textarea>" in html
    assert selected(await page(home, f"/runs/{run_id}/approval?backup=-"), "backup") == "-"
    odd = await page(home, f"/runs/{run_id}/approval?primary=nobody&backup={QWEN}")
    assert (selected(odd, "primary"), selected(odd, "backup")) == (QWEN, GEMMA)


async def test_who_is_chosen_is_described(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/approval/choice?model={GEMMA}")
    assert f'data-key="{GEMMA}"' in html
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.get(f"/runs/{run_id}/approval/choice", params={"model": "nobody"})
    assert reply.status_code == 404


async def test_after_an_answer_the_page_says_who_gave_it(home: Path, run_id: str):
    first = await decide(home, run_id, primary=QWEN, backup="", by="Ada <b>")
    assert first.status_code == 202, first.text
    html = await page(home, f"/runs/{run_id}/approval")
    assert "Ada &lt;b&gt; has given an answer" in html.replace("<b>", "", 1) or "Ada &lt;b&gt;</b>" in html
    assert 'id="primary"' not in html
    second = await decide(home, run_id, primary=GEMMA)
    assert second.status_code == 409
    assert "by Ada <b>" in second.json()["detail"]


async def test_a_table_that_has_changed_is_refused_with_what_changed(home: Path, run_id: str):
    seen = table_of(home, run_id).hash
    with opened(home) as database, database.session() as session:
        fact = a_fact(
            GEMMA, Factor.RELEASE_DATE, "2024-06-27", text="released 2024-06-27", quote="2024-06-27"
        )
        reading.keep_text(session, run_id, "released 2024-06-27")
        assert research.keep_facts(session, run_id, [fact]) == 1
    refused = await decide(home, run_id, table_hash=seen, primary=QWEN)
    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"] == "urn:bms:problem:table-changed"
    assert any("2024-06-27" in one["why"] for one in problem["errors"])


async def test_what_was_decided_stands_under_it(home: Path, run_id: str):
    table = table_of(home, run_id)
    with opened(home) as database, database.session() as session:
        for action, given in (
            ("more", {"note": "look for <i>memory</i>"}),
            ("approve", {"primary": QWEN, "backup": EVIL}),
        ):
            research.keep_approval(session, run_id, action, table.hash, given, "Bo", NOW)
        runs.set_status(session, run_id, RunStatus.STOPPED, "stopped by a person", NOW, stage="pull")
    html = await page(home, f"/runs/{run_id}/approval")
    assert "does not wait for an approval" in html
    assert html.index("<b>Approved</b>") < html.index("<b>More research</b>"), "the newest first"
    assert f'href="/runs/{run_id}/models/{QWEN}"' in html
    assert "look for &lt;i&gt;memory&lt;/i&gt;" in html
    assert f'data-part="/runs/{run_id}/approval/state"' in html
    part = await page(home, f"/runs/{run_id}/approval/state")
    assert "<html" not in part
    assert "What was decided" in part


def test_what_may_stop_a_model_is_told(home: Path, run_id: str):
    table = table_of(home, run_id)
    qwen, gemma = table.row(QWEN), table.row(GEMMA)
    assert choice(qwen, a_request(), ROOMY).warnings == ()
    assert "No packaged copy" in choice(gemma, a_request(), ROOMY).warnings[0]
    tight = choice(qwen, a_request(), Machine(10**9, 2 * 10**9, 10**9)).warnings
    assert "5.23 GB on disk, and 1.00 GB are free" in tight[0]
    assert "this machine has 2.00 GB" in tight[1]
    busy = choice(qwen, a_request(), Machine(10**12, 10**11, 10**9)).warnings
    assert "1.00 GB of this machine's are free now" in busy[0]
    budget = choice(qwen, a_request(memory_budget_bytes=10**9), ROOMY).warnings
    assert "1.00 GB may be used" in budget[0]
