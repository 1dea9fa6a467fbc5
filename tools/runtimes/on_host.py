"""What is asked of one host among several: proving, pulling, and the fault for another digest."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple, Protocol, runtime_checkable

from tools.runtimes.base import Artefact, PullProgress, RuntimeFault, RuntimeFaultKind
from tools.runtimes.places import Place
from tools.runtimes.sameness import short

PULL_TRIES = 2


class Proof(NamedTuple):
    """What one host has or would pull, or why that could not be found out."""

    artefact: Artefact | None
    fault: RuntimeFault | None
    lacks: bool
    """It answers and has nothing of that name: it can pull, whether or not the registry could be asked."""


@runtime_checkable
class TellsDigests(Protocol):
    async def stored_digest(self, model: str) -> str | None:
        """``sha256:…`` of what has this name here now; None when nothing has."""
        ...


async def prove_on(place: Place, context: int) -> Proof:
    runtime, lacks = place.host.runtime, False
    try:
        if isinstance(runtime, TellsDigests):
            lacks = await runtime.stored_digest(place.name) is None
        return Proof(await runtime.prove(place.name, context=context), None, lacks)
    except RuntimeFault as fault:
        return Proof(None, fault, lacks)


async def pull_on(place: Place, artefact: Artefact) -> AsyncGenerator[PullProgress]:
    """Pull where nothing of that name is; what has another digest is somebody's, and is left as it is."""
    runtime = place.host.runtime
    digest = await runtime.stored_digest(place.name) if isinstance(runtime, TellsDigests) else None
    if digest is not None and artefact.digest not in {None, digest}:
        raise another_digest(place, digest, artefact.digest)
    if digest is not None:
        yield PullProgress("already here", digest, None, None)
        return
    for tries_left in reversed(range(PULL_TRIES)):
        try:
            async for step in runtime.pull(artefact.model_copy(update={"name": place.name})):
                yield step
        except RuntimeFault as fault:
            if not (tries_left and fault.kind.retryable):
                raise
        else:
            return


def another_digest(place: Place, here: str | None, proved: str | None) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.DIGEST_MISMATCH,
        f"{place.label} has another digest of {place.name}, {short(here or 'none')} instead of "
        f"{short(proved or 'none')}.",
        "Pull the same there by hand to let that host take part.",
    )
