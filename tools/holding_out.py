"""A share of the scenarios is kept apart for judging a later fine-tune: the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from tools.evaluation import Scenario
from tools.quota import apportion

SHARE = 0.2
FEWEST = 5
"""Scenarios under which none is held out."""


def hold_out(
    scenarios: Sequence[Scenario], seed: int = 0, share: float = SHARE, *, beside: Sequence[Scenario] = ()
) -> list[Scenario]:
    """``scenarios`` with a ``share`` of them marked as held out, in the same order.

    Topics share the held-out ones by largest remainder, edge cases have their part, and within a topic
    different subtopics and styles are preferred. ``beside`` are scenarios that were marked before: the share
    is that of all together, and their marks stay. Fewer than 5 in all: none.
    """
    everything = [*beside, *scenarios]
    held = [s for s in beside if s.held_out]
    if len(everything) < FEWEST:
        return [scenario.model_copy(update={"held_out": False}) for scenario in scenarios]
    rng = Random(f"held out/{seed}/{len(beside)}")
    quota = _strata_quota(everything, scenarios, held, int(len(everything) * share + 0.5), rng)
    chosen = _chosen(scenarios, quota, rng)
    return [scenario.model_copy(update={"held_out": i in chosen}) for i, scenario in enumerate(scenarios)]


Stratum = tuple[str, bool]
"""Topic, and whether it is an edge case."""


def _strata_quota(
    everything: Sequence[Scenario],
    new: Sequence[Scenario],
    held: Sequence[Scenario],
    wanted: int,
    rng: Random,
) -> Counter[Stratum]:
    """How many of the new ones are held out, by topic and by edge case or not."""
    topics = list(dict.fromkeys(s.topic for s in everything))
    size, free, had = (Counter(s.topic for s in part) for part in (everything, new, held))
    lower = [had[topic] for topic in topics]
    upper = [had[topic] + free[topic] for topic in topics]
    count = min(max(wanted, sum(lower)), sum(upper))
    by_topic = apportion([size[topic] for topic in topics], count, rng, lower=lower, upper=upper)
    more = dict(zip(topics, (n - had[t] for t, n in zip(topics, by_topic, strict=True)), strict=True))
    return _edges_spread(everything, new, held, more, rng)


def _edges_spread(
    everything: Sequence[Scenario],
    new: Sequence[Scenario],
    held: Sequence[Scenario],
    more: dict[str, int],
    rng: Random,
) -> Counter[Stratum]:
    """Edge cases get their part of the whole, within what each topic has left of both kinds."""
    edges = Counter(s.topic for s in new if s.edge_case)
    ordinary = Counter(s.topic for s in new if not s.edge_case)
    lower = [max(0, n - ordinary[topic]) for topic, n in more.items()]
    upper = [min(n, edges[topic]) for topic, n in more.items()]
    part = sum(s.edge_case for s in everything) / len(everything)
    wanted = int((len(held) + sum(more.values())) * part + 0.5) - sum(s.edge_case for s in held)
    count = min(max(wanted, sum(lower)), sum(upper))
    weights = [edges[topic] or 0 for topic in more]
    given = apportion(weights, count, rng, lower=lower, upper=upper) if count else [0] * len(more)
    result: Counter[Stratum] = Counter()
    for (topic, n), edge in zip(more.items(), given, strict=True):
        result[topic, True], result[topic, False] = edge, n - edge
    return result


def _chosen(scenarios: Sequence[Scenario], quota: Counter[Stratum], rng: Random) -> set[int]:
    """Places of the scenarios that are held out: each subtopic's first before any one's second, and so on."""
    order = list(range(len(scenarios)))
    rng.shuffle(order)
    seen: Counter[tuple[str, ...]] = Counter()
    strata: dict[Stratum, list[tuple[int, int, int]]] = {}
    for i in order:
        scenario = scenarios[i]
        stratum = scenario.topic, scenario.edge_case
        subtopic, style = (scenario.topic, scenario.subtopic), (scenario.style,)
        strata.setdefault(stratum, []).append((seen[subtopic], seen[style], i))
        seen.update([subtopic, style])
    return {i for stratum, ranked in strata.items() for _, _, i in sorted(ranked)[: quota[stratum]]}
