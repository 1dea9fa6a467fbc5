"""Conversations about a replayed run, on real rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from agent.actions import Actions
from agent.conversation.feed import feed
from agent.conversation.records import Cursor, Extras, Said, Turn
from agent.conversation.talk import Conversation
from agent.settings import Settings
from store import events, orders, runs, threads
from store.database import Database
from store.schema import OrderRow, RunRow, RunStatus
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tools.clock import FixedClock
from tools.faults import Conflict, NotFound, WrongUse

pytestmark = pytest.mark.both_databases(slow=True)


class NoEngine:
    """Orders are stored and nobody carries them out."""

    async def start(self) -> None:
        return None

    def wake(self) -> None:
        return None

    async def stop(self) -> None:
        return None


class Stage:
    """A conversation in a data directory."""

    def __init__(self, home: Path, database: Database, run_id: str | None, **settings: Any) -> None:
        self.settings = Settings(home=home, **settings)
        self.database, self.run_id = database, run_id
        self.clock = FixedClock(NOW)
        self.talk = self.opened()
        with database.session() as session:
            self.thread = threads.create(session, NOW, run_id=run_id).id

    def opened(self) -> Conversation:
        """As a server that was just started has it."""
        actions = Actions(self.settings, self.database, NoEngine(), self.clock)
        return Conversation(self.settings, self.database, actions, self.clock)

    def say(self, text: str, message_id: str | None = None) -> Turn:
        turns = asyncio.run(self.talk.say(self.thread, text, by="ada", message_id=message_id))
        assert [turn.author for turn in turns] == ["person", "bms"]
        return turns[-1]

    def confirm(self, turn: Turn, yes: bool) -> Turn:
        return asyncio.run(self.talk.confirm(self.thread, turn.id, yes, by="ada"))[-1]

    def feed(self) -> list[Turn]:
        with self.database.reading() as session:
            return feed(session, self.thread)

    def orders(self) -> list[OrderRow]:
        with self.database.reading() as session:
            return list(session.scalars(select(OrderRow).where(OrderRow.by == "ada")))

    def count(self, table: Any) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def table(waiting: Kept) -> Iterator[Stage]:
    """The run waits for its approval."""
    with waiting.opened() as database:
        yield Stage(waiting.home, database, waiting.run_id)


@pytest.fixture
def done(finished: Kept) -> Iterator[Stage]:
    with finished.opened() as database:
        yield Stage(finished.home, database, finished.run_id)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stage]:
    with Database(Settings(home=tmp_path).rows_url) as database:
        yield Stage(tmp_path, database, None)


def test_evaluate_8b_models_for_therapy_coaching(empty: Stage) -> None:
    said = empty.say("evaluate 8B models for therapy coaching")
    with empty.database.reading() as session:
        run = session.scalar(select(RunRow))
        assert run is not None
        assert run.text == "evaluate 8B models for therapy coaching"
        assert threads.get(session, empty.thread).run_id == run.id
    assert run.id in said.text
    assert said.extras.offer is None


def test_why_not_deepseek(table: Stage) -> None:
    said = table.say("why not DeepSeek?")
    assert "deepseek-ai/DeepSeek-R1-Distill-Llama-8B" in said.text
    assert "architecture focus -1.00" in said.text
    assert "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B: outside 7–9B" in said.text
    assert any(link.href.startswith("https://huggingface.co/") and link.quote for link in said.extras.links)
    assert f"/runs/{table.run_id}/models/deepseek-ai/DeepSeek-R1-Distill-Llama-8B" in [
        link.href for link in said.extras.links
    ]


def test_only_apache_licences(table: Stage) -> None:
    offer = table.say("only Apache licences").extras.offer
    assert offer is not None
    excluded = offer.record["reply"]["exclude"]
    with table.database.reading() as session:
        from agent.views import table_view

        rows = table_view(session, table.run_id or "").table.rows
    assert set(excluded) == {row.key for row in rows if "Apache" not in row.licence.display}
    assert "Gemma 2 9B it is the proposed backup." in table.feed()[-1].text
    assert table.orders() == []


def test_add_gemma_3_12b(table: Stage) -> None:
    said = table.say("add gemma 3 12b")
    assert said.extras.offer is not None
    assert said.extras.offer.record["reply"]["add"] == ["google/gemma-3-12b-it"]
    assert "outside 7–9B" in said.text


def test_approve_qwen3_with_gemma_as_backup(table: Stage) -> None:
    said = table.say("approve qwen3 with gemma as backup")
    assert said.extras.offer is not None
    assert "Qwen/Qwen3-8B" in said.extras.offer.sentence
    assert "google/gemma-2-9b-it" in said.extras.offer.sentence
    assert "could also be Gemma 4 E4B it" in said.text
    assert table.orders() == []
    table.say("yes")
    (order,) = table.orders()
    assert (order.record["action"], order.record["primary"], order.record["backup"], order.record["by"]) == (
        "approve",
        "Qwen/Qwen3-8B",
        "google/gemma-2-9b-it",
        "ada",
    )


def test_what_failed_most(done: Stage) -> None:
    said = done.say("what failed most?")
    assert "CQ7: failed 17 of 50 times" in said.text
    assert f"/runs/{done.run_id}/failures" in [link.href for link in said.extras.links]


def test_results_are_told_from_rows(done: Stage) -> None:
    assert "31 of 49 measured answers pass, 63%" in done.say("what is the pass rate?").text
    assert "family and parenting: 1 of 4 pass" in done.say("which topic is weakest?").text
    shown = done.say("show an example of CQ2")
    assert "failed on CQ2" in shown.text
    assert any("/answers/primary/" in link.href for link in shown.extras.links)
    assert "does not wait for an approval" in done.say("only commercial").text


def test_a_factor_has_its_source_and_what_contradicts_it(table: Stage) -> None:
    said = table.say("what about the context of qwen3?")
    assert "32,768 native" in said.text
    assert "but another source says context native 40960" in said.text
    assert any("max_position_embeddings" in link.quote for link in said.extras.links)


def test_several_meanings_are_listed(table: Stage) -> None:
    said = table.say("approve granite")
    assert said.extras.offer is None
    assert "ibm-granite/granite-3.3-8b-instruct" in said.text
    assert "ibm-granite/granite-4.1-8b" in said.text


@pytest.mark.parametrize(
    "text", ["don't approve", "not enough", "should I approve?", "approve frobnicate 99b"]
)
def test_nothing_is_offered_where_nothing_is_approved(table: Stage, text: str) -> None:
    assert table.say(text).extras.offer is None
    assert table.say("no").extras.offer is None
    assert table.orders() == []


def test_a_message_sent_twice_is_one_message_and_one_answer(empty: Stage) -> None:
    first = empty.say("evaluate 8B models for therapy coaching", "m1")
    empty.talk = empty.opened()
    assert empty.say("evaluate 8B models for therapy coaching", "m1") == first
    assert empty.count(RunRow) == 1
    assert [turn.author for turn in empty.feed()] == ["person", "bms"]
    with pytest.raises(Conflict):
        empty.say("something else", "m1")


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_server_that_died_between_message_and_answer_does_it_once(
    empty: Stage, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class Died(BaseException):
        pass

    create = Actions.create

    async def dies(self: Actions, *args: Any, **kwargs: Any) -> Any:
        if where == "after":
            await create(self, *args, **kwargs)
        raise Died

    monkeypatch.setattr(Actions, "create", dies)
    with pytest.raises(Died):
        empty.say("evaluate 8B models for therapy coaching", "m1")
    assert [turn.author for turn in empty.feed()] == ["person"]
    monkeypatch.setattr(Actions, "create", create)
    empty.talk = empty.opened()
    empty.say("evaluate 8B models for therapy coaching", "m1")
    assert empty.count(RunRow) == 1
    assert [turn.author for turn in empty.feed()] == ["person", "bms"]


def test_a_confirmation_is_carried_out_once(table: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = table.say("approve")
    reply = Actions.reply

    class Died(BaseException):
        pass

    async def dies(self: Actions, *args: Any, **kwargs: Any) -> None:
        await reply(self, *args, **kwargs)
        raise Died

    monkeypatch.setattr(Actions, "reply", dies)
    with pytest.raises(Died):
        table.confirm(offered, True)
    monkeypatch.setattr(Actions, "reply", reply)
    table.talk = table.opened()
    first = table.confirm(offered, True)
    assert first.text.startswith("Done: Approve Qwen3 8B")
    assert table.confirm(offered, True) == first
    assert len(table.orders()) == 1
    with pytest.raises(Conflict):
        table.confirm(offered, False)


def test_an_offer_is_void_when_the_run_has_gone_on(table: Stage) -> None:
    offered = table.say("only Apache licences")
    other = table.say("approve")
    table.confirm(other, True)
    shown = next(turn for turn in table.feed() if turn.id == offered.id)
    assert shown.extras.void
    with pytest.raises(Conflict):
        table.confirm(offered, True)
    assert len(table.orders()) == 1


def test_a_declined_offer_does_nothing(table: Stage) -> None:
    offered = table.say("cancel")
    assert offered.extras.offer is not None
    assert "Nothing was done" in table.say("no").text
    with pytest.raises(Conflict):
        table.confirm(offered, True)
    with table.database.reading() as session:
        assert runs.get(session, table.run_id or "").status == RunStatus.WAITING


def test_cancelling_needs_a_yes(table: Stage) -> None:
    offered = table.say("cancel")
    assert "cancelled" in table.confirm(offered, True).text
    with table.database.reading() as session:
        assert runs.get(session, table.run_id or "").status == RunStatus.CANCELLED


def test_a_second_start_is_offered_while_a_run_has_not_ended(table: Stage) -> None:
    before = table.count(RunRow)
    said = table.say("evaluate 3B models for coding")
    assert said.extras.offer is not None
    assert table.count(RunRow) == before
    table.say("yes")
    assert table.count(RunRow) == before + 1
    turns = table.feed()
    assert turns[-1].text.startswith("Starting: evaluate 3B models for coding")


def test_wrong_uses(empty: Stage) -> None:
    with pytest.raises(WrongUse):
        empty.say("   ")
    with pytest.raises(NotFound):
        asyncio.run(empty.talk.say("nowhere", "hello", by="ada"))
    said = empty.say("hello")
    with pytest.raises(Conflict):
        empty.confirm(said, True)


def test_the_run_tells_its_milestones_and_not_every_query(done: Stage) -> None:
    turns = done.feed()
    told = "\n".join(turn.text for turn in turns)
    assert all(turn.author == "run" for turn in turns)
    assert len(turns) < 20
    for words in (
        "Understood: therapy coaching",
        "wave 2",
        "The table is ready",
        "proposed primary: Qwen3 8B",
        "Approved by",
        "is pulled",
        "FINE_TUNE for the primary model",
        "document is written",
        "The run is done",
    ):
        assert words in told
    assert "⭐" not in told


def test_messages_stand_where_they_were_said(done: Stage) -> None:
    done.say("status")
    turns = done.feed()
    assert [turn.author for turn in turns[-2:]] == ["person", "bms"]
    assert all(turn.author == "run" for turn in turns[:-2])


STEPS = st.lists(
    st.sampled_from(["message", "told", "untold", "read", "read one", "another run"]), min_size=1, max_size=25
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_a_reader_loses_no_turn_and_gets_none_twice(empty: Stage, steps: list[str]) -> None:
    """Whatever arrives between two reads, in parts or whole, and whichever run the conversation turns to."""
    with empty.database.session() as session:
        run_id = runs.create(session, "a request", {}, NOW)
        empty.thread = threads.create(session, NOW, run_id=run_id).id
    read: list[str] = []
    made: list[str] = []
    after = Cursor()

    def take(limit: int) -> None:
        nonlocal after
        with empty.database.reading() as session:
            for turn in feed(session, empty.thread, after, limit):
                read.append(turn.id)
                after = Cursor.parse(turn.cursor)

    for number, step in enumerate([*steps, "read"]):
        with empty.database.session() as session:
            if step == "message":
                made.append(f"m{number}")
                empty.talk._stored(session, empty.thread, "person", "hello", Extras(), f"m{number}")
            elif step == "another run":
                run_id = runs.create(session, "another request", {}, NOW)
                session.flush()
                made.append(f"m{number}")
                empty.talk._keep_answer(session, empty.thread, f"m{number}", Said(text="another"), run_id)
            elif step in {"told", "untold"}:
                kind = "stopped" if step == "told" else "query"
                seq = events.append(session, run_id, "research", kind, {"sentence": "it rains"}, NOW)
                made += [f"{run_id}.{seq}"] if step == "told" else []
        if step.startswith("read"):
            take(1 if step == "read one" else 200)
    take(200)
    assert sorted(read) == sorted(made)
    assert len(set(read)) == len(read)
    whole = [turn.id for turn in empty.feed()]
    assert sorted(whole) == sorted(made)


def test_an_answer_given_to_a_question_is_not_given_twice(table: Stage) -> None:
    with table.database.reading() as session:
        assert orders.open_order(session, table.run_id or "") is None
    table.say("approve")
    table.say("yes", "y1")
    table.say("yes", "y1")
    assert len(table.orders()) == 1
