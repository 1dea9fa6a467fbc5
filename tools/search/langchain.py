"""Any LangChain search wrapper or tool as a search engine; off the main path.

What these wrappers give back is a list, a dictionary or a text, and the status of the reply is lost: some
turn a block into an empty list (DuckDuckGo's, when its library says "No results found"), some into a sentence
in place of results (SearXNG's, whose silent engines it drops). So nothing found through one is reported as a
failure, never as an empty result: it cannot be told from a block.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Final

from tools.faults import WrongUse
from tools.outcomes import Blocked, BlockReason, Failed, FailReason, Found, Outcome
from tools.search.base import LANGCHAIN_PREFIX, NotRecordedError, SearchHit, in_brief, is_miss, make_hit
from tools.search.pace import EnginePace
from tools.search.replies import refusal

INSTALL: Final = 'pip install "base-model-selector[community]"'

MIN_INTERVAL_SECONDS = 1.0
JITTER_SECONDS = 0.5
MAX_RESULTS = 10
LONGEST_TEXT = 1_000_000
"""Characters of a tool's text that are read."""
LINKS = ("link", "url", "href", "source")
TITLES = ("title", "name")
SNIPPETS = ("snippet", "content", "body", "description", "desc", "page_content", "text")
LISTS = ("results", "organic", "organic_results", "web_results", "items")
INNER = ("api_wrapper", "search_wrapper", "wrapper")
"""Names under which LangChain's tools hold the wrapper that has structured results."""

WORDS: tuple[tuple[str, BlockReason | FailReason], ...] = (
    (r"rate ?-?limit|too many requests|quota", BlockReason.RATE_LIMIT),
    (r"captcha|challenge|unusual traffic|not a robot", BlockReason.CHALLENGE),
    (r"forbidden|access denied|unauthori[sz]ed", BlockReason.FORBIDDEN),
    (r"time(?:d)? ?-?out", FailReason.TIMEOUT),
    (r"connection|resolve|unreachable|network", FailReason.UNREACHABLE),
)
"""Words of an error, its type's name among them, when it has no status."""
STATUS_WORDS = re.compile(
    r"\b(?:status(?: code)?|http(?: error)?|error)\D{0,3}([2-5]\d\d|999)\b", re.IGNORECASE
)
NOTHING = "it gave nothing, which through LangChain cannot be told from a block"


def open_langchain(dotted: str) -> LangChainSearch:
    """The engine for a class such as ``langchain_community.utilities.SearxSearchWrapper``.

    The class reads its own settings from the environment. :class:`WrongUse` says what is missing.
    """
    module, _, name = dotted.rpartition(".")
    try:
        kind = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"langchain_community", "langchain_core"}:
            raise WrongUse(f"{dotted} needs LangChain's community tools.", f"{INSTALL} adds them.") from error
        raise WrongUse(f"There is no {dotted} here: {in_brief(error)}.", _where(dotted)) from error
    except (ImportError, AttributeError, ValueError) as error:
        raise WrongUse(f"There is no {dotted} here: {in_brief(error)}.", _where(dotted)) from error
    try:
        return LangChainSearch(kind())
    except WrongUse:
        raise
    except Exception as error:  # whatever a foreign class says of its settings
        raise WrongUse(f"{dotted} cannot be used: {_why(error)}.", "It reads its own settings.") from error


def _why(error: Exception) -> str:
    """The words of an error; of pydantic's without the values that it shows, which may be keys."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return "; ".join(problem["msg"] for problem in error.errors())[:300]
    return in_brief(error)


def _where(dotted: str) -> str:
    return f"BMS_SEARCH_ENGINES names {dotted!r}; it must be {LANGCHAIN_PREFIX}package.module.Class."


class LangChainSearch:
    """A :class:`~tools.search.base.SearchEngine` on a LangChain wrapper or tool.

    ``.results(query[, how many])`` of the tool, or of the wrapper that it holds, is preferred; then a tool's
    ``invoke``, then ``run``. It runs in a thread, one query at a time, and is given up after
    ``timeout_seconds``.
    """

    def __init__(self, tool: Any, *, timeout_seconds: float = 30.0) -> None:
        self.name = f"{LANGCHAIN_PREFIX}{type(tool).__name__}"
        self._tool = tool
        self._structured = _structured(tool)
        if self._structured is None and not any(hasattr(tool, name) for name in ("invoke", "run")):
            raise WrongUse(f"{type(tool).__name__} is no LangChain search: it has no results, invoke or run.")
        self._timeout = timeout_seconds
        self._pace = EnginePace(min_interval_seconds=MIN_INTERVAL_SECONDS, jitter_seconds=JITTER_SECONDS)

    async def search(self, query: str, *, page: int = 1) -> Outcome[tuple[SearchHit, ...]]:
        """Results of ``query``. LangChain's wrappers have no pages: a later one is a failure."""
        if page > 1:
            return Failed(FailReason.UNSUPPORTED, "LangChain's search tools have no further pages")
        async with self._pace.turn():
            try:
                async with asyncio.timeout(self._timeout):
                    said = await asyncio.to_thread(self._ask, query)
            except TimeoutError:
                return Failed(FailReason.TIMEOUT, f"no answer within {self._timeout:g} s")
            except Exception as error:  # typed by its words; these tools raise whatever their libraries do
                if is_miss(error):
                    raise NotRecordedError(f"the query {query!r}", in_brief(error)) from error
                return read_error(error)
        hits = tuple(hit for item in _items(said) if (hit := _hit(item)) is not None)
        return Found(hits) if hits else Failed(FailReason.BAD_REPLY, NOTHING)

    def _ask(self, query: str) -> Any:
        if self._structured is not None:
            return self._structured.results(*_arguments(self._structured.results, query))
        if hasattr(self._tool, "invoke"):
            return _invoke(self._tool, query)
        return self._tool.run(query)


def read_error(error: BaseException) -> Blocked | Failed:
    """The outcome that an exception of a LangChain tool means: by its status, else by its type and words."""
    words = f"{type(error).__name__} {error}"[:5000]
    detail = in_brief(error)
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status is None and (named := STATUS_WORDS.search(words)):
        status = int(named.group(1))
    if isinstance(status, int) and (status == 202 or status >= 400):
        headers = getattr(response, "headers", None) or {}
        told = str(headers.get("Retry-After", ""))
        return refusal(status, float(told) if re.fullmatch(r"\d{1,6}", told) else None, detail)
    if "No results found" in words:
        return Failed(FailReason.BAD_REPLY, f"{NOTHING} ({detail})")
    reason = next((why for pattern, why in WORDS if re.search(pattern, words, re.IGNORECASE)), None)
    if isinstance(reason, BlockReason):
        return Blocked(reason, detail)
    return Failed(reason or FailReason.BAD_REPLY, detail)


def _structured(tool: Any) -> Any | None:
    held = (tool, *(getattr(tool, name, None) for name in INNER))
    return next((one for one in held if callable(getattr(one, "results", None))), None)


def _arguments(results: Any, query: str) -> tuple[Any, ...]:
    """The query, and how many results where the method takes that second."""
    parameters = list(inspect.signature(results).parameters.values())
    second = parameters[1] if len(parameters) > 1 else None
    takes_number = (
        second is not None
        and second.name in {"max_results", "num_results", "k", "count"}
        and second.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    return (query, MAX_RESULTS) if takes_number else (query,)


def _invoke(tool: Any, query: str) -> Any:
    """What a tool says to a call: its artefact where it keeps one, else its content."""
    fields = list(getattr(tool, "args", None) or {"query": None})
    field = "query" if "query" in fields else fields[0]
    call = {"type": "tool_call", "id": "search", "name": tool.name, "args": {field: query}}
    said = tool.invoke(call)
    if getattr(said, "status", None) == "error":
        raise ValueError(said.content)
    artefact = getattr(said, "artifact", None)
    return artefact if artefact is not None else getattr(said, "content", said)


def _items(said: Any) -> Iterable[Any]:
    if isinstance(said, str):
        said = _parsed(said)
    if isinstance(said, dict):
        said = next((said[name] for name in LISTS if isinstance(said.get(name), list)), [said])
    return said[: 5 * MAX_RESULTS] if isinstance(said, list | tuple) else ()


def _parsed(text: str) -> Any:
    """A text that is JSON, or Python's writing of a list; None for any other."""
    bounded = text[:LONGEST_TEXT].strip()
    for read in (json.loads, ast.literal_eval):
        try:
            return read(bounded)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    return None


def _hit(item: Any) -> SearchHit | None:
    if not isinstance(item, dict):  # a LangChain document
        metadata = getattr(item, "metadata", None)
        if not isinstance(metadata, dict):
            return None
        item = {**metadata, "page_content": getattr(item, "page_content", "")}

    def first(names: tuple[str, ...]) -> object:
        return next((item[name] for name in names if item.get(name)), "")

    return make_hit(first(TITLES), first(LINKS), first(SNIPPETS))
