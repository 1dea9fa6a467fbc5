"""``bms chat``: the conversation of the page, in a terminal or from a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator

import click
from rich.console import Console
from sqlalchemy.orm import Session

from agent import views
from agent.actions import Actions
from agent.commands.common import opened
from agent.conversation import replies_run
from agent.conversation.feed import feed
from agent.conversation.records import Cursor, Turn
from agent.conversation.replies import in_full
from agent.conversation.talk import Conversation
from agent.engine import Engine, engine_for
from agent.questions import who
from agent.terminal import plain
from store import orders, runs, threads
from store.database import Database
from store.schema import RunStatus
from tools.clock import Clock, SystemClock
from tools.faults import Fault, WrongUse

LOOK_SECONDS = 0.2
QUIT = frozenset({"quit", "exit", "bye", "q", ":q", "/quit", "/exit"})


@click.command()
@click.option("--thread", "thread_id", help="Go on with this conversation.")
@click.option("--run", "run_id", help="Talk about this run.")
@click.option("--no-wait", is_flag=True, help="From a pipe: end with the input, though a run is under way.")
def chat(thread_id: str | None, run_id: str | None, no_wait: bool) -> None:
    """Talk: start a run, ask about candidates and results, approve, all in plain words.

    From a pipe every line is a message, and it ends when the input has ended and nothing is under way.
    """
    if thread_id is not None and run_id is not None:
        raise WrongUse(
            "--thread goes on with a conversation, --run begins one about a run; give one of them."
        )
    with opened() as place:
        clock = SystemClock()
        with place.database.session() as session:
            thread = _thread(session, thread_id, run_id, clock)
        engine = engine_for(place.settings, place.database)
        actions = Actions(place.settings, place.database, engine, clock)
        talk = Conversation(place.settings, place.database, actions, clock)
        screen = _Screen(place.console, place.database, thread)
        try:
            asyncio.run(_talk(screen, talk, engine, wait=not no_wait, clock=clock))
        except KeyboardInterrupt:
            if not sys.stdin.isatty():  # a person leaves so; to a pipe it is an interruption
                raise


def _thread(session: Session, thread_id: str | None, run_id: str | None, clock: Clock) -> str:
    if thread_id is not None:
        return threads.get(session, thread_id).id
    about = None if run_id is None else runs.get(session, run_id).id
    return threads.create(session, clock.now(), run_id=about).id


async def _talk(screen: _Screen, talk: Conversation, engine: Engine, *, wait: bool, clock: Clock) -> None:
    at_terminal = sys.stdin.isatty()
    if at_terminal:
        screen.greet(await screen.database.look(_standing, screen.thread_id, clock))
    await engine.start()
    watcher = asyncio.create_task(screen.watch())
    try:
        async for line in _lines(at_terminal):
            if line.casefold() in QUIT:
                return
            if line:
                try:
                    await talk.say(screen.thread_id, line, by=who())
                except Fault as fault:
                    screen.complain(fault)
            if not at_terminal and wait:
                await _until_idle(screen, clock)
            await screen.catch_up(own=at_terminal)
        if wait:
            await _until_idle(screen, clock)
        await screen.catch_up(own=at_terminal)
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
        await engine.stop()
        if at_terminal:
            screen.say_goodbye()


def _standing(session: Session, thread_id: str, clock: Clock) -> str:
    """Where the run of the conversation is; empty where it has none."""
    run_id = threads.get(session, thread_id).run_id
    if run_id is None:
        return ""
    return f"Run {run_id} {replies_run.standing(views.run_state(session, run_id, clock))}."


async def _until_idle(screen: _Screen, clock: Clock) -> None:
    """Wait while the run of the conversation goes on by itself."""
    while await screen.database.look(_is_going, screen.thread_id, clock):  # noqa: ASYNC110 (rows ring no bell)
        await asyncio.sleep(LOOK_SECONDS)


def _is_going(session: Session, thread_id: str, clock: Clock) -> bool:
    run_id = threads.get(session, thread_id).run_id
    if run_id is None:
        return False
    if orders.open_order(session, run_id) is not None:
        return True
    return orders.status_of(session, runs.get(session, run_id), clock.now()) is RunStatus.RUNNING


async def _lines(at_terminal: bool) -> AsyncIterator[str]:
    """Lines of standard input as they come; a thread waits for them, so that the run is shown meanwhile."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in iter(sys.stdin.readline, ""):
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    def guarded() -> None:
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # the conversation ended first
            read()

    threading.Thread(target=guarded, daemon=True).start()
    while True:
        if at_terminal and queue.empty():
            click.echo("> ", nl=False)
        line = await queue.get()
        if line is None:
            return
        yield line.strip()


class _Screen:
    """Shows the turns of one conversation as they come."""

    def __init__(self, console: Console, database: Database, thread_id: str) -> None:
        self.database = database
        self.thread_id = thread_id
        self._console = console
        self._after = Cursor()
        self._reading = asyncio.Lock()
        self._at_terminal = sys.stdin.isatty()

    def greet(self, standing: str) -> None:
        if standing:
            self._console.print(plain(standing), highlight=False)
        self._console.print("[dim]“help” says what is understood, “quit” ends.[/]")

    def say_goodbye(self) -> None:
        self._console.print(
            f"[dim]`bms chat --thread {self.thread_id}` goes on with this.[/]", highlight=False
        )

    def complain(self, fault: Fault) -> None:
        self._console.print(f"[red]{plain(fault)}[/]", highlight=False)

    async def watch(self) -> None:
        while True:
            await self.catch_up(own=self._at_terminal)
            await asyncio.sleep(LOOK_SECONDS)

    async def catch_up(self, *, own: bool) -> None:
        """Show what is new; ``own`` words stand on the screen already where a person typed them."""
        async with self._reading:
            while turns := await self.database.look(feed, self.thread_id, self._after):
                for turn in turns:
                    self._after = Cursor.parse(turn.cursor)
                    self._show(turn, own)

    def _show(self, turn: Turn, own: bool) -> None:
        if turn.author == "person":
            if not own:
                self._console.print(f"[bold]> {plain(turn.text)}[/]", highlight=False)
            return
        mark = "[cyan]▸[/] " if turn.author == "run" else ""
        lines = in_full(turn).splitlines()
        self._console.print()
        for place, line in enumerate(lines):
            self._console.print(f"{mark if place == 0 else ''}{plain(line)}", highlight=False)
        if turn.extras.by_brain:
            self._console.print("[dim]worded by the brain[/]")
        for link in turn.extras.links[:6]:
            if link.href.startswith("http"):
                said = f" “{plain(link.quote)}”" if link.quote else ""
                self._console.print(f"  [dim]{plain(link.href)}{said}[/]", highlight=False)
        if turn.extras.offer is not None and turn.extras.settled is None:
            ask = "yes / no" if not turn.extras.void else plain(turn.extras.void)
            self._console.print(f"  [bold]{ask}[/]", highlight=False)
        elif turn.extras.suggestions and self._at_terminal:
            said = " · ".join(turn.extras.suggestions[:4])
            self._console.print(f"  [dim]{plain(said)}[/]", highlight=False)
