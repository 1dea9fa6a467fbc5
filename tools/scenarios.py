"""Scenarios: chosen by quota, worded from the taxonomy's material, a part of them held out.

A model may word them instead: see :mod:`tools.brain_wording`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

from tools.evaluation import Scenario
from tools.faults import WrongUse
from tools.further import select_further
from tools.holding_out import hold_out
from tools.near_duplicates import NEAR, NearDuplicate, near_duplicates, resemblance, words_of
from tools.scenario_coverage import Coverage, CoverageRow, PairBalance, coverage
from tools.scenario_files import dump_scenarios, load_scenarios
from tools.selection import MAX_COUNT, Slot, select
from tools.taxonomy_records import Taxonomy
from tools.unworded import unworded
from tools.wording import Rejection, Worder, accept_wording

__all__ = [
    "MAX_COUNT",
    "Coverage",
    "CoverageRow",
    "NearDuplicate",
    "PairBalance",
    "Rejection",
    "Slot",
    "accept_wording",
    "coverage",
    "dump_scenarios",
    "generate",
    "generate_further",
    "hold_out",
    "language_warning",
    "load_scenarios",
    "near_duplicates",
    "select",
    "select_further",
    "unworded",
]

REWORDINGS = 4
"""Tries to word a near-duplicate differently."""
MOST_COMPARISONS = 300_000
"""Comparisons spent on replacing near-duplicates; what is left of them is reported by :func:`coverage`."""


def generate(taxonomy: Taxonomy, count: int, seed: int = 0) -> list[Scenario]:
    """``count`` scenarios (1 to 5,000) from ``taxonomy``; the same arguments give the same scenarios.

    No message occurs twice, and one that resembles an earlier one is reworded as far as the material allows.
    A fifth is held out. Raises :class:`WrongUse` when the count is out of range or the material cannot word
    that many messages.
    """
    return hold_out(_worded(taxonomy, select(taxonomy, count, seed), seed, ()), seed)


def generate_further(
    taxonomy: Taxonomy, count: int, seed: int, existing: Sequence[Scenario]
) -> list[Scenario]:
    """``count`` more scenarios, which together with ``existing`` cover the taxonomy as one set would.

    Ids go on where those of ``existing`` end, no message of theirs occurs again, and a fifth of the whole is
    held out. The same arguments give the same scenarios. Raises :class:`WrongUse` as :func:`generate` does.
    """
    slots = select_further(taxonomy, count, seed, existing)
    return hold_out(_worded(taxonomy, slots, seed, existing), seed, beside=existing)


def language_warning(languages: Iterable[str]) -> str | None:
    """A sentence when people will write in other languages than the templates do, ISO 639-1 codes given."""
    from tools.languages import known_languages

    titles = known_languages()
    others = [titles.get(code, code) for code in dict.fromkeys(languages) if code != "en"]
    if not others:
        return None
    return (
        f"The scenarios are worded in English, but people will write in {' and '.join(others)}: a pass rate "
        "in English says little about that. Name a brain, which words them in that language, or bring your "
        "own scenarios."
    )


def _worded(
    taxonomy: Taxonomy, slots: Sequence[Slot], seed: int, existing: Sequence[Scenario]
) -> list[Scenario]:
    worder = Worder(taxonomy)
    for scenario in existing:
        worder.note(scenario.topic, scenario.subtopic, scenario.message)

    def word(slot: Slot, again: str = "") -> str:
        return worder.word(slot.topic, slot.subtopic, slot.style, Random(f"{seed}/{slot.id}{again}"))

    made = [
        Scenario(
            id=slot.id,
            topic=slot.topic.name,
            subtopic=slot.subtopic.name,
            style=slot.style,
            edge_case=slot.subtopic.edge_case,
            dimensions=slot.dimensions,
            message=word(slot),
        )
        for slot in slots
    ]
    return _without_near_duplicates(made, slots, existing, word)


def _without_near_duplicates(
    made: list[Scenario],
    slots: Sequence[Slot],
    existing: Sequence[Scenario],
    word: Callable[[Slot, str], str],
) -> list[Scenario]:
    """``made`` with those reworded that resemble an earlier message, as far as the material allows."""
    result = list(made)
    place = {scenario.id: i for i, scenario in enumerate(made)}
    found = near_duplicates([*existing, *made])
    if not found:
        return result
    sets = [words_of(scenario.message) for scenario in (*existing, *made)]
    most = MOST_COMPARISONS // (REWORDINGS * len(sets))
    alike = dict.fromkeys(place[pair.second] for pair in found if pair.second in place)
    for i in list(alike)[:most]:
        for attempt in range(REWORDINGS):
            try:
                text = word(slots[i], f"/{attempt}")
            except WrongUse:
                break
            own = words_of(text)
            others = (other for j, other in enumerate(sets) if j != i + len(existing))
            if all(resemblance(own, other) < NEAR for other in others):
                result[i] = made[i].model_copy(update={"message": text})
                sets[i + len(existing)] = own
                break
    return result
