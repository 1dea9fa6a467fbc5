"""An OpenAI-compatible server that costs next to nothing: ``benchmarks.fast_server SECONDS RUBRIC``.

Serves a candidate and a judge with a fixed latency. Every reply is rendered before the first request and sent
in one write, streamed or whole as it is asked for. The judge says YES to each criterion of the rubric for the
candidate's answer and for the planted good one, NO for any other, and NO where the message is hopeless.
Prints its address as a line of JSON and ends with its standard input. ``/stats`` tells what was asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.rubric import Rubric

CANDIDATE, JUDGE = "candidate-8b", "referee-70b"
ANSWER = (
    "It sounds as if that has been on your mind for a while, and saying it aloud took something. "
    "What would you like to be different a month from now, and what is one small part of it you could "
    "try before we talk again?"
)
"""What the candidate says, in one piece a word when streamed."""
HOPELESS = "nothing anybody says will do"
"""A message with these words is answered, and the judge says NO."""


def _head(kind: str, length: int | None = None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()


def whole(record: object) -> bytes:
    body = json.dumps(record).encode()
    return _head("application/json", len(body)) + body


def streamed(pieces: Sequence[str], usage: dict[str, int]) -> bytes:
    """One event a piece, each in a chunk of its own."""
    deltas = [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces)]
    events: list[object] = [{"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    events.append({"choices": [], "usage": usage})
    lines = [f"data: {json.dumps(event)}\n\n".encode() for event in events] + [b"data: [DONE]\n\n"]
    chunks = b"".join(f"{len(line):x}\r\n".encode() + line + b"\r\n" for line in lines)
    return _head("text/event-stream") + chunks + b"0\r\n\r\n"


class Replies:
    """The replies to a text, both ways of sending them."""

    def __init__(self, text: str) -> None:
        pieces = [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))]
        usage = {"prompt_tokens": 400, "completion_tokens": len(pieces), "total_tokens": 400 + len(pieces)}
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.whole = whole({"object": "chat.completion", "choices": [choice], "usage": usage})
        self.streamed = streamed(pieces, usage)


def verdicts(rubric: Rubric, word: str) -> Replies:
    given = {"reason": "The words of the answer show it.", "verdict": word}
    return Replies(json.dumps({criterion.id: given for criterion in rubric.judged}))


class Stand:
    """What all connections share."""

    def __init__(self, latency_seconds: float, rubric: Rubric) -> None:
        self.latency_seconds = latency_seconds
        self.asked: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0
        listed = [{"id": name, "object": "model", "owned_by": "stand-in"} for name in (CANDIDATE, JUDGE)]
        self.models = whole({"object": "list", "data": listed})
        self.answer = Replies(ANSWER)
        self.yes, self.no = verdicts(rubric, "YES"), verdicts(rubric, "NO")
        assert rubric.planted is not None
        self.good = [text[:40].encode() for text in (ANSWER, rubric.planted.good)]

    def reply(self, line: bytes, body: bytes) -> bytes:
        """The bytes of the reply to one request, counted."""
        if b"/chat/completions" in line:
            if JUDGE.encode() in body:
                self.asked["judge"] += 1
                good = any(words in body for words in self.good) and HOPELESS.encode() not in body
                said = self.yes if good else self.no
            else:
                self.asked["candidate"] += 1
                said = self.answer
            return said.streamed if b'"stream":true' in body else said.whole
        if b"/stats" in line:
            return whole({**self.asked, "most_under_way": self.most_under_way})
        if b"/models" in line:
            self.asked["models"] += 1
            return self.models
        self.asked["other"] += 1
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection; its requests are answered in turn."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._stand.asked["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._read[:end]).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self._read) < end + 4 + length:
            return
        body = bytes(self._read[end + 4 :])
        self._read.clear()
        stand = self._stand
        said = stand.reply(head.partition(b"\r\n")[0], body)
        if stand.latency_seconds and length:
            stand.under_way += 1
            stand.most_under_way = max(stand.most_under_way, stand.under_way)
            asyncio.get_running_loop().call_later(stand.latency_seconds, self._send, said)
        else:
            self._transport.write(said)

    def _send(self, said: bytes) -> None:
        self._stand.under_way -= 1
        self._transport.write(said)


async def serve(latency_seconds: float, rubric: Rubric) -> None:
    loop = asyncio.get_running_loop()
    stand = Stand(latency_seconds, rubric)
    server = await loop.create_server(lambda: Connection(stand), "127.0.0.1", 0)
    print(json.dumps(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    from tools.rubric import parse_rubric

    given = Path(sys.argv[2])
    asyncio.run(serve(float(sys.argv[1]), parse_rubric(given.read_text("utf-8"), given.name)))


if __name__ == "__main__":
    main()
