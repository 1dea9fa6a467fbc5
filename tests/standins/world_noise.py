"""Repositories around the candidates, as on the real Hub: copies, merges, adapters and tests."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from tests.standins.hub_names import hub_listing
from tests.standins.stored_facts import models

SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[bB](?![A-Za-z0-9])")
WITHOUT_COUNT = ("adapter", "draft_head", "speech", "embedding", "reranker")


def noise(count: int, seed: int, *, known: Collection[str] = ()) -> list[dict[str, Any]]:
    """At most ``count`` records, without those in ``known``: as the Hub sends them, with parameter counts."""
    exact = {model["hf_repo"]: model["parameters"] for model in models()}
    return [_served(record, exact) for record in hub_listing(count, seed) if record["id"] not in known]


def _served(record: dict[str, Any], exact: dict[str, int | None]) -> dict[str, Any]:
    """The record without what only tests know, and with the count that its weights would have."""
    shown = {name: value for name, value in record.items() if name != "_truth"}
    truth = record["_truth"]
    named = SIZE.search(record["id"])
    total = exact.get(truth["root"] or "") or (round(float(named[1]) * 1e9) if named else None)
    if total is None or truth["kind"] in WITHOUT_COUNT or "safetensors" in shown or "gguf" in shown:
        return shown
    if "gguf" in record["tags"]:
        return {**shown, "gguf": {"total": total}}
    return {**shown, "safetensors": {"parameters": {"BF16": total}, "total": total}}
