"""What a person's own scenarios are like before a model is asked: repeats, labels, odd texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tools.evaluation import Scenario
from tools.near_duplicates import near_duplicates
from tools.phrases import counted
from tools.scenario_files import UNLABELLED
from tools.wording import Rejection, accept_wording

SHOWN = 8


class ScenarioCheck(BaseModel):
    """Findings on a set of scenarios; they are taken as they are all the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenarios: int
    held_out: int
    edge_cases: int
    duplicates: tuple[tuple[str, str], ...]
    """Ids of scenarios with the same message, case and white space aside."""
    near_duplicate_pairs: tuple[tuple[str, str], ...]
    """Ids of scenarios whose messages say almost the same."""
    unlabelled: dict[str, int]
    """Topic, subtopic, style: scenarios without one."""
    values: dict[str, dict[str, int]]
    """Topic, style and the further dimensions that have any → value → scenarios with it, most first."""
    odd: dict[str, str]
    """Id → why its message looks like no message of a person."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The findings in sentences."""
        held = f", {self.held_out} of them held out" if self.held_out else ""
        said = [f"{counted(self.scenarios, 'scenario')}{held}; {counted(self.edge_cases, 'edge case')}."]
        said += [
            _listed(f"By {name}", [f"{value} {n}" for value, n in by_value.items()])
            for name, by_value in self.values.items()
        ]
        missing = [f"{n} {'has' if n == 1 else 'have'} no {name}" for name, n in self.unlabelled.items() if n]
        said += [f"Unlabelled: {', '.join(missing)}."] if missing else []
        said.append(_listed("The same message twice", [f"{a} and {b}" for a, b in self.duplicates]))
        said.append(_listed("Near-duplicates", [f"{a} and {b}" for a, b in self.near_duplicate_pairs]))
        if self.odd:
            said.append(_listed("Look at these", [f"{i} ({why})" for i, why in self.odd.items()]))
        return tuple(said)


def check_scenarios(scenarios: Sequence[Scenario]) -> ScenarioCheck:
    """What is worth a look in ``scenarios``."""
    first: dict[str, str] = {}
    duplicates: list[tuple[str, str]] = []
    odd: dict[str, str] = {}
    for scenario in scenarios:
        folded = " ".join(scenario.message.casefold().split())
        if folded in first:
            duplicates.append((first[folded], scenario.id))
        first.setdefault(folded, scenario.id)
        accepted = accept_wording(scenario.message)
        if isinstance(accepted, Rejection):
            odd[scenario.id] = accepted.reason
    same = set(duplicates)
    near = [(pair.first, pair.second) for pair in near_duplicates(scenarios)]
    return ScenarioCheck(
        scenarios=len(scenarios),
        held_out=sum(s.held_out for s in scenarios),
        edge_cases=sum(s.edge_case for s in scenarios),
        duplicates=tuple(duplicates),
        near_duplicate_pairs=tuple(pair for pair in near if pair not in same),
        unlabelled={
            "topic": sum(s.topic == UNLABELLED for s in scenarios),
            "subtopic": sum(s.subtopic == UNLABELLED for s in scenarios),
            "style": sum(s.style == UNLABELLED for s in scenarios),
        },
        values=_values(scenarios),
        odd=odd,
    )


def _values(scenarios: Sequence[Scenario]) -> dict[str, dict[str, int]]:
    """Counts of the labels; a dimension that nearly every scenario has another value of is left out."""
    found: dict[str, Counter[str]] = {"topic": Counter(), "style": Counter()}
    for scenario in scenarios:
        for name, value in {"topic": scenario.topic, "style": scenario.style, **scenario.dimensions}.items():
            if value != UNLABELLED:
                found.setdefault(name, Counter())[value] += 1
    return {
        name: dict(counts.most_common())
        for name, counts in found.items()
        if counts and (name in {"topic", "style"} or len(counts) <= max(2, counts.total() // 2))
    }


def _listed(what: str, found: Sequence[str]) -> str:
    if not found:
        return f"{what}: none."
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{what}: {', '.join(found[:SHOWN])}{more}."
