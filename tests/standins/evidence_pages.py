"""Pages about four models, for tests of what is read as evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tools.candidates import Claim
from tools.evidence import PageReader
from tools.facts import content_hash
from tools.web import Page

NAMES = {
    "Qwen/Qwen3-8B": ("Qwen3 8B", "qwen3:8b"),
    "google/gemma-2-9b-it": ("Gemma 2 9B",),
    "meta-llama/Llama-3.1-8B-Instruct": ("Llama 3.1 8B",),
    "tiiuae/Falcon3-7B-Instruct": ("Falcon3 7B",),
}
WORDS = ("therapy", "counsel", "empath")


def page(text: str, url: str = "https://blog.example/a") -> Page:
    return Page(
        url=url,
        final_url=url,
        status=200,
        content_type="text/plain",
        text=text,
        content_hash=content_hash(text),
        body_sha256=content_hash(text),
        body_bytes=len(text),
        retrieved_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def reader(text: str, url: str = "https://blog.example/a", **more: Any) -> PageReader:
    fields = {"candidate_names": NAMES, "domain_words": WORDS, "benchmarks": ("EQ-Bench",), **more}
    return PageReader(page(text, url), text, **fields)


def claims(text: str, url: str = "https://blog.example/a", **more: Any) -> list[Claim]:
    return reader(text, url, **more).claims()
