"""The words by which evidence is read: ``tools/knowledge/evidence.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from tools.knowledge.loader import families, load_yaml

Words = tuple[str, ...]


class HostQuality(BaseModel):
    """Hosts, or hosts with the beginning of a path, by how far they answer for what they say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reviewed: Words = Field(min_length=1)
    """Benchmarks whose method can be read; study hosts count as these without being repeated."""
    named: Words = Field(min_length=1)
    """Makers, organisations and people that can be held to their words."""
    anonymous: Words = Field(min_length=1)
    """Forums and comments; ``forum.*`` is any host that begins so."""


class EvidenceRules(BaseModel):
    """Cue words, the grammar of comparisons, and what sources are. An ending ``*`` stands for any letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cues_for: Words = Field(min_length=1)
    """Words that speak for the model that a sentence names."""
    cues_against: Words = Field(min_length=1)
    """Words that speak against it."""
    not_cues: Words
    """Phrases that hold a cue and say nothing of the model: ``natural language``."""
    negations: Words = Field(min_length=1)
    """Words that turn a cue that follows within a few words."""
    not_negations: Words
    """Phrases that hold a negation and negate nothing: ``not only``."""
    verbs_before_not: Words
    """Cues that German negates afterwards."""
    comparatives_for: Words = Field(min_length=1)
    comparatives_against: Words = Field(min_length=1)
    linking: Words = Field(min_length=1)
    """Verbs that may stand between a model and what is said of it."""
    wins: Words = Field(min_length=1)
    """Verbs by which the subject is ahead of the object."""
    loses: Words = Field(min_length=1)
    """Verbs by which the object is ahead of the subject."""
    contrasts: Words = Field(min_length=1)
    """What names a model only to set another against it: ``unlike``."""
    clause_words: Words = Field(min_length=1)
    joins: Words = Field(min_length=1)
    list_openers: Words
    list_breakers: Words
    """Words that tell the members of a list apart: ``the former``."""
    unasserted: Words
    """Wishes, doubts and hypotheses: such sentences assert nothing."""
    sarcasm: Words
    needs: Words
    """What is about a request's hard needs rather than about ability: licence, context, packaging."""
    refers_back: Words = Field(min_length=1)
    """Beginnings of sentences that speak of the model named before."""
    other_after: Words
    """Words after a name that make it another model's: ``Qwen3 8B Base``."""
    other_before: Words
    """Words before a name that make it another model's: ``Hermes 3 Llama 3.1 8B``."""
    other_models: Words
    """Models that sentences set candidates against, beside the known families."""
    alone: Words
    """Those of them that stand without a version."""
    score_headers: Words
    """Headers of a column of figures whose benchmark stands in the heading above the table."""
    lower_is_better: Words
    embellishments: Words
    """Words after a benchmark's name by which an invented one borrows it."""
    study_hosts: Words
    """Hosts whose pages are studies, subdomains included."""
    study_words: Words = Field(min_length=1)
    """Words that make a sentence a study's."""
    quality: HostQuality
    page_date_words: Words = Field(min_length=1)
    own_date_words: Words = Field(min_length=1)
    months: dict[str, str] = Field(min_length=1)
    """Names of months → their English name."""

    @cached_property
    def for_it(self) -> re.Pattern[str]:
        return words_pattern(self.cues_for)

    @cached_property
    def against(self) -> re.Pattern[str]:
        return words_pattern(self.cues_against)

    @cached_property
    def no_cue(self) -> re.Pattern[str]:
        return words_pattern(self.not_cues)

    @cached_property
    def no_negation(self) -> re.Pattern[str]:
        return words_pattern(self.not_negations)

    @cached_property
    def turned_later(self) -> re.Pattern[str]:
        return words_pattern(self.verbs_before_not)

    @cached_property
    def study(self) -> re.Pattern[str]:
        return words_pattern(self.study_words)

    @cached_property
    def negates(self) -> re.Pattern[str]:
        """A negation anywhere."""
        return words_pattern(self.negations)

    @cached_property
    def negation(self) -> re.Pattern[str]:
        """A negation at the end of what stands before a cue."""
        return re.compile(self.negates.pattern + r"[\s\w]{0,25}$", re.IGNORECASE)

    @cached_property
    def nothing_asserted(self) -> re.Pattern[str]:
        return words_pattern((*self.unasserted, *self.sarcasm))

    @cached_property
    def about_needs(self) -> re.Pattern[str]:
        return words_pattern(self.needs)

    @cached_property
    def refers(self) -> re.Pattern[str]:
        """The beginning of a sentence that refers back; list marks and emphasis before it do not matter."""
        return re.compile(r"^[\W_]*" + words_pattern(self.refers_back).pattern, re.IGNORECASE)

    @cached_property
    def after_name(self) -> re.Pattern[str]:
        return re.compile(r"[\s_:/-]{1,2}" + words_pattern(self.other_after).pattern, re.IGNORECASE)

    @cached_property
    def before_name(self) -> re.Pattern[str]:
        """A foreign word at the end of what stands before a name, with a version between them or not."""
        return re.compile(
            words_pattern(self.other_before).pattern + r"(?:[\s_:/-]{1,2}\d[\w.]*)?[\s_:/-]{1,2}$",
            re.IGNORECASE,
        )

    @cached_property
    def lower(self) -> re.Pattern[str]:
        return words_pattern(self.lower_is_better)

    @cached_property
    def score(self) -> re.Pattern[str]:
        return words_pattern(self.score_headers)

    @cached_property
    def family_words(self) -> frozenset[str]:
        """Letters with which model names begin, in lower case: ``qwen``, ``gpt``."""
        aliases = [alias for family in families().families for alias in family.aliases]
        starts = (re.match(r"[a-z]{3,}", alias) for alias in aliases)
        return frozenset({start.group() for start in starts if start} | set(self.other_models))

    @cached_property
    def other_model(self) -> re.Pattern[str]:
        """A model by family and version (``Llama 3 70B``), or by a name that stands alone."""
        named = forms(sorted(self.family_words, key=lambda word: (-len(word), word)))
        return re.compile(
            rf"(?<![\w.-])(?:(?:{named})[\s_:/-]{{0,2}}[a-z]{{0,2}}\d[\w.:-]*(?:[\s_-]\d+(?:\.\d+)?b\b)?"
            rf"|(?:{forms(self.alone)})(?:[\s-](?:\d[\w.]*|opus|sonnet|haiku|pro|flash))*)(?!\w)",
            re.IGNORECASE,
        )

    def is_study_host(self, host: str) -> bool:
        return any(host == known or host.endswith("." + known) for known in self.study_hosts)


def forms(words: Iterable[str]) -> str:
    """``words`` as the alternatives of an expression; a space also matches a line's end."""
    ranked = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word).replace(r"\*", r"\w*").replace(r"\ ", r"\s+") for word in ranked)


def words_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of ``words`` as whole words; the longest wins. Nothing matches where there are none."""
    return re.compile(rf"(?<!\w)(?:{forms(words) or '(?!)'})(?!\w)", re.IGNORECASE)


def evidence_rules() -> EvidenceRules:
    """The rules that ship with the package. Raises :class:`WrongUse` when the file is damaged."""
    return load_yaml("evidence", EvidenceRules)
