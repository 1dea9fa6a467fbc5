"""Every fuzz target holds for examples, for what was found once, and for a few inputs made by hypothesis."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import EXAMPLE, FOUND, TARGETS

NASTY = (
    b"",
    b"\x00",
    b"\xff\xfe\xff",
    "\ud800".encode("utf-8", "surrogatepass"),
    "\u202e\u2066\U000e0041\ufeff\u0085\u2028".encode(),
    b"[" * 5000,
    b'{"a":' * 3000,
    b"{" * 5000,
    b"9" * 5000,
    b'{"a": ' + b"9" * 4400 + b"}",
    b'{"a": 1e999, "b": NaN, "c": -0.0, "a": 2}',
    b"\n" * 3000,
    b"- " * 1500,
    b"&a [*a]",
    b"<" * 3000,
    b"<div>" * 1000,
    b"| " * 2000,
    b"`" * 3000,
    "İıſﬀǅ＝１²".encode() * 50,
    b"\r\n\x0b\x0c\x1c\x85" * 100,
)


@pytest.mark.parametrize("name", TARGETS)
def test_examples_and_nasty_inputs(name: str) -> None:
    for data in (*EXAMPLE[name], *FOUND.get(name, ()), *NASTY):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_examples(name: str) -> None:
    """The examples with pieces cut, doubled, swapped with nasty ones: always the same ones."""
    rng = random.Random(name)
    for _ in range(12):
        data = bytearray(rng.choice(EXAMPLE[name]))
        for _ in range(rng.randint(1, 4)):
            at, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
            data[at : rng.choice((at, end))] = rng.choice(
                (*NASTY, bytes(data[at:end]) * 2, b'"', b"\\", b"-1")
            )[:400]
        TARGETS[name](bytes(data))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
@given(
    data=st.one_of(
        st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_input(name: str, data: bytes) -> None:
    TARGETS[name](data)
