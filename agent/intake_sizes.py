"""Model sizes in a person's words: 8B, 7-10B, under 4B, around 12 billion, 7B or 13B."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, NamedTuple

from agent.intake_text import Words
from tools.knowledge import loader
from tools.reading import BILLION, LARGEST, SMALLEST
from tools.request import NO_CEILING, SizeRange

SMALL: Final = 6 * BILLION
"""Below this a name is a quarter wide, from it on an eighth: small models differ more from their names."""

_NUMBER = r"\d{1,6}(?:[.,]\d{1,3})?"
_UNIT = r"(?:\s?-?(?:billions?|bn|milliards?|mrd)|\s?b|m|\s?-?(?:millions?|mio)(?=[\s-]*param))(?![a-z0-9])"
_PARAMS = r"(?:[\s-]*param(?:eter)?s?\b)?"
_BEFORE = (
    r"(?:(?P<upto>up\s*to|at\s+most|no(?:t)?\s+(?:more|larger|bigger)\s+than|max(?:imum|imal)?\.?(?:\s+of)?|<=|≤"
    r"|bis(?:\s+zu)?)"
    r"|(?P<atleast>at\s+least|no(?:t)?\s+(?:less|smaller|fewer)\s+than|min(?:imum|imal)?\.?(?:\s+of)?|>=|≥"
    r"|mindestens)"
    r"|(?P<under>under|below|less\s+than|smaller\s+than|fewer\s+than|beneath|<|unter)"
    r"|(?P<over>over|above|more\s+than|larger\s+than|bigger\s+than|greater\s+than|>|über)"
    r"|(?P<around>around|about|approx(?:imately)?\.?|roughly|circa|ca\.?|some|near(?:ly)?|~|≈))\s*(?:the\s+)?"
)
_AFTER = (
    r"(?:\s*(?P<orless>or\s+(?:smaller|less|below|under|lower)|and\s+(?:below|under|smaller)|max(?:imum)?\b|at\s+most)"
    r"|\s*(?P<ormore>\+|or\s+(?:larger|more|bigger|above|up|higher)|and\s+(?:up|above|larger|more)|plus\b|upwards"
    r"|min(?:imum)?\b))?"
)
_JOIN = r"(?:\s*-\s*to\s*-\s*|\s*[-–—−~]\s*|\s+(?:to|through|till|until|bis)\s+|\s*(?:\.\.+|…)\s*)"

_RANGE = re.compile(
    rf"(?<![\w.$€£])(?:(?P<between>between|from)\s+)?(?P<low>{_NUMBER})(?P<lowunit>{_UNIT})?{_PARAMS}"
    rf"(?:{_JOIN}|(?P<and>\s+and\s+))(?P<high>{_NUMBER})(?P<highunit>{_UNIT}){_PARAMS}",
    re.IGNORECASE,
)
_SINGLE = re.compile(
    rf"(?:{_BEFORE})?(?<![\w.$€£])(?P<number>{_NUMBER})(?P<unit>{_UNIT}){_PARAMS}{_AFTER}", re.IGNORECASE
)
_NOT = re.compile(
    r"(?:\bnot|\bno|\bexcept|\bexcluding|\bwithout|\bunlike|\binstead\s+of|\brather\s+than|\bother\s+than|n't)"
    r"(?:\s+(?:a|an|the|any|for|use|want))*\s*$",
    re.IGNORECASE,
)


class _Kind(StrEnum):
    NAMED = "named"
    RANGE = "range"
    LOWEST = "lowest"
    HIGHEST = "highest"


class _Item(NamedTuple):
    kind: _Kind
    low: int
    high: int
    words: str


class SizeReading(NamedTuple):
    """What a text says about size."""

    size: SizeRange | None
    note: str = ""
    """What was assumed, in a sentence."""
    complaint: str = ""
    """Why what was said is no size."""


def take_size(words: Words) -> SizeReading:
    """Read every size in ``words`` and use it up."""
    items, complaint = _items(words)
    if not items:
        return SizeReading(None, complaint=complaint)
    ranges = [item for item in items if item.kind is _Kind.RANGE]
    named = [item for item in items if item.kind is _Kind.NAMED]
    bounds = [item for item in items if item.kind in {_Kind.LOWEST, _Kind.HIGHEST}]
    if len(ranges) == 1 and not named and not bounds:
        return _one_range(ranges[0])
    if len(named) == 1 and not ranges:
        return _one_name(named[0])
    if ranges or named:
        return _span([*ranges, *named])
    return _bounded(bounds)


def practical(nominal: int) -> SizeRange:
    """What a size named alone means, rounded outwards: models called 8B have 7 to 9 billion parameters."""
    margin = nominal // (4 if nominal < SMALL else 8)
    step = BILLION // 10 if nominal >= BILLION else BILLION // 1000
    low, high = (nominal - margin) // step * step, -(-(nominal + margin) // step) * step
    return SizeRange(minimum=low, maximum=high)


def parse_size(answer: str) -> SizeReading:
    """The size in an answer to "which sizes?": as in a request, and ``8`` and ``any`` as well."""
    text = " ".join(answer.split())
    if re.fullmatch(r"(?:any|all|every)(?:\s+sizes?)?|whatever|no limit", text, re.IGNORECASE):
        return SizeReading(SizeRange(minimum=0, maximum=NO_CEILING), "Every size is considered.")
    if re.fullmatch(rf"(?:{_BEFORE})?{_NUMBER}(?:{_JOIN}{_NUMBER})?", text, re.IGNORECASE):
        text += "B"
    reading = take_size(Words(text))
    if reading.size is None and not reading.complaint:
        return SizeReading(None, complaint=f"“{text[:40]}” is not a size.")
    return reading


def _items(words: Words) -> tuple[list[_Item], str]:
    items: list[_Item] = []
    complaint = ""
    for pattern, read in ((_RANGE, _range_item), (_SINGLE, _single_item)):
        spans = []
        for match in words.find(pattern):
            if pattern is _RANGE and not _is_range(match, words.rest):
                continue
            spans.append(match.span())
            if _NOT.search(words.rest[max(0, match.start() - 40) : match.start()]):
                continue
            item = read(match)
            if item is None:
                complaint = f"“{match.group().strip()[:40]}” is no size of a model."
            else:
                items.append(item)
        words.cut(spans)
    return items, complaint


def _is_range(match: re.Match[str], text: str) -> bool:
    """Whether two numbers mean a range: "7B and 13B" names two sizes, ``Llama 3.1-8B`` names one model."""
    if match.group("and"):
        return match.group("between") is not None
    before = re.search(r"([a-z]+)[\s-]*$", text[: match.start("low")].lower())
    if before is None or match.group("lowunit"):
        return True
    aliases = (alias for family in loader.families().families for alias in family.aliases)
    return before.group(1) not in {re.split(r"[^a-z]", alias, maxsplit=1)[0] for alias in aliases}


def _range_item(match: re.Match[str]) -> _Item | None:
    high = _count(match.group("high"), match.group("highunit"))
    low = _count(match.group("low"), match.group("lowunit") or match.group("highunit"))
    if low is None or high is None:
        return None
    return _Item(_Kind.RANGE, min(low, high), max(low, high), match.group().strip())


def _single_item(match: re.Match[str]) -> _Item | None:
    count = _count(match.group("number"), match.group("unit"))
    if count is None:
        return None
    said, text = match.groupdict(), match.group().strip()
    if said["under"]:
        return _Item(_Kind.HIGHEST, 0, count - 1, text)
    if said["over"]:
        return _Item(_Kind.LOWEST, count + 1, NO_CEILING, text)
    if said["upto"] or said["orless"]:
        return _Item(_Kind.HIGHEST, 0, count, text)
    if said["atleast"] or said["ormore"]:
        return _Item(_Kind.LOWEST, count, NO_CEILING, text)
    return _Item(_Kind.NAMED, count, count, text)


def _count(number: str, unit: str) -> int | None:
    """Parameters; None when no model has so few or so many. ``7,5`` is a decimal, ``1,000`` a thousand."""
    plain = number.replace(",", "") if re.fullmatch(r"\d+,\d{3}", number) else number.replace(",", ".")
    try:
        scale = (
            10**6
            if unit.strip(" -").lower().startswith(("million", "mio")) or unit.lower() == "m"
            else BILLION
        )
        count = int(Decimal(plain) * scale)
    except InvalidOperation:
        return None
    return count if SMALLEST <= count <= LARGEST else None


def _one_range(item: _Item) -> SizeReading:
    return SizeReading(SizeRange(minimum=item.low, maximum=item.high))


def _one_name(item: _Item) -> SizeReading:
    size = practical(item.low)
    share = "a quarter" if item.low < SMALL else "an eighth"
    return SizeReading(size, f"“{item.words}” was read as {size}: models called so differ by up to {share}.")


def _span(items: list[_Item]) -> SizeReading:
    size = SizeRange(minimum=min(i.low for i in items), maximum=max(i.high for i in items))
    if size.minimum == size.maximum:
        return _one_name(items[0])
    said = ", ".join(f"“{item.words}”" for item in items[:5])
    return SizeReading(size, f"Several sizes were named ({said}): everything in {size} is considered.")


def _bounded(bounds: list[_Item]) -> SizeReading:
    low = max((item.low for item in bounds if item.kind is _Kind.LOWEST), default=0)
    high = min((item.high for item in bounds if item.kind is _Kind.HIGHEST), default=max(NO_CEILING, low))
    if low > high:
        said = " and ".join(f"“{item.words}”" for item in bounds[:3])
        return SizeReading(None, complaint=f"No model can be {said}.")
    size = SizeRange(minimum=low, maximum=high)
    open_end = all(item.kind is _Kind.LOWEST for item in bounds)
    return SizeReading(
        size, "No largest size was named; larger models than the machine holds drop out." if open_end else ""
    )
