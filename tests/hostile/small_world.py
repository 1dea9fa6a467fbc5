"""Two candidates, a card, a record and a page: research by rules on texts that a stranger may change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from graphs.names import names_of
from tools.candidates import Candidate, Claim, Standing
from tools.card_facts import domain_focus, facts_from_card, facts_from_page, tagged_focus
from tools.evidence import claims_from_page
from tools.extraction import facts_from_hub
from tools.facts import Fact, SourceKind, content_hash
from tools.hub import HubModel
from tools.knowledge.loader import domains
from tools.proposal import propose
from tools.request import EvaluationRequest, LicenceNeed, SizeRange
from tools.table import ComparisonTable, build_table
from tools.web.page import Page
from tools.web.text import hidden_text, readable_text

GOOD, BAD = "Qwen/Qwen3-8B", "tiiuae/Falcon3-7B-Instruct"
"""The second one's friends are the attackers. Its licence is another's than MIT, and nobody praises it."""
TODAY = date(2025, 11, 21)
NOW = datetime(2025, 11, 21, 9, 30, tzinfo=UTC)
DOMAIN = domains().named("therapy-coaching", "therapy coaching")
NEUTRAL = "The weather was fine that week."
RECORDS: dict[str, dict[str, Any]] = {
    GOOD: {
        "id": GOOD,
        "tags": ["text-generation", "license:apache-2.0"],
        "cardData": {"license": "apache-2.0", "base_model": "Qwen/Qwen3-8B-Base"},
        "safetensors": {"total": 8_190_735_360},
        "createdAt": "2025-04-27T03:42:21.000Z",
        "downloads": 1000,
    },
    BAD: {
        "id": BAD,
        "tags": ["text-generation", "license:other"],
        "cardData": {"license": "other", "license_name": "falcon-llm-license"},
        "safetensors": {"total": 7_455_550_464},
        "createdAt": "2024-11-29T10:54:15.000Z",
        "downloads": 900,
    },
}
CARD = """---
license: other
license_name: falcon-llm-license
{front}
---
# Falcon3-7B-Instruct
Falcon3-7B-Instruct has 7B parameters.
{visible}
<!-- {comment} -->
It was built for general use.
"""
PAGE = """<!doctype html><html><head><title>{title}</title></head><body>
<h1>Which 8B model for therapy coaching</h1>
<p>Qwen3 8B listens well in therapy coaching and stays warm over long sessions.</p>
<p>Falcon3 7B feels cold in therapy coaching and lectures its clients.</p>
<p>{visible}</p><div style="display:none">{hidden}</div>
<img src="x.png" alt="{alt}" title="{alt}"><span aria-label="{alt}"></span>
</body></html>"""


class Texts(NamedTuple):
    """What a stranger may write."""

    card: str = CARD.format(front="tags: [text-generation]", visible=NEUTRAL, comment=NEUTRAL)
    page: str = PAGE.format(title="models", visible=NEUTRAL, hidden="", alt="")
    page_type: str = "text/html"
    record: str = json.dumps(RECORDS[BAD])


def page(url: str, text: str, content_type: str) -> Page:
    return Page(
        url=url,
        final_url=url,
        status=200,
        content_type=content_type,
        text=text,
        content_hash=content_hash(text),
        body_sha256="sha256:" + "0" * 64,
        body_bytes=len(text),
        retrieved_at=NOW,
    )


class Read(NamedTuple):
    """What research has read of the texts."""

    facts: list[Fact]
    claims: list[Claim]


CARD_URL = f"https://huggingface.co/{BAD}/raw/main/README.md"
PAGE_URL = "https://forum.example/therapy"


def read(texts: Texts) -> Read:
    facts: list[Fact] = []
    claims: list[Claim] = []
    records = {GOOD: json.dumps(RECORDS[GOOD]), BAD: texts.record}
    names = {key: names_of(candidate) for key, candidate in candidates().items()}
    for key, text in records.items():
        source = page(f"https://huggingface.co/api/models/{key}", text, "application/json")
        model = HubModel.model_validate(source.json_value())
        facts += [*facts_from_hub(model, source), *tagged_focus(model, source, DOMAIN.words)]
    card = page(CARD_URL, texts.card, "text/markdown")
    facts += [*facts_from_card(card, BAD), *domain_focus(card, BAD, DOMAIN.words)]
    theirs = page(PAGE_URL, texts.page, texts.page_type)
    facts += facts_from_page(theirs, names)
    for source, whose, about in ((card, SourceKind.MAKER, BAD), (theirs, SourceKind.THIRD_PARTY, None)):
        claims += claims_from_page(
            source,
            readable_text(source),
            candidate_names={BAD: names[BAD]} if about else names,
            domain_words=DOMAIN.words,
            benchmarks=DOMAIN.benchmarks,
            source_kind=whose,
            about=about,
            hidden=hidden_text(source),
        )
    return Read(facts, claims)


def candidates() -> dict[str, Candidate]:
    given = {GOOD: ("Qwen3 8B", "qwen3"), BAD: ("Falcon3 7B Instruct", "falcon3")}
    return {
        key: Candidate(
            key=key,
            name=name,
            family=family,
            standing=Standing.ACCEPTED,
            reason="It is of the size asked for.",
            found_by="the member list",
        )
        for key, (name, family) in given.items()
    }


def table_of(found: Read, need: LicenceNeed = LicenceNeed.COMMERCIAL) -> ComparisonTable:
    request = EvaluationRequest(
        text="evaluate 8B models for therapy coaching, commercial use",
        size=SizeRange(minimum=7 * 10**9, maximum=9 * 10**9),
        domain="therapy coaching",
        domain_key="therapy-coaching",
        licence_need=need,
        memory_budget_bytes=None,
        longest_conversation_turns=None,
        languages=("en",),
    )
    return build_table(request, list(candidates().values()), found.facts, found.claims, today=TODAY)


class Decided(NamedTuple):
    """What a stranger must not change."""

    stars: tuple[tuple[str, float | None], ...]
    licences: tuple[tuple[str, str, str], ...]
    settled: tuple[tuple[str, str, str], ...]
    primary: str | None


def decided(found: Read) -> Decided:
    from tools.facts import settle_all

    table = table_of(found)
    rows = sorted(table.rows, key=lambda row: row.key)
    settled = settle_all(found.facts)
    return Decided(
        tuple((row.key, row.rating.stars) for row in rows),
        tuple((row.key, row.licence.verdict.value, row.licence.display) for row in rows),
        tuple(sorted((key, factor.value, str(told.fact.value)) for (key, factor), told in settled.items())),
        propose(table).primary,
    )


def without_page(found: Read, url: str) -> Read:
    """What was read, as if a page had not been believed in anything that it claims."""
    return found._replace(claims=[claim for claim in found.claims if claim.source.url != url])
