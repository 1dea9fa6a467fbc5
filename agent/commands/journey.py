"""Commands that start a run or carry it on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from agent.commands.common import Opened, check_folder, opened, print_json, read_text, whole_id
from tools.faults import Fault, WrongUse

Command = Callable[..., None]

GIVEN = ("domain", "size", "memory", "licence", "languages", "turns")
"""Flags that name a part of the request in a person's words."""


def _run_options(command: Command) -> Command:
    """Flags that every command that starts a run understands."""
    for option in reversed(
        (
            click.option("--domain", help="The domain, when the text does not name it."),
            click.option("--size", help='Size range, such as "7-9B".'),
            click.option("--memory", help='Memory that the model may use, such as "8 GB".'),
            click.option("--licence", help='What the licence must allow: "commercial" or "any".'),
            click.option("--languages", help='Languages that people will write in, such as "German".'),
            click.option("--turns", help="Turns of the longest conversation."),
            click.option("--queries", type=click.IntRange(0), help="Most search queries."),
            click.option("--pages", type=click.IntRange(0), help="Most pages read."),
            click.option("--candidates", type=click.IntRange(1), help="Most candidates studied."),
            click.option("--waves", type=click.IntRange(1, 20), help="Most waves of research."),
            click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Where docs/ goes."),
            click.option("--judge", help="Judge as provider:model, several with commas, or human."),
            click.option(
                "--insist-judge", is_flag=True, help="Use this judge in spite of a problem with it."
            ),
            click.option("--per-criterion", is_flag=True, help="Ask the judge for each criterion by itself."),
            click.option("--gate-share", type=click.FloatRange(0, 1), default=0.05, show_default=True),
            click.option("--try-prompt", is_flag=True, help="Ask failures again with a better prompt."),
            click.option("--concurrency", type=click.IntRange(1, 256), help="Most requests at once."),
            click.option("--runtime", type=click.Choice(["auto", "ollama", "llamacpp", "openai"])),
            click.option("--count", type=click.IntRange(1, 5000), default=50, show_default=True),
            click.option("--seed", type=int, default=0, show_default=True),
            click.option("--rubric", type=click.Path(path_type=Path), help="Rubric as YAML."),
            click.option("--taxonomy", type=click.Path(path_type=Path), help="Taxonomy as YAML."),
            click.option("--scenarios", type=click.Path(path_type=Path), help="Own scenarios as JSONL."),
            click.option("--system-prompt", type=click.Path(path_type=Path), help="System prompt as text."),
            click.option("--max-tokens", type=click.IntRange(1), default=1024, show_default=True),
            click.option("--temperature", type=click.FloatRange(0, 2), default=0.7, show_default=True),
            click.option("--insist", is_flag=True, help="Run although no baseline seems to be needed."),
            click.option(
                "--yes", is_flag=True, help="Take the proposals; the record says that nobody was asked."
            ),
            click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON."),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("text", nargs=-1)
@_run_options
def run(text: tuple[str, ...], **flags: Any) -> None:
    """Research, approve, pull, evaluate, decide, document: the whole journey."""
    _start(" ".join(text), flags)


@click.command()
@click.argument("text", nargs=-1)
@_run_options
def research(text: tuple[str, ...], **flags: Any) -> None:
    """Research and stop at the table; with --out, writes table.md, .csv, .json and .html there."""
    _start(" ".join(text), flags, stop_at_table=True)


@click.command()
@click.option("--model", required=True, help="Model on the runtime: qwen3:8b, owner/repo/file.gguf, a path.")
@click.option("--host", help="Have the `bms worker` of that name do it, over PostgreSQL.")
@_run_options
def evaluate(model: str, host: str | None, **flags: Any) -> None:
    """Evaluate one model that you name. Naming it is the approval to pull it."""
    if not model.strip():
        raise WrongUse("The model has no name.", "For example --model qwen3:8b.")
    if Path(model).is_file():
        model = str(Path(model).resolve())  # a resume may come from another folder
    if not flags["domain"]:
        raise WrongUse(
            "A domain is needed: what should the model be good at?", 'For example --domain "coding".'
        )
    flags["size"] = flags["size"] or "any"
    _start(f"evaluate {model} for {flags['domain']}", {**flags, "insist": True}, model=model, host=host)


def _start(
    text: str,
    flags: dict[str, Any],
    *,
    model: str | None = None,
    host: str | None = None,
    stop_at_table: bool = False,
) -> None:
    if not stop_at_table:
        check_folder(flags["out"] / "docs")
    elif flags["out"] != Path():
        check_folder(flags["out"])
    from tools.panel import parse_panel

    materials = _materials(flags)
    own = _own_scenarios(flags["scenarios"])
    with opened(quiet=flags["as_json"]) as place:
        options = _options(flags, place, model)
        if options.judge is not None:
            options = options.model_copy(update={"judge": ", ".join(parse_panel(options.judge))})
        check_words(text, options.given, insist=options.insist)

        from graphs.runner import create_run

        if host is not None:
            host = _shared_host(place, host)
        run_id = create_run(place.database, text, options, materials, own)
        del materials, own  # they are rows now
        place.console.print(f"[dim]run {run_id}[/]", highlight=False)
        if host is not None:
            _leave_to(place, run_id, host, as_json=flags["as_json"])
            return

        async def go() -> None:
            from agent.drive import cockpit, drive

            async with cockpit(place.settings, place.database, place.console) as seat:
                until = (
                    (lambda prompt: prompt.kind == "approval") if stop_at_table else (lambda _prompt: False)
                )
                standing = await drive(seat, run_id, until=until)
                if stop_at_table:
                    _show_table(place, run_id, flags["out"] if flags["out"] != Path() else None)
                finish(place, run_id, standing, as_json=flags["as_json"])

        asyncio.run(go())


def _shared_host(place: Opened, host: str) -> str:
    """The name of a machine that a run can be left to; :class:`WrongUse` where there is none but this."""
    from agent.queue.parts import check_host

    if place.database.dialect != "postgresql":
        raise WrongUse(
            "--host is for runs that several machines share, over PostgreSQL.",
            "Leave it out, or set BMS_DATABASE_URL to a PostgreSQL that all of them reach.",
        )
    return check_host(host)


def _leave_to(place: Opened, run_id: str, host: str, *, as_json: bool) -> None:
    """Have the workers of a host carry a run on, instead of this process."""
    from agent.questions import who
    from agent.queue import jobs, leaving, steering, tables
    from store import orders, runs
    from store.schema import RunStatus
    from tools.clock import SystemClock

    clock = SystemClock()
    with place.database.session() as session:
        tables.make(session)
        steering.order_at(session, run_id, host, clock.now(), by=who())
        jobs.fill(session)
        row = runs.get(session, run_id)
        status = orders.status_of(session, row, clock.now())
        told = leaving.sentence(session, run_id, host)
    if as_json:
        print_json({"run": run_id, "status": status.value, "host": host, "detail": row.detail})
        return
    if status is RunStatus.WAITING:
        told = f"It is for {host} from now on. It {row.detail}: answer it, and it goes on there."
    place.console.print(f"Run {run_id}: {told} `bms show {run_id}` tells how far it is.", highlight=False)


def _materials(flags: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Files that a person gave, checked before anything is started."""
    from tools.rubric import parse_rubric
    from tools.taxonomy import parse_taxonomy

    found = {}
    checks: dict[str, Callable[[str, str], object]] = {
        "rubric": parse_rubric,
        "taxonomy": parse_taxonomy,
        "scenarios": lambda text, _name: text,
        "system_prompt": lambda text, _name: text,
    }
    for kind, check in checks.items():
        path: Path | None = flags[kind]
        if path is not None:
            text = read_text(path, kind.replace("_", " "))
            check(text, str(path))
            found[kind] = (str(path.resolve()), text)
    return found


def _own_scenarios(path: Path | None) -> list[Any]:
    if path is None:
        return []
    from tools.scenario_files import load_scenarios

    return list(load_scenarios(path))


def _options(flags: dict[str, Any], place: Opened, model: str | None) -> Any:
    import psutil

    from graphs.options import Approver, Budget, RunOptions

    given = {name: flags[name] for name in GIVEN if flags[name]}
    limits = {name: flags[name] for name in Budget.model_fields if flags[name] is not None}
    return RunOptions(
        out_dir=str(flags["out"].absolute()),
        given=given,
        insist=flags["insist"],
        approver=Approver.POLICY if flags["yes"] else Approver.PERSON,
        model=model,
        runtime=flags["runtime"] or place.settings.runtime,
        judge=flags["judge"] or place.settings.judge,
        judge_insisted=flags["insist_judge"],
        brain=place.settings.brain,
        count=flags["count"],
        seed=flags["seed"],
        max_tokens=flags["max_tokens"],
        temperature=flags["temperature"],
        one_call_per_criterion=flags["per_criterion"],
        gate_share=flags["gate_share"],
        try_prompt=flags["try_prompt"],
        concurrency=flags["concurrency"],
        budget=Budget(**limits),
        machine_memory_bytes=psutil.virtual_memory().total,
    )


def check_words(text: str, given: dict[str, Any], *, insist: bool) -> None:
    """Nonsense gets its sentence before a run is made of it."""
    from agent.intake import complaint_about, read_request
    from tools.reading import Unusable

    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongUse("The request is not text in UTF-8.", "Type it anew.") from error
    for name, value in given.items():
        complaint = complaint_about(name, value)
        if complaint is not None:
            raise WrongUse(f"--{name} is not understood: {complaint}")
    reading = read_request(text, given=given, insist=insist)
    if isinstance(reading, Unusable):
        raise WrongUse(reading.sentence)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--primary", help="Model to evaluate, as the table names it.")
@click.option("--backup", help="Model to fall back on; - for none.")
@click.option("--swap", is_flag=True, help="Take the proposal with primary and backup exchanged.")
@click.option("--reason", default="", help="Why; kept with the approval.")
@click.option("--reject", metavar="TEXT", help="Reject the proposal, with the reason.")
@click.option("--more", metavar="TEXT", help="Ask for more research, with what to look for.")
@click.option("--add", multiple=True, help="Hub repository to consider as well.")
@click.option("--exclude", multiple=True, help="Candidate to leave out.")
@click.option(
    "--table", "table_hash", help="Hash of the table that you saw; the last one shown when left out."
)
@click.option("--json", "as_json", is_flag=True)
def approve(run_id: str, as_json: bool, **given: Any) -> None:
    """Answer a run that waits at its table, then carry it on."""
    with opened(quiet=as_json) as place:
        run_id = whole_id(place.database, run_id)

        async def go() -> None:
            from agent.drive import cockpit, drive

            async with cockpit(place.settings, place.database, place.console, run_id=run_id) as seat:
                approval = await _approval(seat, run_id, given)
                standing = await drive(seat, run_id, reply=approval)
                _raise_refusal(standing)
                finish(place, run_id, standing, as_json=as_json)

        asyncio.run(go())


async def _approval(seat: Any, run_id: str, given: dict[str, Any]) -> Any:
    """The approval that the flags say, checked against the rows as they are now."""
    from agent.questions import who
    from graphs.approval import NO_BACKUP, check_approval, resolve_key
    from graphs.prompts import Approval, ApprovalAction, ApprovalPrompt
    from graphs.tables import current_table
    from store import research as rows
    from store import runs

    with seat.database.reading() as session:
        run_id = runs.get(session, run_id).id
        decided = [
            row for row in rows.approvals(session, run_id) if row.action in {"approve", "swap", "reject"}
        ]
    standing = await seat.runner.standing(run_id)
    if not isinstance(standing.prompt, ApprovalPrompt):
        before = (
            f" It was decided on {decided[-1].at:%Y-%m-%d %H:%M} UTC by {decided[-1].by}." if decided else ""
        )
        raise WrongUse(
            f"Run {run_id} does not wait for an approval; it is {standing.status.value}.{before}",
            f"`bms show {run_id}` tells more.",
        )
    with seat.database.reading() as session:
        offered = rows.newest_table(session, run_id)
        shown = rows.last_shown(session, run_id)
        assert offered is not None
        current = current_table(session, run_id, offered.table.built_on)
    if shown is None and not given["table_hash"]:
        raise WrongUse(
            f"Nobody has seen the table of run {run_id} yet.", f"Look at it first: `bms table {run_id}`."
        )
    seen = shown.table.hash if shown is not None else ""
    if given["table_hash"]:
        wanted = given["table_hash"].removeprefix("sha256:").lower()
        if not re.fullmatch(r"[0-9a-f]{8,64}", wanted):
            raise WrongUse("--table takes at least eight digits of the hash under the table.")
        seen = f"sha256:{wanted}" if len(wanted) == 64 else _whole_hash(wanted, run_id, (offered, shown))
    base = shown.table if shown is not None else offered.table
    named = {
        name: resolve_key(given[name], current) if given[name] not in {None, "", "-"} else None
        for name in ("primary", "backup")
    }
    if given["backup"] == "-":
        named["backup"] = NO_BACKUP
    approval = Approval(
        action=_action(given, ApprovalAction),
        table_hash=seen,
        **named,
        add=given["add"],
        exclude=tuple(resolve_key(word, current) for word in given["exclude"]),
        note=given["reject"] or given["more"] or given["reason"],
        by=who(),
    )
    if current.hash == offered.table.hash:
        check_approval(approval, offered.proposal, current, base)
    # Else the rows have changed since: the run itself refuses, and offers the table as it is now.
    return approval


def _raise_refusal(standing: Any) -> None:
    problem = getattr(standing.prompt, "problem", None)
    if standing.prompt is not None and standing.prompt.kind == "approval" and problem:
        raise Fault(problem)


def _whole_hash(beginning: str, run_id: str, tables: tuple[Any, ...]) -> str:
    for offered in tables:
        if offered is not None and offered.table.hash.removeprefix("sha256:").startswith(beginning):
            return str(offered.table.hash)
    raise WrongUse(
        f"Neither the newest table of run {run_id} nor the one shown last begins with {beginning[:64]!r}.",
        f"`bms table {run_id}` shows the newest, with its hash under it.",
    )


def _action(given: dict[str, Any], actions: Any) -> Any:
    asked = {
        actions.REJECT: given["reject"] is not None,
        actions.MORE: given["more"] is not None,
        actions.EDIT: bool(given["add"] or given["exclude"]),
        actions.SWAP: given["swap"],
        actions.APPROVE: bool(given["primary"]),
    }
    chosen = [action for action, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        raise WrongUse(f"Only one of {' and '.join(a.value for a in chosen)} can be meant.")
    if given["backup"] and not chosen:
        raise WrongUse("A backup needs a --primary beside it.")
    if not chosen:
        raise WrongUse(
            "Say what to do: --primary ID [--backup ID], --swap, --add, --exclude, --more or --reject TEXT."
        )
    return chosen[0]


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--judge", help="Name or change the judge that the run waits for.")
@click.option("--insist-judge", is_flag=True, help="Use the judge in spite of the problem with it.")
@click.option("--yes", is_flag=True, help="Take the proposals from here on; the record says so.")
@click.option("--further", type=click.IntRange(1, 5000), help="Run so many more scenarios.")
@click.option("--enough", is_flag=True, help="Where a person judges: the verdicts given are enough.")
@click.option("--host", help="Have the `bms worker` of that name go on, over PostgreSQL.")
@click.option("--json", "as_json", is_flag=True)
def resume(
    run_id: str,
    judge: str | None,
    insist_judge: bool,
    yes: bool,
    further: int | None,
    enough: bool,
    host: str | None,
    as_json: bool,
) -> None:
    """Go on with a run that was stopped or killed, waits for an answer, or ended undecided."""
    with opened(quiet=as_json) as place:
        run_id = whole_id(place.database, run_id)
        if host is not None:
            host = _shared_host(place, host)
            if judge or insist_judge or further or enough:
                raise WrongUse("--host moves a run and gives no answer.", "Answer it in a second command.")
            if yes:
                _take_proposals(place, run_id)
            _leave_to(place, run_id, host, as_json=as_json)
            return

        async def go() -> None:
            from agent.drive import cockpit, drive

            if yes:
                _take_proposals(place, run_id)
            async with cockpit(place.settings, place.database, place.console, run_id=run_id) as seat:
                reply = await _judge_choice(seat, run_id, judge, insist_judge)
                reply = reply or await _more_scenarios(seat, run_id, further)
                reply = reply or await _enough_labels(seat, run_id, enough)
                standing = await drive(seat, run_id, reply=reply, further=further)
                finish(place, run_id, standing, as_json=as_json)

        asyncio.run(go())


def _take_proposals(place: Opened, run_id: str) -> None:
    from graphs.options import Approver, RunOptions
    from store import runs
    from tools.clock import SystemClock

    with place.database.session() as session:
        row = runs.get(session, run_id)
        options = RunOptions.model_validate(row.options).model_copy(update={"approver": Approver.POLICY})
        runs.set_options(session, row.id, options.model_dump(mode="json"), SystemClock().now())


async def _judge_choice(seat: Any, run_id: str, judge: str | None, insist: bool) -> Any:
    from agent.questions import who
    from graphs.prompts import JudgeChoice, JudgePrompt
    from tools.panel import HUMAN

    if judge is None and not insist:
        return None
    standing = await seat.runner.standing(run_id)
    if not isinstance(standing.prompt, JudgePrompt):
        where = standing.detail if standing.prompt is not None else f"is {standing.status.value}"
        raise WrongUse(
            f"Run {run_id} does not wait for a judge; it {where}.", f"`bms show {run_id}` tells more."
        )
    named = judge or standing.prompt.judge
    if named is None:
        raise WrongUse("No judge is named.", "--judge provider:model names one.")
    named = HUMAN if named.strip().casefold() == HUMAN else named
    return JudgeChoice(judge=named, insist=insist, by=who())


async def _enough_labels(seat: Any, run_id: str, enough: bool) -> Any:
    """The person's word that the answers without a verdict may stay unmeasured."""
    from agent.questions import who
    from graphs.prompts import Labelled, LabelsPrompt

    if not enough:
        return None
    standing = await seat.runner.standing(run_id)
    if not isinstance(standing.prompt, LabelsPrompt):
        raise WrongUse(
            f"Run {run_id} does not wait for a person's verdicts; it is {standing.status.value}.",
            f"`bms show {run_id}` tells more.",
        )
    return Labelled(enough=True, by=who())


async def _more_scenarios(seat: Any, run_id: str, further: int | None) -> Any:
    """The review's answer that asks for more scenarios, where the run waits for its review."""
    from agent.questions import who
    from graphs.prompts import Review, ReviewPrompt

    standing = await seat.runner.standing(run_id)
    if further is None or not isinstance(standing.prompt, ReviewPrompt):
        return None
    return Review(further=further, by=who())


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--json", "as_json", is_flag=True)
def cancel(run_id: str, as_json: bool) -> None:
    """End a run. What it has found is kept."""
    with opened(quiet=as_json) as place:
        run_id = whole_id(place.database, run_id)

        from agent.queue import steering
        from store import runs
        from tools.clock import SystemClock

        with place.database.session() as session:
            sentence = steering.cancel(session, run_id, SystemClock().now())
            status = runs.get(session, run_id).status
        if as_json:
            print_json({"run": run_id, "status": status, "detail": sentence})
        else:
            place.console.print(f"Run {run_id} is {status}. {sentence}", highlight=False)


def _show_table(place: Opened, run_id: str, out: Path | None) -> None:
    from agent.commands.look import offered_table, write_tables
    from agent.show import print_table

    offered = offered_table(place.database, run_id)
    if offered is None:
        return
    print_table(place.console, offered.table, offered.proposal)
    if out is not None:
        for path in write_tables(out, offered):
            place.console.print(f"wrote {path}", highlight=False, markup=False)


def finish(place: Opened, run_id: str, standing: Any, *, as_json: bool) -> None:
    """Say where the run has got to; the document's path comes last."""
    from agent.show import print_result
    from agent.terminal import plain
    from store import evaluation
    from store.schema import RunStatus

    with place.database.reading() as session:
        documents = [row.path for row in evaluation.documents(session, run_id)]
        if as_json:
            print_json(
                {
                    "run": run_id,
                    "status": standing.status.value,
                    "waits_for": None if standing.prompt is None else standing.prompt.kind,
                    "detail": standing.detail,
                    "documents": documents,
                }
            )
            return
        if standing.status is RunStatus.DONE:
            print_result(place.console, session, run_id)
    if standing.status is RunStatus.WAITING:
        _say_how_to_go_on(place, run_id, standing)
        if standing.prompt.kind == "judge":  # a setting is missing: nothing was evaluated
            raise SystemExit(1)
    elif standing.detail and standing.status is not RunStatus.DONE:
        place.console.print(f"Run {run_id}: {plain(standing.detail)}", highlight=False)
    for path in documents:
        click.echo(path)


def _say_how_to_go_on(place: Opened, run_id: str, standing: Any) -> None:
    from agent.terminal import plain

    prompt = standing.prompt
    approving = "--primary ID --backup ID"
    if prompt.kind == "approval" and prompt.primary is None:
        approving = "--more TEXT, which asks again what failed, or --primary ID"
    how = {
        "request": f"bms resume {run_id} at a terminal, or start again with --size and --domain",
        "approval": f"bms table {run_id}, then bms approve {run_id} {approving}",
        "scenarios": f"bms resume {run_id} at a terminal, or with --yes to take the draft",
        "judge": f"bms resume {run_id} --judge provider:model",
        "labels": f"bms label {run_id}, then bms resume {run_id}; with --enough when some are to stay open",
        "review": f"bms resume {run_id} at a terminal, or with --yes to leave the review out",
    }[prompt.kind]
    if getattr(prompt, "not_needed", None):
        how = f"bms resume {run_id} at a terminal, or start again with --insist"
    place.console.print(f"Run {run_id} {standing.detail}: {how}", highlight=False, markup=False)
    for question in getattr(prompt, "questions", ()):
        place.console.print(f"  {plain(question.sentence)}", highlight=False)
    problem = getattr(prompt, "problem", None) or getattr(prompt, "not_needed", None)
    if problem:
        place.console.print(f"  {plain(problem)}", highlight=False)
