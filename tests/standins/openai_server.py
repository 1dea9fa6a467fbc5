"""A stand-in for an OpenAI-compatible server: llama-server, or a hosted service without its extras."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.standins.loopback import Asked, Exchange, Loopback
from tests.standins.patience import PATIENCE

Fault = Literal[
    "cut",
    "cut without finish",
    "error mid-stream",
    "out of memory mid-stream",
    "html",
    "garbage",
    "busy",
    "quota",
    "loading",
    "crash",
    "out of memory",
    "bad request",
    "silent",
    "no done",
    "redirect",
    "flood",
]


@dataclass
class OpenAIServer(Loopback):
    """``reply`` gets the request's JSON and gives the text, streamed in pieces of a few characters."""

    reply: Callable[[dict[str, Any]], str] = lambda _: "All good."
    reasoning: str = ""
    """Sent as ``reasoning_content`` before the text."""
    model: str = "tiny"
    serves_any: bool = False
    """Every model's name is taken, not only ``model``."""
    cuts_at_limit: bool = False
    """A word is a token, and a reply ends at ``max_tokens`` of them."""
    owner: str = "llamacpp"
    api_key: str | None = None
    context: int = 4096
    props: bool = True
    lists_models: bool = True
    streams: bool = True
    refuses: tuple[str, ...] = ()
    """Fields that are answered with 400, by name."""
    refusal: str = "Unsupported parameter: '{field}' is not supported with this model."
    fault: Fault | None = None
    usage: dict[str, Any] | None = None
    """Sent instead of the usual ``usage``."""
    timings: dict[str, Any] | None = None
    """llama.cpp's ``timings``, sent with the last word whether usage was asked for or not."""
    template: str = "{{ messages }}"

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        given = asked.headers.get("authorization", "")
        if self.api_key and given != f"Bearer {self.api_key}":
            words = f"Incorrect API key provided: {given.removeprefix('Bearer ')}."
            return _error(exchange, 401, words, "authentication_error")
        if asked.path == "/v1/models" and self.lists_models:
            return exchange.send_json({"object": "list", "data": [self._listed()]})
        if asked.path == "/props" and self.props:
            settings = {"n_ctx": self.context}
            return exchange.send_json(
                {
                    "default_generation_settings": settings,
                    "total_slots": 1,
                    "chat_template": self.template,
                    "build_info": "b1-test",
                }
            )
        if asked.path == "/v1/chat/completions":
            return self._chat(exchange, asked.json)
        return _error(exchange, 404, "File Not Found", "not_found_error")

    def _listed(self) -> dict[str, Any]:
        meta = {
            "n_ctx": self.context,
            "n_ctx_train": 8192,
            "n_params": 8_190_735_360,
            "size": 5_020_000_000,
            "ftype": "Q4_K - Medium",
        }
        listed = {"id": self.model, "object": "model", "created": 1, "owned_by": self.owner}
        return {**listed, "meta": meta} if self.owner == "llamacpp" else listed

    def _chat(self, exchange: Exchange, body: dict[str, Any]) -> None:
        for field in self.refuses:
            if field in body:
                words = self.refusal.format(field=field)
                return _error(exchange, 400, words, "invalid_request_error")
        if body["model"] != self.model and not self.serves_any:
            return _error(exchange, 404, f"The model `{body['model']}` does not exist", "not_found_error")
        if not self._refuse(exchange):
            if body.get("stream") and self.streams:
                self._stream(exchange, body)
            else:
                exchange.send_json(self._whole(body))
        return None

    def _refuse(self, exchange: Exchange) -> bool:
        """Answer with the fault, when it is one that stands in for the whole answer."""
        if self.fault == "html":
            exchange.send(200, b"<!DOCTYPE html><html>Log in</html>", "text/html")
        elif self.fault == "garbage":
            exchange.send(200, b"[1, 2", "application/json")
        elif self.fault == "redirect":
            exchange.send(307, Location="http://127.0.0.1:9/elsewhere")
        elif self.fault == "silent":
            self.closing.wait(PATIENCE)
            exchange.cut()
        elif self.fault in _STATUS_FAULTS:
            status, words, headers = _STATUS_FAULTS[self.fault]
            exchange.send_json({"error": {"message": words, "code": status}}, status, **headers)
        else:
            return False
        return True

    def _reply(self, body: dict[str, Any]) -> tuple[str, str]:
        """The text, and why it ends there."""
        text = self.reply(body)
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
        if not self.cuts_at_limit or limit is None or len(text.split()) <= limit:
            return text, "stop"
        return " ".join(text.split()[:limit]), "length"

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        text, finish = self._reply(body)
        message = {"role": "assistant", "content": text}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"object": "chat.completion", "choices": [choice], "usage": self.usage or _USAGE}

    def _stream(self, exchange: Exchange, body: dict[str, Any]) -> None:
        exchange.begin_chunks("text/event-stream")
        exchange.send_chunk(b": keep-alive\n\n")
        text, finish = self._reply(body)
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
        deltas += [{"reasoning_content": piece} for piece in _pieces(self.reasoning)]
        deltas += [{"content": piece} for piece in _pieces(text)]
        for place, delta in enumerate(deltas):
            if place == len(deltas) // 2 and self._break(exchange):
                return None
            _event(exchange, {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        if self.fault == "cut without finish":
            return exchange.end_chunks()
        timings = {"timings": self.timings} if self.timings is not None else {}
        _event(exchange, {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], **timings})
        if (body.get("stream_options") or {}).get("include_usage"):
            _event(exchange, {"choices": [], "usage": self.usage or _USAGE})
        if self.fault != "no done":
            exchange.send_chunk(b"data: [DONE]\n\n")
        return exchange.end_chunks()

    def _break(self, exchange: Exchange) -> bool:
        """Break the stream in its middle, when that is the fault."""
        if self.fault == "cut":
            exchange.send_chunk(b'data: {"choices": [{"delta"')
            exchange.cut()
        elif self.fault in {"error mid-stream", "out of memory mid-stream"}:
            words = "cudaMalloc failed: out of memory" if "memory" in self.fault else "slot was lost"
            _event(exchange, {"error": {"code": 500, "message": words, "type": "server_error"}})
            exchange.end_chunks()
        elif self.fault == "flood":
            exchange.send_chunk(b"x" * 5_000_000)
            exchange.cut()
        else:
            return False
        return True


_USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
_STATUS_FAULTS: dict[str, tuple[int, str, dict[str, str]]] = {
    "busy": (429, "Rate limit reached", {"Retry-After": "7"}),
    "quota": (429, "You exceeded your current quota", {}),
    "loading": (503, "Loading model", {}),
    "crash": (500, "something broke", {}),
    "out of memory": (500, "failed to allocate buffer", {}),
    "bad request": (400, "request (5019 tokens) exceeds the available context size (1024 tokens)", {}),
}


def _pieces(text: str) -> list[str]:
    return [text[start : start + 4] for start in range(0, len(text), 4)]


def _event(exchange: Exchange, value: dict[str, Any]) -> None:
    # As llama.cpp writes it: characters outside of ASCII are not escaped, except halves of an emoji.
    try:
        data = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        data = json.dumps(value).encode()
    exchange.send_chunk(b"data: " + data + b"\n\n")


def _error(exchange: Exchange, status: int, words: str, kind: str) -> None:
    exchange.send_json({"error": {"message": words, "type": kind, "code": status}}, status)
