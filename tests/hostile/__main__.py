"""``python -m tests.hostile``: bad inputs tried, by kind, and what each got, as Markdown.

The cases are those that the tests of this folder run; ``--cases`` names each of them.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.hostile.kinds import BOUNDED, REFUSED, USED, HostileCase

FIRST = (REFUSED, BOUNDED, USED)


def all_kinds() -> dict[str, list[HostileCase]]:
    """Every kind of every module of cases, in the order of their names."""
    kinds: dict[str, list[HostileCase]] = {}
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        module = import_module(f"tests.hostile.{path.stem}")
        for kind, cases in getattr(module, "KINDS", {}).items():
            kinds.setdefault(kind, []).extend(cases)
    return kinds


def table(kinds: dict[str, list[HostileCase]]) -> Iterator[str]:
    """Lines of a table: how many were tried of each kind, and how many got what."""
    said = Counter(case.got for cases in kinds.values() for case in cases)
    words = [*(word for word in FIRST if said[word]), *sorted(set(said) - set(FIRST))]
    yield f"| bad input | tried | {' | '.join(words)} |"
    yield f"|---|---:|{'---:|' * len(words)}"
    for kind, cases in kinds.items():
        got = Counter(case.got for case in cases)
        yield f"| {kind} | {len(cases)} | {' | '.join(str(got[word] or '') for word in words)} |"
    total = " | ".join(str(said[word]) for word in words)
    yield f"| **all** | **{sum(said.values())}** | {total} |"


def each(kinds: dict[str, list[HostileCase]]) -> Iterator[str]:
    """Every case by its name, under its kind."""
    for kind, cases in kinds.items():
        yield f"\n### {kind}\n"
        yield from (f"- {case.name}: {case.got}" for case in cases)


def main() -> None:
    kinds = all_kinds()
    lines = [*table(kinds), *(each(kinds) if "--cases" in sys.argv[1:] else ())]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
