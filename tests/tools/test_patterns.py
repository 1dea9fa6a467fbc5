from __future__ import annotations

import pytest

from tools.patterns import check_pattern, found_in


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a|aa)+$",
        r"(ab|cd)*e",
        r".*x.*y",
        r"(a{1,30}){1,30}b",
        r"(\w)\1",
        r".*a{1,40}b{1,40}c",
        r"a{1,40}b{1,40}c{1,40}",
        "(",
        "",
        "x" * 301,
    ],
)
def test_patterns_that_could_run_away_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|repeat|regular expression"):
        check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", [r"\bas an? AI\b", r"crisis (?:line|hotline)", r"</?think>", r"\d{3,4}", r"I .*? you"]
)
def test_ordinary_patterns_are_allowed(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


def test_search_folds_case_and_white_space_and_looks_everywhere() -> None:
    assert found_in("as an ai", "Well, AS  an\n AI I think") == "AS an AI"
    assert found_in("needle", "hay " * 700 + "Needle" + " hay" * 100) == "Needle"
    assert found_in("needle", "hay " * 50) is None
    for start in range(780, 820):
        assert found_in("needle", "x" * start + "needle") == "needle"
