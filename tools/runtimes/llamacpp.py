"""The embedded llama.cpp: GGUF files from this machine or from the Hub, with nothing to install."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from importlib import metadata
from pathlib import Path

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
from tools.runtimes.files import DigestCache, storage_fault
from tools.runtimes.gguf_header import GgufError, GgufHeader, read_gguf_file
from tools.runtimes.gguf_names import HubFile, parse_gguf_name
from tools.runtimes.greeting import LOAD_SECONDS, short_native_context, with_warnings
from tools.runtimes.hub_files import Hub, ProvedFile, most_bytes
from tools.runtimes.llamacpp_process import ALIAS, WHO, EmbeddedServer, Order
from tools.runtimes.memory import estimate_memory
from tools.runtimes.openai_compatible import OpenAICompatibleRuntime
from tools.secrecy import without_secrets

IMPORT_SECONDS = 60.0


class _Running:
    """A loaded model: the process and the client that talks to it."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.client = OpenAICompatibleRuntime(server.address, server.key, RuntimeName.LLAMACPP, who=WHO)

    def serves(self, path: Path, context: int) -> bool:
        order = self.server.order
        return self.server.running and order.path == path and order.context >= context

    async def stop(self) -> None:
        await self.client.aclose()
        await self.server.stop()


class LlamaCppRuntime:
    """Runs one GGUF model at a time in a process of its own; loading another replaces it.

    Answers are reproducible: one slot, one request after the other, no prompt cache unless it is asked for.
    """

    name = RuntimeName.LLAMACPP

    def __init__(
        self,
        models_dir: Path,
        *,
        hub_endpoint: str | None = None,
        token: str | None = None,
        threads: int | None = None,
        cache_prompt: bool = False,
    ) -> None:
        """Files from the Hub are stored below ``models_dir`` by owner and repository.

        ``hub_endpoint`` and ``token`` are those of ``huggingface_hub`` where they are None; ``threads`` None
        lets llama.cpp choose. ``cache_prompt`` saves reading the same system prompt again and again, at the
        price that an answer may depend on the questions before it.
        """
        self._models = models_dir.absolute()
        self._hub = Hub(hub_endpoint, token)
        self._threads = threads
        self._cache_prompt = cache_prompt
        self._digests = DigestCache()
        self._lock = asyncio.Lock()
        self._running: _Running | None = None

    def __repr__(self) -> str:
        return f"LlamaCppRuntime({str(self._models)!r})"

    async def status(self) -> RuntimeStatus:
        try:
            version = metadata.version("xllamacpp")
        except metadata.PackageNotFoundError:
            return RuntimeStatus(False, None, f"{WHO} is not installed.")
        if not await asyncio.to_thread(_can_import):
            return RuntimeStatus(False, version, f"{WHO} (xllamacpp {version}) cannot run on this machine.")
        return RuntimeStatus(
            True, version, f"{WHO} (xllamacpp {version}) stores its models in {self._models}."
        )

    async def prove(self, model: str, *, context: int) -> Artefact:
        found = parse_gguf_name(model)
        if isinstance(found, Path):
            return await self._prove_local(model, self._path(model), context)
        proved = await self._hub.prove(found)
        warnings = []
        header = None
        try:
            header = await self._hub.peek(proved)
        except GgufError as error:
            raise _no_gguf(model, error) from None
        except RuntimeFault as fault:
            warnings.append(f"The header of {model} could not be read before pulling it: {fault.sentence}")
        if proved.sha256 is None:
            warnings.append(f"The Hub tells no SHA-256 of {model}; only its size can be checked.")
        artefact = Artefact(
            runtime=RuntimeName.LLAMACPP,
            name=model,
            digest=proved.digest,
            size_bytes=proved.size_bytes,
            quantization=None,
            already_here=await self._is_here(proved),
            source_url=proved.url,
            warnings=tuple(warnings),
        )
        return _described(artefact, header, context)

    async def pull(self, artefact: Artefact) -> AsyncIterator[PullProgress]:
        found = parse_gguf_name(artefact.name)
        destination = self._path(artefact.name)
        if isinstance(found, Path):
            await self._check(artefact, destination)
            yield PullProgress("already here", artefact.digest, artefact.size_bytes, artefact.size_bytes)
            return
        proved = await self._hub.prove(_pinned(found, artefact))
        if artefact.digest is not None and proved.digest != artefact.digest:
            raise _moved(artefact, proved.digest)
        if None not in (artefact.size_bytes, proved.size_bytes) and artefact.size_bytes != proved.size_bytes:
            raise _resized(artefact, proved.size_bytes)
        if artefact.size_bytes is None:
            most = most_bytes(artefact.parameters)
        else:
            most = artefact.size_bytes  # which is what room was found for
            proved = proved._replace(size_bytes=most)
        if await self._is_here(proved):
            yield PullProgress("already here", proved.digest, proved.size_bytes, proved.size_bytes)
        else:
            async with aclosing(self._hub.download(proved, destination, most)) as steps:
                async for step in steps:
                    yield step
        await self._check(artefact, destination)
        yield PullProgress("success", proved.digest, proved.size_bytes, proved.size_bytes)

    async def load(self, artefact: Artefact, *, context: int) -> LoadedModel:
        path = self._path(artefact.name)
        header = await self._check(artefact, path)
        async with self._lock:
            running = await self._run(path, context)
            served = artefact.model_copy(update={"name": ALIAS, "warnings": ()})
            try:
                loaded = await running.client.load(served, context=context)
            except RuntimeFault as fault:
                raise await self._blamed(running, fault) from None
        size = await asyncio.to_thread(lambda: path.stat().st_size)
        digest = await self._digests.digest(path)
        read_back = _described(
            artefact.model_copy(update={"digest": digest, "size_bytes": size, "already_here": True}),
            header,
            context,
        )
        warnings = [warning.replace(ALIAS, artefact.name, 1) for warning in loaded.artefact.warnings]
        return loaded.model_copy(
            update={
                "artefact": with_warnings(read_back, warnings),
                "native_context": header.native_context or loaded.native_context,
            }
        )

    async def chat(self, model: str, request: ChatRequest) -> ChatReply:
        path = self._path(model)
        async with self._lock:
            running = await self._run(path, request.context)
            try:
                return await running.client.chat(ALIAS, request)
            except RuntimeFault as fault:
                raise await self._blamed(running, fault) from None

    async def unload(self, model: str) -> None:
        async with self._lock:
            if self._running is not None and self._running.server.order.path == self._path(model):
                await self._stop()

    async def aclose(self) -> None:
        await self._stop()
        await self._hub.aclose()

    def _path(self, model: str) -> Path:
        found = parse_gguf_name(model)
        path = found if isinstance(found, Path) else found.place_in(self._models)
        return path.absolute()

    async def _prove_local(self, model: str, path: Path, context: int) -> Artefact:
        header = await _header(model, path)
        try:
            digest = await self._digests.digest(path)
            size = await asyncio.to_thread(lambda: path.stat().st_size)
        except OSError as error:
            raise storage_fault(error, path) from None
        artefact = Artefact(
            runtime=RuntimeName.LLAMACPP,
            name=model,
            digest=digest,
            size_bytes=size,
            quantization=None,
            already_here=True,
            source_url=path.as_uri(),
        )
        return _described(artefact, header, context)

    async def _is_here(self, proved: ProvedFile) -> bool:
        """Whether exactly this file is stored already; without a digest, one to be used."""
        path = proved.file.place_in(self._models)
        try:
            size = await asyncio.to_thread(lambda: path.stat().st_size)
            if proved.size_bytes is not None and size != proved.size_bytes:
                return False
            if proved.digest is not None:
                return await self._digests.digest(path) == proved.digest
            await asyncio.to_thread(read_gguf_file, path)
        except (FileNotFoundError, GgufError):
            return False
        except OSError as error:
            raise storage_fault(error, path) from None
        return True

    async def _check(self, artefact: Artefact, path: Path) -> GgufHeader:
        """The file's header; a fault when the file is damaged or is not the one that was proved."""
        header = await _header(artefact.name, path)
        digest = await self._digests.digest(path)
        if artefact.digest is not None and digest != artefact.digest:
            raise _moved(artefact, digest)
        return header

    async def _run(self, path: Path, context: int) -> _Running:
        """The running server for ``path`` with ``context`` tokens or more, started where there is none."""
        if self._running is not None and self._running.serves(path, context):
            return self._running
        await self._stop()
        await _header(path.name, path)
        order = Order(path, context, self._threads, self._cache_prompt)
        self._running = _Running(await EmbeddedServer.start(order, seconds=LOAD_SECONDS))
        return self._running

    async def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def _blamed(self, running: _Running, fault: RuntimeFault) -> RuntimeFault:
        """``fault``, or what the process died of when it is gone; the next call starts another."""
        broken = fault.kind in {RuntimeFaultKind.INTERRUPTED, RuntimeFaultKind.UNREACHABLE}
        if not (broken and await running.server.died()):
            return fault
        death = running.server.death()
        await self._stop()
        return death


def _described(artefact: Artefact, header: GgufHeader | None, context: int) -> Artefact:
    """``artefact`` with what the file says of itself."""
    if header is None:
        shape, told = None, {}
    else:
        shape = header.shape
        told = {
            "quantization": header.quantization,
            "parameters": header.parameters,
            "licence": header.licence,
        }
    size = artefact.size_bytes
    needed = None if size is None else estimate_memory(size, context=context, shape=shape).total_bytes
    native = header.native_context if header else None
    warnings = [short_native_context(artefact.name, native, context)] if native and native < context else []
    return with_warnings(artefact.model_copy(update={**told, "needed_memory_bytes": needed}), warnings)


async def _header(model: str, path: Path) -> GgufHeader:
    try:
        return await asyncio.to_thread(read_gguf_file, path)
    except FileNotFoundError:
        raise RuntimeFault(
            RuntimeFaultKind.NOT_FOUND, f"{model} is not here: there is no file {path}.", "Pull it first."
        ) from None
    except OSError as error:
        raise storage_fault(error, path) from None
    except GgufError as error:
        raise _no_gguf(model, error) from None


def _pinned(found: HubFile, artefact: Artefact) -> HubFile:
    """The file at the commit that was proved, which stays there when the branch moves on."""
    _, mark, rest = (artefact.source_url or "").partition("/resolve/")
    return found._replace(revision=rest.partition("/")[0]) if mark else found


def _no_gguf(model: str, error: GgufError) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.BAD_REPLY,
        f"{model} is no GGUF file that can be used. {error}",
        "Pull it again, or choose another file.",
    )


def _moved(artefact: Artefact, digest: str | None) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.DIGEST_MISMATCH,
        f"{artefact.name} is not what was approved: {artefact.digest} was, {digest or 'none'} is there now.",
        "Pull it again; if that does not help, approve the model again to use what it is now.",
    )


def _resized(artefact: Artefact, size: int | None) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.DIGEST_MISMATCH,
        f"{artefact.name} is not what was approved: it had {artefact.size_bytes:,} bytes then, {size:,} now.",
        "Approve the model again to use what it is now.",
    )


def _can_import() -> bool:
    """Whether the native library loads; tried in another process, which may crash over it."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", "import xllamacpp"],
            capture_output=True,
            timeout=IMPORT_SECONDS,
            env=without_secrets(os.environ),
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
