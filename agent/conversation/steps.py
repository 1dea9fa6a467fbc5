"""What a Fault tells to do next, in words that can be said here instead of a terminal's commands."""

from __future__ import annotations

import re
from typing import Final

from agent.conversation.records import Link
from agent.conversation.replies import view

_RUN = r"(?: [\w-]+)?(?: --?[\w-]+(?: [\w.-]+)?)*"
_SAID: Final[tuple[tuple[str, str, str, str], ...]] = (
    # command, what is said here instead, the view that shows it, the view's name
    ("doctor", "`bms doctor` at the terminal of this machine", "", ""),
    ("runs", "“runs”", "", ""),
    ("table [^`]*--rejected", "“who was rejected?”", "table?rejected=1", "the table with the rejected ones"),
    ("table", "“show the table”", "table", "the table"),
    ("evidence", "“tell me about …”", "table", "the table"),
    ("show", "“status”", "", ""),
    ("approve", "“approve”", "approval", "the approval"),
    ("resume", "“resume”", "", ""),
    ("cancel", "“cancel”", "", ""),
    ("report", "“show the report”", "report", "the report"),
    ("label", "labelling here", "labels", "the labels"),
    ("calibrate", "the labels", "labels", "the labels"),
    ("evaluate", "“evaluate MODEL for DOMAIN”", "", ""),
)
_COMMANDS: Final = tuple(
    (re.compile(rf"`bms {command}\b{'' if '[' in command else _RUN}`"), said, place, label)
    for command, said, place, label in _SAID
)


def said_here(step: str, run_id: str | None) -> tuple[str, tuple[Link, ...]]:
    """``step`` without commands where there is something to be said instead, and links to what they show.

    Commands that nothing here does stand as they are, with the run's id in the place of ``RUN``.
    """
    links: list[Link] = []
    for pattern, said, place, label in _COMMANDS:
        text = pattern.sub(said.replace("\\", ""), step)
        if text != step and place and run_id is not None:
            links.append(view(run_id, place, label))
        step = text
    if run_id is not None:
        step = re.sub(r"(?<=[` ])RUN\b", run_id, step)
    return step, tuple(dict.fromkeys(links))
