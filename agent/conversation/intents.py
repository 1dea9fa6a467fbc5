"""What somebody can want in a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tools.table import Column

Asked = Literal["request", "approval", "scenarios", "judge", "labels", "review"]


@dataclass(frozen=True)
class Situation:
    """What the conversation is at: the same words mean another thing elsewhere."""

    asks: Asked | None = None
    """Kind of the question that the run waits with."""
    fields: tuple[str, ...] = ()
    """What a question about the request asks for; empty when it asks whether to run at all."""
    offered: bool = False
    """Whether an action waits for a yes."""
    has_run: bool = False


@dataclass(frozen=True)
class Intent:
    """What somebody wants."""


@dataclass(frozen=True)
class Yes(Intent):
    pass


@dataclass(frozen=True)
class No(Intent):
    pass


@dataclass(frozen=True)
class Held(Intent):
    """Something is *not* to be done."""

    verb: str


@dataclass(frozen=True)
class Help(Intent):
    pass


@dataclass(frozen=True)
class Pleasantry(Intent):
    thanks: bool


@dataclass(frozen=True)
class Start(Intent):
    text: str
    model: str | None = None
    domain: str | None = None
    judge: str | None = None
    sure: bool = True
    """Whether the words ask for another run clearly; what could mean something else is asked first."""


@dataclass(frozen=True)
class StartModelOrSize(Intent):
    """A model's name that is also a size: "evaluate gemma 3 12b for coding"."""

    words: str
    tag: str
    domain: str


@dataclass(frozen=True)
class ModelWithoutDomain(Intent):
    model: str


@dataclass(frozen=True)
class Replay(Intent):
    story: str | None


@dataclass(frozen=True)
class Answers(Intent):
    """Answers to what a request left open."""

    answers: dict[str, str] = field(default_factory=dict)
    insist: bool | None = None


@dataclass(frozen=True)
class Why(Intent):
    """Why a candidate has its stars, or why it was not proposed."""

    name: str
    negative: bool = False


@dataclass(frozen=True)
class WhyProposal(Intent):
    pass


@dataclass(frozen=True)
class About(Intent):
    """Factors of a candidate; no factors are all of them, and no name is the one that is spoken of."""

    name: str
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class HowGood(Intent):
    """How a model does: its pass rate where it was evaluated, its fit by the sources before."""

    name: str


@dataclass(frozen=True)
class Compare(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class Only(Intent):
    """Leave out what does not have this."""

    licence: str | None = None
    commercial: bool = False
    most_billions: float | None = None
    least_billions: float | None = None
    name: str | None = None


@dataclass(frozen=True)
class Look(Intent):
    """Who keeps to a limit; it is told, and nobody is left out for it."""

    limit: Only
    evidence: bool = False
    """Those of whom a source speaks, whatever the limit."""


@dataclass(frozen=True)
class Licences(Intent):
    """Which licences there are in the table."""


@dataclass(frozen=True)
class OtherRun(Intent):
    """A run that this conversation is not about, by its name or by words of its request."""

    words: str


@dataclass(frozen=True)
class Add(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class LeaveOut(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class More(Intent):
    note: str


@dataclass(frozen=True)
class Approve(Intent):
    primary: str | None = None
    backup: str | None = None
    no_backup: bool = False
    note: str = ""


@dataclass(frozen=True)
class Swap(Intent):
    pass


@dataclass(frozen=True)
class Reject(Intent):
    reason: str


@dataclass(frozen=True)
class UseJudge(Intent):
    judge: str
    insist: bool = False


@dataclass(frozen=True)
class JudgeMyself(Intent):
    pass


@dataclass(frozen=True)
class Resume(Intent):
    pass


@dataclass(frozen=True)
class Cancel(Intent):
    pass


@dataclass(frozen=True)
class RunBackup(Intent):
    pass


@dataclass(frozen=True)
class TryPrompt(Intent):
    pass


@dataclass(frozen=True)
class Further(Intent):
    count: int | None


@dataclass(frozen=True)
class Notes(Intent):
    text: str


@dataclass(frozen=True)
class NotesAndWish(Intent):
    """Notes in which something else is wished for: which of both is meant is asked."""

    text: str
    """The notes without the wish."""
    wish: str


@dataclass(frozen=True)
class Enough(Intent):
    pass


@dataclass(frozen=True)
class Agree(Intent):
    yes: bool


@dataclass(frozen=True)
class Show(Intent):
    """Something to be told from the rows."""

    what: Literal[
        "status",
        "how long",
        "table",
        "proposal",
        "rejected",
        "blocked",
        "coverage",
        "result",
        "pass rate",
        "failed most",
        "weakest topic",
        "example",
        "judge",
        "report",
        "runs",
        "safety",
        "costs",
        "stars",
        "criterion",
        "delete",
        "advice",
        "trust",
        "tuning",
    ]
    of: str = ""
    """Of an example what it is to show, of a criterion its name; of topics ``strongest``."""


@dataclass(frozen=True)
class Musing(Intent):
    """A sound that asks nothing ("hm"): what waits is told once more."""


@dataclass(frozen=True)
class StartOver(Intent):
    size: str = ""
    """Of the models that are wanted instead: ``4B``."""


@dataclass(frozen=True)
class Several(Intent):
    """More than one wish in a message, in the order in which they were said."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Conditional(Intent):
    """Something that is to be done only if something else is so."""

    command: str
    condition: str


@dataclass(frozen=True)
class FitsMemory(Intent):
    """Whether a candidate, or which of them all, runs in so many gigabytes; None is a machine of any kind."""

    name: str | None
    gigabytes: float | None


@dataclass(frozen=True)
class Extreme(Intent):
    """Who has the most, or the least, of a factor."""

    column: Column
    most: bool


@dataclass(frozen=True)
class OfMaker(Intent):
    """Candidates of a maker: which they are, or that they are to be left out."""

    name: str
    leave_out: bool = False


@dataclass(frozen=True)
class GoodEnough(Intent):
    """What a pass rate means; None is any."""

    percent: float | None


@dataclass(frozen=True)
class Smaller(Intent):
    """Something smaller or larger, without a number."""


@dataclass(frozen=True)
class Pause(Intent):
    pass


@dataclass(frozen=True)
class Unknown(Intent):
    german: bool = False
    """It seems to be in German, of which only some questions are understood."""
