"""Any server that speaks the OpenAI API: llama-server, vLLM, LM Studio, a hosted service."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from tools.faults import WrongUse
from tools.runtimes.base import (
    Artefact,
    ChatReply,
    ChatRequest,
    LoadedModel,
    PullProgress,
    RuntimeFault,
    RuntimeFaultKind,
    RuntimeName,
    RuntimeStatus,
)
from tools.runtimes.greeting import greeting, load_warnings, short_native_context, with_warnings
from tools.runtimes.growing import GrowingReply
from tools.runtimes.openai_faults import CHECK_URL, RefusalFault, out_of_memory_fault, status_fault
from tools.runtimes.openai_stream import DONE, ServerSentEvents, add_event
from tools.runtimes.thinking import template_can_think
from tools.runtimes.wire import (
    UnreadableReplyError,
    client_for,
    connection_fault,
    error_words,
    looks_out_of_memory,
    parse_object,
    read_bounded,
    read_error,
    read_lines,
    shown_url,
    tidy,
)
from tools.secrecy import Secrets, passwords_in

LIST_SECONDS = 30.0
STATUS_SECONDS = 5.0
DRAIN_SECONDS = 1.0
"""How long the end of a stream is waited for after its last word, so that the connection is kept."""
SHOWN_MODELS = 8

_THINKING_SWITCH = "chat_template_kwargs"
_KNOW_THE_SWITCH = {"llamacpp", "vllm", "sglang"}
_CAN_BE_LEFT_OUT = (_THINKING_SWITCH, "stream_options", "seed", "temperature", "top_p")
_LONG_LIMIT = "max_completion_tokens"
_SCHEMA, _FORMAT = "json_schema", "response_format"
_NOT_SUPPORTED = re.compile(
    "unsupported|not support|unrecognized|unknown|unexpected|extra|not permitted|unavailable|not available",
    re.IGNORECASE,
)
_NAMES_THE_FORMAT = re.compile("response_format|json_schema|structured output|guided decoding", re.IGNORECASE)
_WISHES = {
    _THINKING_SWITCH: "thinking",
    "seed": "seed",
    "temperature": "temperature",
    "top_p": "top_p",
    _SCHEMA: _SCHEMA,
}
"""What a caller who asked for it must learn when it was left out, under the request's own names."""


class ServedModel(NamedTuple):
    """A model in a server's list."""

    id: str
    owner: str | None
    parameters: int | None
    native_context: int | None
    allocated_context: int | None
    size_bytes: int | None
    quantization: str | None


class Props(NamedTuple):
    """What llama.cpp tells of the model that it has loaded."""

    allocated_context: int | None
    template: str | None
    build: str | None


class OpenAICompatibleRuntime:
    """Models on an OpenAI-compatible server. The API key never appears in messages, errors or ``repr``."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        name: RuntimeName = RuntimeName.OPENAI,
        *,
        http: httpx.AsyncClient | None = None,
        who: str | None = None,
    ) -> None:
        """``base_url`` as the OpenAI tools take it: with ``/v1`` where the server has it; bare hosts get it.

        ``who`` names the server in messages, "The server at …" by default. A client passed as ``http`` is not
        closed by :meth:`aclose`. Raises :class:`WrongUse` for an address or a key that cannot be one.
        """
        parts = urlsplit(base_url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise WrongUse(
                "The OpenAI base URL is not a web address.", "It looks like http://127.0.0.1:8080/v1."
            )
        self._api_key = (api_key or "").strip() or None
        if self._api_key and not (self._api_key.isascii() and self._api_key.isprintable()):
            raise WrongUse("The API key has characters that no key has.", "Check OPENAI_API_KEY.")
        self._secrets = Secrets([self._api_key, *passwords_in(base_url.strip())])
        self._base = base_url.strip().rstrip("/") + ("" if parts.path.strip("/") else "/v1")
        self._name = name
        self._who = who or f"The server at {shown_url(self._base)}"
        self._own_http = http is None
        self._http = http or client_for(self._base)
        self._left_out: dict[str, set[str]] = {}
        self._owners: dict[str, str | None] = {}
        self._asking: asyncio.Task[bool] | None = None

    def __repr__(self) -> str:
        return f"OpenAICompatibleRuntime({shown_url(self._base)!r})"

    @property
    def name(self) -> RuntimeName:
        return self._name

    def left_out(self, model: str) -> frozenset[str]:
        """Settings that the server refused for ``model``, so that later requests go without them."""
        return frozenset(self._left_out.get(model, ()))

    async def status(self) -> RuntimeStatus:
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                served = await self._list()
                props = await self._props()
        except TimeoutError:
            return RuntimeStatus(
                False, None, f"{self._who} did not answer within {STATUS_SECONDS:g} seconds."
            )
        except RuntimeFault as fault:
            return RuntimeStatus(False, None, fault.sentence)
        models = "does not list its models" if served is None else f"serves {len(served)} models"
        return RuntimeStatus(True, props.build if props else None, f"{self._who} {models}.")

    async def served(self) -> list[str] | None:
        """Ids of all models; None when the server keeps no list."""
        listed = await self._list()
        return None if listed is None else [tidy(entry.id) for entry in listed]

    async def prove(self, model: str, *, context: int) -> Artefact:
        served = await self._find(model)
        warnings = [f"{self._who} tells no digest, so that the choice cannot be pinned to exact weights."]
        if served is None:
            warnings.append(
                f"{self._who} does not list its models; only its first answer will prove {model}."
            )
        elif served.native_context is not None and served.native_context < context:
            warnings.append(short_native_context(model, served.native_context, context))
        return Artefact(
            runtime=self._name,
            name=model,
            digest=None,
            size_bytes=served.size_bytes if served else None,
            quantization=served.quantization if served else None,
            parameters=served.parameters if served else None,
            already_here=True,
            source_url=f"{shown_url(self._base)}/models",
            warnings=tuple(warnings),
        )

    async def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        """Nothing is transferred: the server must serve the model already."""
        await self._find(artefact.name)
        yield PullProgress("already served", artefact.digest, None, None)

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        served = await self._find(artefact.name)
        props = await self._props()
        template = props.template if props else None
        thinks = template_can_think(template)
        hello = await self.chat(artefact.name, greeting(context, thinks=thinks))
        native = served.native_context if served else None
        allocated = (props and props.allocated_context) or (served and served.allocated_context) or None
        warnings = load_warnings(artefact.name, hello, wanted=context, allocated=allocated, native=native)
        return LoadedModel(
            artefact=with_warnings(artefact, warnings),
            native_context=native,
            allocated_context=allocated,
            thinks=thinks or hello.thinking is not None,
            template=template,
            hello=hello.text,
        )

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        try:
            async with asyncio.timeout(request.timeout_seconds):
                switch = request.thinking is False and await self._knows_the_switch(model)
                while True:
                    body = self._body(model, request, switch=switch)
                    try:
                        return await self._ask(model, body, self._unheard(model, request, switch=switch))
                    except RefusalFault as refusal:
                        if not self._adapt(model, body, refusal.words):
                            raise
        except TimeoutError:
            raise RuntimeFault(
                RuntimeFaultKind.TIMEOUT,
                f"{self._who} did not finish its answer within {request.timeout_seconds:g} seconds.",
                "Try again, or allow more time.",
            ) from None

    async def unload(self, model: str) -> None:
        """The server is not ours: it keeps what it has loaded."""

    async def aclose(self) -> None:
        if self._own_http:
            await self._http.aclose()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _body(self, model: str, request: ChatRequest, *, switch: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": [message.model_dump() for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        left_out = self._left_out.get(model, set())
        if request.json_schema is not None:
            schema = {"name": "reply", "schema": request.json_schema}
            any_object = _SCHEMA in left_out
            body[_FORMAT] = {"type": "json_object"} if any_object else {"type": _SCHEMA, _SCHEMA: schema}
        if switch:
            body[_THINKING_SWITCH] = {"enable_thinking": False}
        if "max_tokens" in left_out:
            body[_LONG_LIMIT] = body["max_tokens"]
        return {key: value for key, value in body.items() if key not in left_out}

    def _unheard(self, model: str, request: ChatRequest, *, switch: bool) -> tuple[str, ...]:
        """Wishes of ``request`` that this server has refused before."""
        left_out = self._left_out.get(model)
        if not left_out:
            return ()
        not_wished = {_SCHEMA} if request.json_schema is None else set()
        if not switch:
            not_wished.add(_THINKING_SWITCH)
        return tuple(word for field, word in _WISHES.items() if field in left_out - not_wished)

    def _adapt(self, model: str, body: dict[str, Any], words: str) -> bool:
        """Whether leaving out what the server's ``words`` name may help; remembered for ``model``."""
        refused = {
            field
            for field in _CAN_BE_LEFT_OUT
            if field in body
            and field in words
            and (field == _THINKING_SWITCH or _NOT_SUPPORTED.search(words))
        }
        if "max_tokens" in body and _LONG_LIMIT in words and _NOT_SUPPORTED.search(words):
            refused.add("max_tokens")
        if _FORMAT in body and _NAMES_THE_FORMAT.search(words) and _NOT_SUPPORTED.search(words):
            # Servers without schemas often know "some JSON object"; the caller checks the reply in any case.
            refused.add(_SCHEMA if _SCHEMA in body[_FORMAT] else _FORMAT)
        self._left_out.setdefault(model, set()).update(refused)
        return bool(refused)

    async def _knows_the_switch(self, model: str) -> bool:
        """Whether the server says that it is one that knows; calls at the same time share one question."""
        if model not in self._owners:
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask_owners())
            if await asyncio.shield(self._asking):
                self._owners.setdefault(model, None)
        return self._owners.get(model) in _KNOW_THE_SWITCH

    async def _ask_owners(self) -> bool:
        """Keep who owns each model; False when the server did not tell, and is asked again the next time."""
        try:
            served = await self._list() or []
        except RuntimeFault:
            return False
        finally:
            self._asking = None
        self._owners.update({entry.id: entry.owner for entry in served})
        return True

    async def _ask(self, model: str, body: dict[str, Any], unheard: tuple[str, ...]) -> ChatReply:
        reply = GrowingReply()
        url = f"{self._base}/chat/completions"
        try:
            async with self._http.stream(
                "POST", url, json=body, headers=self._headers(), timeout=httpx.Timeout(None, connect=10)
            ) as response:
                if response.status_code != 200:
                    raise await self._status_fault(response, model)
                if "text/event-stream" in response.headers.get("content-type", ""):
                    await self._hear(response, reply)
                else:
                    self._take(reply, parse_object(self._secrets.out_of_bytes(await read_bounded(response))))
        except UnreadableReplyError as error:
            raise self._unreadable(error) from None
        except httpx.HTTPError as error:
            if reply.finish_reason is None:
                raise connection_fault(error, self._who, CHECK_URL) from None
        if reply.finish_reason is None:
            raise RuntimeFault(
                RuntimeFaultKind.INTERRUPTED, f"{self._who} broke off its reply.", "Try again."
            )
        return reply.finished(unheard, self._secrets)

    async def _hear(self, response: httpx.Response, reply: GrowingReply) -> None:
        events = ServerSentEvents()
        async with aclosing(read_lines(response)) as batches:
            async for lines in batches:
                for line in lines:
                    data = events.hear(line)
                    if data is not None and self._is_last(reply, data):
                        return await _drain(batches)
        data = events.rest()
        if data is not None:
            self._is_last(reply, data)
        return None

    def _is_last(self, reply: GrowingReply, data: str) -> bool:
        """Take in the data of an event; whether it was the stream's last word."""
        if data == DONE:
            reply.finish_reason = reply.finish_reason or "stop"
            return True
        self._take(reply, parse_object(data))
        return False

    def _take(self, reply: GrowingReply, event: dict[str, Any]) -> None:
        if not event.get("error"):
            add_event(reply, event)
            return
        words = tidy(error_words(self._secrets.out_of(json.dumps(event))))
        if looks_out_of_memory(words):
            raise out_of_memory_fault(self._who, f": {words.rstrip('.')}.")
        raise RuntimeFault(
            RuntimeFaultKind.SERVER_ERROR,
            f"{self._who} failed in the middle of its answer: {words.rstrip('.')}.",
            "Try again; if it happens again, look into the server's log.",
        )

    async def _find(self, model: str) -> ServedModel | None:
        """The model in the server's list; None when the server keeps no list."""
        served = await self._list()
        if served is None:
            return None
        for entry in served:
            if entry.id == model:
                return entry
        shown = ", ".join(tidy(entry.id) for entry in served[:SHOWN_MODELS])
        more = f" and {len(served) - SHOWN_MODELS} more" if len(served) > SHOWN_MODELS else ""
        raise RuntimeFault(
            RuntimeFaultKind.NOT_FOUND,
            f"{self._who} does not serve {model}.",
            f"It serves {shown}{more}." if served else "It serves no model at all.",
        )

    async def _list(self) -> list[ServedModel] | None:
        """All served models; None when the server keeps no list."""
        reply = await self._get(f"{self._base}/models")
        if reply is None:
            return None
        rows = reply.get("data")
        if not isinstance(rows, list):
            raise self._unreadable(
                UnreadableReplyError("sent a list of models of another form than expected")
            )
        return [_served(row) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]

    async def _props(self) -> Props | None:
        """llama.cpp's properties; None from servers that are no llama.cpp."""
        try:
            reply = await self._get(f"{self._base.removesuffix('/v1')}/props")
        except RuntimeFault:
            return None
        settings = reply.get("default_generation_settings") if reply else None
        if reply is None or not isinstance(settings, dict):
            return None
        context, template = _positive(settings.get("n_ctx")), _word(reply.get("chat_template"))
        return Props(context, template, _word(reply.get("build_info")))

    async def _get(self, url: str) -> dict[str, Any] | None:
        """The JSON object at ``url``; None when the server does not know the path."""
        try:
            async with self._http.stream(
                "GET", url, headers=self._headers(), timeout=LIST_SECONDS
            ) as response:
                if response.status_code in {404, 405, 501}:
                    return None
                if response.status_code != 200:
                    raise await self._status_fault(response, "")
                return parse_object(self._secrets.out_of_bytes(await read_bounded(response)))
        except UnreadableReplyError as error:
            raise self._unreadable(error) from None
        except httpx.HTTPError as error:
            raise connection_fault(error, self._who, CHECK_URL) from None

    async def _status_fault(self, response: httpx.Response, model: str) -> RuntimeFault:
        body = self._secrets.out_of(await read_error(response))
        return status_fault(response, body, who=self._who, model=model)

    def _unreadable(self, error: UnreadableReplyError) -> RuntimeFault:
        return RuntimeFault(RuntimeFaultKind.BAD_REPLY, f"{self._who} {error}.", CHECK_URL)


async def _drain(batches: AsyncIterator[list[str]]) -> None:
    """Read to the end of a stream that has said its last word: only then its connection is kept."""
    with suppress(TimeoutError, httpx.HTTPError, UnreadableReplyError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in batches:
                pass


def _served(row: dict[str, Any]) -> ServedModel:
    found = row.get("meta")
    meta: dict[str, Any] = found if isinstance(found, dict) else {}
    return ServedModel(
        id=str(row["id"]),
        owner=_word(row.get("owned_by")),
        parameters=_positive(meta.get("n_params")),
        native_context=_positive(meta.get("n_ctx_train")),
        allocated_context=_positive(meta.get("n_ctx")) or _positive(row.get("max_model_len")),
        size_bytes=_positive(meta.get("size")),
        quantization=_quantization(_word(meta.get("ftype"))),
    )


def _quantization(ftype: str | None) -> str | None:
    """``Q4_K_M`` for llama.cpp's ``Q4_K - Medium``; ``F32`` for ``all F32``."""
    if ftype is None:
        return None
    name = ftype.removeprefix("(guessed) ").removeprefix("all ").removeprefix("mostly ")
    kind, _, size = name.partition(" - ")
    return f"{kind}_{size[0]}" if size in {"Small", "Medium", "Large"} else kind


def _positive(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
