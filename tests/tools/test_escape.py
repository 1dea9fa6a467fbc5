"""Text of strangers stays plain words in Markdown, HTML, terminals and spreadsheets."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.escape import (
    clean,
    code,
    fenced,
    html,
    link,
    markdown,
    one_line,
    quoted,
    shorten,
    spreadsheet,
    terminal,
    web_address,
)

ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![pixel](https://tracker.example/p.png)",
    "[click me](javascript:alert(1))",
    "[ref]: https://evil.example",
    "[^1]: a footnote of theirs",
    "https://evil.example/bare and www.evil.example",
    "# a heading",
    "---",
    "===",
    "1. a list",
    "+ a list",
    "> a quote",
    "a | b | c",
    "|---|---|",
    ":---",
    "```\nbreak out\n```",
    "~~~\nbreak out\n~~~",
    "`code` and ``more``",
    "**bold** _emphasis_ ~~struck~~ $x^2$",
    "&lt;b&gt; &amp; &#60;script&#62;",
    "<!-- bms run: other -->",
    "--> <b>",
    "{{ site.secrets }} {% include evil %} {: .class }",
    "line\\\nbreak  \nand more",
    "\\[not escaped twice](https://evil.example)",
    "trailing backslash\\",
    "    indented code",
    "\t- tabbed list",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J",
    "user\u202etxt.exe \u2066hidden\u2069 \U000e0041",
    "\u2028# heading after a line separator",
    "a\r# heading after a carriage return",
    "<https://evil.example>",
    "<mailto:x@evil.example>",
    "\n\n\n# after blank lines",
    "<details><summary>x",
)

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HARMLESS = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak", "text_special"}


def tokens(source: str) -> list[Token]:
    top = PARSER.parse(source)
    return [*top, *(child for token in top for child in token.children or ())]


def words(source: str) -> str:
    return "".join(token.content for token in tokens(source) if token.type in {"text", "text_special"})


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_is_one_paragraph_of_words(attack: str) -> None:
    for source in (markdown(attack), "before\n" + markdown(attack), markdown(attack) + "\nafter"):
        assert {token.type for token in tokens(source)} <= HARMLESS
    assert words(markdown(attack)) == clean(attack)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_table_cell_stays_one_cell(attack: str) -> None:
    found = tokens(f"| a | b |\n| --- | --- |\n| {markdown(attack)} | {code(attack, cell=True)} |\n")
    assert [token.type for token in found].count("td_open") == 2
    assert not {token.type for token in found} & {
        "link_open",
        "image",
        "html_inline",
        "html_block",
        "heading_open",
    }


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_quote_stays_a_quote(attack: str) -> None:
    found = {token.type for token in tokens(f"before\n\n{quoted(attack)}\n\nafter")}
    assert found <= HARMLESS | {"blockquote_open", "blockquote_close"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_fence_holds(attack: str) -> None:
    found = PARSER.parse(f"{fenced(attack)}\n\nafter")
    assert [token.type for token in found] == ["fence", "paragraph_open", "inline", "paragraph_close"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_code_span_holds(attack: str) -> None:
    found = [token.type for token in tokens(f"x {code(attack)} y")]
    assert found == ["paragraph_open", "inline", "paragraph_close", "text", "code_inline", "text"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_html_has_no_markup(attack: str) -> None:
    escaped = html(attack)
    assert not set("<>\"'") & set(escaped)
    assert "\x1b" not in escaped


@given(st.text(max_size=80))
@settings(max_examples=150)
def test_any_text_stays_words(text: str) -> None:
    assert {token.type for token in tokens(markdown(text))} <= HARMLESS
    assert {token.type for token in tokens(quoted(text))} <= HARMLESS | {
        "blockquote_open",
        "blockquote_close",
        "em_open",
        "em_close",
    }
    kinds = {unicodedata.category(c) for c in terminal(text)} - {"Cf"}
    assert not kinds & {"Cs", "Co", "Cn"}
    assert all(c == "\n" or unicodedata.category(c) != "Cc" for c in terminal(text))


def test_a_quote_keeps_its_lines() -> None:
    assert quoted("one\ntwo\n\n  three") == "> one\\\n> two\n>\n> three"
    assert quoted(" \n\x00") == "> *(nothing)*"


def test_joiners_of_scripts_stay_and_reversed_text_does_not() -> None:
    assert clean("می\u200cخواهم") == "می\u200cخواهم"
    assert clean("a\u202eb") == "ab"


def test_terminal_sequences_leave_no_rest() -> None:
    assert terminal("\x1b[1;31mred\x1b[0m") == "red"
    assert terminal("\x1b]8;;https://evil.example\x1b\\text\x1b]8;;\x1b\\") == "text"
    assert terminal("a\tb\nc") == "a    b\nc"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//host/x", "http://", "https://[", ""],
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert web_address(url) is None
    assert not link(url).startswith("<")


def test_a_link_cannot_be_left() -> None:
    assert link("https://a.example/x>y|z`w") == "<https://a.example/x%3Ey%7Cz%60w>"
    assert link("https://huggingface.co/Qwen/Qwen3-8B") == "<https://huggingface.co/Qwen/Qwen3-8B>"
    assert [t.type for t in tokens(link("https://a.example/(x)[y](z) <b>"))].count("link_open") == 1


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "'=1", "\t=1", "＝1", "|x", "%x", '"=1']
)
def test_no_cell_is_a_formula(start: str) -> None:
    assert spreadsheet(start).startswith("'")


def test_words_are_left_as_they_are() -> None:
    assert spreadsheet("Qwen3 8B") == "Qwen3 8B"
    assert markdown("Apache 2.0, 8.19B parameters – 4.5 of 5") == "Apache 2.0, 8.19B parameters – 4.5 of 5"


def test_json_is_one_line_for_every_reader_and_says_the_same() -> None:
    said = "a\x85b\u2028c\u2029d ä 中"
    line = one_line(json.dumps(said, ensure_ascii=False))
    assert line.splitlines() == [line]
    assert json.loads(line) == said


def test_long_text_is_cut_and_says_so() -> None:
    assert shorten("word " * 50, 40).endswith("word […]")
    assert len(shorten("x" * 500, 40)) <= 40
    assert shorten("short", 40) == "short"
