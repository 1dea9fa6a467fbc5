"""Records of ``domains.yaml``: what a domain asks of a model, and how it is recognised and searched for."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Focus(StrEnum):
    """What a model was trained to do; values of the fact ``architecture_focus`` begin with one of these."""

    CHAT = "chat"
    HYBRID = "hybrid thinking"
    REASONING = "reasoning"
    CODE = "code"
    MATHEMATICS = "mathematics"
    BASE = "base"
    DOMAIN_FINE_TUNE = "domain fine-tune"


_FOCUS_WORDS: tuple[tuple[str, Focus], ...] = (
    (r"fine-?\s?tune|finetune", Focus.DOMAIN_FINE_TUNE),
    (r"cod(?:e|er|ing)\b", Focus.CODE),
    (r"math(?:s|ematics|ematical)?\b", Focus.MATHEMATICS),
    (r"hybrid|switch|optional thinking", Focus.HYBRID),
    (r"non-thinking|no thinking", Focus.CHAT),
    (r"reason(?:ing|er)?\b|thinking|\br1\b", Focus.REASONING),
    (r"\bbase\b|pre-?trained", Focus.BASE),
    (r"chat|instruct|conversation|assistant", Focus.CHAT),
)
"""Most telling word first: a code model that also chats is a code model."""


def parse_focus(value: str) -> Focus | None:
    """The focus that a fact's words name, such as ``hybrid (enable_thinking switch)``; None for others."""
    lowered = value.lower()
    for words, focus in _FOCUS_WORDS:
        if re.search(words, lowered):
            return focus
    return None


class Liking(StrEnum):
    """How a domain takes a focus."""

    PREFER = "prefer"
    ACCEPT = "accept"
    AVOID = "avoid"


class Preference(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    liking: Liking
    why: str = Field(min_length=20)
    """One sentence that the person sees."""


class Domain(BaseModel):
    """One domain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    """As it stands in a sentence: ``therapy coaching``."""
    known: bool = True
    """False for a free domain, which has the neutral defaults."""
    weak: bool = False
    """Its aliases are words of any request; it is meant only when no other domain is named."""
    aliases: tuple[str, ...] = Field(min_length=1)
    """Words that name it in a request, lower case."""
    search_words: tuple[str, ...] = Field(min_length=1)
    """Words for search queries, the most telling first."""
    evidence_words: tuple[str, ...] = Field(min_length=1)
    """Words that mark a passage as being about the domain."""
    benchmarks: tuple[str, ...] = ()
    """Names of benchmarks that measure something like it."""
    benchmarks_why: str = ""
    """What they measure of it, in one sentence."""
    other_benchmarks: tuple[str, ...] = ()
    """Names that contain one of ``benchmarks`` and measure something else."""
    preferences: dict[Focus, Preference] = Field(default_factory=dict)
    """Every focus, after the defaults have been filled in."""
    plain_reply: bool = True
    """Answers are wanted without thinking aloud: thinking is switched off where the model can."""
    system_prompt: str = Field(min_length=20)
    """Default system prompt of the evaluation."""
    taxonomy: str | None = None
    """Starter taxonomy under ``tools/knowledge/``; None where there is none."""
    rubric: str | None = None
    """Starter rubric under ``tools/knowledge/``; None where there is none."""
    licence_watch: tuple[str, ...] = ()
    """Subjects that use policies restrict and the domain touches: ``medical``, ``legal``, ``financial``."""
    known_fine_tunes: tuple[str, ...] = ()
    """Hub repositories of fine-tunes for the domain: seeds that a popularity sort never surfaces."""

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that marks a text as being about the domain, without repetition."""
        return tuple(dict.fromkeys((*self.aliases, *self.evidence_words)))

    def mentions(self, text: str) -> bool:
        """Whether ``text`` speaks of the domain in one of its words."""
        return any(phrase_in(word, text) for word in self.words)

    def benchmark_in(self, text: str) -> str | None:
        """The fitting benchmark that ``text`` names, the longest name of several."""
        for other in self.other_benchmarks:
            text = _phrase(other).sub(" ", text)
        return max((name for name in self.benchmarks if phrase_in(name, text)), key=len, default=None)


def phrase_in(phrase: str, text: str) -> bool:
    """Whether ``phrase`` stands in ``text`` as whole words; any case, a space also matches a hyphen."""
    return bool(phrase.strip(" -")) and _phrase(phrase).search(text) is not None


@cache
def _phrase(phrase: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in re.split(r"[\s-]+", phrase.strip()) if part]
    return re.compile(r"(?<!\w)" + r"[\s-]+".join(parts) + r"(?!\w)", re.IGNORECASE)


class Domains(BaseModel):
    """Every domain known, and the neutral default for the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_preferences: dict[Focus, Preference]
    """For every focus; a domain states where it differs."""
    default_system_prompt: str = Field(min_length=20)
    """``{domain}`` stands for the domain in the person's words."""
    generic_words: frozenset[str] = frozenset()
    """Words of a free domain's name that tell nothing of it, and so mark no passage as being about it."""
    domains: tuple[Domain, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Domains:
        missing = [focus.value for focus in Focus if focus not in self.default_preferences]
        if missing:
            raise ValueError(f"default_preferences lacks {', '.join(missing)}")
        if "{domain}" not in self.default_system_prompt:
            raise ValueError("default_system_prompt has no {domain}")
        keys = [domain.key for domain in self.domains]
        aliases = [alias for domain in self.domains for alias in domain.aliases]
        twice = sorted({name for name in keys if keys.count(name) > 1})
        twice += sorted({name for name in aliases if aliases.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return self

    def get(self, key: str) -> Domain | None:
        """The domain with ``key``, every preference filled in."""
        found = next((domain for domain in self.domains if domain.key == key), None)
        return self._filled(found) if found else None

    def free(self, name: str) -> Domain:
        """A neutral domain for what the file does not know, from its own words; never fails.

        Each telling word of the name searches and marks passages beside the whole name. Use policies are
        watched for the subjects that known domains of the same words touch: patent law is legal.
        """
        title = " ".join(name.split())[:120] or "general use"
        key = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "free-domain"
        told = [word for word in re.findall(r"[^\W\d_]{3,}", title.lower()) if word not in self.generic_words]
        words = tuple(dict.fromkeys([title.lower(), *told]))
        touched = (known for known in self.domains if any(phrase_in(word, title) for word in known.aliases))
        return self._filled(
            Domain(
                key=key,
                title=title,
                known=False,
                aliases=(title.lower(),),
                search_words=words[:4],
                evidence_words=words,
                licence_watch=tuple(dict.fromkeys(s for known in touched for s in known.licence_watch)),
                system_prompt=self.default_system_prompt.replace("{domain}", title),
            )
        )

    def named(self, key: str | None, name: str) -> Domain:
        """The domain of a request: the known one with ``key``, or the free one called ``name``."""
        found = self.get(key) if key else None
        return found or self.free(name)

    def _filled(self, domain: Domain) -> Domain:
        merged = {**self.default_preferences, **domain.preferences}
        return domain.model_copy(update={"preferences": merged})
