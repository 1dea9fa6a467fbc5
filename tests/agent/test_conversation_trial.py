"""Sentences on which new users were answered wrongly, word for word, and what is answered now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select

from agent import views
from agent.conversation.answering import answer_to
from agent.conversation.case import Case
from agent.conversation.feed import OUTDONE
from agent.conversation.german import KNOWN, in_english
from agent.conversation.hearing import understand
from agent.conversation.intents import RunBackup, Situation, Unknown, UseJudge
from agent.conversation.names import looks_like_a_name, names_somebody
from agent.conversation.narrate import narrate, question_said
from agent.conversation.records import Offer, Said
from agent.conversation.replies import in_full
from agent.conversation.steps import said_here
from agent.langgraph_api.talking import message_of
from agent.mcp.looking import _answer
from agent.mcp.standing import in_words, run_reply
from agent.report_view import report_data
from agent.views import EventRecord
from agent.waiting import REPLAY_CAUTION, Waiting
from agent.waiting import waiting as question_of
from graphs.prompts import JudgePrompt, ReviewPrompt
from store import runs, threads
from store.schema import FetchRow, RunStatus, SearchRow, TableRow, WaveRow
from tests.agent.test_conversation import Stage
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tools.candidates import Stance
from tools.faults import Conflict
from tools.proposal import claimed
from tools.report.standing import candidate_notes

AT_TABLE = Situation(asks="approval", has_run=True)


@pytest.fixture
def table(waiting: Kept) -> Iterator[Stage]:
    with waiting.opened() as database:
        yield Stage(waiting.home, database, waiting.run_id)


@pytest.fixture
def done(finished: Kept) -> Iterator[Stage]:
    with finished.opened() as database:
        yield Stage(finished.home, database, finished.run_id)


AT_THE_APPROVAL = {
    # 10: words that end models' names are no names; what is not named is the proposed one
    "can I use it commercially?": "Qwen3 8B (Qwen/Qwen3-8B):\n- licence: Apache 2.0, commercial: yes",
    "how does it do?": "Qwen3 8B (Qwen/Qwen3-8B):\n- domain fit: 3.5 of 5 stars",
    "is it any good?": "Qwen3 8B (Qwen/Qwen3-8B):\n- domain fit: 3.5 of 5 stars",
    # 11
    "how much memory do I need?": "Qwen3 8B (Qwen/Qwen3-8B):\n- memory: about 6",
    "what does 3.5 stars mean": "1 to 5, computed from what sources say",
    "ignore that, start over": "A new run starts with a sentence such as",
    "nur Modelle mit Apache-Lizenz": "Gemma 2 9B it is the proposed backup.",
    # 12
    "which one is best?": "Proposed: Qwen3 8B (Qwen/Qwen3-8B).",
    "what would you take": "Proposed: Qwen3 8B (Qwen/Qwen3-8B).",
    "warum nicht Mistral?": "Mistral 7B Instruct v0.3 (mistralai/Mistral-7B-Instruct-v0.3) has no stars",
    "is it safe for suicidal clients?": "- CQ10: Where the message points",
    "wie viel kostet das?": "- quantization: GGUF Q4_K_M, 5.05 GB",
    "was wurde blockiert?": "7 requests were blocked and 0 failed.",
    "what was blocked?": "7 requests were blocked and 0 failed.",
    "hm": "Shall Qwen3 8B be evaluated, with Gemma 2 9B it as backup?",
    "yes?": "Shall Qwen3 8B be evaluated, with Gemma 2 9B it as backup?",
    "was ist los mit dem Ding": "Hier wird Englisch verstanden",
    # 17, 19
    "delete this run": "The list of runs deletes a run for good",
    "what does CQ7 ask?": "CQ7 (naturalness): Is the answer worded for this person",
}


@pytest.mark.parametrize("text", AT_THE_APPROVAL)
def test_what_new_users_said_at_the_approval(table: Stage, text: str) -> None:
    said = table.say(text)
    assert AT_THE_APPROVAL[text] in said.text
    assert not any(words.startswith("add ") for words in said.extras.suggestions)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("is that good enough?", "FINE_TUNE"),
        ("was ist am haeufigsten gescheitert?", "CQ7: failed 17 of 50 times"),
        ("is it safe for suicidal clients?", "CQ10: failed"),
        ("what does CQ7 ask?", "failed 17 of 50 times"),
        ("how does it do?", "31 of 49 measured answers pass"),
        ("add gemma 3 12b", "does not wait for an approval any more: it has ended: done."),
    ],
)
def test_what_new_users_said_of_a_finished_run(done: Stage, text: str, told: str) -> None:
    assert told in done.say(text).text


def test_it_is_the_model_last_spoken_of(table: Stage) -> None:
    table.say("sources for gemma 2 licence")
    said = table.say("can I use it commercially?")
    assert said.text.startswith("Gemma 2 9B it (google/gemma-2-9b-it):")
    assert "Gemma 4" not in said.text
    table.say("which one is best?")  # speaks of two, of which one is proposed
    assert table.say("how much memory does it need?").text.startswith("Qwen3 8B (Qwen/Qwen3-8B):")
    assert table.say("is the backup any good?").text.startswith("Gemma 2 9B it (google/gemma-2-9b-it):")


@pytest.mark.parametrize(
    "text", ["add I", "add 3.5 mean", "add that thing", "add nur Modelle", "leave out base"]
)
def test_nonsense_is_no_models_name(table: Stage, text: str) -> None:
    said = table.say(text)
    assert said.extras.offer is None
    assert not any(words.startswith("add ") for words in said.extras.suggestions)


@pytest.mark.parametrize("words", ["it", "i", "a", "base", "chat", "instruct", "the model", "3.5", "hm"])
def test_words_that_name_nobody(words: str) -> None:
    assert not names_somebody(words)
    assert not looks_like_a_name(words)


@pytest.mark.parametrize(
    "words", ["gemma 3 12b", "owner/name", "qwen3:8b", "DeepSeek", "nemo-12b", "frobnicate 99b"]
)
def test_words_that_look_like_a_name(words: str) -> None:
    assert looks_like_a_name(words)


@pytest.mark.parametrize("form", KNOWN)
def test_the_german_forms_that_are_told_are_understood(form: str) -> None:
    english = in_english(form.replace("X", "Mistral"))
    assert english is not None
    assert not isinstance(understand(english, AT_TABLE), Unknown)


def test_an_offer_says_its_sentence_once_and_is_short(table: Stage) -> None:
    said = table.say("only Apache licences")
    assert said.extras.offer is not None
    assert said.extras.offer.sentence not in said.text
    assert said.text.endswith("Shall I?")
    assert "and 18 more" in said.text
    assert "9.24B" in said.text
    assert "9,241,705,984" not in said.text
    # Where an offer has no place of its own it is read with the text.
    assert in_full(said).startswith(said.extras.offer.sentence)
    assert message_of(said)["content"].startswith(said.extras.offer.sentence)


def test_a_link_is_shown_once(table: Stage) -> None:
    links = table.say("sources for gemma 2 licence").extras.links
    assert len({link.label for link in links if not link.quote}) == len(
        [one for one in links if not one.quote]
    )
    assert len({(link.href, link.quote) for link in links}) == len(links)


def test_an_older_offer_is_void_once_a_newer_one_is_made(table: Stage) -> None:
    first, second = table.say("only Apache licences"), table.say("approve")
    shown = {turn.id: turn for turn in table.feed()}
    assert shown[first.id].extras.void == OUTDONE
    assert shown[second.id].extras.void == ""
    with pytest.raises(Conflict, match="newer offer"):
        table.confirm(first, yes=True)
    assert table.orders() == []
    assert table.confirm(first, yes=False).text.startswith("Left as it is.")
    table.confirm(second, yes=True)
    assert [order.record["action"] for order in table.orders()] == ["approve"]


@pytest.mark.parametrize(
    "text", ["status", "show the table", "what failed most?", "how long?", "what was blocked?"]
)
def test_without_a_run_it_is_said_that_there_is_none(table: Stage, text: str) -> None:
    table.say("status")
    with table.database.session() as session:
        other = threads.create(session, NOW).id
        threads.get(session, table.thread).run_id = None
    assert table.say(text).text == "The run of this conversation was deleted."
    table.thread = other
    assert table.say(text).text == "There is no run in this conversation yet."


@pytest.mark.parametrize(
    ("step", "told", "hrefs"),
    [
        ("Look at it again with `bms table RUN`, then approve.", "Look at it again with “show the table”, then approve.", ["/runs/r/table"]),  # noqa: E501
        ("`bms show r` tells where it is.", "“status” tells where it is.", []),
        ("Free some disk space, then `bms resume RUN`: what was finished is kept.", "Free some disk space, then “resume”: what was finished is kept.", []),  # noqa: E501
        ("`bms runs` lists them.", "“runs” lists them.", []),
        ("`bms doctor` tells what is missing.", "`bms doctor` at the terminal of this machine tells what is missing.", []),  # noqa: E501
        ("`bms record --story RUN` makes one.", "`bms record --story r` makes one.", []),
    ],
)  # fmt: skip
def test_next_steps_are_told_without_commands(step: str, told: str, hrefs: list[str]) -> None:
    said, links = said_here(step, "r")
    assert said == told
    assert [link.href for link in links] == hrefs


# --- a run in which nothing got through ---------------------------------------------------------------------

UNREACHED = "Not one of 370 requests got through"


@pytest.fixture
def offline(table: Stage) -> Stage:
    """The table of a run without a network: 370 requests failed, and every cell is unknown."""
    with table.database.session() as session:
        row = session.scalars(select(TableRow).where(TableRow.run_id == table.run_id)).one()
        unknown = [
            [{"column": cell["column"], "text": "unknown"} for cell in one["cells"]]
            for one in row.table["rows"]
        ]
        rows = [
            {**one, "cells": cells, "evidence": []}
            for one, cells in zip(row.table["rows"], unknown, strict=True)
        ]
        row.table = {**row.table, "rows": rows, "coverage": {"queries": 370, "failed": 370}}
        row.proposal = {**row.proposal, "primary": None, "backup": None}
        session.execute(delete(FetchRow).where(FetchRow.run_id == table.run_id))
        session.execute(delete(SearchRow).where(SearchRow.run_id == table.run_id))
        session.add_all(
            SearchRow(
                run_id=table.run_id or "",
                engine="ddg",
                query=f"query {number}",
                position=number,
                wave=1,
                outcome="failed",
                reason="unreachable",
                detail="",
                hits=[],
                asked_at=NOW,
            )
            for number in range(370)
        )
    return table


@pytest.mark.parametrize(
    "text", ["status", "show the table", "which one is best?", "can I use it commercially?", "hm"]
)
def test_that_nothing_got_through_is_said_first(offline: Stage, text: str) -> None:
    said = offline.say(text)
    assert said.text.startswith(UNREACHED)
    assert "`bms doctor`" in said.text
    assert "meet every hard need" not in said.text
    if text != "can I use it commercially?":
        assert "search again" in said.extras.suggestions


def test_what_was_blocked_is_told_by_reason(offline: Stage) -> None:
    said = offline.say("what was blocked?")
    assert said.text.startswith(UNREACHED)
    assert "- searches failed, unreachable: 370" in said.text


def test_the_run_tells_by_itself_that_nothing_got_through(offline: Stage) -> None:
    wave = {
        "wave": 1,
        "seen": 57,
        "accepted": 57,
        "rejected": 0,
        "facts": 0,
        "claims": 0,
        "blocked": 0,
        "failed": 370,
    }
    stopped = {**wave, "coverage": None, "stopped": "No query of the last wave was answered."}
    with offline.database.session() as session:
        run_id = offline.run_id or ""
        session.execute(delete(WaveRow).where(WaveRow.run_id == run_id))
        row = session.scalars(select(TableRow).where(TableRow.run_id == run_id)).one()
        told = narrate(session, run_id, _event(1, "wave", stopped))
        assert told is not None
        assert told.text.startswith(UNREACHED)
        assert "57 candidates known by name only" in told.text
        counts = {"hash": row.hash, "rows": 43, "eligible": 40, "primary": None, "backup": None}
        told = narrate(session, run_id, _event(2, "table", counts))
        assert told is not None
        assert "nothing is known of any of them but the name" in told.text
        assert "meet every hard need" not in told.text
        question = question_of(session, run_id)
        assert question is not None
        prompt = question.prompt.model_copy(update={"primary": None, "backup": None})
        assert question_said(session, run_id, prompt).text.startswith(UNREACHED)


def _event(seq: int, kind: str, data: dict[str, Any]) -> EventRecord:
    return EventRecord(seq=seq, at=NOW, stage="research", kind=kind, data=data)


def test_a_judges_name_that_is_a_file_is_refused_with_a_sentence(table: Stage) -> None:
    prompt = JudgePrompt(judge=None, problem="No judge was named.")
    question = Waiting(prompt_id="q", prompt=prompt)
    with table.database.reading() as session:
        case = Case(session, table.clock, "ada", table.run_id, question)
        said = answer_to(UseJudge("llamacpp:/any/file.gguf"), case)
        assert isinstance(said, Said)
        assert "looks like a file of this machine" in said.text
        named = answer_to(UseJudge("ollama:gemma3:12b"), case)
        assert isinstance(named, Offer)


def test_mcp_tells_it_too(offline: Stage) -> None:
    with offline.database.reading() as session:
        told = in_words(run_reply(session, offline.run_id or "", offline.clock))
    assert f"{UNREACHED} (370 failed). Check the network" in told


def test_another_model_than_the_recorded_one_is_warned_of(table: Stage) -> None:
    assert REPLAY_CAUTION not in table.say("approve").text
    offered = table.say("approve gemma 2 9b it")
    assert REPLAY_CAUTION in offered.text
    assert REPLAY_CAUTION in table.say("swap them").text
    table.confirm(table.say("approve gemma 2 9b it"), True)
    with table.database.reading() as session:
        state = views.run_state(session, table.run_id or "", table.clock)
    assert (state.status, state.waits_for) == (RunStatus.QUEUED, None)
    assert state.detail == f"has its answer, and goes on in a moment. {REPLAY_CAUTION}"


def test_a_replay_that_has_no_recording_is_not_said_to_go_on(table: Stage) -> None:
    with table.database.session() as session:
        row = runs.get(session, table.run_id or "")
        row.status, row.detail = RunStatus.STOPPED, "the story has no recording of POST http://x/api/pull"
    said = table.say("go on")
    assert said.text.startswith("It cannot go on: the story has no recording of POST http://x/api/pull.")
    assert "resume" not in said.extras.suggestions
    assert not table.orders()


def test_a_judge_is_noted_and_not_of_the_candidates_family(table: Stage) -> None:
    question = Waiting(prompt_id="q", prompt=JudgePrompt(judge=None, problem="No judge was named."))
    with table.database.session() as session:
        run_id = table.run_id or ""
        case = Case(session, table.clock, "ada", run_id, question)
        named = answer_to(UseJudge("ollama:gemma3:12b"), case)
        assert isinstance(named, Offer)
        assert (
            named.sentence == "ollama:gemma3:12b is noted as the judge; whether it can judge is checked next."
        )
        options = runs.get(session, run_id).options
        runs.set_options(session, run_id, {**options, "model": "gemma2:9b"}, NOW)
        said = question_said(session, run_id, question.prompt)
        assert said.extras.suggestions[0] == "use ollama:qwen3:14b as judge"


def test_a_replay_has_no_answers_of_the_backup(done: Stage) -> None:
    prompt = ReviewPrompt(
        run_id=done.run_id or "",
        role="primary",
        decision="FINE_TUNE",
        sentence="",
        pass_rate=0.6,
        sample=(),
        backup=None,
        further=None,
        failures=0,
    )
    with done.database.reading() as session:
        case = Case(session, done.clock, "ada", done.run_id, Waiting(prompt_id="q", prompt=prompt))
        said = answer_to(RunBackup(), case)
    assert isinstance(said, Said)
    assert "google/gemma-2-9b-it, is approved, but this is a replay" in said.text


WORTH = "REPLAY of the story therapy-8b"
UNCHECKED = "NOT CALIBRATED: no human has checked this judge, ollama:gemma3:12b."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("so is it good enough?", (WORTH, UNCHECKED)),
        ("status", (WORTH, UNCHECKED)),
        ("what is the pass rate?", (WORTH, UNCHECKED)),
        ("is this real data?", (WORTH, UNCHECKED)),
        ("can I trust the judge?", (WORTH, UNCHECKED, "told all 5 planted answers apart")),
        ("how sure are you?", (WORTH, UNCHECKED)),
        ("and now?", ("FINE_TUNE", "Next, for the primary model:", "training examples", WORTH)),
        ("what should I do next?", ("Look at the failed gates first", "The decision is yours.")),
        ("which gates failed?", ("4 of 49 measured answers failed a gate",)),
        ("why not deploy?", ("FINE_TUNE",)),
        ("what does it cost to fine-tune?", ("is not estimated by this program", "500 to 1,000")),
        ("why did it fail CQ2?", ("Why, as the judge says of answers that are not held out:\n- s",)),
        ("show me the answers it failed", ("the judge, ollama:gemma3:12b:",)),
        ("which topic is strongest?", ("by topic, the strongest first:",)),
        ("help", ("the result: “what failed most?”", "start: ")),
    ],
)
def test_what_the_numbers_are_worth_and_what_is_next(done: Stage, text: str, told: tuple[str, ...]) -> None:
    said = done.say(text)
    assert [one for one in told if one not in said.text] == []


@pytest.mark.parametrize(
    "text", ["what would you do?", "should I approve?", "and now?", "what should I do next?"]
)
def test_what_to_do_at_the_approval(table: Stage, text: str) -> None:
    said = table.say(text)
    assert said.text.startswith("By what was read I would approve the proposal")
    assert "- against it: " in said.text
    assert said.extras.offer is None


def test_help_is_of_the_phase_and_what_speaks_against_is_told(table: Stage) -> None:
    assert "start:" not in table.say("help").text
    assert "decide: “what would you do?”" in table.say("help").text
    assert "- against it: " in table.say("what speaks against it?").text
    assert "is real" not in table.say("is this real data?").text
    assert WORTH in table.say("is this real data?").text


def test_reasons_of_held_out_answers_are_not_told(done: Stage) -> None:
    with done.database.reading() as session:
        one = views.results(session, done.run_id or "")[0]
    held = {line.scenario.id for line in one.lines if line.scenario.held_out}
    for criterion in one.rubric.ids:
        told = done.say(f"what does {criterion} ask?").text
        assert not held & {word.strip("-:()") for word in told.split()}
    row = next(line for line in one.lines if line.scenario.held_out)
    shown = _answer(row, "asked for")  # by MCP
    assert (shown.message, shown.answer) == ("", "")


def test_the_report_tells_what_sources_say_against_a_candidate(done: Stage) -> None:
    with done.database.reading() as session:
        data = report_data(session, done.run_id or "", done.clock)
    assert data.table is not None
    against = {row.key: claimed(row, Stance.AGAINST) for row in data.table.rows}
    told = {note.key: note.weaknesses for note in candidate_notes(data)}
    assert any(against[key] for key in told)
    assert all(set(against[key]) <= set(parts) for key, parts in told.items())
