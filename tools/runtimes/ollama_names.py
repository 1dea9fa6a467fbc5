"""Names of models and addresses, as Ollama understands them."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from tools.faults import WrongUse

DEFAULT_PORT = 11434
PREFERRED_QUANTIZATION = "Q4_K_M"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}")
_HUB_PREFIXES = ("hf.co/", "huggingface.co/")
_QUANTIZATION = re.compile(r"(?:^|[-_])(i?q\d\w*|f16|f32|bf16|fp16|mxfp4\w*)$", re.IGNORECASE)


class HubName(NamedTuple):
    """A GGUF repository on the Hub that Ollama pulls from directly: ``hf.co/owner/repo:QUANT``."""

    repo: str
    quantization: str
    """Ollama takes Q4_K_M where the name has none."""
    url: str


def check_name(model: str) -> str:
    """``model`` without white space around it; raises :class:`WrongUse` where it can name no model."""
    name = model.strip()
    if not _NAME.fullmatch(name):
        raise WrongUse(f"{model!r} is no name of an Ollama model.", "Names look like qwen3:8b.")
    return name


def canonical(model: str) -> str:
    """One spelling for all names of one model: lower case, with tag, without the default registry."""
    name = model.casefold().removeprefix("registry.ollama.ai/").removeprefix("library/")
    name = re.sub("^huggingface.co/", "hf.co/", name)
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def hub_name(model: str) -> HubName | None:
    """``model`` taken apart, when Ollama would pull it from the Hub."""
    prefix = next((p for p in _HUB_PREFIXES if model.lower().startswith(p)), None)
    if prefix is None:
        return None
    repo, _, quantization = model[len(prefix) :].partition(":")
    return HubName(repo, quantization or PREFERRED_QUANTIZATION, f"https://huggingface.co/{repo}")


def names_a_quantization(model: str) -> bool:
    """Whether the tag itself says how the weights are quantized: ``llama3.1:8b-instruct-q8_0``."""
    tag = model.rpartition("/")[2].partition(":")[2]
    return _QUANTIZATION.search(tag) is not None


def ollama_url(host: str | None) -> str:
    """The address that ``OLLAMA_HOST`` means; raises :class:`WrongUse` for one that cannot be meant.

    Scheme and port may be missing (http, 11434; the scheme's own port where a scheme is given). An address
    that servers listen on ("0.0.0.0") is reached at loopback.
    """
    text = (host or "").strip().strip("\"'")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or {"": DEFAULT_PORT, "http": 80, "https": 443}.get(scheme if mark else "")
    except ValueError:
        port = None
    if port is None or scheme not in {"http", "https"}:
        raise WrongUse(
            f"{text.rpartition('@')[2]!r} is no address of an Ollama server.",
            "OLLAMA_HOST looks like 127.0.0.1:11434.",
        )
    path = parts.path.strip("/")
    return f"{scheme}://{_reachable(parts.hostname)}:{port}" + (f"/{path}" if path else "")


def _reachable(host: str | None) -> str:
    if not host:
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
