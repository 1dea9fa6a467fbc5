"""Studying candidates one by one: record, config, card, packaged copies, Ollama tag, discussions, lineage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from graphs.desk import Desk
from graphs.fanout import each
from graphs.findings import keep_findings
from graphs.ledger import BY_PERSON, Terms, a_candidate, makers
from graphs.names import names_of
from store import research
from tools.candidates import Candidate, Claim, Standing
from tools.card_facts import domain_focus, facts_from_card, tagged_focus
from tools.evidence import claims_from_page
from tools.extraction import (
    facts_from_config,
    facts_from_discussions,
    facts_from_gguf_header,
    facts_from_hub,
    facts_from_tag,
    gguf_facts,
    gguf_files,
)
from tools.facts import Fact, Factor, SourceKind
from tools.hub import HubModel, list_models, read_card, read_config, read_discussions, read_model
from tools.identity import classify_repo
from tools.knowledge.loader import families
from tools.ollama_tags import disagreement, tag_guesses
from tools.outcomes import Empty, Found, Outcome
from tools.registry import prove_tag
from tools.sizes import fits_size
from tools.web import Page, Web
from tools.web.gguf import read_gguf_header
from tools.web.text import hidden_text, readable_text

STAGE = "research"

AT_ONCE = 8
"""Candidates studied at the same time; hosts have their own, smaller limits."""
NOTE = "; its Hub record could not be read: "
"""Stands in a candidate's reason as long as that is so."""
COPIES = 5
"""GGUF copies of a model looked at, the most downloaded first."""
TAGS = 4
"""Plausible Ollama tags that are tried."""
DEPTH = 3
"""How far bases of bases are followed for their licences."""


class _Known(NamedTuple):
    """What a proof of a tag is compared with."""

    parameters: int | None
    model_type: str | None
    licence: str | None


class Study:
    """One wave's studies. Every page goes through the rows, so a killed wave repeats no request."""

    def __init__(self, desk: Desk, web: Web, terms: Terms) -> None:
        self._desk, self._web, self._terms = desk, web, terms
        self._endpoint = desk.services.hub_endpoint

    async def candidates(self, wanted: Sequence[Candidate]) -> None:
        await each(wanted, self._candidate, at_once=AT_ONCE)

    async def lineages(self) -> None:
        """Licences of what the accepted were made from, and of what that was made from."""
        accepted = {candidate.key for candidate in await self._desk.look(research.ledger, Standing.ACCEPTED)}
        facts = await self._desk.look(research.facts)
        licensed = {fact.candidate for fact in facts if fact.factor is Factor.LICENCE}
        bases = {
            str(fact.value)
            for fact in facts
            if fact.factor is Factor.BASE_MODEL and fact.candidate in accepted
        }
        for _ in range(DEPTH):
            wanted = sorted(bases - licensed)
            if not wanted:
                return
            bases = await self._bases_of(wanted)
            licensed |= set(wanted)

    async def _bases_of(self, repositories: Sequence[str]) -> set[str]:
        """What ``repositories`` were made from; their own facts are kept on the way."""
        bases: set[str] = set()

        async def read(repository: str) -> None:
            record = await read_model(self._web, repository, endpoint=self._endpoint)
            if isinstance(record, Found):
                found = facts_from_hub(*record.value)
                await self._keep([record.value.page], found)
                bases.update(str(fact.value) for fact in found if fact.factor is Factor.BASE_MODEL)

        await each(repositories, read, at_once=AT_ONCE)
        return bases

    async def _candidate(self, candidate: Candidate) -> None:
        """What structured sources say of one candidate. One that is missing stays in the ledger."""
        key = candidate.key
        record = await read_model(self._web, key, endpoint=self._endpoint)
        if isinstance(record, Empty):
            return await self._reject(candidate, "the Hub has no such repository")
        if not isinstance(record, Found):
            await self._note(candidate, record.reason.value)
            return await self._tagged(candidate, _Known(None, None, None))
        model, page = record.value
        if model.id != key:
            return await self._renamed(candidate, model.id)
        await self._clear(candidate)
        words = self._terms.domain.words
        await self._keep([page], [*facts_from_hub(model, page), *tagged_focus(model, page, words)])
        reason = self._exact_reason(model)
        if reason is not None:
            return await self._reject(candidate, reason)
        config = await read_config(self._web, key, endpoint=self._endpoint)
        if isinstance(config, Found):
            await self._keep([config.value], facts_from_config(config.value, key))
        await self._card(candidate, model)
        discussions = await read_discussions(self._web, key, endpoint=self._endpoint)
        if isinstance(discussions, Found):
            await self._keep([discussions.value.page], facts_from_discussions(discussions.value))
        await self._packaged(candidate, model, header=not isinstance(config, Found))
        licence = model.card_data.get("license")
        known = _Known(model.parameters, _model_type(config), licence if isinstance(licence, str) else None)
        return await self._tagged(candidate, known)

    def _exact_reason(self, model: HubModel) -> str | None:
        """What the exact record says against a candidate that its name alone spoke for."""
        if fits_size(self._terms.request.size, model.parameters, model.id) is False:
            return f"outside {self._terms.request.size}"
        kind = classify_repo(model, known_orgs=makers()).kind
        return None if kind.viable else kind.reason

    async def _card(self, candidate: Candidate, model: HubModel) -> None:
        card = await read_card(self._web, candidate.key, endpoint=self._endpoint)
        if isinstance(card, Found):
            facts, claims = await asyncio.to_thread(self._read_card, card.value, candidate)
            await self._keep([card.value], facts, claims)

    def _read_card(self, card: Page, candidate: Candidate) -> tuple[list[Fact], list[Claim]]:
        facts = facts_from_card(card, candidate.key)
        facts += domain_focus(card, candidate.key, self._terms.domain.words)
        claims = claims_from_page(
            card,
            readable_text(card),
            candidate_names={candidate.key: names_of(candidate)},
            domain_words=self._terms.domain.words,
            benchmarks=self._terms.domain.benchmarks,
            source_kind=SourceKind.MAKER,
            about=candidate.key,
            hidden=hidden_text(card),
        )
        return facts, claims

    async def _packaged(self, candidate: Candidate, model: HubModel, *, header: bool) -> None:
        """GGUF copies on the Hub: how it can be run, in exact bytes; with ``header`` what the file itself
        says, for a repository whose config is closed."""
        listing = await list_models(
            self._web,
            endpoint=self._endpoint,
            filters=("gguf", f"base_model:quantized:{candidate.key}"),
            pipeline_tag=None,
            limit=COPIES,
        )
        own = [model.id] if gguf_files(model) else []
        for repository in [*own, *(copy.id for copy in listing.models)]:
            record = await read_model(self._web, repository, endpoint=self._endpoint)
            facts = gguf_facts(*record.value, candidate=candidate.key) if isinstance(record, Found) else []
            if isinstance(record, Found) and facts:
                await self._keep([record.value.page], facts)
                if header:
                    await self._header(candidate, facts)
                return

    async def _header(self, candidate: Candidate, facts: Sequence[Fact]) -> None:
        told = {fact.factor: str(fact.value) for fact in facts}
        url = f"{self._endpoint}/{told[Factor.GGUF_REPO]}/resolve/main/{quote(told[Factor.GGUF_FILE])}"
        page = await read_gguf_header(self._web, url)
        if isinstance(page, Found):
            await self._keep([page.value], facts_from_gguf_header(page.value, candidate.key))

    async def _tagged(self, candidate: Candidate, known: _Known) -> None:
        """The Ollama tag that is proved to be this model. A hint from ``families.yaml`` is tried first and
        believed no more than a guess."""
        for tag in _plausible_tags(candidate):
            proof = await prove_tag(self._web, tag, registry_url=self._desk.services.registry_url)
            if not isinstance(proof, Found):
                continue
            against = disagreement(proof.value, **known._asdict())
            if against is not None:
                await self._desk.say(STAGE, "refused", sentence=f"{tag} is not {candidate.key}: {against}")
                continue
            found = proof.value
            pages = [page for page in (found.manifest, found.config, found.licence_page) if page is not None]
            await self._keep(pages, facts_from_tag(found, candidate.key))
            return

    async def _keep(self, pages: Sequence[Page], facts: Sequence[Fact], claims: Sequence[Claim] = ()) -> None:
        """Facts and claims with the texts that they cite."""
        if facts or claims:
            texts = [readable_text(page) for page in pages]
            await self._desk.write(keep_findings, texts, facts, claims)

    async def _reject(self, candidate: Candidate, reason: str) -> None:
        rejected = candidate.model_copy(update={"standing": Standing.REJECTED, "reason": reason})
        await self._desk.write(research.keep_candidates, [rejected])
        if candidate.found_by.startswith(BY_PERSON):
            sentence = f"{candidate.key} was added by a person, and cannot be considered: {reason}."
            await self._desk.say(STAGE, "warning", sentence=sentence)

    async def _renamed(self, candidate: Candidate, key: str) -> None:
        """The Hub answers under another name, or other capitals: ``key`` is the candidate."""
        old = candidate.model_copy(update={"folded_into": key})
        await self._reject(old, "an older name of a repository")
        if key not in await self._desk.look(research.known_keys):
            now = a_candidate(key, Standing.ACCEPTED, candidate.reason, candidate.found_by)
            await self._desk.write(research.keep_candidates, [now])
            await self._candidate(now)

    async def _note(self, candidate: Candidate, reason: str) -> None:
        """Accepted still: what could not be read is unknown, not absent."""
        known = candidate.reason.partition(NOTE)[0]
        noted = candidate.model_copy(update={"reason": f"{known}{NOTE}{reason}"})
        await self._desk.write(research.keep_candidates, [noted])

    async def _clear(self, candidate: Candidate) -> None:
        if NOTE in candidate.reason:
            readable = candidate.model_copy(update={"reason": candidate.reason.partition(NOTE)[0]})
            await self._desk.write(research.keep_candidates, [readable])


def _model_type(config: Outcome[Page]) -> str | None:
    if not isinstance(config, Found):
        return None
    try:
        value: Any = config.value.json_value()
    except ValueError:
        return None
    kind = value.get("model_type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else None


def _plausible_tags(candidate: Candidate) -> list[str]:
    """Tags worth a proof, the hint first; never one that is known to be another model's."""
    member = families().member(candidate.key)
    hint = member.ollama_tag if member is not None and member.repo == candidate.key else None
    guesses = [
        tag
        for tag in tag_guesses(candidate.key, candidate.family)
        if (other := families().member(tag)) is None or other.repo == candidate.key
    ]
    return list(dict.fromkeys(filter(None, (hint, *guesses))))[:TAGS]


def in_order(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """Who is studied when the budget does not reach for all: whom a person named, then known families and the
    domain's own.

    Those studied before are among them: their pages come from the rows, so going over them again asks
    nothing, and a wave that was killed is completed.
    """

    def rank(candidate: Candidate) -> tuple[bool, bool, str, str]:
        by_others = not candidate.found_by.startswith(BY_PERSON)
        return by_others, families().member(candidate.key) is None, candidate.found_by, candidate.key

    return sorted(candidates, key=rank)[:limit]
