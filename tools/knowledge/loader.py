"""Reads the YAML of ``tools/knowledge`` once; what is wrong in it is named by file and line."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar

from pydantic import BaseModel

from tools import yaml_lines
from tools.faults import WrongUse
from tools.knowledge.domains import Domains
from tools.knowledge.families import Families
from tools.knowledge.intake_words import IntakeWords
from tools.knowledge.licence_terms import Licences

Model = TypeVar("Model", bound=BaseModel)


def load_yaml(name: str, model: type[Model]) -> Model:
    """The packaged file ``name`` (``.yaml`` may be left off) as a ``model``; cached.

    Raises :class:`WrongUse` that names the file, and the line and the path of the first thing wrong in it.
    """
    loaded: Model = _load(name if name.endswith(".yaml") else f"{name}.yaml", model)
    return loaded


def knowledge_text(name: str) -> str:
    """The text of the packaged file ``name``; :class:`WrongUse` when there is none."""
    file = resources.files("tools.knowledge").joinpath(name)
    if "/" in name or "\\" in name or not name.endswith(".yaml") or not file.is_file():
        raise WrongUse(f"There is no knowledge file {name}.", "See the folder tools/knowledge.")
    return file.read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def _load(name: str, model: type[Any]) -> Any:
    where = f"tools/knowledge/{name}"
    return yaml_lines.validate(model, yaml_lines.parse(knowledge_text(name), where), where)


def families() -> Families:
    """``families.yaml``."""
    return load_yaml("families", Families)


def domains() -> Domains:
    """``domains.yaml``."""
    return load_yaml("domains", Domains)


def licences() -> Licences:
    """``licences.yaml``."""
    return load_yaml("licences", Licences)


def intake_words() -> IntakeWords:
    """``intake.yaml``."""
    return load_yaml("intake", IntakeWords)
