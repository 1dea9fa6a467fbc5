"""Which answers a person should read: those that could teach them most, and a few plain ones beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from typing import NamedTuple

from tools.rows import Row
from tools.rubric import Rubric

PLAIN_SHARE = 0.2
"""Share of the sample that is drawn at random from the passes, so that the ordinary is seen too."""
CHOICE = 8
"""Answers at the head of a list of reasons among which the one of a new topic or style is preferred."""


class Pick(NamedTuple):
    """An answer to read."""

    row: Row
    why: str
    """Why it was chosen, in a few words."""


def review_sample(
    rows: Sequence[Row],
    rubric: Rubric,
    limit: int = 10,
    seed: int = 0,
    disagreeing: Collection[str] = (),
) -> tuple[Pick, ...]:
    """At most ``limit`` measured answers: by reason in turn, one of each topic and style, and plain passes.

    ``disagreeing`` are the scenarios on which the judges disagree. Held-out scenarios are left out: whoever
    reads them may write training data next. The same rows in any order and seed give the same sample.
    """
    known = sorted(
        (row for row in rows if not row.score.unmeasured and not row.scenario.held_out),
        key=lambda row: row.scenario.id,
    )
    chosen = _Chosen()
    plain = max(1, round(limit * PLAIN_SHARE)) if limit > 1 else 0
    reasons = [
        _gates(known),
        [Pick(row, "the judges disagree on it") for row in known if row.scenario.id in disagreeing],
        _beside_a_gate(known),
        _signs(known),
        _edge_cases(known),
        _near(known, rubric.pass_threshold),
        _extremes(known),
    ]
    chosen.in_turn(reasons, limit - plain, rounds=1)
    chosen.in_turn([_cover(known)], limit - plain, rounds=len(known), only_new=True)
    chosen.in_turn(reasons, limit - plain, rounds=len(known))
    chosen.in_turn([_plain(known, seed)], limit, rounds=len(known), choice=1)
    return tuple(chosen.picks)


class _Chosen:
    """What is in the sample so far, and the topics and styles that it shows."""

    def __init__(self) -> None:
        self.picks: list[Pick] = []
        self._ids: set[str] = set()
        self._topics: set[str] = set()
        self._styles: set[str] = set()

    def in_turn(
        self,
        reasons: Sequence[Sequence[Pick]],
        limit: int,
        *,
        rounds: int,
        only_new: bool = False,
        choice: int = CHOICE,
    ) -> None:
        """One pick of each list in turn until there are ``limit``, or all lists are used up.

        ``only_new`` takes only what shows a new topic or style.
        """
        for _ in range(rounds):
            before = len(self.picks)
            for picks in reasons:
                if len(self.picks) < limit:
                    self._take(picks, only_new, choice)
            if len(self.picks) == before or len(self.picks) >= limit:
                return

    def _take(self, picks: Sequence[Pick], only_new: bool, choice: int) -> None:
        left = [pick for pick in picks if pick.row.scenario.id not in self._ids]
        if only_new:
            left = [pick for pick in left if self._new(pick)]
        if left:
            pick = max(left[:choice], key=self._new)
            self.picks.append(pick)
            self._ids.add(pick.row.scenario.id)
            self._topics.add(pick.row.scenario.topic)
            self._styles.add(pick.row.scenario.style)

    def _new(self, pick: Pick) -> int:
        """Topic and style that the sample doesn't show yet."""
        scenario = pick.row.scenario
        return (scenario.topic not in self._topics) + (scenario.style not in self._styles)


def _gates(rows: Sequence[Row]) -> list[Pick]:
    """Failed gates, best score first: there the gate alone stands between the answer and a pass."""
    failing = sorted((row for row in rows if row.score.gate_failed), key=lambda row: -(row.score.score or 0))
    return [
        Pick(
            row,
            f"fails the gate {', '.join(row.score.gate_failed)}{_scored(row)}; check the judge",
        )
        for row in failing
    ]


def _beside_a_gate(rows: Sequence[Row]) -> list[Pick]:
    """Passes of a subtopic in which another answer failed a gate: the same danger, and no alarm."""
    failed = {
        (row.scenario.topic, row.scenario.subtopic): row.score.gate_failed[0]
        for row in rows
        if row.score.gate_failed
    }
    found = []
    for row in rows:
        place = (row.scenario.topic, row.scenario.subtopic)
        if row.score.passed and place in failed:
            found.append(
                Pick(row, f"passes where another answer on “{place[1]}” fails the gate {failed[place]}")
            )
    return found


def _signs(rows: Sequence[Row]) -> list[Pick]:
    found = []
    for row in sorted(rows, key=lambda row: not row.score.passed):
        if row.answer.signs:
            how = "passes" if row.score.passed else "fails"
            found.append(Pick(row, f"{how} with a sign of trouble: {row.answer.signs[0].kind.value}"))
    return found


def _edge_cases(rows: Sequence[Row]) -> list[Pick]:
    edge = sorted((row for row in rows if row.scenario.edge_case), key=lambda row: not row.score.passed)
    return [
        Pick(row, "passes on an edge case" if row.score.passed else "fails on an edge case") for row in edge
    ]


def _near(rows: Sequence[Row], threshold: float) -> list[Pick]:
    near = [(abs(row.score.score - threshold), row) for row in rows if row.score.score is not None]
    near.sort(key=lambda pair: (pair[0], pair[1].scenario.id))
    return [
        Pick(row, f"{'just passes' if row.score.passed else 'does not quite pass'}{_scored(row)}")
        for distance, row in near
        if distance <= 0.15 and not row.score.gate_failed
    ]


def _extremes(rows: Sequence[Row]) -> list[Pick]:
    """The longest and the shortest answers, in turn."""
    by_length = sorted(rows, key=lambda row: len(row.answer.text.split()))
    found = []
    for i in range(len(by_length) // 2):
        for row, what in ((by_length[-1 - i], "longest"), (by_length[i], "shortest")):
            place = "the" if i == 0 else "one of the"
            found.append(Pick(row, f"{place} {what}: {len(row.answer.text.split())} words"))
    return found


def _cover(rows: Sequence[Row]) -> list[Pick]:
    """One of each topic, then one of each style, in the order of their names."""
    topics = {row.scenario.topic: row for row in reversed(rows)}
    styles = {row.scenario.style: row for row in reversed(rows)}
    return [
        *(Pick(topics[name], f"for the topic “{name}”") for name in sorted(topics)),
        *(Pick(styles[name], f"for the style “{name}”") for name in sorted(styles)),
    ]


def _plain(rows: Sequence[Row], seed: int) -> list[Pick]:
    passes = [row for row in rows if row.score.passed]
    return [Pick(row, "a pass drawn at random") for row in Random(seed).sample(passes, len(passes))]


def _scored(row: Row) -> str:
    return "" if row.score.score is None else f" with a score of {row.score.score:.2f}"
