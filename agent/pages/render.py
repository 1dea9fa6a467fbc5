"""Templates to pages. Everything is escaped; what is markup on purpose is made here, from numbers."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tools.escape import clean, web_address

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

_EMPTY = Markup('<path class="empty" d="M8 .8l2.2 4.6 5 .7-3.6 3.5.9 5L8 12.2l-4.5 2.4.9-5L.8 6.1l5-.7z"/>')
_FULL = Markup('<path class="full" d="M8 .8l2.2 4.6 5 .7-3.6 3.5.9 5L8 12.2l-4.5 2.4.9-5L.8 6.1l5-.7z"/>')


def stars(value: float | None) -> Markup:
    """Zero to five stars, halves too, as one drawing: no font decides what a person sees."""
    if value is None:
        return Markup('<span class="stars none">no evidence</span>')
    full = round(max(0.0, min(5.0, value)) * 2) / 2
    place = Markup('<svg x="{}" width="16" height="16" viewBox="0 0 16 16">{}{}</svg>')
    drawn = Markup().join(place.format(at * 18, _EMPTY, _filled(full - at)) for at in range(5))
    return Markup(
        '<svg class="stars" role="img" width="88" height="16" viewBox="0 0 88 16" '
        'aria-label="{} of 5 stars">{}</svg>'
    ).format(f"{full:g}", drawn)


def _filled(share: float) -> Markup:
    if share >= 1:
        return _FULL
    return (
        Markup('<svg width="8" height="16" viewBox="0 0 8 16">{}</svg>').format(_FULL)
        if share >= 0.5
        else Markup()
    )


def when(at: datetime | None) -> Markup:
    """An instant in UTC, which a script shows in the reader's own time."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{0}">{1}</time>').format(
        at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M} UTC"
    )


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


_WORDS = {"FINE_TUNE": "FINE-TUNE", "FINE TUNE": "FINE-TUNE", "FULL_PIPELINE": "FULL PIPELINE"}
_DECISION = re.compile(r"\b(?:FINE[_ ]TUNE|FULL_PIPELINE)\b")
_PERCENT = re.compile(r"(?<=\d)%(?!\w)")


def told(text: object) -> str:
    """A sentence of ours as every page spells it: the decision's words, and 63 % as :func:`percent` has it.

    Not for what a stranger wrote, which is shown as it stands.
    """
    spelt = _DECISION.sub(lambda found: _WORDS[found[0]], str(text))
    return _PERCENT.sub(" %", spelt)


def size(count: float | None) -> str:
    """Bytes as people read them (decimal units, as disks and downloads have them)."""
    if count is None:
        return "unknown"
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def short_address(url: str, most: int = 70) -> str:
    """Host and path of an address for reading; the query and what is long are left out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"}:
        return url if len(url) <= most else url[: most - 1] + "…"
    short = f"{parts.netloc}{parts.path.rstrip('/')}"
    if len(short) > most:
        return short[: most - 1] + "…"
    room = most - len(short)
    if not parts.query:
        return short
    return f"{short}?{parts.query if len(parts.query) < room else parts.query[: max(0, room - 2)] + '…'}"


def source_link(url: str, label: str | None = None) -> Markup:
    """A link to a source, or its address as text when it is none that may be followed."""
    shown = clean(label or url)
    address = web_address(url)
    if address is None:
        return Markup("<span>{}</span>").format(shown)
    return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(address, shown)


def paragraphs(text: str) -> Markup:
    """Plain text: blank lines part paragraphs, lines that begin with ``- `` are items."""
    made = []
    for block in clean(text, lines=True).split("\n\n"):
        lines = [line for line in block.split("\n") if line.strip()]
        if lines and all(line.startswith("- ") for line in lines):
            made.append(Markup("<ul>{}</ul>").format(Markup().join(_item(line[2:]) for line in lines)))
        elif lines:
            made.append(Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in lines)))
    return Markup().join(made)


def _item(text: str) -> Markup:
    return Markup("<li>{}</li>").format(text)


def in_path(text: str) -> str:
    """A key as a part of an address; its slashes stay."""
    return quote(text, safe="/")


def _shown(value: object) -> object:
    """Every value without what is invisible: overrides of direction, halves of pairs, controls."""
    if isinstance(value, Markup):
        return value
    text = str(value)
    # What Python calls printable has nothing to take out; a table has thousands of such texts.
    return text if text.isprintable() else clean(text, lines=True)


def plain(text: str) -> str:
    """A stranger's text as one line without what is invisible; :func:`tools.escape.clean`, quicker."""
    return " ".join(text.split()) if text.isprintable() else clean(text)


class Files(StaticFiles):
    """Static files that a browser asks for again each time; unchanged ones are not sent again."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


@cache
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        auto_reload=False,  # the templates of a service are as old as its code
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "stars": stars,
        "when": when,
        "percent": percent,
        "told": told,
        "size": size,
        "source_link": source_link,
        "short_address": short_address,
        "web_address": web_address,
        "paragraphs": paragraphs,
        "in_path": in_path,
        "plain": plain,
    }
    return env


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or a part of one. Every template also has ``path`` and ``signed_in``."""
    text = (
        environment()
        .get_template(template)
        .render(
            path=request.url.path,
            signed_in=getattr(request.state, "person", None),
            version=_version(),
            **context,
        )
    )
    return HTMLResponse(text, status_code=status)


@cache
def _version() -> str:
    """Goes into the addresses of static files, so that a new version is not served from a cache."""
    from importlib.metadata import version

    return version("base-model-selector")
