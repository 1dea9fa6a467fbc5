"""What messages are taken for."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.conversation import intents
from agent.conversation.answers_wishes import notes_and_wish
from agent.conversation.hearing import understand
from agent.conversation.intents import (
    About,
    Add,
    Answers,
    Approve,
    Cancel,
    Compare,
    Enough,
    Further,
    Held,
    Help,
    JudgeMyself,
    LeaveOut,
    ModelWithoutDomain,
    More,
    No,
    Notes,
    NotesAndWish,
    Only,
    Reject,
    Replay,
    Resume,
    RunBackup,
    Show,
    Situation,
    Start,
    StartModelOrSize,
    Swap,
    TryPrompt,
    Unknown,
    UseJudge,
    Why,
    WhyProposal,
    Yes,
)
from agent.conversation.records import Said
from tools.table import Column

NEW = Situation()
AT_TABLE = Situation(asks="approval", has_run=True)
ASKED = Situation(asks="request", fields=("size", "domain"), has_run=True)
NOT_NEEDED = Situation(asks="request", has_run=True)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("evaluate 8B models for therapy coaching", Start("evaluate 8B models for therapy coaching")),
        ("7-9B for coding", Start("7-9B for coding")),
        ("I need a model for legal advice", Start("I need a model for legal advice")),
        ("evaluate qwen3:8b for coding", Start("evaluate qwen3:8b for coding", "qwen3:8b", "coding")),
        ("evaluate qwen3:8b", ModelWithoutDomain("qwen3:8b")),
        ("evaluate gemma 3 12b for coding", StartModelOrSize("gemma 3 12b", "gemma3:12b", "coding")),
        ("replay the demo", Replay(None)),
        ("replay therapy-8b", Replay("therapy-8b")),
        ("what's the weather like", Unknown()),
        ("help", Help()),
    ],
)
def test_before_a_run(text: str, meant: intents.Intent) -> None:
    assert understand(text, NEW) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("why not DeepSeek?", Why("DeepSeek", True)),
        ("Why qwen3?", Why("qwen3")),
        ("why was Mistral Nemo rejected?", Why("Mistral Nemo", True)),
        ("why?", WhyProposal()),
        ("what about the licence of gemma 2?", About("gemma 2", (Column.LICENCE,))),
        ("What's the context of qwen3", About("qwen3", (Column.CONTEXT,))),
        ("how much memory does qwen3 need?", About("qwen3", (Column.MEMORY,))),
        ("tell me about olmo 3", About("olmo 3")),
        ("compare qwen3 and gemma 2", Compare(("qwen3", "gemma 2"))),
        ("qwen3 vs gemma 2", Compare(("qwen3", "gemma 2"))),
        ("only Apache licences", Only(licence="Apache")),
        ("only commercial", Only(commercial=True)),
        ("nothing above 9B", Only(most_billions=9.0)),
        ("only models under 8B please", Only(most_billions=8.0)),
        ("nothing below 7.5B", Only(least_billions=7.5)),
        ("add gemma 3 12b", Add(("gemma 3 12b",))),
        ("could you add owner/name and owner/other?", Add(("owner/name", "owner/other"))),
        ("leave out deepseek and phi", LeaveOut(("deepseek", "phi"))),
        ("search more for German models", More("German models")),
        ("more research", More("")),
        ("approve", Approve()),
        ("Okay, please approve the proposal.", Approve()),
        ("approve qwen3 with gemma as backup", Approve("qwen3", "gemma")),
        ("approve qwen3, backup gemma", Approve("qwen3", "gemma")),
        ("take Qwen3 8B as primary and gemma 2 as the backup", Approve("Qwen3 8B", "gemma 2")),
        ("approve qwen3 without a backup", Approve("qwen3", no_backup=True)),
        ("no backup", Approve(no_backup=True)),
        ("make gemma the backup", Approve(backup="gemma")),
        ("approve qwen3 because I do not like gemma", Approve("qwen3", note="I do not like gemma")),
        ("swap them", Swap()),
        ("reject because the evidence is not enough", Reject("the evidence is not enough")),
        ("use ollama:gemma3:12b as judge", UseJudge("ollama:gemma3:12b")),
        ("use ollama:gemma3:12b as judge anyway", UseJudge("ollama:gemma3:12b", True)),
        ("I judge myself", JudgeMyself()),
        ("go on", Resume()),
        ("resume", Resume()),
        ("cancel", Cancel()),
        ("stop the run", Cancel()),
        ("status", Show("status")),
        ("how long?", Show("how long")),
        ("what failed most?", Show("failed most")),
        ("which topic is weakest?", Show("weakest topic")),
        ("show an example of CQ2", Show("example", "CQ2")),
        ("what is the pass rate?", Show("pass rate")),
        ("who was rejected?", Show("rejected")),
        ("run the backup too", RunBackup()),
        ("try a better prompt", TryPrompt()),
        ("run 50 more scenarios", Further(50)),
        ("my notes: it listens.\nDon't approve, not enough", Notes("it listens.\nDon't approve, not enough")),
        ("enough labels", Enough()),
        ("yes", Yes()),
        ("yes, please do it", Yes()),
        ("no thanks", No()),
    ],
)
def test_while_the_table_waits(text: str, meant: intents.Intent) -> None:
    assert understand(text, AT_TABLE) == meant


@pytest.mark.parametrize(
    "text",
    [
        "don't approve",
        "don’t approve it",
        "do not approve yet",
        "I won't approve this",
        "not enough",
        "never approve that",
        "please don't approve qwen3",
        "no, don't",
        "approve it, but not yet",
        "should I approve qwen3?",
        "what happens if I approve?",
        "approve if gemma is better",
        "why should I approve qwen3?",
        "I cannot approve that",
        "approve nothing",
        "wait before you approve",
        "disapprove",
        "I do not want to approve anything",
        "we approve neither",
        "approved?",
        "hold on, approve later",
    ],
)
def test_nothing_that_says_no_approves(text: str) -> None:
    for situation in (AT_TABLE, Situation(asks="approval", has_run=True, offered=True)):
        assert not isinstance(understand(text, situation), Approve | Yes | Swap)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("don't cancel", Cancel),
        ("never reject it", Reject),
        ("don't add gemma", Add),
        ("do not swap them", Swap),
    ],
)
def test_a_negated_command_is_held(text: str, kind: type[intents.Intent]) -> None:
    found = understand(text, AT_TABLE)
    assert isinstance(found, Held)
    assert not isinstance(found, kind)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("8B for therapy coaching", {"size": "8B for therapy coaching", "domain": "therapy coaching"}),
        (
            "about 7 billion, customer support",
            {"size": "about 7 billion, customer support", "domain": "customer support"},
        ),
        ("therapy coaching", {"domain": "therapy coaching"}),
        ("the domain is coding", {"domain": "coding"}),
        ("any size", {"size": "any size"}),
        ("7 to 9", {"size": "7 to 9"}),
    ],
)
def test_answers_to_what_was_asked_back(text: str, answers: dict[str, str]) -> None:
    assert understand(text, ASKED) == Answers(answers)


@pytest.mark.parametrize(
    "text",
    [
        "I meant gemma 2 9b as second model of the finished run",
        "I think it should answer tax questions",
        "show me the finished run",
        "evaluate gemma 2 too",
        "what about the proposal",
    ],
)
def test_a_sentence_is_no_size_and_no_domain(text: str) -> None:
    assert not isinstance(understand(text, ASKED), Answers)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (
            "my notes: listens well, but too many tips. run the backup too",
            NotesAndWish("listens well, but too many tips.", "run the backup too"),
        ),
        ("my notes: good and run 50 more scenarios", NotesAndWish("good", "run 50 more scenarios")),
        ("my notes: fine; try a better prompt", NotesAndWish("fine", "try a better prompt")),
        ("my notes: ok. cancel the run", NotesAndWish("ok.", "cancel the run")),
        ('my notes: "fine. run the backup too"', Notes("fine. run the backup too")),
        ("my notes: it never stops, don't run the backup", Notes("it never stops, don't run the backup")),
    ],
)
def test_a_wish_within_notes_is_asked_about(text: str, meant: intents.Intent) -> None:
    assert understand(text, Situation(asks="review", has_run=True)) == meant


def test_which_of_both_is_meant_is_asked_and_nothing_is_done() -> None:
    said = notes_and_wish(None, NotesAndWish("good", "run the backup too"))  # type: ignore[arg-type]
    assert isinstance(said, Said)
    assert said.extras.offer is None
    assert said.extras.suggestions == ("run the backup too", "my notes: good")


@pytest.mark.parametrize(
    ("text", "insist"),
    [("yes", True), ("run it anyway", True), ("I insist", True), ("no", False), ("no thanks", False)],
)
def test_insisting(text: str, insist: bool) -> None:
    assert understand(text, NOT_NEEDED) == Answers(insist=insist)


SITUATIONS = [
    Situation(asks=asks, fields=fields, offered=offered, has_run=has_run)
    for asks in (None, "request", "approval", "scenarios", "judge", "labels", "review")
    for fields in ((), ("size", "domain"))
    for offered in (False, True)
    for has_run in (False, True)
]
WORDS = st.sampled_from(
    [
        "approve",
        "not",
        "don't",
        "no",
        "yes",
        "qwen3",
        "gemma",
        "with",
        "as",
        "backup",
        "primary",
        "why",
        "only",
        "above",
        "9B",
        "8B",
        "for",
        "and",
        ",",
        "?",
        ".",
        ":",
        "add",
        "leave",
        "out",
        "search",
        "more",
        "the",
        "models",
        "judge",
        "ollama:x",
        "reject",
        "because",
        "compare",
        "what",
        "about",
        "licence",
        "of",
        "never",
        "evaluate",
        "a/b",
    ]
)


@settings(max_examples=150)
@given(
    st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=14).map(" ".join)), st.sampled_from(SITUATIONS)
)
@example("approve " * 600, AT_TABLE)
@example("a" * 20_000, AT_TABLE)
@example("evaluate " + "x:" * 4000, NEW)
@example(", and " * 700, AT_TABLE)
def test_any_text_is_understood_as_something(text: str, situation: Situation) -> None:
    assert isinstance(understand(text, situation), intents.Intent)


@settings(max_examples=150)
@given(
    st.lists(WORDS, max_size=6),
    st.sampled_from(["not", "don't", "never", "no way,"]),
    st.lists(WORDS, max_size=6),
)
def test_a_negation_before_approve_never_approves(before: list[str], negation: str, after: list[str]) -> None:
    text = " ".join([*before, negation, "approve", *after])
    found = understand(text, AT_TABLE)
    assert not isinstance(found, Yes | Swap)
    if isinstance(found, Approve):
        # The negation stands in the reason alone, after "because".
        assert "because" in before
