"""Which scenarios there will be: chosen from a taxonomy by quota, before any of them is worded.

Topics follow their weights by largest remainder; every topic, edge case and subtopic is covered as far as the
count allows; topic × style and subtopic × style are balanced to within one; every beginning of the list is
spread over the topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from tools.faults import WrongUse
from tools.quota import apportion, balanced_table
from tools.taxonomy import Subtopic, Taxonomy, Topic

MAX_COUNT = 5000


class Slot(NamedTuple):
    """A scenario that is chosen and not yet worded."""

    id: str
    topic: Topic
    subtopic: Subtopic
    style: str
    dimensions: dict[str, str]


def select(taxonomy: Taxonomy, count: int, seed: int = 0) -> list[Slot]:
    """Which scenarios there will be, in an order in which every beginning is spread over the topics."""
    if not 1 <= count <= MAX_COUNT:
        raise WrongUse(f"{count} scenarios cannot be made.", f"Ask for 1 to {MAX_COUNT:,}.")
    rng = Random(f"selection/{seed}")
    per_topic = _topic_quota(taxonomy, count, rng)
    cells = [
        (topic, subtopic, wanted)
        for topic, quota in zip(taxonomy.topics, per_topic, strict=True)
        for subtopic, wanted in zip(topic.subtopics, _subtopic_quota(topic, quota, rng), strict=True)
    ]
    styles = _styles(taxonomy, per_topic, cells, count, rng)
    chosen = [
        (topic, subtopic, style)
        for (topic, subtopic, _), row in zip(cells, styles, strict=True)
        for style in row
    ]
    chosen = _spread(_respect_restrictions(chosen), rng)
    dimensions = _further_dimensions(taxonomy, chosen, rng)
    width = max(3, len(str(count)))
    return [
        Slot(f"s{i:0{width}d}", topic, subtopic, style, values)
        for i, ((topic, subtopic, style), values) in enumerate(zip(chosen, dimensions, strict=True), 1)
    ]


def _topic_quota(taxonomy: Taxonomy, count: int, rng: Random) -> list[int]:
    """Scenarios a topic. Coverage comes before weight: topics, then edge cases, then all subtopics."""
    topics = taxonomy.topics
    weights = [topic.weight or 0.0 for topic in topics]
    live = [[s for s in t.subtopics if s.weight > 0] if t.weight else [] for t in topics]
    every = [len(subtopics) for subtopics in live]
    lower, upper = [0] * len(topics), [count] * len(topics)
    with_edges = [
        sum(s.edge_case for s in subtopics) + (not all(s.edge_case for s in subtopics)) for subtopics in live
    ]
    if count >= sum(every):
        lower = every
    elif count >= sum(with_edges):
        lower, upper = with_edges, every
    elif count >= sum(1 for n in every if n):
        lower, upper = [min(1, n) for n in every], every
    else:
        upper = [min(1, n) for n in every]
    return apportion(weights, count, rng, lower=lower, upper=upper)


def _subtopic_quota(topic: Topic, quota: int, rng: Random) -> list[int]:
    """Scenarios a subtopic; with fewer scenarios than subtopics, an ordinary one first, then edge cases."""
    weights = [subtopic.weight for subtopic in topic.subtopics]
    live = [i for i, weight in enumerate(weights) if weight > 0]
    if quota >= len(live):
        return apportion(weights, quota, rng, lower=[int(weight > 0) for weight in weights])
    rng.shuffle(live)
    ordinary = [i for i in live if not topic.subtopics[i].edge_case]
    edges = [i for i in live if topic.subtopics[i].edge_case]
    first = set((ordinary[:1] + edges + ordinary[1:])[:quota])
    return [int(i in first) for i in range(len(weights))]


def _styles(
    taxonomy: Taxonomy,
    per_topic: Sequence[int],
    cells: Sequence[tuple[Topic, Subtopic, int]],
    count: int,
    rng: Random,
) -> list[list[str]]:
    """The styles of each (topic, subtopic) cell: topic × style balanced, then subtopic × style within it."""
    names = list(taxonomy.styles)
    totals = apportion(list(taxonomy.styles.values()), count, rng, **_bounds(taxonomy.styles, count))
    table = balanced_table(per_topic, totals, rng)
    result: list[list[str]] = []
    for topic, row in zip(taxonomy.topics, table, strict=True):
        wanted = [n for owner, _, n in cells if owner is topic]
        inner = balanced_table(wanted, row, rng)
        result += [[name for name, n in zip(names, line, strict=True) for _ in range(n)] for line in inner]
    return result


def _bounds(weights: Mapping[str, float], count: int) -> dict[str, list[int]]:
    """Each value once while there are enough scenarios, and none twice while there are not."""
    live = [int(weight > 0) for weight in weights.values()]
    return {"lower": live} if count >= sum(live) else {"upper": live}


Choice = tuple[Topic, Subtopic, str]


def _respect_restrictions(chosen: list[Choice]) -> list[Choice]:
    """Swap styles so that a subtopic limited to some styles gets one of them, in its topic if possible."""
    result = list(chosen)
    for i, (topic, subtopic, style) in enumerate(result):
        if not subtopic.styles or style in subtopic.styles:
            continue
        partners = [
            j
            for j, (_, other, its) in enumerate(result)
            if its in subtopic.styles and (not other.styles or style in other.styles)
        ]
        near = [j for j in partners if result[j][0] is topic]
        if not partners:
            result[i] = (topic, subtopic, subtopic.styles[0])
            continue
        j = (near or partners)[0]
        other_topic, other, its = result[j]
        result[i], result[j] = (topic, subtopic, its), (other_topic, other, style)
    return result


def _spread(chosen: list[Choice], rng: Random) -> list[Choice]:
    """Order in which each topic is spread evenly, so that a run that stops early has seen all of them."""
    shuffled = list(chosen)
    rng.shuffle(shuffled)
    totals = Counter(topic.name for topic, _, _ in shuffled)
    seen: Counter[str] = Counter()
    keyed: list[tuple[float, float, Choice]] = []
    for choice in shuffled:
        name = choice[0].name
        keyed.append(((seen[name] + 0.5) / totals[name], rng.random(), choice))
        seen[name] += 1
    return [choice for _, _, choice in sorted(keyed, key=lambda entry: entry[:2])]


def _further_dimensions(taxonomy: Taxonomy, chosen: Sequence[Choice], rng: Random) -> list[dict[str, str]]:
    """Values of the further dimensions: exact totals, pairs with topic, style and one another balanced."""
    values: list[dict[str, str]] = [{} for _ in chosen]
    for dimension, weights in taxonomy.dimensions.items():
        beside = [
            [("topic", topic.name), ("subtopic", subtopic.name), ("style", style), *values[i].items()]
            for i, (topic, subtopic, style) in enumerate(chosen)
        ]
        for own, value in zip(values, _one_dimension(weights, beside, rng), strict=True):
            own[dimension] = value
    return values


def _one_dimension(
    weights: Mapping[str, float], beside: Sequence[Sequence[tuple[str, str]]], rng: Random
) -> list[str]:
    """A value for each scenario; ``beside`` holds what it has already, as (dimension, value)."""
    quota = apportion(list(weights.values()), len(beside), rng, **_bounds(weights, len(beside)))
    left = dict(zip(weights, quota, strict=True))
    used: Counter[tuple[str, str, str]] = Counter()
    result = [""] * len(beside)
    order = list(range(len(beside)))
    rng.shuffle(order)
    for i in order:

        def strain(value: str, pairs: Sequence[tuple[str, str]] = beside[i]) -> tuple[float, float]:
            met = sum(used[kind, other, value] for kind, other in pairs)
            return met / weights[value], -left[value] / weights[value]

        best = min((name for name in weights if left[name] > 0), key=strain)
        left[best] -= 1
        used.update((kind, other, best) for kind, other in beside[i])
        result[i] = best
    return result
