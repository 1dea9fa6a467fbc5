"""Writing the document so that no half of it is ever seen and nobody else's is ever lost.

New figures have names of their own (by content), so they can be put beside the old ones first. The document
itself is replaced last, in one step; until then the one that stood there is whole, and so is whatever was
kept of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple, NoReturn

from tools.faults import Fault
from tools.report.data import ReportData
from tools.report.document import STEM, render

_MARKER = re.compile(r"\A(?:\ufeff)?<!-- bms run: ([A-Za-z0-9._:-]{1,100}) -->\s*$", re.MULTILINE)
_DATE = re.compile(r"^## Date\s+(\d{4}-\d{2}-\d{2})\b", re.MULTILINE)
_OWN_FILE = re.compile(
    r"""^(?:
      (?:(?:pass-rate|corrected|failures|heat-map|lengths)-(?:primary|backup)|coverage-research)-[0-9a-f]{10}\.svg
    | (?:failures|answers|verdicts)(?:-backup)?\.jsonl | held-out\.jsonl | rubric(?:-backup)?\.yaml
    | \d{4}-\d{2}-\d{2}T00-00-00_baseline-(?:primary|backup)_[0-9a-f]{22}\.json
    )$""",
    re.VERBOSE,
)
_RUN = re.compile(r'"run":\s*"([^"]*)"')
_HEAD = 1000
"""Characters of the results in which their run stands."""
_TEMPORARY = f".{STEM}-"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class WrittenDocument(NamedTuple):
    """Where everything is now."""

    path: Path
    """The document."""
    figures: tuple[Path, ...]
    json_path: Path
    html_path: Path
    exports: tuple[Path, ...]
    """Files for programs and for going on: failures, held-out scenarios, answers, verdicts, a log."""
    kept_previous: Path | None
    """Where the document of another run, or a person's own, was moved to; None when there was none."""


class _Place(NamedTuple):
    """The four names under which a document stands in a folder."""

    document: Path
    results: Path
    page: Path
    figures: Path
    """A folder; what goes on from here lies in it too."""

    @classmethod
    def of(cls, directory: Path, stem: str = STEM) -> _Place:
        names = (directory / f"{stem}{suffix}" for suffix in (".md", ".json", ".html", ""))
        return cls(*names)


def write_document(directory: Path, data: ReportData) -> WrittenDocument:
    """Write ``base-model-evaluation.md``, ``.json``, ``.html`` and their folder into ``directory``.

    A missing ``directory`` is made when its parent is there. A document that another run wrote, or a person,
    is kept under a dated name with its results and figures; the same run replaces its own. Raises
    :class:`Fault` with the reason when it cannot be written; then the document that was there is there still.
    """
    made = render(data)
    place = _Place.of(directory)
    with _explained(directory):
        _prepare(directory, place)
        with _alone(directory):
            kept = _keep_previous(place, data)
            place.figures.mkdir(exist_ok=True)
            for name, svg in made.figures.items():
                _replace(place.figures / name, [svg])
            _replace_together(
                {
                    **{place.figures / name: text for name, text in made.exports.items()},
                    place.results: made.json,
                    place.page: [made.html],
                    place.document: [made.markdown],
                }
            )
            _remove_stale(place.figures, {*made.figures, *made.exports})
    figures, exports = (
        tuple(place.figures / name for name in names) for names in (made.figures, made.exports)
    )
    return WrittenDocument(place.document, figures, place.results, place.page, exports, kept)


def _replace_together(files: Mapping[Path, Iterable[str]]) -> None:
    """All of ``files``, in their order, once each of them is whole on the disk."""
    with contextlib.ExitStack() as stack:
        staged = {path: stack.enter_context(_staged(path, text)) for path, text in files.items()}
        for path, name in staged.items():
            os.replace(name, path)
    for folder in {path.parent for path in files}:
        _sync(folder)


def _prepare(directory: Path, place: _Place) -> None:
    if not directory.exists():
        if directory.is_symlink():
            raise Fault(f"{directory} is a link to nowhere.", "Remove it, or name another folder with --out.")
        if not directory.parent.is_dir():
            raise Fault(
                f"The folder {directory.parent} does not exist.", "Make it, or name another one with --out."
            )
        directory.mkdir(exist_ok=True)
    if not directory.is_dir():
        raise Fault(f"{directory} is not a folder.", "Move it away, or name another folder with --out.")
    for path in place:
        if path.is_symlink():
            raise Fault(
                f"{path} is a link; writing through it would change a file somewhere else.",
                "Remove the link, or name another folder with --out.",
            )
        wanted = path.is_dir() if path == place.figures else path.is_file()
        if path.exists() and not wanted:
            kind = "folder" if path == place.figures else "file"
            raise Fault(f"{path} is not a {kind}.", "Move it away, or name another folder with --out.")


def _keep_previous(place: _Place, data: ReportData) -> Path | None:
    """Copy what another run or a person wrote to a dated name; where it is, or None when nothing was there.

    A copy and not a move: until the new document replaces it, the old one stands whole under its own name.
    """
    if not place.document.exists():
        return None
    raw = place.document.read_bytes()
    text = raw.decode("utf-8", errors="surrogateescape")
    found = _MARKER.match(text)
    run = found.group(1) if found else None
    if run == data.run_id:
        return None
    day = _day_of(text, place.document)
    for number in count(1):
        stem = f"{STEM}-{day.isoformat()}" + (f"-{number}" if number > 1 else "")
        kept = _Place.of(place.document.parent, stem)
        moved = _with_links(text, stem, has_figures=place.figures.is_dir())
        if _holds(kept.document, moved):
            return kept.document  # an earlier attempt came this far
        if not any(os.path.lexists(path) for path in kept):
            break
    _copy(place, kept, moved, with_results=place.results.exists() and _belongs(place.results, run))
    return kept.document


def _copy(place: _Place, kept: _Place, text: str, *, with_results: bool) -> None:
    """All of ``place`` to names that nothing has yet, or nothing."""
    try:
        if place.figures.is_dir():
            _copy_folder(place.figures, kept.figures)
        if with_results:
            shutil.copyfile(place.results, kept.results)
        if place.page.exists():
            shutil.copyfile(place.page, kept.page)
        _replace(kept.document, [text])
    except BaseException:
        shutil.rmtree(kept.figures, ignore_errors=True)
        for path in (kept.results, kept.page):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def _with_links(text: str, stem: str, *, has_figures: bool) -> str:
    """The document with its relative links to the figures' folder and the results going to the kept ones."""
    if has_figures:
        text = re.sub(rf"""(?<=[(<"'])(\./)?{re.escape(STEM)}/""", rf"\g<1>{stem}/", text)
    beside = rf"""(?<=[(<"'`])(\./)?{re.escape(STEM)}\.(json|html)(?=[)>"'`])"""
    return re.sub(beside, rf"\g<1>{stem}.\g<2>", text)


def _day_of(text: str, path: Path) -> date:
    """The day under ``## Date``, else the day on which the file was last changed."""
    found = _DATE.search(text)
    if found:
        with contextlib.suppress(ValueError):
            return date.fromisoformat(found.group(1))
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _holds(path: Path, text: str) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    return path.read_bytes() == text.encode("utf-8", errors="surrogateescape")


def _belongs(results: Path, run: str | None) -> bool:
    """Whether the results are those of ``run``; what cannot be read is kept with whatever is there."""
    try:
        with results.open(encoding="utf-8") as file:
            found = _RUN.search(file.read(_HEAD))
    except ValueError:
        return True
    return run is None or found is None or found.group(1) == run


def _copy_folder(source: Path, target: Path) -> None:
    """Copy ``source`` so that ``target`` appears whole or not at all. Links in it stay links."""
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=target.parent))
    try:
        _copy_all(source, temporary / "copy")
        (temporary / "copy").rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy_all(source: Path, target: Path) -> None:
    """Like ``shutil.copytree``, but the first error ends it and keeps its number."""
    target.mkdir()
    for entry in source.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _copy_all(entry, target / entry.name)
        else:
            shutil.copy2(entry, target / entry.name, follow_symlinks=False)


def _replace(path: Path, text: Iterable[str]) -> None:
    """``text`` under ``path`` in one step."""
    with _staged(path, text) as name:
        os.replace(name, path)


@contextlib.contextmanager
def _staged(path: Path, text: Iterable[str]) -> Iterator[str]:
    """A file beside ``path`` that holds ``text``, on the disk; gone afterwards unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(text)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is for its owner alone; a document is for whoever may read the folder.
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        yield name
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def _umask() -> int:
    mask = os.umask(0o077)  # strict for the moment, should another thread make a file meanwhile
    os.umask(mask)
    return mask


def _remove_stale(folder: Path, wanted: set[str]) -> None:
    """What an earlier document left, and nothing refers to any more; files of others stay."""
    for path in folder.iterdir():
        if path.name not in wanted and _OWN_FILE.match(path.name) and not path.is_dir():
            path.unlink()


def _sync(directory: Path) -> None:
    """Put the names in ``directory`` on the disk, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two runs that end at the same moment write in turn, so that the second keeps what the first wrote."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained(directory: Path) -> Iterator[None]:
    """An error of the system becomes a sentence."""
    try:
        yield
    except OSError as error:
        _explain(directory, error)


def _explain(directory: Path, error: OSError) -> NoReturn:
    number = error.errno
    where = error.filename if isinstance(error.filename, str) else str(directory)
    if number in _FULL:
        raise Fault(
            f"There is no room to write the document into {directory}.",
            "Free some space; the results are stored, and `bms report` prints the document.",
        ) from error
    if number in _FORBIDDEN:
        raise Fault(
            f"{where} may not be written.",
            "Change its permissions or name another folder with --out; the results are stored.",
        ) from error
    raise Fault(
        f"The document could not be written into {directory}: {error.strerror or error}.",
        "The results are stored; `bms report` prints the document.",
    ) from error
