"""A process of its own for the embedded llama.cpp; run as a script, never imported.

It is a process because native code can abort, because loading holds Python's interpreter lock for as long as
a model takes to load, and because only the end of a process gives all memory back. The first line of standard
input is the order, the first line of standard output is the address, and the end of standard input is the
end: whatever happens to the parent, this process goes with it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

LOG_SECONDS = 5.0
"""How long the reason of a failure may be on its way into the log."""


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # native code that prints must not be taken for an answer
    order: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        server = start(order)
    except (ImportError, RuntimeError, ValueError, MemoryError) as error:
        if isinstance(error, RuntimeError):
            wait_for_the_log()
        answer = {"error": str(error) or type(error).__name__}
    else:
        answer = {"address": server.listening_address}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    if "address" in answer:
        sys.stdin.read()
    # The server's own shutdown can wait for ever for a thread; there is nothing left to save.
    os._exit(0 if "address" in answer else 1)


def wait_for_the_log() -> None:
    """llama.cpp writes its log in a thread of its own, which would end with this process: on a busy machine
    before it has written why the model cannot be loaded."""
    until = time.monotonic() + LOG_SECONDS
    while os.fstat(2).st_size == 0 and time.monotonic() < until:
        time.sleep(0.01)


def start(order: dict[str, Any]) -> Any:
    """The running server that ``order`` describes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = order["path"]
    params.model_alias = {order["alias"]}
    params.n_ctx = order["context"]
    params.n_parallel = 1
    if order["threads"] is not None:
        params.cpuparams.n_threads = order["threads"]
    params.cache_prompt = order["cache_prompt"]
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.api_keys = [order["key"]]
    params.cors_origins = ""
    params.ui = False
    params.endpoint_slots = False
    params.offline = True
    params.verbosity = 1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
