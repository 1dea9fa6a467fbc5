"""What LangGraph's clients call us."""

from __future__ import annotations

import uuid

from tools.faults import NotFound

GRAPH = "base-model-selector"
ALSO = frozenset({"agent"})
"""Other names of the graph; agent-chat-ui asks for this one unless it is told another."""

_GRAPHS = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
_RUNS = uuid.UUID("2f0f1c0e-6c1b-5d8e-9a43-5f3f0f3e7c55")
_TASKS = uuid.UUID("b2c8a2ee-3c0f-5f0b-8e0a-6a4f5b0b9d11")

ASSISTANT = str(uuid.uuid5(_GRAPHS, GRAPH))
"""LangGraph's servers name the assistant of a graph so."""


def check_assistant(name: str) -> None:
    """:class:`~tools.faults.NotFound` for any assistant but ours."""
    if name not in {GRAPH, ASSISTANT} | ALSO:
        raise NotFound(f"There is no assistant {name[:60]!r}.", f"There is one: {GRAPH}.")


def run_name(thread_id: str, kind: str, what: str) -> str:
    """The protocol's name of a run: the same for the same message, so that sending it twice is one run."""
    return str(uuid.uuid5(_RUNS, f"{thread_id}\0{kind}\0{what}"))


def offer_name(thread_id: str, message_id: str) -> str:
    """An offer as an interrupt; of the form of LangGraph's own names."""
    return uuid.uuid5(_TASKS, f"{thread_id}\0{message_id}").hex


def task_name(prompt_id: str) -> str:
    return str(uuid.uuid5(_TASKS, prompt_id))
