"""Inline styles that hide a text from its reader, and those that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tools.web.unseen import PAPER, look_of


def is_hidden(html: str) -> bool:
    """Whether the innermost element is hidden, by itself or by what is around it."""
    paint = PAPER
    hidden = False
    for element in etree.HTML(html).iter():
        look = look_of(element, paint)
        paint, hidden = look.paint, hidden or look.hidden
    return hidden


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : NONE !important",
        "color:red; display:/* so */none",
        "visibility:hidden",
        "visibility:collapse",
        "content-visibility:hidden",
        "opacity:0",
        "opacity:0.01",
        "font-size:0",
        "font-size:0px",
        "font-size:1px",
        "font-size:.05em",
        "font-size:2%",
        "text-indent:-9999px",
        "position:absolute;left:-10000px",
        "position:absolute;top:-500em",
        "height:0;overflow:hidden",
        "width:1px;height:1px;overflow:hidden",
        "clip:rect(0 0 0 0)",
        "clip:rect(0px, 0px, 0px, 0px)",
        "clip-path:inset(50%)",
        "color:white",
        "color:#fff",
        "color:#FFFFFF",
        "color:#fefefe",
        "color:rgb(255, 255, 255)",
        "color:rgba(255 255 255 / 90%)",
        "color:transparent",
        "color:#0000",
        "color:rgba(0,0,0,0)",
        "color:rgb(0 0 0 / 1%)",
        "color:black;background:black",
        "color:#123456;background-color:#123457",
        "background:papayawhip;color:papayawhip",
    ],
)
def test_styles_that_hide(style):
    assert is_hidden(f'<p style="{style}">x</p>')


@pytest.mark.parametrize(
    "style",
    [
        "display:block",
        "opacity:0;transform:translateY(20px)",
        "opacity:0;transition:opacity .3s",
        "opacity:0.5",
        "font-size:0.8em",
        "font-size:10px",
        "font-size:80%",
        "text-indent:-2em",
        "margin-left:-15px",
        "height:0",
        "overflow:hidden",
        "overflow:hidden;max-width:600px",
        "color:#333",
        "color:#fff;background:#000",
        "color:#fff;background:#c00 no-repeat",
        "color:#fff;background:navy",
        "color:white;background:url(dark.png)",
        "color:white;background-image:linear-gradient(red,blue)",
        "color:transparent;background:linear-gradient(red,blue);-webkit-background-clip:text",
        "color:var(--ink)",
        "color:var(--ink);background:var(--ink)",
        "background:#eee",
        "background:black",
        "background:transparent",
        "color:inherit",
        "color",
        ";;:",
    ],
)
def test_styles_that_do_not(style):
    assert not is_hidden(f'<p style="{style}">x</p>')


@pytest.mark.parametrize(
    ("html", "hidden"),
    [
        ("<div style='background:#000'><p style='color:#fff'>x</p></div>", False),
        ("<div style='background:#000;color:#fff'><p>x</p></div>", False),
        ("<div style='background:#000;color:#fff'><p style='color:#eee'>x</p></div>", False),
        ("<div style='background:#eee'><p style='color:#ebebeb'>x</p></div>", True),
        ("<table bgcolor=black><tr><td><font color='#FFFFFF'>x</font></table>", False),
        ("<font color=white>x</font>", True),
        ("<body style='visibility:hidden'><p>x</p></body>", False),
        ("<p hidden>x</p>", True),
        ("<p hidden='until-found'>x</p>", True),
        ("<p aria-hidden=true>x</p>", True),
        ("<p aria-hidden=false>x</p>", False),
    ],
)
def test_surroundings_count(html, hidden):
    assert is_hidden(html) is hidden


@settings(max_examples=100)
@given(st.text(alphabet=st.sampled_from("colrbackgund:;#fF0-9.%()pxem/*,! \x00ä"), max_size=80))
def test_any_style_is_read(style):
    element = etree.Element("p")
    element.set("style", style.replace("\x00", " "))
    assert look_of(element, PAPER).hidden in {True, False}
