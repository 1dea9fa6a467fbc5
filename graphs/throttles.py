"""How many requests a runtime gets at once."""

from __future__ import annotations

from tools.concurrency import Throttle
from tools.runtimes import Runtime, RuntimeName
from tools.runtimes.spread import SpreadRuntime

MOST_AT_ONCE = {RuntimeName.OLLAMA: 8, RuntimeName.LLAMACPP: 1, RuntimeName.OPENAI: 20}
FIRST_AT_ONCE = {RuntimeName.OLLAMA: 1, RuntimeName.LLAMACPP: 1, RuntimeName.OPENAI: 4}
"""In between, the throughput decides. Ours in the process takes one at a time."""


def throttle_for(runtime: RuntimeName, wanted: int | None) -> Throttle:
    """As many at once as a person named, or as the throughput shows to be worth it."""
    if wanted is not None and runtime is not RuntimeName.LLAMACPP:
        return Throttle(wanted)
    return Throttle(MOST_AT_ONCE[runtime], FIRST_AT_ONCE[runtime])


def throttle_of(engine: Runtime, wanted: int | None) -> Throttle:
    """:func:`throttle_for` a runtime; each of several hosts is bounded as if it were the only one."""
    if isinstance(engine, SpreadRuntime):
        return engine.pace(lambda name: throttle_for(name, wanted))
    return throttle_for(engine.name, wanted)
