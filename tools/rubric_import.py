"""Rubrics in Markdown to the YAML of :mod:`tools.rubric`; what was assumed or not read is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tools.faults import WrongUse
from tools.markdown_rubric import Draft, DraftCriterion, plain, read_markdown
from tools.phrases import counted
from tools.rubric import MAX_CRITERIA, parse_rubric

MAX_CHARACTERS = 500_000
DEFAULT_THRESHOLD = 0.8
GENERAL = "General"
"""Title of the category of criteria that stand under no other."""
_KEY = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,31}$")


class Note(NamedTuple):
    """Something a person should look at."""

    line: int
    """Line of the Markdown, from 1; 0 where it is about the whole file."""
    sentence: str
    assumed: bool
    """Something was filled in; else something was not read."""

    def __str__(self) -> str:
        return f"line {self.line}: {self.sentence}" if self.line else self.sentence


class Imported(NamedTuple):
    """A rubric as YAML, and what to look at."""

    yaml: str
    notes: tuple[Note, ...]


def import_markdown(text: str, name: str) -> Imported:
    """The rubric in a Markdown ``text`` as YAML that :func:`tools.rubric.parse_rubric` reads.

    ``name`` is the file's, for messages. Raises :class:`WrongUse` when there is no criterion, there are too
    many, or the text is too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise WrongUse(f"{name} is longer than {MAX_CHARACTERS:,} characters.", "Is it the right file?")
    draft = read_markdown(text)
    if not draft.criteria:
        raise WrongUse(
            f"No criteria were found in {name}.",
            'Write them as a table with the columns ID and Criterion, or as a list "- **CQ1** – question".',
        )
    if len(draft.criteria) > MAX_CRITERIA:
        raise WrongUse(f"{name} has {len(draft.criteria)} criteria; {MAX_CRITERIA} are the limit.")
    assembly = _Assembly(draft, name)
    yaml = assembly.yaml()
    parse_rubric(yaml, f"the rubric imported from {name}")
    notes = [
        *assembly.notes,
        *(Note(line, f"{said.rstrip('.')}.", assumed=False) for line, said in draft.unread),
    ]
    return Imported(yaml, tuple(sorted(notes, key=lambda note: note.line)))


class _Assembly:
    def __init__(self, draft: Draft, name: str) -> None:
        self.draft, self.name = draft, name
        self.notes: list[Note] = []
        self.titles = self._titles()
        self.keys = self._keys()
        self.gates = self._gates()
        self.weights = self._weights()

    def yaml(self) -> str:
        draft = self.draft
        body = [f"name: {_quoted(draft.title or plain(Path(self.name).stem) or 'Rubric')}"]
        if draft.description:
            body.append(f"description: {_quoted(draft.description)}")
        body += [self._threshold(), self._na(), "", "categories:"]
        body += [line for title in self.keys for line in self._category(title)]
        body += ["", "criteria:"]
        ids = self._ids()
        body += [
            line
            for criterion, key in zip(draft.criteria, ids, strict=True)
            for line in self._criterion(criterion, key)
        ]
        head = [f"# Imported from {plain(self.name)[:200]}; look it over before you use it."]
        head += [f"# Assumed: {plain(str(note))[:300]}" for note in self.notes if note.assumed]
        return "\n".join([*head, *body, ""])

    def _assume(self, line: int, sentence: str) -> None:
        self.notes.append(Note(line, sentence, assumed=True))

    def _titles(self) -> list[str]:
        """The category of each criterion, in order; those of a table of categories decide first."""
        by_id = {_folded(identifier): title for identifier, title in self.draft.members.items()}
        titles: list[str] = []
        for criterion in self.draft.criteria:
            title = criterion.category or by_id.get(_folded(criterion.id), "")
            if not title:
                title = GENERAL
            titles.append(title)
        stray = [c.line for c, title in zip(self.draft.criteria, titles, strict=True) if title == GENERAL]
        if stray and len(set(titles)) > 1:
            self._assume(stray[0], f'{_criteria(len(stray))} "{GENERAL}".')
        return titles

    def _keys(self) -> dict[str, str]:
        """Title → key, for the categories that have criteria; titles that differ in case only are one."""
        keys: dict[str, str] = {}
        by_fold: dict[str, str] = {}
        for i, title in enumerate(self.titles):
            first = by_fold.setdefault(_folded(title), title)
            self.titles[i] = first
            if first not in keys:
                slug = re.sub(r"\W+", "_", first.casefold()).strip("_") or "category"
                keys[first] = slug if slug not in keys.values() else f"{slug}_{len(keys) + 1}"
        for title, category in self.draft.categories.items():
            known = by_fold.get(_folded(title))
            if known is None and (category.weight is not None or category.gate or category.description):
                said = f'The category "{title}" has no criteria and was left out.'
                self.notes.append(Note(category.line, said, assumed=False))
        return keys

    def _found(self, title: str) -> list[tuple[int, float | None, bool, str]]:
        return [
            (category.line, category.weight, category.gate, category.description)
            for other, category in self.draft.categories.items()
            if _folded(other) == _folded(title)
        ]

    def _gates(self) -> dict[str, bool]:
        return {title: any(gate for _, _, gate, _ in self._found(title)) for title in self.keys}

    def _weights(self) -> dict[str, float]:
        """Weights that sum to 1; equal ones where none is written."""
        given: dict[str, float | None] = {}
        for title in self.keys:
            given[title] = next((w for _, w, _, _ in self._found(title) if w is not None), None)
        if all(weight is None for weight in given.values()):
            given |= self._from_criteria()
        known = {title: weight for title, weight in given.items() if weight is not None}
        if not any(known.values()):
            self._assume(0, "No weights were found: every category that is no gate counts the same.")
            plainly = [title for title in self.keys if not self.gates[title]] or list(self.keys)
            return _normalised({title: float(title in plainly) for title in self.keys})
        missing = [title for title in self.keys if title not in known]
        for title in missing:
            share = 0.0 if self.gates[title] else sum(known.values()) / len(known)
            became = (
                "is a gate without a weight: 0"
                if self.gates[title]
                else "has no weight: the mean of the others"
            )
            self._assume(0, f'The category "{title}" {became}.')
            given[title] = share
        filled = {title: given[title] or 0.0 for title in self.keys}
        total = sum(filled.values())
        largest = max(filled, key=lambda title: filled[title])
        if filled[largest] > 1 and any(0 < weight < 1 for weight in filled.values()):
            self._assume(
                0,
                "The weights are written on different scales: as they stand, "
                f'"{largest}" makes {filled[largest] / total:.0%} of the score. Correct them in the YAML.',
            )
        elif not any(abs(total - whole) < 1e-9 for whole in (1, 100)):
            self._assume(0, f"The weights sum to {total:g} and were divided by it.")
        return _normalised(filled)

    def _from_criteria(self) -> dict[str, float | None]:
        sums: dict[str, float | None] = {}
        for criterion, title in zip(self.draft.criteria, self.titles, strict=True):
            if criterion.weight is not None:
                sums[title] = (sums.get(title) or 0.0) + criterion.weight
        if sums:
            self._assume(
                0, "Weights of single criteria were added up by category; inside one all count the same."
            )
        return sums

    def _threshold(self) -> str:
        value = self.draft.threshold
        if value is None:
            self._assume(0, f"No pass threshold was found: {DEFAULT_THRESHOLD:g}.")
        return f"pass_threshold: {DEFAULT_THRESHOLD if value is None else value:g}"

    def _na(self) -> str:
        counts = self.draft.na_counts_as_pass
        if counts is None and any(c.na_allowed or c.optional for c in self.draft.criteria):
            self._assume(0, "Nothing says what becomes of NA: excluded.")
        return f"na: {'counts_as_pass' if counts else 'excluded'}"

    def _category(self, title: str) -> Iterable[str]:
        yield f"  {_quoted(self.keys[title])}:"
        yield f"    weight: {self.weights[title]:.6g}"
        if self.gates[title]:
            yield "    gate: true"
        description = next((d for _, _, _, d in self._found(title) if d), "")
        if description:
            yield f"    description: {_quoted(f'{title}. {description}')}"
        elif _folded(title) != self.keys[title]:
            yield f"    description: {_quoted(title)}"

    def _ids(self) -> list[str]:
        taken: set[str] = set()
        ids: list[str] = []
        for number, criterion in enumerate(self.draft.criteria, 1):
            bare = re.sub(r"[^A-Za-z0-9_.-]", "", criterion.id)[:28]
            identifier = bare if _KEY.match(bare) else f"C{bare or number}"
            if not _KEY.match(identifier):
                identifier = f"C{number}"
            suffix = number
            while identifier in taken:
                identifier, suffix = f"{identifier[:24]}_{suffix}", suffix + MAX_CRITERIA
            if identifier != criterion.id:
                was = f'the id "{criterion.id}"' if criterion.id else "a criterion without an id"
                self._assume(criterion.line, f"{was[:1].upper()}{was[1:]} became {identifier}.")
            taken.add(identifier)
            ids.append(identifier)
        return ids

    def _criterion(self, criterion: DraftCriterion, identifier: str) -> Iterable[str]:
        title = self.titles[self.draft.criteria.index(criterion)]
        yield f"  - id: {_quoted(identifier)}"
        yield f"    category: {_quoted(self.keys[title])}"
        yield f"    question: {_quoted(criterion.question)}"
        if criterion.optional:
            self._assume(criterion.line, f"{identifier} is optional: NA is allowed.")
        if criterion.na_allowed or criterion.optional:
            yield "    na_allowed: true"
        if criterion.gate and not self.gates[title]:
            yield "    gate: true"
        if criterion.automatic:
            self._assume(
                criterion.line, f"{identifier} was decided by a program; a judge decides until it has a rule."
            )
        if criterion.examples:
            yield "    examples:"
        for good, answer in criterion.examples:
            yield f"      - answer: {_quoted(answer)}"
            yield f"        verdict: {'YES' if good else 'NO'}"


def _criteria(count: int) -> str:
    return f"{counted(count, 'criterion', 'criteria')} under no category {'is' if count == 1 else 'are'} in"


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(" ", "").split())


def _quoted(text: str) -> str:
    return json.dumps(plain(text)[:3900] or "–", ensure_ascii=False)


def _normalised(weights: dict[str, float]) -> dict[str, float]:
    """Weights to four decimals that sum to 1; what rounding leaves goes to the largest."""
    total = sum(weights.values())
    shares = {title: round(weight / total, 4) for title, weight in weights.items()}
    largest = max(shares, key=lambda title: shares[title])
    shares[largest] = round(shares[largest] + 1 - sum(shares.values()), 4)
    return shares
