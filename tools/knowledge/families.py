"""Records of ``families.yaml``: which families there are, and which candidates to enumerate first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from tools.identity import FamilyPattern, KnownNames


class Member(BaseModel):
    """A seed for enumeration: a name and where it lives. Facts about it come from sources at run time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What people call it: ``Qwen3 8B``."""
    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    """Hub repository of the original weights."""
    ollama_tag: str | None = None
    """Tag in Ollama's library; None where none is known. A hint for where to look, never believed without
    proof: a tag may point at other weights tomorrow."""
    size: float = Field(gt=0)
    """Nominal size in billions, as its name says; never shown as its parameter count."""
    weights: str | None = None
    """Lineage group of the weights it was trained from, where that is not its family's."""


class Family(BaseModel):
    """A line of models from one maker, or a line of fine-tunes that people know by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    name: str
    lineage: str = Field(pattern=r"^[a-z0-9-]+$")
    """Lineage group: what "of the same family" means for a judge and for a backup."""
    maker: str = Field(pattern=r"^[a-z0-9-]+$")
    """Whoever trained it; a distillation has the lineage of its weights and the taste of its maker."""
    orgs: tuple[str, ...] = Field(min_length=1)
    """The makers' organisations on the Hub."""
    aliases: tuple[str, ...] = Field(min_length=1)
    """Beginnings of model names that belong to the family, lower case, without separators: ``qwen3``."""
    members: tuple[Member, ...] = ()


class Families(BaseModel):
    """Every family, with the questions that the rest of the code asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: tuple[Family, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Families:
        members = [member for family in self.families for member in family.members]
        tags = [member.ollama_tag for member in members if member.ollama_tag]
        aliases = [alias for family in self.families for alias in family.aliases]
        for what, names in (
            ("family key", [family.key for family in self.families]),
            ("repository", [member.repo.lower() for member in members]),
            ("Ollama tag", tags),
            ("alias", aliases),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} named twice: {', '.join(twice)}")
        return self

    def get(self, key: str) -> Family | None:
        """The family with ``key``."""
        return next((family for family in self.families if family.key == key), None)

    @cached_property
    def _seeds(self) -> Mapping[str, Member]:
        return {member.repo: member for family in self.families for member in family.members}

    @cached_property
    def _names(self) -> KnownNames:
        from tools.identity import KnownNames

        return KnownNames({repo: said_of(member) for repo, member in self._seeds.items()})

    @cached_property
    def _by_alias(self) -> Mapping[str, Family]:
        return {alias: family for family in self.families for alias in family.aliases}

    @cached_property
    def _family_of_seed(self) -> Mapping[str, Family]:
        return {member.repo: family for family in self.families for member in family.members}

    def member(self, model: str) -> Member | None:
        """The seed that a repository (a re-upload's too), an Ollama tag or a name means; any case."""
        repo = self._names.key(model)
        return None if repo is None else self._seeds[repo]

    def of(self, model: str) -> Family | None:
        """The family of a Hub repository, an Ollama tag or a model's name; None when no family knows it.

        A seed is found by its repository or tag, anything else by :meth:`by_beginning`.
        """
        repo = self._names.key(model)
        if repo is not None:
            return self._family_of_seed[repo]
        found = self.by_beginning(model)
        if found is None and ":" in model:
            return self.of(model.split(":", 1)[1])
        return found

    def by_beginning(self, model: str) -> Family | None:
        """The family with the longest alias that the name begins with, a maker's prefix such as ``Meta-``
        taken off."""
        name = _name(model)
        for joint in name.joints:
            family = self._by_alias.get(name.folded[:joint])
            if family is not None:
                return family
        return None

    def lineages(self, model: str) -> frozenset[str]:
        """Every group that ``model`` belongs to: of its weights and of its maker; empty when unknown.

        Two models are related when these sets meet; a judge must not be related to its candidate.
        """
        family = self.of(model)
        if family is None:
            return frozenset()
        return frozenset({self.lineage(model) or family.lineage, family.maker})

    def lineage(self, model: str) -> str | None:
        """Lineage group of the weights of ``model``; None when unknown."""
        family, member = self.of(model), self.member(model)
        if member is not None and member.weights:
            return member.weights
        return family.lineage if family else None

    def patterns(self) -> tuple[FamilyPattern, ...]:
        """How ``tools.identity.family_of`` recognises each family; for kinship see :meth:`related`."""
        from tools.identity import FamilyPattern

        return tuple(
            FamilyPattern(family=family.key, patterns=tuple(_pattern(alias) for alias in family.aliases))
            for family in self.families
        )

    def related(self, one: str, other: str) -> bool:
        """Whether two models share weights' lineage or maker, as far as is known."""
        return bool(self.lineages(one) & self.lineages(other))


def said_of(member: Member) -> tuple[str, ...]:
    """What a seed is called besides its repository."""
    return (member.name, member.ollama_tag) if member.ollama_tag else (member.name,)


def _pattern(alias: str) -> str:
    """An expression for ``alias`` at the beginning of a lower-case name, separators allowed within it."""
    end = r"(?![a-z])" if alias[-1].isalpha() else r"(?![0-9])"
    return f"^{_MAKERS}" + r"[-_: ]?".join(re.escape(letter) for letter in alias) + end


_MAKERS = r"(?:(?:meta|c4ai|nvidia|thudm)[-_](?=.*[a-z]{3}))*"
"""What makers and re-uploaders put before a model's name."""
_PREFIX = re.compile(f"^{_MAKERS}")


class _Name(NamedTuple):
    folded: str
    """``Meta-Llama-3.1-8B`` → ``llama3.18b``: owner, maker's prefix and separators taken off."""
    joints: tuple[int, ...]
    """Places in ``folded`` where a word may end, the last first, so that ``phind`` is no ``phi``."""


def _name(model: str) -> _Name:
    name = _PREFIX.sub("", model.rsplit("/", 1)[-1].lower())
    parts = re.findall(r"[a-z]+|[^a-z\s_:-]+", name)
    ends = list(accumulate(len(part) for part in parts))
    return _Name("".join(parts), tuple(reversed(ends)))
