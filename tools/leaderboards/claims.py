"""From standings to claims: a figure, its rank among comparable models, and which way that speaks.

The rule, which every summary states in short: a model is compared with the leaderboard's models of the size
that was asked for; when those are fewer than ``FEWEST_PEERS``, with all up to twice the largest size asked
for; when those too are fewer, with every entry. The best third speaks for a model, the last third against it,
the middle is mixed; among too few nothing can be told, which is mixed as well. A candidate belongs to the
comparison when nothing tells its size; one of another size is ranked "with" the models compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from tools.candidates import Claim, ClaimKind, FoundBy, Quality, Stance
from tools.facts import Source, SourceKind
from tools.knowledge.naming import naming, whole_words
from tools.leaderboards.boards import Measure
from tools.leaderboards.matching import Matcher
from tools.leaderboards.standings import Entry, Figure, Standings
from tools.model_names import packaging_of
from tools.request import SizeRange
from tools.sizes import fits_size

FEWEST_PEERS = 6
"""With fewer there is no third to be in."""
MOST_UNKNOWN = 40


class Rank(NamedTuple):
    """A place among comparable models."""

    place: int
    """From 1, the best; equal figures share the better place."""
    of: int
    among: str
    """Which models, as it stands after their number: ``models of 7–10B``."""
    stance: Stance


class UnknownName(NamedTuple):
    """A model of the wanted size that a leaderboard names and the ledger does not know."""

    name: str
    repo: str | None
    """Its Hub repository where the leaderboard tells; otherwise the name has to be looked up."""
    parameters: int | None
    rank: Rank


@dataclass(frozen=True, slots=True)
class _Line:
    """An entry with its figure on one measure; of several entries of one model the least favourable."""

    entry: Entry
    figure: Figure
    key: str | None
    """The candidate that it is."""
    entries: int
    """How many entries the model has."""


def claims_from_standings(
    standings: Standings, candidates: Mapping[str, Sequence[str]], *, size: SizeRange
) -> list[Claim]:
    """What ``standings`` say about ``candidates`` (keys with further names), one claim a measure; by measure,
    then from the best rank down. ``size`` is the size asked for."""
    matcher = Matcher(candidates)
    claims = []
    for at, measure in enumerate(standings.board.measures):
        comparison = _Comparison(_lines(standings, at, matcher), measure, size)
        claims += [
            _claim(standings, measure, line.key, line, comparison.rank(line))
            for line in comparison.lines
            if line.key is not None
        ]
    return claims


def unknown_names(
    standings: Standings, candidates: Mapping[str, Sequence[str]], *, size: SizeRange
) -> tuple[UnknownName, ...]:
    """Models of ``size`` on the leaderboard that are none of ``candidates``, the best ``MOST_UNKNOWN`` first.

    Quantised copies, merges, adapters and base checkpoints are left out, by their names, as are models whose
    size nothing tells. Rank is by the leaderboard's first measure.
    """
    comparison = _Comparison(_lines(standings, 0, Matcher(candidates)), standings.board.measures[0], size)
    return tuple(
        UnknownName(line.entry.name, line.entry.repo, line.entry.parameters, comparison.rank(line))
        for line in comparison.lines
        if line.key is None and _fits(line.entry, size) and _viable(line.entry)
    )[:MOST_UNKNOWN]


class _Comparison:
    """Lines on one measure, and those among them that are comparable."""

    def __init__(self, lines: Sequence[_Line], measure: Measure, size: SizeRange) -> None:
        self._sign = 1.0 if measure.higher_is_better else -1.0
        self.lines = sorted(lines, key=lambda line: (-self._value(line), line.entry.identity))
        """The best first; equal figures by name."""
        wider = SizeRange(minimum=0, maximum=2 * size.maximum)
        enough = (each for each in (size, wider) if sum(_peer(line, each) for line in lines) >= FEWEST_PEERS)
        self._size = next(enough, None)
        self._values = [self._value(line) for line in lines if _peer(line, self._size)]

    def _value(self, line: _Line) -> float:
        """The figure, turned so that more is better."""
        return self._sign * line.figure.value

    def rank(self, line: _Line) -> Rank:
        value = self._value(line)
        better = sum(other > value for other in self._values)
        worse = sum(other < value for other in self._values)
        inside = _peer(line, self._size)
        number = len(self._values) + (not inside)
        stance = Stance.MIXED
        if number >= FEWEST_PEERS:
            first, last = 3 * (better + 1) <= number, 3 * (worse + 1) <= number
            if first != last:
                stance = Stance.FOR if first else Stance.AGAINST
        return Rank(
            better + 1, number, ("models " if inside else "with models ") + _among(self._size), stance
        )


def _peer(line: _Line, size: SizeRange | None) -> bool:
    """Whether a line is comparable; a candidate of unknown size has been found to fit elsewhere."""
    if size is None:
        return True
    fits = fits_size(size, line.entry.parameters, line.entry.name)
    return fits is True or (fits is None and line.key is not None)


def _among(size: SizeRange | None) -> str:
    if size is None:
        return "on the board"
    return f"of {size}" if size.minimum else str(size)


def _lines(standings: Standings, at: int, matcher: Matcher) -> list[_Line]:
    """One line a model. Of several entries the least favourable counts: whoever can add an entry could
    otherwise lift a model by adding a better one."""
    board = standings.board
    worst: dict[str, _Line] = {}
    for entry in standings.entries:
        figure = entry.figures[at]
        if figure is None:
            continue
        key = matcher.key_of(entry.identity, answering_only=board.answering_only)
        line = _Line(entry, figure, key, 1)
        before = worst.get(key or entry.identity.casefold())
        if before is not None:
            lower = before.figure.value < figure.value
            kept = before if lower == board.measures[at].higher_is_better else line
            line = replace(kept, entries=before.entries + 1)
        worst[key or entry.identity.casefold()] = line
    return list(worst.values())


def _claim(standings: Standings, measure: Measure, key: str, line: _Line, rank: Rank) -> Claim:
    entry = line.entry
    return Claim(
        candidate=key,
        stance=rank.stance,
        kind=ClaimKind.BENCHMARK,
        summary=_summary(standings, measure, key, line, rank),
        dated=entry.dated,
        quality=Quality.REVIEWED,
        found_by=FoundBy.LEADERBOARD,
        source=Source(
            url=entry.page.url,
            kind=SourceKind.THIRD_PARTY,
            retrieved_at=entry.page.retrieved_at,
            content_hash=entry.page.content_hash,
            quote=line.figure.quote,
        ),
    )


def _summary(standings: Standings, measure: Measure, key: str, line: _Line, rank: Rank) -> str:
    figure = f"{line.figure.value:.2f}".rstrip("0").rstrip(".") + (f" {measure.unit}" if measure.unit else "")
    said = f"{measure.benchmark} {figure}, rank {rank.place} of {rank.of} {rank.among}"
    if not measure.higher_is_better:
        said += ", lower is better"
    if line.entry.name.casefold() not in {key.casefold(), key.casefold().rsplit("/", 1)[-1]}:
        said += f", as {line.entry.name}"
    if line.entries > 1:
        said += f"; the least favourable of {line.entries} entries"
    if rank.of < FEWEST_PEERS:
        said += "; too few to tell"
    if standings.rows_unread:
        said += f"; {standings.rows_unread:,} rows of it unread"
    return f"{said} (judged by: {standings.board.judged_by})."[:400]


def _fits(entry: Entry, size: SizeRange) -> bool:
    return fits_size(size, entry.parameters, entry.name) is True


def _viable(entry: Entry) -> bool:
    """Whether nothing in its names says that it is a copy, a merge, an adapter or a raw checkpoint."""
    names = (entry.name, entry.identity.rsplit("/", 1)[-1])
    return not any(packaging_of(name) or any(sign.search(name) for sign in _signs()) for name in names)


@cache
def _signs() -> tuple[re.Pattern[str], ...]:
    return tuple(whole_words(kind.names) for kind in naming().kinds.values())
