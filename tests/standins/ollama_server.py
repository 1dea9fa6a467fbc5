"""A stand-in for Ollama: its HTTP API as version 0.32 speaks it, answers from a function, faults on demand.

Compared by hand with a real Ollama 0.32.15. Left out are embeddings, generation without chat, tools, images.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.standins.loopback import Asked, Exchange, Loopback
from tests.standins.patience import PATIENCE

ChatFault = Literal[
    "busy",
    "crash",
    "out of memory",
    "cut",
    "error mid-stream",
    "out of memory mid-stream",
    "silent",
    "html",
    "proxy",
]
PullFault = Literal["cut", "error mid-stream", "disk full", "digest mismatch", "silent", "no success"]

_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Layer:
    """A layer of a model, in the manifest's order."""

    size: int
    digest: str
    """``sha256:…``"""


def layer(name: str, size: int) -> Layer:
    """A layer with a digest made up from its name."""
    return Layer(size, "sha256:" + hashlib.sha256(name.encode()).hexdigest())


@dataclass(frozen=True)
class StandInModel:
    """A model that the stand-in can have, in the registry or locally."""

    name: str = "qwen3:8b"
    layers: tuple[Layer, ...] = (layer("weights", 5_225_374_496), layer("template", 1_723))
    parameter_size: str = "8.2B"
    parameter_count: int = 8_190_735_360
    quantization: str = "Q4_K_M"
    native_context: int = 40_960
    capabilities: tuple[str, ...] = ("completion", "tools", "thinking")
    licence: str = "Apache License\nVersion 2.0, January 2004\n"
    template: str = "{{ .Messages }}"

    @property
    def manifest(self) -> bytes:
        layers = [{"digest": one.digest, "size": one.size} for one in self.layers]
        return json.dumps({"schemaVersion": 2, "layers": layers}, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, in hexadecimal."""
        return hashlib.sha256(self.manifest).hexdigest()

    @property
    def size(self) -> int:
        return sum(one.size for one in self.layers)


@dataclass
class OllamaServer(Loopback):
    """``reply`` gets the request's JSON and gives the text, which is streamed word by word."""

    reply: Callable[[dict[str, Any]], str] = lambda _: "All good, thank you."
    thinking: Callable[[dict[str, Any]], str] = lambda _: ""
    """What the model thinks aloud, when thinking is on."""
    registry: dict[str, StandInModel] = field(default_factory=lambda: {"qwen3:8b": StandInModel()})
    """Models that can be pulled."""
    local: dict[str, StandInModel] = field(default_factory=dict)
    """Models that are here."""
    loaded: dict[str, int] = field(default_factory=dict)
    """Context allocated to each loaded model."""
    largest_context: int = 1_000_000
    """More is not allocated, however much is asked for."""
    version: str = "0.32.15"
    chat_fault: ChatFault | None = None
    refuses: dict[str, str] = field(default_factory=dict)
    """Fields of a chat that are answered with 400 and these words, unless ``format`` is plain "json"."""
    cached_tokens: int | None = None
    """Told beside the prompt's tokens, as versions do since the autumn of 2026."""
    pull_fault: PullFault | None = None
    pull_steps: int = 3
    """Progress lines for every layer."""
    parts: set[str] = field(default_factory=set)
    """Digests of layers that are here, from finished and from broken pulls."""

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        host = asked.headers.get("host", "").rsplit(":", 1)[0]
        if host not in _LOCAL_HOSTS:
            return exchange.send(403)
        path = asked.path.partition("?")[0]
        if path == "/" and asked.method in {"GET", "HEAD"}:
            return exchange.send(200, b"Ollama is running", "text/plain; charset=utf-8")
        routes = {
            ("GET", "/api/version"): lambda _: exchange.send_json({"version": self.version}),
            ("GET", "/api/tags"): lambda _: exchange.send_json(
                {"models": [_tag(m) for m in self.local.values()]}
            ),
            ("GET", "/api/ps"): lambda _: exchange.send_json({"models": self._running()}),
            ("POST", "/api/show"): lambda body: self._show(exchange, body),
            ("POST", "/api/chat"): lambda body: self._chat(exchange, body),
            ("POST", "/api/pull"): lambda body: self._pull(exchange, body),
            ("DELETE", "/api/delete"): lambda body: self._delete(exchange, body),
        }
        route = routes.get((asked.method, path))
        if route is None:
            known = any(path == known for _, known in routes)
            return exchange.send(405 if known else 404, b"404 page not found", "text/plain")
        if asked.method == "GET":
            return route({})
        try:
            body = asked.json if asked.body else None
        except ValueError as error:
            return _error(exchange, 400, f"invalid character: {error}")
        return route(body) if isinstance(body, dict) else _error(exchange, 400, "missing request body")

    def _find(self, name: str) -> StandInModel | None:
        return self.local.get(_full(name))

    def _running(self) -> list[dict[str, Any]]:
        here = [(self.local[name], context) for name, context in self.loaded.items() if name in self.local]
        expires = "2318-01-01T00:00:00Z"
        return [
            {**_tag(model), "expires_at": expires, "size_vram": 0, "context_length": context}
            for model, context in here
        ]

    def _show(self, exchange: Exchange, body: dict[str, Any]) -> None:
        name = _full(str(body.get("model") or body.get("name") or ""))
        model = self._find(name)
        if model is None:
            return _error(exchange, 404, f"model '{name}' not found")
        info = {
            "general.architecture": "qwen3",
            "general.file_type": 15,
            "general.parameter_count": model.parameter_count,
            "qwen3.attention.head_count": 32,
            "qwen3.attention.head_count_kv": 8,
            "qwen3.attention.key_length": 128,
            "qwen3.attention.value_length": 128,
            "qwen3.block_count": 36,
            "qwen3.context_length": model.native_context,
            "qwen3.embedding_length": 4096,
            "tokenizer.ggml.merges": None,
            "tokenizer.ggml.tokens": None,
        }
        return exchange.send_json(
            {
                "license": model.licence,
                "modelfile": f"FROM {name}\n",
                "parameters": 'stop                           "<|im_end|>"',
                "template": model.template,
                "details": _details(model),
                "model_info": info,
                "capabilities": list(model.capabilities),
                "modified_at": "2026-08-21T10:00:00.000000001Z",
            }
        )

    def _delete(self, exchange: Exchange, body: dict[str, Any]) -> None:
        name = _full(str(body.get("model", "")))
        if self.local.pop(name, None) is None:
            return _error(exchange, 404, f"model '{name}' not found")
        self.loaded.pop(name, None)
        return exchange.send(200)

    def _pull(self, exchange: Exchange, body: dict[str, Any]) -> None:
        name = str(body.get("model") or body.get("name") or "")
        if not name:
            return _error(exchange, 400, "invalid model name")
        lines = self._pull_lines(_full(name))
        if body.get("stream", True):
            exchange.begin_chunks("application/x-ndjson")
            for line in lines:
                if line is None:
                    return exchange.cut()
                _send_line(exchange, line)
            return exchange.end_chunks()
        last = [line for line in lines if line is not None][-1]
        return exchange.send_json(last, 500 if "error" in last else 200)

    def _pull_lines(self, name: str) -> Iterator[dict[str, Any] | None]:
        """Lines of a pull; None is the connection's end."""
        yield {"status": "pulling manifest"}
        model = self.registry.get(name)
        if model is None:
            yield {"error": "pull model manifest: file does not exist"}
            return
        for place, one in enumerate(model.layers):
            yield from self._layer_lines(one)
            if place == 0 and self.pull_fault in {"cut", "error mid-stream", "disk full", "silent"}:
                yield from self._broken_pull()
                return
        yield {"status": "verifying sha256 digest"}
        if self.pull_fault == "digest mismatch":
            yield {"error": "digest mismatch, file must be downloaded again: want sha256:aa, got sha256:bb"}
            return
        yield {"status": "writing manifest"}
        if self.pull_fault == "no success":
            return
        self.local[name] = model
        yield {"status": "success"}

    def _layer_lines(self, one: Layer) -> Iterator[dict[str, Any]]:
        line = {"status": f"pulling {one.digest[7:19]}", "digest": one.digest, "total": one.size}
        if one.digest not in self.parts:
            yield line
            for step in range(1, self.pull_steps):
                yield {**line, "completed": one.size * step // self.pull_steps}
            self.parts.add(one.digest)
        yield {**line, "completed": one.size}

    def _broken_pull(self) -> Iterator[dict[str, Any] | None]:
        if self.pull_fault == "silent":
            self.closing.wait(PATIENCE)
        if self.pull_fault == "error mid-stream":
            yield {"error": "max retries exceeded: unexpected EOF"}
        elif self.pull_fault == "disk full":
            yield {"error": "write /models/blobs/sha256-aa-partial: no space left on device"}
        else:
            yield None

    def _chat(self, exchange: Exchange, body: dict[str, Any]) -> None:
        name = str(body.get("model") or "")
        model = self._find(name)
        if not name:
            return _error(exchange, 400, "model is required")
        if model is None:
            return _error(exchange, 404, f"model '{name}' not found")
        if body.get("think") and "thinking" not in model.capabilities:
            return _error(exchange, 400, f'"{name}" does not support thinking')
        if not isinstance(body.get("format", {}), dict) and body["format"] != "json":
            words = (
                f'invalid format: {json.dumps(body["format"])}; expected "json" or a valid JSON Schema object'
            )
            return _error(exchange, 500, words)
        if not body.get("messages"):
            return self._load_or_unload(exchange, name, body)
        for name_of, said in self.refuses.items():
            if name_of in body and body[name_of] != "json":
                return _error(exchange, 400, said)
        if self._refuse_chat(exchange):
            return None
        return self._reply(exchange, name, model, body)

    def _load_or_unload(self, exchange: Exchange, name: str, body: dict[str, Any]) -> None:
        unload = body.get("keep_alive") == 0
        if unload:
            self.loaded.pop(_full(name), None)
        else:
            self._load(name, body)
        final = {"done": True, "done_reason": "unload" if unload else "load"}
        exchange.send_json({**_message(name, "", {}), **final})

    def _load(self, name: str, body: dict[str, Any]) -> int:
        wanted = (body.get("options") or {}).get("num_ctx", 4096)
        context = min(wanted, self.largest_context, self.local[_full(name)].native_context)
        self.loaded[_full(name)] = context
        return int(context)

    def _refuse_chat(self, exchange: Exchange) -> bool:
        if self.chat_fault == "busy":
            _error(exchange, 503, "server busy, please try again.  maximum pending requests exceeded")
        elif self.chat_fault == "crash":
            _error(exchange, 500, "llama-server process no longer running: exit status 2 segmentation fault")
        elif self.chat_fault == "out of memory":
            _error(
                exchange, 500, "llama-server process no longer running: -1 cudaMalloc failed: out of memory"
            )
        elif self.chat_fault == "silent":
            self.closing.wait(PATIENCE)
            exchange.cut()
        elif self.chat_fault == "html":
            exchange.send(200, b"<html>Sign in</html>", "text/html")
        elif self.chat_fault == "proxy":
            exchange.send(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
        else:
            return False
        return True

    def _reply(self, exchange: Exchange, name: str, model: StandInModel, body: dict[str, Any]) -> None:
        context = self._load(name, body)
        prompt_tokens = sum(len(str(message.get("content", "")).split()) for message in body["messages"]) + 8
        if prompt_tokens > context and body.get("truncate") is False:
            words = f"request ({prompt_tokens} tokens) exceeds the available context size ({context} tokens)"
            inner = {"error": {"code": 400, "message": words, "type": "exceed_context_size_error"}}
            return _error(exchange, 400, json.dumps(inner))
        thinks = "thinking" in model.capabilities and body.get("think") is not False
        thoughts = _words(self.thinking(body)) if thinks else []
        words, reason = self._limited(_words(self.reply(body)), body)
        final = _final(reason, prompt_tokens, len(thoughts) + len(words))
        if self.cached_tokens is not None:
            final["prompt_eval_cached_count"] = self.cached_tokens
        if body.get("stream") is False:
            whole = _message(name, "".join(words), {"thinking": "".join(thoughts)} if thoughts else {})
            return exchange.send_json({**whole, **final})
        lines = [_message(name, "", {"thinking": piece}) for piece in thoughts]
        lines += [_message(name, piece, {}) for piece in words]
        return self._stream(exchange, lines, {**_message(name, "", {}), **final})

    def _limited(self, words: list[str], body: dict[str, Any]) -> tuple[list[str], str]:
        limit = (body.get("options") or {}).get("num_predict", -1)
        return (words[:limit], "length") if 0 <= limit < len(words) else (words, "stop")

    def _stream(self, exchange: Exchange, lines: list[dict[str, Any]], final: dict[str, Any]) -> None:
        exchange.begin_chunks("application/x-ndjson")
        for place, line in enumerate(lines):
            if place == len(lines) // 2 and self.chat_fault == "cut":
                exchange.send_chunk(b'{"model":"')
                return exchange.cut()
            if place == len(lines) // 2 and self.chat_fault:
                memory = "memory" in self.chat_fault
                _send_line(
                    exchange, {"error": "failed to allocate buffer" if memory else "an error was encountered"}
                )
                return exchange.end_chunks()
            _send_line(exchange, {**line, "done": False})
        _send_line(exchange, final)
        return exchange.end_chunks()


def _full(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _details(model: StandInModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "qwen3",
        "families": ["qwen3"],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }


def _tag(model: StandInModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": "2026-08-21T10:00:00.000000001Z",
        "size": model.size,
        "digest": model.digest,
        "details": _details(model),
    }


def _message(name: str, content: str, extra: dict[str, Any]) -> dict[str, Any]:
    created = time.strftime("%Y-%m-%dT%H:%M:%S.000000001Z", time.gmtime())
    return {
        "model": name,
        "created_at": created,
        "message": {"role": "assistant", "content": content, **extra},
    }


def _final(reason: str, prompt_tokens: int, tokens: int) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": reason,
        "total_duration": 20_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": 9_000_000,
        "eval_count": tokens,
        "eval_duration": 10_000_000,
    }


def _words(text: str) -> list[str]:
    """Pieces that join to ``text`` again."""
    first, *others = text.split(" ")
    return [piece for piece in [first, *(" " + word for word in others)] if piece]


def _send_line(exchange: Exchange, value: dict[str, Any]) -> None:
    exchange.send_chunk(json.dumps(value, ensure_ascii=False).encode() + b"\n")


def _error(exchange: Exchange, status: int, words: str) -> None:
    exchange.send_json({"error": words}, status)
