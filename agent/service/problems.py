"""Every failure as problem details (RFC 9457): a type, a title, a status, a sentence, and what to do next."""

from __future__ import annotations

import json
import logging
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from agent.pages.problem_page import problem_page, wants_page
from graphs.approval import Refused, TableChanged
from store.creations import KeyReused
from store.database import StoreFault
from store.leases import AlreadyRunning, LostLease
from tools.faults import Conflict, Fault, NotFound, WrongUse
from tools.secrecy import hushed

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457, with the next step beside it."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:bms:problem:table-changed",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "The table has changed since it was shown. Gemma 3 12B (google/…) is new.",
                    "next_step": "Look at it again with `bms table RUN`, then approve.",
                    "errors": [{"at": "table_hash", "why": "Gemma 3 12B (google/…) is new."}],
                }
            ]
        },
    )

    type: str
    """A name for this kind of problem under ``urn:bms:problem:``."""
    title: str
    status: int
    detail: str
    """What happened, in a sentence for the person."""
    next_step: str = ""
    """What can be done about it."""
    errors: list[dict[str, Any]] = Field(default_factory=list)
    """Where something is wrong, and why: fields not understood, or what of the table has changed."""


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


MOST_ERRORS = 20


def problem_of(fault: Fault) -> Problem:
    _, status, name = next(entry for entry in STATUSES if isinstance(fault, entry[0]))
    changes: tuple[str, ...] = getattr(fault, "changes", ())
    return Problem(
        type=f"urn:bms:problem:{name}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=hushed(fault.sentence),
        next_step=hushed(fault.next_step),
        errors=[{"at": "table_hash", "why": change} for change in changes[:MOST_ERRORS]],
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    # What was sent is named in it, and may be no text that UTF-8 can hold.
    body = json.dumps(problem.model_dump(mode="python")).encode()
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def _shown(request: Request, problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem in the form that was asked for: a page for people, problem details for programs."""
    return problem_page(request, problem, headers) if wants_page(request) else respond(problem, headers)


async def _on_fault(request: Request, error: Exception) -> Response:
    assert isinstance(error, Fault)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None
    if isinstance(error, NotSignedIn):
        headers = {"WWW-Authenticate": "Bearer"}
    return _shown(request, problem_of(error), headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": ".".join(str(part) for part in one["loc"]), "why": one["msg"]}
        for one in error.errors()[:MOST_ERRORS]
    ]
    first = errors[0] if errors else {"at": "the request", "why": "is not understood"}
    return _shown(
        request,
        Problem(
            type="urn:bms:problem:invalid",
            title="Unprocessable Content",
            status=422,
            detail=f"{first['at']}: {first['why']}.",
            next_step="See /api/openapi.json.",
            errors=errors,
        ),
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of one route, and a path may have several.
        known = methods_of(request.app, request.url.path)
        headers |= {"Allow": ", ".join(known)} if known else {}
    return _shown(
        request,
        Problem(
            type=f"urn:bms:problem:{status.phrase.lower().replace(' ', '-')}",
            title=status.phrase,
            status=error.status_code,
            detail=str(error.detail),
        ),
        headers,
    )


def methods_of(app: FastAPI, path: str) -> list[str]:
    """The methods that the OpenAPI schema has for a path; none for one that it does not have."""
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return sorted(
        {method.upper() for known in paths if _pattern(known).fullmatch(path) for method in paths[known]}
    )


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)))


async def _on_anything(request: Request, error: Exception) -> Response:
    log.error("an unexpected failure", exc_info=error)
    return _shown(
        request,
        Problem(
            type="urn:bms:problem:unexpected",
            title="Internal Server Error",
            status=500,
            detail=f"Something unexpected went wrong ({type(error).__name__}).",
            next_step="The service's log shows where.",
        ),
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(Fault, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_anything)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI schema, in which every failure is a problem."""
    if app.openapi_schema is None:
        from agent.api.tuples import describe

        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        known = schema.setdefault("components", {}).setdefault("schemas", {})
        known["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        for name in ("HTTPValidationError", "ValidationError"):
            known.pop(name, None)
        describe(known)
        for path, methods in schema["paths"].items():
            for operation in methods.values():
                _only_problems(operation["responses"])
                if path.startswith("/api/"):
                    _guarded(operation)
        _whole_examples(app, schema["paths"])
        app.openapi_schema = schema
    return app.openapi_schema


def _whole_examples(app: FastAPI, paths: dict[str, Any]) -> None:
    """Put examples of answers back as they were written: FastAPI leaves out every field that is null."""
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute):
            continue
        known = paths.get(route.path_format or "", {})
        for method in route.methods or ():
            answers = known.get(method.lower(), {}).get("responses", {})
            for status, written in route.original_route.responses.items():
                for media, content in written.get("content", {}).items():
                    if "example" in content and str(status) in answers:
                        answers[str(status)]["content"][media]["example"] = content["example"]


def _guarded(operation: dict[str, Any]) -> None:
    """What any operation may be refused with before it begins."""
    statuses = (400, 401, 403, 414, 429) + ((413, 415) if "requestBody" in operation else ())
    for status, said in responses(*statuses).items():
        operation["responses"].setdefault(str(status), said)


def _only_problems(answers: dict[str, Any]) -> None:
    """What FastAPI says of invalid requests is said by problems here."""
    said = answers.get("422", {}).get("content", {})
    if "HTTPValidationError" in str(said.get("application/json")):
        answers["422"] = responses(422)[422]


WHEN = {
    400: "The address or the headers are not understood.",
    401: "A token is needed, or the one given is wrong.",
    403: "The request comes from somewhere that may not ask.",
    404: "There is nothing of that name.",
    406: "Nothing that the client accepts can be given.",
    409: "It does not go with how things stand by now: answered already, changed since, or running.",
    413: "More was sent than is taken.",
    414: "The address is too long.",
    415: "A body has to be JSON.",
    422: "What was sent is not understood, or cannot be meant.",
    429: "More was asked for in a short time than is answered; `Retry-After` says when to ask again.",
    502: "Something that this depends on has failed.",
    503: "The database does not answer.",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Problems that an operation may answer with, for the OpenAPI schema."""
    return {
        status: {
            "description": WHEN[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }
