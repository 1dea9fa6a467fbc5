"""The journey's prompts, asked in a terminal."""

from __future__ import annotations

import getpass
from typing import assert_never

import click
from rich.console import Console

from agent.show import print_sample, print_table
from agent.terminal import plain
from graphs.approval import NO_BACKUP, Refused, resolve_key
from graphs.labels import without_verdict
from graphs.prompts import (
    Approval,
    ApprovalAction,
    ApprovalPrompt,
    JudgeChoice,
    JudgePrompt,
    Labelled,
    LabelsPrompt,
    Prompt,
    Reply,
    RequestAnswer,
    RequestPrompt,
    Review,
    ReviewPrompt,
    ScenariosAgreement,
    ScenariosPrompt,
)
from store import research
from store.database import Database
from tools.clock import SystemClock
from tools.statistics import DEFAULT_THRESHOLDS
from tools.table import ComparisonTable

REVIEW_FROM = DEFAULT_THRESHOLDS[1]
"""Pass rate from which on a person reads answers, whatever the decision."""


def who() -> str:
    """The person at the terminal, as the approval's record names them."""
    try:
        return getpass.getuser()
    except OSError:
        return "a person at the terminal"


def ask_person(console: Console, database: Database, run_id: str, prompt: Prompt) -> Reply | None:
    """Put the prompt to the person; None, Ctrl-C or the end of input leaves the run waiting."""
    match prompt:
        case RequestPrompt():
            return _ask_request(console, prompt)
        case ApprovalPrompt():
            return _ask_approval(console, database, run_id, prompt)
        case ScenariosPrompt():
            return _ask_scenarios(console, prompt)
        case JudgePrompt():
            return _ask_judge(console, prompt)
        case LabelsPrompt():
            return _ask_labels(console, database, run_id, prompt)
        case ReviewPrompt():
            return _ask_review(console, database, run_id, prompt)
        case _:
            assert_never(prompt)


def _ask_request(console: Console, prompt: RequestPrompt) -> RequestAnswer:
    if prompt.not_needed is not None:
        console.print(f"[yellow]{plain(prompt.not_needed)}[/]")
        return RequestAnswer(insist=click.confirm("Run it all the same?", default=False))
    answers = {}
    for question in prompt.questions:
        hint = f" (for example: {', '.join(question.examples)})" if question.examples else ""
        answers[question.field] = click.prompt(f"{question.sentence}{hint}", type=str)
    return RequestAnswer(answers=answers)


def show_offered(
    console: Console, database: Database, run_id: str, prompt: Prompt
) -> research.Offered | None:
    """Put the table of an approval on the screen."""
    if not isinstance(prompt, ApprovalPrompt):
        return None
    with database.reading() as session:
        offered = research.table_with_hash(session, run_id, prompt.table_hash)
    assert offered is not None
    print_table(console, offered.table, offered.proposal)
    return offered


def _ask_approval(console: Console, database: Database, run_id: str, prompt: ApprovalPrompt) -> Approval:
    offered = show_offered(console, database, run_id, prompt)
    assert offered is not None
    with database.session() as session:
        research.mark_shown(session, run_id, prompt.table_hash, SystemClock().now())
    if prompt.problem:
        console.print(f"[red]{plain(prompt.problem)}[/]")
    while True:
        default = "a" if prompt.primary else "m"
        choice = click.prompt(
            "[a]pprove, [s]wap, choose [o]thers, [e]dit the candidates, [m]ore research, [r]eject",
            type=click.Choice(list("asoemr"), case_sensitive=False),
            default=default,
            show_choices=False,
        )
        try:
            return _approval(choice, prompt, offered.table)
        except Refused as refusal:
            console.print(f"[red]{plain(refusal)}[/]")


def _approval(choice: str, prompt: ApprovalPrompt, table: ComparisonTable) -> Approval:
    seen, by = prompt.table_hash, who()
    match choice:
        case "a" | "s":
            action = ApprovalAction.APPROVE if choice == "a" else ApprovalAction.SWAP
            return Approval(
                action=action, table_hash=seen, primary=prompt.primary, backup=prompt.backup, by=by
            )
        case "o":
            primary = resolve_key(click.prompt("Primary", default=prompt.primary), table)
            backup = click.prompt("Backup (- for none)", default=prompt.backup or "-")
            return Approval(
                action=ApprovalAction.APPROVE,
                table_hash=seen,
                primary=primary,
                backup=NO_BACKUP if backup == "-" else resolve_key(backup, table),
                note=click.prompt("Reason", default="", show_default=False),
                by=by,
            )
        case "e":
            add = click.prompt("Hub repositories to add, separated by spaces", default="", show_default=False)
            out = click.prompt("Candidates to leave out", default="", show_default=False)
            exclude = tuple(resolve_key(word, table) for word in out.split())
            return Approval(
                action=ApprovalAction.EDIT, table_hash=seen, add=tuple(add.split()), exclude=exclude, by=by
            )
        case "m":
            note = click.prompt("What should it look for?", default="", show_default=False)
            return Approval(action=ApprovalAction.MORE, table_hash=seen, note=note, by=by)
        case _:
            return Approval(
                action=ApprovalAction.REJECT, table_hash=seen, note=click.prompt("Why?", type=str), by=by
            )


def _ask_scenarios(console: Console, prompt: ScenariosPrompt) -> ScenariosAgreement:
    """The taxonomy in the person's editor, where they want to change it."""
    console.print("[bold]No taxonomy is known for this domain; this one was drafted from its words.[/]")
    console.print(plain(prompt.taxonomy), highlight=False)
    console.print(f"[bold]Of the {prompt.count} messages made from it:[/]")
    for message in prompt.sample:
        console.print(f"  – {plain(message)}", highlight=False)
    if prompt.problem:
        console.print(f"[red]{plain(prompt.problem)}[/]")
    choice = click.prompt(
        "[u]se it, [e]dit it, [r]efuse",
        type=click.Choice(list("uer"), case_sensitive=False),
        default="u",
        show_choices=False,
    )
    edited = click.edit(prompt.taxonomy, extension=".yaml") if choice == "e" else None
    return ScenariosAgreement(agree=choice != "r", taxonomy=edited, by=who())


def _ask_labels(console: Console, database: Database, run_id: str, prompt: LabelsPrompt) -> Labelled | None:
    console.print(f"You are the judge: {prompt.missing} answers wait for your verdicts.")
    if not click.confirm("Give them now?", default=True):
        return None
    from agent.labelling import label_in_terminal

    label_in_terminal(console, database, run_id, prompt.role, who())
    with database.reading() as session:
        left = without_verdict(session, run_id, prompt.role)
    enough = left > 0 and click.confirm(f"{left} have none. Go on without them?", default=False)
    return Labelled(enough=enough, by=who())


def _ask_judge(console: Console, prompt: JudgePrompt) -> JudgeChoice:
    console.print(f"[yellow]{plain(prompt.problem)}[/]")
    if (
        prompt.judge
        and prompt.usable
        and click.confirm(f"Use {prompt.judge} all the same? Every output will say so.", default=False)
    ):
        return JudgeChoice(judge=prompt.judge, insist=True, by=who())
    return JudgeChoice(judge=click.prompt("Judge (provider:model)", type=str), by=who())


def _ask_review(console: Console, database: Database, run_id: str, prompt: ReviewPrompt) -> Review:
    if prompt.pass_rate is not None and prompt.pass_rate >= REVIEW_FROM:
        console.print("[bold]Before anybody deploys: read these answers.[/]")
        with database.reading() as session:
            print_sample(console, session, run_id, prompt.role, prompt.sample)
    notes = click.prompt(
        "Qualitative notes for the document (Enter for none)", default="", show_default=False
    )
    if prompt.further and click.confirm(
        f"The decision is open. Run the {prompt.further} further scenarios that would settle it?",
        default=False,
    ):
        return Review(notes=notes, further=prompt.further, by=who())
    better = prompt.failures > 0 and click.confirm(
        f"Ask {prompt.failures} failures again under an improved system prompt, to see whether the model "
        "cannot or the prompt could?",
        default=False,
    )
    backup = False
    if prompt.backup:
        backup = click.confirm(f"Evaluate the backup, {prompt.backup}, as well?", default=False)
    return Review(notes=notes, run_backup=backup, try_prompt=better, by=who())
