"""Thoughts told apart from the answer.

A thinking model writes its thoughts before the answer, between tags. Servers separate them often but not
always, so every runtime passes what it received through :func:`split_thinking`: thoughts are stored and never
judged.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_TAG = re.compile(r"<(/?)(?:think|thinking|reasoning)>|\[(/?)THINK\]", re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>([a-z]+)(?:<\|message\|>)?", re.IGNORECASE)
_CHANNEL_MARKS = re.compile(r"<\|(?:end|return|start)\|>(?:assistant)?", re.IGNORECASE)
_FINAL_CHANNEL = "final"
_TEMPLATE_MARKS = ("<think>", "</think>", "<thinking>", "[THINK]", "enable_thinking", "<|channel|>analysis")


class ThinkingSplit(NamedTuple):
    """An answer without its thoughts."""

    text: str
    """The answer; empty when the thoughts never came to an end."""
    thinking: str | None
    """What was thought aloud; None when nothing was."""
    closed: bool
    """False when the reply ended in the middle of its thoughts."""


def split_thinking(text: str) -> ThinkingSplit:
    """Separate ``<think>…</think>`` and its relatives from the answer.

    Understood are closed blocks, a block that is never closed (everything is thinking then, and there is no
    answer), an end tag whose start stood in the prompt template (``…</think>answer``), the tags
    ``<thinking>``, ``<reasoning>`` and ``[THINK]``, and the channels ``analysis`` and ``final`` of the
    Harmony format. Text without any of these is returned as it is, and so is a JSON object, in whose texts
    tags are spoken about.
    """
    if _is_json_object(text):
        return ThinkingSplit(text, None, closed=True)
    if _CHANNEL.search(text):
        return _split_channels(text)
    if not _TAG.search(text):
        return ThinkingSplit(text, None, closed=True)
    return _split_tags(text)


def join_thinking(text: str, separated: str | None) -> ThinkingSplit:
    """:func:`split_thinking` of ``text``, beside thoughts that the server had ``separated`` already."""
    split = split_thinking(text)
    thoughts = _joined([separated or "", split.thinking or ""])
    return ThinkingSplit(split.text.strip(), thoughts or None, split.closed)


def template_can_think(template: str | None) -> bool:
    """Whether a chat template knows of thinking aloud."""
    return template is not None and any(mark in template for mark in _TEMPLATE_MARKS)


def _is_json_object(text: str) -> bool:
    bare = text.strip()
    if not (bare.startswith("{") and bare.endswith("}")):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def _split_tags(text: str) -> ThinkingSplit:
    answer: list[str] = []
    thoughts: list[str] = []
    thinking, position = False, 0
    for tag in _TAG.finditer(text):
        piece, position = text[position : tag.start()], tag.end()
        (thoughts if thinking else answer).append(piece)
        if not (tag[1] or tag[2]):
            thinking = True
        elif thinking:
            thinking = False
        elif _is_late_end(thoughts, text[position:]):
            thoughts, answer = thoughts + answer, []
    (thoughts if thinking else answer).append(text[position:])
    if thinking:
        return ThinkingSplit("", _joined(answer + thoughts) or None, closed=False)
    return ThinkingSplit(_joined(answer), _joined(thoughts) or None, closed=True)


def _is_late_end(thoughts: list[str], rest: str) -> bool:
    """Whether an end tag without a start ends thoughts, rather than being litter after a finished answer."""
    return not thoughts or bool(_TAG.sub("", rest).strip())


def _split_channels(text: str) -> ThinkingSplit:
    # re.split with one group: text before the first channel, then name and content by turns.
    before, *parts = _CHANNEL.split(text)
    answer: list[str] = []
    thoughts = [_CHANNEL_MARKS.sub("", before)]
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        (answer if name.lower() == _FINAL_CHANNEL else thoughts).append(_CHANNEL_MARKS.sub("", content))
    inner = split_thinking(_joined(answer))
    thinking = _joined([*thoughts, inner.thinking or ""]) or None
    return ThinkingSplit(inner.text, thinking, closed=bool(answer) and inner.closed)


def _joined(pieces: list[str]) -> str:
    # A line break between the pieces keeps two halves of a tag from becoming one.
    return "\n".join(stripped for piece in pieces if (stripped := piece.strip()))
