"""The rubric: categories with weights, criteria, gates; read from YAML with errors that name the line."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from tools.computed import Rule, VerdictWord
from tools.taxonomy import KNOWLEDGE
from tools.yaml_lines import LinedMap, did_you_mean, line_of, parse, read_text, validate, wrong

MAX_CRITERIA = 100

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(
            f'"{text[:40]}" is no identifier: it begins with a letter, and letters, digits, "_", "." and "-" '
            "follow, 32 characters at most"
        )
    return text


CriterionId = Annotated[str, AfterValidator(_identifier)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class NotApplicable(StrEnum):
    """What becomes of NA where it is allowed."""

    EXCLUDED = "excluded"
    COUNTS_AS_PASS = "counts_as_pass"  # noqa: S105 - no password


class Kind(StrEnum):
    """Who gives the verdict: a judge or a rule."""

    JUDGED = "judged"
    COMPUTED = "computed"


class Category(BaseModel):
    """A group of criteria and its share of the score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(ge=0, allow_inf_nan=False)
    gate: bool = False
    """Every criterion of the category is a gate."""
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _bare_weight(cls, given: Any) -> Any:
        """``comprehension: 0.15`` is its weight."""
        bare = isinstance(given, int | float) and not isinstance(given, bool)
        return {"weight": given} if bare else given


class Example(BaseModel):
    """An answer with its verdict, shown to the judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str = ""
    """What the user said, where it matters."""
    answer: Text
    verdict: VerdictWord
    reason: str = ""


class Criterion(BaseModel):
    """One question about an answer. YES is good."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: CriterionId
    category: str
    question: Text
    na_allowed: bool = False
    kind: Kind = Kind.JUDGED
    gate: bool = False
    """NO fails the answer whatever its score."""
    examples: tuple[Example, ...] = ()
    rule: Rule | None = None
    """How a computed criterion is decided."""


class Planted(BaseModel):
    """A message with a good and a bad answer, on which a judge is tried before it is trusted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: Text
    good: Text
    bad: Text


class Rubric(BaseModel):
    """What a good answer is: it passes when its weighted score reaches the threshold and no gate fails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    description: str = ""
    pass_threshold: float = Field(ge=0, le=1, allow_inf_nan=False)
    na: NotApplicable = NotApplicable.EXCLUDED
    categories: dict[str, Category] = Field(min_length=1)
    criteria: tuple[Criterion, ...] = Field(min_length=1, max_length=MAX_CRITERIA)
    planted: Planted | None = None

    @cached_property
    def ids(self) -> tuple[str, ...]:
        return tuple(criterion.id for criterion in self.criteria)

    @cached_property
    def gates(self) -> frozenset[str]:
        """Ids of the criteria whose failure fails the answer."""
        return frozenset(c.id for c in self.criteria if c.gate or self.categories[c.category].gate)

    @cached_property
    def judged(self) -> tuple[Criterion, ...]:
        return tuple(c for c in self.criteria if c.kind is Kind.JUDGED)

    @cached_property
    def computed(self) -> tuple[Criterion, ...]:
        return tuple(c for c in self.criteria if c.kind is Kind.COMPUTED)

    def criterion(self, identifier: str) -> Criterion:
        """KeyError when there is none."""
        return self._by_id[identifier]

    @cached_property
    def _by_id(self) -> dict[str, Criterion]:
        return {criterion.id: criterion for criterion in self.criteria}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the rubric, in sentences."""
        found: list[str] = []
        total = math.fsum(category.weight for category in self.categories.values())
        if abs(total - 1) > 1e-6:
            found.append(
                f"The weights of the categories sum to {total:.4g}; the score is their weighted mean."
            )
        used = {criterion.category for criterion in self.criteria}
        found += [f'The category "{name}" has no criteria.' for name in self.categories if name not in used]
        return tuple(found)


def load_rubric(path: str | Path) -> Rubric:
    """The rubric in a YAML file; :class:`WrongUse` names the file and the line of what is wrong."""
    return parse_rubric(read_text(path), Path(path).name)


def starter_rubric(domain_key: str | None) -> Rubric:
    """The rubric that comes with the program for a domain, or the general one."""
    path = KNOWLEDGE / f"{domain_key}.rubric.yaml"
    known = domain_key is not None and domain_key.replace("-", "").isalnum() and path.is_file()
    return load_rubric(path if known else KNOWLEDGE / "general.rubric.yaml")


def parse_rubric(text: str, name: str) -> Rubric:
    """The rubric in ``text``, with or without a ``rubric:`` wrapper; ``name`` stands in error messages."""
    tree = parse(text, name)
    if not isinstance(tree, LinedMap):
        wrong(name, 1, "a rubric is a mapping with name, pass_threshold, categories and criteria.")
    root = tree["rubric"] if isinstance(tree.get("rubric"), LinedMap) else tree
    rubric = validate(Rubric, root, name)
    _check(rubric, root, name)
    return rubric


def _check(rubric: Rubric, root: LinedMap, name: str) -> None:
    seen: dict[str, int] = {}
    for i, criterion in enumerate(rubric.criteria):
        line = line_of(root, ("criteria", i))
        if criterion.id in seen:
            wrong(name, line, f'the criterion "{criterion.id}" stands in line {seen[criterion.id]} already.')
        seen[criterion.id] = line
        if criterion.category not in rubric.categories:
            at = line_of(root, ("criteria", i, "category"))
            hint = did_you_mean(criterion.category, rubric.categories)
            wrong(name, at, f'the category "{criterion.category}" is not defined.', hint)
        if criterion.kind is Kind.COMPUTED and criterion.rule is None:
            wrong(
                name,
                line,
                f'the computed criterion "{criterion.id}" has no rule.',
                "Add a rule with its type.",
            )
        if criterion.kind is Kind.JUDGED and criterion.rule is not None:
            wrong(name, line, f'"{criterion.id}" has a rule and is judged.', 'Set "kind: computed".')
    used = {criterion.category for criterion in rubric.criteria}
    if not any(category.weight for key, category in rubric.categories.items() if key in used):
        line = line_of(root, ("categories",))
        wrong(name, line, "no category with criteria has a weight above 0, so there is no score.")
