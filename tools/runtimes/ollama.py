"""Ollama, through its official client; chat goes over plain HTTP, which alone can forbid truncation."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import httpx

from tools.outcomes import Blocked, BlockReason, Empty, Failed, FailReason, Found, Outcome
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
from tools.runtimes.gguf_header import MetadataValue, model_shape
from tools.runtimes.greeting import greeting, load_warnings, short_native_context, with_warnings
from tools.runtimes.growing import GrowingReply, token_count
from tools.runtimes.memory import estimate_memory
from tools.runtimes.ollama_faults import ollama_fault
from tools.runtimes.ollama_names import (
    PREFERRED_QUANTIZATION,
    HubName,
    canonical,
    check_name,
    hub_name,
    names_a_quantization,
    ollama_url,
)
from tools.runtimes.thinking import template_can_think
from tools.runtimes.wire import (
    UnreadableReplyError,
    client_for,
    connection_fault,
    error_words,
    is_loopback,
    parse_object,
    read_bounded,
    read_error,
    read_lines,
    shown_url,
    tidy,
)
from tools.secrecy import Secrets

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import ollama

    from tools.registry import TagProof

ProveTag = Callable[[str], Awaitable[Outcome["TagProof"]]]

STATUS_SECONDS = 5.0
QUESTION_SECONDS = 30.0
PULL_STALL_SECONDS = 900.0
"""Ollama is silent while it verifies what it pulled, which takes minutes on slow disks."""
_SCHEMA, _THINKING = "json_schema", "thinking"
START_STEP = "Start it with: ollama serve. It can be installed from https://ollama.com/download."


class LocalModel(NamedTuple):
    """A model that Ollama has stored."""

    name: str
    digest: str
    """``sha256:…`` of its manifest."""
    size_bytes: int
    quantization: str | None


class Shown(NamedTuple):
    """What Ollama tells of a stored model."""

    capabilities: frozenset[str]
    metadata: dict[str, MetadataValue]
    licence: str | None
    template: str | None

    @property
    def thinks(self) -> bool:
        return "thinking" in self.capabilities

    @property
    def native_context(self) -> int | None:
        architecture = self.metadata.get("general.architecture")
        value = self.metadata.get(f"{architecture}.context_length")
        return value if isinstance(value, int) and value > 0 else None

    @property
    def parameters(self) -> int | None:
        value = self.metadata.get("general.parameter_count")
        return value if isinstance(value, int) and value > 0 else None


class OllamaRuntime:
    """Runs models on an Ollama server."""

    name = RuntimeName.OLLAMA

    def __init__(self, host: str | None = None, *, prove_tag: ProveTag | None = None) -> None:
        """``host`` as ``OLLAMA_HOST`` has it, which is also what None stands for.

        ``prove_tag`` asks the registry for a tag without pulling it. Raises :class:`WrongUse` for an address
        that cannot be one.
        """
        self._url = ollama_url(host if host is not None else os.environ.get("OLLAMA_HOST"))
        self._who = f"Ollama at {shown_url(self._url)}"
        self._prove_tag = prove_tag
        key = os.environ.get("OLLAMA_API_KEY")
        self._secrets = Secrets([key])
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = client_for(self._url)
        self._client: ollama.AsyncClient | None = None
        self._shown: dict[str, Shown] = {}
        self._left_out: dict[str, set[str]] = {}

    def __repr__(self) -> str:
        return f"OllamaRuntime({shown_url(self._url)!r})"

    async def status(self) -> RuntimeStatus:
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                version = await self._version()
        except TimeoutError:
            return RuntimeStatus(
                False, None, f"{self._who} did not answer within {STATUS_SECONDS:g} seconds."
            )
        except RuntimeFault as fault:
            return RuntimeStatus(False, None, fault.sentence)
        return RuntimeStatus(True, version, f"{self._who} answers; its version is {version}.")

    async def prove(self, model: str, *, context: int) -> Artefact:
        model = check_name(model)
        local = await self._local(model)
        if local is not None:
            return await self._prove_local(model, local, context)
        hub = hub_name(model)
        if hub is not None:
            return _unproved(model, hub)
        if self._prove_tag is None:
            raise RuntimeFault(
                RuntimeFaultKind.NOT_FOUND,
                f"{self._who} does not have {model}, and the registry was not asked.",
                f"Pull it yourself: ollama pull {model}",
            )
        outcome = await self._prove_tag(model)
        if isinstance(outcome, Found):
            return _proved(model, outcome.value, context)
        raise _registry_fault(model, outcome)

    async def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        model = check_name(artefact.name)
        succeeded = False
        with self._translated(model, pulling=True):
            stream = cast("AsyncGenerator[Any]", await self._ollama().pull(model, stream=True))
            async with aclosing(stream):
                async for line in stream:
                    succeeded = line.status == "success"
                    yield PullProgress(line.status or "", line.digest, line.completed, line.total)
        if not succeeded:
            raise _interrupted_pull(model)
        self._shown.pop(canonical(model), None)
        local = await self._local(model)
        if local is None:
            raise RuntimeFault(
                RuntimeFaultKind.SERVER_ERROR,
                f"{self._who} reported that {model} was pulled, but does not list it.",
                "Pull it again.",
            )
        _check_digest(artefact, local)

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        model = check_name(artefact.name)
        local = await self._local(model)
        if local is None:
            raise ollama_fault(404, "", model=model, who=self._who)
        _check_digest(artefact, local)
        shown = await self._show(model, fresh=True)
        hello = await self.chat(model, greeting(context, thinks=shown.thinks))
        allocated = await self._allocated(model)
        warnings = load_warnings(
            model, hello, wanted=context, allocated=allocated, native=shown.native_context
        )
        read_back = artefact.model_copy(
            update={
                "digest": local.digest,
                "size_bytes": local.size_bytes,
                "quantization": local.quantization or artefact.quantization,
                "parameters": shown.parameters or artefact.parameters,
                "licence": shown.licence or artefact.licence,
                "needed_memory_bytes": _needed_memory(local.size_bytes, shown, context),
                "already_here": True,
            }
        )
        return LoadedModel(
            artefact=with_warnings(read_back, warnings),
            native_context=shown.native_context,
            allocated_context=allocated,
            thinks=shown.thinks or hello.thinking is not None or template_can_think(shown.template),
            template=shown.template,
            hello=hello.text,
        )

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        model = check_name(model)
        try:
            async with asyncio.timeout(request.timeout_seconds):
                while True:
                    body = await self._body(model, request)
                    try:
                        return await self._ask(model, body, self._unheard(model, request))
                    except RuntimeFault as fault:
                        if not self._adapt(model, body, fault):
                            raise
        except TimeoutError:
            raise RuntimeFault(
                RuntimeFaultKind.TIMEOUT,
                f"{self._who} did not finish its answer within {request.timeout_seconds:g} seconds.",
                "Try again, or allow more time.",
            ) from None

    async def unload(self, model: str) -> None:
        model = check_name(model)
        if await self._allocated(model) is not None:
            with self._translated(model):
                async with asyncio.timeout(QUESTION_SECONDS):
                    await self._ollama().chat(model, messages=[], keep_alive=0)

    async def aclose(self) -> None:
        await self._http.aclose()
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    def _ollama(self) -> ollama.AsyncClient:
        if self._client is None:
            import ollama

            timeout = httpx.Timeout(PULL_STALL_SECONDS, connect=10)
            self._client = ollama.AsyncClient(
                self._url, timeout=timeout, trust_env=not is_loopback(self._url)
            )
        return self._client

    @contextmanager
    def _translated(self, model: str = "", *, pulling: bool = False) -> Iterator[None]:
        """Turn what the official client raises into faults; without ``model`` the question was about all."""
        import ollama
        from pydantic import ValidationError

        try:
            yield
        except ollama.ResponseError as error:
            status = error.status_code if error.status_code > 0 else None
            if status == 404 and not model:
                raise self._unreadable("does not know Ollama's paths") from None
            raise ollama_fault(status, self._words(error.error), model=model, who=self._who) from None
        except ConnectionError:
            raise RuntimeFault(
                RuntimeFaultKind.UNREACHABLE, f"{self._who} cannot be reached.", START_STEP
            ) from None
        except httpx.HTTPError as error:
            fault = connection_fault(error, self._who, START_STEP)
            raise (_interrupted_pull(model) if pulling and fault.kind.retryable else fault) from None
        except TimeoutError:
            raise RuntimeFault(
                RuntimeFaultKind.TIMEOUT, f"{self._who} did not answer in time.", "Try again."
            ) from None
        except (json.JSONDecodeError, ValidationError, AttributeError, TypeError):
            raise self._unreadable("sent a reply of another form than expected") from None

    def _words(self, body: str) -> str:
        return tidy(error_words(self._secrets.out_of(body)))

    def _unreadable(self, how: str) -> RuntimeFault:
        step = "Check that OLLAMA_HOST names an Ollama server."
        return RuntimeFault(RuntimeFaultKind.BAD_REPLY, f"{self._who} {how}.", step)

    async def stored(self) -> list[LocalModel]:
        """All models that are stored."""
        return [
            LocalModel(
                str(entry.get("model") or entry["name"]),
                "sha256:" + str(entry.get("digest", "")).removeprefix("sha256:"),
                token_count(entry.get("size")) or 0,
                None,
            )
            for entry in await self._tags()
        ]

    async def stored_digest(self, model: str) -> str | None:
        """``sha256:…`` of what has this name now; None when nothing has. Asked after every answer."""
        wanted = canonical(check_name(model))
        return next((one.digest for one in await self.stored() if canonical(one.name) == wanted), None)

    async def _tags(self) -> list[dict[str, Any]]:
        try:
            async with self._http.stream(
                "GET", f"{self._url}/api/tags", headers=self._headers, timeout=QUESTION_SECONDS
            ) as response:
                if response.status_code != 200:
                    raise await self._status_fault(response, "")
                listed = parse_object(await read_bounded(response)).get("models")
        except UnreadableReplyError as error:
            raise self._unreadable(str(error)) from None
        except httpx.HTTPError as error:
            raise connection_fault(error, self._who, START_STEP) from None
        if not isinstance(listed, list):
            raise self._unreadable("does not list its models")
        return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("name"), str)]

    async def _version(self) -> str:
        try:
            async with self._http.stream(
                "GET", f"{self._url}/api/version", headers=self._headers
            ) as response:
                if response.status_code != 200:
                    raise await self._status_fault(response, "")
                version = parse_object(await read_bounded(response)).get("version")
        except UnreadableReplyError as error:
            raise self._unreadable(str(error)) from None
        except httpx.HTTPError as error:
            raise connection_fault(error, self._who, START_STEP) from None
        if not isinstance(version, str):
            raise self._unreadable("does not tell its version")
        return tidy(self._secrets.out_of(version))

    async def _local(self, model: str) -> LocalModel | None:
        """The stored model that ``model`` names; None when there is none."""
        with self._translated():
            async with asyncio.timeout(QUESTION_SECONDS):
                listed = (await self._ollama().list()).models
        for entry in listed or []:
            if entry.model and entry.digest and canonical(entry.model) == canonical(model):
                quantization = entry.details.quantization_level if entry.details else None
                digest = "sha256:" + entry.digest.removeprefix("sha256:")
                return LocalModel(entry.model, digest, int(entry.size or 0), quantization or None)
        return None

    async def _show(self, model: str, *, fresh: bool = False) -> Shown:
        key = canonical(model)
        if fresh or key not in self._shown:
            with self._translated(model):
                async with asyncio.timeout(QUESTION_SECONDS):
                    shown = await self._ollama().show(model)
            self._shown[key] = Shown(
                frozenset(shown.capabilities or ()),
                _metadata(shown.modelinfo or {}),
                _first_line(shown.license),
                shown.template or None,
            )
        return self._shown[key]

    async def _allocated(self, model: str) -> int | None:
        """Tokens of context that were allocated to ``model``; None when it is not loaded."""
        with self._translated():
            async with asyncio.timeout(QUESTION_SECONDS):
                running = (await self._ollama().ps()).models
        for entry in running or []:
            if canonical(entry.model or entry.name or "") == canonical(model):
                return entry.context_length or 0
        return None

    async def _prove_local(self, model: str, local: LocalModel, context: int) -> Artefact:
        shown = await self._show(model)
        warnings = _quantization_warnings(model, local.quantization)
        if shown.native_context is not None and shown.native_context < context:
            warnings.append(short_native_context(model, shown.native_context, context))
        return Artefact(
            runtime=RuntimeName.OLLAMA,
            name=model,
            digest=local.digest,
            size_bytes=local.size_bytes,
            quantization=local.quantization,
            parameters=shown.parameters,
            licence=shown.licence,
            needed_memory_bytes=_needed_memory(local.size_bytes, shown, context),
            already_here=True,
            source_url=f"{shown_url(self._url)}/api/tags",
            warnings=tuple(warnings),
        )

    async def _body(self, model: str, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": model,
            "messages": [message.model_dump() for message in request.messages],
            "stream": True,
            "truncate": False,
            "options": {
                "num_ctx": request.context,
                "num_predict": request.max_tokens,
                "temperature": request.temperature,
                "top_p": request.top_p,
                "seed": request.seed,
            },
        }
        left_out = self._left_out.get(model, set())
        if request.json_schema is not None:
            body["format"] = "json" if _SCHEMA in left_out else request.json_schema
        if request.thinking is not None and _THINKING not in left_out and (await self._show(model)).thinks:
            body["think"] = request.thinking
        return body

    def _unheard(self, model: str, request: ChatRequest) -> tuple[str, ...]:
        """Wishes of ``request`` that this server has refused before."""
        wished = {_SCHEMA: request.json_schema is not None, _THINKING: request.thinking is not None}
        return tuple(word for word in sorted(self._left_out.get(model, ())) if wished[word])

    def _adapt(self, model: str, body: dict[str, Any], fault: RuntimeFault) -> bool:
        """Whether asking without what the refusal names may help; remembered for ``model``."""
        words = fault.sentence.lower() if fault.kind is RuntimeFaultKind.REFUSED else ""
        refused = set()
        if "think" in body and "think" in words and "support" in words:
            refused.add(_THINKING)
        if isinstance(body.get("format"), dict) and "format" in words:
            refused.add(_SCHEMA)  # Ollama before 0.5 knows "json" alone
        self._left_out.setdefault(model, set()).update(refused)
        return bool(refused)

    async def _ask(self, model: str, body: dict[str, Any], unheard: tuple[str, ...]) -> ChatReply:
        reply = GrowingReply()
        url = f"{self._url}/api/chat"
        timeout = httpx.Timeout(None, connect=10)
        try:
            async with self._http.stream(
                "POST", url, json=body, headers=self._headers, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    raise await self._status_fault(response, model)
                async with aclosing(read_lines(response)) as batches:
                    async for lines in batches:
                        for line in lines:
                            if line:
                                self._take(reply, line, model)
        except UnreadableReplyError as error:
            raise self._unreadable(str(error)) from None
        except httpx.HTTPError as error:
            if reply.finish_reason is None:
                raise connection_fault(error, self._who, START_STEP) from None
        if reply.finish_reason is None:
            raise RuntimeFault(
                RuntimeFaultKind.INTERRUPTED, f"{self._who} broke off its reply.", "Try again."
            )
        return reply.finished(unheard, self._secrets)

    def _take(self, reply: GrowingReply, line: str, model: str) -> None:
        try:
            event = parse_object(line)
        except UnreadableReplyError:
            if reply.begun:
                return  # a line that was cut off: the missing end of the stream is what counts
            raise
        if event.get("error"):
            raise ollama_fault(None, self._words(json.dumps(event)), model=model, who=self._who)
        message = event.get("message")
        if isinstance(message, dict):
            reply.hear(message.get("content"), message.get("thinking"))
        if event.get("done") is True:
            reason = event.get("done_reason")
            reply.finish_reason = reason if isinstance(reason, str) and reason else "stop"
            # The whole prompt, cached or not; only 0.30.0 and its first successors, and versions of early
            # 2024, left out what they had cached (ollama/ollama#2068, #16414, mended by #16428).
            reply.prompt_tokens = token_count(event.get("prompt_eval_count"))
            # Told since the autumn of 2026 (ollama/ollama#8008).
            reply.cached_tokens = token_count(event.get("prompt_eval_cached_count"))
            reply.completion_tokens = token_count(event.get("eval_count"))

    async def _status_fault(self, response: httpx.Response, model: str) -> RuntimeFault:
        words = self._words(await read_error(response))
        return ollama_fault(response.status_code, words, model=model, who=self._who)


def _proved(model: str, proof: TagProof, context: int) -> Artefact:
    warnings = _quantization_warnings(model, proof.quantization)
    if proof.context_length is not None and proof.context_length < context:
        warnings.append(short_native_context(model, proof.context_length, context))
    estimate = estimate_memory(proof.model_bytes, context=context, shape=None)
    return Artefact(
        runtime=RuntimeName.OLLAMA,
        name=model,
        digest=proof.digest,
        size_bytes=proof.total_bytes,
        quantization=proof.quantization,
        licence=proof.licence,
        needed_memory_bytes=estimate.total_bytes,
        source_url=proof.manifest_url,
        warnings=(*proof.warnings, *warnings),
    )


def _unproved(model: str, hub: HubName) -> Artefact:
    warning = (
        f"{model} comes from the Hub through Ollama: its size and digest are not known before it is pulled, "
        "so that neither the disk could be checked nor the choice pinned."
    )
    return Artefact(
        runtime=RuntimeName.OLLAMA,
        name=model,
        digest=None,
        size_bytes=None,
        quantization=hub.quantization,
        source_url=hub.url,
        warnings=(warning,),
    )


def _registry_fault(model: str, outcome: Empty | Blocked | Failed) -> RuntimeFault:
    kind = RuntimeFaultKind
    why = f": {tidy(outcome.detail).rstrip('.')}." if outcome.detail else "."
    if isinstance(outcome, Empty):
        step = "Check the tag at https://ollama.com/library."
        return RuntimeFault(kind.NOT_FOUND, f"The Ollama registry has no {model}{why}", step)
    if isinstance(outcome, Blocked):
        busy = outcome.reason is BlockReason.RATE_LIMIT
        return RuntimeFault(
            kind.BUSY if busy else kind.REJECTED,
            f"The Ollama registry would not tell about {model} ({outcome.reason}){why}",
            "Try again later.",
            retry_after_seconds=outcome.retry_after_seconds,
        )
    kinds = {
        FailReason.UNREACHABLE: kind.UNREACHABLE,
        FailReason.TIMEOUT: kind.TIMEOUT,
        FailReason.SERVER_ERROR: kind.SERVER_ERROR,
    }
    sentence = f"The Ollama registry could not be asked about {model} ({outcome.reason}){why}"
    return RuntimeFault(
        kinds.get(outcome.reason, kind.BAD_REPLY), sentence, "Check the network, then try again."
    )


def _check_digest(artefact: Artefact, local: LocalModel) -> None:
    if artefact.digest is not None and artefact.digest != local.digest:
        raise RuntimeFault(
            RuntimeFaultKind.DIGEST_MISMATCH,
            f"{artefact.name} is not what was approved: {artefact.digest} was, {local.digest} is here; "
            "the tag has moved since.",
            "Approve the model again to use what the tag means now.",
        )


def _interrupted_pull(model: str) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.INTERRUPTED,
        f"The pull of {model} broke off before Ollama confirmed it.",
        "Pull again: it resumes where it stopped.",
    )


def _quantization_warnings(model: str, quantization: str | None) -> list[str]:
    if quantization in {None, "", "unknown", PREFERRED_QUANTIZATION} or names_a_quantization(model):
        return []
    return [f"{model} is {quantization}, not {PREFERRED_QUANTIZATION}, which most comparisons assume."]


def _needed_memory(size_bytes: int, shown: Shown, context: int) -> int:
    return estimate_memory(size_bytes, context=context, shape=model_shape(shown.metadata)).total_bytes


def _metadata(info: Any) -> dict[str, MetadataValue]:
    """Model information as GGUF metadata: what is neither a value nor a list of values is left out."""
    metadata: dict[str, MetadataValue] = {}
    for key, value in dict(info).items():
        if isinstance(value, str | int | float | bool):
            metadata[str(key)] = value
        elif isinstance(value, list) and all(isinstance(item, int) for item in value):
            metadata[str(key)] = tuple(value)
    return metadata


def _first_line(text: str | None) -> str | None:
    return next((tidy(line) for line in (text or "").splitlines() if line.strip()), None)
