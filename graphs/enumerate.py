"""Enumerating the Hub: a census of what it holds, so that no popularity sort hides a candidate.

Everything seen goes into the ledger: accepted, rejected, or folded into what it was made from.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from graphs.desk import Desk
from graphs.fanout import each
from graphs.ledger import UNREAD, Terms, judged, makers, seeds, take_named
from graphs.told import counting
from store import reading, research
from tools.candidates import Standing
from tools.coverage import Sighting
from tools.extraction import facts_from_hub
from tools.folding import Folding, fold
from tools.hub import HubListing, HubModel, HubRecord, list_models
from tools.outcomes import Failed, FailReason
from tools.request import SizeRange
from tools.sizes import search_bounds
from tools.web import Web

STAGE = "research"

ROWS = 250
"""Repositories on a page of a listing."""
MOST_PAGES = 80
"""Pages of one listing: 20,000 repositories."""
WORD_PAGES = 4
"""Pages of a search for a word of the domain or a size, and of a maker's models."""
MOST_SIZES = 12
"""Sizes that are searched for in names."""
AT_ONCE = 4
"""Listings read at the same time."""
MOST_ORIGINALS = 60
"""Originals that no listing holds and that are looked up one by one."""


class Listing(NamedTuple):
    """One question to the Hub, and how people call it."""

    name: str
    options: dict[str, Any]


def listings(terms: Terms, owners: Iterable[str]) -> list[Listing]:
    """The census: by size (conversational text, text with images, GGUF files), by the words of the domain
    whatever the popularity; by maker and by the size in a name, since a repository without a count is in no
    range."""
    request, domain = terms
    size = search_bounds(request.size)
    by_size = {"size": size, "max_pages": MOST_PAGES}
    return [
        Listing(f"the Hub's text models of {request.size}", by_size),
        Listing(
            f"the Hub's models of {request.size} for text and images",
            {**by_size, "pipeline_tag": "image-text-to-text"},
        ),
        Listing(
            f"the Hub's GGUF files of {request.size}", {**by_size, "pipeline_tag": None, "filters": ("gguf",)}
        ),
        *(
            Listing(f"the Hub's text models named {size}", {"search": size, "max_pages": WORD_PAGES})
            for size in sizes_in_names(request.size)
        ),
        *(
            Listing(
                f"the Hub's search for “{word}”",
                {"search": word, "pipeline_tag": None, "max_pages": WORD_PAGES},
            )
            for word in domain.search_words
        ),
        *(
            Listing(f"the Hub's models by {maker}", {"author": maker, "max_pages": WORD_PAGES})
            for maker in sorted(owners)
        ),
    ]


def sizes_in_names(size: SizeRange) -> list[str]:
    """``7B``, ``8B``: the whole billions of the range, as names write them; of a wide range the smallest."""
    low, high = math.ceil(size.minimum / 1e9), math.floor(size.maximum / 1e9)
    return [f"{billions}B" for billions in range(max(1, low), high + 1)][:MOST_SIZES]


class _Census:
    """What the listings hold: each repository once, with the page that it stands on."""

    def __init__(self) -> None:
        self.records: dict[str, HubRecord] = {}
        self.holders: dict[str, list[str]] = {}
        """Listing → repositories, in its order."""
        self.truncated: list[str] = []

    def take(self, listing: Listing, found: HubListing) -> None:
        self.holders[listing.name] = [model.id for model in found.models]
        for record in found.records:
            self.records.setdefault(record.model.id, record)
        if found.truncated:
            columns = map(reading.outcome_columns, found.outcomes)
            ended = "; ".join(f"{told.outcome} ({told.reason})" for told in columns)
            self.truncated.append(f"{listing.name}: {ended or 'its page limit'}")

    def found_by(self) -> dict[str, str]:
        """Repository → the first listing that holds it."""
        first: dict[str, str] = {}
        for name, repositories in self.holders.items():
            for repository in repositories:
                first.setdefault(repository, name)
        return first


async def enumerate_hub(desk: Desk, web: Web, terms: Terms) -> list[str]:
    """Take the census into the ledger, with the facts that the listings state of whom they hold. Listings
    that were not read to their end, each with what ended it."""
    planned = listings(terms, makers())
    read: dict[str, HubListing] = {}

    async def take(listing: Listing) -> None:
        found = await list_models(web, endpoint=desk.services.hub_endpoint, limit=ROWS, **listing.options)
        read[listing.name] = found
        stopped_by = [f"{c.outcome} ({c.reason})" for c in map(reading.outcome_columns, found.outcomes)]
        await desk.say(
            STAGE,
            "enumerated",
            source=listing.name,
            seen=len(found.models),
            maker="author" in listing.options,
            truncated=found.truncated,
            stopped_by=stopped_by,
        )

    await take(planned[0])
    if any(ended == Failed(FailReason.UNREACHABLE, ended.detail) for ended in read[planned[0].name].outcomes):
        left = len(planned) - 1
        sentence = f"The Hub cannot be reached: {left} more listings were not asked for."
        await desk.say(STAGE, "warning", sentence=sentence)
        planned = planned[:1]
    await each(planned[1:], take, at_once=AT_ONCE)
    census = _Census()
    for listing in planned:  # in this order, whichever was read first: which page a fact cites depends on it
        census.take(listing, read[listing.name])
    models = [record.model for record in census.records.values()]
    folding = await asyncio.to_thread(fold, models, makers())
    accepted = await _keep(desk, census, folding, models, terms)
    await _keep_facts(desk, census, accepted)
    await _keep_sightings(desk, census, accepted)
    await _keep_seeds(desk, terms)
    said = "the original of a repository that was seen"
    await take_named(desk, web, folding.unseen, terms, said, MOST_ORIGINALS)
    return census.truncated


async def _keep(
    desk: Desk, census: _Census, folding: Folding, models: Iterable[HubModel], terms: Terms
) -> set[str]:
    """Lines of the ledger for all that is new to it. Keys of those accepted, new or not."""
    known = {line.key for line in await desk.look(research.ledger) if UNREAD not in line.reason}
    found_by = census.found_by()
    lines = [judged(folding.entries[model.id], model, terms, found_by[model.id]) for model in models]
    await desk.write(research.keep_candidates, [line for line in lines if line.key not in known])
    reasons = Counter(line.reason for line in lines if line.standing is Standing.REJECTED)
    viable = len(lines) - reasons.total()
    await desk.say(STAGE, "census", seen=len(lines), accepted=viable, rejected=dict(reasons.most_common()))
    rejected = {line.key for line in await desk.look(research.ledger, Standing.REJECTED)}
    return {line.key for line in lines if line.standing is Standing.ACCEPTED} - rejected


async def _keep_facts(desk: Desk, census: _Census, accepted: set[str]) -> None:
    """What the listings state of the accepted: nobody needs to ask for these figures one by one."""
    facts = [fact for key in sorted(accepted) for fact in facts_from_hub(*census.records[key])]
    await desk.write(research.keep_facts, facts)


async def _keep_sightings(desk: Desk, census: _Census, accepted: set[str]) -> None:
    seen = [
        Sighting(name, key, census=True)
        for name, repositories in census.holders.items()
        for key in repositories
        if key in accepted
    ]
    await desk.write(research.keep_sightings, seen)


async def _keep_seeds(desk: Desk, terms: Terms) -> None:
    known = await desk.look(research.known_keys)
    fresh = [seed for seed in seeds(terms) if seed.key not in known]
    told = counting("new", source="known families and fine-tunes", seen=len(fresh))
    await desk.write_and_say(STAGE, "enumerated", told, research.keep_candidates, fresh)
