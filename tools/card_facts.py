"""Facts that the words of a card or of somebody else's page state, each with the line as its quote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from tools.card_lines import (
    RELEASE_LABEL,
    Said,
    front_matter_languages,
    front_matter_licences,
    languages_said,
    licence_said,
    parameters_said,
    parted,
    release_said,
)
from tools.card_rules import card_rules
from tools.context_words import EXTENDING, Length, lengths_in, read_lengths
from tools.fact_sheet import FactSheet
from tools.facts import Fact, Factor, SourceKind
from tools.focus import focus_said, tagged_for, tuned_for
from tools.hub import HubModel
from tools.injection import is_suspicious, without_hidden
from tools.named import NameIndex, all_models, index_of
from tools.passages import sections
from tools.web.page import Page

MAX_CARD = 200_000
MAX_LINE = 600
MOST_LICENCES = 3
MOST_FROM_PAGE = 40
SIZED_NAME = re.compile(
    r"(?<![\w.-])[A-Za-z][\w.]{0,30}(?:-[\w.]{1,30}){0,6}?-\d+(?:\.\d+)?[Bb](?!\w|\.\d)(?:-\w[\w.]*){0,4}"
)
FENCE = re.compile(r"^(?:```|~~~)(?!.*(?:```|~~~))")
COMMAND = re.compile(r"(?:^|\s)--[a-z][a-z-]+[ =]")
"""A command line: what it sets is not what the model has."""
LINE_RULES = (parameters_said, licence_said, languages_said)


def facts_from_card(page: Page, candidate: str, *, kind: SourceKind = SourceKind.MAKER) -> list[Fact]:
    """Facts that a model card's lines state. Where lines differ in licence or context, several are kept, so
    that the disagreement shows; of parameters, release date and languages the best line is taken.

    A card's parameter count is as rounded as the card rounds it: ``8.2B``."""
    sheet = FactSheet(candidate, page, kind)
    text = _without_others(sheet.text[:MAX_CARD], candidate)
    _take(sheet, _said(text, candidate))
    focus = focus_said(text)
    if focus:
        sheet.quote(Factor.ARCHITECTURE_FOCUS, focus.focus, _around(text, focus.start, focus.end))
    return sheet.all


def _without_others(text: str, candidate: str) -> str:
    """The card without the lines that name models by size, and not this one: makers share a card among
    sizes."""
    own = candidate.rsplit("/", 1)[-1].casefold()
    kept = []
    for line in text.splitlines():
        named = [found.group().casefold() for found in SIZED_NAME.finditer(line[:MAX_LINE])]
        if not named or any(own.startswith(name) or name.startswith(own) for name in named):
            kept.append(line)
    return "\n".join(kept)


def facts_from_page(page: Page, candidate_names: Mapping[str, Sequence[str]]) -> list[Fact]:
    """Release date, licence, context, parameters and languages that somebody else's page states in a sentence
    about exactly one named candidate; ``candidate_names`` maps a key to the names it goes by.

    The kind is VENDOR for the hosts of ``card_rules.yaml``, else THIRD_PARTY. A page that tries to instruct
    its reader is believed in nothing.
    """
    host = (urlsplit(page.final_url).hostname or "").lower()
    kind = SourceKind.VENDOR if card_rules().is_vendor(host) else SourceKind.THIRD_PARTY
    sheets: dict[str, FactSheet] = {}
    text = FactSheet("", page, kind).text[:MAX_CARD]
    if is_suspicious(text):
        return []
    index = index_of(candidate_names)
    for unit in _units(text):
        key = _about(unit, index)
        if key is None:
            continue
        if key not in sheets:  # making one goes through the whole page
            sheets[key] = FactSheet(key, page, kind)
        _take(sheets[key], _said(unit, key))
    return [fact for sheet in sheets.values() for fact in sheet.all][:MOST_FROM_PAGE]


def domain_focus(page: Page, candidate: str, domain_words: Iterable[str]) -> list[Fact]:
    """``domain fine-tune`` as focus, when a line of the card says that the model was tuned for the domain."""
    sheet = FactSheet(candidate, page, SourceKind.MAKER)
    words = [word for word in domain_words if word.strip()]
    for line in sheet.text[:MAX_CARD].splitlines():
        quote = tuned_for(line.strip()[:MAX_LINE], words)
        if quote:
            sheet.quote(Factor.ARCHITECTURE_FOCUS, "domain fine-tune", quote)
            break
    return sheet.all


def tagged_focus(model: HubModel, page: Page, domain_words: Iterable[str]) -> list[Fact]:
    """``domain fine-tune`` as focus, when a repository made from another one bears the domain's words in its
    tags or its name. ``page`` is its record, or a listing."""
    bases = [base for base in model.base_models if base.casefold() != model.id.casefold()]
    if not bases or not tagged_for(model.tags, model.id, list(domain_words)):
        return []
    sheet = FactSheet(model.id, page, SourceKind.MAKER, prefix=model.prefix_on(page))
    note = f"Made from {bases[0]}, and its tags or its name speak of the domain."
    sheet.field(Factor.ARCHITECTURE_FOCUS, "domain fine-tune", "tags", note=note)
    return sheet.all


def _take(sheet: FactSheet, said: Iterable[Said]) -> None:
    for one in said:
        most = MOST_LICENCES if one.factor in _SEVERAL else 1
        if sheet.count(one.factor) < most:
            sheet.quote(one.factor, one.value, one.quote, note=one.note)


_SEVERAL = frozenset({Factor.LICENCE, Factor.CONTEXT_NATIVE, Factor.CONTEXT_EXTENDED})


def _said(text: str, candidate: str) -> Iterator[Said]:
    """Everything that the lines say, the best line on a factor first."""
    lengths: list[Length] = []
    releases: list[Said] = []
    front, body = parted(text)
    languages = front_matter_languages(front)
    if languages:
        yield languages
    yield from front_matter_licences(front)
    coded = False
    for line in without_hidden(body).splitlines():
        shown = line.strip()[:MAX_LINE]
        coded ^= FENCE.match(shown) is not None
        if not shown or coded or COMMAND.search(shown):
            continue
        lengths += lengths_in(shown, candidate)
        releases += release_said(shown)
        for rule in LINE_RULES:
            yield from rule(shown)
    extends = EXTENDING.search(text) is not None
    for read in read_lengths(lengths, extends=extends):
        yield Said(read.factor, read.tokens, read.line, read.note)
    yield from sorted(releases, key=lambda said: not _is_its_release(said.quote, candidate))


def _is_its_release(line: str, candidate: str) -> bool:
    """Whether a line is labelled as the release, or names the model: a changelog tells of others too."""
    name = candidate.rsplit("/", 1)[-1].casefold()
    return RELEASE_LABEL.search(line) is not None or name in line.casefold()


def _about(unit: str, index: NameIndex) -> str | None:
    """The one candidate that a sentence is about; None when it names another model as well."""
    named = all_models(unit, index)
    keys = {mention.keys for mention in named}
    only = next(iter(keys)) if len(keys) == 1 else frozenset()
    return next(iter(only)) if len(only) == 1 else None


def _units(text: str) -> Iterator[str]:
    for section in sections(text):
        for sentences in section.paragraphs:
            yield from (sentence[:MAX_LINE] for sentence in sentences)
        for rows in section.tables:
            yield from (row[:MAX_LINE] for row in rows)


def _around(text: str, start: int, end: int) -> str:
    """The line around a match, bounded."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    line = text[first : last if last >= 0 else len(text)]
    if len(line) <= MAX_LINE:
        return line.strip()
    middle = start - first
    return line[max(0, middle - 200) : middle + 300].strip()
