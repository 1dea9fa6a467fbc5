"""Studying candidates: record, config, card, GGUF copies and Ollama tag of each; then pages about them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from graphs.desk import Desk
from graphs.fanout import each
from graphs.find import makers
from store import research
from tools.candidates import Candidate, Claim, Standing
from tools.evidence import claims_from_page
from tools.extraction import (
    domain_focus,
    facts_from_card,
    facts_from_config,
    facts_from_hub,
    facts_from_tag,
    gguf_facts,
    gguf_files,
)
from tools.facts import Fact, SourceKind
from tools.hub import HubModel, list_models, read_card, read_config, read_model
from tools.identity import RepoKind, classify_repo
from tools.knowledge.domains import Domain
from tools.knowledge.loader import families
from tools.outcomes import Blocked, Empty, Found
from tools.registry import prove_tag
from tools.request import EvaluationRequest
from tools.search import SearchHit
from tools.sizes import fits_size
from tools.web import Page, Web
from tools.web.text import readable_text

STAGE = "research"

AT_ONCE = 6
"""Candidates and pages studied at the same time; hosts have their own, smaller limits."""
NOTE = "; its Hub record could not be read: "
"""Stands in a candidate's reason as long as that is so."""
COPIES = 5
"""GGUF copies of a model looked at, the most downloaded first."""


class Study:
    """One wave's reading. Every page goes through the rows, so a killed wave repeats no request."""

    def __init__(self, desk: Desk, web: Web, request: EvaluationRequest, domain: Domain) -> None:
        self._desk, self._web = desk, web
        self._request, self._domain = request, domain

    async def candidates(self, wanted: Sequence[Candidate]) -> None:
        await each(wanted, self._candidate, at_once=AT_ONCE)

    async def pages(self, hits: Sequence[SearchHit]) -> None:
        accepted = await self._desk.look(research.ledger, Standing.ACCEPTED)
        names = {candidate.key: names_of(candidate) for candidate in accepted}

        async def read(hit: SearchHit) -> None:
            outcome = await self._web.get(hit.url)
            if isinstance(outcome, Found):
                text, claims = await asyncio.to_thread(self._page_claims, outcome.value, names)
                await self._keep([text], [], claims)

        await each(hits, read, at_once=AT_ONCE)

    def _page_claims(self, page: Page, names: Mapping[str, Sequence[str]]) -> tuple[str, list[Claim]]:
        text = readable_text(page)
        claims = claims_from_page(
            page,
            text,
            candidate_names=names,
            domain_words=self._domain.words,
            benchmarks=self._domain.benchmarks,
        )
        return text, claims

    async def _candidate(self, candidate: Candidate) -> None:
        """What structured sources say of one candidate. One that is missing stays in the ledger."""
        endpoint, key = self._desk.services.hub_endpoint, candidate.key
        record = await read_model(self._web, key, endpoint=endpoint)
        if isinstance(record, Empty):
            return await self._reject(candidate, "the Hub has no such repository")
        if isinstance(record, Blocked):
            return await self._note(candidate, record.reason.value)
        if not isinstance(record, Found):
            return await self._note(candidate, record.reason.value)
        model, page = record.value
        if NOTE in candidate.reason:
            readable = candidate.model_copy(update={"reason": candidate.reason.partition(NOTE)[0]})
            await self._desk.write(research.keep_candidates, [readable])
        reason = self._exact_reason(model)
        if reason is not None:
            await self._keep([readable_text(page)], facts_from_hub(model, page), [])
            return await self._reject(candidate, reason)
        facts = facts_from_hub(model, page)
        texts = [readable_text(page)]
        claims: list[Claim] = []
        config = await read_config(self._web, key, endpoint=endpoint)
        if isinstance(config, Found):
            facts += facts_from_config(config.value, key)
            texts.append(readable_text(config.value))
        card = await read_card(self._web, key, endpoint=endpoint)
        if isinstance(card, Found):
            facts += facts_from_card(card.value, key)
            facts += domain_focus(card.value, key, self._domain.words)
            texts.append(readable_text(card.value))
            claims = self._card_claims(card.value, candidate)
        await self._keep(texts, facts, claims)
        await self._packaged(candidate, model)
        return None

    def _exact_reason(self, model: HubModel) -> str | None:
        """What the exact record says against a candidate that its name alone spoke for."""
        if fits_size(self._request.size, model.parameters, model.id) is False:
            return f"outside {self._request.size}"
        if classify_repo(model, known_orgs=makers()).kind is RepoKind.VISION_ONLY:
            return "not a conversational text model"
        return None

    def _card_claims(self, card: Page, candidate: Candidate) -> list[Claim]:
        return claims_from_page(
            card,
            readable_text(card),
            candidate_names={candidate.key: names_of(candidate)},
            domain_words=self._domain.words,
            benchmarks=self._domain.benchmarks,
            source_kind=SourceKind.MAKER,
            about=candidate.key,
        )

    async def _packaged(self, candidate: Candidate, model: HubModel) -> None:
        """GGUF copies on the Hub and the Ollama tag: how it can be run, in exact bytes."""
        endpoint = self._desk.services.hub_endpoint
        listing = await list_models(
            self._web,
            endpoint=endpoint,
            filters=("gguf", f"base_model:quantized:{candidate.key}"),
            pipeline_tag=None,
            limit=COPIES,
        )
        own = [model.id] if gguf_files(model) else []
        for repository in [*own, *(copy.id for copy in listing.models)]:
            record = await read_model(self._web, repository, endpoint=endpoint)
            if isinstance(record, Found):
                facts = gguf_facts(*record.value, candidate=candidate.key)
                if facts:
                    await self._keep([readable_text(record.value.page)], facts, [])
                    break
        member = families().member(candidate.key)
        if member is None or member.repo != candidate.key or member.ollama_tag is None:
            return
        proof = await prove_tag(self._web, member.ollama_tag, registry_url=self._desk.services.registry_url)
        if isinstance(proof, Found):
            pages = (proof.value.manifest, proof.value.config, proof.value.licence_page)
            texts = [readable_text(page) for page in pages if page is not None]
            await self._keep(texts, facts_from_tag(proof.value, candidate.key), [])

    async def _keep(self, texts: list[str], facts: list[Fact], claims: list[Claim]) -> None:
        for text in texts:
            await self._desk.write(research.keep_text, text)
        if facts:
            await self._desk.write(research.keep_facts, facts)
        if claims:
            await self._desk.write(research.keep_claims, claims)

    async def _reject(self, candidate: Candidate, reason: str) -> None:
        rejected = candidate.model_copy(update={"standing": Standing.REJECTED, "reason": reason})
        await self._desk.write(research.keep_candidates, [rejected])

    async def _note(self, candidate: Candidate, reason: str) -> None:
        """Accepted still: what could not be read is unknown, not absent."""
        known = candidate.reason.partition(NOTE)[0]
        noted = candidate.model_copy(update={"reason": f"{known}{NOTE}{reason}"})
        await self._desk.write(research.keep_candidates, [noted])


def names_of(candidate: Candidate) -> tuple[str, ...]:
    """What a page may call the candidate: its title, its repository, its Ollama tag."""
    member = families().member(candidate.key)
    tag = member.ollama_tag if member is not None and member.repo == candidate.key else None
    names = (candidate.name, candidate.key, candidate.key.rsplit("/", 1)[-1], tag)
    return tuple(dict.fromkeys(name for name in names if name))


def in_order(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """Who is studied when the budget does not reach for all: known families first, then by name.

    Those studied before are among them: their pages come from the rows, so going over them again asks
    nothing, and a wave that was killed is completed.
    """
    ranked = sorted(candidates, key=lambda c: (families().member(c.key) is None, c.found_by, c.key))
    return ranked[:limit]
