"""Facts of one candidate together: what is displayed, what contradicts it, and what says it differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tools.facts import Fact, Factor, Settled, settle

RULES: Final[Mapping[Factor, str]] = {
    Factor.PARAMETERS: "counts within 2 %, or rounded to the digits given, agree",
    Factor.CONTEXT_NATIVE: "128k is 128,000 or 131,072",
    Factor.CONTEXT_EXTENDED: "128k is 128,000 or 131,072",
    Factor.LICENCE: "two names of one licence",
    Factor.RELEASE_DATE: "a month agrees with its days",
    Factor.LANGUAGES: "the same languages in another order",
    Factor.ARCHITECTURE_FOCUS: "what it was trained for and how it answers are both true",
    Factor.CACHE_BYTES: "sizes within 2 % agree",
}
"""Why two values that differ are the same, for a footnote."""


ARTEFACTS: Final = (
    (Factor.GGUF_REPO, (Factor.GGUF_FILE, Factor.GGUF_BYTES, Factor.GGUF_SHA256)),
    (Factor.OLLAMA_TAG, (Factor.OLLAMA_BYTES, Factor.OLLAMA_DIGEST, Factor.OLLAMA_QUANTIZATION)),
)
"""What names an artefact, and what is said of it."""


class Reading(NamedTuple):
    """One factor: the displayed fact with its contradictions, and what agrees with it in other words."""

    settled: Settled
    otherwise: tuple[Fact, ...]


def read_together(facts: Iterable[Fact]) -> dict[Factor, Reading]:
    """Facts of one candidate by factor; the order of ``facts`` does not matter.

    Another GGUF repository or Ollama tag is an alternative and no contradiction: what is said of artefacts
    other than the one displayed is left out, so that no two of them are mixed.
    """
    groups: dict[Factor, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.factor, []).append(fact)
    for name, said in ARTEFACTS:
        _keep_one_artefact(groups, name, said)
    return {factor: reading for factor, group in groups.items() if (reading := _read(group)) is not None}


def _read(group: list[Fact]) -> Reading | None:
    settled = settle(group)
    if settled is None:
        return None
    aside = {id(fact) for fact in settled.contradicting}
    otherwise = [
        f for f in group if id(f) not in aside and f.value != settled.fact.value and f.factor in RULES
    ]
    return Reading(settled, tuple(sorted(otherwise, key=lambda fact: fact.model_dump_json())))


def _keep_one_artefact(groups: dict[Factor, list[Fact]], name: Factor, said: tuple[Factor, ...]) -> None:
    settled = settle(groups.get(name, ()))
    if settled is None:
        return
    ours = {fact.source.url for fact in groups[name] if fact.value == settled.fact.value}
    others = {fact.source.url for fact in groups[name]} - ours
    for factor in (name, *said):
        kept = [fact for fact in groups.get(factor, ()) if fact.source.url not in others]
        if kept:
            groups[factor] = kept
        else:
            groups.pop(factor, None)
