"""A person's taxonomy, read from YAML: what is wrong is named with its line, what was put right is said."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from tools.phrases import listed
from tools.taxonomy_edges import Apart, place_edge_cases
from tools.taxonomy_records import KNOWLEDGE, Subtopic, Taxonomy, Topic, Wording, shares
from tools.taxonomy_shapes import percent, says_edge_case, taxonomy_root
from tools.yaml_lines import LinedList, LinedMap, did_you_mean, line_of, parse, read_text, validate, wrong

DEFAULT_STYLES = ("terse", "conversational", "detailed")
GENERAL = "general.taxonomy.yaml"
LONGEST_NAME = 120
LARGEST_WEIGHT = 1e9
_OWN_KEYS = ("topics", "wording", "edge_cases", "dimensions")
_STYLE_KEYS = ("styles", "style")
_RESERVED = ("id", "message", "topic", "subtopic", "edge_case", "edge case", "held_out", "dimensions")
"""Names of a scenario's other fields, which no dimension can have."""


class _Keys(BaseModel):
    """``tools/knowledge/taxonomy_keys.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: frozenset[str]
    """Keys of what stands beside the topics and is no dimension."""


def load_taxonomy(path: str | Path) -> Taxonomy:
    """The taxonomy in a YAML file; :class:`WrongUse` names the file and the line of what is wrong."""
    return parse_taxonomy(read_text(path), Path(path).name)


def parse_taxonomy(text: str, name: str) -> Taxonomy:
    """The taxonomy in ``text``, with or without a ``taxonomy:`` wrapper; ``name`` stands in error messages.

    ``topics`` is a list of names or ``{name, weight?, subtopics?}``, or a mapping name → subtopics or weight.
    ``styles`` and any other key that holds a list of names or a mapping name → weight is a dimension, also
    under ``dimensions``. Edge cases are marked by ``edge_case: true``, by a name that says so, or stand in a
    list ``edge_cases``. What cannot be read as any of this is left aside with a warning.
    """
    root = taxonomy_root(parse(text, name), name)
    warnings: list[str] = []
    topics = _topics(root, place_edge_cases(root, name, warnings), name, warnings)
    dimensions = _dimensions(root, name, warnings)
    styles = dimensions.pop("styles", None)
    if styles is None:
        styles = dict.fromkeys(DEFAULT_STYLES, 1 / len(DEFAULT_STYLES))
        warnings.append(f"{name} names no styles; {', '.join(DEFAULT_STYLES)} are used in equal parts.")
    _check_restrictions(topics, styles, root, name)
    wording = validate(Wording, root["wording"], name) if root.get("wording") else general_wording()
    title, domain = root.get("name"), root.get("domain")
    return Taxonomy(
        name=title if isinstance(title, str) and title else name,
        domain=domain if isinstance(domain, str) else "",
        drafted=root.get("drafted") is True,
        topics=topics,
        styles=styles,
        dimensions=dimensions,
        wording=wording,
        warnings=tuple(warnings),
    )


@cache
def general_wording() -> Wording:
    """Wording for taxonomies that bring none."""
    tree = parse(read_text(KNOWLEDGE / GENERAL), GENERAL)
    return validate(Wording, tree["wording"], GENERAL)


def _topics(root: LinedMap, apart: Apart | None, name: str, warnings: list[str]) -> tuple[Topic, ...]:
    listed: LinedList = root["topics"]
    found = [validate(Topic, item, name) for item in listed]
    _refuse_duplicates([t.name for t in found], "topic", name, lambda i: line_of(listed, (i, "name")))
    for i, topic in enumerate(found):
        names = [s.name for s in topic.subtopics]
        _refuse_duplicates(names, "subtopic", name, _line_in(listed[i]["subtopics"]))
    scaled = _topic_shares(found if apart is None else found[:-1], name, listed.line, warnings)
    if apart is not None:
        scaled = {title: share * (1 - apart.share) for title, share in scaled.items()}
        scaled[found[-1].name] = apart.share
    warnings += _alone(found, name)
    return tuple(
        topic.model_copy(
            update={
                "weight": scaled[topic.name],
                "subtopics": _subtopics(topic, name, line_of(listed, (i, "subtopics")), warnings),
            }
        )
        for i, topic in enumerate(found)
    )


def _topic_shares(topics: Sequence[Topic], name: str, line: int, warnings: list[str]) -> dict[str, float]:
    """Topic → share; topics without a weight get the mean of the others."""
    given = [topic.weight for topic in topics if topic.weight is not None]
    mean = math.fsum(given) / len(given) if given else 1.0
    if given and len(given) < len(topics):
        warnings.append(f"Some topics of {name} have no weight; they get the mean of the others, {mean:.3g}.")
    weights = {topic.name: mean if topic.weight is None else topic.weight for topic in topics}
    return _scaled(weights, "the topics", name, line, warnings if given else [])


def _alone(topics: Sequence[Topic], name: str) -> list[str]:
    """A warning of the topics whose only subtopic is the topic itself, with nothing but its name."""
    alone = [
        f"“{topic.name}”"
        for topic in topics
        if [s.name for s in topic.subtopics] == [topic.name] and not topic.subtopics[0].has_material
    ]
    if not alone:
        return []
    one = len(alone) == 1
    return [
        f"{listed(alone)} in {name} {'has' if one else 'have'} no subtopics, so there is little to word "
        f"scenarios from: {'it counts as its' if one else 'each counts as its'} own subtopic. "
        "Two to six subtopics a topic make them differ."
    ]


def _subtopics(topic: Topic, name: str, line: int, warnings: list[str]) -> tuple[Subtopic, ...]:
    """With edge cases marked, and weights scaled where any was given; without one all weigh 1."""
    given = [s.weight for s in topic.subtopics if "weight" in s.model_fields_set]
    weights = {s.name: s.weight for s in topic.subtopics}
    if given:
        missing = _missing_weight(topic.subtopics)
        weights = {s.name: s.weight if "weight" in s.model_fields_set else missing for s in topic.subtopics}
        weights = _scaled(weights, f"the subtopics of “{topic.name}”", name, line, warnings)
    all_edges = topic.edge_case or says_edge_case(topic.name)
    return tuple(
        s.model_copy(
            update={
                "weight": weights[s.name],
                "edge_case": s.edge_case or all_edges or says_edge_case(s.name),
            }
        )
        for s in topic.subtopics
    )


def _missing_weight(subtopics: Sequence[Subtopic]) -> float:
    """The mean of the others; what they leave of 1 where only edge cases have weights."""
    given = [s for s in subtopics if "weight" in s.model_fields_set]
    total = math.fsum(s.weight for s in given)
    without = [s for s in subtopics if s not in given]
    if without and total < 1 and all(s.edge_case for s in given) and not any(s.edge_case for s in without):
        return (1 - total) / len(without)
    return total / len(given)


def _scaled(
    weights: dict[str, float], what: str, name: str, line: int, warnings: list[str]
) -> dict[str, float]:
    total = math.fsum(weights.values())
    if total <= 0:
        wrong(name, line, f"the weights of {what} are all 0.", "Give at least one a weight above 0.")
    if abs(total - 1) > 1e-6:
        warnings.append(
            f"The weights of {what} in {name} sum to {total:.4g}, not to 1; they were normalised."
        )
    return shares(weights)


def _dimensions(root: LinedMap, name: str, warnings: list[str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    about = _keys().about
    for key, (value, line, said_so) in _candidates(root).items():
        if not said_so and key.casefold() in about:
            warnings.append(
                f'"{key}" in {name} is not taken for a dimension; it was left aside. '
                'Under "dimensions" it is one.'
            )
            continue
        known = _known_name(key, found, root, name, line)
        read = _read_dimension(key, value, name, line, required=said_so or known == "styles")
        if read is None:
            warnings.append(
                f'"{key}" in {name} is no dimension (a list of names, or name → weight); it was left aside.'
            )
            continue
        found[known] = _scaled(read.weights, f'"{key}"', name, line, warnings if read.weighted else [])
    return found


@cache
def _keys() -> _Keys:
    path = KNOWLEDGE / "taxonomy_keys.yaml"
    return validate(_Keys, parse(read_text(path), path.name), path.name)


class _Candidate(NamedTuple):
    value: Any
    line: int
    said_so: bool
    """Whether it stands under ``dimensions``."""


def _candidates(root: LinedMap) -> dict[str, _Candidate]:
    """Keys that may be dimensions; those under ``dimensions`` last."""
    inner = root.get("dimensions")
    nested = inner if isinstance(inner, LinedMap) else LinedMap()
    beside = {key: value for key, value in root.items() if key not in _OWN_KEYS and not _is_plain(value)}
    return {key: _Candidate(value, root.lines[key], False) for key, value in beside.items()} | {
        key: _Candidate(value, nested.lines[key], True) for key, value in nested.items()
    }


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | None)


def _known_name(key: str, found: Mapping[str, Any], root: LinedMap, name: str, line: int) -> str:
    """The dimension's name; ``styles`` for a key such as ``communication_styles``."""
    if key not in _STYLE_KEYS:
        near = difflib.get_close_matches(key, ["styles", *_OWN_KEYS], n=1, cutoff=0.8)
        if near:
            wrong(name, line, f'the key "{key}" is not known here.', f'Did you mean "{near[0]}"?')
    if key.casefold() in _RESERVED:
        wrong(name, line, f'a dimension cannot be called "{key}".', "A scenario has a field of that name.")
    styles = key in _STYLE_KEYS or (
        key.casefold().endswith(("style", "styles")) and not any(own in root for own in _STYLE_KEYS)
    )
    known = "styles" if styles and not (key not in _STYLE_KEYS and "styles" in found) else key
    if known in found:
        wrong(name, line, f'"{key}" says the same as another key.', "Keep one of the two.")
    return known


class _Weighted(NamedTuple):
    weights: dict[str, float]
    weighted: bool
    """Whether a person gave any of them."""


class _Entry(NamedTuple):
    name: str
    weight: Any
    """None where none was given."""
    line: int


def _read_dimension(key: str, value: Any, name: str, line: int, *, required: bool) -> _Weighted | None:
    """Weights by name; None when ``value`` is no dimension, which is an error where one is required."""
    entries = _entries(value, described=required)
    if not entries:
        if required:
            wrong(name, line, f'"{key}" must be a list of names or a mapping name → weight.')
        return None
    _refuse_duplicates([entry.name for entry in entries], "value", name, lambda i: entries[i].line)
    for entry in entries:
        _check_entry(entry, key, name)
    given = [float(entry.weight) for entry in entries if entry.weight is not None]
    mean = math.fsum(given) / len(given) if given else 1.0
    return _Weighted(
        {entry.name: mean if entry.weight is None else float(entry.weight) for entry in entries}, bool(given)
    )


def _check_entry(entry: _Entry, key: str, name: str) -> None:
    weight, shown = entry.weight, f'the weight of "{entry.name[:60]}" in "{key}"'
    if len(entry.name) > LONGEST_NAME:
        wrong(name, entry.line, f'a value of "{key}" has more than {LONGEST_NAME} characters.')
    if weight is None:
        return
    if not _is_weight(weight):
        wrong(name, entry.line, f"{shown} must be a number.")
    if not weight >= 0:
        wrong(name, entry.line, f"{shown} must not be negative.")
    if weight > LARGEST_WEIGHT:
        wrong(name, entry.line, f"{shown} must not be above {LARGEST_WEIGHT:g}.")


def _entries(value: Any, *, described: bool) -> list[_Entry] | None:
    """The values of a dimension; None when the shape is not one's. ``described``: text is a description."""
    if isinstance(value, LinedMap):
        weights = {k: percent(v.get("weight") if isinstance(v, LinedMap) else v) for k, v in value.items()}
        if described and all(isinstance(weight, str | None) for weight in weights.values()):
            return [_Entry(k, None, value.lines[k]) for k in weights]
        if not weights or (not described and not all(_is_weight(weight) for weight in weights.values())):
            return None
        return [_Entry(k, "" if v is None else v, value.lines[k]) for k, v in weights.items()]
    if not isinstance(value, LinedList):
        return None
    entries: list[_Entry] = []
    for i, item in enumerate(value):
        if isinstance(item, LinedMap) and isinstance(item.get("name"), str):
            entries.append(_Entry(item["name"].strip(), percent(item.get("weight")), value.lines[i]))
        elif isinstance(item, str | int | float) and str(item).strip():
            shown = str(item).lower() if isinstance(item, bool) else str(item).strip()
            entries.append(_Entry(shown, None, value.lines[i]))
        else:
            return None
    return entries


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line_in(listed: LinedList) -> Callable[[int], int]:
    return lambda i: line_of(listed, (i,))


def _refuse_duplicates(names: Sequence[str], what: str, name: str, line: Callable[[int], int]) -> None:
    seen: set[str] = set()
    for i, entry in enumerate(names):
        if entry.casefold() in seen:
            wrong(name, line(i), f'the {what} "{entry}" stands here a second time.', "Remove or rename one.")
        seen.add(entry.casefold())


def _check_restrictions(
    topics: Sequence[Topic], styles: Mapping[str, float], root: LinedMap, name: str
) -> None:
    for i, topic in enumerate(topics):
        for j, subtopic in enumerate(topic.subtopics):
            line = line_of(root, ("topics", i, "subtopics", j, "styles"))
            for style in subtopic.styles:
                if style not in styles:
                    wrong(name, line, f'"{style}" is not among the styles.', did_you_mean(style, styles))
            if subtopic.styles and not any(styles[style] for style in subtopic.styles):
                wrong(name, line, f'the styles of "{subtopic.name}" all have weight 0.')
