"""The approval: at a terminal, and from another process after the first one was killed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from graphs.tables import current_table
from store import evaluation, events, research, runs
from store.database import Database, sqlite_url
from tests.agent.conftest import Bms
from tests.standins.command_line import PERSON, AtTerminal, Said, bms_process
from tests.standins.records import NOW
from tests.standins.replayed import PROMPT, Kept
from tools.candidates import Standing
from tools.proposal import propose
from tools.request import LicenceNeed
from tools.table import ComparisonTable

pytestmark = pytest.mark.usefixtures("elsewhere")

QWEN = "Qwen/Qwen3-8B"
GEMMA = "google/gemma-2-9b-it"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
TAXONOMY = "therapy-coaching.taxonomy.yaml"


def assert_refused(said: Said, sentence: str, *, status: int = 1) -> None:
    assert (said.status, said.sentence) == (status, f"Error: {sentence}")


def kinds(kept: Kept) -> list[str]:
    """Kinds of the events of the run, in order."""
    with kept.opened() as database, database.reading() as session:
        return [event.kind for event in events.after(session, kept.run_id, 0, 5000)]


def decided(kept: Kept) -> list[dict[str, Any]]:
    """The stored approvals, with the hash that each was given for."""
    with kept.opened() as database, database.reading() as session:
        return [
            {**row.record, "by": row.by, "table_hash": row.table_hash}
            for row in research.approvals(session, kept.run_id)
        ]


def newest(kept: Kept) -> research.Offered:
    with kept.opened() as database, database.reading() as session:
        offered = research.newest_table(session, kept.run_id)
    assert offered is not None
    return offered


@pytest.fixture
def short(waiting: Kept) -> Kept:
    """The waiting run with two scenarios to answer."""
    return waiting.shortened()


@pytest.fixture
def unseen(short: Kept) -> Kept:
    """The waiting run, as if its process had been killed before anybody was shown the table."""
    with short.opened() as database, database.session() as session:
        session.connection().exec_driver_sql("UPDATE tables SET shown_at = NULL")
    return short


# --- from another process ----------------------------------------------------------------------------------


def test_a_run_killed_at_the_prompt_is_approved_by_another_process(short: Kept, bms: Bms) -> None:
    seen = newest(short).table.hash
    assert "pulled" not in kinds(short)
    said = bms_process(short.home, "approve", short.run_id, "--primary", "qwen9:8b", "--backup", GEMMA)
    assert_refused(
        said,
        "'qwen9:8b' is not in the table. Name a model as the table does, such as "
        f"{QWEN} or {GEMMA} or Qwen/Qwen3.5-9B.",
    )
    said = bms_process(
        short.home,
        "approve",
        short.run_id,
        "--primary",
        "Qwen3 8B",
        "--backup",
        GEMMA,
        "--reason",
        "It fits.",
    )
    assert said.status == 0, said.err
    lines = [line.strip() for line in said.out.splitlines()]
    for line in (
        f"approve by {PERSON}: primary {QWEN}, backup {GEMMA}",
        "qwen3:8b on ollama: 5,225,388,164 bytes, Q4_K_M",
        "answers: 2 of 2",
        "judging: 2 of 2",
    ):
        assert line in lines
    assert lines[-1] == (
        f"Run {short.run_id} waits for a review of the answers: bms resume {short.run_id} at a terminal, "
        "or with --yes to leave the review out"
    )
    (approval,) = decided(short)
    assert (approval["action"], approval["primary"], approval["backup"]) == ("approve", QWEN, GEMMA)
    assert (approval["note"], approval["by"], approval["table_hash"]) == ("It fits.", PERSON, seen)
    ended = bms("resume", short.run_id, "--yes")
    assert ended.out.splitlines()[-1] == str(short.document)
    document = short.document.read_text("utf-8")
    assert "It fits." in document
    assert "NO PERSON APPROVED THIS" not in document
    twice = bms("approve", short.run_id, "--primary", GEMMA)
    assert twice.status == 2
    assert re.fullmatch(
        rf"Error: Run {short.run_id} does not wait for an approval; it is done\. It was decided on "
        rf"\d{{4}}-\d\d-\d\d \d\d:\d\d UTC by {PERSON}\. `bms show {short.run_id}` tells more\.",
        twice.sentence,
    )
    assert len(decided(short)) == 1


def test_a_table_that_nobody_has_seen_cannot_be_approved(unseen: Kept, bms: Bms) -> None:
    approving = ("approve", unseen.run_id, "--primary", QWEN)
    assert_refused(
        bms(*approving),
        f"Nobody has seen the table of run {unseen.run_id} yet. "
        f"Look at it first: `bms table {unseen.run_id}`.",
        status=2,
    )
    assert decided(unseen) == []
    shown = bms("table", unseen.run_id)
    assert f"table {newest(unseen).table.hash[7:19]}" in shown.out
    assert bms(*approving).status == 0
    assert [approval["action"] for approval in decided(unseen)] == ["approve"]


def test_a_table_may_be_named_instead_of_shown(unseen: Kept, bms: Bms) -> None:
    """A page or a script shows the table itself and says which one it was."""
    seen = newest(unseen).table.hash
    wrong = bms("approve", unseen.run_id, "--primary", QWEN, "--table", "0123abcd")
    assert_refused(
        wrong,
        f"Neither the newest table of run {unseen.run_id} nor the one shown last begins with '0123abcd'. "
        f"`bms table {unseen.run_id}` shows the newest, with its hash under it.",
        status=2,
    )
    rejected = bms("approve", unseen.run_id, "--reject", "No.", "--table", seen[7:19])
    assert rejected.status == 0, rejected.err
    assert [approval["table_hash"] for approval in decided(unseen)] == [seen]


def test_an_approval_of_a_table_that_has_changed_is_refused_and_says_what_changed(
    waiting: Kept, bms: Bms
) -> None:
    with waiting.opened() as database, database.session() as session:
        (llama,) = (c for c in research.ledger(session, waiting.run_id) if c.key == LLAMA)
        rejected = len(research.ledger(session, waiting.run_id, Standing.REJECTED))
        gone = llama.model_copy(update={"standing": Standing.REJECTED, "reason": "withdrawn by its maker"})
        research.keep_candidates(session, waiting.run_id, [gone])
    said = bms("approve", waiting.run_id, "--primary", QWEN)
    assert_refused(
        said,
        "The table has changed since it was shown. "
        f"Llama 3.1 8B Instruct ({LLAMA}) is gone. The rejected candidates have changed "
        f"({rejected} before, {rejected + 1} now). The note on the coverage of the research has changed. "
        "Look at it again with `bms table RUN`, then approve.",
    )
    assert decided(waiting) == []
    assert not {"approval", "artefact", "pulled"} & set(kinds(waiting))


@pytest.mark.parametrize(
    ("flags", "status", "sentence"),
    [
        (
            (),
            2,
            "Say what to do: --primary ID [--backup ID], --swap, --add, --exclude, --more or --reject TEXT.",
        ),
        (("--backup", GEMMA), 2, "A backup needs a --primary beside it."),
        (("--primary", QWEN, "--reject", "No."), 2, "Only one of reject and approve can be meant."),
        (("--swap", "--more", "x"), 2, "Only one of more and swap can be meant."),
        (
            ("--primary", "Qwen3 8B", "--backup", QWEN),
            1,
            f"{QWEN} cannot be its own backup. Name another one with --backup.",
        ),
        (
            ("--primary", "qwen"),
            1,
            f"'qwen' could be {QWEN}, Qwen/Qwen3.5-9B, deepseek-ai/DeepSeek-R1-Distill-Qwen-7B, "
            "Qwen/Qwen2.5-7B-Instruct. Name one of them in full.",
        ),
        (
            ("--exclude", "nobody/nothing"),
            1,
            "'nobody/nothing' is not in the table. Leave out models by the name that it has there.",
        ),
        (("--add", "no repository"), 1, "'no repository' is not a Hub repository. Write it as owner/name."),
    ],
)
def test_approvals_that_cannot_be_meant(
    waiting: Kept, bms: Bms, flags: tuple[str, ...], status: int, sentence: str
) -> None:
    assert_refused(bms("approve", waiting.run_id, *flags), sentence, status=status)
    assert decided(waiting) == []


def test_a_row_that_misses_a_hard_need_cannot_be_approved(waiting: Kept, bms: Bms) -> None:
    with waiting.opened() as database, database.session() as session:
        commercial = runs.request_of(session, waiting.run_id).model_copy(
            update={"licence_need": LicenceNeed.COMMERCIAL}
        )
        runs.set_request(session, waiting.run_id, commercial, NOW)
        session.flush()
        table = current_table(session, waiting.run_id, NOW.date())
        research.keep_table(session, waiting.run_id, table, propose(table), NOW)
    assert bms("table", waiting.run_id).status == 0
    row = next(row for row in table.rows if row.excluded)
    assert_refused(
        bms("approve", waiting.run_id, "--primary", row.key),
        f"{row.name} cannot be approved: {row.excluded[0]} "
        "Choose another one, or change the request and research again.",
    )


def test_swap_approves_the_backup_first(waiting: Kept, bms: Bms) -> None:
    """The story's judge is of the other model's family: that is said before anything is pulled."""
    said = bms("approve", waiting.run_id, "--swap", "--reason", "A licence that we know.")
    assert said.status == 1
    assert "The judge gemma3:12b is of the same family as google/gemma-2-9b-it" in said.out
    (approval,) = decided(waiting)
    assert (approval["action"], approval["primary"], approval["backup"]) == ("swap", GEMMA, QWEN)
    assert "pulled" not in kinds(waiting)
    assert bms("show", waiting.run_id, "--json").json["status"] == "waiting"


def test_reject_ends_the_run_and_pulls_nothing(waiting: Kept, bms: Bms) -> None:
    said = bms("approve", waiting.run_id, "--reject", "None of them speaks Danish.", "--json")
    assert said.status == 0
    assert said.json == {
        "run": waiting.run_id,
        "status": "rejected",
        "waits_for": None,
        "detail": "The proposal was rejected: None of them speaks Danish.",
        "documents": [],
    }
    assert f"reject by {PERSON}" in said.err
    assert not {"proving", "artefact", "pulled"} & set(kinds(waiting))
    assert_refused(
        bms("resume", waiting.run_id),
        f"Run {waiting.run_id} has ended (rejected): The proposal was rejected: None of them speaks Danish. "
        f"`bms show {waiting.run_id}` tells more; a new request starts a new run.",
        status=2,
    )


def test_exclude_makes_a_new_table_that_has_to_be_seen_and_approved_anew(short: Kept, bms: Bms) -> None:
    before = newest(short)
    said = bms("approve", short.run_id, "--exclude", "Llama 3.1 8B Instruct", "--json")
    assert said.status == 0, said.err
    assert (said.json["status"], said.json["waits_for"]) == ("waiting", "approval")
    after = newest(short)
    assert after.table.hash != before.table.hash
    assert LLAMA not in {row.key for row in after.table.rows}
    assert (after.proposal.primary, after.shown_at) == (QWEN, None)
    stale = bms("approve", short.run_id, "--primary", QWEN)
    assert stale.status == 1
    assert stale.sentence.startswith(
        f"Error: The table has changed since it was shown. Llama 3.1 8B Instruct ({LLAMA}) is gone."
    )
    listed = bms("table", short.run_id, "--rejected")
    assert f"{LLAMA}\tleft out by {PERSON}" in listed.out
    approved = bms("approve", short.run_id, "--primary", QWEN, "--json")
    assert approved.status == 0, approved.err
    assert approved.json["waits_for"] == "review"
    assert [(one["action"], one["table_hash"]) for one in decided(short)] == [
        ("edit", before.table.hash),
        ("approve", after.table.hash),
    ]


def test_more_researches_again_and_shows_what_is_left_to_decide(waiting: Kept, bms: Bms) -> None:
    """Without a note, what was found is not asked again: the story's recordings are enough."""
    with waiting.opened() as database, database.reading() as session:
        known = len(research.ledger(session, waiting.run_id))
    said = bms("approve", waiting.run_id, "--more", "")
    assert said.status == 0, said.err
    assert f"wave 3: {known} candidates seen" in said.text
    assert said.text.endswith(
        f"Run {waiting.run_id} waits for an approval of the table: bms table {waiting.run_id}, then "
        f"bms approve {waiting.run_id} --primary ID --backup ID"
    )
    assert kinds(waiting).count("wave") == 3
    assert [approval["action"] for approval in decided(waiting)] == ["more"]


def test_resume_without_a_terminal_says_what_the_run_waits_for(waiting: Kept, bms: Bms) -> None:
    said = bms("resume", waiting.run_id)
    assert said.status == 0
    assert said.text == (
        f"Run {waiting.run_id} waits for an approval of the table: bms table {waiting.run_id}, then "
        f"bms approve {waiting.run_id} --primary ID --backup ID"
    )
    assert decided(waiting) == []


def test_resume_with_yes_takes_the_proposal_and_says_that_nobody_was_asked(short: Kept, bms: Bms) -> None:
    said = bms("resume", short.run_id, "--yes")
    assert said.status == 0, said.err
    assert [approval["by"] for approval in decided(short)] == ["policy, no person"]
    assert "NO PERSON APPROVED THIS" in short.document.read_text("utf-8")


# --- at a terminal -----------------------------------------------------------------------------------------


def test_enter_at_the_terminal_approves_the_proposal_and_the_record_says_who(
    demo_at_terminal: Kept,
) -> None:
    screen = demo_at_terminal.screen
    at_prompt = screen.index(PROMPT)
    assert screen.startswith("REPLAY of the story therapy-8b: “evaluate 8B models for therapy coaching”")
    assert f"Primary {QWEN}: Qwen3 8B fits therapy coaching best" in screen[:at_prompt]
    assert "Pulling" not in screen[:at_prompt]
    assert screen[at_prompt:].startswith(f"{PROMPT} [a]: approve by {PERSON}: primary {QWEN}, backup {GEMMA}")
    assert "as well?" not in screen, "the story has no recording of the backup"
    assert screen.endswith(str(demo_at_terminal.document))
    (approval,) = decided(demo_at_terminal)
    assert (approval["by"], approval["table_hash"]) == (PERSON, newest(demo_at_terminal).table.hash)
    with demo_at_terminal.opened() as database, database.reading() as session:
        (review,) = evaluation.reviews(session, demo_at_terminal.run_id)
    assert (review.by, review.record["notes"]) == (PERSON, "It listens before it advises.")
    document = demo_at_terminal.document.read_text("utf-8")
    assert "It listens before it advises." in document
    assert "NO PERSON APPROVED THIS" not in document
    results = json.loads((demo_at_terminal.out / "docs" / "base-model-evaluation.json").read_text("utf-8"))
    assert results["run"] == demo_at_terminal.run_id


def test_rejecting_at_the_terminal(waiting: Kept) -> None:
    """On the way there: a letter that means nothing, and a model that could be several."""
    with AtTerminal(waiting.home, "resume", waiting.run_id) as terminal:
        terminal.until(PROMPT)
        terminal.type("x\n")
        terminal.until("'x' is not one of")
        terminal.until(PROMPT)
        terminal.type("o\n")
        terminal.until(f"Primary [{QWEN}]")
        terminal.type("llama\n")
        terminal.until("'llama' could be")
        terminal.until(PROMPT)
        terminal.type("r\n")
        terminal.until("Why?")
        terminal.type("None of them speaks Danish.\n")
        assert terminal.end() == 0, terminal.screen
    assert terminal.screen.endswith(
        f"Run {waiting.run_id}: The proposal was rejected: None of them speaks Danish."
    )
    (approval,) = decided(waiting)
    assert (approval["action"], approval["note"]) == ("reject", "None of them speaks Danish.")
    assert not {"proving", "artefact", "pulled"} & set(kinds(waiting))


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_leaving_the_prompt_leaves_the_run_waiting(waiting: Kept, key: str) -> None:
    with AtTerminal(waiting.home, "resume", waiting.run_id) as terminal:
        terminal.until(PROMPT)
        terminal.until_idle()
        terminal.type(key)
        assert terminal.end() == 130, terminal.screen
    assert terminal.screen.endswith(
        "Error: Interrupted. What was finished is kept; `bms runs` shows the run, `bms resume RUN` goes on."
    )
    assert decided(waiting) == []


def test_a_run_that_is_not_needed_asks_whether_to_run_all_the_same(home: Path) -> None:
    text = "evaluate 8B models for therapy coaching, but I only want prompting"
    with AtTerminal(home, "run", text, "--out", str(home)) as terminal:
        asked = terminal.until("Run it all the same? [y/N]")
        terminal.type("n\n")
        assert terminal.end() == 0, terminal.screen
    assert "prompt" in asked
    with Database(sqlite_url(home / "bms.sqlite")) as database, database.reading() as session:
        (row,) = runs.latest(session)
        assert (row.status, bool(row.detail)) == ("not needed", True)


def test_tables_read_back_from_json_with_the_hash_that_was_shown(waiting: Kept, bms: Bms) -> None:
    shown = bms("table", waiting.run_id, "--json").json
    assert sorted(shown) == ["hash", "table"]
    assert ComparisonTable.model_validate(shown["table"]).hash == shown["hash"] == newest(waiting).table.hash
