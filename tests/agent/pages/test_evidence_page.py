"""The page of one candidate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.pages.evidence import FACTORS, steps
from agent.settings import Settings
from tests.standins.offered import EVIL, GEMMA, QWEN, REFUSED, offered_run
from tests.standins.service import NoEngine, inside
from tools.facts import Factor
from tools.rating import Rating, RatingPart


@pytest.fixture
def run_id(home: Path, empty_database: Path) -> str:
    return offered_run(home / "bms", empty_database)


async def page(home: Path, address: str, status: int = 200) -> str:
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.get(address)
    assert reply.status_code == status, reply.text
    return reply.text


def test_every_factor_has_its_section():
    told = [factor for factors in FACTORS.values() for factor in factors]
    assert sorted(told) == sorted(Factor)


async def test_an_accepted_candidate_has_everything_in_one_page(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/models/{QWEN}")
    assert "<bdi>Qwen3 8B</bdi>" in html
    assert 'id="params"' in html
    assert 'id="context_native"' in html
    assert 'id="fit"' in html
    assert "<mark>Licence: apache-2.0</mark>" in html
    assert "40,960" in html
    assert "Not displayed:" in html
    assert f"/runs/{run_id}/approval?primary=Qwen%2FQwen3-8B" in html
    assert "primary, proposed" in html or "backup, proposed" in html


async def test_ids_of_the_page_are_unique(home: Path, run_id: str):
    for key in (QWEN, EVIL, REFUSED):
        ids = re.findall(r'\sid="([^"]+)"', await page(home, f"/runs/{run_id}/models/{key}"))
        assert len(ids) == len(set(ids))


async def test_a_rejected_candidate_has_its_reason_and_who_stands_for_it(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/models/{REFUSED}")
    assert "rejected" in html
    assert "a copy &lt;script&gt;" in html
    assert f'href="/runs/{run_id}/models/{EVIL}"' in html
    assert "What was said of it" in html
    assert "add=evil%2Fcopy-8b#edit" in html
    assert f'href="/runs/{run_id}/models/{REFUSED}"' in await page(home, f"/runs/{run_id}/models/{EVIL}")


async def test_a_part_of_a_name_is_enough_and_nobody_is_a_404(home: Path, run_id: str):
    assert "google/gemma-2-9b-it" in await page(home, f"/runs/{run_id}/models/gemma")
    assert "has not come across" in await page(home, f"/runs/{run_id}/models/nobody/here", 404)
    assert GEMMA in await page(home, f"/runs/{run_id}/models/{GEMMA}")


def test_the_bars_end_where_the_stars_do():
    parts = (
        RatingPart(name="evidence", points=1.0, weight=1.25, why="for"),
        RatingPart(name="recency", points=-0.5, weight=0.5, why="old"),
    )
    rating = Rating(stars=3.5, total=3.5, most=3.5, counted=1, parts=parts)
    start, more, less, total = steps(rating)
    assert (start.low, start.width) == (0.0, 2.5)
    assert (more.kind, more.low, more.low + more.width) == ("more", 2.5, 3.75)
    assert (less.kind, less.low, less.low + less.width) == ("less", 3.5, 3.75)
    assert (total.kind, total.low, total.width) == ("total", 0.0, 3.5)


def test_a_sum_over_the_most_says_why():
    parts = (RatingPart(name="evidence", points=1.0, weight=1.25, why="for"),)
    found = steps(Rating(stars=3.5, total=3.5, most=3.5, counted=1, parts=parts))
    assert [step.kind for step in found] == ["start", "more", "limit", "total"]
    assert "3.75" in found[2].why


def test_without_stars_the_parts_stand_alone():
    parts = (RatingPart(name="recency", points=0.5, weight=0.5, why="new"),)
    assert [step.kind for step in steps(Rating(parts=parts))] == ["more"]
