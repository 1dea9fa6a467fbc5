"""What changed between two tables, in sentences: shown when an approval is refused."""

from __future__ import annotations

from typing import Any

from tools.table_records import ComparisonTable, TableRow, seen_row


def diff_tables(old: ComparisonTable, new: ComparisonTable) -> list[str]:
    """Sentences on what a person would see differently; empty exactly when the hashes agree."""
    before, after = {row.key: row for row in old.rows}, {row.key: row for row in new.rows}
    sentences = [f"{after[key].name} ({key}) is new." for key in after if key not in before]
    sentences += [f"{before[key].name} ({key}) is gone." for key in before if key not in after]
    for key, row in after.items():
        if key in before:
            sentences += _row_changes(before[key], row)
    if not sentences and [row.key for row in old.rows] != [row.key for row in new.rows]:
        sentences.append("The order of the candidates has changed.")
    if old.request != new.request or old.domain_title != new.domain_title:
        sentences.append("The request has changed.")
    if old.rejected != new.rejected:
        was, now = (sum(group.count for group in table.rejected) for table in (old, new))
        sentences.append(f"The rejected candidates have changed ({was} before, {now} now).")
    if old.coverage != new.coverage:
        sentences.append("The note on the coverage of the research has changed.")
    if old.rating_version != new.rating_version:
        sentences.append(f"The rating changed from version {old.rating_version} to {new.rating_version}.")
    return sentences


def _row_changes(old: TableRow, new: TableRow) -> list[str]:
    name, before, after = new.name, seen_row(old), seen_row(new)
    sentences = []
    if old.rating.stars != new.rating.stars:
        sentences.append(f"{name}: domain fit was {old.rating}, is {new.rating}.")
    for column, cell in after["cells"].items():
        sentences += _cell_changes(f"{name}: {column}", before["cells"].get(column), cell)
    if old.excluded != new.excluded:
        sentences += [f"{name} is excluded now: {why}" for why in new.excluded if why not in old.excluded]
        sentences += [
            f"{name} is no longer excluded for: {why}" for why in old.excluded if why not in new.excluded
        ]
    if before["evidence"] != after["evidence"]:
        sentences.append(
            f"{name}: the evidence has changed ({len(old.evidence)} → {len(new.evidence)} claims)."
        )
    for part, what in (
        ("licence", "licence verdict"),
        ("rating", "reasons for its stars"),
        ("family", "family"),
    ):
        if before[part] != after[part] and not sentences:
            sentences.append(f"{name}: its {what} changed.")
    if before != after and not sentences:
        sentences.append(f"{name}: what is shown of it has changed.")
    return sentences


def _cell_changes(where: str, old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    if old is None or old["text"] != new["text"]:
        was = "absent" if old is None else repr(old["text"])
        # The stars have a sentence of their own.
        return [] if where.endswith("⭐") and old is not None else [f"{where} was {was}, is {new['text']!r}."]
    if old["contradictions"] != new["contradictions"]:
        return [f"{where}: the sources that disagree have changed."]
    if (old["facts"], old["otherwise"]) != (new["facts"], new["otherwise"]):
        return [f"{where}: its sources have changed."]
    return []
