"""Sentences as people say them, in each state of a run: what they mean, and that none does something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from agent.conversation.hearing import understand
from agent.conversation.intents import (
    About,
    Approve,
    Cancel,
    Compare,
    Conditional,
    Extreme,
    FitsMemory,
    GoodEnough,
    Help,
    Intent,
    Licences,
    Look,
    Musing,
    No,
    OfMaker,
    Only,
    OtherRun,
    Pause,
    Resume,
    Several,
    Show,
    Situation,
    Smaller,
    Start,
    StartOver,
    Unknown,
    Why,
    Yes,
)
from agent.conversation.names import place_in_list
from agent.conversation.spelling import is_one_slip, mended
from store import leases, runs
from store.database import Database
from store.schema import RunRow, RunStatus, TableRow
from tests.agent.test_conversation import Stage
from tests.standins.records import NOW
from tests.standins.replayed import Kept
from tools.table import Column

AT_TABLE = Situation(asks="approval", has_run=True)
GOING = Situation(has_run=True)
NEW = Situation()

MEANT: dict[str, Intent] = {
    # what is not wanted
    "not the chinese ones": OfMaker("chinese", leave_out=True),
    "no llama models": OfMaker("llama", leave_out=True),
    "exclude everything from china": OfMaker("china", leave_out=True),
    # quantities and places
    "top 5": Show("table", "5"),
    "show me the top three": Show("table", "3"),
    "compare the top 3": Compare(("number 1", "number 2", "number 3")),
    "compare the first two": Compare(("number 1", "number 2")),
    "what is the licence of the second one": About("second one", (Column.LICENCE,)),
    "whats the licence of the first?": About("first", (Column.LICENCE,)),
    "take the third one": Approve(primary="the third one"),
    # sizes and memory
    "something smaller than 8b": Only(most_billions=8.0),
    "a bit smaller please": Smaller(),
    "use the smaller one": Smaller(),
    "which is the smallest": Extreme(Column.PARAMS, most=False),
    "which has the longest context?": Extreme(Column.CONTEXT, most=True),
    "which one has the most downloads": Extreme(Column.COMMUNITY, most=True),
    "can I run that on 16 GB?": FitsMemory("that", 16.0),
    "will it fit in 12gb vram": FitsMemory("it", 12.0),
    "does it run on a laptop?": FitsMemory("it", None),
    "what runs on 8 GB?": FitsMemory(None, 8.0),
    # asked of all, and other runs
    "show me only models under 8B": Look(Only(most_billions=8.0)),
    "which of them allow commercial use?": Look(Only(commercial=True)),
    "which licences are there?": Licences(),
    "which licence does it have?": About("", (Column.LICENCE,)),
    "back to the therapy run": OtherRun("therapy"),
    "open run 20261121-xxxxx": OtherRun("20261121-xxxxx"),
    "ohne backup": Approve(no_backup=True),
    # who there is
    "compare qwen and gemma": Compare(("qwen", "gemma")),
    "anything from google?": OfMaker("google"),
    "do you have mistral?": About("mistral"),
    "I want apache only": Only(licence="apache"),
    # several at once, and conditions
    "only apache and nothing above 9b": Only(licence="apache", most_billions=9.0),
    "approve qwen and cancel the run": Several(("approve qwen", "cancel the run")),
    "leave out llama and mistral, then approve": Several(("leave out llama and mistral", "approve")),
    "what about deepseek and why is it not there": Several(("what about deepseek", "why is it not there")),
    "pls approve the top one and use gemma as a backup": Approve("the top one", "gemma"),
    "approve qwen3, but only if it is apache": Conditional("approve qwen3", "it is apache"),
    # slips of the finger
    "aprove qwen": Approve(primary="qwen"),
    "statsu": Show("status"),
    "staus?": Show("status"),
    "whats the diffrence between qwen and gemma": Compare(("qwen", "gemma")),
    "how mcuh memory does qwen need": About("qwen", (Column.MEMORY,)),
    # the result
    "is 62 % good?": GoodEnough(62.0),
    "is 62% good enough?": GoodEnough(62.0),
    "why did it fail CQ7": Show("criterion", "CQ7"),
    "why does it fail so often": Show("failed most"),
    "did it pass?": Show("result"),
    # the run
    "stop": Cancel(),
    "pause": Pause(),
    "go on": Resume(),
    "continue pls": Resume(),
    "start over with 4B": StartOver("4B"),
    "try again with 4B models": StartOver("4B"),
    "cancel everything and start again with 4B": StartOver("4B"),
    "what should I do now?": Show("advice"),
    "what happens if I approve?": Help(),
    "sure, why not": Musing(),
    # German
    "nein danke": No(),
    "stopp": Cancel(),
    "nimm qwen": Approve(primary="qwen"),
    "warum ist qwen besser als gemma": Compare(("qwen", "gemma")),
}


@pytest.mark.parametrize("text", MEANT)
def test_what_people_mean_at_the_table(text: str) -> None:
    assert understand(text, AT_TABLE) == MEANT[text]


@pytest.mark.parametrize(
    "text",
    [
        "can I run that on 16 GB?",
        "will it fit in 12gb vram",
        "16 GB enough?",
        "what runs on 8 GB?",
        "compare qwen and gemma",
        "compare the top 3",
        "what about deepseek and why is it not there",
        "only apache, and add gemma 3 12b",
        "cancel everything and start again with 4B",
        "start over with 4B",
        "how many models are there for coding?",
        "is an 8B model any good?",
        "stop",
        "no",
    ],
)
def test_what_starts_nothing_where_there_is_no_run(text: str) -> None:
    assert not isinstance(understand(text, NEW), Start)


@pytest.mark.parametrize(
    "text",
    [
        "compare 8B models for coding",
        "which 8B model is best for coding?",
        "something smaller than 8b",
        "could you evaluate 8B models for chess?",
        "I need a model for legal advice",
    ],
)
def test_what_starts_a_run_where_there_is_none(text: str) -> None:
    assert isinstance(understand(text, NEW), Start)


@pytest.mark.parametrize("text", ["7-9B for coding", "compare 8B models for coding"])
def test_another_request_is_asked_about_where_it_could_mean_something_else(text: str) -> None:
    found = understand(text, GOING)
    assert isinstance(found, Start)
    assert not found.sure


@pytest.mark.parametrize("text", ["approved", "approved?", "rejects", "cancelled", "yse", "yess", "noo"])
def test_another_form_of_a_word_is_no_slip_and_nobody_is_taken_at_one(text: str) -> None:
    for situation in (AT_TABLE, Situation(asks="approval", has_run=True, offered=True)):
        assert not isinstance(understand(text, situation), Approve | Yes | No | Cancel)


@given(st.text(max_size=200))
def test_mending_ends_and_changes_no_more_than_it_says(text: str) -> None:
    better = mended(text)
    assert better is None or (better != text[:400] and abs(len(better) - len(text)) <= len(text.split()))


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("statsu", "status", True),
        ("aprove", "approve", True),
        ("approvve", "approve", True),
        ("stetus", "status", True),
        ("approv", "approve", True),
        ("approved", "approve", False),
        ("status", "status", False),
        ("sttsau", "status", False),
    ],
)
def test_one_slip(one: str, other: str, slip: bool) -> None:
    assert is_one_slip(one, other) is slip


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("the third one", 3),
        ("2nd", 2),
        ("number 4", 4),
        ("#1", 1),
        ("row 12", 12),
        ("qwen3", None),
        ("0th", None),
    ],
)
def test_places_in_a_list(words: str, place: int | None) -> None:
    assert place_in_list(words) == place


# --- on rows ------------------------------------------------------------------------------------------------


@pytest.fixture
def table(waiting: Kept) -> Iterator[Stage]:
    with waiting.opened() as database:
        yield Stage(waiting.home, database, waiting.run_id)


@pytest.fixture
def going(waiting: Kept) -> Iterator[Stage]:
    """The run researches; there is no table yet."""
    with waiting.opened() as database:
        with database.session() as session:
            session.execute(delete(TableRow))
            runs.set_status(session, waiting.run_id, RunStatus.RUNNING, "", NOW)
            runs.get(session, waiting.run_id).stage = "research"
            leases.take(session, waiting.run_id, "somebody", NOW)
        yield Stage(waiting.home, database, waiting.run_id)


@pytest.fixture
def done(finished: Kept) -> Iterator[Stage]:
    with finished.opened() as database:
        yield Stage(finished.home, database, finished.run_id)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Stage]:
    from agent.settings import Settings

    with Database(Settings(home=tmp_path).rows_url) as database:
        yield Stage(tmp_path, database, None)


TOLD_AT_THE_TABLE = {
    "which of them allow commercial use?": "of them are so under conditions: Gemma 2 9B",
    "not the chinese ones": "Where a maker is at home is in no source here; the owners are Qwen, google",
    "top 5": "The first 5:\n",
    "can I run that on 16 GB?": "needs about 6.05 GB at 4,096 tokens, so 16 GB are enough",
    "what is the licence of the second one": "Gemma 2 9B it (google/gemma-2-9b-it):\n- licence: Gemma Terms",
    "compare qwen and gemma": "Qwen3 8B and Gemma 2 9B it, side by side:",
    "approve gwen3": "Is it Qwen3 8B or Qwen3.5 9B?",
    "which is the smallest": "Params, the lowest first:\n- Zephyr 7B beta: 7.24B",
    "is 62 % good?": "62 % by itself is worth a fine-tune.",
    "approve qwen and cancel the run": "That is more than one wish, and one is taken at a time.",
    "approve qwen3, but only if it is apache": "Nothing was done: nobody waits here for “it is apache”.",
    "pause": "waits for an approval of the table, for as long as you like.",
    "does the thing with the licence hold in court": "About licences it is understood like this",
    "show me only models under 8B": "34 of 43 candidates are at most 8B:\n- Qwen3 8B:",
    "only apache, nothing over 9b and not the Chinese ones": "“not the Chinese ones” cannot be done",
    "approve qwen3 but first add gemma 3 12b": "That is more than one wish",
    "is gemma 2 ok for commercial use?": "Gemma 2 9B it (google/gemma-2-9b-it):\n- licence: Gemma Terms",
    "add everything except qwen3": "which does not look like a model's name either",
    "vergleiche die ersten drei": "Qwen3 8B, Gemma 2 9B it and Qwen3.5 9B, side by side:",
    "ist 63 % gut?": "63 % by itself is worth a fine-tune.",
    "back to the therapy run": "evaluate 8B models for therapy coaching (waiting)",
    "open run 20261121-xxxxx": "No run is called “20261121-xxxxx”.",
    "the thing is too heavy for my gpu rack": "About memory and size it is understood like this",
}


def test_what_is_told_at_the_table(table: Stage) -> None:
    for text, told in TOLD_AT_THE_TABLE.items():
        said = table.say(text)
        assert told in said.text, text
        assert said.extras.offer is None, text
    assert table.orders() == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("only apache and nothing above 9b", "that are not under apache and at most 9B"),
        ("no llama models", "Leave out 5 candidates; 38 stay"),
        ("leave out llama", "Leave out 5 candidates; 38 stay"),
        ("ohne llama", "Leave out 5 candidates; 38 stay"),
        ("nothing over 9b", "Leave out 1 candidate that are not at most 9B"),
        ("only MIT or Apache", "that are not under MIT or Apache; 22 stay"),
        ("evaluate gemma 2 too", "Evaluating gemma2:9b for therapy coaching."),
        ("8B fuer Therapie-Coaching", "Starting: 8B models for Therapie-Coaching."),
        ("I don't want gemma as backup, take granite 3.3", "with Granite 3.3 8B Instruct (ibm-granite/"),
        ("start over with 4B", "Starting: evaluate 4B models for therapy coaching."),
        ("pls approve the top one and use gemma as a backup", "with Gemma 2 9B it (google/gemma-2-9b-it) as"),
    ],
)
def test_what_is_offered_at_the_table(table: Stage, text: str, told: str) -> None:
    said = table.say(text)
    assert said.extras.offer is not None
    assert told in said.extras.offer.sentence
    assert table.orders() == []


def test_a_place_in_the_table_that_could_be_a_role_as_well_is_asked_about(table: Stage) -> None:
    """The backup is called the second one, and so is the second row."""
    with table.database.session() as session:
        for row in session.query(TableRow).all():
            row.proposal = {**row.proposal, "backup": row.table["rows"][4]["key"]}
    said = table.say("what is the licence of the second one?")
    assert "“second one” could be several" in said.text
    assert "Gemma 2 9B it" in said.text


TOLD_OF_THE_RESULT = {
    "is 62 % good?": "31 of 49 measured answers pass, 63%",
    "why did it fail CQ7": "failed 17 of 50 times",
    "why does it fail so often": "failed most on:\n- CQ7",
    "did it pass?": "FINE_TUNE",
    "pause": "Nothing goes on that could be paused.",
    "only apache": "does not wait for an approval any more",
    "the judge was blind and the score is a lie": "About the result it is understood like this",
}


def test_what_is_told_of_a_result(done: Stage) -> None:
    for text, told in TOLD_OF_THE_RESULT.items():
        assert told in done.say(text).text, text
    assert done.orders() == []


def test_what_is_told_while_research_is_under_way(going: Stage) -> None:
    for text, told in {
        "pause": "“cancel” ends it for good. Nothing was done.",
        "go on": "is researching",
        "top 5": "There is no table yet.",
        "which is the smallest": "There is no table yet.",
        "compare the top 3": "There is no table yet.",
        "take the third one": "does not wait for an approval: it is researching. Nothing was done.",
        "stop the research, that's enough": "About the run it is understood like this: “cancel”",
    }.items():
        assert told in going.say(text).text, text
    assert going.orders() == []


@pytest.mark.slow
@pytest.mark.parametrize("state", ["table", "going", "done"])
def test_no_sentence_does_anything_before_a_yes(request: pytest.FixtureRequest, state: str) -> None:
    """In a conversation of its own each, so that none answers what another one was offered."""
    from store import threads

    stage: Stage = request.getfixturevalue(state)
    for text in (
        *MEANT,
        *TOLD_AT_THE_TABLE,
        *TOLD_OF_THE_RESULT,
        "7-9B for coding",
        "Qwen3 8B",
        "lets do it",
    ):
        with stage.database.session() as session:
            stage.thread = threads.create(session, NOW, run_id=stage.run_id).id
        said = stage.say(text)
        assert stage.orders() == [], text
        assert "Traceback" not in said.text
        assert said.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("which one has the best benchmark?", "Domain fit, the highest first:\n- Qwen3 8B"),
        ("how many are apache?", "17 of 43 candidates are under apache:"),
        ("which licences are there?", "Licences in the table:\n- Apache 2.0: 17"),
        ("only models with evidence", "3 of 43 candidates have evidence in this domain:"),
        ("what is a GGUF?", "I did not understand that."),
        ("what is its licence?", "Zephyr 7B beta (HuggingFaceH4/zephyr-7b-beta):\n- licence: MIT"),
    ],
)
def test_what_is_asked_of_all_is_not_answered_of_the_last_one(table: Stage, text: str, told: str) -> None:
    assert "Zephyr 7B beta" in table.say("which is the smallest?").text
    said = table.say(text)
    assert said.text.startswith(told)
    assert said.extras.offer is None


def test_both_wishes_about_llama_tell_what_is_made_from_it(table: Stage) -> None:
    for text in ("leave out llama", "no llama models"):
        assert table.say(text).text.startswith("Made from llama: DeepSeek-R1 Distill Llama 8B, Hermes 3")


def test_who_stays_though_it_is_larger_than_the_limit_is_told(table: Stage) -> None:
    told = table.say("nothing over 9b").text
    assert "4 candidates stay though they are slightly larger than called: Gemma 2 9B it (9.24B)" in told


@pytest.mark.parametrize(
    "text", ["evaluate gemma 2 too", "evaluate gemma 2 for coding", "try gemma2:9b as well"]
)
def test_another_model_after_a_finished_run_is_offered(done: Stage, text: str) -> None:
    said = done.say(text)
    assert said.text.startswith("That would be another run.")
    assert said.extras.offer is not None
    assert done.count(RunRow) == 1


@pytest.mark.parametrize(
    "name", ["gemma 2 ok", "everything except qwen3", "at least 32k", "qwen3!!! yes", "s002"]
)
def test_what_is_no_models_name(table: Stage, name: str) -> None:
    said = table.say(f"add {name}")
    assert said.extras.offer is None
    assert not any(words.startswith("add ") for words in said.extras.suggestions)


def test_a_size_alone_starts_nothing_without_a_domain(empty: Stage) -> None:
    assert "For what are 4B models to be evaluated?" in empty.say("start over with 4B").text
    assert "What is understood here" in empty.say("what's next?").text
    assert empty.orders() == []


def test_why_and_unknown_are_still_what_they_were() -> None:
    assert understand("why not DeepSeek?", AT_TABLE) == Why("DeepSeek", negative=True)
    assert isinstance(understand("the weather is nice", AT_TABLE), Unknown)
