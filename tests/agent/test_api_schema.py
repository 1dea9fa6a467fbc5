"""The API under data made from its own schema, valid and invalid: nothing breaks, nothing is undocumented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi import from_url
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from agent.service.limits import Rates
from agent.settings import load_settings
from tests.standins.replayed import Kept
from tests.standins.service import NoEngine, listening

CHECKS = [
    allow_header_conformance,
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]


class Figures:
    def __init__(self) -> None:
        self.operations: set[str] = set()
        self.cases: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    def __str__(self) -> str:
        by_status = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{len(self.operations)} operations, {self.cases.total()} cases ({dict(self.cases)}), "
            f"{len(self.failures)} failures; answers by status: {by_status}"
        )


@pytest.fixture
def url(finished: Kept, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service with a finished run. Runs are created as often as asked: limits have tests of their own."""
    monkeypatch.setattr(Rates, "check", lambda _self, _request: None)
    assert finished.home.exists()
    with listening(load_settings(), engine=NoEngine()) as url:
        yield url


@pytest.mark.parametrize("count", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_data_made_from_the_schema_finds_nothing_that_breaks(
    url: str, finished: Kept, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    """``count`` cases of each operation, valid and invalid each."""
    schema = from_url(f"{url}/api/openapi.json").include(path_regex="^/api/")
    figures = Figures()
    with requests.Session() as session:
        session.trust_env = False
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in GenerationMode:
                try_operation(operation, mode, count, finished.run_id, session, figures)
    with capsys.disabled():
        print(f"\n{figures}")
    assert not figures.failures, "\n\n".join(figures.failures[:5])
    assert len(figures.operations) >= 28
    assert figures.cases.total() > 40 * count
    assert not {status for status in figures.statuses if status >= 500}


def try_operation(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    count: int,
    run_id: str,
    session: requests.Session,
    figures: Figures,
) -> None:
    """Cases of one operation; those that are valid mostly ask for a run that exists."""
    kept: dict[str, Any] = {}
    if mode is GenerationMode.POSITIVE and operation.method != "delete":
        if "{run_id}" in operation.path:
            kept["path_parameters"] = {"run_id": run_id}
        if operation.path == "/api/compare":
            kept["query"] = {"first": run_id}

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **kept))
    def one(case: Case) -> None:
        response = case.call(session=session)
        figures.operations.add(operation.label)
        figures.cases[mode.value] += 1
        figures.statuses[response.status_code] += 1
        checks = [one for one in CHECKS if one is not negative_data_rejection or response.status_code != 414]
        try:
            case.validate_response(response, checks=checks)
            refused = response.status_code == 422 and response.json()["type"].endswith(":invalid")
            assert mode is not GenerationMode.POSITIVE or not refused, f"refused: {response.text}"
            assert response.status_code < 500, response.text
        except (AssertionError, FailureGroup) as error:  # all of them are reported together
            figures.failures.append(f"{operation.label} ({mode.value}): {str(error)[:1500]}")

    try:
        one()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, f"{operation.label} has no valid request"
