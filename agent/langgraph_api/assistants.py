"""The one assistant, and what the server can do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from agent.langgraph_api.interrupts import Schema
from agent.langgraph_api.names import ALSO, ASSISTANT, GRAPH, check_assistant
from agent.langgraph_api.wire import AssistantQuery
from agent.wishes import Wishes
from tools.faults import Fault
from tools.secrecy import without_secrets

router = APIRouter()

DRAW = (
    "import json; from graphs.journey import build_graph; "
    "print(json.dumps(build_graph().get_graph().to_json()))"
)
SINCE = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
"""The assistant was always there; clients want a date."""

_drawing: dict[str, Any] = {}


class StateSchema(BaseModel):
    """Values of a thread."""

    messages: list[dict[str, Any]] = Field(default_factory=list)
    """The conversation, in LangChain's form. An input has the person's next one."""
    run_id: str | None = None
    """Our run, as /api and the pages name it."""
    stage: str | None = None
    status: str | None = None
    proposal: dict[str, Any] | None = None
    table_hash: str | None = None
    approval: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    report: str | None = None
    """Where the document is, once it is written."""


class Configurable(BaseModel):
    interrupt_schema: Schema = Schema.BOTH
    """How what the run asks is shown."""


@router.get("/info")
async def info() -> dict[str, Any]:
    """Which protocol this is, and what of it there is."""
    return {
        "version": metadata.version("base-model-selector"),
        "flags": {"assistants": True, "crons": False, "langsmith": False, "strict_resume": True},
        "strict_resume": True,
    }


@router.get("/ok")
async def ok() -> dict[str, bool]:
    return {"ok": True}


@router.post("/assistants/search")
async def search_assistants(query: AssistantQuery) -> list[dict[str, Any]]:
    found = [_assistant()] if _matches(query) and query.offset == 0 else []
    return [_selected(one, query.select) for one in found]


@router.post("/assistants/count")
async def count_assistants(query: AssistantQuery) -> int:
    return int(_matches(query))


@router.get("/assistants/{assistant_id}")
async def get_assistant(assistant_id: str) -> dict[str, Any]:
    check_assistant(assistant_id)
    return _assistant()


@router.get("/assistants/{assistant_id}/schemas")
async def get_schemas(assistant_id: str) -> dict[str, Any]:
    """What goes in and what comes out, as JSON Schema."""
    check_assistant(assistant_id)
    said = {
        "type": "object",
        "properties": {"messages": {"type": "array", "items": {"type": "object"}}},
        "required": ["messages"],
    }
    return {
        "graph_id": GRAPH,
        "input_schema": {"anyOf": [said, Wishes.model_json_schema()]},
        "output_schema": StateSchema.model_json_schema(),
        "state_schema": StateSchema.model_json_schema(),
        "config_schema": Configurable.model_json_schema(),
        "context_schema": None,
    }


@router.get("/assistants/{assistant_id}/graph")
async def get_graph(assistant_id: str) -> dict[str, Any]:
    """The stations of the journey, drawn by a process of their own: this one does without langgraph."""
    check_assistant(assistant_id)
    if not _drawing:
        _drawing.update(await _drawn())
    return _drawing


@router.get("/assistants/{assistant_id}/subgraphs")
async def get_subgraphs(assistant_id: str) -> dict[str, Any]:
    check_assistant(assistant_id)
    return {}


async def _drawn() -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        DRAW,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=without_secrets(os.environ),
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise Fault("The graph cannot be drawn.", "`bms doctor` tells what is missing.")
    drawing: dict[str, Any] = json.loads(out)
    return drawing


def _assistant() -> dict[str, Any]:
    return {
        "assistant_id": ASSISTANT,
        "graph_id": GRAPH,
        "name": GRAPH,
        "description": "Which open-weight base model suits a domain, and is it already good enough?",
        "config": {},
        "context": {},
        "metadata": {"created_by": "system"},
        "version": 1,
        "created_at": SINCE,
        "updated_at": SINCE,
    }


def _matches(query: AssistantQuery) -> bool:
    named = query.graph_id is None or query.graph_id in {GRAPH} | ALSO
    called = query.name is None or query.name.casefold() in GRAPH
    held = _assistant()["metadata"]
    return named and called and all(held.get(key) == value for key, value in (query.metadata or {}).items())


def _selected(record: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    return record if fields is None else {key: record[key] for key in fields if key in record}
