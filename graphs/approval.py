"""Whether an approval may be taken. Pure, and used both before a run is resumed and inside it."""

from __future__ import annotations

import re
from typing import NamedTuple

from graphs.prompts import Approval, ApprovalAction
from tools.facts import Factor
from tools.faults import Fault
from tools.identity import KnownNames
from tools.proposal import Proposal
from tools.table import Column, ComparisonTable, TableRow, diff_tables

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


NO_BACKUP = ""
"""As the backup of an approval: none is wanted, where None says nothing about it."""


class Refused(Fault):
    """This approval cannot be taken as it is."""


class TableChanged(Refused):
    """The table is another one than the person saw."""


class Pair(NamedTuple):
    primary: str | None
    backup: str | None


def settled_pair(approval: Approval, proposal: Proposal) -> Pair:
    """Who is primary and who is backup: what the person named, else the proposal, exchanged on ``swap``."""
    if approval.action not in {ApprovalAction.APPROVE, ApprovalAction.SWAP}:
        return Pair(None, None)
    if approval.action is ApprovalAction.SWAP:
        return Pair(approval.backup or proposal.backup, approval.primary or proposal.primary)
    backup = approval.backup
    if backup == NO_BACKUP:
        return Pair(approval.primary or proposal.primary, None)
    if backup is None and approval.primary in {None, proposal.primary}:
        backup = proposal.backup
    return Pair(approval.primary or proposal.primary, backup)


def check_approval(
    approval: Approval, proposal: Proposal, current: ComparisonTable, offered: ComparisonTable
) -> None:
    """Raise :class:`Refused` when the table has changed since it was seen, or the models cannot be meant.

    ``current`` is the table built from the rows as they are now, ``offered`` the newest one that was offered.
    """
    if approval.action in {ApprovalAction.REJECT, ApprovalAction.MORE}:
        return
    if approval.table_hash != current.hash:
        changes = diff_tables(offered, current)[:3] if offered.hash != current.hash else []
        what = (" " + " ".join(changes)) if changes else " It was built anew after you saw it."
        raise TableChanged(
            f"The table has changed since it was shown.{what}",
            "Look at it again with `bms table RUN`, then approve.",
        )
    if approval.action is ApprovalAction.EDIT:
        _check_edit(approval, current)
        return
    primary, backup = settled_pair(approval, proposal)
    if primary is None and approval.action is ApprovalAction.SWAP:
        raise Refused("There is no backup to exchange the primary with.", "Name one with --backup.")
    if primary is None:
        raise Refused(
            "There is no model to approve.", "Name one with --primary, ask for --more research, or --reject."
        )
    if primary == backup:
        raise Refused(f"{primary} cannot be its own backup.", "Name another one with --backup.")
    for key in filter(None, (primary, backup)):
        _check_row(key, current)


def _check_row(key: str, table: ComparisonTable) -> None:
    row = next((row for row in table.rows if row.key == key), None)
    if row is None:
        near = " or ".join(row.key for row in table.eligible[:3])
        raise Refused(
            f"{key!r} is not in the table.",
            "Name a model as the table does" + (f", such as {near}." if near else "."),
        )
    if row.excluded:
        raise Refused(
            f"{row.name} cannot be approved: {row.excluded[0]}",
            "Choose another one, or change the request and research again.",
        )


def _check_edit(approval: Approval, table: ComparisonTable) -> None:
    if not approval.add and not approval.exclude:
        raise Refused("An edit names models to add or to leave out.", "For example: add owner/name.")
    for key in approval.add:
        if not REPOSITORY.fullmatch(key):
            raise Refused(f"{key!r} is not a Hub repository.", "Write it as owner/name.")
    known = {row.key for row in table.rows}
    unknown = [key for key in approval.exclude if key not in known]
    if unknown:
        raise Refused(
            f"{unknown[0]!r} is not in the table.", "Leave out models by the name that it has there."
        )


def resolve_key(words: str, table: ComparisonTable) -> str:
    """The key that a person means: the key itself, a display name, or a part that only one row has."""
    wanted = words.strip().casefold()
    keys = [row.key for row in table.rows if row.key.casefold() == wanted]
    names = [row.key for row in table.rows if wanted in _short_names(row)]
    meant = KnownNames({row.key: (row.name, *_tags(row)) for row in table.rows}).key(words.strip())
    parts = [row.key for row in table.rows if wanted and wanted in f"{row.key} {row.name}".casefold()]
    found = keys or names or ([meant] if meant else parts)
    if len(found) == 1:
        return found[0]
    if not found:
        return words.strip()
    raise Refused(f"{words!r} could be {', '.join(found[:4])}.", "Name one of them in full.")


def _tags(row: TableRow) -> list[str]:
    """Ollama tags that were proved to be this candidate."""
    cell = row.cell(Column.QUANTIZATION)
    return [str(fact.value) for fact in cell.facts if fact.factor is Factor.OLLAMA_TAG]


def _short_names(row: TableRow) -> set[str]:
    """What people call a row without its owner: its display name, and its repository's last part."""
    return {row.name.casefold(), row.key.rpartition("/")[2].casefold()}
