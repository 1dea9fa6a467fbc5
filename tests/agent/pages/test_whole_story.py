"""The therapy story from its first word to its report, by clicking and typing, with pictures for the docs.

``PICTURES=docs/pictures`` has the pictures written there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.standins.browser import NARROW, too_wide
from tests.standins.service import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG = 300_000
"""Milliseconds that a station of the replay may take on a busy machine."""


def shown(page: Page, name: str, *, first: str | None = None) -> None:
    """The view fits (and is accessible: each has a test of that); a picture of it, where one is wanted."""
    page.wait_for_load_state("load")
    if first is not None:
        page.locator(first).first.scroll_into_view_if_needed()
    folder = os.environ.get("PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}.png")
    assert too_wide(page) == 0, name


def go(page: Page, view: str) -> None:
    """Follow the link to a view of the run."""
    page.get_by_role("link", name=view, exact=True).first.click()
    page.wait_for_url(f"**/{view.lower()}")


def say(page: Page, text: str) -> str:
    """Say something; what is answered."""
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")
    said = page.locator("aside.chat .turn.by-person:not(.pending)", has_text=text)
    return said.locator("~ .turn.by-bms").first.inner_text()


def test_from_the_first_word_to_the_report(tmp_path: Path, new_page: Callable[..., Page]) -> None:
    page, phone = new_page(), new_page(width=NARROW)
    with serving(tmp_path / "home") as served:
        page.goto(served.url)
        shown(page, "start-1280")
        page.get_by_role("button", name="Replay the recorded therapy story").click()
        page.wait_for_url(re.compile(r"/runs/"))
        run = page.url.partition("?")[0]

        # Research, live.
        go(page, "Research")
        page.locator(".chip.status-waiting").wait_for(timeout=LONG)
        # The chip and what stands under it are fetched anew apart from each other.
        expect(page.locator(".figures b").first).to_have_text(re.compile(r"^\d{3,}$"))
        expect(page.locator("figure svg[role=img]")).to_be_visible()
        shown(page, "research-1280")

        # The table, and the source of a cell.
        go(page, "Table")
        expect(page.locator("tr.candidate").nth(30)).to_be_attached()
        shown(page, "table-1280")
        page.locator('tr[data-key="Qwen/Qwen3-8B"] td[data-column="context"] a').click()
        expect(page.locator("dialog#panel:modal mark").first).to_be_visible()
        shown(page, "source-1280")
        page.keyboard.press("Escape")
        phone.goto(f"{run}/table")
        shown(phone, "table-390", first="tr.candidate")

        phone.goto(f"{run}/approval")
        shown(phone, "approval-390", first="h1")

        # A question about a candidate.
        told = say(page, "why not DeepSeek?")
        assert "DeepSeek" in told
        phone.goto(run)
        phone.get_by_role("button", name="Conversation", expanded=False).click()
        phone.locator("aside.chat .turn.by-bms").first.wait_for()
        shown(phone, "chat-390", first="aside.chat")

        # The approval.
        go(page, "Approval")
        expect(page.locator("#primary")).to_have_value("Qwen/Qwen3-8B")
        shown(page, "approval-1280")
        page.locator('[data-decide="approve"]').click()
        expect(page.locator("dialog#sure")).to_contain_text("Qwen/Qwen3-8B")
        with page.expect_response(lambda reply: reply.request.method == "POST") as sent:
            page.locator("#sure-yes").click()
        assert sent.value.status == 202
        page.wait_for_url(run)  # where it leads by itself

        # Pull, answers, judging; then the review.
        page.goto(f"{run}/evaluation")
        page.get_by_text("50 of 50").nth(1).wait_for(timeout=LONG)
        shown(page, "evaluation-1280")
        page.goto(run)
        page.get_by_label("Qualitative notes for the report").fill(
            "It listens before it advises.", timeout=LONG
        )
        shown(page, "review-1280", first="section.waits")
        page.get_by_role("button", name="Send the review").click()
        page.locator(".chip.status-done").wait_for(timeout=LONG)

        # What came of it.
        assert "CQ7" in say(page, "what failed most?")
        go(page, "Failures")
        expect(page.get_by_text("31 of 49").first).to_be_visible()
        shown(page, "failures-1280")
        go(page, "Report")
        expect(page.locator("main")).to_contain_text("REPLAY")
        document = page.frame_locator("iframe").locator("body")
        expect(document).to_contain_text("31 of 49")
        expect(document).to_contain_text("It listens before it advises.")
        shown(page, "report-1280")
        phone.goto(f"{run}/labels")
        phone.get_by_role("button", name="Pass").wait_for()
        shown(phone, "labels-390")
        phone.goto("about:blank")
        page.goto("about:blank")  # the service ends before the pages do
