"""Which part of the service an address belongs to."""

from __future__ import annotations

STATIC = "/static"
LOGIN = "/login"
LOGOUT = "/logout"
SHARED = "/langgraph"
"""What pages of named origins may use."""
PROGRAMS = ("/api", SHARED, "/mcp")
"""What programs use: a bearer token, JSON, problem details."""


def within(path: str, *folders: str) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
