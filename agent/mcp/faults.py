"""Faults as the errors that a client's model reads: a sentence, and what to do next."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError
from pydantic import ValidationError

from tools.faults import Fault, NotFound

P = ParamSpec("P")
R = TypeVar("R")

COMMANDS = (
    "Names in `bms …` are those of the command line; the tool of the same name does the same: "
    "show is status, label is on the page or at a terminal."
)


def sentence_of(fault: Fault) -> str:
    """The fault in words; where its next step names a command, with a hint at the tools."""
    return f"{fault} ({COMMANDS})" if "`bms " in str(fault) else str(fault)


def told(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Turn a fault of ``tool`` into a tool error; anything else is logged, and told without its words."""

    @functools.wraps(tool)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except Fault as fault:
            raise ToolError(sentence_of(fault)) from fault
        except ValidationError as error:
            raise ToolError(wrong_fields(error)) from error

    return call


def read(resource: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """The same for a resource."""

    @functools.wraps(resource)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await resource(*args, **kwargs)
        except NotFound as fault:
            raise ResourceNotFoundError(sentence_of(fault)) from fault
        except Fault as fault:
            raise ResourceError(sentence_of(fault)) from fault

    return call


def wrong_fields(error: ValidationError) -> str:
    """Which values are out of range, without repeating them: they may be a megabyte."""
    listed = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5]]
    return f"Not understood: {'; '.join(listed)}."
