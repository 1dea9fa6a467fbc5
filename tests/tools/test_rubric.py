from __future__ import annotations

import pytest

from tools.computed import LengthRatio, apply_rule
from tools.evaluation import Scenario, Verdict
from tools.faults import WrongUse
from tools.hygiene import signs
from tools.knowledge.loader import domains
from tools.preflight import reachability
from tools.rubric import Kind, NotApplicable, parse_rubric, starter_rubric
from tools.scoring import score

CONTRACT = """
name: Therapeutic coaching
pass_threshold: 0.8
na: excluded                 # or counts_as_pass
categories:
  comprehension: {weight: 0.15}
  safety: {weight: 0, gate: true}      # gate on a category gates all of its criteria
criteria:
  - {id: CQ1, category: comprehension, question: "…", na_allowed: false}
"""


def test_the_contract_of_the_file_is_read() -> None:
    rubric = parse_rubric(CONTRACT, "r.yaml")
    assert (rubric.name, rubric.pass_threshold, rubric.na) == (
        "Therapeutic coaching",
        0.8,
        NotApplicable.EXCLUDED,
    )
    assert rubric.categories["safety"].gate
    assert (rubric.ids, rubric.gates) == (("CQ1",), frozenset())
    assert any("safety" in said for said in rubric.warnings)


def test_everything_a_criterion_can_have() -> None:
    text = (
        CONTRACT.replace("excluded  ", "counts_as_pass")
        + """
  - id: CQ2
    category: safety
    question: Is it safe?
    na_allowed: true
    examples:
      - {answer: "Take more pills.", verdict: NO, reason: Dangerous.}
      - {message: hi, answer: "Hello.", verdict: YES}
      - {answer: "x", verdict: CANNOT_ASSESS}
  - id: CQ3
    category: comprehension
    question: Is it short?
    kind: computed
    gate: true
    rule: {type: length_ratio, maximum: 3}
"""
    )
    rubric = parse_rubric(text, "r.yaml")
    assert rubric.na is NotApplicable.COUNTS_AS_PASS
    assert rubric.gates == {"CQ2", "CQ3"}
    verdicts = [example.verdict for example in rubric.criterion("CQ2").examples]
    assert verdicts == [Verdict.NO, Verdict.YES, Verdict.CANNOT_ASSESS]
    assert isinstance(rubric.criterion("CQ3").rule, LengthRatio)
    assert [criterion.id for criterion in rubric.judged] == ["CQ1", "CQ2"]
    assert rubric.criterion("CQ3").kind is Kind.COMPUTED
    with pytest.raises(KeyError):
        rubric.criterion("CQ9")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("pass_threshold: 0.8", "pass_threshold: 80", 3, "pass_threshold"),
        ("pass_threshold: 0.8", "pass_treshold: 0.8", 3, 'Did you mean "pass_threshold"'),
        ("na: excluded ", "na: sometimes ", 4, '"na"'),
        ("{weight: 0.15}", "{weight: -1}", 6, "weight"),
        ("{weight: 0.15}", "{weight: 0}", 5, "no category"),
        ("{weight: 0.15}", "{wieght: 0.15}", 6, 'Did you mean "weight"'),
        ("category: comprehension,", "category: comprehensoin,", 9, 'Did you mean "comprehension"'),
        ("id: CQ1", "id: 1", 9, "id"),
        ("id: CQ1", "id: CQ 1", 9, "id"),
        ("na_allowed: false", "na_alowed: false", 9, 'Did you mean "na_allowed"'),
        ("na_allowed: false", "kind: computed", 9, "no rule"),
        ("na_allowed: false", "rule: {type: ends_with_question}", 9, "is judged"),
        ("na_allowed: false", 'kind: computed, rule: {type: lacks, patterns: ["(a+)+"]}', 9, "repeat"),
        ("na_allowed: false", "kind: computed, rule: {type: unheard_of}", 9, "rule"),
        (
            "na_allowed: false",
            "kind: computed, rule: {type: ends_question}",
            9,
            'the rule type "ends_question" is not known here. Did you mean "ends_with_question"?',
        ),
        ("na_allowed: false", "kind: computed, rule: {maximum: 3}", 9, '"type" is missing.'),
        (
            "na_allowed: false",
            "kind: computed, rule: {type: lacks, pattern: [x]}",
            9,
            'Did you mean "patterns"',
        ),
        ("{weight: 0.15}", "[0.15]", 6, '"comprehension" must be a mapping'),
        ("{weight: 0.15}", "-0.15", 6, "greater than or equal to 0"),
        ("{weight: 0.15}", "{weight: much}", 6, '"weight" must be a number.'),
        ("{weight: 0.15}", "{weight: 0.15, gate: maybe}", 6, '"gate" must be true or false.'),
        (
            "na_allowed: false}",
            "na_allowed: false}\n  - {id: CQ1, category: safety, question: x}",
            10,
            "line 9",
        ),
    ],
)
def test_mistakes_name_the_line(old: str, new: str, line: int, words: str) -> None:
    assert old in CONTRACT
    with pytest.raises(WrongUse) as caught:
        parse_rubric(CONTRACT.replace(old, new), "r.yaml")
    assert f"r.yaml, line {line}:" in caught.value.sentence
    assert words in str(caught.value)
    for foreign in ("Input", "valid dict", "instance of", "tag", "pattern '"):
        assert foreign not in str(caught.value)


def test_a_bare_number_is_a_categorys_weight() -> None:
    bare = parse_rubric(CONTRACT.replace("{weight: 0.15}", "0.15"), "r.yaml")
    assert bare == parse_rubric(CONTRACT, "r.yaml")


def test_a_file_that_is_no_rubric_is_said() -> None:
    with pytest.raises(WrongUse, match="a rubric is a mapping"):
        parse_rubric("- a", "r.yaml")
    with pytest.raises(WrongUse, match="is missing"):
        parse_rubric("criteria: []", "r.yaml")


def test_yaml_words_and_the_wrapper() -> None:
    """YAML 1.1 reads yes, no, on and off as booleans; a verdict may be written in any letter case."""
    inner = (
        CONTRACT.replace("na_allowed: false}", "na_allowed: yes}").replace("gate: true", "gate: on")
        + """
  - id: "NO"
    category: comprehension
    question: Is it short?
    gate: yes
    examples:
      - {answer: a, verdict: no}
      - {answer: b, verdict: "yes"}
      - {answer: c, verdict: NA}
      - {answer: d, verdict: na}
"""
    )
    wrapped = "version: 3\nrubric:\n" + "\n".join(f"  {line}" for line in inner.splitlines())
    rubric = parse_rubric(wrapped, "r.yaml")
    assert rubric == parse_rubric(inner, "r.yaml")
    assert rubric.criterion("CQ1").na_allowed
    assert rubric.categories["safety"].gate
    assert rubric.gates == {"NO"}
    verdicts = [example.verdict for example in rubric.criterion("NO").examples]
    assert verdicts == [Verdict.NO, Verdict.YES, Verdict.NA, Verdict.NA]


STARTERS = [None, *(domain.key for domain in domains().domains if domain.rubric)]


@pytest.mark.parametrize("key", STARTERS)
def test_starter_rubrics_can_be_passed_by_a_perfect_model(key: str | None) -> None:
    rubric = starter_rubric(key)
    assert (rubric.name == "General helpfulness") is (key is None)
    assert len(rubric.criteria) >= 8
    assert len(rubric.judged) <= 14
    assert rubric.warnings == ()
    assert 0.8 <= rubric.pass_threshold <= 0.85
    assert rubric.planted is not None
    assert rubric.gates
    assert reachability(rubric, 0.03) > 0.8
    assert any(criterion.examples for criterion in rubric.judged)


@pytest.mark.parametrize("key", ["therapy-coaching", None])
def test_the_rubrics_that_people_meet_first_ask_one_question_at_a_time_and_show_what_they_mean(
    key: str | None,
) -> None:
    for criterion in starter_rubric(key).judged:
        assert criterion.question.count("?") == 1, criterion.id
        assert criterion.examples, criterion.id
        words = {example.verdict for example in criterion.examples}
        assert criterion.na_allowed or Verdict.NA not in words, criterion.id
        assert criterion.na_allowed or words <= {Verdict.YES, Verdict.NO}
        assert all(example.message for example in criterion.examples), criterion.id


THERAPY_PARTS = {
    "CQ1": 0.1,
    "CQ2": 0.1,
    "CQ13": 0.1,
    "CQ3": 0.1,
    "CQ4": 0.1,
    "CQ16": 0.1,
    "CQ5": 0.125,
    "CQ6": 0.125,
}
FORM = ("CQ7", "CQ8", "CQ9", "CQ17")


@pytest.mark.parametrize("first", THERAPY_PARTS)
def test_therapy_forgives_one_thing_that_matters_with_one_of_form_and_no_second_one(first: str) -> None:
    rubric = starter_rubric("therapy-coaching")
    met = dict.fromkeys(rubric.ids, Verdict.YES)
    for form in FORM:
        found = score(met | {first: Verdict.NO, form: Verdict.NO}, rubric)
        assert (found.score, found.passed) == (round(1 - THERAPY_PARTS[first] - 0.0375, 4), True)
    for second in THERAPY_PARTS:
        if second != first:
            assert score(met | {first: Verdict.NO, second: Verdict.NO}, rubric).passed is False
    assert score(met | dict.fromkeys(FORM, Verdict.NO), rubric).passed is True


@pytest.mark.parametrize(("key", "criterion"), [("therapy-coaching", "CQ12"), (None, "GQ11")])
def test_tokens_of_the_known_templates_are_found_and_ordinary_signs_are_not(
    key: str | None, criterion: str
) -> None:
    rule = starter_rubric(key).criterion(criterion).rule
    assert rule is not None
    leaked = (
        "<|im_end|>",
        "<｜end▁of▁sentence｜>",
        "<turn|>",
        "<|turn>model",
        "</think>",
        "[/INST]",
        "◁think▷",
    )
    for token in leaked:
        assert apply_rule(rule, "m", f"Fine. {token}").verdict is Verdict.NO, token
    for plain in ("a < b | c > d", "I <3 you", "x <| y > z", "a |bar| chart", "[think about it]"):
        assert apply_rule(rule, "m", plain).verdict is Verdict.YES, plain


def test_stage_directions_are_known_by_their_verb() -> None:
    rule = starter_rubric("therapy-coaching").criterion("CQ17").rule
    assert rule is not None
    for staged in (
        "*nods* Yes.",
        "*leans forward* So?",
        "*softly smiling* Hm.",
        "(pauses) Hm.",
        "**Breathe:** in",
    ):
        assert apply_rule(rule, "m", staged).verdict is Verdict.NO, staged
    for plain in (
        "That is *really* hard.",
        "*this* and *that*",
        "Room #1",
        "2 * 3 * 4",
        "(a smile would do)",
    ):
        assert apply_rule(rule, "m", plain).verdict is Verdict.YES, plain


@pytest.mark.parametrize("key", STARTERS)
def test_the_planted_good_answer_meets_what_is_computed_and_shows_no_signs(key: str | None) -> None:
    rubric = starter_rubric(key)
    assert rubric.planted is not None
    good, message = rubric.planted.good, rubric.planted.message
    for criterion in rubric.computed:
        assert criterion.rule is not None
        assert apply_rule(criterion.rule, message, good).verdict is Verdict.YES, criterion.id
    scenario = Scenario(id="planted", topic="t", subtopic="s", style="x", message=message)
    assert signs(good, scenario) == ()


def test_domains_name_the_rubrics_that_are_there() -> None:
    assert len(STARTERS) == 7
    for domain in domains().domains:
        if domain.rubric:
            assert domain.rubric == f"{domain.key}.rubric.yaml"


@pytest.mark.parametrize("key", ["law", "../../secret"])
def test_other_domains_get_the_general_rubric(key: str) -> None:
    assert starter_rubric(key).name == "General helpfulness"
