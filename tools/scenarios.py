"""Scenarios: chosen by quota, worded from the taxonomy's material, checked for coverage and near-duplicates.

A model may word them instead: ask it with :func:`wording_prompt`, check what it says with
:func:`accept_wording`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from tools.evaluation import Scenario
from tools.runtimes.base import Message
from tools.scenario_files import dump_scenarios, load_scenarios
from tools.selection import MAX_COUNT, Slot, select
from tools.taxonomy import Taxonomy
from tools.wording import Rejection, Worder, accept_wording, resemblance, words_of

__all__ = [
    "MAX_COUNT",
    "Coverage",
    "CoverageRow",
    "NearDuplicate",
    "Rejection",
    "Slot",
    "accept_wording",
    "coverage",
    "dump_scenarios",
    "generate",
    "load_scenarios",
    "near_duplicates",
    "select",
    "wording_prompt",
]


class CoverageRow(NamedTuple):
    """One value of one dimension: how many scenarios were wanted, and how many there are."""

    dimension: str
    value: str
    wanted: int
    got: int

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.got)


class Coverage(NamedTuple):
    """How a set of scenarios covers a taxonomy."""

    rows: tuple[CoverageRow, ...]
    """Topics, subtopics (``topic / subtopic``), styles, edge cases, further dimensions, topic × style."""
    unknown: tuple[CoverageRow, ...]
    """Values that the scenarios have and the taxonomy does not."""
    near_duplicates: int
    """Pairs of messages that say almost the same."""

    @property
    def missing(self) -> tuple[CoverageRow, ...]:
        return tuple(row for row in self.rows if row.missing)


class NearDuplicate(NamedTuple):
    """Two scenarios whose messages share most of their words."""

    first: str
    second: str
    resemblance: float


def generate(taxonomy: Taxonomy, count: int, seed: int = 0) -> list[Scenario]:
    """``count`` scenarios (1 to 5,000) from ``taxonomy``; the same arguments give the same scenarios.

    No message occurs twice, and one that resembles an earlier one is reworded as far as the material allows.
    Raises :class:`WrongUse` when the count is out of range or the material cannot word that many messages.
    """
    worder = Worder(taxonomy)
    return [
        Scenario(
            id=slot.id,
            topic=slot.topic.name,
            subtopic=slot.subtopic.name,
            style=slot.style,
            edge_case=slot.subtopic.edge_case,
            dimensions=slot.dimensions,
            message=worder.word(slot.topic, slot.subtopic, slot.style, Random(f"{seed}/{slot.id}")),
        )
        for slot in select(taxonomy, count, seed)
    ]


def coverage(scenarios: Sequence[Scenario], taxonomy: Taxonomy) -> Coverage:
    """What the scenarios cover, beside what a selection of the same size would."""
    wanted: Counter[tuple[str, str]] = Counter()
    if scenarios:
        slots = select(taxonomy, min(len(scenarios), MAX_COUNT))
        wanted = _counts(
            (s.topic.name, s.subtopic.name, s.style, s.subtopic.edge_case, s.dimensions) for s in slots
        )
    got = _counts((s.topic, s.subtopic, s.style, s.edge_case, s.dimensions) for s in scenarios)
    known = _values(taxonomy)
    rows = tuple(CoverageRow(d, v, wanted[d, v], got[d, v]) for d, v in known)
    there = set(known)
    unknown = tuple(CoverageRow(d, v, 0, n) for (d, v), n in sorted(got.items()) if (d, v) not in there)
    return Coverage(rows, unknown, len(near_duplicates(scenarios)))


def near_duplicates(scenarios: Sequence[Scenario], threshold: float = 0.7) -> list[NearDuplicate]:
    """Pairs whose messages resemble each other by ``threshold`` or more (Jaccard index of words and pairs).

    Prefix filtering (Chaudhuri, Ganti and Kaushik, 2006): sets so much alike share one of their rarest words.
    """
    sets = [words_of(scenario.message) for scenario in scenarios]
    frequency = Counter(word for words in sets for word in words)
    holding: dict[str, list[int]] = {}
    found: list[NearDuplicate] = []
    for i, words in enumerate(sets):
        rarest_first = sorted(words, key=lambda word: (frequency[word], word))
        prefix = rarest_first[: len(words) - math.ceil(threshold * len(words)) + 1]
        for j in sorted({j for word in prefix for j in holding.get(word, ())}):
            value = resemblance(words, sets[j])
            if value >= threshold:
                found.append(NearDuplicate(scenarios[j].id, scenarios[i].id, value))
        for word in prefix:
            holding.setdefault(word, []).append(i)
    return found


def wording_prompt(slot: Slot, domain: str = "") -> tuple[Message, ...]:
    """Messages that ask a model to word one scenario; check what it says with :func:`accept_wording`."""
    length = {
        "terse": "one line, at most 20 words, the way people type in a hurry",
        "detailed": "five to nine sentences with background",
    }.get(slot.style, "two to four sentences")
    more = "".join(f"\n{name}: {value}" for name, value in slot.dimensions.items())
    system = (
        "You write test messages as a member of the public would type them into a chat. "
        "Reply with the message alone: no quotation marks, no label, no answer to it, no remark about it."
    )
    user = (
        f"Field: {domain or 'general'}\nTopic: {slot.topic.name}\nSubtopic: {slot.subtopic.name}\n"
        f"Style: {slot.style} ({length}){more}\n\nWrite the person's first message, in the first person."
    )
    return Message(role="system", content=system), Message(role="user", content=user)


def _counts(entries: Iterable[tuple[str, str, str, bool, Mapping[str, str]]]) -> Counter[tuple[str, str]]:
    counter: Counter[tuple[str, str]] = Counter()
    for topic, subtopic, style, edge, dimensions in entries:
        counter["topic", topic] += 1
        counter["subtopic", f"{topic} / {subtopic}"] += 1
        counter["style", style] += 1
        counter["edge case", "yes" if edge else "no"] += 1
        counter["topic × style", f"{topic} × {style}"] += 1
        counter.update(dimensions.items())
    return counter


def _values(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    subtopics = [(topic, subtopic) for topic in taxonomy.topics for subtopic in topic.subtopics]
    return [
        *(("topic", topic.name) for topic in taxonomy.topics),
        *(("subtopic", f"{topic.name} / {subtopic.name}") for topic, subtopic in subtopics),
        *(("style", style) for style in taxonomy.styles),
        *(("edge case", "yes" if edge else "no") for edge in sorted({s.edge_case for _, s in subtopics})),
        *((name, value) for name, weights in taxonomy.dimensions.items() for value in weights),
        *(("topic × style", f"{t.name} × {style}") for t in taxonomy.topics for style in taxonomy.styles),
    ]
