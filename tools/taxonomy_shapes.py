"""The shapes in which people write taxonomies, brought to one, with every line kept.

Afterwards ``topics`` is a list of mappings, each with a list of mappings ``subtopics``; a topic without any
is its own. Edge cases beside the topics are placed by :mod:`tools.taxonomy_edges`.
"""

from __future__ import annotations

import re
from typing import Any

from tools.taxonomy_records import Subtopic, Topic
from tools.yaml_lines import LinedList, LinedMap, did_you_mean, wrong

_WRAPPER = "taxonomy"
_EDGE_MARKS = frozenset({"edge_case", "is_edge_case", "edge"})
_EDGE_LISTS = frozenset({"edge_case", "edge_cases"})
_ALSO_BESIDE = frozenset({"topics", "styles", "style", "dimensions", "edge_cases", "wording", "domain"})
"""Keys that belong to the taxonomy also where they stand beside its wrapper."""
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_NAMED_EDGE = re.compile(r"\bedge[ _-]?cases?\b", re.IGNORECASE)
_OF_A_SUBTOPIC = frozenset(Subtopic.model_fields) - frozenset(Topic.model_fields)


def taxonomy_root(tree: Any, name: str) -> LinedMap:
    """The mapping with the topics in the one shape, wrapped or not; else ``WrongUse`` with the line."""
    if not isinstance(tree, LinedMap):
        wrong(name, 1, "a taxonomy is a mapping with a list of topics.")
    root = _unwrapped(tree)
    if "topics" not in root:
        for key, line in root.lines.items():
            hint = did_you_mean(str(key), ["topics", _WRAPPER])
            if hint.startswith("Did"):
                wrong(name, line, f'the key "{key}" is not known here.', hint)
    topics = root.get("topics")
    if not isinstance(topics, LinedList | LinedMap) or not topics:
        line = root.lines.get("topics", root.line)
        wrong(name, line, '"topics" must be a list of topics.', "Give each a name and subtopics.")
    root["topics"] = _topics(topics, name)
    return root


def percent(value: Any) -> Any:
    """``"60 %"`` as 0.6; anything else as it is."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return float(found[1]) / 100 if found else value


def says_edge_case(name: str) -> bool:
    """Whether a name itself says that its bearer is an edge case: ``Edge cases (safety)``."""
    return _NAMED_EDGE.search(name) is not None


def _unwrapped(tree: LinedMap) -> LinedMap:
    inner = tree.get(_WRAPPER)
    root = LinedMap(tree.line)
    if isinstance(inner, LinedList):
        put(root, "topics", inner, inner.line)
    elif isinstance(inner, LinedMap):
        for key, value in inner.items():
            put(root, _folded_list_key(key), value, inner.lines[key])
    wrapped = isinstance(inner, LinedMap | LinedList)
    for key, value in tree.items():
        known = _folded_list_key(key)
        if known not in root and (known in _ALSO_BESIDE if wrapped else key != _WRAPPER):
            put(root, known, value, tree.lines[key])
    return root


def _folded_list_key(key: str) -> str:
    folded = re.sub(r"[ -]", "_", key.casefold())
    return "edge_cases" if folded in _EDGE_LISTS else key


def _topics(given: LinedList | LinedMap, name: str) -> LinedList:
    listed = LinedList(given.line)
    if isinstance(given, LinedMap):
        for key, value in given.items():
            line = given.lines[key]
            append(listed, _topic(_with_name(key, value, line, name), name), line)
        return listed
    for i, item in enumerate(given):
        append(listed, _topic(_named(item, given.lines[i], name), name), given.lines[i])
    return listed


def _with_name(key: str, value: Any, line: int, name: str) -> LinedMap:
    topic = LinedMap(line)
    put(topic, "name", key, line)
    if isinstance(value, LinedList):
        put(topic, "subtopics", value, value.line)
    elif isinstance(value, LinedMap):
        update(topic, value)
    elif isinstance(percent(value), int | float) and not isinstance(value, bool):
        put(topic, "weight", value, line)
    else:
        wrong(name, line, f'the topic "{key}" has no subtopics.', "Give it a list of them.")
    return topic


def _topic(given: LinedMap, name: str) -> LinedMap:
    topic = marked(given)
    if isinstance(topic.get("subtopics"), LinedMap | LinedList):
        topic["subtopics"] = subtopic_list(topic["subtopics"], name)
    own = next((key for key in given if _folded_list_key(key) == "edge_cases"), None)
    if own is not None and isinstance(given[own], LinedMap | LinedList):
        edges = subtopic_list(topic.pop(own), name)
        line = topic.lines.pop(own)
        if not isinstance(topic.get("subtopics"), LinedList):
            put(topic, "subtopics", LinedList(line), line)
        _mark_or_append(topic["subtopics"], edges)
    if "subtopics" not in topic and isinstance(topic.get("name"), str):
        _be_its_own(topic)
    return topic


def _be_its_own(topic: LinedMap) -> None:
    """A topic without subtopics is one: what only a subtopic can have moves there."""
    entry = LinedMap(topic.line)
    put(entry, "name", topic["name"], topic.lines["name"])
    for key in [key for key in topic if key in _OF_A_SUBTOPIC]:
        put(entry, key, topic.pop(key), topic.lines.pop(key))
    subtopics = LinedList(topic.line)
    append(subtopics, entry, topic.line)
    put(topic, "subtopics", subtopics, topic.line)


def subtopic_list(given: LinedList | LinedMap, name: str) -> LinedList:
    """Subtopics as a list of mappings. Given are names, mappings, or a mapping name → weight or fields."""
    listed = LinedList(given.line)
    if isinstance(given, LinedMap):
        for key, value in given.items():
            line = given.lines[key]
            entry = LinedMap(line)
            put(entry, "name", key, line)
            if isinstance(value, LinedMap):
                update(entry, value)
            elif value is not None:
                put(entry, "weight", value, line)
            append(listed, marked(entry), line)
        return listed
    for i, item in enumerate(given):
        append(listed, marked(_named(item, given.lines[i], name)), given.lines[i])
    return listed


def _named(item: Any, line: int, name: str) -> LinedMap:
    """An item of a list of topics or subtopics as a mapping; it may be a name alone."""
    if isinstance(item, bool) or item is None or isinstance(item, LinedList):
        shown = "true or false" if isinstance(item, bool) else "no name"
        wrong(name, line, f"this is {shown} to YAML.", "Write its name in quotes.")
    if isinstance(item, LinedMap):
        return item
    entry = LinedMap(line)
    put(entry, "name", str(item), line)
    return entry


def marked(given: LinedMap) -> LinedMap:
    """A topic or subtopic with ``edge_case`` and a plain ``weight`` however they were written."""
    result = LinedMap(given.line)
    for key, value in given.items():
        folded = re.sub(r"[ -]", "_", key.casefold())
        known = "edge_case" if folded in _EDGE_MARKS and isinstance(value, bool) else key
        if key == "weight" and value is None:
            continue
        put(result, known, percent(value) if key == "weight" else value, given.lines[key])
    return result


def _mark_or_append(subtopics: LinedList, edges: LinedList) -> None:
    for i, edge in enumerate(edges):
        there = next((s for s in subtopics if same(s, edge)), None)
        if there is None:
            append(subtopics, edge, edges.lines[i])
        put(there if there is not None else edge, "edge_case", True, edge.line)


def same(first: LinedMap, second: LinedMap) -> bool:
    one, other = first.get("name"), second.get("name")
    return isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold()


def put(into: LinedMap, key: str, value: Any, line: int) -> None:
    into[key] = value
    into.lines[key] = line


def append(into: LinedList, value: Any, line: int) -> None:
    into.lines[len(into)] = line
    into.append(value)


def update(into: LinedMap, given: LinedMap) -> None:
    for key, value in given.items():
        put(into, key, value, given.lines[key])
