"""Which scenarios come on top of those that exist, so that together they cover the taxonomy like one set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count as counting
from random import Random

from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.selection import (
    MAX_COUNT,
    Choice,
    Slot,
    balanced_values,
    labels,
    spread,
    subtopic_quota,
    topic_quota,
    value_quota,
)
from tools.taxonomy_records import Subtopic, Taxonomy, Topic


def select_further(
    taxonomy: Taxonomy, count: int, seed: int = 0, existing: Sequence[Scenario] = ()
) -> list[Slot]:
    """``count`` slots that bring ``existing`` as near as they can to a selection of both sizes together.

    Quotas are those of the whole, with what exists as their lower bound. Existing scenarios that the taxonomy
    does not know take no part. Raises :class:`WrongUse` when the whole would exceed ``MAX_COUNT``.
    """
    if not 1 <= count <= MAX_COUNT - len(existing):
        raise WrongUse(
            f"{count} scenarios cannot be made beside {len(existing)}.", f"There are {MAX_COUNT:,} at most."
        )
    rng = Random(f"further/{seed}/{len(existing)}")
    there = [scenario for scenario in existing if _known(scenario, taxonomy)]
    cells = spread([(t, s, "") for t, s in _cells(taxonomy, count, there, rng)], rng)
    chosen = _with_styles(taxonomy, cells, there, rng)
    values: list[dict[str, str]] = [{} for _ in chosen]
    for name, weights in taxonomy.dimensions.items():
        beside = [
            [*labels(topic.name, subtopic.name, style), *values[i].items()]
            for i, (topic, subtopic, style) in enumerate(chosen)
        ]
        met = [(_labels(s), s.dimensions[name]) for s in there if s.dimensions.get(name) in weights]
        quota = _missing(weights, len(chosen), [value for _, value in met], rng)
        for own, value in zip(values, balanced_values(weights, quota, beside, rng, met=met), strict=True):
            own[name] = value
    ids = _new_ids(existing, count)
    return [Slot(i, *choice, own) for i, choice, own in zip(ids, chosen, values, strict=True)]


def _cells(
    taxonomy: Taxonomy, count: int, there: Sequence[Scenario], rng: Random
) -> list[tuple[Topic, Subtopic]]:
    """Topic and subtopic of each new scenario."""
    by_topic = Counter(s.topic for s in there)
    by_subtopic = Counter((s.topic, s.subtopic) for s in there)
    have = [by_topic[topic.name] for topic in taxonomy.topics]
    result: list[tuple[Topic, Subtopic]] = []
    whole = topic_quota(taxonomy, len(there) + count, rng, least=have)
    for topic, quota in zip(taxonomy.topics, whole, strict=True):
        got = [by_subtopic[topic.name, s.name] for s in topic.subtopics]
        wanted = subtopic_quota(topic, quota, rng, least=got)
        for subtopic, n, m in zip(topic.subtopics, wanted, got, strict=True):
            result += [(topic, subtopic)] * (n - m)
    return result


def _with_styles(
    taxonomy: Taxonomy, cells: Sequence[Choice], there: Sequence[Scenario], rng: Random
) -> list[Choice]:
    """The cells with styles: those limited to some are served first, the others share what is left."""
    weights = taxonomy.styles
    met = [(_labels(s)[:2], s.style) for s in there if s.style in weights]
    left = dict(zip(weights, _missing(weights, len(cells), [s for _, s in met], rng), strict=True))
    styles: dict[int, str] = {}
    for i, (topic, subtopic, _) in enumerate(cells):
        if subtopic.styles:
            styles[i] = max(subtopic.styles, key=lambda style: (weights[style] > 0, left[style]))
            left[styles[i]] -= 1
            met.append((labels(topic.name, subtopic.name, "")[:2], styles[i]))
    open_cells = [i for i in range(len(cells)) if i not in styles]
    beside = [labels(cells[i][0].name, cells[i][1].name, "")[:2] for i in open_cells]
    quota = _within(left, len(open_cells))
    given = balanced_values(weights, quota, beside, rng, met=met)
    styles |= dict(zip(open_cells, given, strict=True))
    return [(topic, subtopic, styles[i]) for i, (topic, subtopic, _) in enumerate(cells)]


def _missing(weights: Mapping[str, float], count: int, got: Sequence[str], rng: Random) -> list[int]:
    """How often each value is still to be given, ``count`` in all."""
    counts = Counter(got)
    have = [counts[value] for value in weights]
    whole = value_quota(weights, len(got) + count, rng, least=have)
    return [n - m for n, m in zip(whole, have, strict=True)]


def _within(left: Mapping[str, int], count: int) -> list[int]:
    """``left`` without the debts of subtopics that may be written in one style only; ``count`` in all."""
    result = [max(0, n) for n in left.values()]
    while sum(result) > count:
        result[result.index(max(result))] -= 1
    return result


def _new_ids(existing: Sequence[Scenario], count: int) -> list[str]:
    """Ids that go on where the numbers of the existing ones end."""
    taken = {scenario.id for scenario in existing}
    numbered = [found[1] for found in (re.fullmatch(r"s(\d{1,9})", i) for i in taken) if found]
    last = max((int(number) for number in numbered), default=len(existing))
    width = max([3, len(str(last + count)), *map(len, numbered)])
    free = (f"s{n:0{width}d}" for n in counting(last + 1))
    fresh = (identifier for identifier in free if identifier not in taken)
    return [next(fresh) for _ in range(count)]


def _labels(scenario: Scenario) -> list[tuple[str, str]]:
    return [
        *labels(scenario.topic, scenario.subtopic, scenario.style),
        *scenario.dimensions.items(),
    ]


def _known(scenario: Scenario, taxonomy: Taxonomy) -> bool:
    topic = taxonomy.topic(scenario.topic)
    return topic is not None and any(s.name == scenario.subtopic for s in topic.subtopics)
