"""A finished run with more in it: an evaluated backup, hostile texts, labels, and a second run."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from store import evaluation
from store.schema import AnswerRow, ArtefactRow, AssessmentRow, Base, RunRow, ScenarioRow, VerdictRow
from tests.standins.records import NOW
from tools.evaluation import Label

HOSTILE = (
    "<script>document.title='owned'</script> \"><img src=x onerror=\"document.title='owned'\"> "
    "[a](javascript:alert(1)) \u202egnp.exe\u202c {{ 7 * 7 }} \ud800"
)
"""Markup, a link that runs something, an override of direction, a template, and half of a pair."""
HARMLESS = HOSTILE.replace("\u202e", "").replace("\u202c", "").replace("\ud800", "")
"""What of it may be shown, as text."""
BACKUP = "google/gemma-2-9b-it"


def with_backup(session: Session, run_id: str, *, fails: int = 5, passes: int = 8) -> None:
    """The backup has given the same answers; ``fails`` that pass fail, and ``passes`` that fail pass."""
    of_run = {"run_id": run_id, "role": "primary"}
    held = session.get_one(ArtefactRow, (run_id, "primary"))
    session.merge(
        ArtefactRow(
            run_id=run_id,
            role="backup",
            candidate=BACKUP,
            artefact=held.artefact,
            pulled_at=held.pulled_at,
            loaded=held.loaded,
        )
    )
    for table in (AnswerRow, AssessmentRow, VerdictRow):
        copied(session, table.__table__, of_run, {"role": "backup"})  # type: ignore[arg-type]
    _outcomes(session, run_id, fails, passes)
    judge = evaluation.judge_of(session, run_id, "primary")
    assert judge is not None
    evaluation.set_judge(session, run_id, "backup", judge, NOW)


def _outcomes(session: Session, run_id: str, fails: int, passes: int) -> None:
    from agent.answer_views import judged_result

    lines = judged_result(session, run_id, "primary").lines
    verdicts = {
        "NO": [line.scenario.id for line in lines if line.score.passed][:fails],
        "YES": [line.scenario.id for line in lines if line.score.passed is False][:passes],
    }
    for verdict, names in verdicts.items():
        mine = (VerdictRow.run_id == run_id, VerdictRow.role == "backup", VerdictRow.scenario_id.in_(names))
        session.execute(update(VerdictRow).where(*mine).values(verdict=verdict))


def copied(session: Session, table: Table, where: dict[str, str], changes: dict[str, str]) -> None:
    """Rows of a table once more, with other values in some columns."""
    query = select(table).where(*(table.c[name] == value for name, value in where.items()))
    rows = [dict(row._mapping) | changes for row in session.execute(query)]
    if rows:
        session.execute(insert(table), rows)


def second_run(session: Session, run_id: str, name: str) -> None:
    """The same run under another name."""
    copied(session, RunRow.__table__, {"id": run_id}, {"id": name})  # type: ignore[arg-type]
    for table in Base.metadata.sorted_tables:
        if table.name in {
            "artefacts",
            "scenarios",
            "answers",
            "assessments",
            "verdicts",
            "materials",
            "calls",
        }:
            copied(session, table, {"run_id": run_id}, {"run_id": name})


def hostile(session: Session, run_id: str, scenario_id: str, *, role: str = "primary") -> None:
    """Message, topic, answer, its reasons, and the name of the model are an attacker's."""
    text = HOSTILE.replace("\ud800", "")  # no database takes that
    scenario = session.get_one(ScenarioRow, (run_id, scenario_id))
    scenario.record = scenario.record | {"message": text, "topic": text, "style": text, "held_out": False}
    answer = session.get_one(AnswerRow, (run_id, role, scenario_id))
    answer.record = answer.record | {"text": text, "thinking": text, "detail": text}
    answer.conditions = answer.conditions | {"system_prompt": text, "model": text}
    mine = (VerdictRow.run_id == run_id, VerdictRow.role == role, VerdictRow.scenario_id == scenario_id)
    session.execute(update(VerdictRow).where(*mine).values(verdict="NO", reason=text))
    session.get_one(ArtefactRow, (run_id, role)).candidate = text
    session.get_one(RunRow, run_id).text = text
    labelled(session, run_id, {scenario_id: True}, by=text[:120], note=text, role=role)


def labelled(
    session: Session,
    run_id: str,
    passed: dict[str, bool | None],
    *,
    by: str = "ada",
    note: str = "",
    role: str = "primary",
) -> None:
    """A person has labelled answers as a whole, one a minute."""
    for number, (name, word) in enumerate(passed.items()):
        label = Label(scenario_id=name, by=by, passed=word, note=note, at=NOW + timedelta(minutes=number))
        evaluation.keep_label(session, run_id, role, label)
