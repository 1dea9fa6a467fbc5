"""Finding candidates: enumerate the Hub, take the families' and the domain's seeds, then search the web.

Everything seen goes into the ledger, accepted or rejected with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphs.desk import Desk
from store import research
from tools.candidates import Candidate, Standing
from tools.hub import HubListing, HubModel, is_repo, list_models, read_model
from tools.identity import RepoKind, RepoRole, classify_repo
from tools.knowledge.domains import Domain
from tools.knowledge.loader import families
from tools.outcomes import Found
from tools.request import EvaluationRequest, SizeRange
from tools.search import SearchHit
from tools.search.queries import plan_queries
from tools.sizes import fits_size, search_bounds
from tools.web import Web

STAGE = "research"

LISTING = 100
"""Repositories on a page of the Hub's listing."""
LISTING_PAGES = 3
"""Pages of the listing by size, most downloaded first."""
DOMAIN_WORDS = 3
"""Words of the domain that the Hub is searched for, whatever the popularity."""
NOMINAL_SLACK = 0.15
"""A family's nominal size may differ from the exact count by this share; the exact count decides later."""

REJECTIONS = {
    RepoKind.QUANTISED: "a quantised or repackaged copy; its original is considered",
    RepoKind.MERGE: "a merge of other models",
    RepoKind.ADAPTER: "an adapter, not a whole model",
    RepoKind.BASE_CHECKPOINT: "a base checkpoint without chat training",
    RepoKind.VISION_ONLY: "not a conversational text model",
    RepoKind.MIRROR: "a mirror of another repository",
}


class Sighting(NamedTuple):
    """A repository in a listing, and how research came across it."""

    model: HubModel
    found_by: str


async def enumerate_hub(desk: Desk, web: Web, request: EvaluationRequest, domain: Domain) -> None:
    """The Hub by size, then by the domain's words; then seeds that no popularity sort would surface."""
    endpoint = desk.services.hub_endpoint
    by_size = await list_models(
        web, endpoint=endpoint, size=search_bounds(request.size), limit=LISTING, max_pages=LISTING_PAGES
    )
    await _take(desk, by_size, f"the Hub's models of {request.size}", request, domain)
    for word in domain.search_words[:DOMAIN_WORDS]:
        by_word = await list_models(web, endpoint=endpoint, search=word, pipeline_tag=None, limit=LISTING)
        await _take(desk, by_word, f"the Hub's search for “{word}”", request, domain)
    await _take_seeds(desk, request, domain)


async def _take(
    desk: Desk, listing: HubListing, found_by: str, request: EvaluationRequest, domain: Domain
) -> None:
    known = {candidate.key for candidate in await desk.look(research.ledger)}
    sightings = [Sighting(model, found_by) for model in listing.models if model.id not in known]
    candidates = [judge_sighting(sighting, request, domain) for sighting in sightings]
    new = await desk.write(research.keep_candidates, candidates)
    stopped_by = [f"{c.outcome} ({c.reason})" for c in map(research.outcome_columns, listing.outcomes)]
    await desk.say(
        STAGE,
        "enumerated",
        source=found_by,
        seen=len(listing.models),
        new=new,
        truncated=listing.truncated,
        stopped_by=stopped_by,
    )


def judge_sighting(sighting: Sighting, request: EvaluationRequest, domain: Domain) -> Candidate:
    """A line of the ledger for a repository of a listing."""
    model = sighting.model
    role = classify_repo(model, known_orgs=makers())
    reason = _why_not(model, role, request, domain)
    if reason is None:
        tuned = role.kind is RepoKind.FINE_TUNE
        reason = f"a fine-tune that speaks of {domain.title}" if tuned else "a maker's own chat model"
        return _candidate(model.id, Standing.ACCEPTED, reason, sighting.found_by)
    return _candidate(model.id, Standing.REJECTED, reason, sighting.found_by)


def _why_not(model: HubModel, role: RepoRole, request: EvaluationRequest, domain: Domain) -> str | None:
    if role.kind in REJECTIONS:
        return REJECTIONS[role.kind]
    if fits_size(request.size, model.parameters, model.id) is False:
        return f"outside {request.size}"
    if role.kind is RepoKind.FINE_TUNE and not _is_of_domain(model, domain):
        return f"a fine-tune for something else than {domain.title}"
    return None


def _is_of_domain(model: HubModel, domain: Domain) -> bool:
    named = model.id.rsplit("/", 1)[-1].replace("-", " ").replace("_", " ")
    return model.id in domain.known_fine_tunes or domain.mentions(f"{named} {' '.join(model.tags)}")


def makers() -> frozenset[str]:
    """Owners on the Hub who train models themselves."""
    return frozenset(org for family in families().families for org in family.orgs)


def _candidate(key: str, standing: Standing, reason: str, found_by: str) -> Candidate:
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
    )


async def _take_seeds(desk: Desk, request: EvaluationRequest, domain: Domain) -> None:
    """Members of known families near the range, and fine-tunes that the domain file names."""
    near = SizeRange(
        minimum=round(request.size.minimum * (1 - NOMINAL_SLACK)),
        maximum=round(request.size.maximum * (1 + NOMINAL_SLACK)),
    )
    members = [
        member.repo
        for family in families().families
        for member in family.members
        if near.holds(round(member.size * 1e9))
    ]
    known = {candidate.key for candidate in await desk.look(research.ledger)}
    seeds = [
        *(
            _candidate(repo, Standing.ACCEPTED, "a member of a known family", "families.yaml")
            for repo in members
            if repo not in known
        ),
        *(
            _candidate(repo, Standing.ACCEPTED, f"a known fine-tune for {domain.title}", "domains.yaml")
            for repo in domain.known_fine_tunes
            if repo not in known
        ),
    ]
    new = await desk.write(research.keep_candidates, seeds)
    await desk.say(STAGE, "enumerated", source="known families and fine-tunes", seen=len(seeds), new=new)


async def take_linked(
    desk: Desk, web: Web, hits: Sequence[SearchHit], request: EvaluationRequest, domain: Domain
) -> None:
    """Repositories that search hits point to: nothing that was come across stays out of the ledger."""
    known = {candidate.key for candidate in await desk.look(research.ledger)}
    linked = [name for name in repositories_in(hit.url for hit in hits) if name not in known]
    found = []
    for name in linked:
        record = await read_model(web, name, endpoint=desk.services.hub_endpoint)
        if isinstance(record, Found):
            found.append(judge_sighting(Sighting(record.value.model, "a search hit"), request, domain))
        else:
            columns = research.outcome_columns(record)
            told = f"its record could not be read: {columns.reason or columns.outcome}"
            found.append(_candidate(name, Standing.REJECTED, told, "a search hit"))
    if found:
        new = await desk.write(research.keep_candidates, found)
        await desk.say(STAGE, "enumerated", source="links in search hits", seen=len(linked), new=new)


async def search_web(
    desk: Desk, request: EvaluationRequest, domain: Domain, wave: int, note: str
) -> list[SearchHit]:
    """Ask the planned queries, the person's note first; every answer is a row. Distinct hits, in order."""
    today = desk.services.clock.today()
    accepted = await desk.look(research.ledger, Standing.ACCEPTED)
    present = sorted({candidate.family for candidate in accepted})
    named = [family.name for key in present if (family := families().get(key)) is not None]
    queries = plan_queries(
        domain=domain.title,
        domain_words=domain.search_words,
        size=request.size,
        families=named,
        today=today,
        commercial=request.licence_need.value == "commercial",
        limit=desk.options.query_budget,
    )
    if note:
        queries = (f"{note[:200]} {domain.title} {today.year}", *queries)
    hits: dict[str, SearchHit] = {}
    for query in queries:
        for hit in await _ask(desk, query, wave):
            hits.setdefault(hit.url, hit)
    return list(hits.values())


async def _ask(desk: Desk, query: str, wave: int) -> Sequence[SearchHit]:
    """The hits of one query: from the row, or from the first engine that answers it."""
    for engine in desk.services.engines:
        row = await desk.look(research.stored_search, engine.name, query)
        if row is not None and row.outcome in {"found", "empty"}:
            return [SearchHit.model_validate(hit) for hit in row.hits]
        outcome = await engine.search(query)
        hits = outcome.value if isinstance(outcome, Found) else ()
        stored = [hit.model_dump(mode="json") for hit in hits]
        now = desk.services.wall.now()
        await desk.write(research.keep_search, engine.name, query, wave, outcome, stored, now)
        columns = research.outcome_columns(outcome)
        await desk.say(STAGE, "query", query=query, engine=engine.name, hits=len(hits), **columns._asdict())
        if columns.outcome in {"found", "empty"}:
            return hits
    return ()


def repositories_in(urls: Iterable[str]) -> list[str]:
    """Hub repositories that links point to, in order."""
    found = []
    for url in urls:
        parts = url.partition("://")[2].split("/")
        if parts[0] == "huggingface.co" and len(parts) >= 3 and is_repo(f"{parts[1]}/{parts[2]}"):
            found.append(f"{parts[1]}/{parts[2]}")
    return list(dict.fromkeys(found))
