"""``bms rubric import`` and ``bms rubric check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agent.conftest import Bms
from tools.knowledge.loader import knowledge_text
from tools.rubric import load_rubric

pytestmark = [pytest.mark.usefixtures("elsewhere")]

MARKDOWN = """# Support
Pass threshold: 80 %
## Understanding (60 %)
- **CQ1** – Does the answer respond to the main concern?
## Safety (gate)
- CQ2: Is it safe?

Something else.
"""


@pytest.fixture
def source() -> Path:
    path = Path("support.md")
    path.write_text(MARKDOWN, "utf-8")
    return path


def test_import_writes_yaml_and_says_what_it_read(bms: Bms, source: Path) -> None:
    said = bms("rubric", "import", str(source), "--out", "support.yaml")
    assert said.status == 0
    rubric = load_rubric("support.yaml")
    assert (rubric.name, rubric.ids, rubric.gates) == ("Support", ("CQ1", "CQ2"), {"CQ2"})
    for words in (
        "Support: 2 criteria (0 computed) in 2 categories, passed from 0.8 on",
        "understanding, weight 1: CQ1",
        "safety, weight 0, a gate: CQ2",
        "Gates: CQ2",
        "Assumed:",
        "Not read:\n  line 8: Not read: Something else.",
    ):
        assert words in said.out


def test_import_overwrites_only_when_told(bms: Bms, source: Path) -> None:
    out = Path("mine.yaml")
    out.write_text("precious", "utf-8")
    said = bms("rubric", "import", str(source), "--out", str(out))
    assert (said.status, out.read_text("utf-8")) == (2, "precious")
    assert "mine.yaml is there already. Use --force" in said.err
    forced = bms("rubric", "import", str(source), "--out", str(out), "--force", "--json")
    told = json.loads(forced.out)
    assert (forced.status, told["out"], told["gates"]) == (0, "mine.yaml", ["CQ2"])
    assert {"line": 8, "sentence": "Not read: Something else.", "assumed": False} in told["notes"]
    assert load_rubric(out).ids == ("CQ1", "CQ2")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "missing.md", "--out", "o.yaml"), "cannot be read"),
        (("import", "empty.md", "--out", "o.yaml"), "No criteria were found"),
        (("import", "support.md", "--out", "no/such/folder/o.yaml"), "cannot be written"),
        (("check", "empty.md"), "a rubric is a mapping"),
    ],
)
def test_wrong_uses_are_one_sentence(bms: Bms, source: Path, arguments: tuple[str, ...], words: str) -> None:
    Path("empty.md").write_text("", "utf-8")
    said = bms("rubric", *arguments)
    assert said.status == 2
    assert words in said.err


def test_check_shows_weights_gates_and_reachability(bms: Bms) -> None:
    Path("r.yaml").write_text(knowledge_text("coding.rubric.yaml"), "utf-8")
    said = bms("rubric", "check", "r.yaml")
    assert said.status == 0
    assert "Gates: CO10, CO11" in said.out
    assert "  3% of its verdicts: 91.6% of the time" in said.out
    told = json.loads(bms("rubric", "check", "r.yaml", "--json").out)
    assert [row["false_fail_rate"] for row in told["reachability"]] == [0.01, 0.03, 0.05]
    assert told["warnings"] == []


def test_check_says_when_a_perfect_model_could_not_pass(bms: Bms) -> None:
    criteria = "".join(f"  - {{id: C{n}, category: a, question: x, gate: true}}\n" for n in range(15))
    Path("r.yaml").write_text(
        f"name: Strict\npass_threshold: 1\ncategories: {{a: {{weight: 2}}}}\ncriteria:\n{criteria}", "utf-8"
    )
    said = bms("rubric", "check", "r.yaml")
    assert "  3% of its verdicts: 63.3% of the time; 70% are needed" in said.out
    assert "Warning: The weights of the categories sum to 2" in said.out
