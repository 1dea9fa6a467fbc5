"""Several wishes at once, conditions, amounts and places in a list."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from agent import views
from agent.conversation import intents, replies_factors, replies_results, replies_run
from agent.conversation.answers_models import on_model
from agent.conversation.answers_start import domain_of, starting
from agent.conversation.answers_table import leave_out
from agent.conversation.case import Answer, Case
from agent.conversation.limits import limits_of, order_of
from agent.conversation.records import Said
from agent.conversation.replies import answer, counted, first_of, items, short, stars, view
from agent.wishes import Wishes
from tools.escape import shorten
from tools.table import Column


def several(case: Case, wish: intents.Several) -> Answer:
    nowhere = [part for part in wish.parts if _BY_COUNTRY.search(part)]
    return answer(
        "That is more than one wish, and one is taken at a time. Nothing was done. Which is the first?",
        f"“{shorten(nowhere[0], 60)}” cannot be done: where a maker is at home is in no source here; makers "
        "can be left out by name."
        if nowhere
        else "",
        suggestions=tuple(shorten(part, 120) for part in wish.parts if part not in nowhere),
    )


_BY_COUNTRY: Final = re.compile(
    r"\b(?:chinese|china|american|us|usa|european|europe|eu|french|france|german|germany|korean|korea|indian|asian|western|foreign)\b",
    re.IGNORECASE,
)


def notes_and_wish(_case: Case, wish: intents.NotesAndWish) -> Answer:
    short = f"my notes: {wish.text}"
    return answer(
        f"In these notes something else is wished for: “{shorten(wish.wish, 80)}”. Notes end the review, so "
        "nothing was done. Which is meant? Notes in quotation marks are taken whole: my notes: “…”.",
        suggestions=(shorten(wish.wish, 120), *((short,) if wish.text and len(short) <= 120 else ())),
    )


def look(case: Case, wish: intents.Look) -> Answer:
    """Who keeps to the limit, in the table's order."""

    def tell(run: str) -> Said:
        book = case.book()
        limits = limits_of(wish.limit, book)
        kept = [row for row in book.rows if not any(limit.leaves_out(row) for limit in limits)]
        if wish.evidence:
            kept = [row for row in kept if row.evidence]
        label = " and ".join(limit.label for limit in limits)
        what = "have evidence in this domain" if wish.evidence else f"are {label}"
        lines = [
            f"{row.name}: {row.licence.display}, {short(row.cell(Column.PARAMS).text)}, {stars(row.rating)}"
            for row in kept
        ]
        return answer(
            f"{len(kept)} of {counted(len(book.rows), 'candidate')} {what}{':' if kept else '.'}\n"
            f"{items(first_of(lines))}".rstrip(),
            " ".join(filter(None, (limit.of_unknown(book.rows) for limit in limits))),
            links=(view(run, "table", "the table"),),
            suggestions=(*order_of(wish.limit), "show the table"),
        )

    return _of_table(case, tell)


def licences(case: Case, _wish: intents.Licences) -> Answer:
    def tell(run: str) -> Said:
        many = Counter(row.licence.display for row in case.book().rows).most_common()
        return answer(
            f"Licences in the table:\n{items([f'{name}: {number}' for name, number in many])}",
            links=(view(run, "table", "the table"),),
            suggestions=("how many are Apache?", "only commercial", "show the table"),
        )

    return _of_table(case, tell)


def _of_table(case: Case, tell: Callable[[str], Said]) -> Answer:
    nothing = answer("There is no table yet.", suggestions=("status",))
    return case.of_run(lambda run: tell(run) if case.book().table is not None else nothing)


def other_run(case: Case, wish: intents.OtherRun) -> Answer:
    """Where another run is looked at and spoken of: a conversation stays with its own."""
    wanted = wish.words.casefold()
    found = [
        one
        for one in views.run_page(case.session, case.clock, 200, 0).items
        if one.id == wanted or wanted in one.text.casefold()
    ][:4]
    if not found:
        return answer(f"No run is called “{shorten(wish.words, 60)}”.", suggestions=("runs", "status"))
    lines = [f"{one.id}: {shorten(one.text, 80)} ({one.status.value})" for one in found]
    return answer(
        f"{items(lines)}",
        "It has a page of its own, with its chat beside it; at a terminal, "
        f"`bms chat {found[0].id}` speaks of it. This conversation stays with its run.",
        links=tuple(view(one.id, "", one.id) for one in found),
        suggestions=("status", "runs"),
    )


def conditional(case: Case, wish: intents.Conditional) -> Answer:
    return answer(
        f"Nothing was done: nobody waits here for “{shorten(wish.condition, 80)}”. Find out first, then say "
        f"“{shorten(wish.command, 80)}” by itself.",
        suggestions=(shorten(wish.command, 120), "show the table", "status"),
    )


def fits_memory(case: Case, wish: intents.FitsMemory) -> Answer:
    if wish.name is None:
        return case.of_run(lambda run: replies_factors.all_that_run_in(run, wish.gigabytes, case.book()))
    return on_model(
        case, wish.name, lambda run, name, known: replies_factors.runs_in(run, name, wish.gigabytes, known)
    )


def extreme(case: Case, wish: intents.Extreme) -> Answer:
    return case.of_run(lambda run: replies_factors.extreme(run, wish.column, case.book(), most=wish.most))


def of_maker(case: Case, wish: intents.OfMaker) -> Answer:
    known = case.book()
    made = replies_factors.made_by(wish.name, known.rows)
    if not wish.leave_out:
        return case.of_run(lambda run: replies_factors.of_maker(run, wish.name, known))
    if made or known.in_table(wish.name) or known.of_line(wish.name):
        return leave_out(case, intents.LeaveOut((wish.name,)))
    return case.of_run(lambda run: replies_factors.nobody_of(run, wish.name, known))


def good_enough(case: Case, wish: intents.GoodEnough) -> Answer:
    return case.of_run(lambda run: replies_results.good_enough(case.session, run, wish.percent))


def smaller(case: Case, _wish: intents.Smaller) -> Answer:
    return answer(
        "By how much? A limit leaves out what is in the table; another size is another run.",
        suggestions=("nothing above 7B", "which is the smallest?", "start over with 4B"),
    )


def pause(case: Case, _wish: intents.Pause) -> Answer:
    state = None if case.run_id is None else views.run_state(case.session, case.run_id, case.clock)
    if state is None or state.status.ended or state.waits_for is not None:
        return answer(
            "Nothing goes on that could be paused."
            if state is None or state.status.ended
            else f"Run {state.id} {state.detail}, for as long as you like.",
            suggestions=case.suggestions(),
        )
    return answer(
        "A run cannot be paused from here: it goes on until it needs you, and waits then. “cancel” ends it "
        "for good. Nothing was done.",
        suggestions=("status", "how long?", "cancel"),
    )


def start_over(case: Case, wish: intents.StartOver) -> Answer:
    """Another run: of the same domain where only a size is named."""
    if not wish.size:
        return replies_run.start_over(case.session, case.run_id, case.clock)
    domain = domain_of(case)
    if domain is None:
        return answer(
            f"For what are {wish.size} models to be evaluated?",
            suggestions=(f"evaluate {wish.size} models for coding", *replies_run.START[:1]),
        )
    text = f"evaluate {wish.size} models for {domain}"
    return starting(case, Wishes(text=text), f"Starting: {text}.", sure=False)
