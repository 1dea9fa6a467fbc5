"""Pages through the rows: what a run has fetched once, or another one lately, it does not ask for again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from graphs.desk import Desk
from store import reading
from store.schema import FetchRow
from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
from tools.web import Page, Web


class StoredWeb:
    """A :class:`tools.web.Web` that looks for the row, fetches, and commits the row.

    A page that another run has read within ``max_age`` is lent to this one. With ``ask_again`` what was
    blocked or failed before, or is older than that, is asked for once more.
    """

    def __init__(
        self,
        desk: Desk,
        stage: Literal["research", "pull"],
        *,
        web: Web | None = None,
        ask_again: bool = False,
    ) -> None:
        self._desk = desk
        self._stage = stage
        self._web = web or desk.services.web
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
        stored = await self._desk.look(reading.stored_fetch, url)
        is_part = any(name.lower() == "range" for name in headers or {})
        if stored is not None and not self._worth_another_try(stored.row, is_part=is_part):
            return _outcome(*stored)
        lent = await self._lent(url)
        if lent is not None:
            return lent
        self._asked.add(url)
        outcome = await self._web.get(url, accept=accept, headers=headers, max_bytes=max_bytes)
        now = self._desk.services.wall.now()
        told = _told(url, outcome)
        await self._desk.write_and_say(self._stage, "page", told, reading.keep_fetch, url, outcome, now)
        return outcome

    async def _lent(self, url: str) -> Outcome[Page] | None:
        """What another run has read of it lately."""
        age = self._desk.services.max_age
        if age is None or url in self._asked:
            return None
        since = self._desk.services.wall.now() - age
        known = await self._desk.look(reading.fetch_of_another_run, url, since)
        if known is None:
            return None
        outcome = _outcome(*known)
        told = _told(url, outcome) | {"read_at": known.row.fetched_at.isoformat(timespec="seconds")}
        await self._desk.write_and_say(self._stage, "page", told, reading.lend_fetch, known)
        return outcome

    def _worth_another_try(self, row: FetchRow, *, is_part: bool) -> bool:
        if is_part and row.reason == FailReason.TOO_LARGE:
            return True  # the whole was too large, which says nothing of a part
        if not self._ask_again or row.url in self._asked:
            return False
        age = self._desk.services.max_age
        stale = age is not None and self._desk.services.wall.now() - row.fetched_at > age
        return stale or row.outcome in {"blocked", "failed"}


def _told(url: str, outcome: Outcome[Page]) -> dict[str, str]:
    return {"url": url, **reading.outcome_columns(outcome)._asdict()}


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
