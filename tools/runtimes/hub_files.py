"""Files on the Hub: proved by their metadata, peeked into, and pulled so that a broken pull resumes.

The requests are our own: ``huggingface_hub`` 2.4 throws a partial file away when its download breaks, and
five gigabytes are worth resuming; it also asks huggingface.co who is calling, whatever the endpoint.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

import httpx

from tools.runtimes.base import PullProgress, RuntimeFault, RuntimeFaultKind
from tools.runtimes.files import hash_rest, lock, storage_fault
from tools.runtimes.gguf_header import GgufHeader, read_gguf_header
from tools.runtimes.gguf_names import HubFile
from tools.runtimes.memory import describe_bytes
from tools.runtimes.wire import CONNECT_SECONDS, connection_fault, is_loopback, retry_after_seconds

PUBLIC_HUB = "https://huggingface.co"
METADATA_SECONDS = 30.0
MAX_REDIRECTS = 5
PEEK_BYTES = 262_144
"""Enough of a GGUF file for quantization, context and licence; vocabularies come later and are large."""
PEEK_SECONDS = 20.0
STALL_SECONDS = 60.0
WRITE_BYTES = 1_048_576
STEPS = 200
"""Progress is reported about this many times."""
MOST_BYTES = 500_000_000_000
"""Of a file that was not announced with a size; larger models come in several files."""
BYTES_PER_PARAMETER = 5
"""Four of F32, and a quarter for names like "8B" that leave out what is behind the point."""
SLACK_BYTES = 1_000_000_000
"""Vocabulary and metadata beside the parameters."""
RESERVE_BYTES = 100_000_000
"""Stays free on the disk while a file is pulled whose end nobody told: a run's own rows need some of it."""
PLAIN = frozenset({"", "identity", "aws-chunked"})
"""Codings of a body that is as it was asked for. Some stores repeat how a file was once uploaded to them in
signed chunks; what they send is the file, and nothing that a few bytes of become very many."""
WHO = "The Hub"

_SHA256 = re.compile(r"^(?:W/)?\"?([0-9a-f]{64})\"?$")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_MISSING = {
    "RepoNotFound": "there is no such repository, or it is private",
    "RevisionNotFound": "the repository has no such revision",
    "EntryNotFound": "the repository has no such file",
}


class ProvedFile(NamedTuple):
    """What the Hub tells of a file."""

    file: HubFile
    """With the commit as its revision."""
    url: str
    """Address of exactly this version."""
    size_bytes: int | None
    sha256: str | None
    """Hexadecimal; None for small files, which the Hub tells no SHA-256 of."""

    @property
    def digest(self) -> str | None:
        return None if self.sha256 is None else f"sha256:{self.sha256}"


class Hub:
    """The Hub at ``endpoint``, asked with ``token``; None stands for what ``huggingface_hub`` would use."""

    def __init__(self, endpoint: str | None = None, token: str | None = None) -> None:
        self._endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")
        self._token = token or None
        timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=not is_loopback(self._endpoint))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def prove(self, file: HubFile) -> ProvedFile:
        """Existence, commit, exact size and SHA-256 of ``file``, from the headers of its address."""
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
            step = "Unset HF_HUB_OFFLINE, or name a file that is on this machine."
            raise RuntimeFault(RuntimeFaultKind.UNREACHABLE, "HF_HUB_OFFLINE switches the Hub off.", step)
        try:
            async with asyncio.timeout(METADATA_SECONDS):
                response = await self._head(self._address(file))
        except TimeoutError:
            raise _too_late() from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _broken(error) from None
        if response.status_code >= 400:
            raise _status_fault(response, file)
        headers = response.headers
        commit, etag = headers.get("x-repo-commit"), headers.get("x-linked-etag") or headers.get("etag") or ""
        if commit is None or not _COMMIT.fullmatch(commit):
            sentence = f"{WHO} tells no commit of {file.repo}, so that it may be something else than a Hub."
            raise RuntimeFault(RuntimeFaultKind.BAD_REPLY, sentence, "Check HF_ENDPOINT.")
        size = headers.get("x-linked-size") or (
            headers.get("content-length") if response.status_code == 200 else None
        )
        pinned = file._replace(revision=commit)
        sha256 = _SHA256.search(etag)
        return ProvedFile(
            pinned,
            self._address(pinned),
            int(size) if size and size.isdecimal() else None,
            sha256[1] if sha256 else None,
        )

    async def _head(self, url: str) -> httpx.Response:
        """The response that carries the metadata, which is the one before the redirect to the content."""
        for _ in range(MAX_REDIRECTS):
            response = await self._http.head(url, headers=self._headers(), timeout=METADATA_SECONDS)
            here = httpx.URL(url)
            target = here.join(response.headers.get("location", ""))
            if (
                not response.has_redirect_location
                or "x-linked-etag" in response.headers
                # The token goes with the request: to this server only, and never from https down to http.
                or (target.scheme, target.netloc) != (here.scheme, here.netloc)
            ):
                return response
            url = str(target)
        return response

    async def peek(self, proved: ProvedFile) -> GgufHeader:
        """The header of a GGUF file, as far as its first bytes tell.

        Raises :class:`GgufError` for another kind of file, :class:`RuntimeFault` when it cannot be read.
        """
        headers = {**self._headers(), "Range": f"bytes=0-{PEEK_BYTES - 1}"}
        prefix = bytearray()
        try:
            async with asyncio.timeout(PEEK_SECONDS):
                async with self._content(proved, headers) as response:
                    await _read_prefix(response, prefix, proved.file)
        except httpx.HTTPError as error:
            raise _broken(error) from None
        except TimeoutError:
            raise _too_late() from None
        return read_gguf_header(bytes(prefix[:PEEK_BYTES]))

    async def download(
        self, proved: ProvedFile, destination: Path, most: int
    ) -> AsyncGenerator[PullProgress]:
        """Store the file at ``destination``, which never holds anything but the whole, verified file.

        What has arrived is kept beside it until then, so that another call resumes. Raises
        :class:`RuntimeFault`; INTERRUPTED and DISK_FULL where calling again goes on. More than ``most`` bytes
        are refused, and what the disk has no room for.
        """
        name = f"{destination.name}.{(proved.sha256 or proved.file.revision)[:16]}.part"
        part = destination.with_name(name)
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            with part.open("a+b") as file:
                lock(file, destination.name)
                async with aclosing(self._transfer(proved, file, most)) as steps:
                    async for step in steps:
                        yield step
                await asyncio.to_thread(os.fsync, file.fileno())
            os.replace(part, destination)
        except OSError as error:
            raise storage_fault(error, destination) from None
        except _UselessFault:
            part.unlink(missing_ok=True)
            raise

    async def _transfer(self, proved: ProvedFile, file: IO[bytes], most: int) -> AsyncGenerator[PullProgress]:
        file.seek(0)
        growing = _Growing(file, await hash_rest(file), file.tell(), proved, most)
        if growing.size is None or growing.completed < growing.size:
            try:
                async with AsyncExitStack() as stack:
                    async with asyncio.timeout(STALL_SECONDS):
                        content = self._content(proved, self._range(growing))
                        response = await stack.enter_async_context(content)
                    growing.begin(response)
                    async with aclosing(growing.steps(response)) as steps:
                        async for step in steps:
                            yield step
            except TimeoutError:
                raise _too_late() from None
            except httpx.HTTPError as error:
                fault = _broken(error)
                raise (
                    growing.interrupted() if fault.kind.retryable and growing.completed else fault
                ) from None
        yield growing.progress("verifying sha256 digest")
        growing.check()

    def _address(self, file: HubFile) -> str:
        return f"{self._endpoint}/{file.repo}/resolve/{quote(file.revision, safe='')}/{quote(file.path)}"

    def _headers(self) -> dict[str, str]:
        from huggingface_hub import get_token

        token = self._token or get_token()
        # Without "identity" a proxy may compress, and offsets would count other bytes than the file's.
        return {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})}

    def _content(
        self, proved: ProvedFile, headers: dict[str, str]
    ) -> AbstractAsyncContextManager[httpx.Response]:
        # The content is wherever the Hub redirects to; httpx sends the token to the Hub's own host alone.
        return self._http.stream("GET", proved.url, headers=headers, follow_redirects=True)

    def _range(self, growing: _Growing) -> dict[str, str]:
        headers = self._headers()
        if growing.completed:
            headers["Range"] = f"bytes={growing.completed}-"
        return headers


class _UselessFault(RuntimeFault):
    """What has arrived will never be the file, and is thrown away."""


def most_bytes(parameters: int | None) -> int:
    """How large a file of so many parameters may be where nobody announced its size."""
    if parameters is None:
        return MOST_BYTES
    return min(MOST_BYTES, parameters * BYTES_PER_PARAMETER + SLACK_BYTES)


class _Growing:
    """A partial file and the hash of what is in it."""

    def __init__(
        self, file: IO[bytes], sum_so_far: hashlib._Hash, completed: int, proved: ProvedFile, most: int
    ) -> None:
        self._file = file
        self._sum = sum_so_far
        self._proved = proved
        self.completed = completed
        self.size = proved.size_bytes
        self._most = most
        self._roomy = 0
        """Up to here there was room when the transfer began."""

    def progress(self, status: str) -> PullProgress:
        return PullProgress(status, self._proved.digest, self.completed, self.size)

    def begin(self, response: httpx.Response) -> None:
        """Make ready for the body; a server that ignored the range sends everything again."""
        if response.status_code not in {200, 206}:
            raise _status_fault(response, self._proved.file)
        _check_plain(response)
        if response.status_code == 206:
            start = _CONTENT_RANGE.match(response.headers.get("content-range", ""))
            if start is None or int(start[1]) != self.completed:
                sentence = f"{WHO} sent another part of {self._proved.file.path} than was asked for."
                raise RuntimeFault(RuntimeFaultKind.BAD_REPLY, sentence, "Pull again later.")
        else:
            self._file.truncate(0)
            self._sum = hashlib.sha256()
            self.completed = 0
        length = response.headers.get("content-length", "")
        if self.size is not None:
            self._check_room(self.size - self.completed)
        elif length.isdecimal():
            self._check_room(int(length))
            self._roomy = self.completed + int(length)

    async def steps(self, response: httpx.Response) -> AsyncGenerator[PullProgress]:
        status = f"pulling {self._proved.file.path}"
        yield self.progress(status)
        step = max(WRITE_BYTES, (self.size or 0) // STEPS)
        reported = self.completed
        waiting = bytearray()
        try:
            async for chunk in response.aiter_raw():
                waiting += chunk
                if len(waiting) >= WRITE_BYTES:
                    written, waiting = bytes(waiting), bytearray()
                    await asyncio.to_thread(self._write, written)
                if self.completed - reported >= step:
                    reported = self.completed
                    yield self.progress(status)
        finally:
            if waiting:
                self._write(bytes(waiting))
        if self.size is not None and self.completed < self.size:
            raise self.interrupted()
        yield self.progress(status)

    def check(self) -> None:
        """Raise unless the whole file has the announced SHA-256."""
        if self.size is not None and self.completed != self.size:
            raise self._mismatch(f"{self.completed:,} bytes instead of {self.size:,}")
        if self._proved.sha256 is not None and self._sum.hexdigest() != self._proved.sha256:
            raise self._mismatch(f"the SHA-256 {self._sum.hexdigest()} instead of {self._proved.sha256}")

    def interrupted(self) -> RuntimeFault:
        return RuntimeFault(
            RuntimeFaultKind.INTERRUPTED,
            f"The pull of {self._proved.file.path} broke off after {self.completed:,} bytes.",
            "Pull again: it resumes where it stopped.",
        )

    def _write(self, chunk: bytes) -> None:
        if self.size is None and self.completed + len(chunk) > self._roomy:
            self._check_room(len(chunk), RESERVE_BYTES)
        self._file.write(chunk)
        self._file.flush()
        self._sum.update(chunk)
        self.completed += len(chunk)
        if self.size is not None and self.completed > self.size:
            raise self._mismatch(f"more than the {self.size:,} bytes that were announced")

    def _check_room(self, more: int, reserve: int = 0) -> None:
        """Raise when the file would become too large with so many ``more`` bytes, or fill the disk."""
        path = self._proved.file.path
        if self.completed + more > self._most:
            raise _UselessFault(
                RuntimeFaultKind.BAD_REPLY,
                f"{WHO} had announced no size of {path}, and sends more than {describe_bytes(self._most)}, "
                "which is more than such a model can take. What had arrived has been thrown away.",
                "Check HF_ENDPOINT, or choose another file.",
            )
        free = shutil.disk_usage(Path(self._file.name).parent).free
        if free < reserve + more:
            raise RuntimeFault(
                RuntimeFaultKind.DISK_FULL,
                f"After {describe_bytes(self.completed)} of {path} only {describe_bytes(free)} are free on "
                f"the disk, and {describe_bytes(more + reserve)} are needed to go on.",
                "Free some space and pull again: it resumes. What had arrived lies in "
                f"{Path(self._file.name).name}.",
            )

    def _mismatch(self, found: str) -> RuntimeFault:
        return _UselessFault(
            RuntimeFaultKind.DIGEST_MISMATCH,
            f"What was pulled for {self._proved.file.path} is damaged: it has {found}.",
            "Pull again; what was damaged has been thrown away.",
        )


def _broken(error: httpx.HTTPError | httpx.InvalidURL) -> RuntimeFault:
    if isinstance(error, httpx.InvalidURL):
        sentence = f"{WHO} has an address that cannot be one."
        return RuntimeFault(RuntimeFaultKind.UNREACHABLE, sentence, "Check HF_ENDPOINT.")
    return connection_fault(error, WHO, "Check the network and HF_ENDPOINT, then try again.")


def _too_late() -> RuntimeFault:
    return RuntimeFault(RuntimeFaultKind.TIMEOUT, f"{WHO} did not answer in time.", "Try again later.")


def _check_plain(response: httpx.Response) -> None:
    """Raise when a body comes packed, which nobody asked for: few bytes of it could become very many."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if not PLAIN.issuperset(coding.strip() for coding in packed.split(",")):
        sentence = f"{WHO} packed what was asked for as it is ({packed[:20]!r})."
        raise RuntimeFault(RuntimeFaultKind.BAD_REPLY, sentence, "Check HF_ENDPOINT and the proxy.")


async def _read_prefix(response: httpx.Response, prefix: bytearray, file: HubFile) -> None:
    if response.status_code not in {200, 206}:
        raise _status_fault(response, file)
    _check_plain(response)
    async for chunk in response.aiter_raw():
        prefix += chunk
        if len(prefix) >= PEEK_BYTES:
            return


def _status_fault(response: httpx.Response, file: HubFile) -> RuntimeFault:
    kind = RuntimeFaultKind
    status = response.status_code
    code = response.headers.get("x-error-code")
    if code == "GatedRepo":
        return _gated(file)
    if code in _MISSING:
        return _not_found(file, _MISSING[code])
    if status in {401, 403}:
        step = "Set HF_TOKEN to a token of an account that may read it."
        return RuntimeFault(kind.REJECTED, f"{WHO} refuses access to {file.repo} ({status}).", step)
    if status == 404:
        return _not_found(file, "it is not there any more")
    if status == 429:
        wait = retry_after_seconds(response.headers)
        return RuntimeFault(
            kind.BUSY, f"{WHO} is limiting requests (429).", "Try again later.", retry_after_seconds=wait
        )
    if status >= 500:
        return RuntimeFault(kind.SERVER_ERROR, f"{WHO} failed ({status}).", "Try again later.")
    return RuntimeFault(kind.BAD_REPLY, f"{WHO} gave an unexpected answer ({status}).", "Check HF_ENDPOINT.")


def _gated(file: HubFile) -> RuntimeFault:
    step = (
        f"Accept its licence at https://huggingface.co/{file.repo}, "
        "and set HF_TOKEN to a token of the same account."
    )
    return RuntimeFault(
        RuntimeFaultKind.REJECTED, f"{file.repo} is gated: its licence must be accepted first.", step
    )


def _not_found(file: HubFile, why: str) -> RuntimeFault:
    return RuntimeFault(
        RuntimeFaultKind.NOT_FOUND,
        f"{WHO} has no {file.repo}/{file.path}: {why}.",
        "Check the spelling of owner, repository, file and revision.",
    )
