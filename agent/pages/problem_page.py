"""A failure as a page, for whoever came with a browser: what is wrong, and a link to go on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from agent.pages.render import page
from agent.service.guard_paths import PROGRAMS, STATIC, within

HEADINGS = {
    404: "There is nothing here",
    403: "This is not allowed",
    409: "That does not go now",
    413: "That is too large",
    422: "This address is not understood",
    429: "Too much at once",
    503: "The database does not answer",
}
_RUN = re.compile(r"/runs/([A-Za-z0-9-]{1,64})/.")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_ELSEWHERE = re.compile(r"`|/api/|/runs/")
"""What is done in a terminal or by a program, and addresses of ours, which become links."""
_OWN = re.compile(r"(?<![\w/])/runs/[A-Za-z0-9-]+/[a-z]+")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks for a page: a script or a program asks for something else."""
    accepted = request.headers.get("accept", "")
    return (
        "text/html" in accepted
        and "application/problem+json" not in accepted
        and not within(request.url.path, *PROGRAMS, STATIC)
    )


def problem_page(request: Request, problem: Any, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """``problem`` (:class:`agent.service.problems.Problem`) in the shell."""
    heading = HEADINGS.get(problem.status) or ("This went wrong" if problem.status >= 500 else problem.title)
    inside = _RUN.match(request.url.path)
    ways = [("/runs", "All runs"), ("/", "Start")]
    # A sentence about the run itself names it; the way back to it would lead here again.
    if inside is not None and repr(inside[1][:60]) not in problem.detail and not _path(problem):
        ways.insert(0, (f"/runs/{inside[1]}", "Back to the run"))
        ways[:0] = [(place, "What there is") for place in _OWN.findall(problem.next_step)]
    reply = page(
        request,
        "problem.html",
        problem.status,
        ours=problem.status >= 500,
        sentence=_sentence(problem),
        heading=heading,
        next_step=steps_here(problem.next_step),
        ways=ways,
    )
    reply.headers.update(headers or {})
    return reply


def _path(problem: Any) -> bool:
    """Whether a name in the address is none that there can be."""
    return bool(problem.errors) and problem.errors[0]["at"].startswith("path.")


def _sentence(problem: Any) -> str:
    if _path(problem):
        return "This address is wrong: what it names cannot be."
    if problem.type.endswith(":invalid") and problem.errors:
        name, why = problem.errors[0]["at"].rpartition(".")[2], problem.errors[0]["why"]
        return f"“{name}” in this address: {why[:1].lower()}{why[1:]}."
    return "There is no page at this address." if problem.detail == "Not Found" else str(problem.detail)


def steps_here(next_step: str) -> str:
    """Of what can be done next, the sentences that name no command and no address of the API."""
    return " ".join(one for one in _SENTENCE.split(next_step) if not _ELSEWHERE.search(one))
