"""The API on a finished run and on one that waits at its table; nothing is driven here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.service.limits import Rates
from agent.settings import load_settings
from store import evaluation, orders, research, runs
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine, inside
from tools.table import ComparisonTable

pytestmark = pytest.mark.both_databases(slow=True)

PROBLEM = "application/problem+json"


@pytest.fixture
async def api(home: Path) -> AsyncIterator[httpx.AsyncClient]:
    assert home.is_dir()
    async with inside(load_settings(), engine=NoEngine()) as client:
        yield client


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem of a response; of this status and kind."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    assert told["type"] == f"urn:bms:problem:{kind}"
    assert told["detail"]
    return told


# --- runs ---------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
async def test_a_run_is_created_once_for_a_key(api: httpx.AsyncClient) -> None:
    wishes, key = {"text": "evaluate 8B models for therapy coaching"}, {"Idempotency-Key": "mine-1"}
    first = await api.post("/api/runs", json=wishes, headers=key)
    again = await api.post("/api/runs", json=wishes, headers=key)
    other = await api.post("/api/runs", json={"text": "7-9B for coding"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == f"/api/runs/{first.json()['id']}"
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["status"] == "queued"
    problem(other, 409, "key-reused")
    assert (await api.get("/api/runs")).json()["total"] == 1


async def test_a_run_that_cannot_be_meant_is_refused_with_a_sentence(api: httpx.AsyncClient) -> None:
    problem(await api.post("/api/runs", json={}), 422, "wrong-use")
    told = problem(await api.post("/api/runs", json={"txt": "8B"}), 422, "invalid")
    assert told["errors"][0]["at"] == "body.txt"
    unknown = await api.post("/api/runs", json={"story": "no-such-story"})
    problem(unknown, 422, "wrong-use")


async def test_pages_of_runs_hold_every_run_once_also_when_one_is_started_between(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rates, "check", lambda _self, _request: None)
    made = [(await api.post("/api/runs", json={"story": "therapy-8b"})).json()["id"] for _ in range(5)]
    seen, address = [], "/api/runs?limit=2"
    while address:
        page = await api.get(address)
        assert page.json()["total"] >= 5
        seen += [run["id"] for run in page.json()["items"]]
        await api.post("/api/runs", json={"story": "therapy-8b"})
        address = page.headers.get("link", "").partition(">")[0].removeprefix("<")
        assert bool(address) == bool(page.json()["next"])
    assert seen == made[::-1]
    problem(await api.get("/api/runs", params={"cursor": "20261345T000000000000~x"}), 422, "wrong-use")


@pytest.mark.both_databases
async def test_a_run_is_cancelled_once_then_deleted(api: httpx.AsyncClient) -> None:
    run = (await api.post("/api/runs", json={"story": "therapy-8b"})).json()["id"]
    problem(await api.delete(f"/api/runs/{run}"), 409, "conflict")
    problem(await api.post(f"/api/runs/{run}/resume"), 409, "already-running")
    cancelled = await api.post(f"/api/runs/{run}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    problem(await api.post(f"/api/runs/{run}/cancel"), 409, "conflict")
    assert (await api.delete(f"/api/runs/{run}")).status_code == 204
    problem(await api.get(f"/api/runs/{run}"), 404, "not-found")


async def test_resuming_a_run_that_waits_is_refused(waiting: Kept, api: httpx.AsyncClient) -> None:
    told = problem(await api.post(f"/api/runs/{waiting.run_id}/resume", json={"further": 5}), 409, "conflict")
    assert "approval" in told["detail"]


@pytest.mark.parametrize(
    ("how", "why"), [(None, "has ended (done): FINE_TUNE"), ({"further": 30}, "A replay holds no more")]
)
async def test_resuming_a_run_that_has_decided_is_refused_and_nothing_of_it_stays(
    finished: Kept, api: httpx.AsyncClient, how: dict[str, int] | None, why: str
) -> None:
    before = (await api.get(f"/api/runs/{finished.run_id}")).json()
    told = problem(await api.post(f"/api/runs/{finished.run_id}/resume", json=how), 409, "conflict")
    assert why in told["detail"]
    assert told["next_step"]
    assert (await api.get(f"/api/runs/{finished.run_id}")).json() == before
    with finished.opened() as database, database.reading() as session:
        assert orders.open_order(session, finished.run_id) is None


# --- approval and replies -----------------------------------------------------------------------------------


@pytest.mark.both_databases
async def test_an_approval_is_stored_with_the_keys_of_what_people_call_the_models(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    table = (await api.get(f"/api/runs/{waiting.run_id}/table")).json()
    given = {"action": "approve", "table_hash": table["hash"], "primary": "qwen3 8b", "by": "grace"}
    taken = await api.post(f"/api/runs/{waiting.run_id}/approval", json=given)
    assert taken.status_code == 202, taken.text
    assert taken.json()["status"] == "queued"
    assert taken.json()["waits_for"] is None
    with waiting.opened() as database, database.reading() as session:
        order = orders.open_order(session, waiting.run_id)
        assert order is not None
        assert order.record["primary"] == "Qwen/Qwen3-8B"
        assert (order.by, order.record["by"]) == ("grace", "grace")
    problem(await api.post(f"/api/runs/{waiting.run_id}/approval", json=given), 409, "conflict")


async def test_a_stale_approval_is_refused_with_everything_that_has_changed(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    old = (await api.get(f"/api/runs/{waiting.run_id}/table")).json()["table"]
    with waiting.opened() as database, database.session() as session:
        offered = research.newest_table(session, waiting.run_id)
        assert offered is not None
        gone = offered.table.rows[0]
        seen = ComparisonTable.model_validate({**old, "rows": old["rows"][1:]})
        # What the person saw is without the first row; what is offered by now has it.
        research.keep_table(session, waiting.run_id, seen, offered.proposal, NOW)
        research.keep_table(session, waiting.run_id, offered.table, offered.proposal, NOW)
    given = {"action": "approve", "table_hash": seen.hash}
    told = problem(await api.post(f"/api/runs/{waiting.run_id}/approval", json=given), 409, "table-changed")
    assert [entry["at"] for entry in told["errors"]] == ["table_hash"]
    assert gone.key in told["errors"][0]["why"]
    assert "is new" in told["errors"][0]["why"]


@pytest.mark.parametrize(
    ("given", "status", "kind"),
    [
        ({"action": "approve"}, 422, "invalid"),
        ({"action": "approve", "table_hash": "latest"}, 422, "invalid"),
        ({"action": "approve", "table_hash": "HASH", "primary": "nobody/nothing"}, 422, "refused"),
        ({"action": "approve", "table_hash": "HASH", "primary": "qwen"}, 422, "refused"),
        ({"action": "edit", "table_hash": "HASH", "add": ["../../etc/passwd"]}, 422, "refused"),
        ({"action": "approve", "table_hash": "sha256:" + "0" * 64}, 409, "table-changed"),
        ({"action": "reject", "table_hash": "sha256:" + "0" * 64, "note": "x"}, 409, "table-changed"),
        ({"action": "more", "table_hash": "sha256:" + "0" * 64, "note": "x"}, 409, "table-changed"),
    ],
)
async def test_approvals_that_cannot_be_taken(
    waiting: Kept, api: httpx.AsyncClient, given: dict[str, Any], status: int, kind: str
) -> None:
    if given.get("table_hash") == "HASH":
        given = {**given, "table_hash": (await api.get(f"/api/runs/{waiting.run_id}/table")).json()["hash"]}
    problem(await api.post(f"/api/runs/{waiting.run_id}/approval", json=given), status, kind)
    assert (await api.get(f"/api/runs/{waiting.run_id}")).json()["status"] == "waiting"


async def test_the_generic_reply_answers_the_prompt_that_it_names_and_no_other(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    asked = (await api.get(f"/api/runs/{waiting.run_id}")).json()["waits_for"]
    table_hash = asked["prompt"]["table_hash"]
    address = f"/api/runs/{waiting.run_id}/reply"

    async def reply(prompt_id: str, **said: Any) -> httpx.Response:
        return await api.post(address, json={"prompt_id": prompt_id, "reply": said})

    problem(await reply(asked["prompt_id"], kind="judge", judge="ollama:gemma3:12b"), 409, "conflict")
    problem(await reply(asked["prompt_id"], kind="verdict"), 422, "invalid")
    more = {"kind": "approval", "action": "more", "table_hash": table_hash, "note": "Look for more."}
    problem(await reply("an-earlier-one", **more), 409, "conflict")
    assert (await reply(asked["prompt_id"], **more)).status_code == 202


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "request", "answers": {"size": "8B"}},
        {"kind": "scenarios", "agree": True},
        {"kind": "judge", "judge": "human"},
        {"kind": "labels", "enough": True},
        {"kind": "review", "notes": "Fine."},
    ],
)
async def test_every_kind_of_reply_is_understood_and_refused_where_nothing_waits_for_it(
    finished: Kept, api: httpx.AsyncClient, said: dict[str, Any]
) -> None:
    told = problem(
        await api.post(f"/api/runs/{finished.run_id}/reply", json={"prompt_id": "p", "reply": said}),
        409,
        "conflict",
    )
    assert "does not wait" in told["detail"]


# --- research -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "media", "words"),
    [
        ("json", "application/json", '"hash"'),
        ("md", "text/markdown", "| ---"),
        ("csv", "text/csv", "Contradictions"),
        ("html", "text/html", "<!doctype html>"),
    ],
)
async def test_the_table_comes_in_each_form_by_query_and_by_accept(
    waiting: Kept, api: httpx.AsyncClient, form: str, media: str, words: str
) -> None:
    address = f"/api/runs/{waiting.run_id}/table"
    named = await api.get(address, params={"format": form})
    accepted = await api.get(address, headers={"Accept": f"{media}, */*;q=0.1"})
    for response in (named, accepted):
        assert response.headers["content-type"].startswith(media)
        assert words in response.text
    assert ("sandbox" in named.headers.get("content-security-policy", "")) == (form == "html")


async def test_the_table_counts_as_shown_once_somebody_has_got_it(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    with waiting.opened() as database, database.session() as session:
        table = research.newest_table(session, waiting.run_id)
        assert table is not None
        research.mark_shown(session, waiting.run_id, table.table.hash, NOW - timedelta(days=900))
    await api.get(f"/api/runs/{waiting.run_id}/table")
    with waiting.opened() as database, database.reading() as session:
        shown = research.last_shown(session, waiting.run_id)
        assert shown is not None
        assert shown.shown_at is not None
        assert shown.shown_at > NOW - timedelta(days=800)


async def test_what_is_not_offered_is_refused_with_what_there_is(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    refused = await api.get(f"/api/runs/{waiting.run_id}/table", headers={"Accept": "image/png"})
    assert "text/csv" in problem(refused, 406, "not-acceptable")["detail"]
    unknown = await api.get(f"/api/runs/{waiting.run_id}/table", params={"columns": "fit,price"})
    assert "price" in problem(unknown, 422, "wrong-use")["detail"]


@pytest.mark.both_databases
async def test_the_ledger_is_paged_and_filtered(waiting: Kept, api: httpx.AsyncClient) -> None:
    address = f"/api/runs/{waiting.run_id}/candidates?limit=60"
    everybody = []
    while address:
        page = await api.get(address)
        everybody += [one["key"] for one in page.json()["items"]]
        address = page.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert len(everybody) == len(set(everybody)) == page.json()["total"] > 60
    rejected = await api.get(f"/api/runs/{waiting.run_id}/candidates?standing=rejected")
    assert {one["standing"] for one in rejected.json()["items"]} == {"rejected"}
    assert all(one["reason"] for one in rejected.json()["items"])


@pytest.mark.both_databases
async def test_the_evidence_of_a_cell_leads_to_the_stored_words_of_its_source(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    root = f"/api/runs/{waiting.run_id}"
    known = (await api.get(f"{root}/evidence", params={"model": "qwen3 8b"})).json()
    assert known["candidate"]["key"] == "Qwen/Qwen3-8B"
    assert known["rating"]["parts"]
    quoted = [fact["source"] for fact in known["facts"] if fact["source"]["quote"]]
    assert quoted
    for source in quoted[:5]:
        asked = {"hash": source["content_hash"], "quote": source["quote"]}
        found = (await api.get(f"{root}/source", params=asked)).json()
        assert found["quote"] == " ".join(source["quote"].split())
        assert source["url"] in found["urls"]
        assert len(found["before"]) <= 800
        assert len(found["after"]) <= 800
    beginning = (await api.get(f"{root}/source", params={"hash": quoted[0]["content_hash"]})).json()
    assert (beginning["quote"], beginning["before"]) == ("", "")
    unsaid = {"hash": quoted[0]["content_hash"], "quote": "words that nobody wrote"}
    problem(await api.get(f"{root}/source", params=unsaid), 404, "not-found")


async def test_a_stored_text_that_this_run_does_not_cite_is_not_shown(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    from store import reading
    from tools.facts import content_hash

    with waiting.opened() as database, database.session() as session:
        reading.keep_text(session, waiting.run_id, "a text of somebody else's run")
    secret = {"hash": content_hash("a text of somebody else's run")}
    problem(await api.get(f"/api/runs/{waiting.run_id}/source", params=secret), 404, "not-found")


async def test_waves_tell_what_was_asked_and_how_complete_it_is(
    waiting: Kept, api: httpx.AsyncClient
) -> None:
    told = (await api.get(f"/api/runs/{waiting.run_id}/waves")).json()
    assert told["items"][0]["queries"]
    assert told["items"][-1]["stopped"]
    assert told["coverage"]["queries"] > 100


# --- answers, labels, report --------------------------------------------------------------------------------


async def test_answers_are_filtered_by_criterion_verdict_topic_style_and_outcome(
    finished: Kept, api: httpx.AsyncClient
) -> None:
    root = f"/api/runs/{finished.run_id}/answers"
    every = (await api.get(root, params={"limit": 200})).json()["items"]
    assert len(every) == 50
    criterion = next(name for line in every for name in line["not_met"])
    topic, style = every[0]["topic"], every[0]["style"]
    for asked, fits in (
        ({"criterion": criterion, "verdict": "NO"}, lambda one: one["verdicts"].get(criterion) == "NO"),
        ({"failing": criterion}, lambda one: criterion in one["not_met"]),
        ({"passed": "false"}, lambda one: one["passed"] is False),
        ({"topic": topic, "style": style}, lambda one: (one["topic"], one["style"]) == (topic, style)),
        ({"outcome": "cut off by the token limit"}, lambda one: one["outcome"] != "answered"),
        ({"held_out": "true"}, lambda one: one["held_out"]),
    ):
        found = (await api.get(root, params={**asked, "limit": 200})).json()["items"]
        assert [one["scenario_id"] for one in found] == [one["scenario_id"] for one in every if fits(one)]
    problem(await api.get(root, params={"criterion": "CQ99"}), 404, "not-found")


async def test_one_answer_has_its_verdicts_with_reasons_and_who_gave_them(
    finished: Kept, api: httpx.AsyncClient
) -> None:
    root = f"/api/runs/{finished.run_id}/answers"
    first = (await api.get(root, params={"passed": "false", "limit": 1})).json()["items"][0]
    whole = (await api.get(f"{root}/primary/{first['scenario_id']}")).json()
    assert whole["answer"]["text"].startswith(first["answer"].removesuffix(" …"))
    assert {one["criterion"] for one in whole["verdicts"]} == {one["id"] for one in whole["criteria"]}
    assert any(one["verdict"] == "NO" and one["reason"] for one in whole["verdicts"])
    assert whole["judge"]
    assert whole["candidate"] == "Qwen/Qwen3-8B"
    problem(await api.get(f"{root}/backup/{first['scenario_id']}"), 404, "not-found")


async def test_failures_are_crossed_by_name_and_results_recomputed(
    finished: Kept, api: httpx.AsyncClient
) -> None:
    told = (await api.get(f"/api/runs/{finished.run_id}/failures")).json()
    criterion = told["analysis"]["criteria"][0]
    assert set(criterion["interval"]) == {"low", "high"}
    assert {cross["dimension"] for cross in told["analysis"]["crosses"]} >= {"topic", "style"}
    headline = (await api.get(f"/api/runs/{finished.run_id}/results")).json()
    listed = await api.get(f"/api/runs/{finished.run_id}/answers", params={"passed": "true", "limit": 1})
    assert headline["items"][0]["decision"]["passes"] == listed.json()["total"]


@pytest.mark.both_databases
async def test_labelling_is_blind_and_ends_with_a_calibration(finished: Kept, api: httpx.AsyncClient) -> None:
    root = f"/api/runs/{finished.run_id}"
    problem(await api.get(f"{root}/calibration"), 404, "not-found")
    labelled = []
    for number in range(3):
        asked = await api.get(f"{root}/labels/next", params={"count": 3, "by": "grace"})
        told = asked.json()
        assert (told["done"], told["left"], told["total"]) == (number, 3 - number, 3)
        assert "qwen" not in asked.text.casefold()
        assert "verdict" not in asked.text
        name = told["card"]["scenario_id"]
        given = await api.post(
            f"{root}/labels", json={"scenario_id": name, "passed": bool(number), "by": "grace"}
        )
        assert given.status_code == 201, given.text
        labelled.append(name)
    assert len(set(labelled)) == 3
    over = (await api.get(f"{root}/labels/next", params={"count": 3, "by": "grace"})).json()
    assert over["card"] is None
    again = await api.post(f"{root}/labels", json={"scenario_id": labelled[0], "passed": True, "by": "grace"})
    assert again.status_code == 200
    listed = (await api.get(f"{root}/labels")).json()
    assert listed["people"] == {"grace": 3}
    found = (await api.get(f"{root}/calibration")).json()
    assert found["people"] == ["grace"]
    # Which are asked is drawn by the run's name; the judge has no verdict on one of the fifty.
    judged = [
        (await api.get(f"{root}/answers/primary/{name}")).json()["score"]["passed"] for name in labelled
    ]
    assert found["calibration"]["labels"] == len([one for one in judged if one is not None])


async def test_verdicts_of_a_person_are_held_against_the_rubric(
    finished: Kept, api: httpx.AsyncClient
) -> None:
    root = f"/api/runs/{finished.run_id}"
    asked = (await api.get(f"{root}/labels/next", params={"criteria": "true"})).json()
    name, criteria = asked["card"]["scenario_id"], asked["criteria"]
    yes = {one["id"]: "YES" for one in criteria}
    unknown = await api.post(f"{root}/labels", json={"scenario_id": name, "verdicts": {"CQ99": "YES"}})
    problem(unknown, 422, "wrong-use")
    strict = next((one["id"] for one in criteria if "NA" not in one["words"]), None)
    if strict is not None:
        na = await api.post(f"{root}/labels", json={"scenario_id": name, "verdicts": {strict: "NA"}})
        problem(na, 422, "wrong-use")
    odd = await api.post(f"{root}/labels", json={"scenario_id": name, "verdicts": yes, "passed": False})
    problem(odd, 422, "wrong-use")
    taken = await api.post(f"{root}/labels", json={"scenario_id": name, "verdicts": yes})
    assert taken.json()["passed"] is True
    with finished.opened() as database, database.reading() as session:
        (label,) = evaluation.labels(session, finished.run_id, "primary")
        assert {verdict.criterion for verdict in label.verdicts} >= set(yes)
    problem(
        await api.post(f"{root}/labels", json={"scenario_id": "no-such", "passed": True}), 404, "not-found"
    )


@pytest.mark.parametrize(
    ("form", "media"), [("md", "text/markdown"), ("html", "text/html"), ("json", "application/json")]
)
async def test_the_report_is_what_the_command_prints(
    finished: Kept, api: httpx.AsyncClient, form: str, media: str
) -> None:
    got = await api.get(f"/api/runs/{finished.run_id}/report", params={"format": form})
    assert got.headers["content-type"].startswith(media)
    written = finished.document.with_suffix(f".{form}").read_text("utf-8")
    # The instants at which the two were made are all that may differ.
    assert abs(len(got.text) - len(written)) < 200
    assert got.text[:200] == written[:200]


async def test_every_file_of_the_list_can_be_had_and_no_other(finished: Kept, api: httpx.AsyncClient) -> None:
    root = f"/api/runs/{finished.run_id}/files"
    listed = {one["name"]: one for one in (await api.get(root)).json()["items"]}
    written = {path.name for path in finished.document.parent.rglob("*") if path.is_file()}
    assert set(listed) >= written
    for name in ("table.csv", "answers.jsonl", "base-model-evaluation.html", "rubric.yaml"):
        got = await api.get(listed[name]["href"])
        assert got.status_code == 200
        assert got.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert got.headers["content-type"].startswith(listed[name]["media_type"])
    answers = (await api.get(f"{root}/answers.jsonl")).text
    assert len([json.loads(line) for line in answers.splitlines()]) == 50
    for name in (
        "bms.sqlite",
        "....",
        "%2e%2e%2fbms.sqlite",
        "..%2f..%2fbms.sqlite",
        "%2fetc%2fpasswd",
    ):
        refused = await api.get(f"{root}/{name}")
        assert refused.status_code in {400, 404, 422}, name
        assert b"SQLite format" not in refused.content


@pytest.mark.both_databases
async def test_two_runs_and_a_run_with_itself_are_compared(finished: Kept, api: httpx.AsyncClient) -> None:
    asked = {"first": finished.run_id, "second": finished.run_id}
    same = (await api.get("/api/compare", params=asked)).json()
    assert same["comparison"]["paired"]["difference"] == 0
    assert same["warning"] == ""
    problem(await api.get("/api/compare", params={"first": finished.run_id}), 404, "not-found")


# --- what anybody may send ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "a\\u0000b"}',
        b'{"text": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": ',
        b"[" * 100_000,
        b'{"count": 1e999}',
        b'{"gate_share": NaN}',
        b'{"count": ' + b"9" * 5000 + b"}",
    ],
)
async def test_no_body_breaks_anything(api: httpx.AsyncClient, body: bytes) -> None:
    sent = await api.post("/api/runs", content=body, headers={"Content-Type": "application/json"})
    assert sent.status_code in {400, 422}, sent.text
    assert sent.headers["content-type"] == PROBLEM


async def test_numbers_and_names_are_bounded(finished: Kept, api: httpx.AsyncClient) -> None:
    root = f"/api/runs/{finished.run_id}"
    for address in (
        "/api/runs?limit=0",
        "/api/runs?limit=201",
        f"{root}/events?after=-1",
        f"{root}/events?limit=100000",
        f"{root}/candidates?cursor=99999999999999999999",
        f"{root}/answers/primary/{'x' * 100}",
        f"/api/runs/{'x' * 100}",
        "/api/runs/a_b",
    ):
        problem(await api.get(address), 422, "invalid")


async def test_health_and_stories(api: httpx.AsyncClient) -> None:
    health = (await api.get("/api/health")).json()
    assert (health["status"], health["database"]) == ("ok", "ok")
    stories = (await api.get("/api/stories")).json()["items"]
    story = next(one for one in stories if one["name"] == "therapy-8b")
    assert story["provenance"]
    assert story["hosts"]


async def test_the_schema_is_whole(api: httpx.AsyncClient) -> None:
    schema = (await api.get("/api/openapi.json")).json()
    operations = [
        operation
        for path, methods in schema["paths"].items()
        if path.startswith("/api/") and not path.startswith("/api/threads")
        for operation in methods.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) >= 28
    for operation in operations:
        assert operation["description"]
        assert operation["tags"]
        for status, said in operation["responses"].items():
            if int(status) >= 400:
                assert list(said["content"]) == [PROBLEM]
    assert "HTTPValidationError" not in json.dumps(schema)
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for operation in operations
        if "requestBody" in operation
    ]
    assert sum("examples" in body for body in bodies) >= 4


async def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(
    finished: Kept, api: httpx.AsyncClient
) -> None:
    refused = await api.put(f"/api/runs/{finished.run_id}")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "DELETE, GET"
    with finished.opened() as database, database.reading() as session:
        assert runs.get(session, finished.run_id)
