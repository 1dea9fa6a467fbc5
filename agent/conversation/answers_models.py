"""Questions about candidates: whom the words mean, then what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent import views
from agent.conversation import intents, replies_models, replies_results
from agent.conversation.answers_shown import unknown
from agent.conversation.case import Answer, Case
from agent.conversation.names import (
    Book,
    Pointed,
    looks_like_a_name,
    names_somebody,
    place_in_list,
    pointed,
)
from agent.conversation.records import Said
from agent.conversation.replies import answer
from store import evaluation
from tools.table import Column


def why(case: Case, wish: intents.Why) -> Answer:
    def tell(run_id: str, name: str, known: Book) -> Said:
        return replies_models.why(run_id, name, known, negative=wish.negative)

    return on_model(case, wish.name, tell)


def why_proposal(case: Case, _wish: intents.WhyProposal) -> Answer:
    return case.of_run(lambda run: replies_models.why_proposal(run, case.book()))


def about(case: Case, wish: intents.About) -> Answer:
    known, name = case.book(), wish.name
    if not known.meant(name) and pointed(name) is None:
        if not wish.columns or (names_somebody(name) and not looks_like_a_name(name)):
            return unknown(case, wish)
        name = name if names_somebody(name) else ""  # only what glues a sentence together is left
    return on_model(case, name, lambda run, one, book_: replies_models.about(run, one, wish.columns, book_))


def how_good(case: Case, wish: intents.HowGood) -> Answer:
    """The pass rate of what was evaluated, and of anybody else what sources say of its fit."""

    def tell(run_id: str, name: str, known: Book) -> Said:
        keys, results = known.meant(name), views.result_views(case.session, run_id)
        if results and (not known.ledger or {one.candidate for one in results} & {name, *keys}):
            return replies_results.pass_rate(case.session, run_id)
        return replies_models.about(run_id, name, (Column.FIT,), known)

    known = case.book()
    if pointed(wish.name) is None and not known.meant(wish.name) and not looks_like_a_name(wish.name):
        return unknown(case, wish)
    if pointed(wish.name) == "spoken" and not case.spoken and not known.ledger and case.run_id is not None:
        return replies_results.pass_rate(case.session, case.run_id)
    return on_model(case, wish.name, tell)


def compare(case: Case, wish: intents.Compare) -> Answer:
    return on_models(case, wish.names, replies_models.compare)


def on_model(case: Case, words: str, tell: Callable[[str, str, Book], Said]) -> Answer:
    """``tell(run, name, book)`` of the candidate that is named or pointed at."""

    def told(run_id: str) -> Said:
        known = case.book()
        name = named(case, words, known)
        return name if isinstance(name, Said) else tell(run_id, name, known)

    return case.of_run(told)


def proposed_as(what: Pointed | None, known: Book) -> str | None:
    """Who is proposed in the role that the words point at as well: "the second one" may be the backup."""
    if known.proposal is None or what not in {"primary", "backup"}:
        return None
    return known.proposal.primary if what == "primary" else known.proposal.backup


def named(case: Case, words: str, known: Book) -> str | Said:
    """``words``, or whom they point at: what "it" and "the backup" mean is in the rows and in what was
    said; :class:`Said` where that is nobody, or several."""
    what, place = pointed(words), place_in_list(words)
    if case.run_id is None or (what is None and place is None):
        return words
    if place is not None:
        listed = known.in_table(words)
        if not listed:
            return answer(
                f"The table has {len(known.rows)} rows." if known.rows else "There is no table yet.",
                suggestions=("show the table", "status"),
            )
        role = proposed_as(what, known)
        return (
            listed[0] if role in {None, listed[0]} else replies_models.which(words, (listed[0], role), known)
        )
    proposal, spoken = known.proposal, [key for key in case.spoken if key in known.ledger]
    held = evaluation.held(case.session, case.run_id, "backup" if what == "backup" else "primary")
    proposed = None if proposal is None else proposal.backup if what == "backup" else proposal.primary
    proposed = proposed if held is None else held.candidate
    if what == "spoken" and spoken and (len(spoken) == 1 or proposed not in spoken):
        return spoken[0] if len(spoken) == 1 else replies_models.which(words or "it", spoken, known)
    return proposed or replies_models.nobody_proposed(case.run_id, known)


def on_models(case: Case, words: Sequence[str], tell: Callable[[str, list[str], Book], Said]) -> Answer:
    """The same of several candidates."""

    def told(run_id: str) -> Said:
        known, names = case.book(), []
        for one in words:
            name = named(case, one, known)
            if isinstance(name, Said):
                return name
            names.append(name)
        return tell(run_id, names, known)

    return case.of_run(told)
