"""The document of an evaluation: ``docs/base-model-evaluation.md``, its figures, and its results as JSON."""

from tools.report.checks import Inconsistent
from tools.report.data import (
    ApprovalNote,
    Conditions,
    HostShare,
    JudgeNote,
    ModelResult,
    OutcomeTally,
    ReplayNote,
    ReportData,
    ResearchSummary,
    ReviewNote,
    Setup,
)
from tools.report.document import Rendered, render, render_html, render_json, render_markdown
from tools.report.files import WrittenDocument, write_document

__all__ = [
    "ApprovalNote",
    "Conditions",
    "HostShare",
    "Inconsistent",
    "JudgeNote",
    "ModelResult",
    "OutcomeTally",
    "Rendered",
    "ReplayNote",
    "ReportData",
    "ResearchSummary",
    "ReviewNote",
    "Setup",
    "WrittenDocument",
    "render",
    "render_html",
    "render_json",
    "render_markdown",
    "write_document",
]
