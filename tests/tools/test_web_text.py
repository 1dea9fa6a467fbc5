"""Readable text and links, of well-made and of hostile pages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.facts import content_hash
from tools.web import Page
from tools.web.body import UnreadableError, decode
from tools.web.text import MAX_LINKS, MAX_TEXT, links, readable_text


def page(text: str, content_type: str = "text/html") -> Page:
    return Page(
        url="https://a.example/dir/x",
        final_url="https://a.example/dir/x",
        status=200,
        content_type=content_type,
        text=text,
        content_hash=content_hash(text),
        body_sha256=content_hash(text),
        body_bytes=len(text),
        retrieved_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def test_html_becomes_the_words_that_a_reader_sees():
    text = readable_text(
        page(
            "<html><head><title>Title</title><style>no</style></head><body><nav>no</nav><!-- no -->"
            "<p>One <b>bold</b> word<script>no()</script>, seen.</p><p hidden>no</p>"
            "<p style='display: none'>no</p><div aria-hidden=true>no</div>tail"
            "<table><tr><th>Model</th><th>Score</th></tr><tr><td>A<p>b</p></td><td>1</td></tr></table>"
            "<ul><li>first<li>second</ul></body></html>"
        )
    )
    assert text.splitlines() == [
        "Title",
        "One bold word, seen.",
        "tail",
        "Model | Score",
        "A b | 1",
        "- first",
        "- second",
    ]


def test_markdown_and_json_stay_as_they_are():
    card = "---\nlicense: mit\n---\n# <b>Card</b>\n"
    assert readable_text(page(card, "text/plain")) == card
    assert readable_text(page('{"a": "<p>"}', "application/json")) == '{"a": "<p>"}'


def test_links_are_absolute_once_and_http():
    html = (
        '<a href="/a#top">A</a><a href="/a">again</a><a href="javascript:x()">x</a><a href="http://[">bad</a>'
    )
    assert [link.url for link in links(page(html))] == ["https://a.example/a"]
    text = "See [the card](https://b.example/c) and https://d.example/e."
    assert [(x.url, x.text) for x in links(page(text, "text/markdown"))] == [
        ("https://b.example/c", "the card"),
        ("https://d.example/e", ""),
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 100_000,
        "<table><tr><td>" * 20_000,
        "<a href=x>" * 20_000,
        "&" * 300_000,
        "<" * 300_000,
    ],
)
def test_hostile_html_is_survived_and_bounded(hostile):
    assert len(readable_text(page(hostile))) <= MAX_TEXT
    assert len(links(page(hostile))) <= MAX_LINKS


@settings(max_examples=60)
@given(st.text(alphabet=st.sampled_from("<>/&;='\"!-[] \n\x00\ud800abdivtrtdpreli"), max_size=400))
def test_any_text_is_read_without_a_crash(text):
    for content_type in ("text/html", "text/plain"):
        assert isinstance(readable_text(page(text, content_type)), str)
        assert all(link.url.startswith("http") for link in links(page(text, content_type)))


@settings(max_examples=60)
@given(st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_decode_without_nul(body, charset):
    assert "\x00" not in decode(body, content_type="text/html", charset=charset)


def test_which_character_set_is_believed():
    assert decode("ä".encode("cp1252"), content_type="text/plain", charset=None) == "ä"
    html = '<meta charset="windows-1251">\u0434'.encode("cp1251")
    assert decode(html, content_type="text/html", charset=None).endswith("\u0434")
    assert decode("ä".encode("utf-16"), content_type="text/html", charset="utf-8") == "ä"
    assert decode(b"abc", content_type="text/html", charset="idna") == "abc"
    with pytest.raises(UnreadableError):
        decode(b"\xff\xfd\x00", content_type="application/octet-stream", charset=None)
