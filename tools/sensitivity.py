"""Does the proposal survive other weights? Every weight of the rating ±20 %, each alone and all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.ranking import order
from tools.rating import WEIGHTS, add_up
from tools.table_records import TableRow

SWING: Final = 0.2


class Rival(BaseModel):
    """Another candidate that some other weights would put first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    name: str
    changes: tuple[str, ...] = Field(min_length=1)
    """Under which changes it wins, such as ``evidence −20 %``; those of a single weight first."""


class Sensitivity(BaseModel):
    """What the choice of the weights decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    swing: float = SWING
    """Share by which weights were changed."""
    tried: int = Field(ge=0)
    """Sets of weights tried."""
    held: int = Field(ge=0)
    """How many of them leave the primary first."""
    rivals: tuple[Rival, ...] = ()
    """Who else would win, the most frequent first."""

    @property
    def robust(self) -> bool:
        return self.held == self.tried

    @property
    def sentence(self) -> str:
        """For the person."""
        swing = f"±{self.swing:.0%}"
        if self.robust:
            return (
                f"It stays first under all {self.tried} sets of weights with {swing} on each weight, alone "
                "and together."
            )
        rivals = "; ".join(
            f"{rival.name} would win with {rival.changes[0]}"
            + (f" and {len(rival.changes) - 1} more" if len(rival.changes) > 1 else "")
            for rival in self.rivals[:3]
        )
        return (
            f"The choice hangs on the weights: it stays first under {self.held} of {self.tried} sets with "
            f"{swing} on each weight; {rivals}."
        )


class _Change(NamedTuple):
    words: str
    weights: dict[str, float]


Key = Callable[[TableRow, float | None], tuple[Any, ...]]


def try_weights(primary: TableRow, rows: Sequence[TableRow], key: Key = order) -> Sensitivity:
    """Who of ``rows`` would be first, by ``key`` of a row and its stars, under other weights. Pure.

    Tried are ±20 % on each weight alone and every corner of all weights together: for four weights 8 + 16.
    """
    won: dict[str, list[str]] = {}
    names = {row.key: row.name for row in rows}
    changes = list(_changes())
    for change in changes:
        best = min((key(row, _stars(row, change.weights)), row.key) for row in rows)[1]
        if best != primary.key:
            won.setdefault(best, []).append(change.words)
    rivals = sorted(won.items(), key=lambda item: (-len(item[1]), item[0]))
    return Sensitivity(
        tried=len(changes),
        held=len(changes) - sum(map(len, won.values())),
        rivals=tuple(Rival(key=key, name=names[key], changes=tuple(words)) for key, words in rivals),
    )


def _stars(row: TableRow, weights: dict[str, float]) -> float | None:
    rating = row.rating
    return None if rating.stars is None else add_up(rating.parts, rating.most, weights).stars


def _changes() -> Iterator[_Change]:
    for name in WEIGHTS:
        for sign in (1, -1):
            yield _change({name: sign})
    for signs in product((1, -1), repeat=len(WEIGHTS)):
        yield _change(dict(zip(WEIGHTS, signs, strict=True)))


def _change(signs: dict[str, int]) -> _Change:
    words = ", ".join(f"{name} {'+' if sign > 0 else '−'}{SWING:.0%}" for name, sign in signs.items())
    return _Change(
        words, {name: weight * (1 + SWING * signs.get(name, 0)) for name, weight in WEIGHTS.items()}
    )
