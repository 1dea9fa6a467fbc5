"""Every payload in the rows of a run, and in what people and a brain say: nothing of what is served acts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree, html

from agent.langgraph_api.streaming import frame
from agent.service.limits import Rates
from agent.settings import Settings
from agent.views import event_records
from tests.hostile.cases_served import SERVED
from tests.hostile.infected_run import infect
from tests.hostile.test_text_shown import CONTROL, no_cell_is_a_formula, nothing_acts_in_html, storable
from tests.standins.once import made_once
from tests.standins.openai_server import OpenAIServer
from tests.standins.replayed import Kept, drive_demo, kept
from tests.standins.service import NoEngine, inside

MODEL = "Qwen/Qwen3-8B"
TEXTS = [storable(payload.text) for payload in SERVED]
PAGES = (
    "/",
    "/runs",
    "/runs/{run}",
    "/runs/{run}/research",
    "/runs/{run}/evaluation",
    "/runs/{run}/table",
    "/runs/{run}/table/rejected",
    "/runs/{run}/approval",
    "/runs/{run}/approval/state",
    f"/runs/{{run}}/approval/choice?model={MODEL}",
    f"/runs/{{run}}/models/{MODEL}",
    "/runs/{run}/failures",
    "/runs/{run}/labels",
    "/runs/{run}/report",
    "/runs/{run}/answers/primary/s001",
    "/runs/{run}/parts/head",
    "/runs/{run}/parts/research",
    "/runs/{run}/parts/evaluation",
    "/runs/{run}/parts/pulse/heartbeat",
    "/runs/{run}/parts/pulse/log",
    "/compare?a={run}&b={run}",
)
REPLIES = (
    "/api/runs",
    "/api/runs/{run}",
    "/api/runs/{run}/events?limit=1000",
    "/api/runs/{run}/labels/next",
    "/api/runs/{run}/table",
    "/api/runs/{run}/candidates",
    f"/api/runs/{{run}}/evidence?model={MODEL}",
    "/api/runs/{run}/waves",
    "/api/runs/{run}/results",
    "/api/runs/{run}/answers",
    "/api/runs/{run}/answers/primary/s001",
    "/api/runs/{run}/failures",
    "/api/runs/{run}/report?format=json",
    "/api/compare?first={run}&second={run}",
)


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.slow)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The finished story, every stranger's text in its rows hostile."""
    demo = made_once(tmp_path_factory, "demo", drive_demo)
    copy = kept(demo, "finished").copied(tmp_path_factory.mktemp("infected") / "home")
    assert infect(copy, TEXTS, first=request.param * 31) > 10_000
    return copy


@pytest.fixture
async def api(run: Kept, home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    assert home.is_dir()
    monkeypatch.setattr(Rates, "check", lambda _self, _request: None)
    with OpenAIServer() as server:
        replies = cycle(TEXTS)
        server.reply = lambda _: json.dumps(
            {"tool": "answer", "text": next(replies), "model": "", "backup": ""}
        )
        settings = Settings(home=run.home, brain="openai:tiny", openai_base_url=f"{server.url}/v1")
        async with inside(settings, engine=NoEngine()) as client:
            yield client


def page_is_inert(text: str) -> None:
    """What a page may hold, whatever strangers wrote: the service's own scripts, and links to sources."""
    assert not CONTROL.search(text.replace("\t", ""))
    tree = html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    for element in tree.iter(etree.Element):
        tag = str(element.tag).lower()
        assert tag not in {"object", "embed", "base", "foreignobject", "applet", "frame"}, tag
        if tag == "script":
            assert not (element.text or "").strip()
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), (tag, name)
            assert name.lower() not in {"srcdoc", "formaction", "http-equiv"}, (tag, name)
            if name == "style":
                assert not re.search(r"url|evil|expression|@", value), value
            if name.lower().rpartition(":")[2] in {"href", "src", "action", "data", "poster", "background"}:
                ours = re.match(r"[/?#](?!/)", value)
                assert ours or (tag == "a" and re.match(r"https?://(?!evil)[\w.-]+(?:[:/]|$)", value)), value
    assert not [comment for comment in tree.iter(etree.Comment) if "evil" in (comment.text or "")]


async def test_pages(api: httpx.AsyncClient, run: Kept) -> None:
    for path in PAGES:
        reply = await api.get(path.format(run=run.run_id))
        assert reply.status_code == 200, (path, reply.text[:300])
        assert reply.headers["content-type"] == "text/html; charset=utf-8", path
        assert "script-src 'self';" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        page_is_inert(reply.text)
        cells = re.findall(r'data-cell="([^"]+)"', reply.text)[:40:3] if path.endswith("/table") else []
        for cell in cells:
            opened = await api.get(f"/runs/{run.run_id}/table/cell", params={"cell": cell})
            assert opened.status_code == 200
            page_is_inert(opened.text)


async def test_replies(api: httpx.AsyncClient, run: Kept) -> None:
    shown = 0
    for path in REPLIES:
        reply = await api.get(path.format(run=run.run_id))
        assert reply.status_code == 200, (path, reply.text[:300])
        assert reply.headers["content-type"] == "application/json", path
        assert reply.headers["x-content-type-options"] == "nosniff"
        shown += sum(any(text in said for text in TEXTS) for said in strings(reply.json()))
    assert shown > 1_000  # they come through as they are, and not as something else


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


async def test_downloads(api: httpx.AsyncClient, run: Kept) -> None:
    table = await api.get(f"/api/runs/{run.run_id}/table", params={"format": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(list(csv.reader(io.StringIO(table.text, newline="")))) > 20
    no_cell_is_a_formula(table.text)
    page = await api.get(f"/api/runs/{run.run_id}/report", params={"format": "html"})
    assert "script-src" not in page.headers["content-security-policy"].replace("script-src 'none'", "")
    nothing_acts_in_html(page.text)


def lines_of(event: str) -> list[str]:
    """The fields of one event, as a reader that takes every line end of Unicode for one finds them."""
    assert event.endswith("\n\n")
    fields = [line.partition(": ") for line in event[:-2].splitlines()]
    assert [name for name, _, _ in fields] == list(dict.fromkeys(name for name, _, _ in fields))
    assert {name for name, _, _ in fields} <= {"id", "event", "data"}
    return [value for name, _, value in fields if name == "data"]


def test_streams(run: Kept) -> None:
    with run.opened() as database, database.reading() as session:
        events = event_records(session, run.run_id, 0, 2_000)
        assert len(events) > 500
        for event in events:
            (data,) = lines_of(event.wire.decode())
            assert json.loads(data) == event.model_dump(mode="json")
    for text in [*TEXTS, "a\x85b\u2028c\u2029d\r\ne\rf\x0bg\x0ch\x1ci"]:
        (data,) = lines_of(frame("values", {"text": text}))
        assert json.loads(data) == {"text": text}


async def test_talk(api: httpx.AsyncClient, run: Kept) -> None:
    """What a person says comes back as said; what a brain says, with nothing that a screen would obey."""
    made = await api.post("/api/threads", json={"run_id": run.run_id})
    thread = made.json()["id"]
    asked = ["what failed most?", "why qwen3?", "show the table", "status", *TEXTS[::9]]
    for text in asked:
        reply = await api.post(f"/api/threads/{thread}/messages", json={"text": text})
        assert reply.status_code in {200, 422}, reply.text[:300]
        assert reply.headers["content-type"] in {"application/json", "application/problem+json"}
        if reply.status_code == 200:
            own, answer = reply.json()[0], reply.json()[-1]
            assert own["text"].split() == text.split(), text
            assert not CONTROL.search(answer["text"]), (text, answer["text"])
    for path in (f"/chats/{thread}", f"/?run={run.run_id}"):
        page_is_inert((await api.get(path)).text)
    turns = (await api.get(f"/api/threads/{thread}/messages", params={"limit": 500})).json()["turns"]
    assert len(turns) > 2 * len(TEXTS[::9])
    for turn in turns:
        for link in strings([link["href"] for link in (turn.get("extras") or {}).get("links", ())]):
            assert re.match(r"/(?!/)|https?://", link), link
