"""A failure that a person reads: one sentence, and what to do next."""

from __future__ import annotations


class Fault(Exception):
    """A failure with an explanation. Commands print it and exit with ``exit_code``; no traceback.

    ``sentence`` says what happened in one sentence; ``next_step`` says what the person can do about it.
    """

    exit_code = 1

    def __init__(self, sentence: str, next_step: str = "") -> None:
        super().__init__(sentence if not next_step else f"{sentence} {next_step}")
        self.sentence = sentence
        self.next_step = next_step


class WrongUse(Fault):
    """What was asked for cannot be meant: an unknown run, an unreadable file, a value out of range."""

    exit_code = 2


class NotFound(WrongUse):
    """There is nothing of that name."""


class Conflict(Fault):
    """What was asked for does not go with how things stand by now: answered already, changed, or ended."""

    exit_code = 2
