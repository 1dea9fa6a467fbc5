"""What a client asks for when it starts a run over HTTP, MCP or in a conversation.

The same wishes as the command line's flags, with texts in the place of files: nothing in them names a path.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agent.settings import Settings
from graphs.options import Approver, Budget, RunOptions
from tools.decision import GATE_SHARE_LIMIT
from tools.evaluation import Scenario
from tools.faults import WrongUse

LARGEST_TEXT = 1_000_000
"""Characters of a rubric, taxonomy or system prompt."""

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Named = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Body = Annotated[str, StringConstraints(min_length=1, max_length=LARGEST_TEXT)]

HOST = r"[a-z0-9][a-z0-9._-]{0,29}"


def _host(name: str) -> str:
    if not re.fullmatch(HOST, name):
        words = "small letters, digits, dots, hyphens and underscores, 30 at most, such as gpu1"
        raise PydanticCustomError("host", "the name of a host has {words}", {"words": words})
    return name


Host = Annotated[str, AfterValidator(_host), Field(json_schema_extra={"pattern": f"^{HOST}$"})]

GIVEN = ("domain", "size", "memory", "licence", "languages", "turns")
MATERIALS = ("rubric", "taxonomy", "system_prompt")

REPORTS = "reports"
"""Folder in the data directory with the documents of a service's runs."""


class Wishes(BaseModel):
    """A new run."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "evaluate 8B models for therapy coaching", "judge": "ollama:gemma3:12b"},
                {"text": "7-9B for coding", "licence": "commercial", "memory": "12 GB", "count": 100},
                {"story": "therapy-8b"},
            ]
        },
    )

    text: str = Field(default="", max_length=4000)
    """The request in a person's words; may be empty where ``story`` is given."""
    domain: Words | None = None
    size: Words | None = None
    memory: Words | None = None
    licence: Words | None = None
    languages: Words | None = None
    turns: Words | None = None
    model: Named | None = None
    """A model on the runtime, such as ``qwen3:8b``: it is evaluated without research."""
    story: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")] | None = None
    """A recorded story to be replayed instead of a live run."""
    judge: Named | None = None
    """``provider:model``, several with commas, or ``human``."""
    insist_judge: bool = False
    insist: bool = False
    """Run although no baseline seems to be needed."""
    approver: Approver = Approver.PERSON
    """``policy`` takes every proposal of a replayed story, and the record says that nobody was asked; a live
    run needs a person."""
    runtime: Annotated[str, StringConstraints(pattern=r"^(auto|ollama|llamacpp|openai)$")] | None = None
    host: Host | None = None
    """Machine whose `bms worker` pulls and evaluates the model; any that is free when it is left out."""
    count: int = Field(default=50, ge=1, le=5000)
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    max_tokens: int = Field(default=1024, ge=1, le=1_000_000)
    temperature: float = Field(default=0.7, ge=0.0, le=2.0)
    concurrency: int | None = Field(default=None, ge=1, le=256)
    per_criterion: bool = False
    gate_share: float = Field(default=GATE_SHARE_LIMIT, ge=0.0, le=1.0)
    try_prompt: bool = False
    budget: Budget = Field(default_factory=Budget)
    rubric: Body | None = None
    """YAML."""
    taxonomy: Body | None = None
    """YAML."""
    system_prompt: Body | None = None
    scenarios: tuple[Scenario, ...] = Field(default=(), max_length=5000)
    """A person's own, in the place of generated ones."""

    @property
    def given(self) -> dict[str, str]:
        """Parts of the request that were named by themselves."""
        return {name: value for name in GIVEN if (value := getattr(self, name)) is not None}

    @property
    def materials(self) -> dict[str, tuple[str, str]]:
        """Texts by kind with the names that they go by."""
        return {
            kind: (f"{kind.replace('_', ' ')} of the request", text)
            for kind in MATERIALS
            if (text := getattr(self, kind)) is not None
        }

    @property
    def fingerprint(self) -> str:
        """Hash of everything that is asked for."""
        import hashlib

        return hashlib.sha256(
            json.dumps(self.model_dump(mode="json"), sort_keys=True).encode("utf-8", "surrogatepass")
        ).hexdigest()


def check(wishes: Wishes) -> None:
    """Raise :class:`~tools.faults.WrongUse` where a run of these wishes could not be meant."""
    from agent.intake import complaint_about, read_request
    from tools.reading import Unusable
    from tools.rubric import parse_rubric
    from tools.taxonomy import parse_taxonomy

    if wishes.story is not None:
        return
    if wishes.approver is Approver.POLICY:
        raise WrongUse(
            "Over the network a person approves what is pulled.",
            "On the machine itself `bms TEXT --yes` takes the proposals.",
        )
    if not wishes.text.strip() and not (wishes.model and wishes.domain):
        raise WrongUse("There is no request.", "For example: evaluate 8B models for therapy coaching.")
    for named in filter(None, (wishes.model, *(wishes.judge or "").split(","))):
        check_name(named)
    for name, value in wishes.given.items():
        complaint = complaint_about(name, value)
        if complaint is not None:
            raise WrongUse(f"{name} is not understood: {complaint}")
    reading = read_request(words_of(wishes), given=given_of(wishes), insist=wishes.insist)
    if isinstance(reading, Unusable):
        raise WrongUse(reading.sentence)
    if wishes.rubric is not None:
        parse_rubric(wishes.rubric, "the rubric")
    if wishes.taxonomy is not None:
        parse_taxonomy(wishes.taxonomy, "the taxonomy")
    if wishes.judge is not None:
        from tools.panel import parse_panel

        parse_panel(wishes.judge)


def check_name(name: str) -> None:
    """A model is named as its runtime has it, never as a file: requests reach no path of this machine."""
    model = name.strip()
    for prefix in ("llamacpp:", "ollama:", "openai:"):
        model = model.removeprefix(prefix)
    parts = model.replace("\\", "/").split("/")
    is_path = model.startswith(("/", "~", ".", "\\")) or ".." in parts or "" in parts or "\\" in model
    drive = len(parts[0]) == 2 and parts[0][1] == ":"
    control = any(ord(letter) < 32 or ord(letter) == 127 for letter in model)
    local = model.lower().endswith(".gguf") and (len(parts) < 3 or Path(model).exists())
    if is_path or drive or control or local:
        raise WrongUse(
            f"{name.strip()[:80]!r} looks like a file of this machine; over the network a model has its "
            "runtime's name.",
            "Write qwen3:8b, or owner/repository/file.gguf of the Hub.",
        )


def words_of(wishes: Wishes) -> str:
    """The request as one sentence."""
    if wishes.text.strip():
        return wishes.text.strip()
    return f"evaluate {wishes.model} for {wishes.domain}"


def given_of(wishes: Wishes) -> dict[str, Any]:
    """As the intake takes it; a model that is named has any size."""
    return {"size": "any", **wishes.given} if wishes.model else wishes.given


def out_dir_of(run_id: str) -> str:
    """Where the document of a service's run goes, below the data directory of whoever writes it: named after
    the run, never after anything in a request."""
    return f"{REPORTS}/{run_id}"


def options_of(wishes: Wishes, settings: Settings) -> RunOptions:
    """The run's options; of a story those that it was recorded with."""
    import psutil

    if wishes.story is not None:
        from agent.story import load_story

        story = load_story(wishes.story)
        options = story.about.options(Path(REPORTS), wishes.approver, story=story.folder)
        return options.model_copy(update={"host": wishes.host})
    return RunOptions(
        out_dir=REPORTS,
        given=given_of(wishes),
        insist=wishes.insist or wishes.model is not None,
        approver=wishes.approver,
        model=wishes.model,
        runtime=wishes.runtime or settings.runtime,
        host=wishes.host,
        judge=wishes.judge or settings.judge,
        judge_insisted=wishes.insist_judge,
        brain=settings.brain,
        count=wishes.count,
        seed=wishes.seed,
        max_tokens=wishes.max_tokens,
        temperature=wishes.temperature,
        one_call_per_criterion=wishes.per_criterion,
        gate_share=wishes.gate_share,
        try_prompt=wishes.try_prompt,
        concurrency=wishes.concurrency,
        budget=wishes.budget,
        # Of a run that workers carry out, nobody knows yet whose memory it will be.
        machine_memory_bytes=None if settings.has_workers else psutil.virtual_memory().total,
    )
