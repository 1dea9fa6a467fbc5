"""Pages through the rows: what a run has fetched once it does not ask for again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from graphs.desk import Desk
from store import research
from store.schema import FetchRow
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.web import Page


class StoredWeb:
    """A :class:`tools.web.Web` that looks for the row, fetches, and commits the row.

    With ``ask_again`` what was blocked or failed before is tried once more; what was found or empty never is.
    """

    def __init__(self, desk: Desk, stage: Literal["research", "pull"], *, ask_again: bool = False) -> None:
        self._desk = desk
        self._stage = stage
        self._ask_again = ask_again
        self._asked: set[str] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2_000_000,
    ) -> Outcome[Page]:
        async with self._turns[url]:  # whoever wants the same page at the same time finds the row
            return await self._get(url, accept, headers, max_bytes)

    async def _get(
        self, url: str, accept: str | None, headers: Mapping[str, str] | None, max_bytes: int
    ) -> Outcome[Page]:
        stored = await self._desk.look(research.stored_fetch, url)
        if stored is not None and not self._worth_another_try(stored[0]):
            return _outcome(*stored)
        self._asked.add(url)
        outcome = await self._desk.services.web.get(url, accept=accept, headers=headers, max_bytes=max_bytes)
        await self._desk.write(research.keep_fetch, url, outcome, self._desk.services.wall.now())
        columns = research.outcome_columns(outcome)
        await self._desk.say(self._stage, "page", url=url, **columns._asdict())
        return outcome

    def _worth_another_try(self, row: FetchRow) -> bool:
        return self._ask_again and row.outcome in {"blocked", "failed"} and row.url not in self._asked


def _outcome(row: FetchRow, page: Page | None) -> Outcome[Page]:
    match row.outcome:
        case "found" if page is not None:
            return Found(page)
        case "blocked":
            return Blocked(BlockReason(row.reason), row.detail)
        case "failed":
            return Failed(FailReason(row.reason), row.detail)
        case _:
            return Empty(row.detail)
