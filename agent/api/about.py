"""What there is besides runs: whether the service is well, and which stories can be replayed."""

from __future__ import annotations

from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.api.response_examples import HEALTH, STORIES, answered
from agent.service.place import Here
from agent.service.problems import responses
from agent.story import HostProvenance, available, load_story
from store import orders
from store.schema import RunRow, RunStatus

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """The service answers, and so does its database."""

    status: Literal["ok"] = "ok"
    version: str
    database: Literal["ok"] = "ok"
    """Rows could be counted; where they cannot, the answer is a problem with status 503."""
    under_way: int
    """Runs that are driven now, as their rows say."""
    orders: int
    """Orders that are not carried out yet, those of runs under way among them."""
    runs: int


class StoryAbout(BaseModel):
    """A recorded run that can be replayed offline: create a run with its name as ``story``."""

    name: str
    text: str
    """The request that it answers."""
    recorded_at: AwareDatetime
    """Its clock stands at this instant."""
    count: int
    """Scenarios."""
    judge: str | None
    provenance: str
    """Which hosts were recorded live, and which were written by somebody."""
    hosts: tuple[HostProvenance, ...]


class Stories(BaseModel):
    items: tuple[StoryAbout, ...]


def _health(session: Session) -> Health:
    def count(*conditions: object) -> int:
        return session.scalar(select(func.count()).select_from(RunRow).where(*conditions)) or 0  # type: ignore[arg-type]

    return Health(
        version=version("base-model-selector"),
        under_way=count(RunRow.status == RunStatus.RUNNING.value),
        orders=len(orders.all_open(session)),
        runs=count(),
    )


@router.get("/health", operation_id="get_health", responses=answered("It is well.", HEALTH) | responses(503))
async def get_health(here: Here) -> Health:
    """Whether the service is well: its version, its database, and how many runs are under way."""
    return await here.look(_health)


@router.get("/stories", operation_id="list_stories", responses=answered("The stories.", STORIES))
async def list_stories() -> Stories:
    """Recorded runs that can be replayed offline, with where their recordings come from."""
    return Stories(items=tuple(map(_about, available())))


def _about(name: str) -> StoryAbout:
    about = load_story(name).about
    return StoryAbout(
        name=name,
        text=about.text,
        recorded_at=about.recorded_at,
        count=about.count,
        judge=about.judge,
        provenance=about.provenance,
        hosts=about.hosts,
    )
