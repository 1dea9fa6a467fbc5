"""Answers put before a person one at a time, blind: message and answer, and a key for the verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import click
from rich.console import Console
from rich.text import Text

from agent.terminal import plain
from tools.clock import Clock
from tools.escape import clean, terminal
from tools.evaluation import Answer, CriterionVerdict, Label, Scenario, Verdict
from tools.labelling import MAX_NOTE_CHARACTERS, by_criteria, passes, time_left, verdicts_of
from tools.rubric import Criterion, Rubric

LINES_OF_OTHERS = 6
"""Lines of the screen that are not the answer's."""
FEWEST_LINES = 5


class Card(NamedTuple):
    """One answer to be labelled."""

    scenario: Scenario
    answer: Answer


class Move(StrEnum):
    """Where a person goes from an answer."""

    ON = "on"
    BACK = "back"
    QUIT = "quit"


class LabelScreen:
    """Asks for labels; each is handed to ``keep`` before the next answer is shown.

    With ``rubric`` each criterion is asked for, and every verdict is kept at once.
    """

    def __init__(
        self,
        console: Console,
        keep: Callable[[Label], None],
        *,
        by: str,
        rubric: Rubric | None,
        earlier: Mapping[str, Label],
        clock: Clock,
    ) -> None:
        self._console = console
        self._keep = keep
        self._by = by
        self._rubric = rubric
        self._labels = dict(earlier)
        self._clock = clock
        self._seconds: list[float] = []

    def show(self, cards: Sequence[Card], *, done: int) -> None:
        """Put the cards before the person, from the first, until they are through or quit."""
        place = 0
        while place < len(cards):
            begun = time.monotonic()
            self._head(cards[place], done + place + 1, done + len(cards), len(cards) - place)
            match self._ask(cards[place]):
                case Move.ON:
                    self._seconds.append(time.monotonic() - begun)
                    place += 1
                case Move.BACK:
                    place = max(0, place - 1)
                case Move.QUIT:
                    return

    def _head(self, card: Card, number: int, total: int, left: int) -> None:
        self._console.clear()
        pace = time_left(self._seconds, left)
        self._console.rule(f"{number} of {total}{', ' + pace if pace else ''}")
        topic = " · ".join(part for part in (card.scenario.topic, card.scenario.subtopic) if part)
        self._console.print(f"[dim]{plain(topic)}[/]", highlight=False)

    def _ask(self, card: Card) -> Move:
        pages = _pages(card, self._console)
        self._console.print(pages.pop(0), highlight=False)
        if self._rubric is None:
            return self._whole(card, pages)
        return self._criteria(card, self._rubric, pages)

    def _whole(self, card: Card, pages: list[Text]) -> Move:
        label = self._label(card)
        keys = {"p": "pass", "f": "fail", "?": "cannot tell", "n": "note", "b": "back", "q": "quit"}
        while True:
            self._tell_earlier(label)
            key = self._key(keys, pages)
            if key == "n":
                label = self._noted(label)
            elif key in {"b", "q"}:
                return Move.BACK if key == "b" else Move.QUIT
            else:
                self._store(label.model_copy(update={"passed": {"p": True, "f": False}.get(key)}))
                return Move.ON

    def _criteria(self, card: Card, rubric: Rubric, pages: list[Text]) -> Move:
        given = verdicts_of(self._label(card))
        place = next((n for n, c in enumerate(rubric.judged) if c.id not in given), 0)
        while place < len(rubric.judged):
            criterion = rubric.judged[place]
            self._question(criterion, place + 1, len(rubric.judged), given.get(criterion.id))
            key = self._key(_keys_for(criterion), pages)
            if key == "c":
                self._store(self._noted(self._label(card)))
            elif key == "q":
                return Move.QUIT
            elif key == "b":
                if place == 0:
                    return Move.BACK
                place -= 1
            else:
                given[criterion.id] = _WORDS[key]
                verdicts = by_criteria(rubric, card.scenario, card.answer, given)
                self._store_verdicts(card, rubric, verdicts)
                place += 1
        return Move.ON

    def _question(self, criterion: Criterion, number: int, total: int, said: Verdict | None) -> None:
        now = f" [dim](you said {said.value})[/]" if said is not None else ""
        self._console.print(
            f"\n[bold]{plain(criterion.id)}[/] ({number} of {total}) {plain(criterion.question)}{now}",
            highlight=False,
        )

    def _tell_earlier(self, label: Label) -> None:
        if label.scenario_id in self._labels:
            said = {True: "pass", False: "fail", None: "cannot tell"}[label.passed]
            self._console.print(f"[dim]You said: {said}.[/]", highlight=False)
        if label.note:
            self._console.print(f"[dim]Note: {plain(label.note)}[/]", highlight=False)

    def _key(self, keys: Mapping[str, str], pages: list[Text]) -> str:
        """The key that was pressed; space shows more of a long answer."""
        while True:
            offered = {" ": f"space: more of the answer ({len(pages)})"} if pages else {}
            offered |= {key: f"{key}: {word}" for key, word in keys.items()}
            self._console.print(f"[cyan]{plain('   '.join(offered.values()))}[/] ", end="", highlight=False)
            pressed = click.getchar().lower()
            while pressed not in offered:
                pressed = click.getchar().lower()
            self._console.print(plain(keys.get(pressed, "more")), highlight=False)
            if pressed != " ":
                return pressed
            self._console.print(pages.pop(0), highlight=False)

    def _label(self, card: Card) -> Label:
        """What the person has said so far; a label without a word where there is nothing yet."""
        earlier = self._labels.get(card.scenario.id)
        now = self._clock.now()
        return earlier or Label(scenario_id=card.scenario.id, by=self._by, passed=None, at=now)

    def _noted(self, label: Label) -> Label:
        note = click.prompt(
            "Note", default=label.note, show_default=bool(label.note), err=self._console.stderr
        )
        return label.model_copy(update={"note": clean(note)[:MAX_NOTE_CHARACTERS]})

    def _store_verdicts(self, card: Card, rubric: Rubric, verdicts: tuple[CriterionVerdict, ...]) -> None:
        changes = {"verdicts": verdicts, "passed": passes(verdicts, rubric)}
        self._store(self._label(card).model_copy(update=changes))

    def _store(self, label: Label) -> None:
        label = label.model_copy(update={"at": self._clock.now()})
        self._keep(label)
        self._labels[label.scenario_id] = label


_WORDS = {"y": Verdict.YES, "n": Verdict.NO, "a": Verdict.NA, "?": Verdict.CANNOT_ASSESS}


def _keys_for(criterion: Criterion) -> dict[str, str]:
    keys = {"y": "yes", "n": "no", "a": "does not apply", "?": "cannot tell"}
    keys |= {"c": "comment", "b": "back", "q": "quit"}
    return {key: word for key, word in keys.items() if key != "a" or criterion.na_allowed}


def _pages(card: Card, console: Console) -> list[Text]:
    """Message and answer in pieces that fit the screen; nothing in them moves the cursor or colours."""
    whole = Text.assemble(
        ("Message\n", "bold"),
        f"{terminal(card.scenario.message)}\n\n",
        ("Answer\n", "bold"),
        terminal(card.answer.text),
    )
    lines = list(whole.wrap(console, console.width))
    room = max(FEWEST_LINES, console.height - LINES_OF_OTHERS)
    return [Text("\n").join(lines[start : start + room]) for start in range(0, len(lines), room)]
