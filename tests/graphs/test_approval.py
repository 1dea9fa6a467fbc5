"""An approval is of the table that was seen, and of models that can be meant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from graphs.approval import Pair, Refused, check_approval, resolve_key, settled_pair
from graphs.prompts import (
    POLICY,
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    AskedField,
    JudgeChoice,
    JudgePrompt,
    Prompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
)
from tests.standins.records import NOW, a_candidate, a_claim, a_fact, a_request, a_source
from tools.candidates import Candidate, Claim
from tools.facts import Fact, Factor
from tools.proposal import Proposal, propose
from tools.request import LicenceNeed
from tools.table import ComparisonTable, build_table

LEADER, SECOND, THIRD = "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct", "mistralai/Mistral-7B-v0.3"
OWN_USE = "nobody/Own-Use-8B"
CANDIDATES = [a_candidate(key) for key in (LEADER, SECOND, THIRD, OWN_USE)]
FACTS = [
    a_fact(LEADER),
    a_fact(LEADER, Factor.LICENCE, "apache-2.0", quote="Licence: apache-2.0"),
    a_fact(SECOND, Factor.LICENCE, "mit", quote=None, record_field="cardData.license"),
    a_fact(THIRD, Factor.LICENCE, "apache-2.0", quote=None, record_field="cardData.license"),
    a_fact(OWN_USE, Factor.LICENCE, "cc-by-nc-4.0", quote=None, record_field="cardData.license"),
]
CLAIMS = [
    *(a_claim(LEADER, source=a_source(url=f"https://study{n}.example")) for n in range(3)),
    *(a_claim(SECOND, source=a_source(url=f"https://other{n}.example")) for n in range(2)),
    a_claim(OWN_USE),
]


def a_table(
    candidates: list[Candidate] | None = None,
    facts: list[Fact] | None = None,
    claims: list[Claim] | None = None,
    **request: Any,
) -> ComparisonTable:
    return build_table(
        a_request(licence_need=LicenceNeed.COMMERCIAL, **request),
        CANDIDATES if candidates is None else candidates,
        FACTS if facts is None else facts,
        CLAIMS if claims is None else claims,
        today=NOW.date(),
    )


TABLE = a_table()
PROPOSAL = propose(TABLE)


def an_approval(action: str = "approve", table: ComparisonTable = TABLE, **given: Any) -> Approval:
    return Approval.model_validate({"action": action, "table_hash": table.hash, "by": "Ada", **given})


def check(approval: Approval, current: ComparisonTable = TABLE, proposal: Proposal = PROPOSAL) -> None:
    check_approval(approval, proposal, current, TABLE)


def refusal(approval: Approval, current: ComparisonTable = TABLE, proposal: Proposal = PROPOSAL) -> Refused:
    with pytest.raises(Refused) as caught:
        check(approval, current, proposal)
    assert caught.value.next_step, "a person is told what to do"
    return caught.value


def test_the_table_of_these_tests_is_what_they_think():
    assert (PROPOSAL.primary, PROPOSAL.backup) == (LEADER, SECOND)
    assert {row.key: bool(row.excluded) for row in TABLE.rows} == {
        LEADER: False,
        SECOND: False,
        THIRD: False,
        OWN_USE: True,
    }


# --- who is meant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "named", "pair"),
    [
        ("approve", {}, (LEADER, SECOND)),
        ("approve", {"primary": LEADER}, (LEADER, SECOND)),
        ("approve", {"backup": THIRD}, (LEADER, THIRD)),
        ("approve", {"primary": THIRD, "backup": LEADER}, (THIRD, LEADER)),
        # Another primary is not backed up by whoever differed from the first one.
        ("approve", {"primary": THIRD}, (THIRD, None)),
        ("approve", {"primary": SECOND}, (SECOND, None)),
        ("swap", {}, (SECOND, LEADER)),
        ("swap", {"primary": LEADER, "backup": THIRD}, (THIRD, LEADER)),
        ("swap", {"backup": THIRD}, (THIRD, LEADER)),
        ("reject", {}, (None, None)),
        ("more", {}, (None, None)),
        ("edit", {"add": ("a/A",)}, (None, None)),
    ],
)
def test_primary_and_backup(action: str, named: dict[str, Any], pair: tuple[str | None, str | None]):
    approval = an_approval(action, **named)
    check(approval)
    assert settled_pair(approval, PROPOSAL) == Pair(*pair)


@pytest.mark.parametrize("named", [{"primary": SECOND, "backup": SECOND}, {"backup": LEADER}])
def test_a_model_is_not_its_own_backup(named: dict[str, str]):
    assert "cannot be its own backup" in refusal(an_approval(**named)).sentence


def test_without_a_proposal_a_person_has_to_name_a_model():
    nobody = PROPOSAL.model_copy(update={"primary": None, "backup": None})
    assert "There is no model to approve" in refusal(an_approval(), proposal=nobody).sentence
    check(an_approval(primary=THIRD), proposal=nobody)


def test_without_a_backup_there_is_nothing_to_exchange():
    alone = PROPOSAL.model_copy(update={"backup": None})
    assert "There is no backup to exchange" in refusal(an_approval("swap"), proposal=alone).sentence
    check(an_approval(), proposal=alone)
    check(an_approval("swap", backup=THIRD), proposal=alone)


@pytest.mark.parametrize(
    "named", [{"primary": "no/body"}, {"backup": "no/body"}, {"primary": "qwen/qwen3-8b"}]
)
def test_a_model_that_is_not_in_the_table_is_refused(named: dict[str, str]):
    refused = refusal(an_approval(**named))
    assert "is not in the table" in refused.sentence
    assert LEADER in refused.next_step


def test_in_a_table_of_nobody_no_name_is_suggested():
    nobody = a_table([])
    refused = refusal(an_approval(table=nobody, primary="no/body"), current=nobody)
    assert refused.next_step == "Name a model as the table does."


@pytest.mark.parametrize("named", [{"primary": OWN_USE}, {"backup": OWN_USE}])
def test_a_model_that_misses_a_need_is_refused_with_the_need(named: dict[str, str]):
    refused = refusal(an_approval(**named))
    assert refused.sentence.startswith("Own-Use-8B cannot be approved: ")
    assert TABLE.row(OWN_USE).excluded[0] in refused.sentence


# --- which table -------------------------------------------------------------------------------------------


CHANGES = [
    (a_table([*CANDIDATES, a_candidate("new/New-8B")]), "New-8B (new/New-8B) is new."),
    (a_table(CANDIDATES[:-1]), f"Own-Use-8B ({OWN_USE}) is gone."),
    (a_table(facts=[*FACTS, a_fact(THIRD, value=7_248_023_552)]), "Mistral-7B-v0.3: Params was 'unknown'"),
    (a_table(claims=CLAIMS[:1]), "Qwen3-8B: the evidence has changed (3 → 1 claims)"),
    (a_table(domain="law"), "The request has changed."),
]


@pytest.mark.parametrize(("current", "change"), CHANGES)
@pytest.mark.parametrize("action", ["approve", "swap", "edit"])
def test_an_approval_of_a_table_that_changed_is_refused_with_the_change(
    current: ComparisonTable, change: str, action: str
):
    """Invariant 6."""
    refused = refusal(an_approval(action, add=("a/A",)), current)
    assert refused.sentence.startswith("The table has changed since it was shown.")
    assert change in refused.sentence
    assert "bms table" in refused.next_step


def test_an_approval_of_an_older_table_is_refused_although_nothing_changed_since():
    older = a_table(CANDIDATES[:2])
    assert "It was built anew after you saw it." in refusal(an_approval(table=older)).sentence


def test_an_invented_hash_is_refused():
    for invented in ("", TABLE.hash.upper()):
        refused = refusal(an_approval().model_copy(update={"table_hash": invented}))
        assert "has changed since it was shown" in refused.sentence


@pytest.mark.parametrize("action", ["reject", "more"])
@pytest.mark.parametrize("current", [change[0] for change in CHANGES[:2]])
def test_to_reject_or_to_want_more_needs_no_current_table(action: str, current: ComparisonTable):
    check(an_approval(action), current)


def test_what_nobody_sees_changes_nothing():
    later = [fact.source.model_copy(update={"retrieved_at": NOW + timedelta(days=1)}) for fact in FACTS]
    read_again = [
        fact.model_copy(update={"source": source}) for fact, source in zip(FACTS, later, strict=True)
    ]
    check(an_approval(), a_table(list(reversed(CANDIDATES)), read_again, list(reversed(CLAIMS))))


# --- edits -------------------------------------------------------------------------------------------------


def test_edits_add_and_leave_out():
    check(an_approval("edit", add=("Org/Model-8B.v1_2",)))
    check(an_approval("edit", exclude=(LEADER, OWN_USE)))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({}, "An edit names models"),
        ({"add": ("qwen3:8b",)}, "is not a Hub repository"),
        ({"add": ("https://huggingface.co/a/b",)}, "is not a Hub repository"),
        ({"add": ("a/b/c",)}, "is not a Hub repository"),
        ({"add": ("a/b\n",)}, "is not a Hub repository"),
        ({"add": ("../b",)}, "is not a Hub repository"),
        ({"add": ("ä/b",)}, "is not a Hub repository"),
        ({"add": ("",)}, "is not a Hub repository"),
        ({"exclude": ("no/body",)}, "is not in the table"),
        ({"exclude": (LEADER, "no/body")}, "'no/body' is not in the table"),
    ],
)
def test_edits_that_cannot_be_meant(edit: dict[str, Any], words: str):
    assert words in refusal(an_approval("edit", **edit)).sentence


# --- names that people use ---------------------------------------------------------------------------------


NAMED = a_table(
    [
        a_candidate("Qwen/Qwen3-8B", name="Qwen3 8B"),
        a_candidate("Qwen/Qwen3-8B-Base", name="Qwen3 8B Base"),
        a_candidate("tuner/Therapy-8B", name="Therapy 8B"),
        a_candidate("copier/Therapy-8B", name="Therapy 8B"),
    ],
    [],
    [],
)


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        (" qwen/qwen3-8b ", "Qwen/Qwen3-8B"),
        ("qwen3 8b", "Qwen/Qwen3-8B"),
        ("Qwen3 8B Base", "Qwen/Qwen3-8B-Base"),
        ("base", "Qwen/Qwen3-8B-Base"),
        ("tuner", "tuner/Therapy-8B"),
        ("copier/therapy-8b", "copier/Therapy-8B"),
    ],
)
def test_the_model_that_a_person_means(words: str, key: str):
    assert resolve_key(words, NAMED) == key


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("qwen", ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B-Base")),
        ("Therapy 8B", ("tuner/Therapy-8B", "copier/Therapy-8B")),
        ("therapy", ("tuner/Therapy-8B", "copier/Therapy-8B")),
        ("8", ("Qwen/Qwen3-8B",)),
    ],
)
def test_a_name_of_several_models_is_asked_about(words: str, keys: tuple[str, ...]):
    with pytest.raises(Refused, match="could be") as caught:
        resolve_key(words, NAMED)
    assert all(key in caught.value.sentence for key in keys)


@pytest.mark.parametrize("words", ["gpt-5", "", "  ", "%", "no"])
def test_a_name_of_nobody_is_left_to_the_check(words: str):
    """ "no" is a part of no name; and a part of a word never decides an approval."""
    assert resolve_key(words, NAMED) == words.strip()
    if words.strip():
        assert "is not in the table" in refusal(an_approval(table=NAMED, primary=words), NAMED).sentence


# --- prompts and replies on their way through JSON ---------------------------------------------------------


@pytest.mark.parametrize(
    "prompt",
    [
        RequestPrompt(),
        RequestPrompt(questions=(AskedField(field="size", sentence="How large?", examples=("8B",)),)),
        ApprovalPrompt(run_id="r", table_hash="sha256:0", primary=None, backup=None),
        JudgePrompt(problem="There is none.", judge=None),
        ReviewPrompt(
            run_id="r", role="primary", decision="DEPLOY", sentence="s", sample=("s1",), backup=None
        ),
    ],
)
def test_a_prompt_comes_back_as_the_same_prompt(prompt: Prompt):
    back = TypeAdapter(Prompt).validate_python(prompt.model_dump(mode="json"))
    assert back == prompt
    assert type(back) is type(prompt)


@pytest.mark.parametrize(
    "reply",
    [
        RequestAnswer(),
        RequestAnswer(answers={"size": "8B"}, insist=True),
        an_approval("edit", add=("a/A",)),
        JudgeChoice(judge="ollama:qwen3:8b", by="Ada"),
        Review(by=POLICY),
    ],
)
def test_a_reply_comes_back_as_the_same_reply(reply: Reply):
    back: Reply = TypeAdapter(Reply).validate_json(reply.model_dump_json())
    assert back == reply
    assert type(back) is type(reply)


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "yes"},
        {"action": "not enough"},
        {"by": ""},
        {"by": "x" * 121},
        {"note": "x" * 4001},
        {"prmary": LEADER},
        {"table_hash": None},
    ],
)
def test_an_approval_that_says_something_else_is_none(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        Approval.model_validate({"action": "approve", "table_hash": TABLE.hash, "by": "Ada", **wrong})


def test_actions_are_words_of_their_own():
    assert {action.value for action in ApprovalAction} == {"approve", "swap", "edit", "more", "reject"}
