"""PDFs, from readable ones to those made to hurt, through a real server and a real child process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.http_server import Answered, StandIn
from tests.standins.patience import PATIENCE
from tests.standins.pdf_files import locked, pdf_of, pdf_with
from tools.clock import FixedClock
from tools.outcomes import Failed, FailReason, Found
from tools.web.body import UnreadableError
from tools.web.client import HttpWeb
from tools.web.pdf import PdfDesk
from tools.web.pdf_worker import PdfLimits, PdfState, read, unwrapped
from tools.web.text import hidden_text, readable_text

CLOCK = FixedClock(datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
STUDY = pdf_of(["Qwen3 8B is warm (in long sessions).", "Grüße from page two."])
ENDLESS = b"BT /F1 1 Tf " + b"(a) Tj " * 600_000 + b"ET"


async def fetch(body: bytes, content_type: str = "application/pdf", **more: int):
    with StandIn(lambda _: Answered(body, content_type=content_type)) as server:
        async with HttpWeb(CLOCK, allow_hosts=frozenset({server.netloc})) as web:
            return await web.get(f"{server.address}/study.pdf", **more)


@pytest.mark.parametrize("content_type", ["application/pdf", "application/octet-stream", ""])
async def test_a_pdf_becomes_a_page_of_its_text(content_type):
    outcome = await fetch(STUDY, content_type)
    assert isinstance(outcome, Found)
    page = outcome.value
    assert page.text == "Qwen3 8B is warm (in long sessions).\n\nGrüße from page two."
    assert page.content_type == "application/pdf"
    assert page.body_sha256 == "sha256:" + hashlib.sha256(STUDY).hexdigest()
    assert page.body_bytes == len(STUDY)
    assert page.notes == ("2 of 2 pages of the PDF were read.",)
    assert readable_text(page) == page.text
    assert hidden_text(page) == ""


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        (locked(STUDY, user="secret"), FailReason.UNSUPPORTED, "encrypted"),
        (pdf_with([b"q Q"]), FailReason.UNSUPPORTED, "pictures"),
        (STUDY[:300], FailReason.BAD_REPLY, "damaged"),
        (b"<html>Not found</html>", FailReason.BAD_REPLY, "damaged"),
    ],
    ids=["encrypted", "pictures alone", "cut off", "no PDF at all"],
)
async def test_pdfs_without_text_say_why(body, reason, words):
    outcome = await fetch(body)
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason
    assert words in outcome.detail


async def test_a_pdf_that_everybody_may_open_is_read():
    outcome = await fetch(locked(STUDY, user=""))
    assert isinstance(outcome, Found)
    assert "warm" in outcome.value.text


async def test_a_pdf_may_be_larger_than_a_page_unless_less_is_asked_for():
    assert isinstance(await fetch(pdf_of(["A scanned book."], padding=2_500_000)), Found)
    small = await fetch(STUDY, max_bytes=500)
    assert isinstance(small, Failed)
    assert small.reason is FailReason.TOO_LARGE
    vast = await fetch(STUDY + b"\n" * 12_000_000)
    assert isinstance(vast, Failed)
    assert vast.reason is FailReason.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        (pdf_with([ENDLESS]), PdfLimits(wall_seconds=1.0)),
        (pdf_with([b"(a) Tj " * 6_000_000]), PdfLimits(memory_bytes=220_000_000)),
    ],
    ids=["time", "memory"],
)
async def test_a_pdf_that_explodes_takes_nothing_with_it(body, limits):
    with pytest.raises(UnreadableError, match="more memory or time") as caught:
        await PdfDesk(limits).read(body)
    assert caught.value.reason is FailReason.TOO_LARGE


async def test_pages_and_characters_are_limited():
    many = pdf_of([f"This is page {number}." for number in range(9)])
    reading = await PdfDesk(PdfLimits(pages=4)).read(many)
    assert (reading.pages_read, reading.pages) == (4, 9)
    assert reading.text.endswith("This is page 3.")
    short = await PdfDesk(PdfLimits(characters=30)).read(many)
    assert len(short.text) == 30
    assert short.pages_read == 2


async def test_the_child_gets_no_secret(monkeypatch, tmp_path):
    told = tmp_path / "told"
    impostor = tmp_path / "python"
    impostor.write_text(f"#!/bin/sh\nenv > {told}\n")
    impostor.chmod(0o700)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr(sys, "executable", str(impostor))
    with pytest.raises(UnreadableError):
        await PdfDesk().read(STUDY)
    assert "PATH=" in told.read_text()
    assert "hf_secret" not in told.read_text()


async def test_no_process_is_no_crash(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    outcome = await fetch(STUDY)
    assert isinstance(outcome, Failed)
    assert outcome.detail.startswith("no process could be started to read the PDF")


async def test_giving_up_ends_the_child(monkeypatch, tmp_path):
    started = tmp_path / "started"
    impostor = tmp_path / "python"
    impostor.write_text(f"#!/bin/sh\necho $$ > {started}.new; mv {started}.new {started}; exec sleep 600\n")
    impostor.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(impostor))
    seconds = 1.0
    while not started.exists():  # the first time, unless the machine is busy with other work
        assert seconds < PATIENCE, "it does not begin"
        with pytest.raises(UnreadableError, match="more memory or time"):
            await PdfDesk(PdfLimits(wall_seconds=seconds)).read(STUDY)
        seconds *= 4
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_the_worker_is_a_program(tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('not ours')")
    command = [sys.executable, "-P", "-m", "tools.web.pdf_worker", json.dumps(asdict(PdfLimits()))]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, input=STUDY, capture_output=True, check=True, cwd=tmp_path, env=environment
    )
    assert json.loads(done.stdout)["state"] == "read"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_damage_of_any_kind_is_a_state(data):
    damaged = bytearray(STUDY)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(damaged) - 4))
        damaged[place : place + 4] = data.draw(st.binary(max_size=8))
    reading = read(bytes(damaged), PdfLimits(cpu_seconds=10_000))
    assert isinstance(reading.state, PdfState)
    assert (reading.state is PdfState.READ) == bool(reading.text)


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (
            "Reflective listening was rated by eleven clinicians who\nworked inde-\npendently.",
            "Reflective listening was rated by eleven clinicians who worked inde-\npendently.",
        ),
        (
            "Reflective listening was rated by eleven clinicians inde-\npendently of one another.",
            "Reflective listening was rated by eleven clinicians independently of one another.",
        ),
        (
            "Reflective listening was rated by eleven clinicians in Mid-\nWestern towns.",
            "Reflective listening was rated by eleven clinicians in Mid- Western towns.",
        ),
        ("It ends here.\nQwen3 begins.", "It ends here.\nQwen3 begins."),
        ("Model   EQ-Bench  Empathy\nQwen3 8B  71.2  4.1", "Model EQ-Bench Empathy\nQwen3 8B 71.2 4.1"),
        ("a\x00b", "a\ufffdb"),
    ],
)
def test_paragraphs_are_lines(printed, text):
    assert unwrapped(printed) == text
