"""Answers about the run itself: where it is, how long it takes, what it has read, what can be said now."""

from __future__ import annotations

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent import views
from agent.conversation import reach
from agent.conversation.german import KNOWN
from agent.conversation.narrate import question_said
from agent.conversation.records import Link, Said
from agent.conversation.replies import answer, counted, first_of, items, view
from agent.conversation.replies_trust import cautions
from agent.conversation.steps import said_here
from store import research
from store.schema import EventRow, FetchRow, RunStatus, SearchRow
from tools.clock import Clock

STAGES = {
    "intake": "reading the request",
    "ask": "asking about the request",
    "research": "researching",
    "compare": "making the table",
    "approve": "at the approval",
    "record_approval": "recording the approval",
    "pull": "pulling the model",
    "scenarios": "making the scenarios",
    "answer": "collecting answers",
    "judge": "judging",
    "decide": "deciding",
    "review": "at the review",
    "document": "writing the document",
}


def status(session: Session, run_id: str, clock: Clock) -> Said:
    state = views.run_state(session, run_id, clock)
    place = STAGES.get(state.stage, state.stage.replace("_", " "))
    head = {
        RunStatus.QUEUED: f"Run {state.id} waits for its turn; it is {place}.",
        RunStatus.RUNNING: f"Run {state.id} is {place}.",
        RunStatus.WAITING: f"Run {state.id} {state.detail}.",
        RunStatus.STOPPED: f"Run {state.id} has stopped: {state.detail or 'its process has ended'}.",
    }.get(
        state.status,
        f"Run {state.id} has ended: {state.status.value}{', ' + state.detail if state.detail else ''}.",
    )
    tally, lines = state.tally, []
    warning = reach.of_run(session, run_id)
    if tally.seen and not warning:
        number = {
            word: tally.searches.get(outcome, 0) + tally.fetches.get(outcome, 0)
            for outcome, word in (("blocked", "were blocked"), ("failed", "failed"))
        }
        lost = " and ".join(f"{many} {word}" for word, many in number.items() if many)
        lines.append(
            f"{tally.seen} repositories seen, {tally.viable} accepted, {tally.facts} facts, "
            f"{counted(tally.claims, 'claim')} "
            f"from {tally.pages} pages{f'; of the requests {lost}' if lost else ''}"
        )
    for one in state.progress:
        judged = f", {one.judged} judged by {one.judge}" if one.judge else ""
        lines.append(
            f"{one.role} {one.candidate} as {one.artefact.name}: {one.answered} of {one.planned} "
            f"answered{judged}"
        )
    for result in state.results:
        lines.append(  # noqa: PERF401
            f"{result.role}: {result.decision.kind.value}, {result.decision.passes} of "
            f"{result.decision.measured} measured answers pass"
        )
    if state.results:
        lines.append(cautions(session, run_id, state.results))
    asked = "" if state.waits_for is None else question_said(session, state.id, state.waits_for.prompt).text
    offered = research.newest_table(session, run_id)
    of_table = "" if offered is None else reach.of_note(offered.table.coverage)
    if of_table and asked.startswith(of_table):
        warning, asked = of_table, asked.removeprefix(of_table).strip()
    head, more = said_here(head, state.id)
    problem, further = said_here(state.problem, state.id) if state.problem else ("", ())
    return answer(
        warning,
        head,
        items(filter(None, lines)),
        f"The last order could not be carried out: {problem}" if problem else "",
        asked,
        links=(view(state.id), *more, *further),
        suggestions=suggestions(session, run_id, clock),
    )


def how_long(session: Session, run_id: str, clock: Clock) -> Said:
    """Time left, from the pace of the events so far; no guess where nothing was measured."""
    state = views.run_state(session, run_id, clock)
    if state.status is RunStatus.WAITING:
        return answer(
            f"It does not go on by itself: run {state.id} {state.detail}.",
            suggestions=suggestions(session, run_id, clock),
        )
    if state.status.ended or state.status is RunStatus.STOPPED:
        return status(session, run_id, clock)
    kinds = {"answer": "answer", "judge": "assessment"}.get(state.stage)
    rows = (
        []
        if kinds is None
        else list(
            session.scalars(
                select(EventRow)
                .where(EventRow.run_id == state.id, EventRow.kind == kinds)
                .order_by(EventRow.seq.desc())
                .limit(20)
            )
        )
    )
    if len(rows) >= 3:
        seconds = (rows[0].at - rows[-1].at).total_seconds()
        done, total = rows[0].data["done"], rows[0].data["total"]
        pace = seconds / (len(rows) - 1)
        what = "answers" if kinds == "answer" else "answers judged"
        return answer(
            f"{done} of {total} {what}; at the pace of the last {len(rows)}, "
            f"{_span(pace * (total - done))} are left for this step.",
            "Judging follows it." if kinds == "answer" else "",
            links=(view(state.id, "evaluation", "the evaluation, live"),),
            suggestions=("status",),
        )
    return answer(
        f"It is {STAGES.get(state.stage, state.stage)}; how long that takes cannot be told yet.",
        "Research goes on in waves until the last one brings nothing new."
        if state.stage == "research"
        else "",
        links=(view(state.id),),
        suggestions=("status",),
    )


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} seconds"
    return f"about {round(seconds / 60)} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def coverage(session: Session, run_id: str) -> Said:
    """What research asked, read and may have missed."""
    tally, waves = views.tally(session, run_id), research.waves(session, run_id)
    searches = (
        ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.searches.items())) or "none"
    )
    fetches = ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.fetches.items())) or "none"
    offered = research.newest_table(session, run_id)
    note = None if offered is None else offered.table.coverage
    lines = [
        f"searches: {searches}",
        f"pages and records asked for: {fetches}; {tally.pages} kept",
        f"{tally.seen} repositories seen, {tally.viable} accepted, {tally.facts} facts, "
        f"{counted(tally.claims, 'claim')}",
        *(
            f"wave {wave.number}: {len(wave.queries)} queries, {wave.pages} new pages. {wave.stopped}"
            for wave in waves
        ),
    ]
    share = (
        ""
        if note is None or note.share is None
        else f"Coverage is {note.share * 100:.1f}%: so much of what a further search would show is known."
    )
    warning = "" if offered is None else offered.proposal.coverage_warning or ""
    unread = reach.of_run(session, run_id)
    return answer(
        unread,
        share,
        items(lines),
        "" if unread else warning,
        links=(view(run_id, "research", "the research"),),
        suggestions=("who was rejected?", "search more"),
    )


def blocked(session: Session, run_id: str) -> Said:
    tally = views.tally(session, run_id)
    number = {
        name: tally.searches.get(name, 0) + tally.fetches.get(name, 0) for name in ("blocked", "failed")
    }
    if not any(number.values()):
        return answer(
            "Nothing was blocked and nothing failed.", links=(view(run_id, "research", "the research"),)
        )
    reasons = [f"{words}: {many}" for words, many in _refusals(session, run_id)]
    return answer(
        reach.of_run(session, run_id)
        or f"{number['blocked']} requests were blocked and {number['failed']} failed. What they would have "
        f"shown is missing, so silence about a model may not mean absence.",
        items(first_of(reasons)),
        links=(view(run_id, "research", "the research"),),
        suggestions=("search again", "did you miss anything?"),
    )


def _refusals(session: Session, run_id: str) -> list[tuple[str, int]]:
    """What was not answered by kind and reason, the most frequent first."""
    found: list[tuple[str, int]] = []
    for noun, table in (("searches", SearchRow), ("pages and records", FetchRow)):
        query = (
            select(table.outcome, table.reason, func.count())
            .where(table.run_id == run_id, table.outcome.in_(("blocked", "failed")))
            .group_by(table.outcome, table.reason)
        )
        for outcome, reason, many in session.execute(query):
            why = f", {reason.replace('_', ' ')}" if reason else ""
            found.append((f"{noun} {outcome}{why}", many))
    return sorted(found, key=lambda one: (-one[1], one[0]))


def runs(session: Session, clock: Clock) -> Said:
    page = views.run_page(session, clock, 8, 0)
    if not page.items:
        return answer("There are no runs yet.", suggestions=START)
    lines = [f"{one.id}: {one.text[:80]} ({one.status.value})" for one in page.items]
    links = [Link(label="all runs", href="/runs"), *(view(one.id, "", one.id) for one in page.items)]
    return answer(f"{counted(page.total, 'run')}, the newest first:\n{items(lines)}", links=links)


START = ("evaluate 8B models for therapy coaching", "evaluate qwen3:8b for coding", "replay the demo")


def suggestions(session: Session, run_id: str | None, clock: Clock) -> tuple[str, ...]:
    """What can usefully be said now."""
    if run_id is None:
        return START
    state = views.run_state(session, run_id, clock)
    if state.waits_for is not None:
        return question_said(session, state.id, state.waits_for.prompt).extras.suggestions
    if state.status is RunStatus.STOPPED:
        return ("cancel", "status") if views.ran_out(state) else ("resume", "status", "cancel")
    if state.results:
        return ("what failed most?", "which topic is weakest?", "what is the pass rate?", "show an example")
    if research.newest_table(session, run_id) is not None:
        return ("status", "how long?", "show the table")
    return ("status", "how long?", "what did you read?") if not state.status.ended else START


_HELP = {
    "start": "start: “evaluate 8B models for therapy coaching”, “evaluate qwen3:8b for coding”, "
    "“replay the demo”",
    "ask": "ask: “why not DeepSeek?”, “what about the licence of gemma 2?”, “compare qwen3 and "
    "gemma 2”, “show the table”, “what speaks against it?”",
    "change": "change the table: “only Apache licences”, “nothing above 9B”, “add owner/name”, "
    "“leave out X”, “search more for …”",
    "decide": "decide: “what would you do?”, “approve”, “approve X with Y as backup”, “swap them”, "
    "“no backup”, “reject because …”",
    "judge": "the judge: “use ollama:MODEL as judge”, “I judge myself”",
    "labels": "your verdicts: “go on” once they are given, “enough labels” without the rest",
    "review": "the review: “my notes: …”, “no notes”, “run the backup too”, “try a better prompt”",
    "result": "the result: “what failed most?”, “which topic is weakest?”, “show an example of "
    "CQ2”, “what is the pass rate?”, “can I trust the judge?”, “what should I do next?”",
    "run": "the run: “status”, “how long?”, “go on”, “cancel”",
}
_HELPS = {
    "approval": ("decide", "change", "ask", "run"),
    "judge": ("judge", "ask", "run"),
    "labels": ("labels", "run"),
    "review": ("review", "result", "ask", "run"),
}


def help_now(session: Session, run_id: str | None, clock: Clock) -> Said:
    """What is understood in the phase that the run is in."""
    state = None if run_id is None else views.run_state(session, run_id, clock)
    if state is None:
        kinds: tuple[str, ...] = ("start",)
    elif state.waits_for is not None and state.waits_for.prompt.kind in _HELPS:
        kinds = _HELPS[state.waits_for.prompt.kind]
    else:
        of_table = ("ask",) if research.newest_table(session, state.id) is not None else ()
        kinds = (*(("result",) if state.results else ()), *of_table, "run")
        kinds = (*kinds, "start") if state.status.ended else kinds
    return answer(
        "What is understood here:\n" + items(_HELP[kind] for kind in kinds),
        "Whatever costs or is final is only done after your yes.",
        suggestions=suggestions(session, run_id, clock),
    )


def standing(state: views.RunState) -> str:
    """Where a run is, after its name: "waits for …", "is judging", "has ended: done"."""
    if state.status is RunStatus.WAITING:
        return state.detail
    if state.status.ended:
        return f"has ended: {state.status.value}"
    place = STAGES.get(state.stage, state.stage.replace("_", " "))
    return f"has stopped while it was {place}" if state.status is RunStatus.STOPPED else f"is {place}"


def deleting(run_id: str) -> Said:
    return answer(
        "Nothing is deleted in a conversation. The list of runs deletes a run for good, and asks before.",
        links=(Link(label="the list of runs", href="/runs"), view(run_id)),
        suggestions=("status",),
    )


def musing(session: Session, run_id: str | None, clock: Clock) -> Said:
    """What waits, told once more; where nothing does, that nothing has to be said."""
    state = None if run_id is None else views.run_state(session, run_id, clock)
    if state is not None and state.waits_for is not None:
        return question_said(session, state.id, state.waits_for.prompt)
    text = "Nothing waits for you." if state is not None else "Which models shall be evaluated, and for what?"
    return answer(text, suggestions=suggestions(session, run_id, clock))


def start_over(session: Session, run_id: str | None, clock: Clock) -> Said:
    state = None if run_id is None else views.run_state(session, run_id, clock)
    stays = (
        f"Run {state.id} stays as it is; “cancel” ends it. "
        if state is not None and not state.status.ended
        else ""
    )
    cancels = ("cancel",) if stays else ()
    return answer(
        f"{stays}A new run starts with a sentence such as “{START[0]}”.", suggestions=(*START[:2], *cancels)
    )


_EXAMPLES = {
    "nothing": "Say what to evaluate: “evaluate 8B models for therapy coaching”.",
    "table": "Ask about a model or about the table: “why not DeepSeek?”, “what about the licence of gemma "
    "2?”, “which one is best?”; or decide: “approve”.",
    "results": "Ask about the result: “what failed most?”, “is it safe?”, “show an example”.",
    "run": "Ask about the run: “status”, “how long?”, “what was blocked?”.",
}


_NEAR = tuple(
    (re.compile(pattern, re.IGNORECASE), place, sentence, said)
    for pattern, place, sentence, said in (
        (
            r"licen[cs]|commercial|apache|\bmit\b",
            "table",
            "About licences it is understood like this",
            ("only Apache licences", "what about the licence of gemma 2?"),
        ),
        (
            r"memory|\bv?ram\b|\bgpu\b|laptop|\bgb\b|download|disk",
            "table",
            "About memory and size it is understood like this",
            ("how much memory does it need?", "can I run it on 16 GB?", "which needs the least memory?"),
        ),
        (
            r"small|big|large|tiny|\d\s*b\b|param",
            "table",
            "About sizes it is understood like this",
            ("nothing above 8B", "which is the smallest?", "start over with 4B"),
        ),
        (
            r"approv|choose|pick|take|use|prefer|backup|primary",
            "table",
            "A decision is understood like this",
            ("approve", "approve X with Y as backup", "swap them", "no backup"),
        ),
        (
            r"fail|pass|good|bad|wrong|result|answer|criteri|score|prompt|ask",
            "results",
            "About the result it is understood like this",
            ("what failed most?", "show an example", "is it good enough?", "what does CQ2 ask?"),
        ),
        (
            r"stop|cancel|end|abort|undo|back|delete|again|over",
            "run",
            "About the run it is understood like this",
            ("cancel", "start over", "status"),
        ),
        (
            r"compar|differ|better|versus|\bvs\b",
            "table",
            "A comparison is understood like this",
            ("compare qwen3 8b and gemma 2 9b", "compare the top 3"),
        ),
    )
)
"""What is near to some words: where it makes sense, and how it can be said."""


def _near(text: str, place: str) -> tuple[str, tuple[str, ...]] | None:
    """A sentence and what can be said instead, for what the words seem to be about."""
    for pattern, where, sentence, said in _NEAR:
        if pattern.search(text) and (where in {place, "run"} or (where == "table" and place == "results")):
            return f"{sentence}: {', '.join(f'“{one}”' for one in said)}.", said
    return None


def not_understood(
    session: Session, run_id: str | None, clock: Clock, *, text: str = "", german: bool = False
) -> Said:
    state = None if run_id is None else views.run_state(session, run_id, clock)
    if (
        state is not None
        and state.stage in {"", "intake"}
        and not state.status.ended
        and state.waits_for is None
    ):
        return answer(
            "The run is still reading the request; what it lacks is asked in a moment. Say that again then.",
            suggestions=("status",),
        )
    place = "nothing" if state is None else "results" if state.results else "run"
    if run_id is not None and place == "run" and research.newest_table(session, run_id) is not None:
        place = "table"
    if german:
        known = ", ".join(f"„{form.rstrip('?')}“" for form in KNOWN)
        return answer(
            "Das habe ich nicht verstanden. Hier wird Englisch verstanden, und auf Deutsch nur die "
            f"häufigsten Fragen: {known}. (English is understood here; of German only these "
            "and a few more questions.)",
            suggestions=(*suggestions(session, run_id, clock)[:4], "help"),
        )
    near = None if place == "nothing" else _near(text, place)
    if near is not None:
        return answer(
            "I did not understand that. Nothing was done.",
            f"{near[0]} “help” lists what is understood.",
            suggestions=(*[one for one in near[1] if " X" not in one and "CQ" not in one][:4], "help"),
        )
    return answer(
        "I did not understand that. Nothing was done.",
        f"{_EXAMPLES[place]} “help” lists what is understood.",
        suggestions=(*suggestions(session, run_id, clock)[:4], "help"),
    )
