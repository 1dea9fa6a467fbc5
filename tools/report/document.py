"""The document as Markdown, as one HTML page, and as JSON."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from tools import escape
from tools.escape import Markdown
from tools.report import drawing, results_json
from tools.report.data import ReportData
from tools.report.drawing import Figure
from tools.report.lines import Line, span
from tools.report.standing import LONGEST_QUOTE
from tools.report.view import LONGEST_ANSWER, View, view_of
from tools.table import Column
from tools.table_export import to_markdown

if TYPE_CHECKING:
    from jinja2 import Environment

STEM = "base-model-evaluation"
"""Name of the document, and of the folder of its figures beside it."""
LONGEST_NOTE = 20_000
"""Characters of a person's note; it is not cut to the length of a quoted answer."""


class Rendered(NamedTuple):
    """Everything that makes a document, not written anywhere yet."""

    markdown: str
    html: str
    json: Iterable[str]
    """In pieces, to be read once."""
    figures: dict[str, str]
    """File name within the folder ``base-model-evaluation`` → SVG."""
    exports: dict[str, Iterable[str]]
    """File name within the same folder → its text in pieces, to be read once."""


def render(data: ReportData) -> Rendered:
    """Everything that belongs together; :class:`~tools.report.checks.Inconsistent` when a number handed over
    differs from the rows."""
    view = view_of(data)
    shown = [figure for model in view.models for figure in model.drawn]
    if view.coverage is not None:
        shown.append(view.coverage)
    return Rendered(
        _markdown(view),
        _html(view),
        results_json.chunks(view),
        {figure_file(figure): figure.svg for figure in shown},
        {export.name: export.text for export in view.exports},
    )


def render_markdown(data: ReportData) -> str:
    """The document in GitHub's Markdown; figures are referred to as files beside it."""
    return _markdown(view_of(data))


def render_html(data: ReportData) -> str:
    """The document as one page: figures inside, no script, nothing loaded from anywhere."""
    return _html(view_of(data))


def render_json(data: ReportData) -> str:
    """Machine-readable results with every row. Numbers are checked against the rows first."""
    return "".join(results_json.chunks(view_of(data)))


def marker(run_id: str) -> str:
    """First line of a document: which run wrote it."""
    return f"<!-- bms run: {run_id} -->"


def figure_file(figure: Figure) -> str:
    """File name of a figure: its name and the beginning of its hash.

    A changed figure is a new file, so that the document that stands there keeps its own until it is replaced.
    """
    digest = hashlib.sha256(figure.svg.encode()).hexdigest()[:10]
    return f"{figure.name}-{digest}.svg"


@cache
def page_style() -> str:
    """The one style sheet of the page, that of the figures included."""
    page = resources.files("tools.report").joinpath("templates", "document.css").read_text(encoding="utf-8")
    return page + drawing.STYLE


def content_policy(style: str) -> str:
    """Content security policy of a page whose only style sheet is ``style``, and which loads nothing."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _html(view: View) -> str:
    from markupsafe import Markup

    style = page_style()
    template = _html_environment().get_template("document.html.j2")
    return template.render(
        view=view,
        data=view.data,
        marker=Markup(marker(view.data.run_id)),  # noqa: S704 - an identifier without markup
        style=Markup(style),  # noqa: S704 - a file of ours
        policy=content_policy(style),
        columns=tuple(Column),
        stem=STEM,
    )


def _markdown(view: View) -> str:
    data = view.data
    table = "" if data.table is None else to_markdown(data.table).strip()
    template = _markdown_environment().get_template("document.md.j2")
    text = template.render(
        view=view, data=data, table=Markdown(table), marker=Markdown(marker(data.run_id)), stem=Markdown(STEM)
    )
    return text.strip() + "\n"


@cache
def _markdown_environment() -> Environment:
    """Every value is escaped unless a filter has made :class:`Markdown` of it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tools.report", "templates"),
        undefined=StrictUndefined,
        finalize=_escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - the target is Markdown; ``finalize`` escapes for it
    )
    filters: dict[str, Callable[..., object]] = {
        "span": span,
        "code": escape.code,
        "cell_code": lambda text: escape.code(text, cell=True),
        "link": escape.link,
        "quoted": lambda text: escape.quoted(text, LONGEST_ANSWER),
        "noted": lambda text: escape.quoted(text, LONGEST_NOTE),
        "fenced": escape.fenced,
        "fenced_in_list": lambda text: Markdown(textwrap.indent(escape.fenced(text, "sh"), " " * 3)),
        "short": _short,
        "image": _image,
        "two_columns": _two_columns,
        "percent": drawing.percent,
    }
    environment.filters |= filters
    return environment


def _escaped(value: object) -> str:
    return value if isinstance(value, Markdown) else escape.markdown(str(value))


def _image(figure: Figure) -> Markdown:
    return Markdown(f"![{escape.markdown(figure.description)}]({STEM}/{figure_file(figure)})")


def _two_columns(lines: Iterable[Line]) -> Markdown:
    rows = [f"| {escape.markdown(line.name)} | {escape.markdown(line.value)} |" for line in lines]
    return Markdown("\n".join(["| | |", "| --- | --- |", *rows]))


def _short(value: object) -> str:
    return escape.shorten(escape.clean(str(value)), LONGEST_QUOTE)


@cache
def _html_environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("tools.report", "templates"),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else escape.clean(str(value), lines=True),
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters |= {
        "span": span,
        "short": _short,
        "shown": lambda text: escape.shorten(escape.clean(text, lines=True).strip(), LONGEST_ANSWER),
        "web_address": escape.web_address,
        "percent": drawing.percent,
        "drawing": lambda figure: Markup(figure.inline),  # noqa: S704 - text in it is escaped where it is drawn
    }
    return environment
