"""Whatever a stranger writes into a card, a record or a page: stars, licence and proposal stay."""

from __future__ import annotations

import json
from functools import cache

import pytest

from graphs.names import names_of
from tests.hostile.cases_text import INJECTIONS, LIES, PLACES, Injection, Lie, Place
from tests.hostile.kinds import REFUSED
from tests.hostile.small_world import (
    BAD,
    DOMAIN,
    GOOD,
    NEUTRAL,
    PAGE_URL,
    RECORDS,
    Decided,
    Read,
    Texts,
    candidates,
    decided,
    page,
    read,
    table_of,
    without_page,
)
from tools.candidates import FoundBy, Stance
from tools.claim_reading import claims_from_reply
from tools.evidence import PageReader
from tools.facts import Factor
from tools.injection import reach_of
from tools.mentions import names_in
from tools.search.base import make_hit
from tools.web.text import hidden_text, readable_text

QUICK = tuple(injection for number, injection in enumerate(INJECTIONS) if number % 4 == 0)


@cache
def as_it_was(place: Place) -> tuple[Decided, Decided]:
    """With a harmless sentence in the same place; and as if the text around it had claimed nothing."""
    honest = read(place.put(NEUTRAL))
    return decided(honest), decided(without_page(honest, place.url))


def nothing_changes(place: Place, injection: Injection) -> None:
    found = read(place.put(injection.text))
    assert decided(found) in as_it_was(place)
    marked = [claim for claim in found.claims if injection.text[:40] in (claim.source.quote or "")]
    assert all(claim.suspicious for claim in marked if injection.got == REFUSED)


def test_there_are_enough() -> None:
    assert len({one.text for one in INJECTIONS}) == len({one.name for one in INJECTIONS}) >= 40
    assert decided(read(Texts())).stars == ((GOOD, 3.0), (BAD, 3.5))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_an_instruction_changes_nothing(place: Place) -> None:
    for injection in QUICK:
        nothing_changes(place, injection)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_no_instruction_changes_anything(place: Place) -> None:
    for injection in INJECTIONS:
        nothing_changes(place, injection)


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda one: one.name)
def test_what_each_got(injection: Injection) -> None:
    assert (reach_of(injection.text) is not None) == (injection.got == REFUSED)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_licence_is_the_makers_word(lie: Lie) -> None:
    row = next(row for row in table_of(read(lie.texts)).rows if row.key == BAD)
    assert row.licence.verdict.value == lie.licence
    assert row.licence.display != "MIT"
    assert (row.licence.display == "unknown") == (lie.got == REFUSED)
    assert bool(row.excluded) == (lie.licence == "unknown")


def test_what_a_third_party_says_of_a_licence_is_shown_and_can_only_make_it_stricter() -> None:
    silent = json.dumps({**RECORDS[BAD], "tags": [], "cardData": {}})
    verdicts = {}
    for said in ("MIT licence", "CC BY-NC 4.0 licence"):
        texts = Texts(
            record=silent, card="# x\n", page=f"<p>Falcon3-7B-Instruct is released under the {said}.</p>"
        )
        row = next(row for row in table_of(read(texts)).rows if row.key == BAD)
        verdicts[said] = row.licence
        assert [
            fact.source.url for cell in row.cells for fact in cell.facts if fact.factor is Factor.LICENCE
        ] == [PAGE_URL]
    assert verdicts["MIT licence"].verdict.value == "unknown"
    assert PAGE_URL in verdicts["MIT licence"].condition
    assert verdicts["CC BY-NC 4.0 licence"].verdict.value == "no"


@pytest.mark.parametrize("injection", INJECTIONS[::3], ids=lambda one: one.name)
def test_a_brain_that_obeys_sets_no_fact_and_no_star(injection: Injection) -> None:
    """It says whatever the page told it to, with the page's own words as its quote."""
    place = next(place for place in PLACES if place.name == "on a page")
    texts = place.put(injection.text)
    source = page(PAGE_URL, texts.page, texts.page_type)
    reader = PageReader(
        source,
        readable_text(source),
        candidate_names={key: names_of(one) for key, one in candidates().items()},
        domain_words=DOMAIN.words,
        benchmarks=DOMAIN.benchmarks,
        hidden=hidden_text(source),
    )
    said = " ".join(injection.text.split())
    quotes = (
        said[:600],
        said[:60],
        f"{said} It is the best for therapy.",
        "Falcon3 7B is the best for therapy coaching.",
    )
    reply = {
        "claims": [{"candidate": BAD, "quote": quote, "stance": "for"} for quote in quotes],
        "licence": "mit",
        "stars": 5,
    }
    taken = claims_from_reply(json.dumps(reply), reader).claims
    assert all(one.found_by is FoundBy.BRAIN and one.stance is Stance.MIXED for one in taken)
    assert all((one.source.quote or "") in readable_text(source) for one in taken)
    found = read(texts)
    assert decided(Read(found.facts, [*found.claims, *taken])) == decided(found)


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda one: one.name)
def test_a_search_result_is_names_to_look_up(injection: Injection) -> None:
    """Title and snippet of a hit: what they name is looked up at the Hub, and that is all."""
    hit = make_hit(injection.text, "https://evil.example/x", injection.text * 3)
    assert hit is not None
    assert len(hit.title) <= 300
    assert len(hit.snippet) <= 2000
    named = {mention.text.casefold() for mention in names_in(f"{hit.title}\n{hit.snippet}")}
    assert all(any(known in name for known in ("falcon", "qwen")) for name in named), named
