"""The Hugging Face Hub: listing with filters and pages, records, README.md and config.json, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.standins.http_server import Answered, Asked, StandIn, as_json

ALWAYS = ("_id", "id", "modelId", "private")
SCALES = {"K": 10**3, "M": 10**6, "B": 10**9}


class HubServer(StandIn):
    """Serves ``records`` (the Hub's JSON, in the order of its sort by downloads) and ``files`` by repository.

    Files of a gated repository other than its README need a token, any token, in ``Authorization``.
    """

    def __init__(
        self, records: Sequence[dict[str, Any]], files: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        super().__init__(self._answer)
        self._records = {record["id"]: record for record in records}
        self._files = {repo: dict(named) for repo, named in (files or {}).items()}

    def _answer(self, asked: Asked) -> Answered:
        if asked.path == "/api/models":
            return self._listing(asked)
        if asked.path.startswith("/api/models/"):
            return self._record(asked, asked.path.removeprefix("/api/models/"))
        parts = asked.path.strip("/").split("/", 4)
        if len(parts) == 5 and parts[2] in {"raw", "resolve"}:
            return self._file(asked, f"{parts[0]}/{parts[1]}", parts[4])
        return _error(404, "EntryNotFound", "Entry not found")

    def _listing(self, asked: Asked) -> Answered:
        found = [record for record in self._records.values() if _fits(record, asked.query)]
        limit = int(_first(asked.query, "limit") or 1000)
        start = int(_first(asked.query, "cursor") or 0)
        fields = asked.query.get("expand", []) + asked.query.get("expand[]", [])
        rows = [_expanded(record, fields) for record in found[start : start + limit]]
        headers: dict[str, str] = {}
        if start + limit < len(found):
            again = [(k, v) for k, values in asked.query.items() if k != "cursor" for v in values]
            query = urlencode([*again, ("cursor", str(start + limit))])
            headers["Link"] = f'<{asked.base}/api/models?{query}>; rel="next"'
        return as_json(rows, **headers)

    def _record(self, asked: Asked, repo: str) -> Answered:
        record = self._records.get(repo)
        if record is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        shown = dict(record)
        if _first(asked.query, "blobs") != "true":
            shown["siblings"] = [{"rfilename": f["rfilename"]} for f in record.get("siblings", [])]
        return as_json(shown)

    def _file(self, asked: Asked, repo: str, path: str) -> Answered:
        record = self._records.get(repo)
        if record is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        if record.get("gated") and path != "README.md" and "authorization" not in asked.headers:
            return _error(401, "GatedRepo", f"Access to model {repo} is restricted.")
        text = self._files.get(repo, {}).get(path)
        if text is None:
            return _error(404, "EntryNotFound", "Entry not found")
        return Answered(
            text.encode(), headers={"X-Repo-Commit": record.get("sha") or "0" * 40, "ETag": '"e"'}
        )


def _fits(record: dict[str, Any], query: dict[str, list[str]]) -> bool:
    search, author = _first(query, "search"), _first(query, "author")
    tags = set(record.get("tags", []))
    pipeline = _first(query, "pipeline_tag")
    return (
        (search is None or search.lower() in record["id"].lower())
        and (author is None or record["id"].split("/")[0].lower() == author.lower())
        and (pipeline is None or record.get("pipeline_tag") == pipeline)
        and set(query.get("filter", [])) <= tags
        and _in_range(record, _first(query, "num_parameters"))
    )


def _in_range(record: dict[str, Any], wanted: str | None) -> bool:
    """``min:6B,max:9B``; a repository without a count is in no range."""
    if wanted is None:
        return True
    count = (record.get("safetensors") or {}).get("total") or (record.get("gguf") or {}).get("total")
    ends = dict(part.split(":", 1) for part in wanted.split(","))
    return count is not None and all(
        (count >= _number(text)) if end == "min" else (count <= _number(text)) for end, text in ends.items()
    )


def _number(text: str) -> float:
    return float(text[:-1]) * SCALES[text[-1]] if text[-1] in SCALES else float(text)


def _expanded(record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    shown = {"_id": "0" * 24, **record}
    return {k: v for k, v in shown.items() if not fields or k in fields or k in ALWAYS}


def _first(query: dict[str, list[str]], name: str) -> str | None:
    return query.get(name, [None])[0]  # type: ignore[list-item]


def _error(status: int, code: str, message: str) -> Answered:
    body = json.dumps({"error": message}).encode()
    return Answered(body, status, "application/json", {"X-Error-Code": code, "X-Error-Message": message})
