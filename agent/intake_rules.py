"""Memory, length of conversation, licence, languages and domain in a person's words."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final, NamedTuple

from agent.intake_text import Words, one_of
from tools.knowledge import loader
from tools.knowledge.domains import Domain
from tools.request import TOKENS_PER_MESSAGE, LicenceNeed

MOST_TURNS: Final = 100_000
LARGEST_MEMORY: Final = 10**14
SYSTEM_SHARE: Final = 4
"""A computer keeps a quarter of its memory, and at least 4 GB, for everything else that runs on it."""
SYSTEM_LEAST_BYTES: Final = 4 * 10**9


class Limit(NamedTuple):
    """A number that was read, and what was assumed."""

    value: int
    note: str


_GROUPED = r"(?P<n>\d{1,3}(?:,\d{3})+|\d{1,7}(?:[.,]\d+)?)"
_MEMORY = re.compile(
    rf"(?<![\w.]){_GROUPED}\s*-?\s*(?P<unit>gi?b|gigabytes?|gigs?|g|mi?b|megabytes?|tb)(?![a-z0-9])"
    r"(?:\s+(?:of\s+)?(?P<kind>[a-z]+))?",
    re.IGNORECASE,
)
_UNIT_BYTES: Final = {"gib": 2**30, "mib": 2**20, "mb": 10**6, "me": 10**6, "tb": 10**12}


def take_memory(words: Words) -> Limit | None:
    """The bytes a model may use: graphics memory whole, of a computer's memory what it can spare."""
    lists = loader.intake_words()
    around = set(re.findall(r"[a-z0-9]+", words.rest.lower()))
    found: list[tuple[bool, int, str, str]] = []
    spans = []
    for match in words.find(_MEMORY):
        kind = (match.group("kind") or "").lower()
        if kind in lists.not_memory_before:
            spans.append(match.span())
            continue
        known = kind in lists.graphics_words | lists.computer_words | {"memory"}
        spans.append((match.start(), match.end() if known else match.end("unit")))
        size = _bytes(match)
        if 0 < size <= LARGEST_MEMORY:
            found.append(
                (kind in lists.graphics_words, size, kind, match.group()[: match.end("unit") - match.start()])
            )
    words.cut(spans)
    if not found:
        return None
    on_card, size, kind, said = max(found)
    if on_card or (kind not in lists.computer_words and around & lists.graphics_words):
        return Limit(size, f"“{said}” was read as graphics memory that the model may fill.")
    if around & lists.computer_words or kind in lists.computer_words:
        spared = size - max(size // SYSTEM_SHARE, SYSTEM_LEAST_BYTES)
        if spared > 0:
            return Limit(
                spared,
                f"Of a computer's {said} the model may use {spared / 1e9:g} GB; a quarter, at least 4 GB, "
                "is left to the system.",
            )
    return Limit(size, f"“{said}” was read as the memory that the model may use.")


def _bytes(match: re.Match[str]) -> int:
    number = match.group("n")
    plain = (
        number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", number) else number.replace(",", ".")
    )
    unit = match.group("unit").lower()
    scale = _UNIT_BYTES.get(unit, _UNIT_BYTES.get(unit[:2], 10**9))
    return int(float(plain) * scale)


_LEAD = (
    r"(?:(?:for\s+)?(?:long(?:est)?\s+)?(?:conversations?|chats?|dialogues?|dialogs?|sessions?)\s+)?"
    r"(?:(?:of|with|lasting|running|that\s+(?:run|last|are|go)|up)\s+)?(?:for\s+)?"
    r"(?:up\s+to\s+|to\s+|at\s+most\s+|about\s+|around\s+|max(?:imum)?\.?\s+|some\s+)?"
)
_TAIL = r"(?:[\s-]+(?:long\s+)?(?:conversations?|chats?|dialogues?|dialogs?|sessions?))?"
_COUNT = r"(?:\d{1,6}\s*(?:-|–|to)\s*)?(?P<n>\d{1,6})[\s-]*"
_TURNS = re.compile(rf"{_LEAD}(?<![\w.]){_COUNT}(?:turns?|exchanges?|rounds?)\b{_TAIL}", re.IGNORECASE)
_MESSAGES = re.compile(rf"{_LEAD}(?<![\w.]){_COUNT}(?:messages?|msgs?)\b{_TAIL}", re.IGNORECASE)
_CONTEXT = re.compile(
    r"(?:(?:with\s+|and\s+)?(?:a\s+)?context(?:\s+(?:window|length|size))?(?:\s+of)?(?:\s+(?:at\s+least|up\s+to))?\s+)"
    r"(?<![\w.])(?P<a>\d[\d,]{0,9})\s?(?P<ak>[km])?(?![\w.])(?:\s*tokens?)?"
    r"|(?<![\w.])(?P<b>\d[\d,]{0,9})\s?(?P<bk>[km])?(?:[\s-]*(?:tokens?(?:\s+(?:of\s+)?context)?|context)\b)"
    r"(?:\s+(?:window|length))?",
    re.IGNORECASE,
)


def take_turns(words: Words) -> Limit | None:
    """User-and-assistant turns of the longest conversation, from turns, messages or tokens of context."""
    turns = [int(match.group("n")) for match in words.take(_TURNS)]
    messages = [int(match.group("n")) for match in words.take(_MESSAGES)]
    tokens = [_tokens(match) for match in words.take(_CONTEXT)]
    found = [Limit(n, "") for n in turns]
    found += [
        Limit(math.ceil(n / 2), f"{n} messages were read as {math.ceil(n / 2)} turns.") for n in messages
    ]
    found += [
        Limit(
            n,
            f"{t:,} tokens of context were read as {n} turns, {TOKENS_PER_MESSAGE} tokens a message.",
        )
        for t in tokens
        if (n := math.ceil(t / (2 * TOKENS_PER_MESSAGE)))
    ]
    usable = [limit for limit in found if 0 < limit.value <= MOST_TURNS]
    return max(usable, default=None)


def _tokens(match: re.Match[str]) -> int:
    number = match.group("a") or match.group("b")
    unit = (match.group("ak") or match.group("bk") or "").lower()
    return int(number.replace(",", "")) * {"": 1, "k": 1024, "m": 2**20}[unit]


_NOT_COMMERCIAL = re.compile(
    r"\b(?:non|not?)[\s-]*(?:for\s+|necessarily\s+)?(?:an?y?\s+)?commercial(?:ly)?(?:\s+(?:use|purposes?|only))*\b"
    r"|n't\s+(?:need|want|require|be)\s+(?:a\s+)?commercial(?:ly)?(?:\s+(?:use|licen[cs]e))*\b"
    r"|\bnoncommercial(?:ly)?(?:\s+(?:use|purposes?))?\b"
    r"|\b(?:academic\s+)?research(?:\s+(?:use|purposes?))?\s+only\b|\bonly\s+(?:for\s+)?(?:academic\s+)?research\b"
    r"|\b(?:for\s+)?(?:personal|private|hobby|academic)\s+(?:use|purposes?|projects?)(?:\s+only)?\b",
    re.IGNORECASE,
)
_PRODUCT = (
    r"\b(?:for|in|into)\s+(?:our|my|a|the|their)\s+(?:commercial\s+)?(?:products?|company|business|startup|saas|"
    r"customers|clients)\b|\b(?:our|my)\s+(?:paying\s+)?(?:products?|startup|saas|customers)\b"
    r"|\b(?:in|for)\s+production\b|\bto\s+sell\b|\bwe\s+sell\b|\benterprise\s+(?:use|product)\b"
)


@lru_cache(maxsize=1)
def _commercial() -> re.Pattern[str]:
    subjects = one_of(loader.intake_words().commercial_subjects)
    return re.compile(
        rf"\b(?:for\s+)?commercial(?:ly)?\b(?!\s+{subjects}\b)"
        rf"(?:\s+(?:use|usage|usable|purposes?|licen[cs]ed?|products?|projects?|deployment))*|{_PRODUCT}",
        re.IGNORECASE,
    )


def take_licence(words: Words) -> tuple[LicenceNeed, str] | None:
    """What the licence must allow. "Commercial" anywhere, unless negated, is a commercial need."""
    refused = words.take(_NOT_COMMERCIAL)
    wanted = words.take(_commercial())
    if wanted:
        said = wanted[0].group().strip()
        return LicenceNeed.COMMERCIAL, f"“{said}” was read as: the licence must allow commercial use."
    if refused:
        said = refused[0].group().strip()
        return LicenceNeed.ANY, f"“{said}” was read as: any licence is accepted."
    return None


@lru_cache(maxsize=1)
def _languages() -> tuple[re.Pattern[str], dict[str, str]]:
    lists = loader.intake_words()
    codes = {" ".join(name.split()): code for code, names in lists.languages.items() for name in names}
    name = one_of(tuple(codes))
    return re.compile(
        rf"(?P<in>\b(?:in|into)\s+)?(?<![\w-])(?P<name>{name})(?!\w)"
        rf"(?!\s+{one_of(lists.not_languages_before)}\b)"
        r"(?P<after>[\s-]+(?:speaking|language|speakers?|users?|customers?|texts?))?",
        re.IGNORECASE,
    ), codes


def take_languages(words: Words) -> tuple[str, ...]:
    """ISO 639-1 codes of the languages named, in the order of naming."""
    pattern, codes = _languages()
    doubtful = loader.intake_words().ambiguous_languages
    found: list[str] = []
    spans = []
    for match in words.find(pattern):
        name = " ".join(re.split(r"[\s-]+", match.group("name").lower()))
        if name in doubtful and not (match.group("in") or match.group("after")):
            continue
        found.append(codes[name])
        spans.append(match.span())
    words.cut(spans)
    return tuple(dict.fromkeys(found))


class DomainReading(NamedTuple):
    """The domain that a text names, and the words that named it."""

    domain: Domain
    words: str
    note: str = ""


_PHRASE = re.compile(
    r"\b(?:for|in|about|at)\s+(?P<phrase>[^\s§,;:.?!()][^§,;:?!()]{0,160}?)"
    r"(?=\s*(?:[§,;:?!()]|\.(?:\s|$)|$|\s(?:with|on|that|which|who|where|under|by|using|from|within|because|since|"
    r"when|while|so|but|please|and\s+(?:it|i|we|must|should|has|needs|the))\b))",
    re.IGNORECASE,
)
_LONGEST_PHRASE: Final = 8


def find_domain(words: Words, *, alone: bool) -> DomainReading | None:
    """The domain in what is left: a known one by its longest alias, else what a model is wanted "for".

    ``alone``: the text names a size besides, so a few words left over may be the domain ("beekeeping 8B").
    """
    return (
        _known_domain(words.rest, weak=False)
        or _phrase_domain(words)
        or _known_domain(words.rest, weak=True)
        or (_left_over(words) if alone else None)
    )


@lru_cache(maxsize=2)
def _aliases(weak: bool) -> tuple[re.Pattern[str], dict[str, str]]:
    keys = {
        name.lower(): domain.key
        for domain in loader.domains().domains
        if domain.weak is weak
        for name in (domain.title, *domain.aliases)
    }
    return re.compile(rf"(?<![\w]){one_of(tuple(keys))}(?!\w)", re.IGNORECASE), keys


def _known_domain(text: str, *, weak: bool) -> DomainReading | None:
    pattern, keys = _aliases(weak)
    hits = [
        (match.group(), keys.get(" ".join(match.group().lower().split()))) for match in pattern.finditer(text)
    ]
    hits = [(said, key or _key_of(said, keys)) for said, key in hits]
    if not hits:
        return None
    said, key = max(hits, key=lambda hit: len(hit[0]))
    domain = loader.domains().named(key, said)
    others = sorted({loader.domains().named(k, k or "").title for _, k in hits if k != key})
    note = f"Also named: {', '.join(others)}; one domain is evaluated at a time." if others else ""
    return DomainReading(domain, said, note)


def _key_of(said: str, keys: dict[str, str]) -> str | None:
    """The key of an alias that was written with other hyphens."""
    folded = re.sub(r"[\s-]+", " ", said.lower())
    return next((key for alias, key in keys.items() if re.sub(r"[\s-]+", " ", alias) == folded), None)


def _phrase_domain(words: Words) -> DomainReading | None:
    empty = loader.intake_words().not_domains
    for match in words.find(_PHRASE):
        phrase = _trimmed(match.group("phrase").split(), empty)
        if phrase and len(phrase) <= _LONGEST_PHRASE and _telling(phrase):
            name = " ".join(phrase)[:120].strip()
            return DomainReading(loader.domains().free(name), name)
    return None


def _left_over(words: Words) -> DomainReading | None:
    empty = loader.intake_words().stop_words | loader.intake_words().not_domains
    groups = []
    for part in re.split(r"[§,;:.?!()\n]+", words.rest):
        tokens = _trimmed(part.split(), empty)
        if tokens:
            groups.append(tokens)
    if len(groups) != 1 or len(groups[0]) > 4 or not _telling(groups[0]):
        return None
    name = " ".join(groups[0])[:120].strip()
    return DomainReading(
        loader.domains().free(name), name, f"The words left over, “{name}”, were read as the domain."
    )


def _trimmed(tokens: list[str], empty: frozenset[str]) -> list[str]:
    """``tokens`` without words at either end that name nothing; empty when no word names anything."""
    bare = [token.strip(".,;:!?\"'“”‘’*_`").lower() for token in tokens]
    telling = [
        i for i, word in enumerate(bare) if word and word not in empty and re.search(r"[^\W\d_]", word)
    ]
    if not telling:
        return []
    return [token.strip(".,;:!?\"'“”*_`") for token in tokens[telling[0] : telling[-1] + 1]]


def _telling(tokens: list[str]) -> bool:
    return any(len(re.findall(r"[^\W\d_]", token)) >= 3 for token in tokens)
