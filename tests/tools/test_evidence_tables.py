"""Tables of benchmarks: who stands where, and what a rank says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.standins.evidence_pages import claims
from tools.candidates import Claim, ClaimKind, Stance
from tools.facts import SourceKind, quote_is_in

FOR, AGAINST, MIXED = Stance.FOR, Stance.AGAINST, Stance.MIXED
ROWS = """# Results
| Model | EQ-Bench | MMLU |
|:------|---------:|-----:|
| **Qwen3 8B** | 71.2 | 60 |
| [Gemma 2 9B](https://hf.co/x) | 80.1% | 61 |
| Llama 3.1 8B | 50,5 | 62 |
| GPT-4o | 60 | 90 |
| Mystery 7B | 40 | 10 |
| Other 7B | 45 | 11 |
"""


def said(text: str, **more: object) -> dict[str, tuple[Stance, str]]:
    return {claim.candidate: (claim.stance, claim.summary) for claim in claims(text, **more)}


def test_models_in_rows() -> None:
    assert said(ROWS) == {
        "Qwen/Qwen3-8B": (FOR, "EQ-Bench 71.2, rank 2 of 6."),
        "google/gemma-2-9b-it": (FOR, "EQ-Bench 80.1%, rank 1 of 6."),
        "meta-llama/Llama-3.1-8B-Instruct": (MIXED, "EQ-Bench 50,5, rank 4 of 6."),
    }
    first = claims(ROWS)[0]
    assert first.source.quote == "| **Qwen3 8B** | 71.2 | 60 |"
    assert first.kind is ClaimKind.BENCHMARK
    assert quote_is_in(first.source.quote, ROWS)


def test_models_in_columns() -> None:
    text = "Benchmark | Qwen3 8B | Gemma 2 9B | Llama 3.1 8B\nEQ-Bench | 71 | 65 | 50\nMMLU | 1 | 2 | 3\n"
    got = claims(text)
    assert [(c.stance, c.source.quote) for c in got] == [
        (FOR, "EQ-Bench | 71 | 65 | 50"),
        (MIXED, "EQ-Bench | 71 | 65 | 50"),
        (AGAINST, "EQ-Bench | 71 | 65 | 50"),
    ]


def test_a_column_names_the_benchmark() -> None:
    text = (
        "| Model | Benchmark | Score |\n|---|---|---|\n| Qwen3 8B | EQ-Bench | 71 |\n"
        "| Qwen3 8B | MMLU | 1 |\n"
        "| Gemma 2 9B | EQ-Bench | 65 |\n| Llama 3.1 8B | EQ-Bench | 50 |\n"
    )
    assert [stance for stance, _ in said(text).values()] == [FOR, MIXED, AGAINST]


def test_the_heading_names_the_benchmark() -> None:
    text = (
        "## EQ-Bench results\n\n| Model | Score | Size |\n|---|---|---|\n"
        "| Qwen3 8B | 71 | 8 |\n| Gemma 2 9B | 65 | 9 |\n| A | 1 | 7 |\n"
    )
    assert said(text)["Qwen/Qwen3-8B"] == (FOR, "EQ-Bench 71, rank 1 of 3.")


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ("EQ-Bench", FOR),
        ("EQ-Bench ↑", FOR),
        ("EQ-Bench ↓", AGAINST),
        ("EQ-Bench error rate", AGAINST),
        ("EQ-Bench perplexity", AGAINST),
        ("EQ-Bench hallucination rate", AGAINST),
        ("EQ-Bench WER", AGAINST),
        ("EQ-Bench Fehlerrate", AGAINST),
        ("EQ-Bench error rate ↑", FOR),
    ],
)
def test_lower_may_be_better(head: str, first: Stance) -> None:
    text = f"| Model | {head} |\n|---|---|\n| Qwen3 8B | 30 |\n| Gemma 2 9B | 20 |\n| Llama 3.1 8B | 10 |\n"
    assert claims(text)[0].stance is first


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        ((3, 2), [MIXED, MIXED]),
        ((3, 2, 1), [FOR, MIXED, AGAINST]),
        ((4, 3, 2, 1), [FOR, MIXED, MIXED, AGAINST]),
        ((5, 5, 5), [MIXED, MIXED, MIXED]),
        ((5, 5, 1), [MIXED, MIXED, AGAINST]),
    ],
)
def test_thirds(figures: tuple[int, ...], found: list[Stance]) -> None:
    names = ("Qwen3 8B", "Gemma 2 9B", "Llama 3.1 8B", "Falcon3 7B")
    rows = "\n".join(f"| {name} | {value} |" for name, value in zip(names, figures, strict=False))
    assert [c.stance for c in claims(f"| Model | EQ-Bench |\n|---|---|\n{rows}\n")] == found


@pytest.mark.parametrize(
    "head",
    [
        "TherapyBench Ultra",
        "EQ-Bench Ultra",
        "EQ-Bench-Pro",
        "Super-EQ-Bench",
        "EQ-Bench Creative Writing",
        "MMLU",
    ],
)
def test_a_benchmark_that_nobody_knows_is_no_figure(head: str) -> None:
    text = f"| Model | {head} |\n|---|---|\n| Qwen3 8B | 99.9 |\n| Gemma 2 9B | 20 |\n| Llama 3.1 8B | 10 |\n"
    assert all(claim.kind is ClaimKind.USER_REPORT for claim in claims(text))
    assert all(claim.stance is MIXED for claim in claims(text))


def test_two_fitting_figures_in_a_row_are_one_claim() -> None:
    text = (
        "| Model | EQ-Bench | CounselBench |\n|---|---|---|\n| Qwen3 8B | 3 | 1 |\n| Gemma 2 9B | 2 | 2 |\n"
        "| Llama 3.1 8B | 1 | 1.5 |\n"
    )
    got = said(text, benchmarks=("EQ-Bench", "CounselBench"))
    assert got["Qwen/Qwen3-8B"] == (MIXED, "EQ-Bench 3, rank 1 of 3; CounselBench 1, rank 3 of 3.")
    assert got["google/gemma-2-9b-it"][0] is FOR


def test_other_models_in_a_row_are_not_the_candidate() -> None:
    rows = "| Qwen3 8B Base | 9 |\n| Qwen3 80B | 8 |\n| Qwen3-8B-abliterated | 7 |\n"
    text = f"| Model | EQ-Bench |\n|---|---|\n{rows}"
    assert claims(text) == []


def test_a_makers_table_is_the_makers_claim() -> None:
    got: list[Claim] = claims(ROWS, source_kind=SourceKind.MAKER)
    assert {claim.kind for claim in got} == {ClaimKind.MAKER}


@pytest.mark.parametrize("cell", ["-", "n/a", "8B", "v3", "71.2.3.4.5x", ""])
def test_what_is_no_figure_says_nothing(cell: str) -> None:
    text = f"| Model | EQ-Bench |\n|---|---|\n| Qwen3 8B | {cell} |\n| A | 1 |\n| B | 2 |\n"
    assert [c for c in claims(text) if "rank" in c.summary] == []


CELLS = st.sampled_from(
    ["Qwen3 8B", "Gemma 2 9B", "EQ-Bench", "Model", "71.2", "8B", "---", "", "Score ↓", "x", "1,5 %"]
)


@settings(max_examples=80)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=8))
def test_any_table_can_be_read(rows: list[list[str]]) -> None:
    text = "\n".join(" | ".join(row) for row in rows)
    for claim in claims(text):
        assert quote_is_in(claim.source.quote or "", text)
