"""Answers that hold one factor of all candidates against each other, or against a number."""

from __future__ import annotations

from collections.abc import Sequence

from agent.conversation.names import Book
from agent.conversation.records import Said
from agent.conversation.replies import answer, counted, first_of, items, model_page, names, short, stars, view
from agent.conversation.replies_models import unknown_name
from tools.knowledge import loader
from tools.needs import gigabytes
from tools.table import Column, TableRow

MOST = 5


def extreme(run_id: str, column: Column, book: Book, *, most: bool) -> Said:
    """The candidates at one end of a factor; those of which no source tells are counted."""
    from agent.pages.columns import place

    if book.table is None:
        return answer("There is no table yet.", suggestions=("status",))
    context = book.table.request.needed_context
    placed = [(place(row, column, context), row) for row in book.rows]
    known = [(value, row) for value, row in placed if isinstance(value, int | float)]
    known.sort(key=lambda one: one[0], reverse=most)
    if not known:
        return answer(
            f"No source that was read tells anybody's {_called(column).lower()}.", suggestions=TABLE
        )
    lines = [f"{row.name}: {_told(row, column)}" for _, row in known[:MOST]]
    missing = len(book.rows) - len(known)
    first = known[0][1]
    return answer(
        f"{_called(column)}, the {'highest' if most else 'lowest'} first:\n{items(lines)}",
        f"Of {counted(missing, 'candidate')} no source tells." if missing else "",
        links=(view(run_id, "table", "the table"), model_page(run_id, first.key, first.name)),
        suggestions=(f"why not {first.name}?", "show the table"),
    )


TABLE = ("show the table", "status")


def _called(column: Column) -> str:
    return "Domain fit" if column is Column.FIT else column.value


def _told(row: TableRow, column: Column) -> str:
    return stars(row.rating) if column is Column.FIT else short(row.cell(column).text)


def runs_in(run_id: str, words: str, wanted: float | None, book: Book) -> Said:
    """Whether the candidate's need, as the table estimates it, is within so many gigabytes."""
    from agent.pages.columns import need_of

    keys = book.in_table(words) or book.meant(words)
    row = book.row(keys[0]) if keys else None
    if row is None or book.table is None:
        return unknown_name(run_id, words, book)
    context = book.table.request.needed_context
    need = need_of(row, context)
    if need is None:
        text = f"Nobody tells how much memory {row.name} needs: no source states a size."
    else:
        size = f"{row.name} needs about {gigabytes(need.total)} at {context:,} tokens"
        fits = wanted is not None and need.total <= wanted * 1e9
        text = (
            f"{size}. It runs on a machine that has so much memory to spare, with a graphics card or "
            "without; without one it is slower."
            if wanted is None
            else f"{size}, so {wanted:g} GB {'are' if fits else 'are not'} enough by this estimate."
        )
    return answer(
        text,
        "What else runs on the machine needs memory as well." if need is not None else "",
        links=(model_page(run_id, row.key, row.name),),
        suggestions=("which needs the least memory?", "show the table"),
    )


def all_that_run_in(run_id: str, wanted: float | None, book: Book) -> Said:
    from agent.pages.columns import need_of

    if book.table is None or wanted is None:
        return extreme(run_id, Column.MEMORY, book, most=False)
    context = book.table.request.needed_context
    needs = [(need.total, row.name) for row in book.rows if (need := need_of(row, context)) is not None]
    within = [f"{name}: about {gigabytes(total)}" for total, name in sorted(needs) if total <= wanted * 1e9]
    unknown = len(book.rows) - len(needs)
    return answer(
        f"{counted(len(within), 'candidate')} of {len(book.rows)} need at most {wanted:g} GB at "
        f"{context:,} tokens{':' if within else '.'}\n{items(first_of(within))}".rstrip(),
        f"Of {unknown} the need is unknown." if unknown else "",
        links=(view(run_id, "table", "the table"),),
        suggestions=("which needs the least memory?", "show the table"),
    )


def made_by(words: str, rows: Sequence[TableRow]) -> list[TableRow]:
    """Rows whose owner on the Hub, maker or line is called so."""
    wanted = words.strip(" \"'“”?.!").casefold()
    families = loader.families()
    found = []
    for row in rows:
        family = families.of(row.name) or families.of(row.key)
        called = {row.key.partition("/")[0].casefold(), row.family.casefold()}
        called |= set() if family is None else {family.maker, family.lineage, *map(str.casefold, family.orgs)}
        if wanted in called or any(one.startswith(f"{wanted}-") for one in called):
            found.append(row)
    return found


def of_maker(run_id: str, words: str, book: Book) -> Said:
    found = made_by(words, book.rows)
    if not found:
        return nobody_of(run_id, words, book)
    lines = [f"{row.name} ({row.key}): {stars(row.rating)}" for row in found]
    return answer(
        f"In the table from “{words}”:\n{items(first_of(lines))}",
        links=(view(run_id, "table", "the table"), model_page(run_id, found[0].key, found[0].name)),
        suggestions=(f"why not {found[0].name}?", f"leave out {found[0].name}"),
    )


def nobody_of(run_id: str, words: str, book: Book) -> Said:
    """Nobody is made by one who is called so: the owners that there are, to choose from."""
    owners = list(dict.fromkeys(row.key.partition("/")[0] for row in book.rows))
    return answer(
        f"Nobody in the table is from “{words}”. Where a maker is at home is in no source here; "
        f"the owners are {names(owners, 12)}."
        if owners
        else "There is no table yet.",
        f"They can be named: “leave out everything from {owners[0]}”." if owners else "",
        links=(view(run_id, "table", "the table"),) if owners else (),
        suggestions=("show the table", "only Apache licences") if owners else ("status",),
    )
