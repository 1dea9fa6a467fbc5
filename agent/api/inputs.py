"""What requests may hold: identifiers, numbers and texts, each with its bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import StringConstraints

from store.evaluation import ModelRole
from tools.faults import WrongUse

MOST = 200
"""Items of a page."""
EXAMPLE_RUN = "20261121-k7m2q"

RunId = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9-]{1,40}$",
        description="Name of the run; a beginning that no other run has is enough.",
        examples=[EXAMPLE_RUN],
    ),
]
RunName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")]
ScenarioId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["s012"], description="The scenario.")
]
Role = Annotated[ModelRole, Query(description="Whose answers: those of the primary model or of the backup.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of this page.")]
Offset = Annotated[
    int, Query(alias="cursor", ge=0, le=10**9, description="`next` of the page before; 0 for the first.")
]
Named = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


async def only_text(request: Request) -> None:
    """Refuse texts that no database holds: with NUL, or with half of a surrogate pair."""
    parts: list[Any] = [*request.path_params.values(), *request.query_params.multi_items()]
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        try:
            parts.append(await request.json())
        except (ValueError, RecursionError):
            parts = parts[:]  # whoever reads the body says what is wrong with it
    strange = next((text for text in texts(parts) if not is_text(text)), None)
    if strange is not None:
        raise WrongUse(
            "A text holds a NUL or half of a surrogate pair, which is no Unicode text.",
            "Take it out, and send the rest.",
        )


def is_text(text: str) -> bool:
    """Whether any database and any response can hold it."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value, names of fields included; however deep."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += found.keys()
            waiting += found.values()
        elif isinstance(found, list | tuple):
            waiting += found


ONLY_TEXT = Depends(only_text)
