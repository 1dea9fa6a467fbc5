"""Text of strangers, made safe for where it is shown: Markdown, HTML, a terminal, a spreadsheet.

What pages and models say is data (design, invariant 11). Each function takes any text and returns text that
its target shows as plain words: no markup, link, image, HTML, terminal sequence or formula survives.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from typing import Final
from urllib.parse import quote, urlsplit

HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories taken out: controls, invisible formatting, halves of pairs, private and unassigned."""
JOINERS: Final = "\u200c\u200d"
"""Formatting characters that stay: Persian, Indic scripts and emoji are spelled with them."""
FORMULA_STARTS: Final = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")
CUT: Final = " […]"

_TERMINAL_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]{0,2000}(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]"
)
_FURTHER_LINE_ENDS: Final = "\x85\u2028\u2029"
_LINE_ENDS = re.compile(r"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# An underscore between letters or digits emphasises nothing and is left readable.
_ANYWHERE = re.compile(r"([\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_]))")
_NEXT_CELL = re.compile(rf"(;[\s\"'{JOINERS}]{{0,20}})(?=[{re.escape(''.join(FORMULA_STARTS))}])")
_LINE_START = re.compile(r"^([#+\-=:])")
_LIST_NUMBER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_ENTITIES: Final = {
    "{": "&#123;",  # Liquid and attribute lists begin with a brace, and no backslash stops them.
    "@": "&#64;",
}
_URL_SAFE: Final = "!#$%&'()*+,/:;=?@~-._"


class Markdown(str):
    """Text that is Markdown already, and safe; whatever is not of this type gets escaped by templates."""

    __slots__ = ()


def clean(text: str, *, lines: bool = False) -> str:
    """``text`` without terminal sequences and invisible characters.

    White space is folded to single spaces; with ``lines`` the line ends stay, as newlines, and so does the
    white space within a line, tabs as four spaces.
    """
    ended = _LINE_ENDS.sub("\n", _TERMINAL_SEQUENCE.sub("", text)).replace("\t", "    ")
    kept = "".join(c for c in ended if c == "\n" or c in JOINERS or unicodedata.category(c) not in HIDDEN)
    return kept if lines else " ".join(kept.split())


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``, cut between words where that costs little, and marked so."""
    if len(text) <= limit:
        return text
    room = max(0, limit - len(CUT))
    head = text[:room]
    space = max(head.rfind(" "), head.rfind("\n"))
    return (head[:space] if space > room * 0.8 else head).rstrip() + CUT


def markdown(text: str) -> Markdown:
    """``text`` as one line of plain words, anywhere in a Markdown document, table cells included."""
    escaped = _html.escape(_ANYWHERE.sub(r"\\\1", clean(text)), quote=False)
    for character, entity in _ENTITIES.items():
        escaped = escaped.replace(character, entity)
    # Bare addresses become links in GitHub's Markdown although no bracket stands around them.
    escaped = escaped.replace("://", "&#58;//")
    escaped = re.sub(r"(?i)\b(www)\.", r"\1&#46;", escaped)
    escaped = _LINE_START.sub(r"\\\1", escaped)
    return Markdown(_LIST_NUMBER.sub(r"\1\\\2", escaped))


def quoted(text: str, limit: int = 1200) -> Markdown:
    """``text`` as a block quote that keeps its lines; a blank text says that it is blank."""
    said = [markdown(line) for line in shorten(clean(text, lines=True).strip(), limit).split("\n")]
    if said == [""]:
        return Markdown("> *(nothing)*")
    out = []
    for line, following in zip(said, [*said[1:], ""], strict=True):
        # A backslash at the end of a line breaks it; before an empty line it would be shown.
        out.append(f"> {line}\\" if line and following else f"> {line}".rstrip())
    return Markdown("\n".join(out))


def code(text: str, *, cell: bool = False) -> Markdown:
    """``text`` as a code span of one line; within a table ``cell`` a vertical bar needs a backslash."""
    line = clean(text).replace("{{", "{ {").replace("{%", "{ %")
    line = line.replace("|", "\\|") if cell else line
    if not line:
        return Markdown("` `")
    marks = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{marks}{pad}{line}{pad}{marks}")


def fenced(text: str, language: str = "text") -> Markdown:
    """``text`` as a fenced block; the fence is longer than any run of backticks in it."""
    body = clean(text, lines=True).strip("\n").replace("{{", "{ {").replace("{%", "{ %")
    marks = "`" * max(3, _longest_run(body) + 1)
    return Markdown(f"{marks}{language}\n{body}\n{marks}")


def link(url: str) -> Markdown:
    """``url`` as an autolink when it is a web address, else as plain words."""
    address = web_address(url)
    return markdown(url) if address is None else Markdown(f"<{address}>")


def web_address(url: str) -> str | None:
    """``url`` with everything unusual percent-encoded if it is an http or https address, else None.

    None too where a browser may go to another host than a reader thinks: behind a user name or a backslash.
    """
    text = clean(url)
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or set(" @\\") & set(parts.netloc):
        return None
    return quote(parts.scheme + text[len(parts.scheme) :], safe=_URL_SAFE)


def html(text: str, *, lines: bool = False) -> str:
    """``text`` for HTML, in an element or in a quoted attribute."""
    return _html.escape(clean(text, lines=lines), quote=True)


def terminal(text: str, *, lines: bool = True) -> str:
    """``text`` for a terminal: nothing moves the cursor, sets a title or colours.

    Rich markup is left as it is; ``rich.markup.escape`` takes care of that.
    """
    return clean(text, lines=lines)


def spreadsheet(text: str) -> str:
    """``text`` as one line that no spreadsheet takes for a formula: an apostrophe stands before one.

    Where lists are separated by semicolons, as in German, a program takes them for the end of a cell too.
    """
    line = _NEXT_CELL.sub(r"\1'", clean(text))
    return f"'{line}" if line.lstrip(f" \"'{JOINERS}").startswith(FORMULA_STARTS) else line


def one_line(json_text: str) -> str:
    """JSON in which no reader finds the end of a line: some take U+0085, U+2028 and U+2029 for one."""
    for end in _FURTHER_LINE_ENDS:  # ``str.translate`` would take fifty times as long
        json_text = json_text.replace(end, f"\\u{ord(end):04x}")
    return json_text


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
