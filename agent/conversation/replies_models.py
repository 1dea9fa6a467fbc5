"""Answers about candidates: why, what of a factor, one beside another. Every word is from rows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from agent.conversation import reach
from agent.conversation.names import Book, cleaned, looks_like_a_name, names_somebody, preferred
from agent.conversation.records import Link, Said
from agent.conversation.replies import (
    answer,
    counted,
    fact_line,
    first_of,
    items,
    model_page,
    names,
    said_by,
    short,
    source_link,
    stars,
    view,
)
from tools.candidates import Claim
from tools.escape import clean, shorten
from tools.table import Cell, Column, TableRow
from tools.table_notes import STARS

MOST_MODELS = 4
LISTED = 8
TAKES = (Column.QUANTIZATION, Column.MEMORY)
DEFAULT = (Column.LICENCE, Column.PARAMS, Column.CONTEXT, Column.MEMORY, Column.RELEASE, Column.FIT)


def unknown_name(run_id: str, words: str, book: Book) -> Said:
    """Nobody is called so; what looks like a model's name can be added, anything else was misunderstood."""
    name, table = cleaned(words), (view(run_id, "table", "the table"),)
    if not names_somebody(name):
        return answer(
            "I did not catch which model is meant.", links=table, suggestions=("show the table", "help")
        )
    if not looks_like_a_name(name):
        return answer(
            f"This run has come across nobody called “{shorten(name, 60)}”, which does not look like a "
            "model's name either. The Hub's owner/name can always be added.",
            links=table,
            suggestions=("show the table", "help"),
        )
    near = _called_nearly(name, book)
    return answer(
        f"This run has not come across “{name}”.",
        f"Is it {' or '.join(near)}?" if near else "",
        links=table,
        suggestions=(
            *(f"what about {one}?" for one in near),
            *((f"add {name}",) if book.table is not None else ()),
            "show the table",
        ),
    )


def _called_nearly(name: str, book: Book) -> list[str]:
    """Names in the table that begin nearly like this one."""
    spelt = {
        re.sub(r"[\s-]+", "", row.name.casefold())[: len(name) + 1]: row.name for row in reversed(book.rows)
    }
    near = difflib.get_close_matches(re.sub(r"[\s-]+", "", name.casefold()), spelt, n=2, cutoff=0.7)
    return [spelt[one] for one in near]


def nobody_proposed(run_id: str, book: Book) -> Said:
    """Somebody says "it", and nothing says whom they mean."""
    warning = "" if book.table is None else reach.of_note(book.table.coverage)
    why = "None is proposed." if book.proposal is None or warning else book.proposal.why_primary
    return answer(
        warning,
        f"Which model is meant? {why}",
        links=(view(run_id, "table", "the table"),) if book.table is not None else (),
        suggestions=("show the table", "status"),
    )


def why(run_id: str, words: str, book: Book, *, negative: bool) -> Said:
    """How the stars of a candidate came about, or why it is not proposed."""
    keys = book.meant(words)
    if not keys:
        return unknown_name(run_id, words, book)
    shown, told = keys[:MOST_MODELS], []
    links: list[Link | None] = []
    for key in shown:
        row = book.row(key)
        links.append(model_page(run_id, key, book.name(key)))
        if row is None:
            told.append(_not_listed(key, book))
            continue
        told.append(_stands(row, book, negative=negative) + "\n" + items(_parts(row)))
        links += [source_link(source) for part in row.rating.parts for source in part.sources[:2]]
    others = [key for key in book.others(words) if key not in keys] if book.row(keys[0]) is not None else []
    told.append(_more_of_the_name(others, book))
    rest = keys[MOST_MODELS:]
    told.append(f"“{cleaned(words)}” may also be {names([book.name(key) for key in rest])}." if rest else "")
    return answer(*told, links=links, suggestions=_next(keys, book))


def _stands(row: TableRow, book: Book, *, negative: bool) -> str:
    proposal = book.proposal
    head = f"{row.name} ({row.key}) has {stars(row.rating)}."
    if row.excluded:
        return f"{head} It cannot be proposed: {' '.join(row.excluded)}"
    if proposal is None:
        return head
    if row.key == proposal.primary:
        against = items(f"against it: {line}" for line in proposal.concerns) if negative else ""
        told = f"{head} It is the proposed primary: {proposal.why_primary}"
        return f"{told}\n{against}" if against else told
    if row.key == proposal.backup:
        return f"{head} It is the proposed backup: {proposal.why_backup}"
    over = next((sentence for sentence in proposal.over if sentence.startswith(f"Over {row.name} ")), "")
    if row.rating.stars is None:
        why_not = (
            "It is not proposed because no source was read that says how well it fits "
            "this domain, and stars come from evidence alone."
        )
    else:
        first = book.name(proposal.primary) if proposal.primary else "another one"
        why_not = f"It is not proposed because {first} ranks higher."
    return " ".join(part for part in (head, why_not if negative or over == "" else "", over) if part)


def _parts(row: TableRow) -> list[str]:
    lines = []
    for part in row.rating.parts:
        source = f" ({said_by(part.sources[0])})" if part.sources else ""
        lines.append(f"{part.name} {part.adds:+.2f}: {part.why}{source}")
    if row.rating.arithmetic:
        lines.append("the sum: " + "; ".join(row.rating.arithmetic))
    return lines


def _not_listed(key: str, book: Book) -> str:
    one = book.ledger[key]
    into = f" {book.name(one.folded_into)} stands for it." if one.folded_into else ""
    return (
        f"{one.name} ({key}) was {one.standing.value}: {one.reason}.{into} It was found by: {one.found_by}."
    )


def _more_of_the_name(keys: Sequence[str], book: Book) -> str:
    if not keys:
        return ""
    lines = [f"{key}: {book.ledger[key].reason}" for key in keys[:MOST_MODELS]]
    rest = f"\n- and {len(keys) - MOST_MODELS} more" if len(keys) > MOST_MODELS else ""
    return f"Of that name, {counted(len(keys), 'other repository').replace('repositorys', 'repositories')} did not get into the table:\n{items(lines)}{rest}"  # noqa: E501


def _next(keys: Sequence[str], book: Book) -> tuple[str, ...]:
    proposal = book.proposal
    first = book.name(keys[0])
    other = proposal.primary if proposal is not None and proposal.primary not in keys else None
    if book.row(keys[0]) is None:
        return (f"add {keys[0]}", "who was rejected?")
    compared = (f"compare {first} and {book.name(other)}",) if other else ()
    return (f"what about the licence of {first}?", *compared)


def why_proposal(run_id: str, book: Book) -> Said:
    proposal = book.proposal
    if proposal is None or book.table is None:
        return answer("There is no table yet, so nothing is proposed.", suggestions=("status",))
    if proposal.primary is None:
        warning = reach.of_note(book.table.coverage)
        return answer(
            warning,
            "Nothing is proposed, since nothing is known of anybody but the name."
            if warning
            else f"Nothing is proposed. {proposal.why_primary}",
            links=(view(run_id, "table", "the table"),),
            suggestions=reach.AGAIN if warning else ("search more", "show the table"),
        )
    lines = [
        *proposal.over,
        *(f"for it: {line}" for line in proposal.strengths),
        *(f"against it: {line}" for line in proposal.concerns),
    ]
    backup = f"Backup: {proposal.why_backup}"
    name = book.name(proposal.primary)
    links: list[Link | None] = [
        view(run_id, "approval", "the approval"),
        model_page(run_id, proposal.primary, book.name(proposal.primary)),
    ]
    if proposal.backup:
        links.append(model_page(run_id, proposal.backup, book.name(proposal.backup)))
    row = book.row(proposal.primary)
    links += [source_link(claim.source) for claim in (row.evidence if row is not None else ())][:6]
    return answer(
        f"Proposed: {name} ({proposal.primary}). {proposal.why_primary}",
        items(lines),
        backup,
        proposal.coverage_warning or "",
        links=links,
        suggestions=("approve", "swap them", "show the table"),
    )


def about(
    run_id: str, words: str, columns: Sequence[Column], book: Book, *, brief: bool | None = None
) -> Said:
    """Factors of the candidates that could be meant, each with its source and what contradicts it.

    ``brief`` is without sources; where it is not said, that is where no factor was asked for.
    """
    brief = not columns if brief is None else brief
    keys = book.meant(words)
    if not keys:
        return unknown_name(run_id, words, book)
    wanted, told = tuple(columns) or DEFAULT, []
    links: list[Link | None] = []
    for key in keys[:MOST_MODELS]:
        row = book.row(key)
        links.append(model_page(run_id, key, book.name(key)))
        if row is None:
            told.append(_not_listed(key, book))
            continue
        lines = []
        for column in wanted:
            cell_lines, cell_links = _cell(row, row.cell(column), brief=brief)
            lines += cell_lines
            links += cell_links
        told.append(f"{row.name} ({row.key}):\n{items(lines)}")
    rest = keys[MOST_MODELS:]
    told.append(f"It may also be {names([book.name(key) for key in rest])}." if rest else "")
    proposed = book.proposal is not None and keys[0] == book.proposal.primary
    more = "why this proposal?" if proposed else f"why not {book.name(keys[0])}?"
    return answer(*told, links=links, suggestions=(more, "show the table"))


def costs(run_id: str, words: str, book: Book) -> Said:
    """What running a candidate takes; a price is in no source, for open weights have none."""
    said = about(run_id, words, TAKES, book, brief=True)
    free = (
        "Open weights cost no fee: the model runs on a machine of yours, and this is what it takes. A judge "
        "behind a paid address is billed by whoever runs it."
    )
    text = f"{free}\n\n{said.text}"
    return said.model_copy(update={"text": text})


def stars_explained(run_id: str, words: str, book: Book) -> Said:
    """What the stars are, on the example of one candidate."""
    row = book.row(words)
    example = (
        ""
        if row is None or not row.rating.parts
        else f"{row.name} has {stars(row.rating)}:\n{items(_parts(row))}"
    )
    return answer(
        STARS.partition(" `bms")[0].removeprefix("⭐").strip(),
        example,
        links=(view(run_id, "table", "the table"), model_page(run_id, words, row.name) if row else None),
        suggestions=("why this proposal?", "show the table"),
    )


def _cell(row: TableRow, cell: Cell, *, brief: bool) -> tuple[list[str], list[Link | None]]:
    if cell.column is Column.FIT:
        lines = [f"domain fit: {stars(row.rating)}"]
        lines += [] if brief else [*_parts(row), *(_claim(claim) for claim in row.evidence[:6])]
        return lines, [source_link(claim.source) for claim in row.evidence[:6]]
    name = cell.column.value.lower()
    if cell.unknown:
        return [f"{name}: unknown; no source that was read tells"], []
    lines = [f"{name}: {short(cell.text) if brief else cell.text}"]
    links = [source_link(fact.source) for fact in (*cell.facts[:3], *cell.contradictions[:3])]
    if not brief:
        lines += [f"from {fact_line(fact)}" for fact in cell.facts[:4]]
    lines += [f"but another source says {fact_line(fact)}" for fact in cell.contradictions[:4]]
    if cell.column is Column.LICENCE and not brief:
        verdict = row.licence
        lines += [line for line in (verdict.condition, *verdict.clauses) if line]
        if verdict.laundering:
            lines.append("its stated licence is more permissive than that of the weights it was made from")
        links += [
            Link(label=f"{verdict.display}: {_page_of(url) if place else 'the licence'}", href=url)
            for place, url in enumerate(verdict.sources[:3])
            if url.startswith("http")
        ]
    return lines, list(links)


def _page_of(url: str) -> str:
    """``…/prohibited_use_policy`` is the prohibited use policy."""
    last = url.partition("://")[2].partition("?")[0].rstrip("/").rpartition("/")[2]
    return f"the {clean(re.sub(r'[_-]+', ' ', last)).lower()}" if last else "its terms"


def _claim(claim: Claim) -> str:
    flag = "; it tries to instruct its reader and is not counted" if claim.suspicious else ""
    return f"{claim.kind.value}, {claim.stance.value} ({said_by(claim.source)}){flag}"


def compare(run_id: str, wanted: Sequence[str], book: Book) -> Said:
    """Candidates beside one another, factor by factor."""
    rows: list[TableRow] = []
    for words in wanted:
        keys = preferred(book.in_table(words), book.proposal) or book.meant(words)
        if not keys:
            return unknown_name(run_id, words, book)
        if len(keys) > 1:
            return which(words, keys, book)
        row = book.row(keys[0])
        if row is None:
            return answer(
                _not_listed(keys[0], book), links=(model_page(run_id, keys[0], book.name(keys[0])),)
            )
        rows.append(row)
    rows = list({row.key: row for row in rows}.values())
    if len(rows) < 2:
        return answer(f"Both names mean {rows[0].name}.", suggestions=("show the table",))
    lines = []
    for column in Column:
        if column in {Column.MODEL, Column.NOTES}:
            continue
        cells = [stars(row.rating) if column is Column.FIT else short(row.cell(column).text) for row in rows]
        label = "Domain fit" if column is Column.FIT else column.value
        lines.append(
            f"{label}: " + "; ".join(f"{row.name} {text}" for row, text in zip(rows, cells, strict=True))
        )
    parts = [
        f"{row.name}: " + ", ".join(f"{part.name} {part.adds:+.2f}" for part in row.rating.parts)
        for row in rows
    ]
    excluded = [f"{row.name} cannot be proposed: {' '.join(row.excluded)}" for row in rows if row.excluded]
    links = [model_page(run_id, row.key, row.name) for row in rows]
    return answer(
        f"{names([row.name for row in rows])}, side by side:\n{items(lines)}",
        f"How the stars come about:\n{items(parts)}",
        items(excluded),
        links=links,
        suggestions=(f"why {rows[0].name}?", f"why not {rows[1].name}?"),
    )


def which(words: str, keys: Sequence[str], book: Book, pattern: str = "{}") -> Said:
    """Several could be meant: they are listed, and the person says which."""
    lines = first_of([f"{book.name(key)} ({key})" for key in keys])
    return answer(
        f"“{cleaned(words)}” could be several:\n{items(lines)}",
        "Which one is meant?",
        suggestions=tuple(pattern.format(book.name(key)) for key in keys[:4]),
    )


def table(run_id: str, book: Book, most: int = LISTED) -> Said:
    if book.table is None:
        return answer("There is no table yet.", suggestions=("status",))
    counts = book.table.counts
    lines = []
    for row in book.table.rows[:most]:
        mark = ""
        if book.proposal is not None:
            mark = " – proposed primary" if row.key == book.proposal.primary else mark
            mark = " – proposed backup" if row.key == book.proposal.backup else mark
        lines.append(
            f"{row.name}: {stars(row.rating)}, {row.licence.display}, "
            f"{short(row.cell(Column.PARAMS).text)}{mark}"
        )
    warning = reach.of_note(book.table.coverage)
    missing = f" {counts.excluded} miss a hard need." if counts.excluded else ""
    return answer(
        warning,
        f"{counted(len(book.rows), 'candidate')}; {reach.meets(book.rows)}.{missing} {counts.rejected} were "
        f"rejected before. The first {len(lines)}:\n{items(lines)}",
        links=(view(run_id, "table", "the whole table"),),
        suggestions=reach.AGAIN[:2]
        if warning
        else ("why this proposal?", "only Apache licences", "who was rejected?"),
    )


def rejected(run_id: str, book: Book) -> Said:
    if not book.ledger:
        return answer("Research has come across nobody yet.", suggestions=("status",))
    groups: dict[str, list[str]] = {}
    for key, one in sorted(book.ledger.items()):
        if one.standing.value == "rejected":
            groups.setdefault(one.reason, []).append(key)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    lines = first_of([f"{len(keys)} × {reason}: {names(keys, 3)}" for reason, keys in ordered], 12)
    excluded = first_of([f"{row.name}: {' '.join(row.excluded)}" for row in book.rows if row.excluded])
    return answer(
        f"{sum(map(len, groups.values()))} of {len(book.ledger)} repositories that research saw were "
        f"rejected:\n{items(lines)}",
        f"In the table, but not to be proposed:\n{items(excluded)}" if excluded else "",
        links=(view(run_id, "table?rejected=1", "the table with the rejected ones"),),
        suggestions=("why not DeepSeek?", "search more"),
    )
