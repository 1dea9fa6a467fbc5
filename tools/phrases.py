"""Lists and counts as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 5


def listed(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """``a``, ``a and b``, ``a, b and c``; beyond ``most`` the number of the others."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def counted(count: int, word: str, several: str = "") -> str:
    """``1 scenario``, ``1,200 scenarios``; ``several`` is a plural that is not made with an s."""
    return f"{count:,} {word if count == 1 else several or f'{word}s'}"
