"""The document replaces its own, keeps everybody else's, and is whole at every moment."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.standins.report_data import report, result, rows_of
from tools.faults import Fault
from tools.report import Inconsistent, WrittenDocument, render_markdown, write_document
from tools.report.data import ReportData


def data(run: str = "r-1", passed: int = 45, failed: int = 5, **changes: Any) -> ReportData:
    return report([result(rows_of(passed, failed))], run_id=run, **changes)


def images(document: Path) -> list[Path]:
    paths = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", document.read_text("utf-8"))
    return [document.parent / path for path in paths]


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def everything(written: WrittenDocument, folder: Path) -> set[str]:
    """All files that a written document says it has."""
    one = (written.path, written.json_path, written.html_path, *written.figures, *written.exports)
    return {str(path.relative_to(folder)) for path in one}


def assert_whole(document: Path, run: str) -> None:
    """The document, its results and its figures belong together."""
    text = document.read_text("utf-8")
    assert text.startswith(f"<!-- bms run: {run} -->\n")
    assert text.endswith("beside this document.\n")
    assert json.loads(document.with_suffix(".json").read_text("utf-8"))["run"] == run
    assert images(document)
    assert all(path.read_text("utf-8").endswith("</svg>\n") for path in images(document))


def test_document_results_and_figures_are_written(tmp_path: Path) -> None:
    written = write_document(tmp_path, data())
    assert written.path == tmp_path / "base-model-evaluation.md"
    assert written.path.read_text("utf-8") == render_markdown(data())
    assert written.kept_previous is None
    assert set(written.figures) == set(images(written.path))
    assert_whole(written.path, "r-1")
    assert names(tmp_path) == everything(written, tmp_path)


def test_the_folder_is_made_when_its_parent_is_there(tmp_path: Path) -> None:
    assert_whole(write_document(tmp_path / "docs", data()).path, "r-1")
    with pytest.raises(Fault, match="does not exist") as caught:
        write_document(tmp_path / "a" / "b", data())
    assert "--out" in caught.value.next_step


def test_the_same_run_replaces_its_own(tmp_path: Path) -> None:
    first = write_document(tmp_path, data(passed=45, failed=5))
    second = write_document(tmp_path, data(passed=30, failed=18))
    assert second.kept_previous is None
    assert_whole(second.path, "r-1")
    assert names(tmp_path) == everything(second, tmp_path)
    assert not set(first.figures) & set(second.figures)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    write_document(tmp_path, data(passed=30, failed=18))
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_the_document_of_another_run_is_kept_whole(tmp_path: Path) -> None:
    old = write_document(tmp_path, data("r-1", 45, 5))
    old_figures = {path.name: path.read_bytes() for path in old.figures}
    new = write_document(tmp_path, data("r-2", 30, 18))
    kept = new.kept_previous
    assert kept == tmp_path / "base-model-evaluation-2025-11-21.md"
    assert_whole(kept, "r-1")
    assert {path.name: path.read_bytes() for path in images(kept)} == old_figures
    assert {path.parent.name for path in images(kept)} == {"base-model-evaluation-2025-11-21"}
    assert "base-model-evaluation-2025-11-21.json" in kept.read_text("utf-8")
    assert_whole(new.path, "r-2")
    assert {path.name for path in (tmp_path / "base-model-evaluation").iterdir()} == {
        p.name for p in (*new.figures, *new.exports)
    }
    assert kept.with_suffix(".html").read_text("utf-8").splitlines()[1] == "<!-- bms run: r-1 -->"
    assert new.html_path.read_text("utf-8").splitlines()[1] == "<!-- bms run: r-2 -->"


def test_kept_documents_are_never_overwritten(tmp_path: Path) -> None:
    kept = []
    for number in range(1, 5):
        written = write_document(tmp_path, data(f"r-{number}", 40 + number, 5))
        kept.append(written.kept_previous)
    found = [path.name for path in kept if path is not None]
    assert found == [f"base-model-evaluation-2025-11-21{end}.md" for end in ("", "-2", "-3")]
    for number, path in enumerate(kept[1:], 1):
        assert path is not None
        assert_whole(path, f"r-{number}")


def test_a_dated_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    write_document(tmp_path, data("r-1"))
    (tmp_path / "base-model-evaluation-2025-11-21.json").write_text("theirs")
    (tmp_path / "base-model-evaluation-2025-11-21-2").symlink_to("nowhere")
    written = write_document(tmp_path, data("r-2"))
    assert written.kept_previous == tmp_path / "base-model-evaluation-2025-11-21-3.md"
    assert (tmp_path / "base-model-evaluation-2025-11-21.json").read_text() == "theirs"


def test_a_persons_own_document_is_kept_with_its_pictures(tmp_path: Path) -> None:
    own = "# Mine\n\n![x](base-model-evaluation/mine.png) <img src='./base-model-evaluation/mine.png'>\n"
    document = tmp_path / "base-model-evaluation.md"
    document.write_text(own)
    os.utime(document, (1_700_000_000, 1_700_000_000))
    (tmp_path / "base-model-evaluation").mkdir()
    (tmp_path / "base-model-evaluation" / "mine.png").write_bytes(b"png")
    written = write_document(tmp_path, data())
    kept = written.kept_previous
    assert kept == tmp_path / "base-model-evaluation-2023-11-14.md"
    assert kept.read_text() == own.replace("base-model-evaluation/", "base-model-evaluation-2023-11-14/")
    assert (tmp_path / "base-model-evaluation-2023-11-14" / "mine.png").read_bytes() == b"png"
    assert (tmp_path / "base-model-evaluation" / "mine.png").read_bytes() == b"png"


def test_a_document_in_another_encoding_is_kept_byte_for_byte(tmp_path: Path) -> None:
    raw = b"# Caf\xe9\r\n\r\nNo figures here.\r\n"
    (tmp_path / "base-model-evaluation.md").write_bytes(raw)
    kept = write_document(tmp_path, data()).kept_previous
    assert kept is not None
    assert kept.read_bytes() == raw


def test_a_marker_further_down_does_not_make_it_ours(tmp_path: Path) -> None:
    (tmp_path / "base-model-evaluation.md").write_text("# Mine\n<!-- bms run: r-1 -->\n")
    assert write_document(tmp_path, data("r-1")).kept_previous is not None


def test_results_of_a_broken_attempt_are_not_kept_as_the_old_ones(tmp_path: Path) -> None:
    write_document(tmp_path, data("r-1"))
    other = tmp_path / "other"
    write_document(other, data("r-2"))
    (other / "base-model-evaluation.json").replace(tmp_path / "base-model-evaluation.json")
    kept = write_document(tmp_path, data("r-2")).kept_previous
    assert kept is not None
    assert not kept.with_suffix(".json").exists()


@pytest.mark.parametrize("suffix", [".md", ".json", ".html", ""])
def test_a_link_in_the_way_is_refused(tmp_path: Path, suffix: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir() if not suffix else elsewhere.write_text("precious")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / f"base-model-evaluation{suffix}").symlink_to(elsewhere)
    with pytest.raises(Fault, match="is a link"):
        write_document(docs, data())
    assert names(docs) <= {f"base-model-evaluation{suffix}"}
    assert not suffix or elsewhere.read_text() == "precious"


def test_other_things_in_the_way_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Fault, match="is not a folder"):
        write_document(tmp_path / "file", data())
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Fault, match="link to nowhere"):
        write_document(tmp_path / "dangling", data())
    (tmp_path / "docs" / "base-model-evaluation.md").mkdir(parents=True)
    with pytest.raises(Fault, match="is not a file"):
        write_document(tmp_path / "docs", data())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(Fault, match="may not be written"):
            write_document(tmp_path, data())
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        pytest.param(errno.EROFS, "may not be written", marks=pytest.mark.slow),
        (errno.EACCES, "may not be written"),
        (errno.ENOSPC, "no room"),
        pytest.param(errno.EDQUOT, "no room", marks=pytest.mark.slow),
        pytest.param(errno.EIO, "could not be written", marks=pytest.mark.slow),
    ],
)
def test_every_broken_moment_leaves_the_old_document_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    """Each write in turn breaks; the old document is there after each, and the last attempt succeeds."""
    write_document(tmp_path, data("r-1"))
    real, moment = os.replace, 0
    while True:
        calls = 0

        def breaking(source: Any, target: Any) -> None:
            nonlocal calls
            calls += 1
            if calls > moment:  # noqa: B023 - called within this turn of the loop
                raise OSError(number, os.strerror(number), str(target))
            real(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", breaking)
            try:
                write_document(tmp_path, data("r-2", 30, 18))
            except Fault as fault:
                said = fault
            else:
                break
        assert says in said.sentence
        assert said.next_step
        document = tmp_path / "base-model-evaluation.md"
        assert document.read_text("utf-8") == render_markdown(data("r-1"))
        assert all(path.exists() for path in images(document))
        assert not [name for name in names(tmp_path) if "/." in f"/{name}"]
        moment += 1
    assert moment >= 5
    assert_whole(tmp_path / "base-model-evaluation.md", "r-2")
    kept = sorted(path.name for path in tmp_path.glob("base-model-evaluation-*.md"))
    assert kept == ["base-model-evaluation-2025-11-21.md"]
    assert_whole(tmp_path / kept[0], "r-1")
    known = {
        "base-model-evaluation.md",
        "base-model-evaluation.json",
        "base-model-evaluation.html",
        *(kept[0].replace(".md", suffix) for suffix in (".md", ".json", ".html")),
    }
    assert {name for name in names(tmp_path) if "/" not in name} == known


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    write_document(tmp_path, data("r-1"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(Fault, match="no room") as caught:
            write_document(tmp_path, data("r-2", 30, 18))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "bms report" in caught.value.next_step
    document = tmp_path / "base-model-evaluation.md"
    assert document.read_text("utf-8") == render_markdown(data("r-1"))
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_numbers_that_do_not_add_up_write_nothing(tmp_path: Path) -> None:
    good = data().models[0]
    wrong = good.model_copy(update={"decision": good.decision.model_copy(update={"passes": 1})})
    with pytest.raises(Inconsistent):
        write_document(tmp_path, report([wrong]))
    assert names(tmp_path) == set()


def test_two_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    write_document(tmp_path, data("r-0"))
    written: list[WrittenDocument] = []
    made = [data(f"r-{number}", 40 + number, 5) for number in range(1, 5)]
    threads = [threading.Thread(target=lambda d=d: written.append(write_document(tmp_path, d))) for d in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    documents = [tmp_path / "base-model-evaluation.md", *(w.kept_previous for w in written)]
    runs = {d.read_text("utf-8").splitlines()[0] for d in documents if d is not None}
    assert runs == {f"<!-- bms run: r-{number} -->" for number in range(5)}


def test_a_document_can_be_read_by_whoever_may_read_the_folder(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.umask(0o022); from pathlib import Path\n"
        "from tests.tools.test_report_files import data\nfrom tools.report import write_document\n"
        "write_document(Path(sys.argv[1]), data())"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(__file__).parents[2])
    for path in ("base-model-evaluation.md", "base-model-evaluation.json"):
        assert (tmp_path / path).stat().st_mode & 0o777 == 0o644
