"""The table of bad inputs counts what the tests run, each of them once."""

from __future__ import annotations

from collections import Counter

from tests.hostile.__main__ import all_kinds, table


def test_every_case_has_a_name_of_its_own_and_is_counted() -> None:
    kinds = all_kinds()
    for kind, cases in kinds.items():
        names = Counter(case.name for case in cases)
        assert not [name for name, times in names.items() if times > 1], kind
        assert all(case.got for case in cases)
    lines = list(table(kinds))
    assert len(lines) == len(kinds) + 3
    assert lines[-1].startswith(f"| **all** | **{sum(map(len, kinds.values()))}** |")
