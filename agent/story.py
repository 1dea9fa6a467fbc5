"""Recorded stories: whole runs that anybody can replay offline, with one command to make a new one."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from graphs.desk import Replayed
from graphs.options import Approver, Budget, RunOptions
from tools.faults import Fault, WrongUse
from tools.yaml_lines import parse, read_text

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
ABOUT = "story.yaml"
HTTP = "http.yaml"


class HostProvenance(BaseModel):
    """Where the recordings of one host come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    how: str = Field(pattern=r"^(recorded live|recorded from a local server|authored)$")
    detail: str
    """When and with which version, from which server, or by whom and from which sources."""


class About(BaseModel):
    """``story.yaml``: the request, the day it was made for, and how honest its recordings are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    recorded_at: AwareDatetime
    """The run's clock stands at this instant in a replay."""
    runtime: str = "ollama"
    openai_base_url: str | None = None
    judge: str | None = None
    brain: str | None = None
    count: int = Field(default=50, ge=1, le=5000)
    seed: int = 0
    max_tokens: int = Field(default=1024, ge=1)
    budget: Budget = Field(default_factory=Budget)
    leaderboards: bool = True
    """Whether public leaderboards were read."""
    hosts: tuple[HostProvenance, ...]

    def options(self, out_dir: Path, approver: Approver, *, story: Path | None = None) -> RunOptions:
        """Options of a run that records this story, or with ``story`` replays it."""
        return RunOptions(
            out_dir=str(out_dir),
            approver=approver,
            runtime=self.runtime,
            judge=self.judge,
            brain=self.brain,
            count=self.count,
            seed=self.seed,
            max_tokens=self.max_tokens,
            budget=self.budget,
            concurrency=1,  # a replay goes the same way every time
            story=None if story is None else str(story),
        )

    @property
    def provenance(self) -> str:
        """One sentence that a report puts at its top."""
        by_how: dict[str, list[str]] = {}
        for entry in self.hosts:
            by_how.setdefault(entry.how, []).append(entry.host)
        parts = [f"{how}: {', '.join(hosts)}" for how, hosts in sorted(by_how.items())]
        return "; ".join(parts)


class Story(NamedTuple):
    name: str
    folder: Path
    about: About

    @property
    def replayed(self) -> Replayed:
        return Replayed(self.name, self.about.provenance)

    @property
    def http(self) -> Path:
        return self.folder / HTTP


class ReplayMiss(Fault):
    """The replay asked for something that the story has no recording of."""


def stories_folder() -> Path:
    """Where stories travel: ``cassettes/`` beside the packages, in a checkout and in an installed wheel."""
    return Path(str(resources.files("agent"))).parent / "cassettes"


def available(folder: Path | None = None) -> list[str]:
    return sorted(about.parent.name for about in (folder or stories_folder()).glob(f"*/{ABOUT}"))


def check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise WrongUse(
            f"{name[:60]!r} is not a name for a story.", "Use small letters, digits and hyphens: therapy-8b."
        )
    return name


def write_about(folder: Path, about: About) -> None:
    text = yaml.safe_dump(about.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
    (folder / ABOUT).write_text(text, "utf-8")


def story_at(place: str) -> Story:
    """The story of a run's options; where that folder is not, as on another machine, ours of its name."""
    folder = Path(place)
    return load_story(folder.name, folder.parent if folder.exists() else None)


def load_story(name: str, folder: Path | None = None) -> Story:
    """The story of that name; :class:`WrongUse` when there is none or it cannot be read."""
    place = (folder or stories_folder()) / check_name(name)
    path = place / ABOUT
    if not path.exists():
        known = ", ".join(available(folder)) or "none"
        raise WrongUse(f"There is no story {name!r}; there is: {known}.", "`bms record` makes a new one.")
    try:
        # The bounded reader: a story may be somebody else's.
        about = About.model_validate(parse(read_text(path), ABOUT))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it as a whole"
        raise WrongUse(f"{path} cannot be used: {where}: {first['msg']}.") from error
    except WrongUse as fault:
        raise WrongUse(f"{path} cannot be read. {fault.sentence}", fault.next_step) from fault
    return Story(name, place, about)
