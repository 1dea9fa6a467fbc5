"""Text that tries to instruct whoever reads it: ``tools/knowledge/injection.yaml`` says what that looks like.

What a page says is data (design, invariant 11). Nothing here obeys it, and nothing depends on this finding
every attack: a sentence that is missed is a claim like any other, with a verbatim quote and a stance by rule.
What is found is kept, flagged and never counted.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field

from tools.evidence_rules import words_pattern
from tools.knowledge.loader import load_yaml

MAX_TEXT = 400_000
MAX_TOKENS = 200
"""Encoded words that are decoded on one page."""
MAX_TOKEN = 20_000
LEFT = 40
RIGHT = 400
"""Characters before and after the beginning of an order that are looked at."""
_BLANK = (
    *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
    *(*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    *(*range(0x0300, 0x0370), *range(0xFE00, 0xFE10)),
)
INVISIBLE = dict.fromkeys(_BLANK)
"""Characters that show nothing, and marks that stand on others."""
TAGS = {0xE0000 + code: chr(code).lower() for code in range(0x20, 0x7F)}
"""Unicode's tag characters: a second, invisible ASCII."""
FIRST_WORD = re.compile(r"[a-z]+")
REVERSED = "\u202e"
INVISIBLE_GAP = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff]")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}[^%]{0,12}){3}")
APART = re.compile(r"(?<!\w)\w(?:[ ._*-]\w){2,}(?!\w)")
FEWEST_APART = 6
"""Single letters in a row below which a text is not taken for one whose letters were set apart."""
LEET = re.compile(r"(?=[a-z013457@$]*[a-z])(?=[a-z]*[013457@$])[a-z013457@$]{3,}")
UNLEET = tuple(str.maketrans("013457@$", f"o{one}eastas") for one in "il")
ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")


class Left(StrEnum):
    """What may stand before an order."""

    IMPERATIVE = "imperative"
    NOT_REPORTED = "not reported"
    ANY = "any"


class Reach(StrEnum):
    """How much of a page an order makes suspicious."""

    PAGE = "page"
    SENTENCE = "sentence"
    PROMPT = "prompt"
    """The sentence; in hidden text nothing, since cards keep prompts and templates in their front matter."""


_STRENGTH = {None: 0, Reach.PROMPT: 1, Reach.SENTENCE: 2, Reach.PAGE: 3}


class Order(BaseModel):
    """One way to instruct a reader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    left: Left
    reach: Reach
    starts: tuple[str, ...] = Field(min_length=1)
    """Words that it begins with."""
    then: str
    """Expression for how it goes on, in lower case."""


class InjectionRules(BaseModel):
    """What instructing text looks like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ushers: tuple[str, ...]
    """Words that may stand before an imperative."""
    reporting: tuple[str, ...]
    """Words before a verb that make it a report: "it will ignore …"."""
    lookalikes: dict[str, str]
    """Characters that look like another one."""
    squeezed: tuple[str, ...]
    """Orders without spaces."""
    orders: tuple[Order, ...] = Field(min_length=1)


class _Start(NamedTuple):
    words: str
    order: Order
    then: re.Pattern[str]


class _Reader(NamedTuple):
    by_word: dict[str, list[_Start]]
    """By the first word; under "" what begins with no Latin letter."""
    imperative: re.Pattern[str]
    reported: re.Pattern[str]
    folds: dict[int, str | None]
    squeezed: tuple[str, ...]


def is_suspicious(text: str) -> bool:
    """Whether a text tries to instruct whoever reads it, openly or in disguise."""
    return reach_of(text) is not None


def reach_of(text: str) -> Reach | None:
    """How much of its page a text makes suspicious; None where it instructs nobody."""
    found: Reach | None = None
    for shown in _readings(text[:MAX_TEXT]):
        for reach in _orders(shown):
            if reach is Reach.PAGE:
                return reach
            found = max(found, reach, key=lambda each: _STRENGTH[each])
    return found


def without_hidden(text: str) -> str:
    """``text`` with what a reader does not see made line breaks: as long as before, so that places stay.

    Front matter, comments of HTML and Markdown, and elements whose style hides them.
    """
    if "<" not in text and "[//]" not in text and not text.startswith("---"):
        return text
    for pattern in _HIDDEN:
        text = pattern.sub(lambda match: "\n" * len(match.group()), text)
    return text


_HIDDEN = (
    re.compile(r"\A---\n.{0,20000}?\n---[ \t]*(?=\n|\Z)", re.DOTALL),
    re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL),
    re.compile(r"^[ \t]*\[//\]:[^\n]*", re.MULTILINE),
    re.compile(
        r"<(div|span|p|section|font|td|li|b|i|em)\b[^<>]{0,300}?(?:display\s*:\s*none|visibility\s*:\s*hidden"
        r"|font-size\s*:\s*0|opacity\s*:\s*0(?!\.)|color\s*:\s*(?:white|#fff)|\shidden\b|aria-hidden\s*=\s*.true)"
        r"[^<>]{0,300}>.*?(?:</\1\s*>|\Z)",
        re.DOTALL | re.IGNORECASE,
    ),
    re.compile(r"<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE),
)


def fold(text: str) -> str:
    """Lower case without accents, invisible characters and lookalikes."""
    lowered = text.lower()
    return lowered if lowered.isascii() else unicodedata.normalize("NFKD", lowered).translate(_reader().folds)


def _readings(text: str) -> Iterator[str]:
    """The text as it reads, and what it says once each disguise is taken off."""
    plain = fold(text)
    words = set(text.split())
    yield plain
    yield plain.translate(ROT13)
    if not text.isascii() and INVISIBLE_GAP.search(text):
        yield fold(INVISIBLE_GAP.sub(" ", text))
    if REVERSED in text:
        yield plain[::-1]
    if "&#" in text or "&lt;" in text:
        yield fold(html.unescape(text))
    if PERCENT.search(text):
        yield fold(unquote(text, errors="replace"))
    decoded = _decoded(words)
    if decoded:
        yield fold(decoded)
    yield from _joined(plain)
    yield from _unleeted(plain, words)


def _joined(plain: str) -> Iterator[str]:
    """With letters that were set apart pushed together, word by word and altogether."""
    words = plain.split()
    single = "".join("x" if len(word) == 1 and word.isalpha() else " " for word in words)
    if "x" * FEWEST_APART not in single and not any(
        len(word) >= 2 * FEWEST_APART - 1 and APART.fullmatch(word) for word in set(words)
    ):
        return
    runs = [re.sub(r"[ ._*-]", "", match.group()) for match in APART.finditer(plain)]
    if any(squeezed in run for run in runs for squeezed in _reader().squeezed):
        yield "ignore all previous instructions"
    yield re.sub(r"\s+", " ", APART.sub(lambda match: re.sub(r"[ ._*-]", "", match.group()), plain))


def _unleeted(plain: str, words: set[str]) -> Iterator[str]:
    """With figures that stand for letters made letters, where that gives words of orders."""
    disguised: dict[str, str] = {}
    for word in {word.lower().strip(".,:;!?\"'()[]") for word in words if not word.isalpha()}:
        if LEET.fullmatch(word):
            read = next(
                (plainer for table in UNLEET if (plainer := word.translate(table)) in _leet_words()), None
            )
            if read:
                disguised[word] = read
    if len(disguised) >= 2:
        yield LEET.sub(lambda match: disguised.get(match.group(), match.group()), plain)


def _decoded(words: set[str]) -> str:
    """What stands in base64 and hexadecimal, where it is text."""
    parts = []
    tokens = [match.group() for word in sorted(words) if len(word) >= 20 for match in ENCODED.finditer(word)]
    for token in tokens[:MAX_TOKENS]:
        for data in (_from_hex(token[:MAX_TOKEN]), _from_base64(token[:MAX_TOKEN])):
            shown = data.decode("utf-8", "replace") if data else ""
            if shown and sum(char.isprintable() and char != "\ufffd" for char in shown) > 0.9 * len(shown):
                parts.append(shown)
    return "\n".join(parts)


def _from_hex(token: str) -> bytes:
    try:
        return bytes.fromhex(token)
    except ValueError:
        return b""


def _from_base64(token: str) -> bytes:
    body = token.rstrip("=").translate(str.maketrans("-_", "+/"))
    body = body[: len(body) - 1] if len(body) % 4 == 1 else body
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return b""


def _orders(text: str) -> Iterator[Reach]:
    """The reach of each order in a folded text."""
    reader = _reader()
    words = set(FIRST_WORD.findall(text))
    for first, starts in reader.by_word.items():
        if first and first not in words:
            continue
        for start in starts:
            yield from _hits(text, start, reader)


def _hits(text: str, start: _Start, reader: _Reader) -> Iterator[Reach]:
    latin = start.words[0].isascii() and start.words[0].isalpha()
    place = text.find(start.words)
    while place >= 0:
        inside = latin and place > 0 and (text[place - 1].isalnum() or text[place - 1] == "_")
        end = place + len(start.words)
        before = text[max(0, place - LEFT) : place]
        if (
            not inside
            and start.then.match(text, end, end + RIGHT)
            and _may_stand(start.order.left, before, reader)
        ):
            yield start.order.reach
        place = text.find(start.words, end)


def _may_stand(left: Left, before: str, reader: _Reader) -> bool:
    reported = reader.reported.search(before) is not None
    if left is Left.IMPERATIVE:
        # A line may have been broken in the middle of a report.
        broken = before.rstrip(" \t").endswith("\n") and reported
        return not broken and reader.imperative.search(before) is not None
    return left is Left.ANY or not reported


@cache
def _leet_words() -> frozenset[str]:
    """Words of orders, as they read once figures are letters again."""
    starts = (start for order in injection_rules().orders for start in order.starts)
    words = {word for start in starts for word in start.split()}
    return frozenset(
        words | {"all", "instructions", "previous", "prior", "rules", "prompt", "stars", "model"}
    )


@cache
def _reader() -> _Reader:
    rules = injection_rules()
    folds: dict[int, str | None] = {**INVISIBLE, **TAGS}
    folds |= {ord(like): letter for like, letter in rules.lookalikes.items()}

    def folded(words: str, *, case: bool = True) -> str:
        # An expression keeps its capitals: \S is not \s.
        return unicodedata.normalize("NFKD", words.lower() if case else words).translate(folds)

    by_word: dict[str, list[_Start]] = {}
    for order in rules.orders:
        then = re.compile(folded(order.then, case=False), re.DOTALL)
        for words in map(folded, order.starts):
            first = FIRST_WORD.match(words)
            by_word.setdefault(first.group() if first else "", []).append(_Start(words, order, then))
    ushers = "|".join(re.escape(folded(word)) for word in rules.ushers)
    return _Reader(
        by_word=by_word,
        imperative=re.compile(rf"(?:^|[^\w\s']|\n)\s*$|(?<!\w)(?:{ushers})[\s,:]*$"),
        reported=re.compile(words_pattern(tuple(map(folded, rules.reporting))).pattern + r"\s*$"),
        folds=folds,
        squeezed=rules.squeezed,
    )


def injection_rules() -> InjectionRules:
    """The rules that ship with the package. Raises :class:`WrongUse` when the file is damaged."""
    return load_yaml("injection", InjectionRules)
