"""Hostile clients of the service: a problem with a sentence, never a failure of the server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from agent.service.limits import Rates
from agent.settings import load_settings
from tests.hostile.cases_api import BODIES, PATHS
from tests.hostile.kinds import USED
from tests.standins.service import NoEngine, inside

PROBLEM = "application/problem+json"


@pytest.fixture
async def api(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    assert home.is_dir()
    monkeypatch.setattr(Rates, "check", lambda _self, _request: None)
    async with inside(load_settings(), engine=NoEngine()) as client:
        yield client


async def test_every_body_is_a_run_or_a_problem(api: httpx.AsyncClient) -> None:
    for case in BODIES:
        headers = {"content-type": case.content_type}
        response = await api.post("/api/runs", content=case.body, headers=headers)
        assert response.status_code in case.statuses, (case.name, response.status_code, response.text[:300])
        if case.got == USED:
            continue
        assert response.headers["content-type"] == PROBLEM, case.name
        told = response.json()
        assert told["detail"], case.name
        assert len(response.content) < 20_000, case.name
        assert b"root:" not in response.content, case.name
    assert (await api.get("/api/runs")).json()["total"] == sum(case.got == USED for case in BODIES)


async def test_every_path_is_a_problem(api: httpx.AsyncClient) -> None:
    for case in PATHS:
        for method in ("GET", "DELETE"):
            url = api.base_url.copy_with(raw_path=f"/api/runs/{case.path}".encode("ascii"))
            response = await api.request(method, url)
            assert response.status_code in {400, 404, 405, 414, 422}, (case.name, response.status_code)
            assert b"root:" not in response.content, case.name
            assert "x-injected" not in response.headers, case.name
