"""The words that a judge's reasons share, counted: a summary that no model wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tools.languages import function_words
from tools.rows import Case, Row
from tools.rubric import Criterion, Kind

MOST_REASONS = 200
"""Reasons that are read of each kind, evenly spaced; the rest would change little."""
MOST_OF_OTHERS = 20
"""Reasons for failing each other criterion that they are compared with."""
MOST_WORDS = 5
FEWEST_REASONS = 3
LEAST_SHARE = 0.25
"""A word is shared when so many of the reasons hold it …"""
MORE_OFTEN = 2.0
"""… and it is so many times as frequent as in the reasons given for other verdicts."""
_WORD = re.compile(r"[^\W\d_]{4,30}")


class SharedWord(NamedTuple):
    """A word, and how many of the reasons that were read hold it."""

    word: str
    reasons: int
    of: int


class Reasons:
    """The reasons of all verdicts but those on held-out scenarios, since a reason may quote the message."""

    def __init__(self, rows: Sequence[Row], cases: Mapping[str, Sequence[Case]]) -> None:
        self._failed: dict[str, list[str]] = {name: [] for name in cases}
        self._met: dict[str, list[str]] = {name: [] for name in cases}
        for name, found in cases.items():
            for case in found:
                if case.verdict.reason and not rows[case.position].scenario.held_out:
                    (self._failed if case.failed else self._met)[name].append(case.verdict.reason)
        self._samples = {name: _evenly(found, MOST_OF_OTHERS) for name, found in self._failed.items()}

    def shared(self, criterion: Criterion) -> tuple[SharedWord, ...]:
        """What the reasons for failing it share, against those for meeting it and for failing others.

        Nothing for a computed criterion, whose reasons are one sentence with other numbers in it.
        """
        if criterion.kind is Kind.COMPUTED:
            return ()
        others = [reason for name, found in self._samples.items() if name != criterion.id for reason in found]
        others += _evenly(self._met[criterion.id], MOST_REASONS)
        return shared_words(_evenly(self._failed[criterion.id], MOST_REASONS), others, criterion.question)


def shared_words(reasons: Sequence[str], others: Sequence[str], question: str) -> tuple[SharedWord, ...]:
    """Words that mark ``reasons`` against ``others``, most frequent first.

    Words of the criterion's own question say nothing new; words that are as frequent in any reason, and the
    short words that every text of a language is full of, say nothing in particular.
    """
    if len(reasons) < FEWEST_REASONS:
        return ()
    counts, background = _holding(reasons), _holding(others)
    said = _words(question) | function_words()
    found = [
        SharedWord(word, n, len(reasons))
        for word, n in counts.items()
        if word not in said
        and n >= max(FEWEST_REASONS, LEAST_SHARE * len(reasons))
        # Half a count more, so that a word unseen among a few others is no proof.
        and n / len(reasons) >= MORE_OFTEN * (background[word] + 0.5) / (len(others) + 1)
    ]
    return tuple(sorted(found, key=lambda word: (-word.reasons, word.word))[:MOST_WORDS])


def _holding(reasons: Iterable[str]) -> Counter[str]:
    return Counter(word for reason in reasons for word in _words(reason))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _evenly(reasons: Sequence[str], most: int) -> Sequence[str]:
    step = -(-len(reasons) // most)
    return reasons[:: step or 1]
