"""Which parts of an HTML page a reader does not see, as far as the elements themselves tell.

Rules in style sheets are not applied: they hide menus and tabs that open at a click, far more often than
they hide anything else. Sources: HTML (``hidden``, ``aria-hidden``), CSS 2.2 and CSS Color 4.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

NEVER_SHOWN = frozenset({"template", "noscript"})
"""Elements whose text no reader with a usual browser sees."""
WHOLE_PAGE = frozenset({"html", "body"})
"""Pages that are hidden until their script has run are shown in the end."""

MAX_STYLE = 4_000
COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
LENGTH = re.compile(r"([+-]?\d{0,9}(?:\.\d{1,9})?)(px|pt|em|rem|ex|ch|%|vw|vh)?")
LARGEST_UNREADABLE = {"px": 2.0, "pt": 1.5, "em": 0.1, "rem": 0.1, "ex": 0.2, "ch": 0.2, "%": 10.0}
"""Font sizes that nobody can read; zero is one in every unit."""
FAR_AWAY = -900.0
"""Pixels, or a tenth as many of a larger unit, by which a text is moved off the page."""
PLACES = ("text-indent", "left", "top", "right", "bottom", "margin-left", "margin-top")
CLIPPED = re.compile(r"rect\(\s*[01]?(?:px)?\b[\s,]+[01](?:px)?\b|inset\(\s*(?:50|100)%|circle\(\s*0")
SHOWN_LATER = frozenset({"transform", "transition", "animation", "will-change"})
"""With one of these, ``opacity: 0`` is where a fade begins."""

Ink = tuple[int, int, int] | str
"""A colour: red, green and blue from 0 to 255, or the words of one that is not worked out."""
NAMED: dict[str, Ink] = {
    "white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240), "black": (0, 0, 0),
    "ghostwhite": (248, 248, 255), "floralwhite": (255, 250, 240), "whitesmoke": (245, 245, 245),
    "mintcream": (245, 255, 250), "azure": (240, 255, 255),
}  # fmt: skip
HEX = re.compile(r"#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})")
RGB = re.compile(r"rgba?\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})(?:[\s,/]+([\d.]{1,9}))?(%?)\s*\)")
CLEAR = "transparent"
UNKNOWN = "?"
INHERITED = frozenset({"", "inherit", "initial", "unset", "currentcolor", "none", "revert"})
ALIKE = 16
"""Colours that differ by no more than this in red, green and blue cannot be told apart by a reader."""


class Paint(NamedTuple):
    """What text is written with and on."""

    ink: Ink
    ground: Ink


PAPER = Paint((0, 0, 0), (255, 255, 255))


class _Style(NamedTuple):
    """An inline style: whether it hides its element by itself, and the colours it names ("" for none)."""

    hides: bool
    ink: Ink
    ground: Ink


NO_STYLE = _Style(False, "", "")


class Look(NamedTuple):
    """How one element looks: whether a reader sees it at all, and the paint for what is in it."""

    hidden: bool
    paint: Paint


def look_of(element: Any, around: Paint) -> Look:
    """How ``element`` (lxml's) looks where its surroundings have the paint ``around``."""
    style = element.get("style")
    said = (_style(style) if len(style) <= MAX_STYLE else _read_style(style)) if style else NO_STYLE
    own = said.ink or _attribute(element, "color", ("font",))
    ink = own or around.ink
    ground = (
        said.ground or _attribute(element, "bgcolor", ("table", "tr", "td", "th", "body")) or around.ground
    )
    paint = around if ink == around.ink and ground == around.ground else Paint(ink, ground)
    if element.tag in WHOLE_PAGE:
        return Look(False, paint)
    hidden = (
        said.hides
        or element.tag in NEVER_SHOWN
        or element.get("hidden") is not None
        or (element.get("aria-hidden") or "").strip().lower() == "true"
        or (own != "" and _alike(ink, ground))  # a ground alone is there for other ink further in
    )
    return Look(hidden, paint)


def _attribute(element: Any, name: str, tags: tuple[str, ...]) -> Ink:
    value = element.get(name) if element.tag in tags else None
    return _colour(value.strip().lower()) if value else ""


def _read_style(style: str) -> _Style:
    said: dict[str, str] = {}
    for declaration in COMMENT.sub(" ", style[: 5 * MAX_STYLE].lower()).split(";"):
        name, _, value = declaration.partition(":")
        said[name.strip()] = value.replace("!important", "").strip()
    ink = _colour(said.get("color", ""))
    if ink == CLEAR and any(name.endswith("background-clip") for name in said):
        ink = UNKNOWN  # letters cut out of a coloured ground
    return _Style(_hides(said), ink, _ground(said))


_style = lru_cache(maxsize=512)(_read_style)


def _hides(said: dict[str, str]) -> bool:
    return (
        said.get("display") == "none"
        or said.get("visibility") in {"hidden", "collapse"}
        or said.get("content-visibility") == "hidden"
        or (_is_none(said.get("opacity", "")) and not SHOWN_LATER & said.keys())
        or _is_unreadable(said.get("font-size", ""))
        or any(_is_far(said[name]) for name in PLACES if name in said)
        or (said.get("overflow") in {"hidden", "clip"} and _is_no_box(said))
        or CLIPPED.search(said.get("clip", "") + said.get("clip-path", "")) is not None
    )


def _is_none(opacity: str) -> bool:
    found = LENGTH.fullmatch(opacity)
    value = _number(found)
    return value is not None and value <= (2 if found is not None and found[2] == "%" else 0.02)


def _is_unreadable(size: str) -> bool:
    found = LENGTH.fullmatch(size)
    value = _number(found)
    if found is None or value is None:
        return False
    return value == 0 or value <= LARGEST_UNREADABLE.get(found[2] or "px", 0)


def _is_far(place: str) -> bool:
    found = LENGTH.fullmatch(place)
    value = _number(found)
    if found is None or value is None:
        return False
    return value <= (FAR_AWAY if found[2] in {"px", None} else FAR_AWAY / 10)


def _is_no_box(said: dict[str, str]) -> bool:
    for name in ("width", "height", "max-width", "max-height"):
        value = _number(LENGTH.fullmatch(said.get(name, "")))
        if value is not None and value <= 1:
            return True
    return False


def _number(found: re.Match[str] | None) -> float | None:
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _ground(said: dict[str, str]) -> Ink:
    """The colour behind; unknown where a picture or a gradient lies there."""
    value = said.get("background-color") or said.get("background", "")
    picture = said.get("background-image", "none")
    if picture != "none" or any(word in value for word in ("url(", "gradient", "var(")):
        return UNKNOWN
    colour = HEX.search(value) or RGB.search(value)
    read = _colour(colour.group() if colour else value.partition(" ")[0])
    return "" if read == CLEAR else read


def _colour(value: str) -> Ink:
    """The colour that CSS or an old attribute names; "" for the surroundings' own."""
    if value in INHERITED:
        return ""
    if value in NAMED:
        return NAMED[value]
    if HEX.fullmatch(value):
        digits = value[1:] if len(value) > 5 else "".join(2 * digit for digit in value[1:])
        red, green, blue, alpha = (int(digits[i : i + 2] or "ff", 16) for i in (0, 2, 4, 6))
        return CLEAR if alpha < 8 else (red, green, blue)
    found = RGB.fullmatch(value)
    if found:
        seen = _number(LENGTH.fullmatch((found[4] or "") + found[5]))
        if seen is not None and seen <= (3 if found[5] else 0.03):
            return CLEAR
        return int(found[1]), int(found[2]), int(found[3])
    return UNKNOWN if "(" in value else value


def _alike(ink: Ink, ground: Ink) -> bool:
    if ink == CLEAR:
        return True
    if isinstance(ink, str) or isinstance(ground, str):
        return ink == ground != UNKNOWN
    return max(abs(one - other) for one, other in zip(ink, ground, strict=True)) <= ALIKE
