"""Sizes as people say them and as weights have them: few models called 8B have eight billion parameters."""

from __future__ import annotations

import re

from tools.request import SizeRange

BILLION = 10**9
NAME_TOLERANCE = 0.25
"""A name is believed when the real count is within a quarter of it: a "4B" with 4.66 billion, not with 8."""

_NOMINAL = re.compile(r"(?<![\w.])(\d{1,4}(?:\.\d{1,2})?)\s?([bm])(?![a-z0-9])", re.IGNORECASE)


def nominal_parameters(name: str) -> int | None:
    """The parameters that a model's name claims: ``Qwen3-8B`` → 8,000,000,000; None when it claims none.

    ``E4B`` (effective parameters) and ``A3B`` (active ones) are no claims about size.
    """
    found = _NOMINAL.search(re.sub(r"[-_/:]", " ", name))
    if found is None:
        return None
    return round(float(found.group(1)) * (BILLION if found.group(2).lower() == "b" else 10**6))


def fits_size(size: SizeRange, parameters: int | None, name: str) -> bool | None:
    """Whether a model is of the size asked for; None when nothing tells.

    Its real count decides, or its name where the count is near it: a person who asks for 7–14B means the
    models called 14B, which have 14.8 billion.
    """
    nominal = nominal_parameters(name)
    if parameters is None:
        return None if nominal is None else size.holds(nominal)
    if size.holds(parameters):
        return True
    if nominal is None or abs(parameters - nominal) > NAME_TOLERANCE * nominal:
        return False
    return size.holds(nominal)


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
