"""Table, sources and approval in a real browser, by keyboard and on a narrow screen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent.settings import Settings
from store import orders, reading, research
from store.database import Database, sqlite_url
from tests.standins.browser import NARROW, WIDE, Held, picture, serious, too_wide
from tests.standins.offered import EVIL, GEMMA, QWEN, REFUSED, offered_run
from tests.standins.records import a_fact
from tests.standins.service import NoEngine, listening
from tools.facts import Factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page


class Site:
    def __init__(self, url: str, home: Path, run_id: str) -> None:
        self.home, self.run_id = home, run_id
        self.run = f"{url}/runs/{run_id}"

    def opened(self) -> Database:
        return Database(sqlite_url(self.home / "bms.sqlite"))


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> tuple[Path, str]:
    """A data directory with a run that waits for its approval, and the run's name."""
    home = tmp_path_factory.mktemp("offered") / "bms"
    return home, offered_run(home, empty_database, rows=20)


@pytest.fixture
def site(home: Path, offered: tuple[Path, str]) -> Iterator[Site]:
    made, run_id = offered
    shutil.copytree(made, home / "bms")
    with listening(Settings(home=home / "bms"), engine=NoEngine()) as url:
        yield Site(url, home / "bms", run_id)


def visible(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        "tr.candidate", "rows => rows.filter(row => !row.hidden).map(row => row.dataset.key)"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(WIDE, False), (NARROW, True)])
def test_every_view_is_accessible_and_fits(site: Site, new_page: Callable[..., Page], width: int, dark: bool):
    """Table and approval in all four; the others once in each width and each theme."""
    page = new_page(width=width, dark=dark)
    views = {"table": "/table", "approval": "/approval"}
    if dark == (width == NARROW):
        views |= {
            "cell": f"/table?cell={QWEN}:context",
            "stars": f"/table?cell={QWEN}:fit",
            "rejected": "/table?rejected=1",
            "model": f"/models/{EVIL}",
            "model-rejected": f"/models/{REFUSED}",
        }
    for name, path in views.items():
        page.goto(site.run + path)
        page.wait_for_load_state("load")
        picture(page, f"{name}-{width}-{'dark' if dark else 'light'}")
        assert serious(page) == [], name
        assert too_wide(page) == 0, name
        assert page.evaluate("document.body.dataset.owned ?? ''") == "", name


def test_the_approval_and_a_model_are_accessible(site: Site, page: Page):
    for path in ("/approval", f"/models/{EVIL}"):
        page.goto(site.run + path)
        page.wait_for_load_state("load")
        assert serious(page) == [], path


def test_a_cell_is_opened_and_closed_by_keyboard(site: Site, page: Page):
    page.goto(f"{site.run}/table")
    page.locator(f'tr[data-key="{QWEN}"] td[data-column="fit"] a').focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    focused = page.locator('td[data-column="context"] a:focus')
    expect(focused).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**cell=Qwen**")
    panel = page.locator("dialog#panel:modal")
    expect(panel.locator("mark").first).to_have_text("Context Length: 32,768")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.wait_for_url(lambda url: "cell=" not in url)
    expect(focused).to_have_count(1)
    page.go_forward()
    panel.wait_for()
    page.locator("#panel [data-close]").click()
    expect(panel).to_have_count(0)


def test_the_whole_cell_opens_its_sources(site: Site, page: Page):
    page.goto(f"{site.run}/table")
    cell = page.locator('tr.candidate td[data-column="fit"]').first
    box = cell.bounding_box()
    assert box is not None
    cell.click(position={"x": box["width"] - 4, "y": box["height"] - 4})
    page.locator("#panel[open]").wait_for()


def test_whoever_is_no_longer_signed_in_is_led_to_it_and_back(site: Site, new_page: Callable[..., Page]):
    page = new_page(quiet=False)
    page.route("**/login?**", lambda route: route.fulfill(status=200, body="sign in"))
    page.route("**/api/runs/*/approval", lambda route: route.fulfill(status=401, body="{}"))
    page.goto(f"{site.run}/approval")
    page.evaluate(
        """async (url) => {
            const { api } = await import(document.querySelector('script[src*="app.js"]').src);
            api("POST", url, {}).catch(() => {});
        }""",
        f"/api/runs/{site.run_id}/approval",
    )
    page.wait_for_url(f"**/login?next=%2Fruns%2F{site.run_id}%2Fapproval")


def test_sorting_filtering_and_columns_are_instant_and_in_the_address(site: Site, page: Page):
    page.goto(f"{site.run}/table")
    head = page.locator('thead th[data-column="model"]')
    head.locator("a").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.wait_for_url("**sort=model**")
    up = visible(page)
    head.locator("a").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert visible(page) == up[::-1]
    page.locator('input[name="q"]').fill("maker-1")
    page.wait_for_url("**q=maker-1**")
    found = visible(page)
    assert found
    assert all("maker-1" in key for key in found)
    expect(page.locator("#fitting")).to_have_text(f"{len(found)} of 23 shown")
    page.locator("form.columns summary").click()
    page.locator('input[data-column="notes"]').uncheck()
    notes = page.locator('th[data-column="notes"]:visible, td[data-column="notes"]:visible')
    expect(notes).to_have_count(0)
    page.reload()
    assert visible(page) == found
    expect(notes).to_have_count(0)
    page.goto(f"{site.run}/table")
    expect(notes, "columns are remembered").to_have_count(0)
    page.locator('input[name="q"]').fill("nobody at all")
    expect(page.locator("#nobody")).to_be_visible()
    page.locator("#clear").click()
    expect(page.locator("tr.candidate:not([hidden])")).to_have_count(23)


def test_of_two_cells_the_one_clicked_last_is_shown_whichever_comes_last(site: Site, page: Page):
    late = Held(page, "**/table/cell?**context")
    page.goto(f"{site.run}/table")
    page.locator(f'tr[data-key="{QWEN}"] td[data-column="context"] a').click()
    page.wait_for_url("**context")
    page.locator(f'tr[data-key="{GEMMA}"] td[data-column="fit"] a').click()
    title = page.locator("dialog#panel:modal #panel-title")
    expect(title).to_contain_text("Gemma")
    late.let_go()
    page.wait_for_timeout(300)  # it could be put in now
    expect(title).to_contain_text("Gemma")


def test_a_filter_that_was_typed_before_the_script_was_there_counts(site: Site, page: Page):
    late = Held(page, "**/static/table.js**")
    page.goto(f"{site.run}/table", wait_until="commit")
    page.locator('input[name="q"]').fill("maker-1")
    expect(page.locator("tr.candidate:visible")).to_have_count(23)
    late.let_go()
    page.wait_for_url("**q=maker-1**")
    assert all("maker-1" in key for key in visible(page))


def test_rejected_ones_come_on_demand(site: Site, page: Page):
    page.goto(f"{site.run}/table")
    page.locator("#rejected summary").click()
    page.locator("a[data-reason]").first.click()
    expect(page.locator("#rejected-list a").first).to_have_text(REFUSED)


def test_an_approval_names_the_models_and_is_stored(site: Site, page: Page):
    page.goto(f"{site.run}/approval")
    expect(page.locator("[data-swap]")).to_be_enabled()
    page.locator("[data-swap]").press("Enter")
    expect(page.locator("#primary")).to_have_value(GEMMA)
    page.wait_for_selector(f'#about-primary [data-key="{GEMMA}"]')
    page.locator("#backup").select_option("-")
    page.locator("#why").fill("It is calmer.")
    page.locator('[data-decide="approve"]').press("Enter")
    sure = page.locator("dialog#sure")
    expect(sure).to_contain_text(f"Gemma 2 9B it ({GEMMA})")
    expect(sure).to_contain_text("none")
    page.keyboard.press("Escape")
    expect(page.locator('[data-decide="approve"]')).to_be_focused()
    page.locator('[data-decide="approve"]').click()
    with page.expect_response(lambda reply: reply.request.method == "POST") as sent:
        page.locator("#sure-yes").click()
    assert sent.value.status == 202
    with site.opened() as database, database.reading() as session:
        order = orders.open_order(session, site.run_id)
        assert order is not None
        assert (order.record["primary"], order.record["backup"]) == (GEMMA, "")
        assert order.record["note"] == "It is calmer."


def test_a_table_that_changed_is_refused_with_what_changed(site: Site, new_page: Callable[..., Page]):
    page = new_page(quiet=False)
    page.goto(f"{site.run}/approval")
    with site.opened() as database, database.session() as session:
        reading.keep_text(session, site.run_id, "released 2024-06-27")
        fact = a_fact(
            GEMMA, Factor.RELEASE_DATE, "2024-06-27", text="released 2024-06-27", quote="2024-06-27"
        )
        research.keep_facts(session, site.run_id, [fact])
    page.locator('[data-decide="approve"]').click()
    page.locator("#sure-yes").click()
    told = page.locator("#refused")
    expect(told).to_contain_text("nothing was approved")
    expect(told).to_contain_text("2024-06-27")
    expect(told.locator("a").first).to_have_attribute("href", f"/runs/{site.run_id}/table")


def test_a_second_answer_is_told_who_was_first(site: Site, new_page: Callable[..., Page]):
    first, second = new_page(), new_page(quiet=False)
    for page in (first, second):
        page.goto(f"{site.run}/approval")
    with first.expect_response(lambda reply: reply.request.method == "POST"):
        first.locator('[data-decide="approve"]').click()
        first.locator("#sure-yes").click()
    second.locator("#reject summary").click()
    second.locator('[data-decide="reject"]').click()
    expect(second.locator("#reject-note"), "a reason is needed").to_be_focused()
    second.locator("#reject-note").fill("None of them listens.")
    second.locator('[data-decide="reject"]').click()
    second.locator("#sure-yes").click()
    expect(second.locator("#refused")).to_contain_text("already")


def test_a_model_is_not_its_own_backup(site: Site, page: Page):
    page.goto(f"{site.run}/approval")
    page.locator("#backup").select_option(QWEN)
    expect(page.locator("#wrong")).to_contain_text("cannot be its own backup")
    page.locator('[data-decide="approve"]').click()
    expect(page.locator("#backup")).to_be_focused()  # where it is to be mended
    expect(page.locator("dialog#sure[open]")).to_have_count(0)


def test_candidates_are_added_and_left_out(site: Site, page: Page):
    page.goto(f"{site.run}/approval?add=owner/name")
    page.locator(f'input[name="exclude"][value="{GEMMA}"]').check()
    page.locator('[data-decide="edit"]').click()
    with page.expect_response(lambda reply: reply.request.method == "POST") as sent:
        page.locator("#sure-yes").click()
    assert sent.value.status == 202
    with site.opened() as database, database.reading() as session:
        order = orders.open_order(session, site.run_id)
        assert order is not None
        assert (order.record["add"], order.record["exclude"]) == (["owner/name"], [GEMMA])
