"""Pages about four models, for tests of what is read as evidence."""

from __future__ import annotations

from typing import Any

from tests.standins.fact_page import page
from tools.candidates import Claim
from tools.evidence import PageReader

NAMES = {
    "Qwen/Qwen3-8B": ("Qwen3 8B", "qwen3:8b"),
    "google/gemma-2-9b-it": ("Gemma 2 9B",),
    "meta-llama/Llama-3.1-8B-Instruct": ("Llama 3.1 8B",),
    "tiiuae/Falcon3-7B-Instruct": ("Falcon3 7B",),
}
WORDS = ("therapy", "counsel", "empath")


HERE = "https://blog.example/a"


def reader(text: str, url: str = HERE, **more: Any) -> PageReader:
    fields = {"candidate_names": NAMES, "domain_words": WORDS, "benchmarks": ("EQ-Bench",), **more}
    return PageReader(page(text, url), text, **fields)


def claims(text: str, url: str = HERE, **more: Any) -> list[Claim]:
    return reader(text, url, **more).claims()
