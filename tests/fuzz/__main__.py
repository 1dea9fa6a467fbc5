"""``python -m tests.fuzz TARGET [SECONDS]``: atheris drives a target until it finds something.

    UV_PROJECT_ENVIRONMENT=/tmp/fuzzenv uv sync --frozen --group fuzz
    /tmp/fuzzenv/bin/python -m tests.fuzz gguf_header 120

Without a target it lists them. What it finds is written to ``crash-…`` in the working directory: put it among
the examples of the target when it is mended.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

LONGEST_INPUT = 4096
SLOWEST_SECONDS = 20
"""One input may take so long; a parser that needs more is a find."""


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["tools", "agent", "json", "csv"]):
        from tests.fuzz.targets import EXAMPLE, TARGETS

        if len(sys.argv) < 2:
            sys.stdout.write("\n".join(TARGETS) + "\n")
            return
        name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
        for example in EXAMPLE[name]:
            TARGETS[name](example)  # parsers import what they need when they are called
    with tempfile.TemporaryDirectory() as corpus:
        for number, example in enumerate(EXAMPLE[name]):
            (Path(corpus) / str(number)).write_bytes(example)
        limits = (f"-max_total_time={seconds}", f"-timeout={SLOWEST_SECONDS}", f"-max_len={LONGEST_INPUT}")
        options = [*limits, "-print_final_stats=1", "-rss_limit_mb=3000", *sys.argv[3:]]
        atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
