"""The engines that a person names, in their order, each behind a circuit breaker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tools.faults import WrongUse
from tools.search.base import LANGCHAIN_PREFIX, SearchEngine

if TYPE_CHECKING:
    from tools.web import Web

DEFAULT_ENGINES: Final = "duckduckgo,searxng,mojeek,brave"
SEARXNG: Final = "searxng"


def engine_names(text: str) -> tuple[str, ...]:
    """The engines of a list such as ``duckduckgo,mojeek``, each once.

    Raises ValueError, which names the choices, for one that is unknown, and for a list without any.
    """
    from tools.search.replies import signs

    known = (SEARXNG, *signs().names)
    choices = f"{', '.join(known)} and {LANGCHAIN_PREFIX}package.module.Class"
    names = []
    for entry in dict.fromkeys(part.strip() for part in text.split(",") if part.strip()):
        dotted = entry.removeprefix(LANGCHAIN_PREFIX)
        foreign = dotted != entry and "." in dotted and all(p.isidentifier() for p in dotted.split("."))
        if not foreign and entry.lower() not in known:
            raise ValueError(f"{entry!r} is no search engine; there are {choices}")
        names.append(entry if foreign else entry.lower())
    if not names:
        raise ValueError(f"no search engine is named; there are {choices}")
    return tuple(dict.fromkeys(names))


def open_engines(
    names: Sequence[str],
    web: Web,
    *,
    searxng_url: str | None = None,
    duckduckgo_url: str | None = None,
    polite: bool = True,
) -> tuple[SearchEngine, ...]:
    """The engines of ``names``, as :func:`engine_names` gives them. SearXNG is left out without its address.

    ``polite=False`` takes no time between queries: a replay asks nobody.
    """
    from tools.search.breaker import BreakerEngine

    kept = [name for name in names if name != SEARXNG or searxng_url is not None]
    if not kept:
        raise WrongUse(
            "No search engine is set.", "Set BMS_SEARXNG_URL, or name others in BMS_SEARCH_ENGINES."
        )
    return tuple(BreakerEngine(_open(name, web, searxng_url, duckduckgo_url, polite)) for name in kept)


def _open(
    name: str, web: Web, searxng_url: str | None, duckduckgo_url: str | None, polite: bool
) -> SearchEngine:
    from tools.search.duckduckgo import DdgsEngine, DuckDuckGo
    from tools.search.langchain import open_langchain
    from tools.search.searxng import SearXNG

    interval = None if polite else 0.0
    if name == SEARXNG and searxng_url is not None:
        return SearXNG(web, searxng_url)
    if name.startswith(LANGCHAIN_PREFIX):
        return open_langchain(name.removeprefix(LANGCHAIN_PREFIX))
    if name == "duckduckgo":
        return DuckDuckGo(url=duckduckgo_url, min_interval_seconds=interval, jitter_seconds=interval)
    return DdgsEngine(name, min_interval_seconds=interval, jitter_seconds=interval)
