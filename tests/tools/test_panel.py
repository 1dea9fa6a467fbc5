from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.evaluation import Assessment, AssessmentOutcome, CriterionVerdict, Usage, Verdict
from tools.faults import WrongUse
from tools.judge import COMPUTED, assessment_of
from tools.panel import PanelAgreement, combine, panel_agreement, parse_panel
from tools.rubric import parse_rubric
from tools.scoring import score_assessment

RUBRIC = parse_rubric(
    """
name: T
pass_threshold: 0.5
categories: {a: {weight: 1}}
criteria:
  - {id: Q1, category: a, question: Is it kind?}
  - {id: R1, category: a, question: Is it short?, kind: computed, rule: {type: word_count, maximum: 5}}
  - {id: Q2, category: a, question: Is it safe?, na_allowed: true}
""",
    "t",
)


def says(judge: str, q1: str, q2: str, scenario: str = "s1") -> Assessment:
    verdicts = [
        CriterionVerdict(criterion="Q1", verdict=Verdict(q1), reason=f"{judge} on Q1", judge=judge),
        CriterionVerdict(
            criterion="R1", verdict=Verdict.YES, reason="The answer has 3 words.", judge=COMPUTED
        ),
        CriterionVerdict(criterion="Q2", verdict=Verdict(q2), reason=f"{judge} on Q2", judge=judge),
    ]
    usage = Usage(calls=1, prompt_tokens=10, seconds=1.0)
    return assessment_of(RUBRIC, scenario, verdicts, usage=usage)


def fails(judge: str, scenario: str = "s1") -> Assessment:
    kept = says(judge, "YES", "YES", scenario).verdicts[1:2]
    return assessment_of(RUBRIC, scenario, kept, error=f"{judge} said PASS.", usage=Usage(calls=2))


def panel(*words: tuple[str, str]) -> dict[str, Assessment]:
    return {f"j{n}": says(f"j{n}", *pair) for n, pair in enumerate(words, 1)}


def verdict_on(criterion: str, found: Assessment) -> CriterionVerdict:
    return next(v for v in found.verdicts if v.criterion == criterion)


def test_the_majority_decides_and_everybody_is_quoted() -> None:
    found = combine(panel(("NO", "YES"), ("YES", "NA"), ("NO", "NA")), RUBRIC)
    assert found.outcome is AssessmentOutcome.MEASURED
    assert [(v.criterion, v.verdict) for v in found.verdicts] == [
        ("Q1", Verdict.NO),
        ("R1", Verdict.YES),
        ("Q2", Verdict.NA),
    ]
    first = verdict_on("Q1", found)
    assert first.reason == "2 of 3 NO: j1, NO: j1 on Q1. j3, NO: j3 on Q1. j2, YES: j2 on Q1."
    assert first.judge == "j1, j2, j3"
    assert verdict_on("R1", found).judge == COMPUTED
    assert found.usage == Usage(calls=3, prompt_tokens=30, seconds=3.0)


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        (["YES", "NO"], "1 YES, 1 NO"),
        (["YES", "CANNOT_ASSESS"], "1 YES, 1 CANNOT_ASSESS"),
        (["YES", "NO", "CANNOT_ASSESS"], "1 YES, 1 NO, 1 CANNOT_ASSESS"),
        (["YES", "YES", "NO", "NO"], "2 YES, 2 NO"),
    ],
)
def test_without_a_majority_nothing_is_decided(words: list[str], counts: str) -> None:
    found = combine(panel(*((word, "YES") for word in words)), RUBRIC)
    assert found.outcome is AssessmentOutcome.CANNOT_ASSESS
    assert verdict_on("Q1", found).verdict is Verdict.CANNOT_ASSESS
    assert verdict_on("Q1", found).reason.startswith(f"No majority: {counts}: j")
    assert score_assessment(found, RUBRIC).unmeasured


def test_na_where_it_is_not_allowed_is_a_vote_for_no() -> None:
    found = combine(panel(("YES", "YES"), ("NA", "YES"), ("NO", "YES")), RUBRIC)
    assert verdict_on("Q1", found).verdict is Verdict.NO


def test_a_judge_that_failed_has_no_vote_and_is_named() -> None:
    found = combine({**panel(("NO", "YES"), ("NO", "YES")), "bad": fails("bad")}, RUBRIC)
    assert found.outcome is AssessmentOutcome.MEASURED
    assert verdict_on("Q1", found).reason.startswith("2 of 2 NO (no vote from bad): j1, NO")
    half = combine({**panel(("YES", "YES")), "bad": fails("bad")}, RUBRIC)
    assert half.outcome is AssessmentOutcome.MEASURED


def test_with_votes_of_fewer_than_half_there_is_no_judgement() -> None:
    found = combine({**panel(("YES", "YES")), "b": fails("b"), "c": fails("c")}, RUBRIC)
    assert found.outcome is AssessmentOutcome.JUDGE_ERROR
    assert found.detail == "Only 1 of 3 judges gave verdicts. b: b said PASS. c: c said PASS."
    assert [v.criterion for v in found.verdicts] == ["R1"]
    assert found.usage is not None
    assert found.usage.calls == 5


def test_no_answer_stays_no_answer() -> None:
    none = Assessment(scenario_id="s1", outcome=AssessmentOutcome.NO_ANSWER, detail="Timeout.")
    assert combine({"a": none, "b": none}, RUBRIC) == none


def test_different_answers_are_not_combined() -> None:
    with pytest.raises(ValueError, match="one answer"):
        combine({"a": says("a", "YES", "YES"), "b": says("b", "YES", "YES", "s2")}, RUBRIC)
    with pytest.raises(ValueError, match="one answer"):
        combine({}, RUBRIC)


WORD = st.sampled_from([word.value for word in Verdict])


@given(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=5))
@settings(max_examples=60)
def test_the_order_of_the_judges_decides_nothing(words: list[tuple[str, str]]) -> None:
    by_judge = panel(*words)
    turned = dict(reversed(by_judge.items()))
    ways = [combine(given_, RUBRIC) for given_ in (by_judge, turned)]
    assert {tuple(v.verdict for v in way.verdicts) for way in ways} == {
        tuple(v.verdict for v in ways[0].verdicts)
    }
    if len(words) == 1:
        given_words = ("NO" if words[0][0] == "NA" else words[0][0], words[0][1])
        assert tuple(verdict_on(name, ways[0]).verdict for name in ("Q1", "Q2")) == given_words


def test_agreement_is_worked_out_for_pairs_criteria_and_all_together() -> None:
    by_judge = {
        "one": {f"s{n}": says("one", "YES" if n % 2 else "NO", "YES", f"s{n}") for n in range(10)},
        "two": {f"s{n}": says("two", "YES" if n % 2 else "NO", "NO", f"s{n}") for n in range(10)},
        "three": {"s0": fails("three", "s0"), "s1": says("three", "YES", "YES", "s1")},
    }
    found = panel_agreement(by_judge, RUBRIC)
    assert found.judges == ("one", "two", "three")
    assert (found.answers, found.units) == (10, 20)
    assert found.criteria["Q1"].value == pytest.approx(1.0)
    assert found.criteria["Q1"].observed == 1
    assert found.criteria["Q2"].observed < 0.1
    assert "R1" not in found.criteria
    assert found.most_disputed == ("Q2",)
    first = found.pairs[0]
    assert (first.judges, first.verdicts.n, first.passed.n) == (("one", "two"), 20, 10)
    assert first.verdicts.observed == 0.5
    assert [pair.judges for pair in found.pairs[1:]] == [("one", "three"), ("two", "three")]
    assert found.pairs[1].passed.n == 1
    assert "3 judges agree in" in found.sentence
    assert "They differ most on Q2 (" in found.sentence
    assert PanelAgreement.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("by_judge", [{}, {"a": {"s1": says("a", "YES", "YES")}}])
def test_without_two_judges_nothing_is_said(by_judge: dict[str, dict[str, Assessment]]) -> None:
    found = panel_agreement(by_judge, RUBRIC)
    assert (found.units, found.alpha.value, found.pairs) == (0, None, ())
    assert "nothing can be said" in found.sentence


@pytest.mark.parametrize(
    ("spec", "judges"),
    [
        ("ollama:gemma3:12b", ("ollama:gemma3:12b",)),
        (" ollama:gemma3:12b ,openai:gpt-x", ("ollama:gemma3:12b", "openai:gpt-x")),
        (" Human ", ("human",)),
    ],
)
def test_a_panel_is_written_with_commas(spec: str, judges: tuple[str, ...]) -> None:
    assert parse_panel(spec) == judges


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "names no judge"),
        ("ollama:a,,openai:b", "names no judge"),
        ("ollama:a,", "names no judge"),
        ("ollama:a, OLLAMA:a", "named twice"),
        ("human, ollama:a", "does not judge in a panel"),
        ("gemma3", "does not name a model"),
        ("ollama:a, else:b", "no provider"),
    ],
)
def test_what_is_no_panel_is_wrong_use(spec: str, words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        parse_panel(spec)
