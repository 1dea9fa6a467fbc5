"""Who enters the ledger, and how: every repository seen is accepted, or rejected with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphs.desk import Desk
from graphs.fanout import each
from graphs.told import counting
from store import research
from tools.candidates import Candidate, Standing
from tools.folding import Folded, fold
from tools.hub import HubModel, is_repo, read_model
from tools.knowledge.domains import Domain
from tools.knowledge.loader import families, intake_words
from tools.outcomes import Empty, Found
from tools.repo_kinds import RepoKind
from tools.request import EvaluationRequest, SizeRange
from tools.sizes import fits_size
from tools.web import Web
from tools.web.urls import HUB_PREFIXES

STAGE = "research"

NOMINAL_SLACK = 0.15
"""A family's nominal size may differ from the exact count by this share; the exact count decides later."""
BY_PERSON = "a person: "
"""Begins what tells who added a candidate."""
AT_ONCE = 8
"""Records read at the same time; the Hub has its own, smaller limit."""
DEPTH = 3
"""How far originals of originals are looked up."""


UNREAD = "its record could not be read: "
"""Why a repository was rejected that may be viable: it is looked up again whenever it is come across."""


class Terms(NamedTuple):
    """What is looked for."""

    request: EvaluationRequest
    domain: Domain


def makers() -> frozenset[str]:
    """Owners on the Hub who train models themselves."""
    return frozenset(org for family in families().families for org in family.orgs)


def judged(entry: Folded, model: HubModel, terms: Terms, found_by: str) -> Candidate:
    """The line of the ledger for a repository."""
    why_not = _why_not(entry, model, terms)
    if why_not is not None:
        return a_candidate(model.id, Standing.REJECTED, why_not, found_by, folded_into=entry.into)
    reason = entry.role.kind.reason
    if entry.role.kind is not RepoKind.ORIGINAL and is_of_domain(model, terms.domain):
        reason += f" that speaks of {terms.domain.title}"
    return a_candidate(model.id, Standing.ACCEPTED, reason, found_by)


def _why_not(entry: Folded, model: HubModel, terms: Terms) -> str | None:
    kind = entry.role.kind
    if not kind.viable:
        return kind.reason
    if fits_size(terms.request.size, model.parameters, model.id) is False:
        return f"outside {terms.request.size}"
    if kind is RepoKind.ORIGINAL or is_of_domain(model, terms.domain):
        return None
    if kind is RepoKind.LANGUAGE_TUNE:
        asked = entry.role.language is not None and _code(entry.role.language) in terms.request.languages
        return None if asked else "a tune for a language that was not asked for"
    return f"a fine-tune for something else than {terms.domain.title}"


def _code(language: str) -> str | None:
    spelt = language.casefold()
    return next((code for code, names in intake_words().languages.items() if spelt in names), None)


def is_of_domain(model: HubModel, domain: Domain) -> bool:
    """Whether a repository's name or tags speak of the domain."""
    named = model.id.rsplit("/", 1)[-1].replace("-", " ").replace("_", " ")
    return model.id in domain.known_fine_tunes or domain.mentions(f"{named} {' '.join(model.tags)}")


def a_candidate(
    key: str, standing: Standing, reason: str, found_by: str, *, folded_into: str | None = None
) -> Candidate:
    family = families().of(key)
    member = families().member(key)
    own = member is not None and member.repo == key
    return Candidate(
        key=key,
        name=member.name if own and member is not None else key.rsplit("/", 1)[-1],
        family=family.key if family is not None else key.partition("/")[0],
        standing=standing,
        reason=reason,
        found_by=found_by,
        folded_into=folded_into,
    )


def seeds(terms: Terms) -> list[Candidate]:
    """Members of known families near the range, and fine-tunes that the domain file names. Their records
    decide; a seed that the Hub does not have is rejected when it is studied."""
    size = terms.request.size
    near = SizeRange(
        minimum=round(size.minimum * (1 - NOMINAL_SLACK)), maximum=round(size.maximum * (1 + NOMINAL_SLACK))
    )
    members = (
        member.repo
        for family in families().families
        for member in family.members
        if near.holds(round(member.size * 1e9))
    )
    tuned = f"a known fine-tune for {terms.domain.title}"
    return [
        *(a_candidate(r, Standing.ACCEPTED, "a member of a known family", "families.yaml") for r in members),
        *(a_candidate(r, Standing.ACCEPTED, tuned, "domains.yaml") for r in terms.domain.known_fine_tunes),
    ]


async def take_named(
    desk: Desk, web: Web, names: Iterable[str], terms: Terms, found_by: str, limit: int
) -> list[str]:
    """Look up repositories that are not in the ledger, and what they were made from; at most ``limit``
    records are read. Keys of those that were accepted."""
    accepted: list[str] = []
    wanted = list(dict.fromkeys(name for name in names if is_repo(name)))
    for _ in range(DEPTH):
        known = {line.key for line in await desk.look(research.ledger) if UNREAD not in line.reason}
        wanted = [name for name in wanted if name not in known][:limit]
        limit -= len(wanted)
        if not wanted:
            break
        read: dict[str, HubModel | Candidate] = {}

        async def record(name: str, read: dict[str, HubModel | Candidate] = read, by: str = found_by) -> None:
            read[name] = await _record(desk, web, name, by)

        await each(wanted, record, at_once=AT_ONCE)
        records = [read[name] for name in wanted]
        models = [record for record in records if isinstance(record, HubModel)]
        folding = fold(models, makers())
        lines = [record for record in records if isinstance(record, Candidate)]
        lines += [
            judged(folding.entries[model.id], model, terms, found_by)
            for model in models
            if model.id not in known  # asked for by an older name, or one in other capitals
        ]
        told = counting("new", source=found_by, seen=len(lines))
        await desk.write_and_say(STAGE, "enumerated", told, research.keep_candidates, lines)
        accepted += [line.key for line in lines if line.standing is Standing.ACCEPTED]
        wanted, found_by = list(folding.unseen), "the original of a repository that was seen"
    return accepted


async def _record(desk: Desk, web: Web, name: str, found_by: str) -> HubModel | Candidate:
    record = await read_model(web, name, endpoint=desk.services.hub_endpoint)
    if isinstance(record, Found):
        return record.value.model
    told = "the Hub has no such repository"
    if not isinstance(record, Empty):
        told = f"{UNREAD}{record.reason.value}"
    return a_candidate(name, Standing.REJECTED, told, found_by)


NO_OWNERS = HUB_PREFIXES | {"datasets", "spaces"}


def repositories_in(urls: Sequence[str]) -> list[str]:
    """Hub repositories that links point to, in order."""
    found = []
    for url in urls:
        parts = url.partition("://")[2].split("/")
        if parts[0] == "huggingface.co" and len(parts) >= 3:
            name = f"{parts[1]}/{parts[2].partition('?')[0]}"
            if is_repo(name) and parts[1] not in NO_OWNERS:
                found.append(name)
    return list(dict.fromkeys(found))
