"""Names of models in prose and tables: candidates that no list may have.

Precision comes before recall. A size alone is talk about size ("a 7B model"); a name needs a word of its own,
and graphics cards, programs, data sets, sums of money and counts of tokens have none. What is found is data:
a name to look up, never a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from tools.hub import is_repo
from tools.knowledge.loader import families
from tools.knowledge.naming import naming
from tools.model_names import Signature, bare_name, packaging_of, signature
from tools.repo_kinds import family_key

LONGEST_TEXT = 400_000
MOST = 2_000
"""Characters read and mentions kept of one text."""
LONGEST_NAME = 6
"""Words of a name before its size."""
LARGEST = 2_000
"""Billions of parameters; no model has more, sums of money do."""

HUB_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]{1,96})/([\w.-]{1,96})")
LIBRARY_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?ollama\.com/(?:library/)?([\w./-]{1,80}(?::[\w.-]{1,80})?)"
)
LINK = re.compile(
    r"https?://\S{1,2000}|(?<![\w.-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.(?:com|org|net|io|ai|dev|co)/\S{1,2000}"
)
PATH = re.compile(r"(?<![\w/.:@~-])([A-Za-z0-9_][\w.-]{0,95})/([A-Za-z0-9_][\w.-]{0,95})(?![\w/])")
COMMAND = re.compile(
    r"\bollama[ \t]+(?:run|pull|show|create)[ \t]+([a-z0-9][\w.-]{0,79}(?:/[\w.-]{1,80})*(?::[\w.-]{1,80})?)"
)
TAG = re.compile(
    r"(?<![\w/.:@-])([a-z][a-z0-9._-]{1,60}):((?:\d+x|e)?\d+(?:\.\d+)?[bm](?:-[\w.-]{1,60})?)(?![\w:/])"
)
WORD = re.compile(r"[A-Za-z0-9](?:[\w.+-]{0,98}[A-Za-z0-9])?")
SIZE = re.compile(r"(?:\d{1,2}x|e)?(\d{1,4}(?:\.\d{1,2})?)(?:b|bn|billion)", re.IGNORECASE)
SIZED = re.compile(r"(?:^|[-_])(?:\d{1,2}x|e)?\d{1,4}(?:\.\d{1,2})?b(?=$|[-_])", re.IGNORECASE)
NUMBER = re.compile(r"v?\d+(?:\.\d+)*", re.IGNORECASE)
AFTER = re.compile(
    r"v\d+(?:\.\d+)*|instruct|chat|it|base|thinking|reasoning|think|coder|math|preview|a\d+(?:\.\d+)?b|hf|"
    r"(?:instruct|chat|it|base|thinking|sft|dpo)[-_][\w.-]+|2\d(?:0[1-9]|1[0-2])",
    re.IGNORECASE,
)
FILE = re.compile(r"\.(?:gguf|safetensors|bin|pt|py|md|json|ya?ml|txt|sh|ts|js|html)$", re.IGNORECASE)
COUNTED = re.compile(
    r"\W{0,3}(?:tokens?|words|dollars?|usd|eur|euros?|users?|people|rows|examples|samples|downloads|images|pairs|"
    r"documents|requests|flops)\b",
    re.IGNORECASE,
)


class MentionKind(StrEnum):
    """How a name was written."""

    REPO = "repo path"
    TAG = "tag"
    PROSE = "prose"


class Mention(NamedTuple):
    """A name of a model in a text."""

    text: str
    """As written; for a link to the Hub, its repository."""
    kind: MentionKind
    signature: Signature
    """What the name says; :class:`tools.identity.KnownNames` tells whether it is known."""

    @property
    def size(self) -> str | None:
        """``8b``; None when the name tells none."""
        return self.signature.size


class _Found(NamedTuple):
    start: int
    text: str
    kind: MentionKind


def names_in(text: str) -> tuple[Mention, ...]:
    """Names of models in ``text``, in the order of their first mention, each spelling once."""
    text = text[:LONGEST_TEXT]
    links = [(link.start(), len(link[0])) for link in LINK.finditer(text)]
    paths = list(_paths(_masked(text, links)))
    rest = _masked(text, [*links, *((at.start, len(at.text)) for at in paths)])
    found = sorted([*paths, *_linked(text), *_tags(rest), *_prose(_masked_tags(rest))])
    kept: dict[tuple[MentionKind, str], Mention] = {}
    for entry in found:
        key = (entry.kind, entry.text.casefold())
        if key not in kept:
            kept[key] = Mention(entry.text, entry.kind, signature(entry.text))
        if len(kept) >= MOST:
            break
    return tuple(kept.values())


def _linked(text: str) -> Iterator[_Found]:
    """Links to the Hub and to Ollama's library."""
    for link in HUB_LINK.finditer(text):
        owner, name = link[1], link[2].rstrip(".-")
        if owner.casefold() not in naming().not_models.owners and is_repo(f"{owner}/{name}"):
            yield _Found(link.start(), f"{owner}/{name}", MentionKind.REPO)
    for link in LIBRARY_LINK.finditer(text):
        tag = link[1].rstrip(".-/")
        if tag.partition("/")[0] not in naming().not_models.owners and signature(tag).words:
            yield _Found(link.start(), tag, MentionKind.TAG)


def _paths(text: str) -> Iterator[_Found]:
    """Repositories written as ``owner/name``; "24GB/48GB" and "Qwen3-8B/Llama-3.1-8B" are none."""
    for path in PATH.finditer(text):
        owner, name = path[1], path[2].rstrip(".-")
        if is_repo(f"{owner}/{name}") and _is_owner(owner) and _names_model(name):
            yield _Found(path.start(), f"{owner}/{name}", MentionKind.REPO)


def _is_owner(owner: str) -> bool:
    known = owner.casefold() in _orgs()
    if owner.casefold() in naming().not_models.owners or owner.isdigit():
        return False
    return known or (signature(owner).size is None and family_key(owner) is None)


@cache
def _orgs() -> frozenset[str]:
    return frozenset(org.casefold() for family in families().families for org in family.orgs)


def _names_model(name: str) -> bool:
    """Whether the second part of a path is a model's name: with a size, packaged, or of a known family."""
    sign = signature(name)
    wordy = any(word.isalpha() for word in sign.words)
    if not wordy or FILE.search(name):
        return False
    packed = packaging_of(name) is not None and bare_name(name) != name
    return sign.size is not None or packed or families().member(name) is not None


def _tags(text: str) -> Iterator[_Found]:
    for command in COMMAND.finditer(text):
        tag = command[1].rstrip(".-")
        if signature(tag).words and not _stops(tag):
            yield _Found(command.start(1), tag, MentionKind.TAG)
    for tag in TAG.finditer(text):
        if tag[1] not in naming().not_models.words and not _stops(tag[1]):
            yield _Found(tag.start(), tag[0].rstrip(".-"), MentionKind.TAG)


def _masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """``text`` of the same length with the spans (start, length) blanked out; a line break stops a name."""
    parts, at = [], 0
    for start, length in sorted(spans):
        parts += [text[at : max(at, start)], "\n" * (start + length - max(at, start))]
        at = max(at, start + length)
    return "".join([*parts, text[at:]])


def _masked_tags(text: str) -> str:
    taken = [*COMMAND.finditer(text), *TAG.finditer(text)]
    return _masked(text, [(found.start(), len(found[0])) for found in taken])


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    joined: bool
    """Whether only a space, a hyphen or an opening bracket stands between it and the word before."""
    first: bool
    """Whether it begins a sentence or a line."""


def _words(text: str) -> list[_Word]:
    words: list[_Word] = []
    end = 0
    for found in WORD.finditer(text):
        gap = text[end : found.start()]
        first = not words or bool(re.search(r"[.!?:\n|•*#>]\s*[\"“'(*`_]*$", gap))
        joined = bool(words) and gap in {" ", "\u00a0", "-", " (", " - "}
        words.append(_Word(found[0], found.start(), found.end(), joined, first))
        end = found.end()
    return words


def _prose(text: str) -> Iterator[_Found]:
    words = _words(text)
    taken = -1
    for at in range(len(words)):
        if at <= taken:
            continue
        span = _sized_name(text, words, at) or _known_name(words, at)
        if span is not None:
            first, taken = span
            yield _Found(
                words[first].start, _closed(text[words[first].start : words[taken].end]), MentionKind.PROSE
            )


def _closed(written: str) -> str:
    return written + ")" if written.count("(") > written.count(")") else written


def _sized_name(text: str, words: Sequence[_Word], at: int) -> tuple[int, int] | None:
    """First and last word of the name whose size is ``words[at]``, or stands in it."""
    word = words[at]
    size = SIZE.fullmatch(word.text)
    spelt_out = at + 1 < len(words) and words[at + 1].joined and words[at + 1].text.casefold() == "billion"
    alone = size is not None or (spelt_out and NUMBER.fullmatch(word.text) is not None)
    if not alone and (not SIZED.search(word.text) or FILE.search(word.text)):
        return None
    last = end = at + 1 if alone and spelt_out else at
    if COUNTED.match(text, words[last].end) or text[max(0, word.start - 1) : word.start] in {
        "$",
        "€",
        "£",
        "<",
        "~",
    }:
        return None
    if size is not None and float(size[1]) > LARGEST:
        return None
    head = _head(words, at, alone=alone)
    while last + 1 < len(words) and words[last + 1].joined and AFTER.fullmatch(words[last + 1].text):
        last += 1
    if head is None or not _is_name([w.text for w in words[head : last + 1]], alone=alone, tail=last > end):
        return None
    return head, last


def _head(words: Sequence[_Word], at: int, *, alone: bool) -> int | None:
    """Where the name begins, going left from its size; None when no word stands before it."""
    first = at
    while first > 0 and at - first < LONGEST_NAME and words[first].joined and _belongs(words[first - 1]):
        first -= 1
    known = next((i for i in range(first, at + 1) if families().by_beginning(words[i].text)), None)
    if known is not None and known > first and words[first].first and words[first].text.isalpha():
        first = known if known == first + 1 else first + 1
    while first < at and NUMBER.fullmatch(words[first].text):
        first += 1
    if first == at and alone:
        return None
    inner = re.split(r"[-_]", words[first].text)[0].casefold()
    return None if inner in naming().not_models.words or _stops(words[first].text) else first


def _belongs(word: _Word) -> bool:
    """Whether a word may be part of a name: capitalised, with a digit, or a known family's."""
    text = word.text
    if text.casefold() in naming().not_models.words or _stops(text) or SIZE.fullmatch(text):
        return False
    return text[0].isupper() or any(c.isdigit() for c in text) or families().by_beginning(text) is not None


@cache
def _stopping() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Expressions for a whole word, and for a word's first part: "RTX-4090" is a card as "RTX" is."""
    told = naming().not_models
    things = [*told.devices, *told.software, *map(re.escape, told.datasets)]
    closed = [rf"(?:{name})(?!-?oss)(?:[-.\d].*)?" for name in told.closed]
    return re.compile("|".join([*things, *closed]), re.IGNORECASE), re.compile(
        "|".join(things), re.IGNORECASE
    )


def _stops(text: str) -> bool:
    """Whether a word names a machine, a program, a data set or a closed model."""
    whole, first = _stopping()
    return whole.fullmatch(text) is not None or first.fullmatch(text.partition("-")[0]) is not None


def _is_name(words: Sequence[str], *, alone: bool, tail: bool) -> bool:
    """Whether words with a size are a model's name: of a known family, or written as names are."""
    joined = " ".join(words)
    sign = signature(joined)
    if sign.size is None or not any(len(word) > 1 and word.isalpha() for word in sign.words):
        return False
    if family_key(joined.replace(" ", "-")) is not None:
        return True
    stem = [word for word in words if not SIZE.fullmatch(word) and not AFTER.fullmatch(word)]
    odd = any(re.search(r"[a-z][A-Z]|[A-Za-z]\d|[A-Z]{2}.*[a-z]", word) for word in stem)
    return odd or tail or not alone


def _known_name(words: Sequence[_Word], at: int) -> tuple[int, int] | None:
    """A known model whose name tells no size: ``Phi-4-mini``, ``Mistral Nemo``."""
    if not words[at].text[0].isupper() and not any(c.isdigit() for c in words[at].text):
        return None
    if (
        families().by_beginning(words[at].text) is None
        or _stops(words[at].text)
        or FILE.search(words[at].text)
    ):
        return None
    for last in range(min(at + 4, len(words)) - 1, at - 1, -1):
        span = [word.text for word in words[at : last + 1]]
        beyond = words[last + 1 : last + 2]
        sized = any(SIZE.fullmatch(word) or SIZED.search(word) for word in span)
        sized = sized or any(word.joined and SIZE.fullmatch(word.text) for word in beyond)
        if not sized and all(word.joined for word in words[at + 1 : last + 1]) and _is_whole_name(span):
            return at, last
    return None


def _is_whole_name(span: Sequence[str]) -> bool:
    """Whether the words are a known model's name, and the last of them is part of it."""
    name = " ".join(span)
    adds = len(span) == 1 or signature(" ".join(span[:-1])) != signature(name)
    return adds and families().member(name) is not None
