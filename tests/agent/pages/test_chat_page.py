"""The conversation in a real browser, over the service as it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from agent.conversation.records import Extras, Link, Offer
from agent.settings import Settings
from store import threads
from tests.agent.pages.conftest import asked
from tests.standins.browser import NARROW, picture, serious, too_wide
from tests.standins.records import NOW
from tests.standins.service import NoEngine, listening

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>\u202egnp'


def person_said(url: str, thread: str) -> list[str]:
    turns = asked(f"{url}/api/threads/{thread}/messages").json()["turns"]
    return [turn["text"] for turn in turns if turn["author"] == "person"]


def say(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


@pytest.mark.slow
def test_a_start_in_the_conversation_leads_to_the_run_with_the_same_thread(
    tmp_path: Path, page: Page
) -> None:
    with listening(Settings(home=tmp_path / "new"), engine=NoEngine()) as url:
        page.goto(url)
        page.get_by_role("button", name="Replay the recorded therapy story").click()
        page.wait_for_url(re.compile(r"/chats/"))
        thread = page.url.rsplit("/", 1)[1]
        page.wait_for_url(re.compile(r"/runs/"))
        expect(page.locator("aside.chat")).to_have_attribute("data-thread", thread)
        page.get_by_text("replay the demo").first.wait_for()
        picture(page, "chat started a run")
        assert serious(page) == []
        page.goto("about:blank")  # the service ends before the page does


def test_what_is_typed_survives_a_reload_and_a_restart_and_is_said_once(
    waiting_run: Any, serve_for_real: Any, new_page: Any
) -> None:
    page = new_page(quiet=False)
    served = serve_for_real(waiting_run)
    page.goto(f"{served.url}/runs/{waiting_run.run_id}")
    box = page.get_by_label("Your message")
    box.press_sequentially("why not")
    page.keyboard.press("Shift+Enter")
    box.press_sequentially("DeepSeek?")
    page.reload()
    expect(box).to_have_value("why not\nDeepSeek?")
    served.kill()
    box.press("Enter")
    page.locator(".turn.pending").wait_for()
    expect(box).to_have_value("")
    page.get_by_text("It is not sent yet").wait_for()
    served.restart()
    page.locator(".turn.by-bms").first.wait_for()
    page.reload()
    page.locator(".turn.by-bms").first.wait_for()
    thread = page.locator("aside.chat").get_attribute("data-thread")
    assert person_said(served.url, thread) == ["why not\nDeepSeek?"]
    expect(page.locator(".turn.by-person")).to_have_count(1)
    expect(page.locator(".turn.pending")).to_have_count(0)


def test_a_source_is_quoted_on_demand_and_nothing_of_a_stranger_runs(
    finished_run: Any, serve: Any, page: Page
) -> None:
    links = (
        Link(label=HOSTILE, href="javascript:document.title=1", quote=HOSTILE),
        Link(label="a source", href="https://example.org/a", quote="its own words"),
        Link(label="the table", href=f"/runs/{finished_run.run_id}/table"),
        Link(label="elsewhere", href="//evil.example/x"),
    )
    offer = Offer(kind="cancel", sentence=f"End it {HOSTILE}", run_id=finished_run.run_id)
    extras = Extras(links=links, offer=offer, suggestions=(HOSTILE,))
    with finished_run.opened() as database, database.session() as session:
        threads.create(session, NOW, thread_id="t", run_id=finished_run.run_id)
        data = extras.model_dump(mode="json")
        threads.say(session, "t", threads.BMS, f"{HOSTILE}\n\n- one\n- two", NOW, data=data, message_id="m")
    page.goto(f"{serve(finished_run)}/chats/t")
    turn = page.locator(".turn.by-bms", has_text="onerror").first
    turn.wait_for()  # it is put in whole
    assert turn.locator(".turn-text li").all_inner_texts() == ["one", "two"]
    assert turn.locator("img, script").count() == 0
    addresses = [one.get_attribute("href") for one in turn.locator("a").all()]
    assert addresses == [
        "https://example.org/a",
        f"/runs/{finished_run.run_id}/table",
        "http://evil.example/x",
    ]
    assert turn.locator("a").first.get_attribute("rel") == "noopener noreferrer"
    turn.get_by_text("the source's words").nth(1).click()
    expect(turn.get_by_text("its own words")).to_be_visible()
    assert page.title() != "1"
    assert serious(page) == []


def test_a_no_is_kept_and_the_buttons_go(finished_run: Any, serve: Any, page: Page) -> None:
    offer = Offer(kind="cancel", sentence="End the run for good.", run_id=finished_run.run_id)
    with finished_run.opened() as database, database.session() as session:
        threads.create(session, NOW, thread_id="t", run_id=finished_run.run_id)
        data = Extras(offer=offer).model_dump(mode="json")
        threads.say(session, "t", threads.BMS, "Shall I?", NOW, data=data, message_id="m")
    page.goto(f"{serve(finished_run)}/chats/t")
    page.get_by_role("button", name="No", exact=True).click()
    page.locator(".offer p.faint", has_text="No").wait_for()
    expect(page.get_by_role("button", name="Yes", exact=True)).to_have_count(0)
    page.reload()
    page.locator(".offer", has_text="said").wait_for()
    expect(page.get_by_role("button", name="Yes", exact=True)).to_have_count(0)


@pytest.mark.parametrize("dark", [pytest.param(False, marks=pytest.mark.slow), True])
def test_on_a_narrow_screen_the_conversation_folds_by_keyboard_and_stays_so(
    finished_run: Any, serve: Any, new_page: Any, dark: bool
) -> None:
    page = new_page(width=NARROW, dark=dark)
    page.goto(f"{serve(finished_run)}/runs/{finished_run.run_id}")
    fold = page.get_by_role("button", name="Conversation")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(page.get_by_label("Your message")).to_be_hidden()
    fold.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_label("Your message")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Your message")).to_be_visible()
    assert too_wide(page) <= 0
    assert serious(page) == []
    picture(page, f"chat narrow {'dark' if dark else 'light'}")


def test_what_is_refused_goes_back_into_the_box(finished_run: Any, serve: Any, new_page: Any) -> None:
    page = new_page(quiet=False)
    page.goto(f"{serve(finished_run)}/chats/none")
    assert page.locator("aside.chat").count() == 0
    url = page.url.rsplit("/", 2)[0]
    page.goto(f"{url}/runs/{finished_run.run_id}")
    page.route(
        "**/messages",
        lambda route: route.fulfill(
            status=422, content_type="application/problem+json", body='{"detail": "Too strange."}'
        ),
    )
    say(page, "strange")
    page.get_by_text("Too strange.").wait_for()
    expect(page.get_by_label("Your message")).to_have_value("strange")
    expect(page.locator(".turn.pending")).to_have_count(0)
