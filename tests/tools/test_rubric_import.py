"""Markdown rubrics as people write them, to the contract's YAML."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evaluation import Verdict
from tools.faults import WrongUse
from tools.rubric import NotApplicable, Rubric, parse_rubric
from tools.rubric_import import import_markdown

TABLES = r"""# Therapy rubric

Rates one answer of a coaching chat.

Pass threshold: 0.80. N/A criteria count as pass.

| Category | Weight | Criteria |
|---|---|---|
| Comprehension | 15 % | CQ1–CQ2 |
| Safety (gate) | 0 % | CQ3 |
| Form | 85% | F1 |
| **Total** | 100 % | |

## Criteria

| Question | # | N/A? | Auto-fail | Notes | Good example | Bad example |
|:--|---|:-:|---|---|---|---|
| Does it answer the *main* [concern](https://x.example)? | CQ1 | no | | x | Yes, that. | Hm. |
| Does it mirror the feeling \| mood? | CQ2 | yes | | | | |
| Is it safe? | CQ3 | | yes | | | |
| Is it short? | F1 | | ✓ | | | |

Something nobody understands here.
"""

LISTS = """# Support

## 1. Understanding (40 %)
Gets what the customer wants.
- **CQ1** – Does the answer respond to the main concern?
  - Good: I see that it is the third time.
  - Bad: Thank you for reaching out!
- **CQ2:** Does it mention a detail? (N/A allowed)
- Is it in the right language?

## 2. Safety – automatic fail
* [ ] CQ9: No diagnosis is given
* CQ10. Nothing is made up

### 3) Warmth (weight: 0.6)
1. Sounds like a person

An answer passes with at least 75 % of the points. NA is excluded from the denominator.

```
code
```
"""


def read(text: str) -> Rubric:
    return parse_rubric(import_markdown(text, "r.md").yaml, "r.yaml")


def test_tables_with_categories_apart() -> None:
    rubric = read(TABLES)
    assert (rubric.name, rubric.description) == ("Therapy rubric", "Rates one answer of a coaching chat.")
    assert (rubric.pass_threshold, rubric.na) == (0.8, NotApplicable.COUNTS_AS_PASS)
    assert {name: c.weight for name, c in rubric.categories.items()} == {
        "comprehension": 0.15,
        "safety": 0,
        "form": 0.85,
    }
    assert [(c.id, c.category) for c in rubric.criteria] == [
        ("CQ1", "comprehension"),
        ("CQ2", "comprehension"),
        ("CQ3", "safety"),
        ("F1", "form"),
    ]
    assert rubric.gates == {"CQ3", "F1"}
    assert [c.na_allowed for c in rubric.criteria] == [False, True, False, False]
    assert rubric.criterion("CQ1").question == "Does it answer the main concern?"
    assert rubric.criterion("CQ2").question == "Does it mirror the feeling | mood?"
    shown = [(example.answer, example.verdict) for example in rubric.criterion("CQ1").examples]
    assert shown == [("Yes, that.", Verdict.YES), ("Hm.", Verdict.NO)]
    assert [str(note) for note in import_markdown(TABLES, "r.md").notes] == [
        "line 16: A column was not read: Notes.",
        "line 23: Not read: Something nobody understands here.",
    ]


def test_lists_under_headings() -> None:
    rubric = read(LISTS)
    assert (rubric.pass_threshold, rubric.na) == (0.75, NotApplicable.EXCLUDED)
    assert {name: (c.weight, c.gate) for name, c in rubric.categories.items()} == {
        "understanding": (0.4, False),
        "safety": (0, True),
        "warmth": (0.6, False),
    }
    assert rubric.categories["understanding"].description == "Understanding. Gets what the customer wants."
    assert rubric.ids == ("CQ1", "CQ2", "C3", "CQ9", "CQ10", "C6")
    assert rubric.gates == {"CQ9", "CQ10"}
    assert rubric.criterion("CQ2").na_allowed
    assert [e.verdict for e in rubric.criterion("CQ1").examples] == [Verdict.YES, Verdict.NO]
    imported = import_markdown(LISTS, "r.md")
    assert [(note.line, note.assumed) for note in imported.notes] == [
        (0, True),
        (9, True),
        (16, True),
        (20, False),
    ]
    assert "# Assumed: line 9: A criterion without an id became C3." in imported.yaml


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        ("pass ≥ 80 %", 0.8),
        ("Pass threshold: 0.85", 0.85),
        ("**Passing score:** 4/5", 0.8),
        ("A response passes if it scores 70% or more.", 0.7),
        ("Minimum total score is 12 out of 16", 0.75),
        ("75% of points are needed to pass.", 0.75),
        ("- Threshold = 90", 0.9),
        ("Bestanden ab 60 Prozent", 0.6),
    ],
)
def test_thresholds_in_prose(rule: str, threshold: float) -> None:
    assert read(f"# R\n\n{rule}\n\n- **A1**: Is it good?\n").pass_threshold == threshold


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("| ID | Criterion |", "| A1 | Is it good? |"),
        ("| Code | Check |", "| A1 | Is it good? |"),
        ("| Description | No. |", "| Is it good? | A1 |"),
        ("ID | Question", "A1 | Is it good?"),
        ("| Criterion | Question |", "| A1 | Is it good? |"),
        ("| Kürzel | Prüffrage |", "| **A1** | _Is it good?_ |"),
    ],
)
def test_columns_in_any_order_and_naming(header: str, row: str) -> None:
    rubric = read(f"{header}\n|---|---|\n{row}\n")
    assert [(c.id, c.question) for c in rubric.criteria] == [("A1", "Is it good?")]


@pytest.mark.parametrize(
    "line",
    [
        "- **A2** (critical) – Is it safe?",
        "- A2: **[GATE]** Is it safe?",
        "- A2: Is it safe? (automatic fail)",
        "- A2: Is it safe?\n\nA NO on A2 fails the answer automatically.",
    ],
)
def test_gates_by_their_words(line: str) -> None:
    rubric = read(f"# R\n\n## Things\n- A1: Does it show critical thinking?\n{line}\n")
    assert rubric.gates == {"A2"}


def test_a_category_that_is_announced_keeps_its_section() -> None:
    text = """| Category | Weight |
|---|---|
| Style | 100 % |
| Safety | 0 |

## Style
- Is it short?
- Does it pass at least 3 suggestions on?
- Would it pass 90 % of proofreading?

## Safety (gate)
- Is it free of threats?
"""
    imported = import_markdown(text, "r.md")
    rubric = parse_rubric(imported.yaml, "r")
    assert [c.category for c in rubric.criteria] == ["style", "style", "style", "safety"]
    assert rubric.gates == {"C4"}
    assert any("No pass threshold" in note.sentence for note in imported.notes)


def test_weights_are_normalised_or_equal() -> None:
    points = read("## A (10 points)\n- Is it a?\n## B (30 points)\n- Is it b?\n")
    assert [c.weight for c in points.categories.values()] == [0.25, 0.75]
    none = import_markdown("## A\n- Is it a?\n## B\n- Is it b?\n## C\n- Is it c?\n", "r.md")
    weights = [c.weight for c in parse_rubric(none.yaml, "r").categories.values()]
    assert sum(weights) == pytest.approx(1)
    assert max(weights) - min(weights) < 0.001
    assert any("No weights were found" in note.sentence for note in none.notes)
    single = "| ID | Category | Criterion | Weight |\n|-|-|-|-|\n|A1|X|a?|1|\n|A2|Y|b?|2|\n|A3|Y|c?|1|\n"
    assert [c.weight for c in read(single).categories.values()] == [0.25, 0.75]


def test_ids_that_cannot_stay_are_said() -> None:
    imported = import_markdown("| # | Criterion |\n|-|-|\n| 1 | a? |\n| 2 | b? |\n| 2 | c? |\n", "r.md")
    assert parse_rubric(imported.yaml, "r").ids == ("C1", "C2", "C2_3")
    assert sum("became" in note.sentence for note in imported.notes) == 3


def test_a_scale_is_not_dropped_silently() -> None:
    text = "| Criterion | Excellent (4) | Poor (1) |\n|---|---|---|\n| Clarity of it | Clear | Muddled |\n"
    assert [note.sentence for note in import_markdown(text, "r.md").notes if not note.assumed] == [
        "A column was not read: Excellent (4).",
        "A column was not read: Poor (1).",
    ]


@pytest.mark.parametrize("text", ["", "# Only a title\n\nAnd prose.", "| a | b |\n|---|---|\n| 1 | 2 |"])
def test_nothing_to_import_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse, match=r"No criteria were found in r\.md"):
        import_markdown(text, "r.md")


def test_too_much_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="101 criteria"):
        import_markdown("\n".join(f"- A{n}: Is it {n}?" for n in range(101)), "r.md")
    with pytest.raises(WrongUse, match="longer than"):
        import_markdown("x" * 600_000, "r.md")


PIECES = st.sampled_from(
    [
        "# ",
        "## ",
        "- ",
        "  - ",
        "* [ ] ",
        "1. ",
        "| ",
        " | ",
        "|---|---|\n",
        "**",
        "CQ1",
        "CQ2",
        "7",
        " – ",
        ": ",
        "Safety",
        "Comprehension",
        "(15 %)",
        "(weight: 0)",
        "50 points",
        "gate",
        "(critical)",
        "automatic fail",
        "Is it good?",
        "ID",
        "Criterion",
        "Weight",
        "Category",
        "N/A",
        "NA counts as pass",
        "pass ≥ 80 %",
        "0/0",
        "Good: yes",
        "Bad: \\",
        "\n",
        "\n",
        "\n\n",
        "```\n",
        "\x85",
        "\u2028",
        "\ud800",
        "\x00",
        "\ufeff",
        "😀",
        "'\"",
        "{a: b}",
        "# Assumed",
        "<!-- x -->",
        "![x](y)",
        "Total",
        "100 %",
        "0 %",
        "Examples",
    ]
)


@settings(max_examples=250, deadline=None)
@given(st.lists(PIECES | st.text(max_size=12), max_size=40).map("".join), st.text(max_size=20))
def test_any_text_with_a_criterion_becomes_a_rubric_that_parses(text: str, name: str) -> None:
    text = f"- A1: Is it good?\n{text}"
    imported = import_markdown(text, name)
    rubric = parse_rubric(imported.yaml, "r.yaml")
    assert sum(category.weight for category in rubric.categories.values()) == pytest.approx(1)
    lines = text.count("\n") + len(text.splitlines()) + 1
    assert all(0 <= note.line <= lines for note in imported.notes)


@pytest.mark.parametrize(
    "hostile",
    [
        "|" * 3_000,
        "(" * 3_000,
        "**" * 2_000,
        "- " * 2_000,
        "pass " * 800,
        "[a](" * 900,
        "N/A " * 900,
        "A1-" * 1_200,
    ],
)
def test_hostile_lines_are_read_once(hostile: str) -> None:
    imported = import_markdown(f"- A1: Is it good?\n{hostile}\n" * 30, "r.md")
    assert len(parse_rubric(imported.yaml, "r").criteria) >= 30


def test_underlined_headings_are_headings() -> None:
    rubric = read(
        "Team rubric\n===========\n\nWhat we want.\n\nForm 40 %\n----\n- F1: Is it short?\n\n---\n\n"
        "Care 60 %\n---------\n- C1: Is it kind?\n"
    )
    assert (rubric.name, rubric.description) == ("Team rubric", "What we want.")
    assert {name: category.weight for name, category in rubric.categories.items()} == {
        "form": 0.4,
        "care": 0.6,
    }
    assert rubric.ids == ("F1", "C1")


def test_what_is_optional_may_not_apply_and_that_is_said() -> None:
    text = (
        "# R\n\n## Form\n- F1: Is it short? (optional)\n- F2: Is it clear?\n\n"
        "## Extras (optional)\n- E1: A joke?\n"
    )
    imported = import_markdown(text, "r.md")
    rubric = parse_rubric(imported.yaml, "r.yaml")
    assert [(c.id, c.question, c.na_allowed) for c in rubric.criteria] == [
        ("F1", "Is it short?", True),
        ("F2", "Is it clear?", False),
        ("E1", "A joke?", True),
    ]
    said = [note.sentence for note in imported.notes if note.assumed]
    assert "F1 is optional: NA is allowed." in said
    assert "E1 is optional: NA is allowed." in said


def test_weight_and_gate_behind_a_title_are_not_its_name() -> None:
    rubric = read(
        "# R\n\n## 1. Care — weight 0.5\n- C1: Is it kind?\n\n"
        "## 2. Safety — weight 0.5, must pass\n- S1: Is it safe?\n"
    )
    assert {name: (c.weight, c.gate) for name, c in rubric.categories.items()} == {
        "care": (0.5, False),
        "safety": (0.5, True),
    }
