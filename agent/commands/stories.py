"""Recording a live run, and replaying one offline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from agent.commands.common import check_folder, opened
from tools.faults import Fault, WrongUse

DEFAULT = "therapy-8b"


@click.command()
@click.argument("story_name", metavar="[STORY]", default=DEFAULT)
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Where docs/ goes.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where stories are; those of bms when left out."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Write the terminal's screen there as SVG.")
@click.option("--yes", is_flag=True, help="Take the proposals without asking.")
def demo(story_name: str, out: Path, folder: Path | None, picture: Path | None, yes: bool) -> None:
    """Replay a recorded story: the whole journey, offline."""
    from rich.console import Console

    from agent.commands.journey import finish
    from agent.drive import cockpit, drive, has_person
    from agent.story import load_story
    from agent.terminal import plain
    from graphs.options import Approver
    from graphs.runner import create_run

    check_folder(out / "docs")
    story = load_story(story_name, folder)
    about = story.about
    approver = Approver.PERSON if has_person() and not yes else Approver.POLICY
    options = about.options(out.absolute(), approver, story=story.folder)
    with opened() as place:
        console = Console(record=True, width=200) if picture else place.console
        console.print(f"[bold]REPLAY[/] of the story {story.name}: “{plain(about.text)}”", highlight=False)
        console.print(f"[dim]{plain(about.provenance)}[/]", highlight=False)

        run_id = create_run(place.database, about.text, options)
        console.print(f"[dim]run {run_id}[/]", highlight=False)

        async def go() -> Any:
            async with cockpit(place.settings, place.database, console, run_id=run_id) as seat:
                return await drive(seat, run_id)

        standing = asyncio.run(go())
        _tell_unused(place, console, story, run_id, standing)
        finish(place._replace(console=console), run_id, standing, as_json=False)
        if picture:
            console.save_svg(str(picture), title="bms demo")


def _tell_unused(place: Any, console: Any, story: Any, run_id: str, standing: Any) -> None:
    """Recordings that nothing asked for, once the run has ended."""
    from agent.cassettes import played
    from agent.terminal import plain

    if standing.prompt is not None:
        return
    with played(story.http, journal=place.settings.home / "replays" / f"{run_id}.played") as cassette:
        unused = cassette.unused()
    if unused:
        count = f"{len(unused)} of {len(cassette.data)}"
        console.print(
            f"[dim]{count} recordings were not used, such as {plain(unused[0])}[/]", highlight=False
        )


@click.command()
@click.argument("story_name", metavar="STORY")
@click.argument("text")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("cassettes"), show_default=True)
@click.option("--judge", help="Judge model as provider:model.")
@click.option("--count", type=click.IntRange(1, 5000), default=50, show_default=True)
@click.option("--yes", is_flag=True, help="Take the proposals without asking.")
def record(story_name: str, text: str, folder: Path, judge: str | None, count: int, yes: bool) -> None:
    """Run TEXT live and keep every request and reply, so that `bms demo STORY` can replay it."""
    from agent.commands.journey import check_words
    from agent.drive import has_person
    from agent.recording import record_story
    from agent.story import ABOUT, check_name
    from graphs.options import Approver

    place_of_story = folder / check_name(story_name)
    if (place_of_story / ABOUT).exists():
        raise WrongUse(f"{place_of_story} exists already.", "Choose another name, or move it away.")
    if not yes and not has_person():
        raise WrongUse("There is nobody to approve the models here.", "Say --yes to take the proposals.")
    with opened() as place:
        check_words(text, {}, insist=False)
        chosen = judge or place.settings.judge
        if chosen is None:
            raise WrongUse("A story needs a judge.", "--judge provider:model names one.")
        approver = Approver.POLICY if yes else Approver.PERSON
        standing = asyncio.run(record_story(place, place_of_story, text, chosen, count, approver))
        if standing.prompt is not None:
            raise Fault(f"The run still {standing.detail}; the recording so far is in {place_of_story}.")
        click.echo(place_of_story)
