"""In which form something is given: what the query names, else what the client accepts best (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

JSON, MARKDOWN, CSV, HTML, TEXT, YAML = (
    "application/json",
    "text/markdown",
    "text/csv",
    "text/html",
    "text/plain",
    "application/yaml",
)
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""Of an HTML page made of texts of strangers: nothing runs in it, and nothing is loaded from anywhere."""


def form_of(request: Request, named: str | None, offered: Mapping[str, str]) -> str:
    """A name of ``offered`` (name → media type). HTTP 406 when nothing that is accepted is offered."""
    if named is not None:
        return named
    accepted = accepted_types(request.headers.get("accept", "*/*"))
    best = max(offered, key=lambda name: quality(offered[name], accepted))
    if quality(offered[best], accepted) > 0:
        return best
    kinds = ", ".join(offered.values())
    raise HTTPException(406, f"Nothing that is accepted can be given; there is {kinds}.")


def accepted_types(header: str) -> dict[str, float]:
    """Media ranges of an ``Accept`` header with their qualities; of many, the first 50."""
    found: dict[str, float] = {}
    for part in header[:4000].split(",")[:50]:
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        if media:
            found[media] = _weight(weight)
    return found or {"*/*": 1.0}


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0


def quality(media: str, accepted: Mapping[str, float]) -> float:
    """How well a media type is accepted, 0 to 1: by the most exact range that names it."""
    family = f"{media.partition('/')[0]}/*"
    return next((accepted[name] for name in (media, family, "*/*") if name in accepted), 0.0)


def document(text: str | bytes, media: str, name: str = "") -> Response:
    """A text as it is, never sniffed for another type; with ``name`` to be saved under it."""
    headers = {"X-Content-Type-Options": "nosniff", "Vary": "Accept"}
    if media in {HTML, "image/svg+xml"}:
        headers["Content-Security-Policy"] = PAGE_POLICY
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    charset = "; charset=utf-8" if media.startswith("text/") else ""
    # Halves of pairs that a model wrote into an answer are no text of UTF-8.
    body = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    return Response(body, headers={**headers, "Content-Type": media + charset})


def contents(examples: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Further media types of a response, each with an example, for the OpenAPI schema."""
    return {media: {"schema": {"type": "string"}, "example": text} for media, text in examples.items()}
