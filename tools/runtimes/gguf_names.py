"""Names of GGUF models: a path on this machine, or a file in a repository on the Hub."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from tools.faults import WrongUse

MAIN = "main"
FORM = "A GGUF model is named by its path, or as owner/repo/file.gguf with an optional @revision."

_HUB = re.compile(
    r"(?P<owner>[A-Za-z0-9][\w.-]{0,95})/(?P<repo>[A-Za-z0-9][\w.-]{0,95})/"
    r"(?P<path>[^@\\:*?\"<>|]{1,400}\.gguf)(?:@(?P<revision>[\w./-]{1,200}))?",
    re.IGNORECASE,
)
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


class HubFile(NamedTuple):
    """A file in a repository on the Hub."""

    repo: str
    """``owner/repo``"""
    path: str
    revision: str

    def place_in(self, models: Path) -> Path:
        """Where the file is stored below ``models``."""
        return models.joinpath(*self.repo.split("/"), *self.path.split("/"))


def parse_gguf_name(model: str) -> Path | HubFile:
    """What ``model`` names. A file that exists is meant before one on the Hub.

    Raises :class:`WrongUse` for names that can be neither, and for models in several files.
    """
    name = model.strip()
    if "\0" in name:
        raise WrongUse(f"{model!r} is no name of a GGUF model.", FORM)
    local = Path(os.path.expanduser(name))  # pathlib raises where there is no such person
    is_path = local.is_absolute() or name.startswith(("./", "../", ".\\", "..\\"))
    if name.lower().endswith(".gguf") and (is_path or os.path.isfile(local)):
        found: Path | HubFile = local
    else:
        found = _parse_hub_name(model, name)
    if _SHARD.search(str(found.path if isinstance(found, HubFile) else found)):
        raise WrongUse(f"{model!r} is one of several files of a model.", "Choose a model in a single file.")
    return found


def _parse_hub_name(model: str, name: str) -> HubFile:
    match = _HUB.fullmatch(name)
    if match is None or not match["path"].isprintable():
        raise WrongUse(f"{model!r} is no name of a GGUF model.", FORM)
    parts = [*match["path"].split("/"), *(match["revision"] or MAIN).split("/")]
    if any(part in {"", ".", ".."} for part in parts):
        raise WrongUse(f"{model!r} is no name of a GGUF model.", FORM)
    return HubFile(f"{match['owner']}/{match['repo']}", match["path"], match["revision"] or MAIN)
