"""Running text and its sentences: what is left of an answer without code, formulae, tables and addresses.

Everything that judges wording (language, reading level, loops) reads this, because a table's separators and a
program's repeated lines are no prose. Lines and patterns are read once from left to right.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CHARACTERS = 60_000
"""Characters of an answer that are read: about ten thousand words."""

_FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})[ \t]*([\w+#.-]{0,30})")
_DISPLAYED = re.compile(
    r"\$\$.*?(?:\$\$|\Z)|\\\[.*?(?:\\\]|\Z)|\\begin\{\w+\*?\}.*?(?:\\end\{|\Z)", re.DOTALL
)
_INLINE = re.compile(r"`[^`\n]{1,400}`|\$[^$\n]{1,300}\$|\\\([^\n]{0,300}?\\\)|\bhttps?://\S{1,500}")
_TABLE_ROW = re.compile(r"[ \t]{0,8}\||[^|\n]{0,400}\|[^|\n]{0,400}\|")
_CODE_LINE = re.compile(r"(?: {4}|\t)")
_CJK = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(
    rf"[{_CJK}]"
    r"|[\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+"
    rf"|[^\W{_CJK}](?:[^\W{_CJK}]|[\u0300-\u036f\u0591-\u05c7\u064b-\u0652])*"
    rf"(?:['’-][^\W{_CJK}]+)*"
)
_ASCII_WORD = re.compile(r"\w+(?:['-]\w+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?=\s)|(?<=[.!?…][\"'”’»)\]*_])(?=\s)|(?<=[。！？؟।])|\n+")
_ABBREVIATED = re.compile(
    r"(?:\b(?:Mrs?|Ms|Dr|Prof|St|vs|etc|e\.g|i\.e|z\.\s?B|bzw|ca|Nr|No|Fig|approx|[A-Z])|\b\d{1,4})\.\Z"
)
_LIST_MARK = re.compile(r"[ \t]*(?:[-*•–+>]|#{1,6}|\(?\d{1,3}[.)])[ \t]+")


class CodeBlock(NamedTuple):
    """A fenced block: the word behind its fence, in lower case, and what stands in it."""

    language: str
    text: str
    closed: bool


def words(text: str) -> list[str]:
    """Words as people count them, in order: a contraction is one, so is a Chinese or Japanese character."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def code_blocks(text: str) -> tuple[CodeBlock, ...]:
    """The fenced code blocks of an answer."""
    return tuple(_split(text[:MAX_CHARACTERS])[1])


def without_code(text: str) -> str:
    """``text`` without closed code blocks and inline code; a block that never ends is kept."""
    outside, blocks = _split(text[:MAX_CHARACTERS])
    if blocks and not blocks[-1].closed:
        outside.append(blocks[-1].text)
    return re.sub(r"`[^`\n]{1,400}`", " ", "\n".join(outside))


def prose(text: str) -> str:
    """``text`` without code, formulae, tables and addresses; its lines are kept."""
    outside = "\n".join(_split(text[:MAX_CHARACTERS])[0])
    if "$$" in outside or "\\[" in outside or "\\begin{" in outside:
        outside = _DISPLAYED.sub("\n", outside)
    outside = _INLINE.sub(" ", outside)
    return "\n".join(
        line for line in outside.split("\n") if not _CODE_LINE.match(line) and not _TABLE_ROW.match(line)
    )


def sentences(text: str) -> list[str]:
    """The sentences of :func:`prose`; a list item or a heading is one. Those without words are left out."""
    found: list[str] = []
    for piece in map(str.strip, _SENTENCE_END.split(prose(text))):
        if found and _ABBREVIATED.search(found[-1]) and not _LIST_MARK.fullmatch(f"{found[-1]} "):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return [piece for piece in found if any(c.isalnum() for c in _LIST_MARK.sub("", piece, count=1))]


def paragraphs(text: str) -> list[str]:
    """Blocks of text between blank lines; a fenced code block counts as part of the block it stands in."""
    return [block for block in re.split(r"\n[ \t]*(?:\n[ \t]*)+", text[:MAX_CHARACTERS].strip()) if block]


def _split(text: str) -> tuple[list[str], list[CodeBlock]]:
    """The lines outside fences, and the fenced blocks (CommonMark 0.31, section 4.5, simplified)."""
    outside: list[str] = []
    blocks: list[CodeBlock] = []
    fence, language = "", ""
    inside: list[str] = []
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence, language, inside = mark[1], mark[2].casefold(), []
        elif fence and mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            blocks.append(CodeBlock(language, "\n".join(inside), closed=True))
            fence = ""
            outside.append("")
        elif fence:
            inside.append(line)
        else:
            outside.append(line)
    if fence:
        blocks.append(CodeBlock(language, "\n".join(inside), closed=False))
    return outside, blocks
