"""What a reader must know before believing a number: whose it is, and who has checked the judge."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from agent import views
from agent.conversation.records import Said
from agent.conversation.replies import answer, counted, items, view
from agent.views import ResultView
from store import runs
from tools.panel import HUMAN


def replayed(session: Session, run_id: str) -> str:
    """That the run replays a story; empty where it does not."""
    story = runs.get(session, run_id).options.get("story")
    if story is None:
        return ""
    name = str(story).replace("\\", "/").rstrip("/").rpartition("/")[2]
    return (
        f"REPLAY of the story {name}: recorded or written for a demonstration. It measures none of the "
        "models that it names."
    )


def unchecked(results: Sequence[ResultView]) -> str:
    """That no human has checked a judge; empty where people judged, or labelled."""
    judges = [one.judge for one in results if one.judge != HUMAN and not one.labels]
    return f"NOT CALIBRATED: no human has checked this judge, {judges[0]}." if judges else ""


def cautions(session: Session, run_id: str, results: Sequence[ResultView]) -> str:
    """What goes with every number of a result."""
    return " ".join(filter(None, (replayed(session, run_id), unchecked(results))))


def trust(session: Session, run_id: str) -> Said:
    """Whether the numbers are of the models, and what the judge is worth."""
    found = views.result_views(session, run_id)
    replay = replayed(session, run_id)
    own = replay or (
        "This is no replay: what is told comes from this run's own research, answers and verdicts."
    )
    if not found:
        return answer(
            own,
            "Nothing is judged yet. What the table says is from the sources that are linked beside it.",
            links=(view(run_id, "table", "the table with its sources"),),
            suggestions=("did you miss anything?", "what speaks against it?", "status"),
        )
    labels = sum(one.labels for one in found)
    lines = [report.sentence for result in views.results(session, run_id) for _, report in result.preflights]
    lines += [
        result.calibration.sentence
        for result in views.results(session, run_id)
        if result.calibration is not None and result.calibration.labels
    ]
    return answer(
        own,
        unchecked(found) or f"People have labelled {counted(labels, 'answer')}.",
        items(lines),
        "The 95 % interval beside a pass rate covers the chance of the draw, not mistakes of the judge. "
        "Labels by people tell what the judge is worth.",
        links=(view(run_id, "labels", "label answers"), view(run_id, "report", "the report")),
        suggestions=("what is the pass rate?", "who is the judge?", "what failed most?"),
    )
