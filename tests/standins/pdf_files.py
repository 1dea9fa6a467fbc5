"""Small PDFs, made by hand: pages of lines, and streams that say what a test wants."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from pypdf import PdfReader, PdfWriter


def pdf_of(pages: Sequence[str], *, padding: int = 0) -> bytes:
    """A PDF with one page for each text, one line of print for each line, and ``padding`` unused bytes."""
    return pdf_with([_printed(text) for text in pages], padding=padding)


def pdf_with(contents: Sequence[bytes], *, padding: int = 0) -> bytes:
    """A PDF whose pages have these content streams (PDF operators), and ``padding`` unused bytes."""
    count = len(contents)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, content in enumerate(contents):
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
        objects.append((page + "/Resources << /Font << /F1 3 0 R >> >> >>").encode())
        packed = zlib.compress(content, 9)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
        objects.append(head + packed + b"\nendstream")
    objects.append(b"<< /Length %d >>\nstream\n" % padding + b"x" * padding + b"\nendstream")
    return _file(objects)


def locked(pdf: bytes, *, user: str) -> bytes:
    """``pdf`` with a password for its owner, and ``user`` (empty: none) for everybody else."""
    writer = PdfWriter(clone_from=PdfReader(_stream(pdf)))
    writer.encrypt(user, "owner", algorithm="RC4-128")
    out = _stream(b"")
    writer.write(out)
    return out.getvalue()


def _printed(text: str) -> bytes:
    shown = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.splitlines()]
    lines = "".join(f"({line}) Tj T*\n" for line in shown)
    return f"BT /F1 12 Tf 14 TL 72 720 Td\n{lines}ET".encode("cp1252")


def _file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _stream(data: bytes):  # type: ignore[no-untyped-def]
    from io import BytesIO

    return BytesIO(data)
