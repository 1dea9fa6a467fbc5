"""What candidates are called, and who is meant by a name that nobody has looked up yet."""

from __future__ import annotations

from collections.abc import Iterable

from graphs.desk import Desk
from graphs.fanout import each
from graphs.ledger import Terms, take_named
from store import research
from tools.candidates import Candidate, Standing
from tools.hub import is_repo, list_models
from tools.identity import KnownNames, Signature, signature
from tools.knowledge.loader import families
from tools.sizes import fits_size
from tools.web import Web

AT_ONCE = 4
SEARCHED = 10
"""Repositories of a search for a name that are looked at."""


def names_of(candidate: Candidate) -> tuple[str, ...]:
    """What a page may call the candidate: its title, its repository, its Ollama tag."""
    member = families().member(candidate.key)
    tag = member.ollama_tag if member is not None and member.repo == candidate.key else None
    names = (candidate.name, candidate.key, candidate.key.rsplit("/", 1)[-1], tag)
    return tuple(dict.fromkeys(name for name in names if name))


async def names_of_all(desk: Desk) -> dict[str, tuple[str, ...]]:
    """Key → names, of every accepted candidate."""
    accepted = await desk.look(research.ledger, Standing.ACCEPTED)
    return {candidate.key: names_of(candidate) for candidate in accepted}


async def look_up(
    desk: Desk, web: Web, names: Iterable[str], terms: Terms, found_by: str, limit: int
) -> None:
    """Search the Hub for names that mean nobody in the ledger, and take what bears them into it."""
    ledger = await desk.look(research.ledger)
    known = KnownNames({line.key: names_of(line) for line in ledger})
    wanted: dict[Signature, str] = {}
    for name in names:
        if fits_size(terms.request.size, None, name) is not False and known.key(name) is None:
            wanted.setdefault(signature(name), name)
    found: list[str] = []

    async def search(name: str) -> None:
        repository = await _repository(desk, web, name)
        if repository is not None:
            found.append(repository)

    await each(list(wanted.values())[:limit], search, at_once=AT_ONCE)
    await take_named(desk, web, sorted(found), terms, found_by, limit)


async def _repository(desk: Desk, web: Web, name: str) -> str | None:
    """The repository whose name says the very same; None when the Hub has none, or several."""
    if is_repo(name):
        return name
    listing = await list_models(
        web,
        endpoint=desk.services.hub_endpoint,
        search=name.replace(" ", "-"),
        pipeline_tag=None,
        limit=SEARCHED,
    )
    return KnownNames([model.id for model in listing.models]).key(name)
