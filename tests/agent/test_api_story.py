"""Plain curl drives a run from its creation to its document."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.standins.patience import PATIENCE
from tests.standins.service import serving


def curl(*arguments: str) -> str:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def post(address: str, body: dict[str, Any]) -> Any:
    return json.loads(curl("-H", "Content-Type: application/json", "-d", json.dumps(body), address))


def until_it_waits(run: str) -> Any:
    """The state of the run once it waits for somebody, or has ended."""
    patience = time.monotonic() + 2 * PATIENCE
    while (state := json.loads(curl(run)))["status"] not in {"waiting", "done"}:
        assert time.monotonic() < patience, state
        assert state["status"] in {"queued", "running"}, state
        time.sleep(0.3)
    return state


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_curl_drives_a_run_to_its_document(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        created = post(f"{served.url}/api/runs", {"story": "therapy-8b"})
        run = f"{served.url}/api/runs/{created['id']}"
        waiting = until_it_waits(run)
        assert waiting["waits_for"]["prompt"]["kind"] == "approval"
        assert "Qwen" in curl("-H", "Accept: text/markdown", f"{run}/table")
        table = json.loads(curl(f"{run}/table"))
        post(f"{run}/approval", {"action": "approve", "table_hash": table["hash"], "by": "grace"})
        review = until_it_waits(run)
        assert review["waits_for"]["prompt"]["kind"] == "review"
        said = {"kind": "review", "notes": "It listens before it advises."}
        post(f"{run}/reply", {"prompt_id": review["waits_for"]["prompt_id"], "reply": said})
        done = until_it_waits(run)
        assert done["status"] == "done", done
        assert done["approvals"][0]["by"] == "grace"
        assert done["results"][0]["judged"] == 50
        assert "It listens before it advises." in curl(f"{run}/report")
        told = json.loads(curl(f"{run}/events?limit=1000"))
        assert [event["seq"] for event in told["items"]] == list(range(1, len(told["items"]) + 1))
