"""Two-column tables about the run: what research did, and how to run it again."""

from __future__ import annotations

from tools.report import figures
from tools.report.data import ReportData
from tools.report.drawing import Figure, percent
from tools.report.lines import Line


def research_lines(data: ReportData) -> tuple[Line, ...]:
    """What research did; nothing when a model was named directly."""
    done = data.research
    if done is None:
        return ()
    lines = []
    for name, counts in (("Search queries", done.searches), ("Addresses fetched", done.fetches)):
        lines.append(
            Line(
                name,
                f"{counts.asked}: {counts.found} found something, {counts.empty} found nothing, "
                f"{counts.blocked} blocked, {counts.failed} failed",
            )
        )
    rejected = "; ".join(f"{group.count} × {group.reason}" for group in done.rejected)
    oldest = "none" if done.oldest_fact is None else f"{done.oldest_fact:%Y-%m-%d %H:%M} UTC"
    return (
        *lines,
        Line("Pages and records read", str(done.pages_read)),
        Line("Candidates", f"{done.seen} seen, {done.accepted} accepted, {done.rejections} rejected"),
        *((Line("Rejected because", rejected),) if rejected and data.table is None else ()),
        Line("Facts and claims kept", f"{done.facts} facts, {done.claims} claims, each with its source"),
        Line("Oldest fact read", oldest),
        *_covered(data),
        Line("Waves", str(done.waves)),
        *((Line("Why it stopped", done.stopped),) if done.stopped else ()),
    )


def coverage_figure(data: ReportData) -> Figure | None:
    """How candidates became known, query by query; None when it was not measured."""
    note = None if data.table is None else data.table.coverage
    if note is None or note.measured is None or not note.measured.curve:
        return None
    return figures.coverage_curve("coverage-research", note.measured)


def _covered(data: ReportData) -> tuple[Line, ...]:
    note = None if data.table is None else data.table.coverage
    if note is None or note.measured is None or note.share is None:
        return (Line("Coverage", "not measured"),) if data.table is not None else ()
    found = note.measured
    lines = [
        Line(
            "Coverage",
            f"{percent(note.share)}: what a query shows next is known with probability "
            f"{percent(found.sample_coverage or 0.0)} (Good–Turing), and {found.queries} of "
            f"{found.queries + found.unanswered} queries were answered",
        ),
        Line(
            "Estimated unseen",
            f"{found.unseen:.1f} viable candidates of the kind that queries show (Chao2, a lower bound)",
        ),
    ]
    if found.truncated:
        lines.append(Line("Listings not read to their end", "; ".join(found.truncated)))
    return tuple(lines)


def reproduce_lines(data: ReportData) -> tuple[Line, ...]:
    """What somebody needs to run it again."""
    setup = data.setup
    where = ", ".join(filter(None, (f"Python {setup.python}" if setup.python else "", setup.platform)))
    lines = [
        Line("Run", data.run_id),
        Line("Program", f"base-model-selector {setup.version}" + (f", {where}" if where else "")),
        Line("Seed, scenarios", f"{setup.seed}, {setup.count}"),
    ]
    for view in data.models:
        artefact = view.loaded.artefact
        lines.append(Line(f"Model ({view.role})", f"{artefact.name}, {artefact.digest or 'no digest'}"))
        version = view.conditions.runtime_version or "(version unknown)"
        lines.append(Line(f"Runtime ({view.role})", f"{view.conditions.runtime} {version}"))
    if data.table is not None:
        lines.append(Line("Table approved from", data.table.hash))
        lines.append(Line("Rating version", data.table.rating_version))
    lines += [Line(f"File given, {flag}", path) for flag, path in sorted(setup.files.items())]
    return tuple(lines)
