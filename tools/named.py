"""Which candidates, and which other models, a sentence names.

Names are looked up by their tokens, so that the cost of a page does not grow with the number of candidates. A
name's separators are loose: ``Qwen3-8B`` also stands as ``Qwen3 8B`` and ``Qwen 3 8B``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from tools.evidence_rules import evidence_rules

TOKEN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*")
LETTERS = re.compile(r"[^\W\d_]+")
LOOSE = frozenset(" \t\n_:/-")
LONGEST_NAME = 120
SHORTEST_NAME = 3


class Mention(NamedTuple):
    """A place in a text where models are named."""

    start: int
    end: int
    keys: frozenset[str]
    """The candidate; empty for a model that is none; several where one name means several."""


class NameIndex:
    """The names of the candidates, by their tokens."""

    def __init__(self, names: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self._names: dict[tuple[str, ...], frozenset[str]] = {}
        self._lengths: dict[str, list[int]] = {}
        """First token → how many tokens names have that begin with it, the longest first."""
        self._letters: set[str] = set()
        """For each name one run of letters that it cannot be named without."""
        for key, values in names:
            for form in {key, key.rsplit("/", 1)[-1], *values}:
                tokens = tuple(token.lower() for token in TOKEN.findall(form[:LONGEST_NAME]))
                if tokens and len(form.strip()) >= SHORTEST_NAME:
                    self._names[tokens] = self._names.get(tokens, frozenset()) | {key}
                    self._letters.add(next((token for token in tokens if token.isalpha()), tokens[0]))
        for tokens in self._names:
            lengths = self._lengths.setdefault(tokens[0], [])
            if len(tokens) not in lengths:
                lengths.append(len(tokens))
                lengths.sort(reverse=True)

    def may_name(self, lowered: str) -> bool:
        """Whether a text in lower case may name a candidate at all; cheap."""
        return not self._letters.isdisjoint(LETTERS.findall(lowered))

    def find(self, text: str) -> list[Mention]:
        """Candidates named in ``text``, left to right; a name inside another's longer one does not count."""
        words = [token.lower() for token in TOKEN.findall(text)]
        places = [place for place, word in enumerate(words) if word in self._lengths]
        if not places:
            return []
        spans = [match.span() for match in TOKEN.finditer(text)]
        found: list[Mention] = []
        for place in places:
            mention = self._at(place, words, spans, text)
            if mention is None or (found and mention.start < found[-1].end):
                continue
            if _stands_alone(text, mention):
                found.append(mention)
        return found

    def _at(
        self, place: int, words: Sequence[str], spans: Sequence[tuple[int, int]], text: str
    ) -> Mention | None:
        """The longest name that begins at token ``place``."""
        for length in self._lengths[words[place]]:
            if place + length > len(words):
                continue
            keys = self._names.get(tuple(words[place : place + length]))
            if keys and _joined(text, spans[place : place + length]):
                return Mention(spans[place][0], spans[place + length - 1][1], keys)
        return None


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> bool:
    gaps = [text[one[1] : other[0]] for one, other in pairwise(spans)]
    return all(len(gap) <= 2 and LOOSE.issuperset(gap) for gap in gaps)


def _stands_alone(text: str, mention: Mention) -> bool:
    """Whether a name is not a part of another model's: ``Qwen3-8B-Base``, ``R1-Distill-Llama-8B``."""
    before, after = text[max(0, mention.start - 40) : mention.start], text[mention.end : mention.end + 40]
    rules = evidence_rules()
    return (
        re.search(r"[\w.-]\Z", before) is None
        and re.match(r"\w|\.\d|[-_]\w", after) is None
        and rules.before_name.search(before) is None
        and rules.after_name.match(after) is None
    )


def all_models(text: str, index: NameIndex) -> list[Mention]:
    """Candidates and other models named in ``text``, left to right."""
    found = index.find(text)
    others = [
        Mention(match.start(), match.end(), frozenset())
        for match in evidence_rules().other_model.finditer(text)
        if not any(match.start() < mention.end and mention.start < match.end() for mention in found)
    ]
    return sorted([*found, *others]) if others else found


def index_of(names: Mapping[str, Sequence[str]]) -> NameIndex:
    """The index of ``names``, candidate key → what it goes by; built once for the same names."""
    return _index(tuple((key, tuple(values)) for key, values in names.items()))


@lru_cache(maxsize=16)
def _index(names: tuple[tuple[str, tuple[str, ...]], ...]) -> NameIndex:
    return NameIndex(names)
