"""Edge cases in a list beside the topics: where they belong, and how many of the scenarios are theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tools.taxonomy_shapes import append, marked, put, same, subtopic_list, update
from tools.yaml_lines import LinedList, LinedMap, wrong

EDGE_TOPIC = "edge cases"
SHARE = 0.1
"""Share of the scenarios that edge cases without weights get, unless the topics leave another."""
_WHOLE = 1e-6
"""How near to 1 a sum of weights counts as complete."""


class Apart(NamedTuple):
    """The topic that edge cases have become, the last one, has a share whatever the topics weigh."""

    share: float


def place_edge_cases(root: LinedMap, name: str, warnings: list[str]) -> Apart | None:
    """Mark those that are subtopics already; the others become the last of the topics.

    Weights given to them stand beside those of the topics. Without any, or where theirs sum to 1 like the
    topics', they are parts of a share that is said in ``warnings``. None where plain weights say all.
    """
    given = root.get("edge_cases")
    if not given:
        return None
    line = root.lines["edge_cases"]
    extra = LinedMap(line)
    if isinstance(given, LinedMap) and "subtopics" in given:
        update(extra, given)
        given = given["subtopics"]
    if not isinstance(given, LinedList | LinedMap):
        wrong(name, line, '"edge_cases" must be a list of names.')
    topics = list(root["topics"])
    left = _unmarked(subtopic_list(given, name), topics)
    if not left:
        return None
    put(extra, "name", extra.get("name", EDGE_TOPIC), extra.lines.get("name", line))
    put(extra, "subtopics", left, left.line)
    put(extra, "edge_case", True, line)
    edge_topic = marked(extra)
    append(root["topics"], edge_topic, line)
    return _weighed(edge_topic, [topic.get("weight") for topic in topics], name, warnings)


def _unmarked(edges: LinedList, topics: Sequence[LinedMap]) -> LinedList:
    """Edge cases that no topic has among its subtopics; the others are marked there."""
    left = LinedList(edges.line)
    for i, edge in enumerate(edges):
        listed = [topic["subtopics"] for topic in topics if isinstance(topic.get("subtopics"), LinedList)]
        there = [subtopic for subtopics in listed for subtopic in subtopics if same(subtopic, edge)]
        for subtopic in there:
            put(subtopic, "edge_case", True, edge.line)
        if not there:
            append(left, edge, edges.lines[i])
    return left


def _weighed(
    edge_topic: LinedMap, topic_weights: Sequence[Any], name: str, warnings: list[str]
) -> Apart | None:
    """The share of the edge cases; a weight that stands beside the others is put into ``edge_topic``."""
    beside = _total(topic_weights)
    own = edge_topic.get("weight")
    if own is not None:
        return Apart(own) if beside is None and _number(own) and 0 < own < 1 else None
    edges: LinedList = edge_topic["subtopics"]
    total = _total([edge.get("weight") for edge in edges])
    complete = total is not None and abs(total - 1) < _WHOLE and (beside is None or beside < 1 + _WHOLE)
    if total is None or not 0 < total < math.inf or complete or (beside is None and total > 1):
        rest = 0.0 if None in topic_weights else 1 - (beside or 0.0)
        return _unweighed(edge_topic, rest, name, warnings)
    for edge in edges:
        if _number(edge.get("weight")):
            edge["weight"] /= total
    if beside is None:
        return Apart(total)
    put(edge_topic, "weight", total, edge_topic.line)
    return None


def _unweighed(edge_topic: LinedMap, rest: float, name: str, warnings: list[str]) -> Apart | None:
    """``rest``, what the topics leave of 1, where that can be meant; else :data:`SHARE`."""
    leaves = _WHOLE < rest < 0.5
    share = rest if leaves else SHARE
    warnings.append(
        f"Nothing in {name} says how many of the scenarios are edge cases: together they get "
        f"{100 * share:.3g} % of them{', what the topics leave' if leaves else ''}. "
        "Weights of theirs, beside those of the topics, change that."
    )
    if not leaves:
        return Apart(share)
    put(edge_topic, "weight", share, edge_topic.line)
    return None


def _total(weights: Sequence[Any]) -> float | None:
    """Sum, a missing weight being the mean of the others; None without any."""
    given = [float(weight) for weight in weights if _number(weight)]
    return math.fsum(given) / len(given) * len(weights) if given else None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
