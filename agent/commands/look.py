"""Commands that show what the rows say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from agent.commands.common import check_folder, echo_json, opened, print_json
from store.database import Database
from tools.faults import WrongUse


def offered_table(database: Database, run_id: str) -> Any:
    """The newest table of a run, marked as shown; None when there is none."""
    from store import research, runs
    from tools.clock import SystemClock

    with database.session() as session:
        run_id = runs.get(session, run_id).id
        offered = research.newest_table(session, run_id)
        if offered is not None:
            research.mark_shown(session, run_id, offered.table.hash, SystemClock().now())
        return offered


def write_tables(folder: Path, offered: Any) -> list[Path]:
    """``table.md``, ``.csv``, ``.json`` and ``.html`` in ``folder``."""
    from tools.table_export import to_csv, to_json, to_markdown
    from tools.table_html import to_html
    from tools.whole_files import write_own

    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for ending, text in (
            ("md", to_markdown(offered.table)),
            ("csv", to_csv(offered.table)),
            ("json", to_json(offered.table)),
            ("html", to_html(offered.table, offered.proposal)),
        ):
            path = folder / f"table.{ending}"
            write_own(text, path)
            written.append(path)
    except OSError as error:
        raise WrongUse(
            f"The table cannot be written to {folder}: {error.strerror}.", "Name another folder with --out."
        ) from error
    return written


FORMS = ("terminal", "md", "csv", "json", "html")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--all", "everything", is_flag=True, help="Every row, not only the first twelve.")
@click.option("--sort", type=click.Choice(["stars", "size", "release", "downloads"]))
@click.option("--columns", help="Columns to show, such as params,licence,fit.")
@click.option("--licence", type=click.Choice(["commercial"]), help="Only what may be used commercially.")
@click.option("--family", help="Only candidates of this family or lineage, such as qwen.")
@click.option("--format", "form", type=click.Choice(FORMS), default="terminal")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(path_type=Path), help="Write table.md, .csv, .json and .html there.")
@click.option("--rejected", is_flag=True, help="List the rejected candidates with their reasons.")
def table(
    run_id: str,
    everything: bool,
    form: str,
    as_json: bool,
    out: Path | None,
    rejected: bool,
    **part: str | None,
) -> None:
    """Show a run's comparison table and proposal.

    --sort, --columns, --licence and --family choose what is shown; what is approved is always the whole.
    """
    from store import research, runs
    from tools.candidates import Standing
    from tools.escape import clean
    from tools.table_view import FIRST, Sort, parse_columns, shown

    form = "json" if as_json else form
    if rejected and form != "terminal":
        raise WrongUse("--rejected goes with the table for reading only, not with another format.")
    given = [name for name, value in part.items() if value is not None]
    if given and form in {"json", "html"}:
        raise WrongUse(f"--{given[0]} goes with the terminal, md and csv; {form} is the whole table.")
    columns = parse_columns(part["columns"] or "")
    with opened() as place:
        offered = offered_table(place.database, run_id)
        if offered is None:
            raise WrongUse(f"Run {run_id} has no table yet.", f"`bms show {run_id}` tells where it is.")
        limit = None if everything else FIRST
        view = shown(
            offered.table,
            limit=limit if form == "terminal" else None,
            sort=Sort(part["sort"] or Sort.STARS),
            columns=columns,
            commercial=part["licence"] == "commercial",
            family=part["family"],
        )
        if given and not view.rows:
            raise WrongUse(
                "No candidate of the table is left.", f"`bms table {run_id} --all` shows every one."
            )
        if rejected:
            with place.database.reading() as session:
                run_id = runs.get(session, run_id).id
                for candidate in research.ledger(session, run_id, Standing.REJECTED):
                    into = f"\t→ {clean(candidate.folded_into)}" if candidate.folded_into else ""
                    click.echo(f"{clean(candidate.key)}\t{clean(candidate.reason)}{into}")
        else:
            _print_as(form, place.console, offered, view, limit)
        for path in write_tables(out, offered) if out is not None else ():
            click.echo(path, err=form != "terminal")


def _print_as(form: str, console: Any, offered: Any, view: Any, limit: int | None) -> None:
    from agent.show import print_table
    from tools.table_export import to_csv, to_json, to_markdown
    from tools.table_html import to_html

    match form:
        case "json":
            echo_json(to_json(offered.table))
        case "html":
            click.echo(to_html(offered.table, offered.proposal), nl=False)
        case "md":
            click.echo(to_markdown(offered.table, limit, view))
        case "csv":
            click.echo(to_csv(offered.table, view), nl=False)
        case _:
            print_table(console, offered.table, offered.proposal, view=view)
            console.print(f"[dim]table {offered.table.hash[7:19]}[/]", highlight=False)


WHO = {1: "the artefact itself", 2: "its maker", 3: "a vendor", 4: "a third party"}
"""Who says so, by the number of :class:`tools.facts.SourceKind`."""


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("model")
@click.option("--json", "as_json", is_flag=True)
def evidence(run_id: str, model: str, as_json: bool) -> None:
    """Every fact and claim about one model with its sources, and how its stars came about."""
    from agent.terminal import plain
    from graphs.approval import resolve_key
    from store import research, runs

    with opened() as place, place.database.reading() as session:
        run_id = runs.get(session, run_id).id
        offered = research.newest_table(session, run_id)
        known = {candidate.key: candidate for candidate in research.ledger(session, run_id)}
        key = model if model in known or offered is None else resolve_key(model, offered.table)
        if key not in known:
            raise WrongUse(
                f"Run {run_id} has not come across {model!r}.",
                f"`bms table {run_id} --all` and `bms table {run_id} --rejected` list whom it has seen.",
            )
        facts, claims = research.facts(session, run_id, key), research.claims(session, run_id, key)
        row = None
        if offered is not None:
            row = next((row for row in offered.table.rows if row.key == key), None)
        if as_json:
            print_json(
                {
                    "candidate": known[key].model_dump(mode="json"),
                    "rating": None if row is None else row.rating.model_dump(mode="json"),
                    "facts": [fact.model_dump(mode="json") for fact in facts],
                    "claims": [claim.model_dump(mode="json") for claim in claims],
                }
            )
            return
        out = place.console
        out.print(
            f"[bold]{plain(known[key].name)}[/] {plain(key)}: {known[key].standing.value}", highlight=False
        )
        into = known[key].folded_into
        stands = f" → {plain(into)}" if into else ""
        out.print(f"  {plain(known[key].reason)}{stands}", highlight=False)
        if row is not None:
            _print_rating(out, row.rating)
        for fact in facts:
            said = f"“{fact.source.quote}”" if fact.source.quote else f"field {fact.source.record_field}"
            out.print(
                f"  [cyan]{fact.factor.value}[/] = {plain(fact.value)}{_read_by(fact.note)}\n"
                f"    {plain(said)} – {plain(fact.source.url.partition('?')[0])} ({WHO[fact.source.kind]}, "
                f"{fact.source.retrieved_at:%Y-%m-%d %H:%M} UTC)",
                highlight=False,
            )
        for claim in claims:
            flag = " [red](tries to instruct: not counted)[/]" if claim.suspicious else ""
            said = f", said {claim.dated:%Y-%m-%d}" if claim.dated else ""
            out.print(
                f"  [magenta]{claim.stance.value}[/] {claim.kind.value}, {claim.quality.value} source{said}, "
                f"read by {claim.found_by.value}{flag}: “{plain(claim.source.quote or '')}”\n"
                f"    {plain(claim.source.url)}",
                highlight=False,
            )
            for copy in claim.copies:
                out.print(f"    copied, not counted: {plain(copy)}", highlight=False)
        if not claims:
            out.print("  No claim about it in this domain was found.", highlight=False)


def _read_by(note: str) -> str:
    from agent.terminal import plain

    return f" [dim](read by the rule: {plain(note)})[/]" if note else ""


def _print_rating(out: Any, rating: Any) -> None:
    """Every half star: each part with how its points came about, then the sum."""
    from agent.terminal import STAR, plain

    stars = "no evidence" if rating.stars is None else f"{rating.stars:g} of 5 {STAR}"
    out.print(f"  [bold]{stars}[/] (formula {plain(rating.version)})", highlight=False)
    for part in rating.parts:
        out.print(
            f"    {plain(part.name)}: {part.points:+.2f} × {part.weight:g} – {plain(part.why)}",
            highlight=False,
        )
        for line in part.lines:
            out.print(f"      [dim]{plain(line)}[/]", highlight=False)
    for line in rating.arithmetic:
        out.print(f"    {plain(line)}", highlight=False)


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def runs(limit: int, as_json: bool) -> None:
    """List the runs, the newest first."""
    from rich.table import Table

    from agent.terminal import plain
    from store import orders
    from store import runs as rows
    from tools.clock import SystemClock

    with opened() as place, place.database.reading() as session:
        found = rows.latest(session, limit)
        now = SystemClock().now()
        status = {row.id: orders.status_of(session, row, now).value for row in found}
        if as_json:
            print_json(
                [
                    {
                        "run": row.id,
                        "text": row.text,
                        "status": status[row.id],
                        "stage": row.stage,
                        "detail": row.detail,
                        "created_at": row.created_at,
                        "story": row.options.get("story"),
                    }
                    for row in found
                ]
            )
            return
        if not found:
            click.echo('There are no runs yet. Start one: bms "evaluate 8B models for therapy coaching"')
            return
        grid = Table("Run", "Status", "Stage", "Request", "Started (UTC)")
        for row in found:
            name = f"{row.id} (replay)" if row.options.get("story") else row.id
            grid.add_row(
                name, status[row.id], row.stage, plain(row.text[:60]), f"{row.created_at:%Y-%m-%d %H:%M}"
            )
        place.console.print(grid)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--events", "with_events", is_flag=True, help="Every event.")
@click.option("--json", "as_json", is_flag=True)
def show(run_id: str, with_events: bool, as_json: bool) -> None:
    """Where a run is, what it has found, and what it waits for."""
    from store import events, orders, reading, research
    from store import runs as rows
    from store.schema import RunStatus
    from tools.clock import SystemClock

    with opened() as place, place.database.reading() as session:
        row = rows.get(session, run_id)
        status = orders.status_of(session, row, SystemClock().now())
        died = status is RunStatus.STOPPED and status.value != row.status
        counted = reading.counts(session, row.id)
        told: dict[str, Any] = {
            "run": row.id,
            "text": row.text,
            "status": status.value,
            "stage": row.stage,
            "host": row.options.get("host"),
            "detail": row.detail or ("its process has ended" if died else ""),
            "request": row.request,
            "searches": counted.searches,
            "fetches": counted.fetches,
            "pages": counted.pages,
            "candidates": len(research.ledger(session, row.id)),
            "approvals": [
                {"action": a.action, "by": a.by, "at": a.at} for a in research.approvals(session, row.id)
            ],
        }
        log = _all_events(session, row.id) if with_events else []
        if as_json:
            shown = [
                {"seq": e.seq, "at": e.at, "stage": e.stage, "kind": e.kind, "data": e.data} for e in log
            ]
            print_json(
                {
                    **told,
                    **({"events": shown} if with_events else {}),
                    "last_event": events.last_seq(session, row.id),
                }
            )
            return
        _print_run(place, session, told)
        for event in log:
            click.echo(
                f"{event.seq:5} {event.at:%H:%M:%S} {event.stage:14} {event.kind:12} {event.data}"[:300]
            )


def _all_events(session: Any, run_id: str) -> list[Any]:
    from store import events

    found: list[Any] = []
    while batch := events.after(session, run_id, found[-1].seq if found else 0):
        found += batch
    return found


def _print_run(place: Any, session: Any, told: dict[str, Any]) -> None:
    from agent.show import print_result
    from agent.terminal import plain
    from store import evaluation

    out = place.console
    where = f" on {told['host']}" if told["host"] else ""
    detail = plain(told["detail"])
    if told["status"] == "queued" and told["host"]:
        from agent.queue import leaving

        detail = leaving.sentence(session, told["run"], told["host"]) or detail
    out.print(f"[bold]Run {told['run']}[/]: {told['status']} at {told['stage']}{where}. {detail}")
    out.print(f"  {plain(told['text'][:300])}", highlight=False)
    out.print(
        f"  searches: {_tally(told['searches'])}; fetches: {_tally(told['fetches'])}; {told['pages']} pages, "
        f"{told['candidates']} candidates in the ledger",
        highlight=False,
    )
    for approval in told["approvals"]:
        out.print(f"  {approval['action']} by {plain(approval['by'])}, {approval['at']:%Y-%m-%d %H:%M} UTC")
    planned = len(evaluation.scenarios(session, told["run"]))
    for role in evaluation.roles(session, told["run"]):
        held = evaluation.held(session, told["run"], role)
        answers = len(evaluation.answers(session, told["run"], role))
        out.print(
            f"  {role} {plain(held.candidate if held else '?')}: {answers} of {planned} answers",
            highlight=False,
        )
    print_result(out, session, told["run"])
    for document in evaluation.documents(session, told["run"]):
        here = Path(document.path).exists()
        away = "" if here else f" (not here: `bms report {told['run']}` makes it anew)"
        out.print(f"  {document.path}{away}", highlight=False)


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--format", "form", type=click.Choice(["md", "html", "json"]), default="md", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--write", is_flag=True, help="Write the document, figures and files anew, where the run did.")
@click.option("--out", type=click.Path(path_type=Path), help="Write them under another folder instead.")
def report(run_id: str, form: str, as_json: bool, write: bool, out: Path | None) -> None:
    """Print the evaluation document as the rows are now, or write it anew with its files."""
    from agent.drive import story_of
    from graphs.report_data import assemble
    from store import evaluation
    from store import runs as rows
    from tools.clock import FixedClock, SystemClock
    from tools.report import render_html, render_json, render_markdown, write_document

    with opened() as place, place.database.reading() as session:
        row = rows.get(session, run_id)
        story = story_of(place.database, row.id)
        clock = SystemClock() if story is None else FixedClock(story.about.recorded_at)
        if not evaluation.has_assessments(session, row.id, "primary"):
            raise WrongUse(
                f"Run {row.id} has nothing to report yet.", f"`bms show {row.id}` tells where it is."
            )
        data = assemble(session, row.id, clock, None if story is None else story.replayed)
        if write or out is not None:
            folder = place.settings.home / row.options["out_dir"] if out is None else out.absolute()
            check_folder(folder / "docs")
            (folder / "docs").mkdir(parents=True, exist_ok=True)
            click.echo(write_document(folder / "docs", data).path)
            return
        render = {"md": render_markdown, "html": render_html, "json": render_json}[
            "json" if as_json else form
        ]
        (echo_json if as_json or form == "json" else click.echo)(render(data))
