"""The run as a person watches it in a terminal: events as lines and bars, the table, the questions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from store import events
from store.database import Database
from store.schema import EventRow
from tools.request import SizeRange

POLL_SECONDS = 0.1

STAR = "★"
"""In a terminal: one column wide, and in every font, which the emoji is not."""

TITLES = {
    "intake": "Reading the request",
    "research": "Research",
    "compare": "Comparing",
    "pull": "Pulling the model",
    "scenarios": "Scenarios",
    "try_prompt": "Asking the failures again",
    "answer": "Answers",
    "check_judge": "Checking the judge",
    "judge": "Judging",
    "decide": "Deciding",
    "document": "Writing the document",
}


def plain(text: object) -> str:
    """Untrusted text for a terminal: no markup, no control characters."""
    from tools.escape import terminal

    return escape(terminal(str(text)).replace("⭐", STAR))


class Terminal:
    """Shows the events of one run from a sequence number on."""

    def __init__(self, console: Console, database: Database, run_id: str, *, after: int = 0) -> None:
        self._console = console
        self._database = database
        self._run_id = run_id
        self.seen = after
        self._live = console.is_terminal
        self._progress: Progress | None = None
        self._bars: dict[str, TaskID] = {}
        self._pages = 0

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Show events while the body runs, and the last ones after it."""
        watcher = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
            await self._catch_up()
            self._end_bars()

    async def _watch(self) -> None:
        while True:
            await self._catch_up()
            await asyncio.sleep(POLL_SECONDS)

    async def _catch_up(self) -> None:
        for event in await self._database.look(events.after, self._run_id, self.seen):
            self.seen = event.seq
            self.show(event)

    def show(self, event: EventRow) -> None:
        shower = getattr(self, f"_on_{event.kind}", None)
        if shower is not None:
            shower(event.stage, event.data)

    # --- lines ---------------------------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        (self._progress.console if self._progress else self._console).print(text, highlight=False)

    def _on_stage(self, stage: str, _data: dict[str, Any]) -> None:
        self._end_bars()
        if stage in TITLES:
            self._line(f"[bold cyan]▸ {TITLES[stage]}[/]")

    def _on_request(self, _stage: str, data: dict[str, Any]) -> None:
        request = data["request"]
        size = SizeRange.model_validate(request["size"])
        self._line(f"  {plain(request['domain'])}, {size}, licence: {plain(request['licence_need'])}")
        for note in request["notes"]:
            self._line(f"  [dim]{plain(note)}[/]")

    def _on_enumerated(self, _stage: str, data: dict[str, Any]) -> None:
        if data.get("maker") and not data.get("stopped_by"):
            return  # there are dozens; the census sums them up
        told = f"{data['seen']} seen" + (f", {data['new']} new" if "new" in data else "")
        stopped_by = plain(", ".join(data.get("stopped_by", ())))
        if stopped_by and data["seen"]:
            told = f"{told} [yellow](broke off: {stopped_by})[/]"
        elif stopped_by:  # a listing that could not be read is not an empty one
            told = f"[red]✗[/] could not be read: {stopped_by}"
        self._line(f"  {plain(data['source'])}: {told}")

    def _on_census(self, _stage: str, data: dict[str, Any]) -> None:
        reasons = list(data["rejected"].items())
        kinds = [f"{count} {plain(reason)}" for reason, count in reasons[:4]]
        if len(reasons) > 4:
            kinds.append(f"{sum(count for _, count in reasons[4:])} for other reasons")
        rejected = f"; rejected: {', '.join(kinds)}" if kinds else ""
        self._line(f"  {data['seen']} repositories listed, {data['accepted']} accepted{rejected}")

    def _on_leaderboard(self, _stage: str, data: dict[str, Any]) -> None:
        told = f"{data['entries']} entries, {data['claims']} figures of candidates"
        if data["outcome"] in {"blocked", "failed"}:
            told = f"[red]✗[/] could not be read: {plain(data['reason'])}"
        if data["outcome"] != "empty":
            self._line(f"  {plain(data['title'])}: {told}")

    def _on_query(self, _stage: str, data: dict[str, Any]) -> None:
        mark = {"found": "[green]✓[/]", "empty": "[dim]∅[/]"}.get(data["outcome"], "[red]✗[/]")
        told = f"{data['hits']} hits" if data["outcome"] == "found" else plain(data["outcome"])
        if data.get("reason"):
            told += f" ({plain(data['reason'])})"
        if data.get("engine") and data["outcome"] in {"blocked", "failed"}:
            told = f"{plain(data['engine'])} {told}"  # the next engine is asked the same
        self._line(f"  {mark} {plain(data['query'])} [dim]{told}[/]")

    def _on_page(self, stage: str, _data: dict[str, Any]) -> None:
        self._pages += 1
        if self._live:
            self._bar(f"{stage}-pages", "  pages and records read", total=None, done=self._pages)

    def _on_wave(self, _stage: str, data: dict[str, Any]) -> None:
        self._end_bars()
        self._line(
            f"  wave {data['wave']}: {data['seen']} candidates seen, {data['accepted']} accepted, "
            f"{data['rejected']} rejected, {data['facts']} facts, {data['claims']} claims"
        )
        if data.get("coverage") is not None:
            self._line(
                f"  sample coverage {data['coverage']:.1%}: so likely is the next model that a query shows "
                "to be known already"
            )
        if data.get("stopped"):
            self._line(f"  {plain(data['stopped'])}")
        if data.get("blocked") or data.get("failed"):
            self._line(
                f"  [yellow]{data['blocked']} requests blocked, {data['failed']} failed: degraded research[/]"
            )

    def _on_warning(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  [yellow]! {plain(data['sentence'])}[/]")

    def _on_host(self, _stage: str, data: dict[str, Any]) -> None:
        mark = {"in": "[green]✓[/]", "back": "[green]✓[/] [dim]back:[/]"}.get(data["state"], "[yellow]![/]")
        self._line(f"  {mark} {plain(data['sentence'])}")

    def _on_refused(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  [red]{plain(data['sentence'])}[/]")

    def _on_retry(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  [yellow]{plain(data['sentence'])} Trying again in {data['wait_seconds']:g} s.[/]")

    def _on_approval(self, _stage: str, data: dict[str, Any]) -> None:
        chosen = ""
        if data["action"] in {"approve", "swap"}:
            chosen = f": primary {plain(data['primary'] or '–')}, backup {plain(data['backup'] or '–')}"
        self._line(f"  {plain(data['action'])} by [bold]{plain(data['by'])}[/]{chosen}")

    def _on_artefact(self, _stage: str, data: dict[str, Any]) -> None:
        size = data["size_bytes"]
        told = "size unknown" if size is None else f"{size:,} bytes"
        self._line(
            f"  {plain(data['name'])} on {plain(data['runtime'])}: {told}, "
            f"{plain(data['quantization'] or 'quantization unknown')}"
        )
        for warning in data["warnings"]:
            self._line(f"  [yellow]! {plain(warning)}[/]")

    def _on_loaded(self, _stage: str, data: dict[str, Any]) -> None:
        hello = " ".join(plain(data["hello"]).split())[:70]
        context = data["allocated_context"]
        told = "context unknown" if context is None else f"{context:,} tokens of context"
        self._line(f"  “Hello, testing.” → “{hello}” [dim]({told})[/]")

    def _on_scenarios(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  {data['count']} scenarios from {plain(data['source'])}")

    def _on_worded(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  {plain(data['sentence'])}")

    def _on_extension(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  {plain(data['sentence'])}")

    def _on_agreed(self, _stage: str, data: dict[str, Any]) -> None:
        edited = ", with changes" if data["edited"] else ""
        self._line(f"  the drafted taxonomy was agreed to by [bold]{plain(data['by'])}[/]{edited}")

    def _on_improved_prompt(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(
            f"  {data['scenarios']} failures are asked again: under the same prompt, and under an improved "
            f"one ({plain(data['source'])})"
        )

    def _on_preflight(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  {plain(data['sentence'])}")

    def _on_decision(self, _stage: str, data: dict[str, Any]) -> None:
        self._line(f"  [bold]{plain(data['kind'])}[/] – {plain(data['reason'])}")

    def _on_document(self, _stage: str, data: dict[str, Any]) -> None:
        if data.get("kept_previous"):
            self._line(f"  the document of another run is kept as {plain(data['kept_previous'])}")

    def _on_stopped(self, _stage: str, _data: dict[str, Any]) -> None:
        self._end_bars()

    # --- bars ----------------------------------------------------------------------------------------------

    def _on_progress(self, stage: str, data: dict[str, Any]) -> None:
        if "total_bytes" in data:
            if data["total_bytes"] is None:
                host = f"{data['host']}: " if data.get("host") else ""
                self._line(f"  [dim]{plain(host)}{plain(data['status'])}[/]")
            else:
                self._transfer(data)
        else:
            self._count(stage, data)

    def _on_answer(self, stage: str, data: dict[str, Any]) -> None:
        self._count(stage, data)

    def _on_assessment(self, stage: str, data: dict[str, Any]) -> None:
        self._count(stage, data)

    def _count(self, stage: str, data: dict[str, Any]) -> None:
        done, total = data["done"], data["total"]
        if self._live:
            self._bar(stage, f"  {TITLES.get(stage, stage).lower()}", total=total, done=done)
        elif total and (done == total or done % max(1, total // 5) == 0):
            self._line(f"  {TITLES.get(stage, stage).lower()}: {done} of {total}")

    def _transfer(self, data: dict[str, Any]) -> None:
        host = data.get("host") or ""
        name = f"  {plain(f'{host} ' if host else '')}{plain(data['status'])}"
        if self._live:
            self._bar(
                host + (data["digest"] or data["status"]),
                name,
                total=data["total_bytes"],
                done=data["completed_bytes"] or 0,
                is_bytes=True,
            )
        elif data["completed_bytes"] == data["total_bytes"]:
            self._line(f"{name}: {data['total_bytes']:,} bytes")

    def _bar(self, key: str, name: str, *, total: int | None, done: int, is_bytes: bool = False) -> None:
        if self._progress is None:
            counted = (DownloadColumn(), TransferSpeedColumn()) if is_bytes else (MofNCompleteColumn(),)
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                *counted,
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._progress.start()
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[key], completed=done, total=total)

    def _end_bars(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._bars = {}
