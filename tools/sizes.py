"""Sizes as people say them and as weights have them: few models called 8B have eight billion parameters.

Memory follows all the parameters that are stored, whatever share of them answers: a mixture of experts called
``30B-A3B`` is as fast as a 3B and as large as a 30B, and ``E4B`` stores about twice what it is called.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.request import SizeRange

BILLION = 10**9
NAME_TOLERANCE = 0.25
"""A name is believed when the real count is within a quarter of it: a "4B" with 4.66 billion, not with 8."""

_COUNT = r"(\d{1,4}(?:\.\d{1,2})?)\s?([bm])(?![a-z0-9])"
_NOMINAL = re.compile(rf"(?<![\w.])(?:(\d{{1,2}})x)?{_COUNT}", re.IGNORECASE)
_ACTIVE = re.compile(rf"(?<![\w.])a{_COUNT}", re.IGNORECASE)
_EFFECTIVE = re.compile(rf"(?<![\w.])e{_COUNT}", re.IGNORECASE)


class NamedSize(NamedTuple):
    """What a model's name says of its size, in parameters; None for what it does not say."""

    total: int | None
    """All that is stored: the memory that it needs."""
    active: int | None
    """Of a mixture of experts, those that answer each token: its speed."""
    effective: int | None
    """Of a model with per-layer embeddings (``E4B``), those in fast memory; it stores more."""


def named_size(name: str) -> NamedSize:
    """The sizes in a model's name: ``LFM2-8B-A1B`` → 8 billion in total, 1 billion active.

    ``8x7B`` says eight experts of seven billion: at most 56 billion, since they share their attention.
    """
    plain = re.sub(r"[-_/:]", " ", name)
    found = _NOMINAL.search(plain)
    total = None if found is None else int(found.group(1) or 1) * _parameters(found.group(2), found.group(3))
    return NamedSize(total, _first(_ACTIVE, plain), _first(_EFFECTIVE, plain))


def _first(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return _parameters(found.group(1), found.group(2)) if found else None


def _parameters(number: str, unit: str) -> int:
    return round(float(number) * (BILLION if unit.lower() == "b" else 10**6))


def nominal_parameters(name: str) -> int | None:
    """The parameters that a model's name claims: ``Qwen3-8B`` → 8,000,000,000; None when it claims none.

    ``E4B`` (effective parameters) and ``A3B`` (active ones) are no claims about size.
    """
    return named_size(name).total


def fits_size(size: SizeRange, parameters: int | None, name: str) -> bool | None:
    """Whether a model is of the size asked for; None when nothing tells.

    Its real count decides, or its name where the count is near it: a person who asks for 7–14B means the
    models called 14B, which have 14.8 billion.
    """
    counts = counted_as(parameters, name)
    return any(size.holds(one) for one in counts) if counts else None


def counted_as(parameters: int | None, name: str) -> tuple[int, ...]:
    """The parameters by which a model is of a size: its real count, and what its name claims where that is
    near, or where nothing else tells. Empty where nothing does."""
    nominal = nominal_parameters(name)
    if parameters is None:
        return () if nominal is None else (nominal,)
    near = nominal is not None and abs(parameters - nominal) <= NAME_TOLERANCE * nominal
    return (parameters, nominal) if nominal is not None and near else (parameters,)


def search_bounds(size: SizeRange) -> SizeRange:
    """``size`` widened so that a search by real parameter count finds models that fit by name."""
    return SizeRange(
        minimum=int(size.minimum * (1 - NAME_TOLERANCE)), maximum=int(size.maximum * (1 + NAME_TOLERANCE))
    )


def said(parameters: int) -> str:
    """``8.19B``, ``1.7B``, ``360M``."""
    if parameters >= BILLION:
        return f"{parameters / BILLION:.2f}".rstrip("0").rstrip(".") + "B"
    return f"{parameters / 10**6:.0f}M"
