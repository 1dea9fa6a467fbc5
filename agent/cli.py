"""``bms``: the command line. Commands are imported when they are called, so that ``bms --help`` is quick."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from tools.faults import Fault

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

FEWER_COLLECTIONS = (10_000, 50, 100)
"""Objects and generations after which cycles are looked for. What an import makes stays, and looking through
it again and again is a tenth of the start; with still larger numbers the memory of finished requests, which
are cycles, would wait too long."""

COMMANDS = {
    "run": ("agent.commands.journey:run", "The whole journey; `bms TEXT` does the same."),
    "research": ("agent.commands.journey:research", "Research and stop at the table."),
    "table": ("agent.commands.look:table", "Show a run's comparison table."),
    "evidence": ("agent.commands.look:evidence", "Every claim about one model, with its sources."),
    "approve": ("agent.commands.journey:approve", "Approve a primary and a backup, or say what else."),
    "resume": ("agent.commands.journey:resume", "Go on with a run that stopped or waits."),
    "cancel": ("agent.commands.journey:cancel", "End a run."),
    "runs": ("agent.commands.look:runs", "List the runs."),
    "show": ("agent.commands.look:show", "Where a run is and what it has found."),
    "scenarios": ("agent.commands.files:scenarios", "Write scenarios from a taxonomy."),
    "evaluate": ("agent.commands.journey:evaluate", "Evaluate one model that you name, without research."),
    "rubric": ("agent.commands.rubric:rubric", "Import a rubric from Markdown, or check one."),
    "score": ("agent.commands.files:score", "Verdicts to scores, without any model."),
    "judge": ("agent.commands.judging:judge", "Judge answers that exist already, by a rubric."),
    "label": ("agent.commands.labels:label", "Label answers of a run, without seeing model or judge."),
    "calibrate": ("agent.commands.labels:calibrate", "Hold the judge against people's labels."),
    "compare": ("agent.commands.compare:compare", "Two models on the same scenarios."),
    "report": ("agent.commands.look:report", "The evaluation document of a run."),
    "record": ("agent.commands.stories:record", "Record a live run as a story that can be replayed."),
    "demo": ("agent.commands.stories:demo", "Replay a recorded story, offline."),
    "chat": ("agent.commands.chat:chat", "The same as a conversation."),
    "serve": ("agent.commands.serve:serve", "The page and the API, on this machine."),
    "worker": ("agent.commands.worker:worker", "Carry out runs of the queue that machines share."),
    "mcp": ("agent.commands.mcp:mcp", "The Model Context Protocol, for agents."),
    "db": ("agent.commands.db:db", "Copy everything to another database."),
    "doctor": ("agent.commands.doctor:doctor", "What is here: runtimes, models, disk, memory, judge."),
}
"""Name → where the command lives, and its line in the help."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports the one that is called; any other first word is a request."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            self._reject_typo(args[0], ctx)
            args = ["run", *args]
        return super().resolve_command(ctx, args)

    def _reject_typo(self, word: str, ctx: click.Context) -> None:
        """One word that looks like a command was hardly meant as a request."""
        import difflib

        near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.75)
        if near and " " not in word:
            ctx.fail(f"There is no command {word!r}. Did you mean {near[0]!r}?")


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="base-model-selector", prog_name="bms")
@click.option("--debug", is_flag=True, help="Show tracebacks.", expose_value=False)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Which open-weight base model suits this domain, and is it already good enough?

    \b
      bms "evaluate 8B models for therapy coaching"
      bms demo
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Entry point: runs a command and turns every failure into a sentence and an exit status."""
    gc.set_threshold(*FEWER_COLLECTIONS)
    atexit.register(gc.freeze)
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    args = [word for word in args if word != "--debug"]
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    if debug:
        from tools.secrecy import hush_tracebacks

        hush_tracebacks()
    try:
        status: Any = cli.main(args, prog_name="bms", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except Fault as fault:
        if debug:
            raise
        _complain(str(fault))
        sys.exit(fault.exit_code)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _complain(
            "Interrupted. What was finished is kept; `bms runs` shows the run, `bms resume RUN` goes on."
        )
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # the last resort: no traceback for a person, unless asked for
        if debug:
            raise
        words = " ".join(str(error).split())[:300]
        _complain(f"Something unexpected went wrong ({type(error).__name__}: {words}). --debug shows where.")
        sys.exit(1)


def _complain(sentence: str) -> None:
    from tools.escape import terminal
    from tools.secrecy import hushed

    sentence = terminal(hushed(sentence))  # it may repeat what a page, a model or a server said
    click.echo(click.style("Error: ", fg="red") + sentence, err=True)


if __name__ == "__main__":
    main()
