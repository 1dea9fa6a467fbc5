"""The outer graph: from a sentence to a document, waiting for a person where a person decides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

os.environ.setdefault(
    "LANGGRAPH_STRICT_MSGPACK", "true"
)  # before langgraph is imported: checkpoints are data

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from graphs.desk import Desk
from graphs.nodes.answer import answer
from graphs.nodes.approve import approve, record_approval
from graphs.nodes.choose_judge import check_judge, choose_judge, name_judge
from graphs.nodes.compare import compare
from graphs.nodes.decide import decide, record_review, review
from graphs.nodes.document import document
from graphs.nodes.intake import ask, intake
from graphs.nodes.judge import await_labels, judge
from graphs.nodes.pull import pull
from graphs.nodes.scenarios import agree, record_agreement, scenarios
from graphs.nodes.try_prompt import try_prompt
from graphs.state import Journey

if TYPE_CHECKING:
    from collections.abc import Callable

    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph


async def research(state: Journey, runtime: Runtime[Desk]) -> Command[Literal["research", "compare"]]:
    """Imported when it runs: whoever names a model needs none of it."""
    from graphs.nodes.research import research as station

    return await station(state, runtime)


STATIONS: dict[str, Any] = {
    "intake": intake,
    "ask": ask,
    "research": research,
    "compare": compare,
    "approve": approve,
    "record_approval": record_approval,
    "scenarios": scenarios,
    "agree": agree,
    "record_agreement": record_agreement,
    "name_judge": name_judge,
    "choose_judge": choose_judge,
    "pull": pull,
    "answer": answer,
    "check_judge": check_judge,
    "judge": judge,
    "await_labels": await_labels,
    "decide": decide,
    "review": review,
    "record_review": record_review,
    "try_prompt": try_prompt,
    "document": document,
}

EDGES = (
    (START, "intake"),
    ("compare", "approve"),
    ("approve", "record_approval"),
    ("agree", "record_agreement"),
    ("answer", "check_judge"),
    ("review", "record_review"),
    ("document", END),
)
"""The fixed ones; a station that can lead to several others chooses by itself (``Command``)."""


def build_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    *,
    furnish: Callable[[str, Any], Any] | None = None,
    begun_with: type[Any] = Journey,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled journey. State is :class:`Journey`, context is :class:`Desk`.

    Where nobody hands a context in, ``furnish`` makes of each station, by its name, one that finds its own
    desk; ``begun_with`` is the input's schema then.
    """
    context = Desk if furnish is None else None
    graph = StateGraph(Journey, context_schema=context, input_schema=begun_with)
    for name, station in STATIONS.items():
        graph.add_node(name, station if furnish is None else furnish(name, station))
    for start, end in EDGES:
        graph.add_edge(start, end)
    return graph.compile(checkpointer=checkpointer, name="base-model-selector")
