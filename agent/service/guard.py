"""What every request passes before anything of the service sees it.

The guard is plain ASGI: streams pass through it untouched. It stands outside of the routes, so it holds for
the API, the page, LangGraph's protocol and MCP alike, and for addresses that nobody has thought of.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.service import guard_body
from agent.service.guard_headers import Dressed
from agent.service.guard_hosts import is_loopback, parse_hosts
from agent.service.guard_names import Names
from agent.service.guard_origin import Origins
from agent.service.guard_paths import STATIC, within
from agent.service.guard_request import check_request
from agent.service.guard_token import Tokens
from agent.service.limits import Buckets, Rates
from agent.service.login import Keys, login_routes
from agent.settings import Settings
from tools.clock import Clock, SystemClock
from tools.faults import WrongUse

FAILURES_A_MINUTE = 10
"""How often an address may show a wrong token."""
POLICY_VIOLATION = 1008
"""RFC 6455, section 7.4.1."""

Check = Callable[[Request], Response | None]
Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(
    app: FastAPI,
    settings: Settings,
    bound_host: str,
    *,
    clock: Clock | None = None,
    seconds: Callable[[], float] = time.monotonic,
    body_seconds: float = guard_body.SECONDS,
) -> None:
    """Put the guard around ``app``, and ``/login`` into it where there is a token.

    ``clock`` tells how old a cookie is, ``seconds`` how long ago somebody asked. :class:`WrongUse` when
    other machines could connect and there is no token.
    """
    token = settings.token.get_secret_value() if settings.token else None
    if token is None and not is_loopback(bound_host):
        raise WrongUse(
            f"On {bound_host or 'every address'} other machines can connect, which needs a token.",
            "Set BMS_TOKEN to at least 16 characters that nobody guesses, or leave --host out.",
        )
    named = parse_hosts(settings.hosts)
    origins = Origins(named.origins)
    checks: list[Check | Callable[[Request], None]] = [
        Names(named, bound_host).check,
        check_request,
        origins.check,
    ]
    if token is not None:
        keys = Keys(token, clock or SystemClock())
        failures = Buckets(FAILURES_A_MINUTE, FAILURES_A_MINUTE, seconds)
        checks.append(Tokens(keys, failures).check)
        app.include_router(login_routes(keys, failures))
    checks.append(Rates(seconds).check)
    app.add_middleware(Guard, rules=Rules(tuple(checks), origins, body_seconds))


@dataclass(frozen=True)
class Rules:
    checks: tuple[Check | Callable[[Request], None], ...]
    """In order; each lets the request pass, answers it, or raises what the service has a handler for."""
    origins: Origins
    body_seconds: float


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] == "http":
            await self._guarded(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        dressed = Dressed(
            send, kept=within(request.url.path, STATIC), more=self._rules.origins.headers(request)
        )
        try:
            for check in self._rules.checks:
                answer = check(request)
                if answer is not None:
                    await answer(scope, receive, dressed)
                    return
            body = await guard_body.read_body(request, receive, self._rules.body_seconds)
            await self._app(scope, guard_body.replayed(body, receive), dressed)
        except ClientDisconnect:
            return
        except Exception as error:
            if dressed.begun:
                raise
            answer = await _handler_of(scope["app"], error)(request, error)
            await answer(scope, receive, dressed)


def _handler_of(app: FastAPI, error: Exception) -> Handler:
    """The service's own handler, as for a failure behind the guard."""
    handlers = app.exception_handlers
    found: Handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)  # type: ignore[assignment]
    return found
