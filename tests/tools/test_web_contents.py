"""Files that are not pages: gzip files and heads of GGUF files, over real loopback HTTP."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import gguf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.http_server import Answered, Asked, StandIn
from tests.standins.tiny_gguf import CONTEXT_LENGTH, LICENCE, write_tiny_gguf
from tools.clock import FixedClock
from tools.outcomes import Blocked, BlockReason, Failed, FailReason, Found
from tools.runtimes.gguf_header import model_shape, read_gguf_file
from tools.web.body import TooLargeError, UnreadableError, gunzipped
from tools.web.client import HttpWeb
from tools.web.gguf import HEAD_BYTES, header_of, header_text, read_gguf_header

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
BOARD = json.dumps({"Qwen3-8B": {"eq": 71.2, "note": "Grüße"}}, ensure_ascii=False).encode()


async def fetch(answer: Answered, **more: object):
    with StandIn(lambda _: answer) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            return await web.get(f"{server.address}/x", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content_type", ["application/gzip", "application/x-gzip", "application/octet-stream"]
)
async def test_a_gzip_file_is_unpacked(content_type):
    packed = gzip.compress(BOARD[:20]) + gzip.compress(BOARD[20:])
    outcome = await fetch(Answered(packed, content_type=content_type))
    assert isinstance(outcome, Found)
    page = outcome.value
    assert page.json_value()["Qwen3-8B"]["note"] == "Grüße"
    assert page.body_sha256 == "sha256:" + hashlib.sha256(packed).hexdigest()
    assert page.notes == (f"A gzip file of {len(packed)} bytes was unpacked to {len(BOARD)}.",)


async def test_a_gzip_file_that_arrives_unpacked_is_read_as_it_is():
    headers = {"Content-Encoding": "gzip"}
    answer = Answered(gzip.compress(BOARD), content_type="application/gzip", headers=headers)
    outcome = await fetch(answer)
    assert isinstance(outcome, Found)
    assert outcome.value.text.encode() == BOARD


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"x" * 200_000), FailReason.TOO_LARGE),
        (gzip.compress(BOARD)[:-6], FailReason.BAD_REPLY),
        (gzip.compress(b"\x00\xff\xfe"), FailReason.UNSUPPORTED),
        (b"\x1f\x8bnothing of the kind", FailReason.BAD_REPLY),
        (b"\xff\xfd", FailReason.UNSUPPORTED),
    ],
    ids=["bomb", "cut off", "binary inside", "no gzip", "no magic"],
)
async def test_gzip_files_that_are_no_text_fail(body, reason):
    outcome = await fetch(Answered(body, content_type="application/gzip"), max_bytes=100_000)
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 1300), st.binary(max_size=3))
def test_unpacking_gives_all_members_or_says_that_it_is_too_much(parts, most, rest):
    whole = b"".join(parts)
    packed = b"".join(gzip.compress(part) for part in parts) + b"\x00" * len(rest)
    if len(whole) > most:
        with pytest.raises(TooLargeError):
            gunzipped(packed, most)
    else:
        assert gunzipped(packed, most) == whole


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A header with a vocabulary that does not fit into what is read of it."""
    path = tmp_path_factory.mktemp("gguf") / "big.gguf"
    writer = gguf.GGUFWriter(path, "gemma3n")
    writer.add_name("Big")
    writer.add_file_type(15)
    writer.add_license("apache-2.0")
    writer.add_context_length(32_768)
    writer.add_block_count(2)
    writer.add_head_count(8)
    writer.add_head_count_kv([2, 0])
    writer.add_embedding_length(512)
    writer.add_token_list([f"token {number}" for number in range(40_000)])
    writer.add_chat_template("never reached")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path.read_bytes()


def obeying(body: bytes) -> Callable[[Asked], Answered]:
    """A server that sends the part that it is asked for."""

    def answer(asked: Asked) -> Answered:
        part = re.fullmatch(r"bytes=0-(\d+)", asked.headers.get("range", ""))
        if part is None:
            return Answered(body, content_type="application/octet-stream")
        sent = body[: int(part[1]) + 1]
        headers = {"Content-Range": f"bytes 0-{len(sent) - 1}/{len(body)}"}
        return Answered(sent, 206, "application/octet-stream", headers)

    return answer


async def header_from(respond: Callable[[Asked], Answered]):
    with StandIn(respond) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            outcome = await read_gguf_header(web, f"{server.address}/model.gguf")
        assert [asked.headers["accept-encoding"] for asked in server.asked] == ["identity"]
    return outcome


@pytest.mark.parametrize("obedient", [True, False])
async def test_the_head_of_a_gguf_file_is_its_metadata(big, obedient):
    outcome = await header_from(
        obeying(big) if obedient else lambda _: Answered(big, content_type="binary/octet-stream")
    )
    assert isinstance(outcome, Found)
    page = outcome.value
    assert page.content_type == "application/x-gguf-header"
    assert page.body_bytes == HEAD_BYTES
    assert page.body_sha256 == "sha256:" + hashlib.sha256(big[:HEAD_BYTES]).hexdigest()
    assert page.notes == ("262,144 bytes of the GGUF file were read; its header goes on after them.",)
    told = page.json_value()
    assert told["general.license"] == "apache-2.0"
    assert told["gemma3n.context_length"] == 32_768
    assert "tokenizer.ggml.tokens" not in told
    assert page.text == json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    header = header_of(page)
    assert (header.architecture, header.quantization, header.native_context) == ("gemma3n", "Q4_K_M", 32_768)
    shape = model_shape(header.metadata)
    assert shape is not None
    assert shape.kv_heads_total == 2


async def test_the_hub_sends_to_another_host_for_the_file(tiny):
    with StandIn(obeying(tiny.read_bytes())) as cdn:
        target = {"Location": f"{cdn.address}/blob"}
        with StandIn(lambda _: Answered(b"", 302, headers=target)) as hub:
            async with HttpWeb(CLOCK, allow_hosts=frozenset({cdn.netloc, hub.netloc})) as web:
                outcome = await read_gguf_header(web, f"{hub.address}/a/b/resolve/main/tiny.gguf")
            assert isinstance(outcome, Found)
            assert outcome.value.url.startswith(hub.address)
    assert cdn.asked[0].headers["range"] == f"bytes=0-{HEAD_BYTES - 1}"


async def test_a_short_header_is_read_whole(tiny):
    outcome = await header_from(obeying(tiny.read_bytes()))
    assert isinstance(outcome, Found)
    header, whole = header_of(outcome.value), read_gguf_file(tiny)
    assert (header.licence, header.native_context) == (LICENCE, CONTEXT_LENGTH)
    assert header.chat_template == whole.chat_template
    assert header.shape == whole.shape


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answered(b"<html>", content_type="text/html"), FailReason.UNSUPPORTED),
        (Answered(b"GGUF\x01\x00", content_type="application/octet-stream"), FailReason.BAD_REPLY),
        (Answered(b"GGUF" + b"\xff" * 40, content_type="application/octet-stream"), FailReason.BAD_REPLY),
        (Answered(b"part", 206, headers={"Content-Range": "bytes 5-8/99"}), FailReason.BAD_REPLY),
        (Answered(b"", 401, headers={"X-Error-Code": "GatedRepo"}), BlockReason.GATED),
    ],
)
async def test_what_is_no_header_is_said(answer, expected):
    outcome = await header_from(lambda _: answer)
    assert isinstance(outcome, Blocked if isinstance(expected, BlockReason) else Failed)
    assert outcome.reason is expected


async def test_a_part_that_nobody_asked_for_is_no_page():
    outcome = await fetch(Answered(b"part", 206, headers={"Content-Range": "bytes 0-3/99"}))
    assert isinstance(outcome, Failed)
    assert outcome.reason is FailReason.BAD_REPLY


async def test_a_wanted_part_is_kept_to_whatever_the_server_sends():
    outcome = await fetch(Answered(b"abcdef"), headers={"Range": "bytes=0-3"})
    assert isinstance(outcome, Found)
    assert outcome.value.text == "abcd"


async def test_other_pages_are_no_headers(tiny):
    outcome = await fetch(Answered(b"{}", content_type="application/json"))
    assert isinstance(outcome, Found)
    with pytest.raises(ValueError, match="no header"):
        header_of(outcome.value)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_header_or_unreadable(rest):
    try:
        told = json.loads(header_text(b"GGUF\x03\x00\x00\x00" + rest).text)
    except UnreadableError:
        told = {"GGUF.version": 3}
    assert told["GGUF.version"] == 3
