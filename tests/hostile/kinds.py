"""What a case of the hostile world is, so that all of them can be counted together.

A module ``tests.hostile.cases_*`` has ``KINDS``: kind → its cases. A case has a ``name`` and ``got``,
what became of the bad input; the tests beside it assert exactly that, so the count is of what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

REFUSED = "refused"
"""Not used, and said why: a typed outcome or a fault with a sentence."""
BOUNDED = "bounded"
"""Used in part or given up, at a limit that held."""
USED = "used"
"""Taken for what it is, and harmless."""


class HostileCase(Protocol):
    """One bad input."""

    @property
    def name(self) -> str: ...

    @property
    def got(self) -> str: ...


Kinds = Mapping[str, Sequence[HostileCase]]
