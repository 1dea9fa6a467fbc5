"""A fetched page with any text, for tests of what is read from it."""

from __future__ import annotations

from datetime import UTC, datetime

from tools.facts import content_hash
from tools.web import Page


def page(text: str, url: str = "https://huggingface.co/x") -> Page:
    return Page(
        url=url,
        final_url=url,
        status=200,
        content_type="text/plain",
        text=text,
        content_hash=content_hash(text),
        body_sha256=content_hash(text),
        body_bytes=len(text.encode()),
        retrieved_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
