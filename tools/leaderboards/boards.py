"""Records of ``leaderboards.yaml``: which leaderboards there are, what each measures, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tools.knowledge.domains import Domain
from tools.knowledge.loader import load_yaml

OFFSET, SLICE, NAME = "{offset}", "{slice}", "{name}"
OWN_KEY = "*"
"""Stands in a path for the key under which an entry of a JSON object is kept."""

Path = tuple[str, ...]


class Format(StrEnum):
    """How a leaderboard's file is written."""

    CSV = "csv"
    SCRIPT_CSV = "csv in a script"
    """A table in a JavaScript template literal, as static pages carry it."""
    MARKDOWN = "markdown table"
    JSON_OBJECT = "json object of entries"
    """One object; its keys are names, its values the entries."""
    DATASET_ROWS = "dataset rows"
    """A page of the Hugging Face data set viewer: ``rows[].row``, ``num_rows_total``."""


class Measure(BaseModel):
    """One figure that a leaderboard gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str = Field(min_length=3, max_length=120)
    """What the figure is, as it stands in a sentence before it: ``EQ-Bench 3 Elo``."""
    field: Path = Field(min_length=1)
    """Where it stands in a row."""
    unit: str = ""
    """``%`` or nothing."""
    higher_is_better: bool
    lowest: float
    """A figure below this is an error."""
    highest: float
    """A figure above this is an error."""
    domains: tuple[str, ...] = ()
    """Keys of the domains that it says something about."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes of the languages that it says something about."""

    def serves(self, domain: str, languages: Iterable[str]) -> bool:
        return domain in self.domains or any(language in self.languages for language in languages)


class Slice(BaseModel):
    """A part of a leaderboard that has an address of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str = Field(pattern=r"^[a-z0-9_]+$")
    """How the source calls it."""
    name: str
    """How people call it."""
    domains: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Leaderboard(BaseModel):
    """A public leaderboard that is read without a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    url: str = Field(pattern=r"^https://")
    """Address of the file; ``{offset}`` in it stands for the first row of a page."""
    format: Format
    marker: str | None = None
    """Name of the variable that holds the table, in a script."""
    name: Path = Field(min_length=1)
    """Where the model's name stands in a row."""
    name_pattern: str | None = None
    """What of the cell is the name (group ``name``) and its address (group ``link``, where there is one)."""
    link: Path | None = None
    """Where the model's address stands in a row; one on the Hub says exactly which model is meant."""
    size: Path | None = None
    """Where its parameters stand in a row; without it the name tells."""
    size_unit: int = 1
    """Parameters that one unit of ``size`` stands for."""
    dated_field: Path | None = None
    """Where the day of the figure stands in a row."""
    dated_pattern: str | None = None
    """How the file says the day of all its figures; the only group is the day."""
    slice_field: Path | None = None
    """Where a row says to which slice it belongs; rows of another slice are left out."""
    slice_value: str | None = None
    """The slice that this is; None for a whole leaderboard."""
    slices: tuple[Slice, ...] = ()
    """The parts that it is read in; each becomes a leaderboard of its own."""
    answering_only: bool = False
    """Every entry is a model that answers: a name that says nothing of it means the answering variant."""
    measures: tuple[Measure, ...] = Field(min_length=1)
    what: str
    """What it measures, in one sentence."""
    judged_by: str
    """Who or what decides, as it stands in a sentence: ``votes of visitors``."""
    licence: str
    attribution: str
    """Who is to be named where its figures are shown."""
    seen: str
    """Public place where the format was read, and the day."""
    max_bytes: int = Field(gt=0, le=8_000_000)
    """A page larger than this is refused."""
    max_pages: int = Field(default=1, gt=0, le=60)
    page_rows: int = Field(default=100, gt=0)
    """Rows on a page."""

    @field_validator("name_pattern", "dated_pattern")
    @classmethod
    def _compile(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return pattern

    @model_validator(mode="after")
    def _agrees(self) -> Leaderboard:
        if (self.format is Format.SCRIPT_CSV) != (self.marker is not None):
            raise ValueError("a marker is for a table in a script, which needs one")
        if (self.max_pages > 1) != (OFFSET in self.url):
            raise ValueError(f"an address of several pages has {OFFSET}, and only that")
        if bool(self.slices) != (SLICE in self.url) or (self.slices and not self.slice_field):
            raise ValueError(f"slices go with {SLICE} in the address and a slice_field")
        return self

    def address(self, offset: int = 0) -> str:
        """Address of the page that begins with row ``offset``."""
        return self.url.replace(OFFSET, str(offset))

    def parts(self) -> tuple[Leaderboard, ...]:
        """Its slices, each as a leaderboard; itself when it has none."""
        return tuple(self._part(part) for part in self.slices) or (self,)

    def _part(self, part: Slice) -> Leaderboard:
        measures = tuple(
            measure.model_copy(
                update={
                    "benchmark": measure.benchmark.replace(NAME, part.name),
                    "domains": part.domains,
                    "languages": part.languages,
                }
            )
            for measure in self.measures
        )
        return self.model_copy(
            update={
                "key": f"{self.key}-{part.value.replace('_', '-')}",
                "title": self.title.replace(NAME, part.name),
                "url": self.url.replace(SLICE, part.value),
                "slice_value": part.value,
                "slices": (),
                "measures": measures,
            }
        )


class Leaderboards(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    boards: tuple[Leaderboard, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Leaderboards:
        keys = [part.key for board in self.boards for part in board.parts()]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return self


@cache
def leaderboards() -> tuple[Leaderboard, ...]:
    """Every leaderboard of ``leaderboards.yaml``, slices apart. Raises WrongUse when the file is wrong."""
    return tuple(part for board in load_yaml("leaderboards", Leaderboards).boards for part in board.parts())


def leaderboards_for(domain: Domain, languages: Sequence[str] = ()) -> tuple[Leaderboard, ...]:
    """The leaderboards that say something about ``domain`` or one of ``languages`` (ISO 639-1), each with
    those of its measures only that do; in the file's order."""
    found = []
    for board in leaderboards():
        fitting = tuple(each for each in board.measures if each.serves(domain.key, languages))
        if fitting:
            found.append(board.model_copy(update={"measures": fitting}))
    return tuple(found)
