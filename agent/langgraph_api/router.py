"""Every route of the protocol. They are described by LangGraph, so our OpenAPI document leaves them out."""

from __future__ import annotations

from fastapi import APIRouter

from agent.langgraph_api import assistants, runs, threads

router = APIRouter(prefix=runs.BASE, include_in_schema=False)
router.include_router(assistants.router)
router.include_router(threads.router)
router.include_router(runs.router)
