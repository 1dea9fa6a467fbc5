"""What a run was started with comes back from its row, and nonsense does not get in."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from graphs.options import Approver, RunOptions
from store import runs
from store.database import Database
from tests.standins.records import NOW


def test_options_come_back_from_the_row(database: Database):
    options = RunOptions(
        out_dir="/out", given={"size": "8B"}, approver=Approver.POLICY, judge="ollama:qwen3:8b", seed=7
    )
    with database.session() as session:
        run_id = runs.create(session, "x", options.model_dump(mode="json"), NOW)
    with database.reading() as session:
        assert RunOptions.model_validate(runs.get(session, run_id).options) == options


@pytest.mark.parametrize(
    "wrong",
    [{"count": 0}, {"count": 5001}, {"temperature": 2.1}, {"max_tokens": 0}, {"approver": "me"}, {"sede": 1}],
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        RunOptions.model_validate({"out_dir": "/out", **wrong})
