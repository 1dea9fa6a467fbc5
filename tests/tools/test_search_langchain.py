"""LangChain's wrappers and tools: a real one against a server, scripted ones for the rest."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.http_server import Answered, StandIn, as_json
from tests.standins.patience import PATIENCE
from tools.faults import WrongUse
from tools.outcomes import Blocked, BlockReason, Failed, FailReason, Found
from tools.search.base import NotRecordedError, SearchHit
from tools.search.langchain import LangChainSearch, open_langchain, read_error

SEARX = "langchain_community.utilities.SearxSearchWrapper"
HIT = SearchHit(title="Therapy models", url="https://a.example/", snippet="of 8B")
RESULT = {
    "title": "Therapy models",
    "url": "https://a.example/",
    "content": "of 8B",
    "engines": ["brave"],
    "category": "general",
}
LINKED = {"title": "Therapy models", "link": "https://a.example/", "snippet": "of 8B"}

# --- a real wrapper ----------------------------------------------------------------------------------------


async def searx(monkeypatch: pytest.MonkeyPatch, answer: Answered) -> Any:
    with StandIn(lambda _: answer) as server:
        monkeypatch.setenv("SEARX_HOST", server.address)
        engine = open_langchain(SEARX)
        outcome = await engine.search("therapy 8B")
        assert server.asked[0].query["q"] == ["therapy 8B"]
    assert engine.name == "langchain:SearxSearchWrapper"
    return outcome


async def test_a_real_wrapper_finds(monkeypatch):
    assert await searx(monkeypatch, as_json({"results": [RESULT], "answers": []})) == Found((HIT,))


async def test_nothing_from_a_real_wrapper_is_a_failure_never_empty(monkeypatch):
    silent = {"results": [], "answers": [], "unresponsive_engines": [["brave", "CAPTCHA"]]}
    outcome = await searx(monkeypatch, as_json(silent))
    assert isinstance(outcome, Failed)
    assert "cannot be told from a block" in outcome.detail


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answered(b"<h1>Too Many Requests</h1>", 429), BlockReason.RATE_LIMIT),
        (Answered(b"<h1>Forbidden</h1>", 403), BlockReason.FORBIDDEN),
        (Answered(b"not json", 200), FailReason.BAD_REPLY),
    ],
)
async def test_what_a_real_wrapper_raises_is_typed(monkeypatch, answer, reason):
    outcome = await searx(monkeypatch, answer)
    assert isinstance(outcome, Blocked | Failed)
    assert outcome.reason is reason


async def test_a_server_that_is_gone(monkeypatch):
    server = StandIn(lambda _: Answered()).start()
    monkeypatch.setenv("SEARX_HOST", server.address)
    server.stop()
    outcome = await open_langchain(SEARX).search("q")
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNREACHABLE


async def test_a_real_tool_is_asked_through_the_wrapper_it_holds(monkeypatch):
    from langchain_community.tools import SearxSearchResults
    from langchain_community.utilities import SearxSearchWrapper

    with StandIn(lambda _: as_json({"results": [RESULT], "answers": []})) as server:
        tool = SearxSearchResults(wrapper=SearxSearchWrapper(searx_host=server.address))
        assert await LangChainSearch(tool).search("q") == Found((HIT,))


# --- scripted tools ----------------------------------------------------------------------------------------


def scripted(said: Any, *, field: str = "query", artefact: Any = None) -> Any:
    """A LangChain tool whose run gives ``said``, or raises it."""
    from langchain_core.tools import BaseTool, tool

    def answer(text: str) -> Any:
        if isinstance(said, Exception):
            raise said
        return said

    if field == "query":

        class Scripted(BaseTool):
            name: str = "scripted"
            description: str = "a scripted search"
            response_format: str = "content" if artefact is None else "content_and_artifact"  # type: ignore[assignment]

            def _run(self, query: str) -> Any:
                return answer(query) if artefact is None else (answer(query), artefact)

        return Scripted()

    @tool
    def other(looked_for: str) -> Any:
        """A tool with another field."""
        return answer(looked_for)

    return other


@pytest.mark.parametrize(
    "said",
    [
        json.dumps([{"title": "Therapy models", "link": "https://a.example/", "snippet": "of 8B"}]),
        json.dumps(
            {"organic": [{"title": "Therapy models", "link": "https://a.example/", "snippet": "of 8B"}]}
        ),
        str([{"title": "Therapy models", "link": "https://a.example/", "snippet": "of 8B", "extra": None}]),
        [{"name": "Therapy models", "url": "https://a.example/", "description": "of 8B"}],
    ],
)
@pytest.mark.parametrize("field", ["query", "looked_for"])
async def test_a_tools_list_is_read_however_it_is_written(said, field):
    assert await LangChainSearch(scripted(said, field=field)).search("q") == Found((HIT,))


async def test_an_artefact_is_preferred_to_its_text():
    tool = scripted("2 results", artefact=[RESULT])
    assert await LangChainSearch(tool).search("q") == Found((HIT,))


async def test_documents_are_results():
    from langchain_core.documents import Document

    class Wrapper:
        def results(self, query: str, num_results: int) -> list[Document]:
            assert num_results == 10
            metadata = {"title": "Therapy models", "link": "https://a.example/"}
            return [Document(page_content="of 8B", metadata=metadata)]

    assert await LangChainSearch(Wrapper()).search("q") == Found((HIT,))


async def test_a_wrapper_that_takes_the_query_alone():
    class Wrapper:
        def results(self, query: str, **more: Any) -> dict[str, Any]:
            return {"organic_results": [RESULT]}

    assert await LangChainSearch(Wrapper()).search("q") == Found((HIT,))


async def test_a_wrapper_that_only_runs():
    class Wrapper:
        def run(self, query: str) -> str:
            return json.dumps([RESULT])

    assert await LangChainSearch(Wrapper()).search("q") == Found((HIT,))


def test_what_cannot_search_is_refused():
    with pytest.raises(WrongUse, match="int is no LangChain search"):
        LangChainSearch(3)


@pytest.mark.parametrize(
    "said", ["", "No good Search Result was found", "[]", [], None, [{"Result": "none"}], 7]
)
async def test_nothing_is_a_failure(said):
    outcome = await LangChainSearch(scripted(said)).search("q")
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


@settings(max_examples=30)
@given(st.text(max_size=80))
async def test_no_text_is_an_empty_result(text):
    assert isinstance(await LangChainSearch(scripted(text)).search("q"), Failed)


async def test_a_tool_that_does_not_answer_is_given_up():
    late = threading.Event()

    class Wrapper:
        def run(self, query: str) -> str:
            late.wait(PATIENCE)
            return ""

    outcome = await LangChainSearch(Wrapper(), timeout_seconds=0.05).search("q")
    late.set()
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.TIMEOUT


async def test_a_recordings_miss_is_raised():
    class CannotOverwriteExistingCassetteException(Exception):
        pass

    miss = CannotOverwriteExistingCassetteException("no recorded interaction")
    with pytest.raises(NotRecordedError, match="'unheard of'"):
        await LangChainSearch(scripted(miss)).search("unheard of")


async def test_there_are_no_further_pages():
    outcome = await LangChainSearch(scripted([RESULT])).search("q", page=2)
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.UNSUPPORTED


# --- errors ------------------------------------------------------------------------------------------------


class RatelimitException(Exception):
    """Named as ddgs names its own."""


class DDGSException(Exception):
    """Named as ddgs names its own."""


class ConnectTimeout(Exception):
    """Named as requests names its own."""


def http_error(status: int, **headers: str) -> Exception:
    import requests

    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return requests.HTTPError(f"{status} for url", response=response)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RatelimitException("https://duckduckgo.com 202 Ratelimit"), BlockReason.RATE_LIMIT),
        (RatelimitException(""), BlockReason.RATE_LIMIT),
        (http_error(202), BlockReason.CHALLENGE),
        (http_error(403), BlockReason.FORBIDDEN),
        (http_error(418), BlockReason.RATE_LIMIT),
        (http_error(500), FailReason.SERVER_ERROR),
        (Exception("HTTP error 429"), BlockReason.RATE_LIMIT),
        (Exception("Error: status code 403"), BlockReason.FORBIDDEN),
        (Exception("please solve this captcha"), BlockReason.CHALLENGE),
        (Exception("monthly quota exceeded"), BlockReason.RATE_LIMIT),
        (ConnectTimeout("pool"), FailReason.TIMEOUT),
        (ConnectionError("refused"), FailReason.UNREACHABLE),
        (DDGSException("No results found."), FailReason.BAD_REPLY),
        (KeyError("engines"), FailReason.BAD_REPLY),
    ],
)
def test_errors_are_typed_by_status_type_and_words(error, reason):
    outcome = read_error(error)
    assert outcome.reason is reason
    assert outcome.detail


def test_the_wait_of_a_limit_is_kept():
    outcome = read_error(http_error(429, Retry_After="40"))
    assert isinstance(outcome, Blocked)
    assert outcome.retry_after_seconds == 40.0


@pytest.mark.parametrize(
    "words",
    [
        "429 Client Error for url: https://api.example/search?q=x&api_key=hunter2",
        "HTTPConnectionPool(host='api.example', port=80): Max retries exceeded with url: /search?key=hunter2",
    ],
)
def test_no_key_of_an_address_is_told(words):
    outcome = read_error(Exception(words))
    assert "hunter2" not in outcome.detail
    assert "/search?…" in outcome.detail


# --- opening -----------------------------------------------------------------------------------------------


def test_no_value_of_a_setting_is_told_when_a_class_refuses_it(monkeypatch):
    from pydantic import BaseModel, model_validator

    class Wrapper(BaseModel):
        @model_validator(mode="before")
        @classmethod
        def _from_environment(cls, _: Any) -> Any:
            return {"api_key": "hunter2"}

        model_config = {"extra": "forbid"}

    monkeypatch.setattr(sys.modules[__name__], "Refusing", Wrapper, raising=False)
    monkeypatch.setitem(sys.modules, "a_package", sys.modules[__name__])
    with pytest.raises(WrongUse, match="cannot be used") as caught:
        open_langchain("a_package.Refusing")
    assert "hunter2" not in str(caught.value)


def test_without_the_extra_the_person_is_told_how_to_add_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain_community", None)
    monkeypatch.setitem(sys.modules, "langchain_community.utilities", None)
    with pytest.raises(WrongUse) as caught:
        open_langchain(SEARX)
    assert 'pip install "base-model-selector[community]"' in caught.value.next_step


@pytest.mark.parametrize(
    ("dotted", "words"),
    [
        ("langchain_community.utilities.NoSuchWrapper", "NoSuchWrapper"),
        ("no_such_package.Search", "no_such_package"),
        ("json.JSONDecoder", "JSONDecoder is no LangChain search"),
        (SEARX, "SearxSearchWrapper cannot be used"),
    ],
)
def test_what_cannot_be_opened_is_named(dotted, words):
    with pytest.raises(WrongUse, match=words):
        open_langchain(dotted)
