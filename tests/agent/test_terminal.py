"""What the terminal shows of a run: every kind of event, with and without a screen that can be drawn on."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import click
import pytest
from rich.console import Console

from agent.questions import ask_person
from agent.show import print_result, print_sample, print_table
from agent.terminal import STAR, Terminal, plain
from graphs.prompts import Review, ReviewPrompt
from store import evaluation, events, research
from store.database import Database
from store.schema import EventRow
from tests.standins.patience import PATIENCE
from tests.standins.records import NOW, a_request, an_artefact
from tests.standins.replayed import Kept
from tools.evaluation import Answer, AnswerOutcome

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MOVEMENT = re.compile(r"\x1b\[(?:\d*[AK]|2K|\?25[hl])|\r")
"""What rich's bars write: up a line, erase it, hide and show the cursor, back to the line's start."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
HOSTILE = "Evil\x1b]0;owned\x07 \x1b[2J\x9b31m[bold red]model[/]\u202e\x08"
TAMED = "Evil [bold red]model[/]"
"""What is left of it: words, and brackets that are only brackets."""

BYTES = {"digest": "sha256:" + "a" * 64, "total_bytes": 2_000_000}

WAVE = {"wave": 1, "seen": 71, "accepted": 36, "rejected": 35, "facts": 412, "claims": 12}

SHOWN: dict[str, tuple[str, dict[str, Any], str]] = {
    "a stage": ("stage", {}, "▸ Research"),
    "a request": (
        "request",
        {"request": a_request(domain=HOSTILE, notes=(HOSTILE,)).model_dump(mode="json")},
        f"{TAMED}, 6–9B, licence: any {TAMED}",
    ),
    "a listing": (
        "enumerated",
        {"source": HOSTILE, "seen": 59, "new": 58},
        f"{TAMED}: 59 seen, 58 new",
    ),
    "a maker's listing": ("enumerated", {"source": "Qwen", "seen": 9, "maker": True, "stopped_by": []}, ""),
    "a maker's listing that broke off": (
        "enumerated",
        {"source": HOSTILE, "seen": 0, "maker": True, "stopped_by": ["blocked (rate limit)"]},
        f"{TAMED}: ✗ could not be read: blocked (rate limit)",
    ),
    "a host that takes part": (
        "host",
        {"host": "gpu1:11434", "state": "in", "sentence": f"gpu1:11434 takes part with {HOSTILE}."},
        f"✓ gpu1:11434 takes part with {TAMED}.",
    ),
    "a host that is left out": (
        "host",
        {"host": "gpu2:11434", "state": "out", "sentence": f"{HOSTILE}. gpu2:11434 is left out."},
        f"! {TAMED}. gpu2:11434 is left out.",
    ),
    "a host that is back": (
        "host",
        {"host": "gpu2:11434", "state": "back", "sentence": "gpu2:11434 takes part with qwen3:8b."},
        "✓ back: gpu2:11434 takes part with qwen3:8b.",
    ),
    "the census": (
        "census",
        {"seen": 2500, "accepted": 60, "rejected": {"a merge of other models": 900, HOSTILE: 1}},
        f"2500 repositories listed, 60 accepted; rejected: 900 a merge of other models, 1 {TAMED}",
    ),
    "a leaderboard": (
        "leaderboard",
        {"title": HOSTILE, "entries": 90, "claims": 4, "outcome": "found", "reason": ""},
        f"{TAMED}: 90 entries, 4 figures of candidates",
    ),
    "a leaderboard that was blocked": (
        "leaderboard",
        {"title": "EQ-Bench 3", "entries": 0, "claims": 0, "outcome": "blocked", "reason": HOSTILE},
        f"EQ-Bench 3: ✗ could not be read: {TAMED}",
    ),
    "a query that found": (
        "query",
        {"query": HOSTILE, "outcome": "found", "hits": 5, "reason": ""},
        f"✓ {TAMED} 5 hits",
    ),
    "a query that found nothing": (
        "query",
        {"query": "q", "outcome": "empty", "hits": 0, "reason": ""},
        "∅ q empty",
    ),
    "a query that was blocked": (
        "query",
        {"query": "q", "outcome": "blocked", "hits": 0, "reason": "challenge"},
        "✗ q blocked (challenge)",
    ),
    "a query that failed": (
        "query",
        {"query": "q", "outcome": "failed", "hits": 0, "reason": HOSTILE},
        f"✗ q failed ({TAMED})",
    ),
    "a wave": (
        "wave",
        {**WAVE, "blocked": 0, "failed": 0},
        "wave 1: 71 candidates seen, 36 accepted, 35 rejected, 412 facts, 12 claims",
    ),
    "a measured wave": (
        "wave",
        {**WAVE, "coverage": 0.971, "stopped": HOSTILE},
        "wave 1: 71 candidates seen, 36 accepted, 35 rejected, 412 facts, 12 claims sample coverage 97.1%: "
        f"so likely is the next model that a query shows to be known already {TAMED}",
    ),
    "a degraded wave": (
        "wave",
        {**WAVE, "blocked": 5, "failed": 2},
        "wave 1: 71 candidates seen, 36 accepted, 35 rejected, 412 facts, 12 claims "
        "5 requests blocked, 2 failed: degraded research",
    ),
    "a warning": ("warning", {"sentence": HOSTILE}, f"! {TAMED}"),
    "a refusal": ("refused", {"sentence": HOSTILE}, TAMED),
    "another try": (
        "retry",
        {"sentence": f"{HOSTILE} is busy.", "wait_seconds": 4.0},
        f"{TAMED} is busy. Trying again in 4 s.",
    ),
    "an approval": (
        "approval",
        {"action": "approve", "by": HOSTILE, "primary": "Qwen/Qwen3-8B", "backup": None},
        f"approve by {TAMED}: primary Qwen/Qwen3-8B, backup –",
    ),
    "an artefact": (
        "artefact",
        an_artefact(name="qwen3:8b", warnings=(HOSTILE,)).model_dump(mode="json"),
        f"qwen3:8b on ollama: 5,225,388,164 bytes, Q4_K_M ! {TAMED}",
    ),
    "an artefact of which little is known": (
        "artefact",
        an_artefact(name=HOSTILE, size_bytes=None, quantization=None).model_dump(mode="json"),
        f"{TAMED} on ollama: size unknown, quantization unknown",
    ),
    "a loaded model": (
        "loaded",
        {"hello": f"Hi!\n{HOSTILE}" + "x" * 100, "allocated_context": 4096},
        "“Hello, testing.” → “Hi! Evil",
    ),
    "a loaded model whose context is unknown": (
        "loaded",
        {"hello": "", "allocated_context": None},
        "“Hello, testing.” → “” (context unknown)",
    ),
    "scenarios": ("scenarios", {"count": 50, "source": HOSTILE}, f"50 scenarios from {TAMED}"),
    "scenarios in a brain's words": ("worded", {"sentence": HOSTILE}, TAMED),
    "more scenarios": (
        "extension",
        {"sentence": "It runs 20 further scenarios."},
        "It runs 20 further scenarios.",
    ),
    "a draft that is agreed to": (
        "agreed",
        {"by": HOSTILE, "edited": True},
        f"the drafted taxonomy was agreed to by {TAMED}, with changes",
    ),
    "a better prompt": (
        "improved_prompt",
        {"scenarios": 9, "source": HOSTILE},
        f"9 failures are asked again: under the same prompt, and under an improved one ({TAMED})",
    ),
    "a preflight": (
        "preflight",
        {"judge": "ollama:x", "passed": True, "sentence": f"{HOSTILE} told all 5 apart."},
        f"{TAMED} told all 5 apart.",
    ),
    "a decision": ("decision", {"kind": "FINE_TUNE", "reason": HOSTILE}, f"FINE_TUNE – {TAMED}"),
    "a document": ("document", {"path": "/out", "kept_previous": None}, ""),
    "a document beside another": (
        "document",
        {"path": "/out", "kept_previous": f"/out/{HOSTILE}.md"},
        f"the document of another run is kept as /out/{TAMED}.md",
    ),
    "a stop": ("stopped", {"sentence": "interrupted"}, ""),
}
"""Kind, data, and the words on a screen that cannot be drawn on."""

COUNTED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a page": ("page", {"url": "https://x.example", "outcome": "found", "reason": "", "detail": ""}, ""),
    "an answer": ("answer", {"done": 10, "total": 50}, "research: 10 of 50"),
    "an assessment": ("assessment", {"done": 50, "total": 50}, "research: 50 of 50"),
    "progress by number": ("progress", {"done": 0, "total": 50}, "research: 0 of 50"),
    "a step of a pull": (
        "progress",
        {"status": HOSTILE, "digest": None, "total_bytes": None, "completed_bytes": None},
        TAMED,
    ),
    "bytes of a pull": ("progress", {"status": "pulling aa", "completed_bytes": 1_000_000, **BYTES}, ""),
    "the last bytes of a pull": (
        "progress",
        {"status": HOSTILE, "completed_bytes": 2_000_000, **BYTES},
        f"{TAMED}: 2,000,000 bytes",
    ),
}
"""The same for what becomes a bar where one can be drawn."""

QUIET = {"created", "read", "table", "proving", "pulled", "review", "waiting", "ended"}
"""Kinds that the terminal does not tell: something else on the screen does."""


def event(kind: str, data: dict[str, Any], *, stage: str = "research", seq: int = 1) -> EventRow:
    return EventRow(run_id="r", seq=seq, at=NOW, stage=stage, kind=kind, data=data)


def shown(database: Database, *told: EventRow, live: bool = False) -> str:
    """What the events leave on a screen of 200 columns."""
    paper = io.StringIO()
    console = Console(file=paper, width=200, force_terminal=live, color_system="truecolor" if live else None)
    terminal = Terminal(console, database, "r")
    for one in told:
        terminal.show(one)
    terminal.show(event("stopped", {"sentence": ""}))
    return paper.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("case", [*SHOWN, *COUNTED])
def test_events_where_nothing_can_be_drawn(database: Database, case: str) -> None:
    kind, data, expected = {**SHOWN, **COUNTED}[case]
    printed = shown(database, event(kind, data))
    assert CONTROL.findall(printed) == []
    if kind == "loaded" and data["hello"]:
        assert words(printed).startswith(expected)
        assert len(words(printed)) < 140
    else:
        assert words(printed) == expected


@pytest.mark.parametrize("case", [*SHOWN, *COUNTED])
def test_events_on_a_terminal_have_colours_and_nothing_of_a_stranger(database: Database, case: str) -> None:
    kind, data, expected = {**SHOWN, **COUNTED}[case]
    printed = shown(database, event(kind, data), live=True)
    bare = MOVEMENT.sub("", COLOUR.sub("", printed))
    assert CONTROL.findall(bare) == []
    if case in SHOWN:
        assert words(bare).startswith(expected)


def test_every_kind_of_event_is_shown_or_known_to_be_quiet(database: Database, finished: Kept) -> None:
    """A new kind has to be decided on: a run that says something nobody sees is a fault."""
    known = {name.removeprefix("_on_") for name in dir(Terminal) if name.startswith("_on_")}
    assert known == {kind for kind, _, _ in [*SHOWN.values(), *COUNTED.values()]}
    assert not known & QUIET
    with finished.opened() as opened, opened.reading() as session:
        told = {one.kind for one in events.after(session, finished.run_id, 0, 5000)}
    assert told <= known | QUIET
    assert shown(database, *(event(kind, {}) for kind in QUIET)) == ""


@pytest.mark.parametrize(
    ("seen", "stopped_by", "expected"),
    [
        (0, ["failed (unreachable)"], "the Hub: ✗ could not be read: failed (unreachable)"),
        (0, [f"blocked ({HOSTILE})"], f"the Hub: ✗ could not be read: blocked ({TAMED})"),
        (100, ["blocked (rate limit)"], "the Hub: 100 seen, 100 new (broke off: blocked (rate limit))"),
        (0, [], "the Hub: 0 seen, 0 new"),
    ],
)
def test_a_listing_that_could_not_be_read_is_not_an_empty_one(
    database: Database, seen: int, stopped_by: list[str], expected: str
) -> None:
    data = {"source": "the Hub", "seen": seen, "new": seen, "truncated": False, "stopped_by": stopped_by}
    assert words(shown(database, event("enumerated", data))) == expected


@pytest.mark.parametrize("live", [False, True])
def test_progress_is_a_bar_or_a_fifth_at_a_time(database: Database, live: bool) -> None:
    told = [event("answer", {"done": done, "total": 50}, stage="answer") for done in range(1, 51)]
    printed = shown(database, *told, live=live)
    if live:
        assert "━" in printed
        assert words(MOVEMENT.sub("", COLOUR.sub("", printed))).count("50/50") >= 1
    else:
        assert words(printed) == " ".join(f"answers: {done} of 50" for done in (10, 20, 30, 40, 50))


def test_a_bar_ends_with_its_stage(database: Database) -> None:
    """A bar of bytes has other columns than a bar of answers: neither goes on in the other."""
    moved = event("progress", {"status": "pulling aa", "completed_bytes": 1_000_000, **BYTES}, stage="pull")
    answered = event("answer", {"done": 1, "total": 4}, stage="answer")
    printed = shown(database, moved, event("stage", {}, stage="answer"), answered, live=True)
    bare = MOVEMENT.sub("", COLOUR.sub("", printed))
    last = bare[bare.rindex("▸ Answers") :]
    assert "1/4" in last
    assert "MB" not in last


async def test_following_shows_each_event_once_and_in_order(database: Database, run_id: str) -> None:
    paper = io.StringIO()
    third = asyncio.Event()

    class Watched(Terminal):
        def show(self, event: EventRow) -> None:
            super().show(event)
            if event.seq == 3:
                third.set()

    terminal = Watched(Console(file=paper, width=200), database, run_id)

    def said(session: Any, number: int) -> None:
        events.append(session, run_id, "research", "warning", {"sentence": f"number {number}"}, NOW)

    async with terminal.following():
        for number in range(3):
            await database.run(said, number)
        await asyncio.wait_for(third.wait(), PATIENCE)
        await database.run(said, 3)
    assert words(paper.getvalue()) == "! number 0 ! number 1 ! number 2 ! number 3"
    assert terminal.seen == 4
    again = io.StringIO()
    later = Terminal(Console(file=again, width=200), database, run_id, after=3)
    async with later.following():
        pass
    assert words(again.getvalue()) == "! number 3"


def test_text_of_strangers_is_plain() -> None:
    assert Console(file=io.StringIO(), width=80).render_str(plain(HOSTILE)).plain.strip() == TAMED
    assert plain("⭐⭐½") == f"{STAR}{STAR}½"


# --- tables and results ------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [False, True])
def test_the_table_with_its_proposal(finished: Kept, live: bool) -> None:
    with finished.opened() as database, database.reading() as session:
        offered = research.newest_table(session, finished.run_id)
    assert offered is not None
    paper = io.StringIO()
    console = Console(file=paper, width=200, force_terminal=live)
    print_table(console, offered.table, offered.proposal, limit=3)
    printed = paper.getvalue()
    assert ("\x1b[" in printed) is live
    text = words(COLOUR.sub("", printed))
    assert "Candidates for therapy coaching, 7–9B" in text
    assert "Primary Qwen/Qwen3-8B: Qwen3 8B fits therapy coaching best" in text
    assert (
        "Qwen3 8B, Context: context native 32768 according to the maker's config or card, "
        "https://huggingface.co/Qwen/Qwen3-8B/raw/main/README.md" in text
    )
    table = offered.table
    assert f"{len(table.rows) - 3} more: bms table RUN --all" in text
    first = table.rejected[0]
    assert f"{sum(group.count for group in table.rejected)} rejected: {first.count} {first.reason}" in text
    assert table.coverage is not None
    asked, blocked = table.coverage.queries, table.coverage.blocked
    assert f"{blocked} of {asked} requests were blocked and 0 failed, so better candidates may" in text
    assert "⭐" not in text


def test_the_headline_is_made_from_the_rows(finished: Kept) -> None:
    paper = io.StringIO()
    with finished.opened() as database, database.reading() as session:
        print_result(Console(file=paper, width=400), session, finished.run_id)
    assert words(paper.getvalue()).startswith(
        "Qwen/Qwen3-8B (primary): 31 of 49 passed (63%), 1 unmeasured, 50 of 50 scenarios. FINE_TUNE "
        "31 of 49 measured answers pass, 63% (95 % interval 49% to 75%)."
    )


def test_a_sample_shows_what_a_model_said_and_obeys_none_of_it(finished: Kept) -> None:
    with finished.opened() as database, database.session() as session:
        session.connection().exec_driver_sql("DELETE FROM answers WHERE scenario_id = 's002'")
        said = Answer(scenario_id="s002", outcome=AnswerOutcome.ANSWERED, text=HOSTILE)
        evaluation.keep_answers(session, finished.run_id, "primary", [said], {}, NOW)
        session.connection().exec_driver_sql(
            "UPDATE verdicts SET verdict = 'NO', reason = ? WHERE scenario_id = 's002' AND criterion = 'CQ1'",
            (HOSTILE,),
        )
    paper = io.StringIO()
    with finished.opened() as database, database.reading() as session:
        print_sample(Console(file=paper, width=200), session, finished.run_id, "primary", ("s002", "s777"))
    printed = paper.getvalue()
    assert CONTROL.findall(printed) == []
    assert f"Model: {TAMED}" in printed
    assert f"CQ1 NO: {TAMED}" in printed
    assert "s001" not in printed


def test_a_review_before_deploying_puts_answers_before_the_person(
    finished: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def prompt(question: str, **_: Any) -> str:
        asked.append(question)
        return "They are kind."

    monkeypatch.setattr(click, "prompt", prompt)
    question = ReviewPrompt(
        run_id=finished.run_id,
        role="primary",
        decision="DEPLOY",
        sentence="Good.",
        pass_rate=0.9,
        sample=("s001", "s003"),
        backup=None,
    )
    paper = io.StringIO()
    with finished.opened() as database:
        reply = ask_person(Console(file=paper, width=200), database, finished.run_id, question)
    assert isinstance(reply, Review)
    assert (reply.notes, reply.run_backup) == ("They are kind.", False)
    assert asked == ["Qualitative notes for the document (Enter for none)"]
    printed = paper.getvalue()
    assert printed.startswith("Before anybody deploys: read these answers.")
    assert len(re.findall(r"^─+ s00[13] · ", printed, re.MULTILINE)) == 2
    assert printed.count("Model: ") == 2
