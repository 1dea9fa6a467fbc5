"""The comparison table as a page: what it shows, hides and links to, without a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from agent.pages.columns import ORDER, column_named, slug, starred
from agent.pages.excerpts import at_field, shown
from agent.pages.render import plain
from agent.pages.table_rows import TableWishes, chosen_columns, show
from agent.settings import Settings
from store import research
from store.database import Database
from store.schema import TableRow
from tests.standins.offered import CARD, EVIL, GEMMA, IMAGE, QWEN, REFUSED, SCRIPT, TURNED, offered_run
from tests.standins.service import NoEngine, inside
from tools.escape import clean
from tools.table import Column


@pytest.fixture
def run_id(home: Path, empty_database: Path) -> str:
    return offered_run(home / "bms", empty_database, rows=3)


async def page(home: Path, address: str, **headers: str) -> str:
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.get(address, headers=headers)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/html")
    return reply.text


def keys(html: str, *, hidden: bool = False) -> list[str]:
    """Candidates of the table in their order; without hidden ones unless they are asked for."""
    found = re.findall(r'<tr role="row" class="candidate" data-key="([^"]*)"([^>]*)>', html)
    return [key for key, rest in found if hidden or not rest.rstrip().endswith("hidden")]


def test_an_address_names_every_column():
    assert [column_named(slug(column)) for column in ORDER] == list(ORDER)
    assert set(ORDER) == set(Column)
    assert column_named("Licence") is Column.LICENCE
    assert column_named("nonsense") is None


async def test_the_table_shows_every_column_of_every_candidate(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table")
    assert len(keys(html)) == 6
    for column in ORDER[1:]:
        assert html.count(f'<td role="cell" data-column="{slug(column)}"') == 6
    assert 'aria-label="' in html
    assert "of 5 stars" in html
    assert "⭐" not in html


async def test_nothing_of_a_stranger_becomes_markup(home: Path, run_id: str):
    addresses = [
        f"/runs/{run_id}/table",
        f"/runs/{run_id}/table?rejected=1&who={SCRIPT}&q={IMAGE}".replace("#", ""),
        *(f"/runs/{run_id}/table/cell?cell={EVIL}:{slug(column)}" for column in ORDER),
        *(f"/runs/{run_id}/models/{key}" for key in (EVIL, REFUSED, QWEN)),
        f"/runs/{run_id}/table/rejected",
        f"/runs/{run_id}/approval?primary={EVIL}&add={IMAGE}",
        f"/runs/{run_id}/approval/choice?model={EVIL}",
    ]
    for address in addresses:
        html = await page(home, address)
        assert SCRIPT not in html, address
        assert "<img" not in html, address
        assert not re.search(r'href="(?!https?://|/|#)', html), address
        assert "\u202e" not in html, address
        assert not re.search(r'\s(?:style|on\w+)="', re.sub(r"&\w+;|&#\d+;", "", html)), address


async def test_a_table_that_a_person_opens_counts_as_shown(home: Path, run_id: str):
    with Database(Settings(home=home / "bms").rows_url) as database:
        with database.reading() as session:
            assert research.last_shown(session, run_id) is None
        await page(home, f"/runs/{run_id}/table")
        with database.reading() as session:
            shown = research.last_shown(session, run_id)
            assert shown is not None
            assert shown.table.hash == research.newest_table(session, run_id).table.hash


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("q=gemma", [GEMMA]),
        ("q=GEMMA+google", [GEMMA]),
        ("family=qwen", [QWEN]),
        ("family=gemma2", [GEMMA]),
        ("licence=use:no", []),
        ("q=maker-1", ["maker-1/model-1-8b"]),
        ("smallest=20", []),
        ("largest=9&q=gemma", [GEMMA]),  # 9.24 billion: by what it is called, as the conversation takes it
    ],
)
async def test_filters_hide_what_does_not_fit(home: Path, run_id: str, query: str, wanted: list[str]):
    html = await page(home, f"/runs/{run_id}/table?{query}")
    assert keys(html) == wanted
    assert len(keys(html, hidden=True)) == 6
    assert f"{len(wanted)} of 6 shown" in html


async def test_an_address_sorts_the_table_both_ways(home: Path, run_id: str):
    up = keys(await page(home, f"/runs/{run_id}/table?sort=model"))
    down = keys(await page(home, f"/runs/{run_id}/table?sort=model&order=desc"))
    assert down == up[::-1]
    html = await page(home, f"/runs/{run_id}/table?sort=context")
    assert keys(html)[-1] == EVIL, "unknown comes last"
    assert keys(await page(home, f"/runs/{run_id}/table?sort=context&order=asc"))[-1] == EVIL
    assert 'aria-sort="descending"' in html
    assert keys(await page(home, f"/runs/{run_id}/table?sort=nonsense"))[0] in {QWEN, GEMMA}


async def test_columns_are_chosen_by_the_address_and_remembered(home: Path, run_id: str):
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        first = await client.get(f"/runs/{run_id}/table?columns=params,licence")
        assert first.cookies["bms_columns"] == "model.params.licence"
        second = await client.get(f"/runs/{run_id}/table")
        third = await client.get(f"/runs/{run_id}/table", headers={"Cookie": "bms_columns=" + "x" * 500})
    for html in (first.text, second.text):
        shown = re.findall(r'<th role="columnheader" scope="col" data-column="(\w+)"[^>]*?(hidden)? *>', html)
        assert [name for name, hidden in shown if not hidden] == ["model", "params", "licence"]
    assert third.status_code == 200


def test_columns_that_there_are_not_leave_all():
    assert chosen_columns("nonsense", None) == ORDER
    assert chosen_columns(None, "fit.model") == (Column.MODEL, Column.FIT)
    assert chosen_columns("notes", "fit") == (Column.MODEL, Column.NOTES)


async def test_a_cell_opens_its_quote_in_the_text_around_it(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table/cell?cell={QWEN}:params")
    assert "<mark>Number of Parameters: 8,190,735,360</mark>" in html
    before = html.partition("<mark>")[0].rpartition("<blockquote")[2]
    assert "Words that stand far before it." in before
    assert len(before) < 500, "about 300 characters, not the whole page"
    assert "config or card" in html
    assert f'href="https://huggingface.co/{QWEN}/raw/main/README.md" rel="noopener noreferrer"' in html
    assert "<time datetime=" in html
    assert 'title="sha256:' in html


async def test_sources_that_differ_stand_side_by_side_with_the_reason(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table/cell?cell={QWEN}:Context")
    assert html.index("displayed") < html.index("differs")
    assert '<b dir="auto">40,960</b>' in html
    assert '<b dir="auto">32,768</b>' in html
    assert "<code>max_position_embeddings</code>" in html
    assert "<mark>40960</mark>" in html
    assert "Not displayed: The maker&#39;s words on the trained length come first" in html


async def test_an_unknown_cell_says_what_was_looked_for(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table/cell?cell={EVIL}:context")
    assert "Research looked for its native and extended context" in html
    assert "Where research asked about it" in html


async def test_the_stars_show_their_sum_and_their_claims(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table/cell?cell={QWEN}:fit")
    for part in ("Start", "Architecture focus", "Evidence", "Benchmarks", "Recency", "Stars"):
        assert f'<th scope="row">{part}</th>' in html
    assert html.count('<svg class="bar-chart"') >= 6
    assert html.index("For <span") < html.index("It listens well") < html.index("Against <span")
    assert "1 copy" in html or "2 copies carry the same words" in html
    evil = await page(home, f"/runs/{run_id}/models/{EVIL}")
    assert "tries to instruct its reader" in evil
    assert "Read by the agent&#39;s own model: shown, and not counted." in evil


async def test_a_cell_has_an_address_of_its_own_without_script(home: Path, run_id: str):
    html = await page(home, f"/runs/{run_id}/table?cell={QWEN}:params")
    assert re.search(r"<dialog[^>]* open>", html)
    assert "<mark>Number of Parameters: 8,190,735,360</mark>" in html
    assert not re.search(r"<dialog[^>]* open>", await page(home, f"/runs/{run_id}/table?cell=nobody:params"))


async def test_rejected_ones_are_grouped_listed_and_found(home: Path, run_id: str):
    closed = await page(home, f"/runs/{run_id}/table")
    assert REFUSED not in closed
    assert '<b>1</b> <span dir="auto">a copy &lt;script&gt;' in closed
    listed = await page(home, f"/runs/{run_id}/table/rejected?who=copy-8b")
    assert f'href="/runs/{run_id}/models/{REFUSED}"' in listed
    assert "1 candidate " in listed.replace("\n", " ")
    assert EVIL in listed
    assert REFUSED not in await page(home, f"/runs/{run_id}/table/rejected?who=nobody")
    assert REFUSED not in await page(home, f"/runs/{run_id}/table/rejected?after=50")


@pytest.mark.parametrize("cell", ["nobody:params", f"{QWEN}:nonsense", QWEN, ":"])
async def test_a_cell_that_there_is_not_is_a_404(home: Path, run_id: str, cell: str):
    async with inside(Settings(home=home / "bms"), engine=NoEngine()) as client:
        reply = await client.get(f"/runs/{run_id}/table/cell", params={"cell": cell})
    assert reply.status_code == 404


async def test_a_run_without_a_table_says_so(home: Path, run_id: str):
    with Database(Settings(home=home / "bms").rows_url) as database, database.session() as session:
        session.execute(delete(TableRow))
    assert "There is no table yet" in await page(home, f"/runs/{run_id}/table")
    assert "nothing to approve yet" in await page(home, f"/runs/{run_id}/approval")


async def test_a_hundred_and_fifty_candidates_stay_one_small_page(home: Path, empty_database: Path):
    run_id = offered_run(home / "bms", empty_database, rows=147)
    html = await page(home, f"/runs/{run_id}/table")
    assert len(keys(html)) == 150
    assert len(html) < 900_000


def test_rows_are_sorted_within_the_eligible_ones(home: Path, run_id: str):
    with Database(Settings(home=home / "bms").rows_url) as database, database.reading() as session:
        offered = research.newest_table(session, run_id)
    for column in ORDER:
        for order in ("asc", "desc"):
            wishes = TableWishes(sort=slug(column), order=order)
            shown = show(offered.table, offered.proposal, wishes, ORDER)
            places = [cell.place for row in shown.eligible for cell in row.cells if cell.column is column]
            known = [place for place in places if place is not None]
            assert known == sorted(known, reverse=order == "desc")
            assert places[: len(known)] == known


@settings(max_examples=60)
@given(st.text(max_size=80), st.text(min_size=1, max_size=20), st.text(max_size=80))
def test_a_quote_is_found_wherever_it_stands(before: str, quote: str, after: str):
    found = shown(quote, before + quote + after)
    assert found is not None


def test_a_quote_is_found_over_other_white_space():
    found = shown("Context Length: 32,768", "a\nContext\n   Length:\t32,768\nb")
    assert found is not None
    assert " ".join(found.found.split()) == "Context Length: 32,768"
    assert shown("Context of 5", CARD) is None
    assert shown(" \n ", "none") is None


@pytest.mark.parametrize(
    ("record", "path", "value"),
    [
        ({"safetensors": {"total": 5}}, "safetensors.total", 5),
        ({"llama.context_length": 7}, "llama.context_length", 7),
        ({"a": {"llama.context_length": 7}}, "a.llama.context_length", 7),
        ([{"id": "x/y", "tags": ["chat"]}], "[x/y].tags", ["chat"]),
        ({"siblings": [{"size": 1}, {"size": 2}]}, "siblings.size", [1, 2]),
        ({"a": 1}, "b", None),
        ([1], "[x/y].tags", None),
        (None, "a", None),
    ],
)
def test_a_field_of_a_record_is_read_by_its_path(record: object, path: str, value: object):
    assert at_field(record, path) == value


def test_stars_in_a_sentence_are_drawn():
    drawn = str(starred(f"It fits <best>: ⭐⭐⭐½ 3.5. {TURNED}"))
    assert "⭐" not in drawn
    assert "3.5 of 5 stars" in drawn
    assert "&lt;best&gt;" in drawn
    assert drawn.endswith(" 3.5. gro.live")


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_the_quick_way_to_a_plain_line_is_the_same(text: str):
    assert plain(text) == clean(text)
