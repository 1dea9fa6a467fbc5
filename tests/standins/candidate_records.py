"""Short ways to write candidates, facts and claims in tests."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tools.candidates import Candidate, Claim, ClaimKind, Quality, Stance, Standing
from tools.facts import Fact, Factor, Source, SourceKind, Value, content_hash
from tools.request import EvaluationRequest, LicenceNeed, SizeRange

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def source(
    url: str = "https://huggingface.co/api/models/Qwen/Qwen3-8B",
    *,
    kind: SourceKind = SourceKind.MAKER,
    quote: str | None = None,
    at: datetime = NOON,
) -> Source:
    return Source(
        url=url,
        kind=kind,
        retrieved_at=at,
        content_hash=content_hash(url),
        quote=quote,
        record_field=None if quote else "record.field",
    )


def candidate(
    key: str = "Qwen/Qwen3-8B",
    name: str = "Qwen3 8B",
    *,
    family: str = "qwen3",
    standing: Standing = Standing.ACCEPTED,
    reason: str = "It is of the size asked for.",
) -> Candidate:
    return Candidate(
        key=key, name=name, family=family, standing=standing, reason=reason, found_by="the member list"
    )


def fact(key: str, factor: Factor, value: Value, where: Source | None = None, note: str = "") -> Fact:
    return Fact(candidate=key, factor=factor, value=value, source=where or source(), note=note)


def claim(
    stance: Stance = Stance.FOR,
    kind: ClaimKind = ClaimKind.USER_REPORT,
    *,
    key: str = "Qwen/Qwen3-8B",
    url: str = "https://forum.example/1",
    quote: str = "It listens well.",
    summary: str = "A user says that it listens well.",
    suspicious: bool = False,
    quality: Quality = Quality.NAMED,
    dated: date | None = None,
    copies: tuple[str, ...] = (),
    said_by: SourceKind = SourceKind.THIRD_PARTY,
) -> Claim:
    return Claim(
        candidate=key,
        stance=stance,
        kind=kind,
        summary=summary,
        suspicious=suspicious,
        quality=quality,
        dated=dated,
        copies=copies,
        source=source(url, kind=said_by, quote=quote),
    )


def request(
    domain_key: str | None = "therapy-coaching",
    *,
    domain: str = "therapy coaching",
    low: int = 7,
    high: int = 9,
    licence: LicenceNeed = LicenceNeed.ANY,
    memory: int | None = None,
    turns: int | None = None,
    languages: tuple[str, ...] = ("en",),
) -> EvaluationRequest:
    return EvaluationRequest(
        text="evaluate 8B models for therapy coaching",
        size=SizeRange(minimum=low * 10**9, maximum=high * 10**9),
        domain=domain,
        domain_key=domain_key,
        licence_need=licence,
        memory_budget_bytes=memory,
        longest_conversation_turns=turns,
        languages=languages,
    )


def usual_facts(
    key: str,
    *,
    parameters: int = 8_190_735_360,
    licence: str = "apache-2.0",
    focus: str = "hybrid thinking",
    released: str = "2025-04-29",
    context: int = 32_768,
) -> list[Fact]:
    """The facts of an unremarkable candidate."""
    here = source(f"https://huggingface.co/api/models/{key}")
    return [
        fact(key, Factor.PARAMETERS, parameters, here),
        fact(key, Factor.LICENCE, licence, here),
        fact(key, Factor.ARCHITECTURE_FOCUS, focus, here),
        fact(key, Factor.RELEASE_DATE, released, here),
        fact(key, Factor.CONTEXT_NATIVE, context, here),
    ]
