"""The shapes in which people write taxonomies, brought to one, with every line kept.

Afterwards ``topics`` is a list of mappings, each with a list of mappings ``subtopics``; edge cases that
stood in a list of their own are marked among the subtopics or have become a topic.
"""

from __future__ import annotations

import re
from typing import Any

from tools.yaml_lines import LinedList, LinedMap, did_you_mean, wrong

_WRAPPER = "taxonomy"
_EDGE_MARKS = frozenset({"edge_case", "is_edge_case", "edge"})
_EDGE_LISTS = frozenset({"edge_case", "edge_cases"})
_ALSO_BESIDE = frozenset({"topics", "styles", "style", "dimensions", "edge_cases", "wording", "domain"})
"""Keys that belong to the taxonomy also where they stand beside its wrapper."""
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
_NAMED_EDGE = re.compile(r"\bedge[ _-]?cases?\b", re.IGNORECASE)
EDGE_TOPIC = "edge cases"


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
    if root.get("edge_cases"):
        _place_edge_cases(root["edge_cases"], root, name)
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
        _put(root, "topics", inner, inner.line)
    elif isinstance(inner, LinedMap):
        for key, value in inner.items():
            _put(root, _folded_list_key(key), value, inner.lines[key])
    wrapped = isinstance(inner, LinedMap | LinedList)
    for key, value in tree.items():
        known = _folded_list_key(key)
        if known not in root and (known in _ALSO_BESIDE if wrapped else key != _WRAPPER):
            _put(root, known, value, tree.lines[key])
    return root


def _folded_list_key(key: str) -> str:
    folded = re.sub(r"[ -]", "_", key.casefold())
    return "edge_cases" if folded in _EDGE_LISTS else key


def _topics(given: LinedList | LinedMap, name: str) -> LinedList:
    listed = LinedList(given.line)
    if isinstance(given, LinedMap):
        for key, value in given.items():
            line = given.lines[key]
            if not isinstance(value, LinedMap | LinedList):
                wrong(name, line, f'the topic "{key}" has no subtopics.', "Give it a list of them.")
            _append(listed, _topic(_with_name(key, value, line), name), line)
        return listed
    for i, item in enumerate(given):
        if not isinstance(item, LinedMap):
            wrong(name, given.lines[i], "a topic is a mapping with name and subtopics.")
        _append(listed, _topic(item, name), given.lines[i])
    return listed


def _with_name(key: str, value: LinedMap | LinedList, line: int) -> LinedMap:
    topic = LinedMap(line)
    _put(topic, "name", key, line)
    if isinstance(value, LinedList):
        _put(topic, "subtopics", value, value.line)
    else:
        _update(topic, value)
    return topic


def _topic(given: LinedMap, name: str) -> LinedMap:
    topic = _marked(given)
    if isinstance(topic.get("subtopics"), LinedMap | LinedList):
        topic["subtopics"] = subtopic_list(topic["subtopics"], name)
    own = next((key for key in given if _folded_list_key(key) == "edge_cases"), None)
    if own is not None and isinstance(given[own], LinedMap | LinedList):
        edges = subtopic_list(topic.pop(own), name)
        line = topic.lines.pop(own)
        if not isinstance(topic.get("subtopics"), LinedList):
            _put(topic, "subtopics", LinedList(line), line)
        _mark_or_append(topic["subtopics"], edges)
    return topic


def subtopic_list(given: LinedList | LinedMap, name: str) -> LinedList:
    """Subtopics as a list of mappings. Given are names, mappings, or a mapping name → weight or fields."""
    listed = LinedList(given.line)
    if isinstance(given, LinedMap):
        for key, value in given.items():
            line = given.lines[key]
            entry = LinedMap(line)
            _put(entry, "name", key, line)
            if isinstance(value, LinedMap):
                _update(entry, value)
            elif value is not None:
                _put(entry, "weight", value, line)
            _append(listed, _marked(entry), line)
        return listed
    for i, item in enumerate(given):
        line = given.lines[i]
        if isinstance(item, bool) or item is None or isinstance(item, LinedList):
            shown = "true or false" if isinstance(item, bool) else "no name"
            wrong(name, line, f"this subtopic is {shown} to YAML.", "Write its name in quotes.")
        entry = item if isinstance(item, LinedMap) else LinedMap(line)
        if entry is not item:
            _put(entry, "name", str(item), line)
        _append(listed, _marked(entry), line)
    return listed


def _marked(given: LinedMap) -> LinedMap:
    """A topic or subtopic with ``edge_case`` and a plain ``weight`` however they were written."""
    result = LinedMap(given.line)
    for key, value in given.items():
        folded = re.sub(r"[ -]", "_", key.casefold())
        known = "edge_case" if folded in _EDGE_MARKS and isinstance(value, bool) else key
        if key == "weight" and value is None:
            continue
        _put(result, known, percent(value) if key == "weight" else value, given.lines[key])
    return result


def _place_edge_cases(given: Any, root: LinedMap, name: str) -> None:
    """Edge cases beside the topics: those that are subtopics are marked, the others become a topic."""
    line = root.lines["edge_cases"]
    extra = LinedMap(line)
    if isinstance(given, LinedMap) and "subtopics" in given:
        _update(extra, given)
        given = given["subtopics"]
    if not isinstance(given, LinedList | LinedMap):
        wrong(name, line, '"edge_cases" must be a list of names.')
    left = LinedList(given.line)
    for i, edge in enumerate(edges := subtopic_list(given, name)):
        there = [s for topic in root["topics"] for s in _subtopics(topic) if _same(s, edge)]
        for subtopic in there:
            _put(subtopic, "edge_case", True, edge.line)
        if not there:
            _append(left, edge, edges.lines[i])
    if not left:
        return
    _put(extra, "name", extra.get("name", EDGE_TOPIC), extra.lines.get("name", line))
    _put(extra, "subtopics", left, left.line)
    _put(extra, "edge_case", True, line)
    _append(root["topics"], _marked(extra), line)


def _mark_or_append(subtopics: LinedList, edges: LinedList) -> None:
    for i, edge in enumerate(edges):
        there = next((s for s in subtopics if _same(s, edge)), None)
        if there is None:
            _append(subtopics, edge, edges.lines[i])
        _put(there if there is not None else edge, "edge_case", True, edge.line)


def _subtopics(topic: LinedMap) -> list[LinedMap]:
    listed = topic.get("subtopics")
    return list(listed) if isinstance(listed, LinedList) else []


def _same(first: LinedMap, second: LinedMap) -> bool:
    one, other = first.get("name"), second.get("name")
    return isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold()


def _put(into: LinedMap, key: str, value: Any, line: int) -> None:
    into[key] = value
    into.lines[key] = line


def _append(into: LinedList, value: Any, line: int) -> None:
    into.lines[len(into)] = line
    into.append(value)


def _update(into: LinedMap, given: LinedMap) -> None:
    for key, value in given.items():
        _put(into, key, value, given.lines[key])
