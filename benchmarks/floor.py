"""The least that this work can cost: ``python -m benchmarks.floor URL SCENARIOS DATABASE AT_ONCE``.

A bare httpx client asks for all answers, then all judgements, and commits each reply to SQLite (WAL) as it
comes: two calls and two commits a scenario. It checks nothing, retries nothing and reports nothing.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterable

import httpx

from benchmarks.fast_server import CANDIDATE, JUDGE

RULES = "You judge one answer. Reply with a JSON object: the criterion, with a reason and YES or NO. " * 8


async def work(url: str, scenarios: str, database: str, at_once: int) -> None:
    """Do it, and leave the rows in ``database``."""
    with open(scenarios, encoding="utf-8") as stream:  # noqa: ASYNC230 – before the first request
        messages = {record["id"]: record["message"] for record in map(json.loads, stream)}
    rows = sqlite3.connect(database, isolation_level=None)
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute("PRAGMA synchronous=NORMAL")
    for table in ("answers", "judgements"):
        rows.execute(f"CREATE TABLE {table} (id TEXT PRIMARY KEY, text TEXT)")
    answers: dict[str, str] = {}
    limits = httpx.Limits(max_connections=at_once)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def ask(model: str, system: str, user: str) -> str:
            said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
            given = await client.post(f"{url}/v1/chat/completions", json={"model": model, "messages": said})
            return str(given.json()["choices"][0]["message"]["content"])

        async def answer(key: str) -> None:
            answers[key] = await ask(CANDIDATE, "You are a coach.", messages[key])
            rows.execute("INSERT INTO answers VALUES (?, ?)", (key, answers[key]))

        async def judge(key: str) -> None:
            verdict = await ask(JUDGE, RULES, f"{messages[key]}\n\n{answers[key]}")
            rows.execute("INSERT INTO judgements VALUES (?, ?)", (key, verdict))

        for step in (answer, judge):
            await _each(messages, step, at_once)
    rows.close()


async def _each(keys: Iterable[str], step: Callable[[str], Awaitable[None]], at_once: int) -> None:
    left = iter(keys)

    async def worker() -> None:
        for key in left:
            await step(key)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


if __name__ == "__main__":
    _, given_url, given_scenarios, given_database, given_at_once = sys.argv
    asyncio.run(work(given_url, given_scenarios, given_database, int(given_at_once)))
