"""What stands behind a model that may be chosen: what is to be downloaded, and whether there is room."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, NamedTuple

from agent.pages.columns import Text, need_of, number, text_of
from tools.facts import Factor
from tools.needs import gigabytes
from tools.request import EvaluationRequest
from tools.table import Column, TableRow

KINDS: Final = (
    ("Ollama", Factor.OLLAMA_TAG, Factor.OLLAMA_BYTES, Factor.OLLAMA_QUANTIZATION),
    ("GGUF", Factor.GGUF_FILE, Factor.GGUF_BYTES, None),
)


class Machine(NamedTuple):
    """The computer on which the service runs, in bytes."""

    free_disk: int
    memory: int
    """All of it."""
    available_memory: int


class Packaged(NamedTuple):
    """A copy that can be pulled."""

    kind: str
    name: str
    quantization: str
    bytes: int | None


class Choice(NamedTuple):
    """A model that may be approved, with what a person wants to know before."""

    row: TableRow
    packaged: tuple[Packaged, ...]
    memory: Text
    context: Text
    warnings: tuple[str, ...]
    """What may stop it from being pulled or run, one sentence each."""


def machine(home: Path) -> Machine:
    """Disk where the service keeps its data, and main memory."""
    import psutil

    existing = next((place for place in (home, *home.parents) if place.exists()), home)
    memory = psutil.virtual_memory()
    return Machine(shutil.disk_usage(existing).free, memory.total, memory.available)


def choice(row: TableRow, request: EvaluationRequest, here: Machine) -> Choice:
    """Pure."""
    packaged = tuple(found for kind in KINDS if (found := _packaged(row, *kind)) is not None)
    need = need_of(row, request.needed_context)
    return Choice(
        row=row,
        packaged=packaged,
        memory=text_of(row, Column.MEMORY),
        context=text_of(row, Column.CONTEXT),
        warnings=tuple(_warnings(packaged, None if need is None else need.total, request, here)),
    )


def _packaged(
    row: TableRow, kind: str, name: Factor, size: Factor, quantization: Factor | None
) -> Packaged | None:
    facts = {fact.factor: str(fact.value) for fact in row.cell(Column.QUANTIZATION).facts}
    if name not in facts:
        return None
    size_bytes = number(row, Column.QUANTIZATION, size)
    told = facts.get(quantization, "") if quantization is not None else ""
    return Packaged(kind, facts[name], told, None if size_bytes is None else int(size_bytes))


def _warnings(
    packaged: tuple[Packaged, ...], memory: int | None, request: EvaluationRequest, here: Machine
) -> list[str]:
    told = []
    if not packaged:
        told.append("No packaged copy of it is known (no Ollama tag, no GGUF file), so it may not be pulled.")
    sizes = [copy.bytes for copy in packaged if copy.bytes is not None]
    if sizes and min(sizes) > here.free_disk:
        told.append(
            f"It takes at least {gigabytes(min(sizes))} on disk, and {gigabytes(here.free_disk)} are free."
        )
    budget = request.memory_budget_bytes
    if memory is None:
        told.append("How much memory it needs is not known.")
    elif budget is not None and memory > budget:
        told.append(f"It needs about {gigabytes(memory)} of memory; {gigabytes(budget)} may be used.")
    if memory is not None and memory > here.memory:
        told.append(
            f"It needs about {gigabytes(memory)} of memory, and this machine has {gigabytes(here.memory)}; a "
            "graphics card's own memory is not counted."
        )
    elif memory is not None and memory > here.available_memory:
        told.append(
            f"It needs about {gigabytes(memory)} of memory, and {gigabytes(here.available_memory)} of this "
            "machine's are free now."
        )
    return told
