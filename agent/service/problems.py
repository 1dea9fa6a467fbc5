"""Every failure as problem details (RFC 9457): a type, a title, a status, a sentence, and what to do next."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from graphs.approval import Refused, TableChanged
from store.creations import KeyReused
from store.database import StoreFault
from store.leases import AlreadyRunning, LostLease
from tools.faults import Conflict, Fault, NotFound, WrongUse

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457, with the next step beside it."""

    type: str
    """A name for this kind of problem under ``urn:bms:problem:``."""
    title: str
    status: int
    detail: str
    """What happened, in a sentence for the person."""
    next_step: str = ""
    """What can be done about it."""
    errors: list[dict[str, Any]] = Field(default_factory=list)
    """Fields that were not understood: where, and why."""


class TooLarge(Fault):
    """More was sent than is taken."""


class TooMany(Fault):
    """More was asked for in a short time than is answered."""

    def __init__(self, sentence: str, next_step: str = "", *, retry_after: int = 1) -> None:
        super().__init__(sentence, next_step)
        self.retry_after = retry_after


class NotSignedIn(Fault):
    """The token is missing or wrong."""


class NotAllowed(Fault):
    """The request comes from somewhere that may not ask."""


STATUSES: tuple[tuple[type[Fault], int, str], ...] = (
    (NotFound, 404, "not-found"),
    (TableChanged, 409, "table-changed"),
    (KeyReused, 409, "key-reused"),
    (AlreadyRunning, 409, "already-running"),
    (LostLease, 409, "already-running"),
    (Conflict, 409, "conflict"),
    (TooLarge, 413, "too-large"),
    (TooMany, 429, "too-many"),
    (NotSignedIn, 401, "not-signed-in"),
    (NotAllowed, 403, "not-allowed"),
    (Refused, 422, "refused"),
    (WrongUse, 422, "wrong-use"),
    (StoreFault, 503, "store"),
    (Fault, 502, "failed"),
)
"""Kind of failure → HTTP status and name; the first that fits."""


def problem_of(fault: Fault) -> Problem:
    _, status, name = next(entry for entry in STATUSES if isinstance(fault, entry[0]))
    return Problem(
        type=f"urn:bms:problem:{name}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=fault.sentence,
        next_step=fault.next_step,
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(mode="json", exclude_defaults=False),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


async def _on_fault(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Fault)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None
    if isinstance(error, NotSignedIn):
        headers = {"WWW-Authenticate": "Bearer"}
    return respond(problem_of(error), headers)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": ".".join(str(part) for part in one["loc"]), "why": one["msg"]} for one in error.errors()[:20]
    ]
    first = errors[0] if errors else {"at": "the request", "why": "is not understood"}
    return respond(
        Problem(
            type="urn:bms:problem:invalid",
            title="Unprocessable Content",
            status=422,
            detail=f"{first['at']}: {first['why']}.",
            next_step="See /api/openapi.json.",
            errors=errors,
        )
    )


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return respond(
        Problem(
            type=f"urn:bms:problem:{status.phrase.lower().replace(' ', '-')}",
            title=status.phrase,
            status=error.status_code,
            detail=str(error.detail),
        ),
        dict(error.headers or {}),
    )


async def _on_anything(_request: Request, error: Exception) -> JSONResponse:
    log.error("an unexpected failure", exc_info=error)
    return respond(
        Problem(
            type="urn:bms:problem:unexpected",
            title="Internal Server Error",
            status=500,
            detail=f"Something unexpected went wrong ({type(error).__name__}).",
            next_step="The service's log shows where.",
        )
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(Fault, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_anything)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(status).phrase}
    for status in (404, 409, 422)
}
"""What every operation may answer beside its own."""
