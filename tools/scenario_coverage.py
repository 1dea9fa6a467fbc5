"""How a set of scenarios covers a taxonomy, beside what a selection of the same size would."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import NamedTuple

from tools.evaluation import Scenario
from tools.near_duplicates import near_duplicates
from tools.selection import MAX_COUNT, subtopic_quota, topic_quota, value_quota
from tools.taxonomy_records import Taxonomy

TOPIC, SUBTOPIC, STYLE, EDGE = "topic", "subtopic", "style", "edge case"
TOPIC_STYLE = "topic × style"


class CoverageRow(NamedTuple):
    """One value of one dimension: how many scenarios were wanted, and how many there are."""

    dimension: str
    value: str
    wanted: int
    """By quota. Of several ways to share out by largest remainder, the one nearest to what there is; of a
    pair, its share rounded towards what there is."""
    got: int
    share: float | None = None
    """Of all scenarios, by its weight alone; None for a value that the taxonomy does not know."""

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.got)


class PairBalance(NamedTuple):
    """How evenly two dimensions are crossed."""

    first: str
    second: str
    cells: int
    """Pairs of values that have a share."""
    filled: int
    """Those with a scenario."""
    furthest: float
    """Scenarios by which the pair that is furthest from its share (row × column / all) misses it."""


class Coverage(NamedTuple):
    """How a set of scenarios covers a taxonomy."""

    rows: tuple[CoverageRow, ...]
    """Topics, subtopics (``topic / subtopic``), styles, edge cases, further dimensions, topic × style."""
    unknown: tuple[CoverageRow, ...]
    """Values that the scenarios have and the taxonomy does not."""
    near_duplicates: int
    """Pairs of messages in the set that say almost the same."""
    pairs: tuple[PairBalance, ...] = ()
    """Topic, style and the further dimensions, each with each other."""
    held_out: int = 0
    """Scenarios kept for judging a later fine-tune."""
    repeating: int = 0
    """Scenarios whose message says almost the same as one before it; without them no pair would be left."""

    @property
    def missing(self) -> tuple[CoverageRow, ...]:
        return tuple(row for row in self.rows if row.missing)

    @property
    def off_weight(self) -> tuple[CoverageRow, ...]:
        """Topics, styles, edge cases and further dimensions of which coverage wants more, or fewer, by a
        scenario at least, than their weights alone."""
        count = sum(row.wanted for row in self.rows if row.dimension == TOPIC)
        shown = [row for row in self.rows if row.dimension not in {SUBTOPIC, TOPIC_STYLE}]
        mirrored = EDGE, _yes(False)
        return tuple(
            row
            for row in shown
            if abs(row.wanted - (row.share or 0.0) * count) >= 1 and (row.dimension, row.value) != mirrored
        )


Counts = Counter[tuple[str, str]]


def coverage(scenarios: Sequence[Scenario], taxonomy: Taxonomy) -> Coverage:
    """What the scenarios cover, beside what a selection of the same size would, whatever its seed."""
    got = _counts(scenarios)
    known = _values(taxonomy)
    wanted = _wanted(taxonomy, min(len(scenarios), MAX_COUNT), got) if scenarios else Counter()
    there, share = set(known), _shares(taxonomy)
    near = near_duplicates(scenarios)
    return Coverage(
        rows=tuple(CoverageRow(d, v, wanted[d, v], got[d, v], share[d, v]) for d, v in known),
        unknown=tuple(CoverageRow(d, v, 0, n) for (d, v), n in sorted(got.items()) if (d, v) not in there),
        near_duplicates=len(near),
        pairs=_pairs(scenarios, taxonomy),
        held_out=sum(scenario.held_out for scenario in scenarios),
        repeating=len({pair.second for pair in near}),
    )


def _wanted(taxonomy: Taxonomy, count: int, got: Counts) -> Counts:
    """The quotas, with every tie in favour of what there is."""
    rng = Random("coverage")
    wanted: Counts = Counter()
    by_topic = topic_quota(taxonomy, count, rng, prefer=[got[TOPIC, t.name] for t in taxonomy.topics])
    for topic, quota in zip(taxonomy.topics, by_topic, strict=True):
        wanted[TOPIC, topic.name] = quota
        names = [f"{topic.name} / {subtopic.name}" for subtopic in topic.subtopics]
        shared = subtopic_quota(topic, quota, rng, prefer=[got[SUBTOPIC, name] for name in names])
        for subtopic, name, n in zip(topic.subtopics, names, shared, strict=True):
            wanted[SUBTOPIC, name] = n
            wanted[EDGE, _yes(subtopic.edge_case)] += n
    for name, weights in {STYLE: taxonomy.styles, **taxonomy.dimensions}.items():
        shared = value_quota(weights, count, rng, prefer=[got[name, value] for value in weights])
        wanted.update({(name, value): n for value, n in zip(weights, shared, strict=True)})
    for topic in taxonomy.topics:
        limited = sum(wanted[SUBTOPIC, f"{topic.name} / {s.name}"] for s in topic.subtopics if s.styles)
        for style in taxonomy.styles:
            share = wanted[TOPIC, topic.name] * wanted[STYLE, style] / count
            pair = TOPIC_STYLE, f"{topic.name} × {style}"
            wanted[pair] = min(max(got[pair], math.floor(share) - limited, 0), math.ceil(share))
    return wanted


def _counts(scenarios: Iterable[Scenario]) -> Counts:
    counter: Counts = Counter()
    for scenario in scenarios:
        counter[TOPIC, scenario.topic] += 1
        counter[SUBTOPIC, f"{scenario.topic} / {scenario.subtopic}"] += 1
        counter[STYLE, scenario.style] += 1
        counter[EDGE, _yes(scenario.edge_case)] += 1
        counter[TOPIC_STYLE, f"{scenario.topic} × {scenario.style}"] += 1
        counter.update(scenario.dimensions.items())
    return counter


def _values(taxonomy: Taxonomy) -> list[tuple[str, str]]:
    subtopics = [(topic, subtopic) for topic in taxonomy.topics for subtopic in topic.subtopics]
    return [
        *((TOPIC, topic.name) for topic in taxonomy.topics),
        *((SUBTOPIC, f"{topic.name} / {subtopic.name}") for topic, subtopic in subtopics),
        *((STYLE, style) for style in taxonomy.styles),
        *((EDGE, _yes(edge)) for edge in sorted({s.edge_case for _, s in subtopics})),
        *((name, value) for name, weights in taxonomy.dimensions.items() for value in weights),
        *((TOPIC_STYLE, f"{t.name} × {style}") for t in taxonomy.topics for style in taxonomy.styles),
    ]


def _shares(taxonomy: Taxonomy) -> dict[tuple[str, str], float]:
    """The weight of every value as a share of all scenarios; of a pair, the product of its two."""
    result: dict[tuple[str, str], float] = {(EDGE, _yes(False)): 0.0, (EDGE, _yes(True)): 0.0}
    for topic in taxonomy.topics:
        weight = topic.weight or 0.0
        result[TOPIC, topic.name] = weight
        inner = math.fsum(subtopic.weight for subtopic in topic.subtopics)
        for subtopic in topic.subtopics:
            own = weight * subtopic.weight / inner
            result[SUBTOPIC, f"{topic.name} / {subtopic.name}"] = own
            result[EDGE, _yes(subtopic.edge_case)] += own
        for style, share in taxonomy.styles.items():
            result[TOPIC_STYLE, f"{topic.name} × {style}"] = weight * share
    for name, weights in {STYLE: taxonomy.styles, **taxonomy.dimensions}.items():
        result |= {(name, value): share for value, share in weights.items()}
    return result


def _pairs(scenarios: Sequence[Scenario], taxonomy: Taxonomy) -> tuple[PairBalance, ...]:
    if not scenarios:
        return ()
    told = [{TOPIC: s.topic, STYLE: s.style, **s.dimensions} for s in scenarios]
    weights: dict[str, Mapping[str, float]] = {
        TOPIC: {topic.name: topic.weight or 0.0 for topic in taxonomy.topics},
        STYLE: taxonomy.styles,
        **taxonomy.dimensions,
    }
    return tuple(_pair(told, first, second, weights) for first, second in combinations(weights, 2))


def _pair(
    told: Sequence[Mapping[str, str]], first: str, second: str, weights: Mapping[str, Mapping[str, float]]
) -> PairBalance:
    both = Counter((row.get(first), row.get(second)) for row in told)
    rows, columns = (Counter(row.get(name) for row in told) for name in (first, second))
    cells = [(a, b) for a, w in weights[first].items() for b, v in weights[second].items() if w and v]
    return PairBalance(
        first=first,
        second=second,
        cells=len(cells),
        filled=sum(both[cell] > 0 for cell in cells),
        furthest=max((abs(both[a, b] - rows[a] * columns[b] / len(told)) for a, b in cells), default=0.0),
    )


def _yes(edge_case: bool) -> str:
    return "yes" if edge_case else "no"
