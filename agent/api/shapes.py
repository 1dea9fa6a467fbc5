"""Named tuples of the tools as records with names, for answers and their schema.

pydantic writes a named tuple as a list, in which nobody finds anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import GenericAlias, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model

from tools.report.results_json import plain

__all__ = ["plain", "record_type"]


@cache
def record_type(of: type) -> type[BaseModel]:
    """A record with the fields of a named tuple, however deep named tuples stand in it."""
    hints = get_type_hints(of)
    fields: dict[str, Any] = {name: (_named(hint), ...) for name, hint in hints.items()}
    about = (of.__doc__ or "").strip()
    return create_model(of.__name__, __config__=ConfigDict(frozen=True), __doc__=about, **fields)


def _named(hint: Any) -> Any:
    """``hint`` with records in the place of named tuples."""
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return record_type(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is None:
        return hint
    if origin in {Union, UnionType}:
        return Union[tuple(map(_named, inner))]  # noqa: UP007 – made while it runs
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return GenericAlias(tuple, (_named(inner[0]), ...))
    if origin in {dict, Mapping}:
        return GenericAlias(dict, (inner[0], _named(inner[1])))
    return hint
