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
from tools.faults import Fault
from tools.report import ReportData, WrittenDocument, write_document

STAGE = "document"


async def document(state: Journey, runtime: NodeRuntime[Desk]) -> Journey:
    """Write the document from the rows; written again it is the same."""
    desk = runtime.context
    services = desk.services
    data = await desk.look(assemble, services.clock, services.replayed)
    written = await asyncio.to_thread(_write, services.data_dir / desk.options.out_dir, data)
    digest = sha256(await asyncio.to_thread(written.path.read_bytes)).hexdigest()
    path, now = str(written.path), services.wall.now()
    kept = None if written.kept_previous is None else str(written.kept_previous)
    told = {"path": path, "kept_previous": kept}
    await desk.write_and_say(STAGE, "document", told, evaluation.keep_document, path, digest, now)
    return {}


def _write(folder: Path, data: ReportData) -> WrittenDocument:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Fault(
            f"The folder {folder} cannot be made: {error.strerror}.",
            "The results are stored; `bms report` prints the document.",
        ) from error
    return write_document(folder / "docs", data)
