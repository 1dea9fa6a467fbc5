"""Which scenarios there will be: chosen from a taxonomy by quota, before any of them is worded.

Topics follow their weights by largest remainder; every topic, edge case and subtopic is covered as far as the
count allows; topic × style and subtopic × style are balanced to within one; every beginning of the list is
spread over the topics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from tools.faults import WrongUse
from tools.quota import apportion, balanced_table
from tools.taxonomy_records import Subtopic, Taxonomy, Topic

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
    per_topic = topic_quota(taxonomy, count, rng)
    cells = [
        (topic, subtopic, wanted)
        for topic, quota in zip(taxonomy.topics, per_topic, strict=True)
        for subtopic, wanted in zip(topic.subtopics, subtopic_quota(topic, quota, rng), strict=True)
    ]
    styles = _styles(taxonomy, per_topic, cells, count, rng)
    chosen = [
        (topic, subtopic, style)
        for (topic, subtopic, _), row in zip(cells, styles, strict=True)
        for style in row
    ]
    chosen = spread(_respect_restrictions(chosen, taxonomy.styles), rng)
    dimensions = _further_dimensions(taxonomy, chosen, rng)
    width = max(3, len(str(count)))
    return [
        Slot(f"s{i:0{width}d}", topic, subtopic, style, values)
        for i, ((topic, subtopic, style), values) in enumerate(zip(chosen, dimensions, strict=True), 1)
    ]


def topic_quota(
    taxonomy: Taxonomy, count: int, rng: Random, *, least: Sequence[int] = (), prefer: Sequence[int] = ()
) -> list[int]:
    """Scenarios a topic. Coverage comes before weight: topics, then edge cases, then all subtopics.

    No topic gets fewer than ``least``, together at most ``count``; ties go where ``prefer`` is not reached.
    """
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
    if least:
        upper = [max(high, floor) for high, floor in zip(upper, least, strict=True)]
        lower = raised(lower, least, count)
    return apportion(weights, count, rng, lower=lower, upper=upper, prefer=prefer or None)


def raised(lower: Sequence[int], least: Sequence[int], count: int) -> list[int]:
    """``least``, and beyond it as much of ``lower`` as ``count`` has room for, part by part."""
    result = list(least)
    room = count - sum(result)
    for i, floor in enumerate(lower):
        more = min(room, max(0, floor - result[i]))
        result[i] += more
        room -= more
    return result


def subtopic_quota(
    topic: Topic, quota: int, rng: Random, *, least: Sequence[int] = (), prefer: Sequence[int] = ()
) -> list[int]:
    """Scenarios a subtopic; with fewer scenarios than subtopics, an ordinary one first, then edge cases.

    ``least`` and ``prefer`` as in :func:`topic_quota`.
    """
    weights = [subtopic.weight for subtopic in topic.subtopics]
    live = [i for i, weight in enumerate(weights) if weight > 0]
    floors = list(least) or [0] * len(weights)
    wished = list(prefer) or floors
    if quota >= len(live):
        lower = raised([int(weight > 0) for weight in weights], floors, quota)
        return apportion(weights, quota, rng, lower=lower, prefer=prefer or None)
    rng.shuffle(live)
    live.sort(key=lambda i: wished[i] == 0)
    ordinary = [i for i in live if not topic.subtopics[i].edge_case]
    edges = [i for i in live if topic.subtopics[i].edge_case]
    order = ordinary[:1] + edges + ordinary[1:]
    result = floors
    for i in [i for i in order if not floors[i]][: quota - sum(floors)]:
        result[i] += 1
    return result


def _styles(
    taxonomy: Taxonomy,
    per_topic: Sequence[int],
    cells: Sequence[tuple[Topic, Subtopic, int]],
    count: int,
    rng: Random,
) -> list[list[str]]:
    """The styles of each (topic, subtopic) cell: topic × style balanced, then subtopic × style within it."""
    names = list(taxonomy.styles)
    totals = value_quota(taxonomy.styles, count, rng)
    table = balanced_table(per_topic, totals, rng)
    result: list[list[str]] = []
    for topic, row in zip(taxonomy.topics, table, strict=True):
        wanted = [n for owner, _, n in cells if owner is topic]
        inner = balanced_table(wanted, row, rng)
        result += [[name for name, n in zip(names, line, strict=True) for _ in range(n)] for line in inner]
    return result


def value_quota(
    weights: Mapping[str, float],
    count: int,
    rng: Random,
    *,
    least: Sequence[int] = (),
    prefer: Sequence[int] = (),
) -> list[int]:
    """Scenarios a value: each once while there are enough, and none twice while there are not.

    ``least`` and ``prefer`` as in :func:`topic_quota`.
    """
    live = [int(weight > 0) for weight in weights.values()]
    enough = count >= sum(live)
    lower, upper = (live if enough else [0] * len(live)), ([count] * len(live) if enough else live)
    if least:
        upper = [max(high, floor) for high, floor in zip(upper, least, strict=True)]
        lower = raised(lower, least, count)
    return apportion(list(weights.values()), count, rng, lower=lower, upper=upper, prefer=prefer or None)


Choice = tuple[Topic, Subtopic, str]
Label = tuple[str, str]
"""A dimension and a value of it."""


def _respect_restrictions(chosen: list[Choice], weights: Mapping[str, float]) -> list[Choice]:
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
        j = next((j for j in partners if result[j][0] is topic), partners[0] if partners else None)
        if j is None:
            result[i] = (topic, subtopic, next(name for name in subtopic.styles if weights[name]))
            continue
        other_topic, other, its = result[j]
        result[i], result[j] = (topic, subtopic, its), (other_topic, other, style)
    return result


def spread(chosen: Sequence[Choice], rng: Random) -> list[Choice]:
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
            [*labels(topic.name, subtopic.name, style), *values[i].items()]
            for i, (topic, subtopic, style) in enumerate(chosen)
        ]
        quota = value_quota(weights, len(beside), rng)
        for own, value in zip(values, balanced_values(weights, quota, beside, rng), strict=True):
            own[dimension] = value
    return values


def labels(topic: str, subtopic: str, style: str) -> list[Label]:
    """What every scenario has, as (dimension, value)."""
    return [("topic", topic), ("subtopic", subtopic), ("style", style)]


def balanced_values(
    weights: Mapping[str, float],
    quota: Sequence[int],
    beside: Sequence[Sequence[Label]],
    rng: Random,
    *,
    met: Iterable[tuple[Sequence[Label], str]] = (),
) -> list[str]:
    """A value for each scenario, each value as often as ``quota`` says, spread over what stands ``beside``.

    ``beside``: what each scenario has already. ``met``: the same of scenarios that exist, with their value.
    """
    left = dict(zip(weights, quota, strict=True))
    used = Counter((kind, other, value) for pairs, value in met for kind, other in pairs)
    result = [""] * len(beside)
    order = list(range(len(beside)))
    rng.shuffle(order)
    for i in order:

        def strain(value: str, pairs: Sequence[Label] = beside[i]) -> tuple[float, float]:
            met_before = sum(used[kind, other, value] for kind, other in pairs)
            return met_before / weights[value], -left[value] / weights[value]

        best = min((name for name in weights if left[name] > 0), key=strain)
        left[best] -= 1
        used.update((kind, other, best) for kind, other in beside[i])
        result[i] = best
    return result
