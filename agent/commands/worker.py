"""``bms worker``: carries out the runs of a queue that several machines share."""

from __future__ import annotations

import click

from agent.settings import Settings, load_settings
from tools.faults import WrongUse

PATIENCE_SECONDS = 30.0
"""How long a look at the rows waits for a database that is gone."""


@click.command()
@click.option("--host", "host_name", help="This machine's name in the queue.  [default: its own]")
@click.option("--research", type=click.IntRange(1, 64), help="So many at once.  [default: BMS_RUNS_AT_ONCE]")
@click.option("--no-research", is_flag=True, help="Leave the research to others.")
@click.option("--no-evaluate", is_flag=True, help="Leave the evaluation to others: no model runs here.")
def worker(host_name: str | None, research: int | None, no_research: bool, no_evaluate: bool) -> None:
    """Carry out queued runs, until Ctrl-C. Needs PostgreSQL (BMS_DATABASE_URL).

    Any number of machines may do so. Research runs anywhere; a model is pulled and evaluated, one at a time,
    on the machine that the run names as its --host, or on the first that takes it, where it then stays.
    """
    from agent.queue.parts import check_host, this_host
    from agent.queue.tables import check_installed

    settings = load_settings()
    if no_research and no_evaluate:
        raise WrongUse("With --no-research and --no-evaluate there is nothing left to do.")
    if no_research and research is not None:
        raise WrongUse("--research and --no-research exclude one another.")
    if not settings.rows_url.startswith("postgresql"):
        raise WrongUse(
            "Workers share their runs over PostgreSQL, and BMS_DATABASE_URL names none.",
            "Set it to postgresql+psycopg://user@host/name; on one machine `bms serve` needs no worker.",
        )
    host = this_host() if host_name is None else check_host(host_name)
    check_installed()
    _work(
        settings,
        host,
        research=0 if no_research else research or settings.runs_at_once,
        evaluate=not no_evaluate,
    )


def _work(settings: Settings, host: str, *, research: int, evaluate: bool) -> None:
    import asyncio
    import logging
    import signal

    from agent.queue.worker import QueueWorker, Serves
    from store.database import Database
    from tools.clock import SystemClock
    from tools.escape import terminal

    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for name in ("procrastinate", "psycopg.pool"):  # what became of a job, and of the database, is said here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    clock = SystemClock()

    def say(sentence: str) -> None:
        click.echo(f"{clock.now().astimezone():%H:%M:%S} {terminal(sentence)}")

    async def go(database: Database) -> None:
        hand = QueueWorker(database, Serves(host, research, evaluate), say)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, hand.stop)
        await hand.run()

    parts = [
        *([f"research, {research} at once"] if research else []),
        *(["evaluation, one at a time"] if evaluate else []),
    ]
    with Database(settings.rows_url) as database:
        database.patience = PATIENCE_SECONDS  # from here on; one that was never there is told of at once
        say(f"bms worker on {host}: {'; '.join(parts)}. Until Ctrl-C.")
        asyncio.run(go(database))
    say("Stopped.")
