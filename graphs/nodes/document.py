"""``docs/base-model-evaluation.md``, with its figures and machine-readable results."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

from langgraph.runtime import Runtime as NodeRuntime

from graphs.desk import Desk
from graphs.report_data import assemble
from graphs.state import Journey
from store import evaluation
from tools.report import write_document

STAGE = "document"


async def document(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Write the document from the rows; written again it is the same."""
    desk = runtime.context
    services = desk.services
    judge = state["judge"]
    assert judge is not None
    data = await desk.look(assemble, judge, services.clock, services.replayed)
    target = Path(desk.options.out_dir) / "docs"
    written = await asyncio.to_thread(write_document, target, data)
    digest = sha256(await asyncio.to_thread(written.path.read_bytes)).hexdigest()
    await desk.write(evaluation.keep_document, str(written.path), digest, services.wall.now())
    kept = None if written.kept_previous is None else str(written.kept_previous)
    await desk.say(STAGE, "document", path=str(written.path), kept_previous=kept)
    return {}
