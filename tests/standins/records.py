"""Small, valid records for tests of the rows and of the approval."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.standins.fact_page import page
from tools.candidates import Candidate, Claim, ClaimKind, Stance, Standing
from tools.facts import Fact, Factor, Source, SourceKind, Value, content_hash
from tools.request import EvaluationRequest, SizeRange
from tools.runtimes import Artefact, RuntimeName
from tools.web import Page

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CARD = "Qwen3 8B is a dialogue model.\n\nNumber of Parameters: 8,190,735,360\nLicence: apache-2.0"


def a_request(**changes: Any) -> EvaluationRequest:
    given = {
        "text": "evaluate 8B models for therapy coaching",
        "size": SizeRange(minimum=6_000_000_000, maximum=9_000_000_000),
        "domain": "therapy coaching",
    }
    return EvaluationRequest.model_validate({**given, **changes})


def a_page(text: str = CARD, url: str = "https://huggingface.co/Qwen/Qwen3-8B/raw/main/README.md") -> Page:
    noted = {"retrieved_at": NOW, "headers": {"etag": '"e"'}, "notes": ("a note",)}
    return page(text, url).model_copy(update=noted)


def a_source(text: str = CARD, **changes: Any) -> Source:
    given = {
        "url": "https://huggingface.co/Qwen/Qwen3-8B",
        "kind": SourceKind.MAKER,
        "retrieved_at": NOW,
        "content_hash": content_hash(text),
        "quote": "Number of Parameters: 8,190,735,360",
    }
    return Source.model_validate({**given, **changes})


def a_fact(
    candidate: str = "Qwen/Qwen3-8B",
    factor: Factor = Factor.PARAMETERS,
    value: Value = 8_190_735_360,
    **source: Any,
) -> Fact:
    return Fact(candidate=candidate, factor=factor, value=value, source=a_source(**source))


def a_claim(candidate: str = "Qwen/Qwen3-8B", **changes: Any) -> Claim:
    given = {
        "candidate": candidate,
        "stance": Stance.FOR,
        "kind": ClaimKind.STUDY,
        "summary": "A study found it good at dialogue.",
        "source": a_source(quote="Qwen3 8B is a dialogue model."),
    }
    return Claim.model_validate({**given, **changes})


def a_candidate(key: str = "Qwen/Qwen3-8B", **changes: Any) -> Candidate:
    given = {
        "key": key,
        "name": key.rpartition("/")[2],
        "family": "qwen3",
        "standing": Standing.ACCEPTED,
        "reason": "in the size range",
        "found_by": "an enumeration",
    }
    return Candidate.model_validate({**given, **changes})


def an_artefact(**changes: Any) -> Artefact:
    given = {
        "runtime": RuntimeName.OLLAMA,
        "name": "qwen3:8b",
        "digest": "sha256:" + "5" * 64,
        "size_bytes": 5_225_388_164,
        "quantization": "Q4_K_M",
    }
    return Artefact.model_validate({**given, **changes})
