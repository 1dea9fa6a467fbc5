"""How hard a text is to read, by published formulae.

- Flesch–Kincaid grade: 0.39 · words/sentences + 11.8 · syllables/words - 15.59, a school grade of the United
  States, for English alone (Kincaid, Fishburne, Rogers and Chissom 1975, "Derivation of new readability
  formulas for Navy enlisted personnel"). Syllables are counted by rule, within a few per cent.
- LIX: words/sentences + 100 · (words of more than six letters)/words (Björnsson 1968, "Läsbarhet"). It counts
  no syllables and so needs no dictionary; below 30 very easy, 40 to 50 a newspaper, above 60 very hard, as
  measured on Swedish. Languages with longer words, such as Finnish, score higher for the same difficulty.
"""

from __future__ import annotations

import re

from tools.languages import language_of
from tools.prose import prose, sentences, words

LEAST_WORDS = 30
"""Words below which a formula says nothing: both were made for passages of a hundred words and more."""
UNSPACED = frozenset({"zh", "ja", "th"})
"""Languages that put no space between words; neither formula can count them."""


_TWO = re.compile(
    r"i(?:a(?!l)|o(?!us|n)|et|um)|(?<![ctxg])ious|[^qg]ua|eo(?!us|n|ple)|[aeiouy]ing|[^aeiouyl]rial|^lion"
    r"|eum|[aeiou][^aeiou]ea$|(?<![ct])ien[ct]|^scien|^crea|oe[mt]|uel$|thm|[^t]erial"
)
"""Neighbouring vowels that are two syllables, and consonants that are one."""
_SILENT = re.compile(
    r"(?<=[^aeiouyl])(?:e|ed|es)$(?<![td]ed)(?<![sxzcg]es)(?<![cs]hes)"
    r"|(?<=[aeiouy]l)e[ds]?$|(?<=ll)e[ds]$|^every|^evening|^business|^some(?=[a-z])|ague$"
)
"""Vowels that are written and not spoken."""


class NotMeasured(Exception):
    """A text whose reading level cannot be told; the message is a sentence that says why."""


def flesch_kincaid(text: str) -> float:
    """The Flesch–Kincaid grade of an English text; :class:`NotMeasured` for short or other texts."""
    counted = _words(text)
    language = language_of(text)
    if language is None or language.code != "en":
        known = f"is in {language.title}" if language else "is in no language that was recognised"
        raise NotMeasured(f"The Flesch–Kincaid grade is for English; the answer {known}.")
    syllables = sum(count_syllables(word) for word in counted)
    return 0.39 * len(counted) / _sentences(text) + 11.8 * syllables / len(counted) - 15.59


def lix(text: str) -> float:
    """The LIX of a text in any language that puts spaces between words; :class:`NotMeasured` else."""
    counted = _words(text)
    language = language_of(text)
    if language is not None and language.code in UNSPACED:
        raise NotMeasured(f"LIX counts words between spaces, which {language.title} does not have.")
    long = sum(sum(map(str.isalpha, word)) > 6 for word in counted)
    return len(counted) / _sentences(text) + 100 * long / len(counted)


def count_syllables(word: str) -> int:
    """Syllables of an English word, by its groups of vowels; at least 1."""
    bare = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", bare)) + len(_TWO.findall(bare)) - len(_SILENT.findall(bare))
    return max(1, groups)


def _words(text: str) -> list[str]:
    counted = [word for word in words(prose(text)) if any(map(str.isalpha, word))]
    if len(counted) < LEAST_WORDS:
        raise NotMeasured(f"A reading level needs {LEAST_WORDS} words; the answer has {len(counted)}.")
    return counted


def _sentences(text: str) -> int:
    return max(1, len(sentences(text)))
