"""A small model to evaluate on a live Ollama: registry, runtime and judge on loopback, nothing replayed.

The Hub and the search engine are addresses at which nothing listens.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.standins.loopback import Asked, Exchange
from tests.standins.ollama_server import OllamaServer, StandInModel, layer
from tests.standins.patience import PATIENCE
from tests.standins.registry_server import RegistryServer, TagFixture
from tests.standins.therapy_story import JUDGE, PinnedModel, say

MODEL = "small:1b"
NOTHING = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""
WEIGHTS = "sha256:" + "7" * 64
MESSAGES = ("I cannot sleep.", "My sister does not call any more.", "I shout at my children.", "I feel numb.")


class Ollama(OllamaServer):
    """An Ollama that can go down for good while it is asked."""

    down = False

    def answer(self, exchange: Exchange, asked: Asked) -> None:
        if self.down:  # connections that were open before
            return exchange.cut()
        super().answer(exchange, asked)
        if self.down:
            exchange.close_connection = True
        return None

    def go_down(self) -> None:
        """Take the server away: new connections are refused, open ones are closed."""
        self.down = True
        self._server.shutdown()
        self._server.server_close()

    @property
    def answered(self) -> list[str]:
        """Messages of the scenarios that the model was asked."""
        asked = [body for body in self.bodies("/api/chat") if body["model"] == MODEL and body["messages"]]
        said = [body["messages"][-1]["content"] for body in asked]
        return [message for message in said if message in MESSAGES]


class Place:
    """The servers, and the settings that lead to them."""

    def __init__(self, *, weights_bytes: int = 1_000_000) -> None:
        fixture = TagFixture(
            weights_bytes,
            WEIGHTS,
            weights_bytes + 10_000,
            {"model_format": "gguf", "model_type": "1B", "file_type": "Q4_K_M"},
            "Apache License\nVersion 2.0, January 2004\n",
        )
        self.registry = RegistryServer({MODEL: fixture})

    def ollama(self, reply: Callable[[dict[str, Any]], str] = say, *, pulled: bool = False) -> Ollama:
        """An Ollama that can pull the small model, or has it, and that has the judge."""
        name, _, tag = MODEL.partition(":")
        manifest = json.loads(self.registry.manifests[name, tag])
        parts = [*manifest["layers"], manifest["config"]]
        small = PinnedModel(
            name=MODEL,
            layers=tuple(layer(part["digest"], part["size"]) for part in parts),
            pinned=self.registry.digest_of(MODEL).removeprefix("sha256:"),
        )
        judge = StandInModel(name=JUDGE, native_context=131_072, capabilities=("completion",))
        here = {JUDGE: judge, **({MODEL: small} if pulled else {})}
        return Ollama(reply=reply, registry={MODEL: small}, local=here)

    def settings(self, ollama: OllamaServer | None) -> dict[str, str]:
        """Environment variables."""
        return {
            "OLLAMA_HOST": NOTHING if ollama is None else ollama.url,
            "BMS_OLLAMA_REGISTRY": self.registry.address,
            "BMS_DUCKDUCKGO_URL": f"{NOTHING}/html/",
            "HF_ENDPOINT": NOTHING,
            "BMS_ALLOW_HOSTS": f"{self.registry.netloc},{NOTHING.removeprefix('http://')}",
        }


@contextlib.contextmanager
def place(*, weights_bytes: int = 1_000_000) -> Iterator[Place]:
    opened = Place(weights_bytes=weights_bytes)
    with opened.registry:
        yield opened


def own_scenarios(folder: Path) -> Path:
    """A file with the four scenarios."""
    path = folder / "scenarios.jsonl"
    lines = [json.dumps({"id": f"own-{n}", "message": text}) for n, text in enumerate(MESSAGES, 1)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def arguments(folder: Path) -> tuple[str, ...]:
    """``bms evaluate`` of the small model on the four scenarios."""
    return (
        "evaluate",
        *("--model", MODEL, "--domain", "therapy coaching", "--runtime", "ollama"),
        *("--judge", f"ollama:{JUDGE}", "--scenarios", str(own_scenarios(folder)), "--out", str(folder)),
    )


class Gate:
    """Lets a model answer some scenarios; the next one waits until the gate is opened."""

    def __init__(self, after: int) -> None:
        self._left = after
        self.reached = threading.Event()
        """Set when a scenario waits."""
        self.opened = threading.Event()

    def __call__(self, request: dict[str, Any]) -> str:
        if request["model"] == MODEL and request["messages"][-1]["content"] in MESSAGES:
            self._left -= 1
            if self._left < 0:
                self.reached.set()
                assert self.opened.wait(PATIENCE)
        return say(request)
