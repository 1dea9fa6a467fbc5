"""An approval that another one replaced approves nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from graphs.desk import Desk
from graphs.nodes.approve import keep
from graphs.nodes.decide import _backup
from graphs.nodes.pull import _approved
from graphs.prompts import Approval, ApprovalAction
from tests.standins.records import NOW
from tools.faults import Fault


@pytest.mark.parametrize("second", ["", None, "c/C-8B"])
async def test_the_backup_is_that_of_the_last_approval(
    desk_for: Callable[..., Desk], second: str | None
) -> None:
    """The first primary could not be had; then its backup was approved as primary."""
    desk = desk_for()
    pairs = (("a/A-8B", "b/B-8B"), ("b/B-8B", second))
    for number, (primary, backup) in enumerate(pairs):
        approval = Approval(
            action=ApprovalAction.APPROVE,
            table_hash="",
            primary=primary,
            backup=backup,
            by="Ann",
            at=NOW + timedelta(minutes=number),
        )
        await desk.write(keep, approval, NOW)
    assert await _approved(desk, "primary") == "b/B-8B"
    assert await _backup(desk) == (second or None)
    if second:
        assert await _approved(desk, "backup") == second
    else:
        with pytest.raises(Fault, match="No backup model was approved"):
            await _approved(desk, "backup")
