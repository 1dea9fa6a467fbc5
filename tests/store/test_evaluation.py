"""What was pulled, answered and judged; a row that exists is work that is not repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from store import evaluation
from store.database import Database
from tests.standins.records import NOW, an_artefact
from tools.evaluation import (
    Answer,
    AnswerOutcome,
    Assessment,
    AssessmentOutcome,
    CriterionVerdict,
    Scenario,
    Verdict,
)
from tools.faults import Conflict
from tools.runtimes import LoadedModel

pytestmark = pytest.mark.both_databases

LATER = NOW + timedelta(minutes=1)
CONDITIONS = {"runtime": "ollama", "model": "qwen3:8b", "context": 4096}


def scenario(number: int) -> Scenario:
    return Scenario(
        id=f"s{number}", topic="sleep", subtopic="insomnia", style="terse", message=f"Message {number}"
    )


def answer(scenario_id: str = "s1", **changes: object) -> Answer:
    given = {"scenario_id": scenario_id, "outcome": AnswerOutcome.ANSWERED, "text": "Ünïcode ⭐"}
    return Answer.model_validate({**given, **changes})


def keep_answer(database: Database, run_id: str, kept: Answer, role: str = "primary") -> None:
    with database.session() as session:
        evaluation.keep_answers(session, run_id, role, [kept], CONDITIONS, NOW)


def assessment(scenario_id: str = "s1", *criteria: str) -> Assessment:
    return Assessment(
        scenario_id=scenario_id,
        outcome=AssessmentOutcome.MEASURED,
        verdicts=tuple(
            CriterionVerdict(criterion=name, verdict=Verdict.YES, reason=f"why {name}", judge="ollama:j")
            for name in criteria
        ),
    )


def keep_assessment(
    database: Database, run_id: str, kept: Assessment, judge: str = "ollama:j", role: str = "primary"
) -> None:
    with database.session() as session:
        evaluation.keep_assessments(session, run_id, role, judge, [kept], NOW)


# --- artefacts ---------------------------------------------------------------------------------------------


def test_an_artefact_is_proved_pulled_and_loaded(database: Database, run_id: str):
    artefact = an_artefact(warnings=("The default tag is Q4_0.",))
    loaded = LoadedModel(
        artefact=artefact, native_context=40960, allocated_context=4096, thinks=True, hello="Hello!"
    )
    with database.session() as session:
        assert evaluation.held(session, run_id, "primary") is None
        evaluation.keep_artefact(session, run_id, "primary", "Qwen/Qwen3-8B", artefact)
    with database.session() as session:
        assert evaluation.held(session, run_id, "primary") == ("Qwen/Qwen3-8B", artefact, None, None)
        evaluation.mark_pulled(session, run_id, "primary", NOW)
    with database.session() as session:
        held = evaluation.held(session, run_id, "primary")
        assert held is not None
        assert (held.pulled_at, held.loaded) == (NOW, None)
        evaluation.keep_loaded(session, run_id, "primary", loaded)
    with database.reading() as session:
        assert evaluation.held(session, run_id, "primary") == ("Qwen/Qwen3-8B", artefact, NOW, loaded)
        assert evaluation.held(session, run_id, "backup") is None


def test_another_artefact_for_a_role_starts_again(database: Database, run_id: str):
    with database.session() as session:
        evaluation.keep_artefact(session, run_id, "primary", "Qwen/Qwen3-8B", an_artefact())
        evaluation.mark_pulled(session, run_id, "primary", NOW)
        evaluation.keep_artefact(session, run_id, "primary", "a/A", an_artefact(name="a:8b"))
    with database.reading() as session:
        assert evaluation.held(session, run_id, "primary") == ("a/A", an_artefact(name="a:8b"), None, None)


def test_the_primary_comes_before_the_backup(database: Database, run_id: str):
    with database.session() as session:
        assert evaluation.roles(session, run_id) == []
        for role in ("backup", "primary"):
            evaluation.keep_artefact(session, run_id, role, "a/A", an_artefact())
        assert evaluation.roles(session, run_id) == ["primary", "backup"]


# --- scenarios and answers ---------------------------------------------------------------------------------


def test_scenarios_keep_their_order(database: Database, run_id: str):
    kept = [scenario(number) for number in (10, 9, 2, 1)]
    with database.session() as session:
        evaluation.keep_scenarios(session, run_id, kept)
        evaluation.keep_scenarios(session, run_id, kept)
    with database.reading() as session:
        assert evaluation.scenarios(session, run_id) == kept


def test_further_scenarios_stand_behind_the_first_and_one_that_is_kept_again_is_the_new_one(
    database: Database, run_id: str
):
    first, further = [scenario(1), scenario(2)], [scenario(4), scenario(3)]
    changed = scenario(2).model_copy(update={"message": "said anew"})
    with database.session() as session:
        evaluation.keep_scenarios(session, run_id, first)
        evaluation.keep_scenarios(session, run_id, further, after=2)
        evaluation.keep_scenarios(session, run_id, [])
        evaluation.keep_scenarios(session, run_id, [changed], after=1)
    with database.reading() as session:
        assert evaluation.scenarios(session, run_id) == [scenario(1), changed, *further]


def test_what_was_given_is_known_of_every_record_and_no_change_of_one_reaches_another(
    database: Database, run_id: str
):
    """Records share the set of the fields that they were given."""
    with database.session() as session:
        evaluation.keep_scenarios(session, run_id, [scenario(1), scenario(2)])
    with database.reading() as session:
        one, two = evaluation.scenarios(session, run_id)
    assert one.model_fields_set == set(Scenario.model_fields)
    changed = one.model_copy(update={"style": "terse"})
    assert changed.model_dump(exclude_unset=True)["style"] == "terse"
    bare = Scenario(id="x", topic="t", subtopic="s", style="terse", message="m")
    assert bare.model_fields_set < two.model_fields_set
    assert two.model_fields_set == set(Scenario.model_fields)


def test_answers_come_back_by_scenario(database: Database, run_id: str):
    cut_off = answer("s2", outcome=AnswerOutcome.TRUNCATED, finish_reason="length", completion_tokens=1024)
    for kept in (answer("s1"), cut_off):
        keep_answer(database, run_id, kept)
    keep_answer(database, run_id, answer("s1", text="the backup's"), "backup")
    with database.reading() as session:
        assert evaluation.answers(session, run_id, "primary") == {"s1": answer("s1"), "s2": cut_off}
        assert evaluation.answers(session, run_id, "backup")["s1"].text == "the backup's"
        assert evaluation.answered(session, run_id, "primary") == {"s1", "s2"}
        assert evaluation.answered(session, run_id, "nobody") == set()
        assert evaluation.conditions(session, run_id, "primary") == CONDITIONS
        assert evaluation.conditions(session, run_id, "nobody") == {}


def test_answers_are_counted_by_the_host_that_made_them(database: Database, run_id: str):
    made = [("s1", "gpu1", "sha256:aa"), ("s2", "gpu2", "sha256:aa"), ("s3", "gpu2", "sha256:aa")]
    with database.session() as session:
        for scenario_id, host, digest in [*made, ("s4", "gpu3", None)]:
            said = {**CONDITIONS, "host": host, "digest": digest}
            evaluation.keep_answers(session, run_id, "primary", [answer(scenario_id)], said, NOW)
    keep_answer(database, run_id, answer("s5"))
    keep_answer(database, run_id, answer("s1"), "backup")
    with database.reading() as session:
        assert evaluation.hosts(session, run_id, "primary") == [
            ("gpu2", "sha256:aa", 2),
            ("gpu1", "sha256:aa", 1),
            ("gpu3", None, 1),
        ]
        assert evaluation.hosts(session, run_id, "backup") == []


def test_a_scenario_is_answered_once(database: Database, run_id: str):
    """Invariant 7: a second call for the same scenario would be noticed, and the first answer stays."""
    keep_answer(database, run_id, answer(text="first"))
    with pytest.raises((IntegrityError, Conflict)):
        keep_answer(database, run_id, answer(text="second"))
    with database.reading() as session:
        assert evaluation.answers(session, run_id, "primary")["s1"].text == "first"


# --- assessments -------------------------------------------------------------------------------------------


def test_verdicts_keep_the_rubrics_order(database: Database, run_id: str):
    kept = [assessment("s1", "CQ10", "CQ2", "A1"), assessment("s2", "Z", "A"), assessment("s3")]
    for one in kept:
        keep_assessment(database, run_id, one)
    with database.reading() as session:
        assert evaluation.assessments(session, run_id, "primary", "ollama:j") == {
            one.scenario_id: one for one in kept
        }


@pytest.mark.parametrize("outcome", AssessmentOutcome)
def test_an_assessment_comes_back_as_it_went(database: Database, run_id: str, outcome: AssessmentOutcome):
    verdicts = tuple(
        CriterionVerdict(criterion=f"C{n}", verdict=verdict, reason="", judge="computed")
        for n, verdict in enumerate(Verdict)
    )
    kept = Assessment(scenario_id="s1", outcome=outcome, verdicts=verdicts, detail="the judge said nothing")
    keep_assessment(database, run_id, kept)
    with database.reading() as session:
        assert evaluation.assessments(session, run_id, "primary", "ollama:j") == {"s1": kept}


def test_judges_and_roles_are_kept_apart(database: Database, run_id: str):
    keep_assessment(database, run_id, assessment("s1", "A"))
    keep_assessment(database, run_id, assessment("s1", "B"), judge="human")
    keep_assessment(database, run_id, assessment("s1", "C"), role="backup")
    with database.reading() as session:
        told = [
            evaluation.assessments(session, run_id, *who)["s1"].verdicts[0].criterion
            for who in (("primary", "ollama:j"), ("primary", "human"), ("backup", "ollama:j"))
        ]
    assert told == ["A", "B", "C"]


def test_an_answer_is_assessed_once_by_a_judge_and_whole_or_not_at_all(database: Database, run_id: str):
    keep_assessment(database, run_id, assessment("s1", "A"))
    with pytest.raises((IntegrityError, Conflict)):
        keep_assessment(database, run_id, assessment("s1", "B"))
    with pytest.raises((IntegrityError, Conflict)):
        keep_assessment(database, run_id, assessment("s2", "A", "A"))
    with database.reading() as session:
        assert evaluation.assessments(session, run_id, "primary", "ollama:j") == {"s1": assessment("s1", "A")}


# --- calls, reviews, documents -----------------------------------------------------------------------------


def test_a_call_is_paid_for_once(database: Database, run_id: str):
    key = "sha256:" + "a" * 64
    with database.session() as session:
        assert evaluation.stored_call(session, run_id, "preflight", key) is None
        evaluation.keep_call(session, run_id, "preflight", key, {"text": "YES"}, NOW)
    with database.reading() as session:
        assert evaluation.stored_call(session, run_id, "preflight", key) == {"text": "YES"}
        assert evaluation.stored_call(session, run_id, "other", key) is None
    with database.session() as session:  # asked twice at once, by two scenarios of the same text
        evaluation.keep_call(session, run_id, "preflight", key, {"text": "NO"}, NOW)
        evaluation.forget_calls(session, run_id, "other")
    with database.session() as session:
        assert evaluation.stored_call(session, run_id, "preflight", key) == {"text": "NO"}
        evaluation.forget_calls(session, run_id, "preflight")
        assert evaluation.stored_call(session, run_id, "preflight", key) is None


def test_reviews_are_kept_in_order(database: Database, run_id: str):
    with database.session() as session:
        evaluation.keep_review(session, run_id, "primary", {"notes": "kind"}, "Ada", NOW)
        evaluation.keep_review(session, run_id, "backup", {"notes": "curt"}, "Bob", LATER)
    with database.reading() as session:
        kept = [(r.position, r.role, r.record["notes"], r.by) for r in evaluation.reviews(session, run_id)]
    assert kept == [(1, "primary", "kind", "Ada"), (2, "backup", "curt", "Bob")]


def test_a_document_that_is_written_again_is_the_same_document(database: Database, run_id: str):
    with database.session() as session:
        evaluation.keep_document(session, run_id, "docs/a.md", "1" * 64, NOW)
        evaluation.keep_document(session, run_id, "docs/b.json", "2" * 64, NOW + timedelta(seconds=1))
        evaluation.keep_document(session, run_id, "docs/a.md", "3" * 64, LATER)
    with database.reading() as session:
        kept = [(row.path, row.sha256[0]) for row in evaluation.documents(session, run_id)]
    assert kept == [("docs/b.json", "2"), ("docs/a.md", "3")]
