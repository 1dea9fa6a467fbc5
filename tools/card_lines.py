"""What single lines of a card or a page state: parameters, licence, release date, languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tools.dates import dates_in
from tools.facts import Factor, Value
from tools.knowledge.loader import intake_words, licences

PARAMETER_LINE = re.compile(
    r"\b(?:number of |total )?param(?:eter)?s?\b(?: count| size)?(?: \((?:total|paramaters)\))?\W{0,8}"
    r"(\d{1,3}(?:,\d{3}){2,4}|\d{1,3}(?:\.\d{1,3})?\s?(?:B|M|billion|million)\b)",
    re.IGNORECASE,
)
ACTIVE = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})?\s?(?:B|billion))\s*(?:parameters? )?(?:are )?(?:activ\w+)|"
    r"activ\w+ (?:parameters?\W{0,4})?(\d{1,3}(?:\.\d{1,3})?\s?(?:B|billion))",
    re.IGNORECASE,
)
LICENCE_LINE = re.compile(
    r"^\W*(?:model )?licen[cs]e\b|\b(?:licensed|released|available|distributed|provided) under", re.IGNORECASE
)
FRONT_LICENCE = re.compile(r"^licen[cs]e(?:_name)?:\s*[\"']?([A-Za-z0-9][\w.+-]{1,60})[\"']?\s*$")
FRONT = re.compile(r"\s*---\s*\n(.*?)\n---", re.DOTALL)
RELEASE = re.compile(r"\breleas(?:ed?|ing)\b|\blaunched\b|发布", re.IGNORECASE)
RELEASE_LABEL = re.compile(
    r"^\W*(?:model |version |initial |first )?(?:release|launch)(?:d| date)\b", re.IGNORECASE
)
NO_RELEASE = re.compile(
    r"cut-?off|deprecat|retire|\bdatasets?\b|freshness|will be released|to be released|coming|paper|report|"
    r"updated on|trained (?:between|from)",
    re.IGNORECASE,
)
LANGUAGE_LINE = re.compile(
    r"\b(?:supported |supports |support for |following )?languages?\b(?: \(nlp\))?\W{0,6}(?P<list>.{3,500})$",
    re.IGNORECASE,
)
CODE = re.compile(r"^[a-z]{2}$")
FEWEST_NAMED = 2


class Said(NamedTuple):
    """A value that a line states."""

    factor: Factor
    value: Value
    quote: str
    note: str = ""


def parameters_said(line: str) -> Iterator[Said]:
    found = PARAMETER_LINE.search(line)
    value = _parameters(found.group(1)) if found else None
    before = line[: found.start()].lower() if found else ""
    if value and not re.search(r"non-embedding|activ", line[: found.end()].lower() if found else before):
        active = ACTIVE.search(line)
        told = next((part for part in active.groups() if part), "") if active else ""
        note = f"A mixture of experts: {told} of them are active for a token." if told else ""
        yield Said(Factor.PARAMETERS, value, line, note)


def licence_said(line: str) -> Iterator[Said]:
    front = FRONT_LICENCE.match(line)
    if front and front.group(1) not in {"other", "unknown"}:
        yield Said(Factor.LICENCE, front.group(1), line)
    elif LICENCE_LINE.search(line):
        terms = licences().named_in(line)
        if terms is not None:
            yield Said(Factor.LICENCE, terms.key, line, "Said in a sentence of the page.")


def release_said(line: str) -> Iterator[Said]:
    """The date nearest to a word for release; the best is left to the reader of all lines."""
    word = RELEASE.search(line)
    if word is None or NO_RELEASE.search(line):
        return
    near = [dated for dated in dates_in(line) if abs(dated.start - word.start()) < 80]
    if near:
        best = min(near, key=lambda dated: (abs(dated.start - word.start()), dated.start))
        yield Said(Factor.RELEASE_DATE, best.value, line)


def languages_said(line: str) -> Iterator[Said]:
    """Languages listed by name, at least two: "supports 119 languages" names none."""
    found = LANGUAGE_LINE.search(line)
    if found is None or re.search(r"programming", line[: found.end("list")], re.IGNORECASE):
        return
    listed = language_codes(re.split(r"[,;/|]|\band\b|\bor\b", found["list"]))
    if len(listed) >= FEWEST_NAMED:
        yield Said(Factor.LANGUAGES, ", ".join(listed), line)


def language_codes(entries: list[str]) -> tuple[str, ...]:
    """Codes of entries that are a language's name or ISO 639-1 code, without repetition, in their order."""
    names = {name: code for code, known in intake_words().languages.items() for name in known}
    bare = [re.sub(r"[^\w\s]", " ", entry).strip().lower() for entry in entries]
    codes = (names.get(entry) or (entry if CODE.fullmatch(entry) else None) for entry in bare)
    return tuple(dict.fromkeys(code for code in codes if code))


class Parted(NamedTuple):
    """A card in its two parts."""

    front: str
    """Its front matter, without the lines of dashes; empty where there is none."""
    body: str


def parted(text: str) -> Parted:
    """A card without front matter is all body."""
    front = FRONT.match(text[:20_000])
    return Parted("", text) if front is None else Parted(front.group(1), text[front.end() :])


def front_matter_licences(front: str) -> Iterator[Said]:
    """``license:`` and ``license_name:`` where the Hub reads them: not within a widget or another block."""
    for line in front.splitlines():
        if FRONT_LICENCE.match(line):
            yield from licence_said(line.strip())


def front_matter_languages(front: str) -> Said | None:
    """``language:`` of a card's front matter, inline or as a list."""
    block = re.search(r"^language:[ \t]*(.*(?:\n[ \t]*-[ \t]*\S+)*)", front, re.MULTILINE)
    if block is None:
        return None
    codes = [code for code in re.findall(r"\b[a-z]{2,3}\b", block.group(1)) if CODE.fullmatch(code)]
    if not codes:
        return None
    return Said(Factor.LANGUAGES, ", ".join(dict.fromkeys(codes)), block.group().strip()[:600])


def _parameters(said: str) -> int | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(b|m|billion|million)?", said.lower().replace(",", "").strip())
    if not found:
        return None
    scale = {"b": 10**9, "m": 10**6}.get((found.group(2) or " ")[0], 1)
    number = round(float(found.group(1)) * scale)
    return number if 10**6 <= number <= 10**13 else None
