"""One address for one page."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.web.urls import canonical

HUB = "https://huggingface.co/Qwen/Qwen3-8B"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("HTTPS://Blog.Example:443/Post#part", "https://blog.example/Post"),
        ("http://blog.example:80", "http://blog.example/"),
        ("http://blog.example:8080/", "http://blog.example:8080/"),
        ("https://blog.example./a", "https://blog.example/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("https://blog.example/a/../b/./c/..", "https://blog.example/b/"),
        ("https://blog.example/../../a", "https://blog.example/a"),
        ("https://blog.example/%7euser/%e4%2fb", "https://blog.example/~user/%E4%2Fb"),
        ("https://blog.example/100%/a b", "https://blog.example/100%25/a%20b"),
        ("https://blog.example/a?utm_source=x&id=7&fbclid=1&b=2", "https://blog.example/a?id=7&b=2"),
        ("https://blog.example/a?utm%5Fsource=x", "https://blog.example/a"),
        ("https://blog.example/a?", "https://blog.example/a"),
        ("https://blog.example/a?expand=b&expand=a&q=x+y", "https://blog.example/a?expand=b&expand=a&q=x+y"),
        ("  https://blog.example/a ", "https://blog.example/a"),
        ("https://me:pw@blog.example/", "https://me:pw@blog.example/"),
    ],
)
def test_forms_of_one_address(url, address):
    assert canonical(url) == address
    assert canonical(address) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://blog.example/a", "https://blog.example/a/"),
        ("https://blog.example/a", "http://blog.example/a"),
        ("https://blog.example/a", "https://m.blog.example/a"),
        ("https://blog.example/a", "https://blog.example/amp/a"),
        ("https://blog.example/A", "https://blog.example/a"),
        ("https://blog.example/a%2Fb", "https://blog.example/a/b"),
        ("https://blog.example/?id=1", "https://blog.example/?id=2"),
        (HUB, f"{HUB}/raw/main/README.md"),
        (HUB, f"{HUB}/tree/v2"),
        (HUB, f"{HUB}/blob/main/config.json"),
        (HUB, f"{HUB}/discussions"),
        (HUB, "https://huggingface.co/datasets/Qwen/Qwen3-8B"),
    ],
)
def test_addresses_that_may_be_two_pages_stay_two(one, other):
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "url",
    [
        f"{HUB}/",
        f"{HUB}/tree/main",
        f"{HUB}/tree/main/",
        f"{HUB}/blob/main/README.md?library=transformers#usage",
        "https://hf.co/Qwen/Qwen3-8B",
        "http://www.huggingface.co/Qwen/Qwen3-8B",
    ],
)
def test_a_repository_has_one_page(url):
    assert canonical(url).replace("http://", "https://").partition("?")[0] == HUB


def test_other_pages_of_the_hub_are_left_alone():
    for path in ("docs/hub/", "blog/rlhf/", "api/models/", "papers/2505.09388"):
        assert canonical(f"https://huggingface.co/{path}") == f"https://huggingface.co/{path}"
    data = "https://huggingface.co/datasets/lmarena-ai/leaderboard-dataset"
    assert canonical(f"{data}/tree/main") == data


@pytest.mark.parametrize("url", ["", "ftp://A.example/", "mailto:A", "http://[::1", "http://", "/a"])
def test_what_is_no_web_address_comes_back(url):
    assert canonical(url) == url


pieces = st.lists(
    st.sampled_from(
        ["a", "B", "%41", "%2f", "%", "%zz", "/", "..", ".", "//", "?", "&", "=", "#", ":", "@", "ä"]
    )
    | st.sampled_from(
        [" ", "\t", "utm_source", "[", "]", "\\", "\ud800", "x.example", "huggingface.co", ":443"]
    ),
    max_size=14,
)


@settings(max_examples=300)
@given(st.sampled_from(["http://", "HTTPS://a.example/", "https://huggingface.co/", ""]), pieces)
def test_a_canonical_address_is_its_own(start, parts):
    once = canonical(start + "".join(parts))
    assert canonical(once) == once
    if once.startswith("https://a.example/"):
        assert "#" not in once
        assert urlsplit(once).netloc == "a.example"
