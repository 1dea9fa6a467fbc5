"""Which language a text is in, or None where that cannot be told.

By script where a script has one language; elsewhere by the commonest short words of each language (the method
of Grefenstette 1995, "Comparing two language identification schemes") and by letters that a language lacks.
Meant for one question, whether an answer is in its message's language, where a wrong word costs more than
none: short, mixed and unknown texts are left alone. ``tools/knowledge/languages.yaml`` holds the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.knowledge.loader import load_yaml
from tools.prose import prose

MAX_CHARACTERS = 8_000
"""Characters of a text that are read, half from its beginning and half from its end."""
LEAST_HITS = 3
"""Different short words of a language that must be there."""
LEAST_SHARE = 0.16
"""Share of short words of the language among all words."""
LEAD = 0.25
"""Share of its hits by which the first language must lead the second."""
CLOSE_LEAD = 0.1
"""The same, against a language that is so alike that mistaking one for the other does no harm."""
MAIN_SCRIPT = 0.8
"""Share of the text that its main script must have."""
LEAST_LETTERS = {"han": 4, "kana": 4, "hangul": 4, "thai": 8}
FEW_LETTERS = 10
"""Letters that must be there before a script tells a language."""
WEIGHT = {"han": 3, "kana": 2, "hangul": 2}
"""Letters of an alphabet that a character of these scripts stands for."""
STRAY = 0.15
"""Share of a text that may stand in another language before the text counts as mixed."""

_PIECE = re.compile(r"[\n.!?:;()\"“”„«»…।|]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]*)?")
_DEVANAGARI_WORD = re.compile(r"[\u0900-\u097f]+")


class Script(BaseModel):
    """A script, and the language it tells where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    characters: str = Field(pattern=r"^[^\[\]^]+$")
    """Ranges as in a regular expression's brackets."""
    language: str | None = None
    title: str = ""
    unless: str = ""
    """Characters of other languages of the script, as ranges."""


class Profile(BaseModel):
    """The commonest short words of a language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z]{2,3}$")
    title: str
    script: str
    letters: str = ""
    """Letters beside a to z that its words have; a word with another speaks against it."""
    close: tuple[str, ...] = ()
    words: str = Field(min_length=20)


class Languages(BaseModel):
    """``languages.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scripts: tuple[Script, ...]
    languages: tuple[Profile, ...]
    other_language: str
    other_language_anywhere: str


class Language(NamedTuple):
    """ISO 639 code and English name."""

    code: str
    title: str


class Reading(NamedTuple):
    """What was made of a text."""

    language: Language | None
    words: int
    stray: int
    """Words in sentences that look like another language."""

    @property
    def pure(self) -> bool:
        """Whether a language was recognised and no sentence looks like another."""
        return self.language is not None and self.stray == 0


_NOTHING = Reading(None, 0, 0)


def language_of(text: str) -> Language | None:
    """The language of a text; None for a short, mixed or unknown one. Only :func:`prose` is read."""
    return read_language(text).language


def read_language(text: str) -> Reading:
    """:func:`language_of`, with what was counted."""
    plain = prose(text)
    if len(plain) > MAX_CHARACTERS:
        plain = f"{plain[: MAX_CHARACTERS // 2]}\n{plain[-MAX_CHARACTERS // 2 :]}"
    plain = unicodedata.normalize("NFC", plain).lower().replace("’", "'")
    script = _main_script(plain)
    if script is None:
        return _NOTHING
    if script.language is not None:
        few = LEAST_LETTERS.get(script.name, FEW_LETTERS)
        letters = len(re.findall(f"[{script.characters}]", plain))
        foreign = script.unless and re.search(f"[{script.unless}]", plain)
        known = letters >= few and not foreign
        return Reading(Language(script.language, script.title) if known else None, letters, 0)
    return _by_words(plain, _index(script.name))


def known_languages() -> dict[str, str]:
    """Code → English name of every language that can be recognised."""
    data = _data()
    by_script = {s.language: s.title for s in data.scripts if s.language is not None}
    return dict(sorted(({p.code: p.title for p in data.languages} | by_script).items()))


def alike(one: str, other: str) -> bool:
    """Whether two languages are the same, or so close that a text of one may be read as the other."""
    close = {profile.code: profile.close for profile in _data().languages}
    return one == other or other in close.get(one, ()) or one in close.get(other, ())


def speaks_of_language(message: str) -> bool:
    """Whether a message names a language or asks for a translation, so that any language may be right."""
    return _other_language().search(unicodedata.normalize("NFC", message[:20_000]).lower()) is not None


class _Index(NamedTuple):
    profiles: tuple[Profile, ...]
    own_words: tuple[frozenset[str], ...]
    by_word: dict[str, tuple[int, ...]]
    by_letter: dict[str, frozenset[int]]
    neighbours: frozenset[tuple[int, int]]

    def alike(self, one: int, other: int) -> bool:
        return (one, other) in self.neighbours


@cache
def function_words() -> frozenset[str]:
    """The commonest short words of every language that has a profile."""
    return frozenset(word for profile in _data().languages for word in profile.words.split())


def _by_words(text: str, index: _Index) -> Reading:
    find = _DEVANAGARI_WORD.findall if index.profiles[0].script == "devanagari" else _WORD.findall
    pieces = [found for found in map(find, _PIECE.split(text)) if found]
    counts = Counter(word for piece in pieces for word in piece)
    hits: Counter[int] = Counter()
    different: Counter[int] = Counter()
    for word, n in counts.items():
        for i in _languages_of(word, index):
            hits[i] += n
            different[i] += 1
        if not word.isascii():
            for i in _lacking(word, index):
                hits[i] -= n
    total = counts.total()
    if not hits:
        return Reading(None, total, 0)
    (best, score), *others = hits.most_common()
    stray = sum(len(piece) for piece in pieces if _is_stray(piece, best, index))
    known = (
        different[best] >= LEAST_HITS
        and score >= LEAST_SHARE * total
        and all(_leads(score, n, close=index.alike(i, best)) for i, n in others)
        and stray <= STRAY * total
    )
    profile = index.profiles[best]
    return Reading(Language(profile.code, profile.title) if known else None, total, stray)


def _leads(first: int, second: int, *, close: bool) -> bool:
    return first - second >= max(1 if close else 2, (CLOSE_LEAD if close else LEAD) * first)


def _is_stray(piece: list[str], best: int, index: _Index) -> bool:
    """Whether a piece of text has words of another language and hardly any of the best one."""
    own_words = index.own_words[best]
    own = sum(word in own_words for word in piece)
    if own > len(piece) // 6:
        return False
    others = Counter(i for word in piece if word not in own_words for i in _languages_of(word, index))
    most = max((n for i, n in others.items() if not index.alike(i, best)), default=0)
    return most > 0 and most >= 3 * own


def _languages_of(word: str, index: _Index) -> tuple[int, ...]:
    found = index.by_word.get(word, ())
    if not found and "'" in word:
        return index.by_word.get(word[: word.index("'") + 1], ())
    return found


def _lacking(word: str, index: _Index) -> Iterable[int]:
    """The languages whose words have not all of this word's letters."""
    fitting = frozenset(range(len(index.profiles)))
    for letter in word:
        if not letter.isascii():
            fitting &= index.by_letter.get(letter, frozenset())
    return (i for i, profile in enumerate(index.profiles) if profile.letters and i not in fitting)


def _main_script(text: str) -> Script | None:
    scripts = {script.name: script for script in _data().scripts}
    if text.isascii() or not _beyond_latin().search(text):
        return scripts["latin"]
    weights: Counter[str] = Counter()
    for name, script in scripts.items():
        weights[name] = WEIGHT.get(name, 1) * len(re.findall(f"[{script.characters}]", text))
    kana, han = weights.pop("kana", 0), weights.pop("han", 0)
    if kana >= 0.1 * (kana + han):
        weights["kana"] = kana + han
    elif kana <= 0.02 * han:
        weights["han"] = kana + han
    name, weight = max(weights.items(), key=lambda item: (item[1], item[0]))
    return scripts[name] if weight and weight >= MAIN_SCRIPT * (weights.total() or 1) else None


@cache
def _index(script: str) -> _Index:
    profiles = tuple(profile for profile in _data().languages if profile.script == script)
    by_word: dict[str, list[int]] = {}
    by_letter: dict[str, set[int]] = {}
    for i, profile in enumerate(profiles):
        for word in dict.fromkeys(profile.words.split()):
            by_word.setdefault(word, []).append(i)
        for letter in profile.letters:
            by_letter.setdefault(letter, set()).add(i)
    return _Index(
        profiles,
        tuple(frozenset(profile.words.split()) for profile in profiles),
        {word: tuple(listed) for word, listed in by_word.items()},
        {letter: frozenset(listed) for letter, listed in by_letter.items()},
        frozenset(
            (i, j)
            for i, one in enumerate(profiles)
            for j, other in enumerate(profiles)
            if i != j and alike(one.code, other.code)
        ),
    )


@cache
def _beyond_latin() -> re.Pattern[str]:
    return re.compile(f"[{''.join(s.characters for s in _data().scripts if s.name != 'latin')}]")


@cache
def _other_language() -> re.Pattern[str]:
    data = _data()
    stems = "|".join(re.escape(stem) for stem in data.other_language.split())
    anywhere = "|".join(re.escape(word) for word in data.other_language_anywhere.split())
    return re.compile(rf"\b(?:{stems})|{anywhere}")


def _data() -> Languages:
    return load_yaml("languages", Languages)
