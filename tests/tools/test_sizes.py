"""Sizes in names, and what they mean for memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.request import SizeRange
from tools.sizes import fits_size, named_size, nominal_parameters

B = 10**9


@pytest.mark.parametrize(
    ("name", "total", "active", "effective"),
    [
        ("Qwen/Qwen3-8B", 8 * B, None, None),
        ("Qwen3-30B-A3B", 30 * B, 3 * B, None),
        ("LiquidAI/LFM2-8B-A1B", 8 * B, 1 * B, None),
        ("granite-3.0-1b-a400m-instruct", 1 * B, 400 * 10**6, None),
        ("Mixtral-8x7B-Instruct-v0.1", 56 * B, None, None),
        ("google/gemma-4-E4B-it", None, None, 4 * B),
        ("gemma4:e4b", None, None, 4 * B),
        ("tencent/Hunyuan-A13B-Instruct", None, 13 * B, None),
        ("SmolLM2-360M", 360 * 10**6, None, None),
        ("microsoft/phi-4", None, None, None),
        ("Llama 3.1 8B Instruct", 8 * B, None, None),
    ],
)
def test_what_a_name_says_of_its_size(name, total, active, effective):
    assert named_size(name) == (total, active, effective)
    assert nominal_parameters(name) == total


def test_a_mixture_counts_with_all_its_parameters():
    small = SizeRange(minimum=0, maximum=4 * B)
    asked = SizeRange(minimum=7 * B, maximum=10 * B)
    assert fits_size(small, None, "Qwen3-30B-A3B") is False
    assert fits_size(asked, 8_340_000_000, "LiquidAI/LFM2-8B-A1B") is True
    assert fits_size(SizeRange(minimum=40 * B, maximum=60 * B), 46_702_792_704, "Mixtral-8x7B-v0.1") is True


def test_e4b_is_as_large_as_what_it_stores():
    assert fits_size(SizeRange(minimum=0, maximum=4 * B), 7_996_156_490, "google/gemma-4-E4B-it") is False
    assert fits_size(SizeRange(minimum=7 * B, maximum=10 * B), 7_996_156_490, "google/gemma-4-E4B-it") is True
    assert fits_size(SizeRange(minimum=0, maximum=4 * B), None, "google/gemma-4-E4B-it") is None


@given(st.integers(1, 900), st.sampled_from(("{}B", "Foo-{}B-Instruct", "foo:{}b", "Foo 3.1 {} B")))
def test_any_size_is_read_back(billions, form):
    assert nominal_parameters(form.format(billions)) == billions * B


@given(st.text(max_size=60))
def test_any_text_has_sizes_or_none(text):
    assert all(value is None or value >= 0 for value in named_size(text))
