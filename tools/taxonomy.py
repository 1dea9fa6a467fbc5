"""What scenarios are made of: topics, subtopics, styles and further dimensions, read from YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tools.faults import WrongUse
from tools.yaml_lines import LinedList, LinedMap, did_you_mean, line_of, parse, read_text, validate, wrong

KNOWLEDGE = Path(__file__).parent / "knowledge"
DEFAULT_STYLES = ("terse", "conversational", "detailed")
_OWN_KEYS = ("topics", "wording", "edge_cases")
_PLAIN_KEYS = ("name", "domain", "description", "version", "author", "notes", *_OWN_KEYS)
_STYLE_KEYS = ("styles", "style")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Material(BaseModel):
    """Sentences that messages are worded from. Any situation fits any details and asks beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    short: tuple[Text, ...] = ()
    """Whole terse messages."""
    situations: tuple[Text, ...] = ()
    """What happened, in a sentence or two."""
    details: tuple[Text, ...] = ()
    """What a person adds: feelings, background, what was tried."""
    asks: tuple[Text, ...] = ()
    """What the person wants."""


class Subtopic(Material):
    """One thing that people write about."""

    name: Name
    edge_case: bool = False
    """Rare and important: a crisis, a hostile person, next to no text."""
    weight: Weight = 1.0
    """Share within the topic, relative to the other subtopics."""
    styles: tuple[Name, ...] = ()
    """The styles it can be written in; empty for all."""
    examples: tuple[Text, ...] = ()
    """Whole messages in any style, used as they stand before any other wording."""
    bare: bool = False
    """Worded without the openers, personas, closers and tails that the whole taxonomy shares."""
    templates: tuple[Text, ...] = ()
    """Whole messages with ``{topic}``, ``{subtopic}`` and ``{domain}`` to be filled in."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Topic(BaseModel):
    """A group of subtopics with its share of the scenarios."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    weight: Weight | None = None
    """Share of the scenarios; shares of all topics sum to 1 once the taxonomy is loaded."""
    edge_case: bool = False
    """All of its subtopics are edge cases."""
    description: str = ""
    subtopics: tuple[Subtopic, ...] = Field(min_length=1)


class Wording(BaseModel):
    """Sentences that fit every subtopic of the taxonomy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    openers: tuple[Text, ...] = ()
    personas: tuple[Text, ...] = ()
    """Who is writing, in a sentence; used in detailed messages."""
    closers: tuple[Text, ...] = ()
    tails: tuple[Text, ...] = ()
    """A few words that may follow a terse message."""
    frames: Material = Material()
    """Material with ``{subtopic}`` and ``{topic}``, for subtopics that bring none of their own."""


class Taxonomy(BaseModel):
    """A loaded taxonomy; every group of weights sums to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    domain: str = ""
    drafted: bool = False
    """Made for a domain without a taxonomy of its own; a person should read it before a run."""
    topics: tuple[Topic, ...]
    styles: dict[str, float]
    """Name to share."""
    dimensions: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Further dimensions: name to (value to share)."""
    wording: Wording
    warnings: tuple[str, ...] = ()
    """What was put right on loading, in sentences for the person."""

    def topic(self, name: str) -> Topic | None:
        return next((topic for topic in self.topics if topic.name == name), None)


def load_taxonomy(path: str | Path) -> Taxonomy:
    """The taxonomy in a YAML file; :class:`WrongUse` names the file and the line of what is wrong."""
    return parse_taxonomy(read_text(path), Path(path).name)


def parse_taxonomy(text: str, name: str) -> Taxonomy:
    """The taxonomy in ``text``, with or without a ``taxonomy:`` wrapper; ``name`` stands in error messages.

    ``topics`` is a list of ``{name, weight?, subtopics}``. ``styles`` and any other key that holds a list of
    names or a mapping name → weight is a dimension. What cannot be one is left aside with a warning.
    """
    tree = parse(text, name)
    if not isinstance(tree, LinedMap):
        wrong(name, 1, "a taxonomy is a mapping with a list of topics.")
    root = tree["taxonomy"] if isinstance(tree.get("taxonomy"), LinedMap) else tree
    warnings: list[str] = []
    topics = _topics(root, name, warnings)
    dimensions = _dimensions(root, name, warnings)
    styles = dimensions.pop("styles", None)
    if styles is None:
        styles = dict.fromkeys(DEFAULT_STYLES, 1 / len(DEFAULT_STYLES))
        warnings.append(f"{name} names no styles; {', '.join(DEFAULT_STYLES)} are used in equal parts.")
    _check_restrictions(topics, styles, root, name)
    wording = validate(Wording, root["wording"], name) if root.get("wording") else general_wording()
    title, domain = root.get("name"), root.get("domain") or tree.get("domain")
    return Taxonomy(
        name=title if isinstance(title, str) and title else name,
        domain=domain if isinstance(domain, str) else "",
        topics=topics,
        styles=styles,
        dimensions=dimensions,
        wording=wording,
        warnings=tuple(warnings),
    )


def draft_taxonomy(domain: str, words: Sequence[str] = ()) -> Taxonomy:
    """A generic taxonomy for a free domain, marked as drafted.

    ``words`` are things that people of the domain deal with ("tenancy law", "deposits"); each becomes a
    subtopic. Raises :class:`WrongUse` when the domain is empty or too long to be one.
    """
    subject = " ".join(domain.split())
    if not 0 < len(subject) <= 120:
        raise WrongUse(
            "A domain is named in 1 to 120 characters.", 'Name it in a few words: "therapy coaching".'
        )
    base = parse_taxonomy(read_text(KNOWLEDGE / "general.taxonomy.yaml"), "general.taxonomy.yaml")
    topics = tuple(_filled(topic, subject) for topic in base.topics)
    named = tuple(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    if named:
        own = Topic(name=subject, weight=0.4, subtopics=tuple(Subtopic(name=word[:120]) for word in named))
        rest = tuple(topic.model_copy(update={"weight": (topic.weight or 0) * 0.6}) for topic in topics)
        topics = (own, *rest)
    note = f"This taxonomy was drafted for “{subject}”; read it and correct it before trusting a pass rate."
    return base.model_copy(
        update={
            "name": f"Draft for {subject}",
            "domain": subject,
            "drafted": True,
            "topics": topics,
            "warnings": (note,),
        }
    )


def general_wording() -> Wording:
    """Wording for taxonomies that bring none."""
    tree = parse(read_text(KNOWLEDGE / "general.taxonomy.yaml"), "general.taxonomy.yaml")
    return validate(Wording, tree["wording"], "general.taxonomy.yaml")


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """``weights`` scaled to sum to 1."""
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _filled(topic: Topic, domain: str) -> Topic:
    raw = topic.model_dump()
    for subtopic in raw["subtopics"]:
        for key in ("short", "situations", "details", "asks", "examples", "templates"):
            subtopic[key] = tuple(text.replace("{domain}", domain) for text in subtopic[key])
    return Topic.model_validate(raw)


def _topics(root: LinedMap, name: str, warnings: list[str]) -> tuple[Topic, ...]:
    listed = root.get("topics")
    if "topics" not in root:
        for key, line in root.lines.items():
            hint = did_you_mean(str(key), ["topics"])
            if hint.startswith("Did"):
                wrong(name, line, f'the key "{key}" is not known here.', hint)
    if not isinstance(listed, LinedList) or not listed:
        line = root.lines.get("topics", root.line)
        wrong(name, line, '"topics" must be a list of topics.', "Give each a name and subtopics.")
    for i, item in enumerate(listed):
        if not isinstance(item, LinedMap):
            wrong(name, listed.lines[i], "a topic is a mapping with name and subtopics.")
    found = [validate(Topic, item, name) for item in listed]
    _refuse_duplicates([t.name for t in found], "topic", name, lambda i: line_of(listed, (i, "name")))
    for i, topic in enumerate(found):
        names = [s.name for s in topic.subtopics]
        _refuse_duplicates(names, "subtopic", name, lambda j, i=i: line_of(listed, (i, "subtopics", j)))
    extra = _edge_topic(root, name, found)
    if extra is not None:
        found.append(extra)
    return _weighted_topics(found, listed, name, warnings)


def _edge_topic(root: LinedMap, name: str, topics: Sequence[Topic]) -> Topic | None:
    """A list ``edge_cases`` beside the topics is a topic of its own, with the mean weight of the others."""
    listed = root.get("edge_cases")
    if not listed:
        return None
    given = [topic.weight for topic in topics if topic.weight is not None]
    tree = LinedMap(root.lines["edge_cases"])
    tree.update(name="edge cases", subtopics=listed, edge_case=True)
    tree.lines.update(name=tree.line, subtopics=tree.line, edge_case=tree.line)
    if given:
        tree.update(weight=math.fsum(given) / len(given))
    return validate(Topic, tree, name)


def _weighted_topics(
    topics: list[Topic], listed: LinedList, name: str, warnings: list[str]
) -> tuple[Topic, ...]:
    given = [topic.weight for topic in topics if topic.weight is not None]
    mean = math.fsum(given) / len(given) if given else 1.0
    if given and len(given) < len(topics):
        warnings.append(f"Some topics of {name} have no weight; they get the mean of the others, {mean:.3g}.")
    weights = {topic.name: mean if topic.weight is None else topic.weight for topic in topics}
    scaled = _scaled(weights, "topics", name, listed.line, warnings if given else [])
    return tuple(
        topic.model_copy(
            update={
                "weight": scaled[topic.name],
                "subtopics": tuple(_marked(subtopic, topic) for subtopic in topic.subtopics),
            }
        )
        for topic in topics
    )


def _marked(subtopic: Subtopic, topic: Topic) -> Subtopic:
    named_so = topic.name.casefold().replace("_", " ").replace("-", " ") in {"edge case", "edge cases"}
    if subtopic.edge_case or not (topic.edge_case or named_so):
        return subtopic
    return subtopic.model_copy(update={"edge_case": True})


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
    for key, value in root.items():
        if key in _PLAIN_KEYS or isinstance(value, str | int | float | bool | None):
            continue
        line = root.lines[key]
        if key not in _STYLE_KEYS:
            hint = did_you_mean(key, ["styles", *_OWN_KEYS])
            if hint.startswith("Did"):
                wrong(name, line, f'the key "{key}" is not known here.', hint)
        read = _read_dimension(key, value, name, line)
        if read is None:
            warnings.append(
                f'"{key}" in {name} is neither a list of names nor name → weight; it was left aside.'
            )
            continue
        weights, weighted = read
        known = "styles" if key in _STYLE_KEYS else key
        if known in found:
            wrong(name, line, f'"{key}" says the same as another key.', "Keep one of the two.")
        found[known] = _scaled(weights, key, name, line, warnings if weighted else [])
    return found


def _read_dimension(key: str, value: Any, name: str, line: int) -> tuple[dict[str, float], bool] | None:
    """Weights by name, and whether a person gave them; None when ``value`` is no dimension."""
    required = key in _STYLE_KEYS
    pairs = _pairs(value)
    if pairs is None or not pairs:
        if required:
            wrong(name, line, f'"{key}" must be a list of names or a mapping name → weight.')
        return None
    names = [entry for entry, _, _ in pairs]
    _refuse_duplicates(names, "value", name, lambda i: pairs[i][2])
    for entry, weight, at in pairs:
        if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float)):
            wrong(name, at, f'the weight of "{entry}" in "{key}" must be a number.')
        if weight is not None and not (math.isfinite(weight) and weight >= 0):
            wrong(name, at, f'the weight of "{entry}" in "{key}" must not be negative.')
    given = [weight for _, weight, _ in pairs if weight is not None]
    mean = math.fsum(given) / len(given) if given else 1.0
    return {entry: mean if weight is None else float(weight) for entry, weight, _ in pairs}, bool(given)


def _pairs(value: Any) -> list[tuple[str, Any, int]] | None:
    """(name, weight or None, line) of each entry; None when the shape is not a dimension's."""
    if isinstance(value, LinedMap):
        weights = {k: v.get("weight") if isinstance(v, LinedMap) else v for k, v in value.items()}
        if not any(isinstance(weight, int | float) for weight in weights.values()):
            return None
        return [(k, "" if v is None else v, value.lines[k]) for k, v in weights.items()]
    if not isinstance(value, LinedList):
        return None
    pairs: list[tuple[str, Any, int]] = []
    for i, item in enumerate(value):
        if isinstance(item, LinedMap) and isinstance(item.get("name"), str):
            pairs.append((item["name"].strip(), item.get("weight"), value.lines[i]))
        elif isinstance(item, str | int | float) and str(item).strip():
            pairs.append((str(item).strip(), None, value.lines[i]))
        else:
            return None
    return pairs


def _refuse_duplicates(names: Sequence[str], what: str, name: str, line: Any) -> None:
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
            for style in subtopic.styles:
                if style not in styles:
                    line = line_of(root, ("topics", i, "subtopics", j, "styles"))
                    wrong(name, line, f'"{style}" is not among the styles.', did_you_mean(style, styles))
