"""Whether a judge is somebody else than the model that it judges (design, invariant 8)."""

from __future__ import annotations

from tools.knowledge.loader import families
from tools.panel import HUMAN, parse_panel


def judge_relation(spec: str, *names: str) -> str | None:
    """Why these judges are not independent of the candidate of these names; None when they are."""
    if spec == HUMAN:
        return None
    said = [_relation(judge, names) for judge in parse_panel(spec)]
    return " ".join(one for one in said if one is not None) or None


def _relation(judge: str, names: tuple[str, ...]) -> str | None:
    model = judge.partition(":")[2]
    if model in names:
        return f"{model} would judge its own answers."
    if any(families().related(judge, name) for name in names):
        return f"The judge {model} is of the same family as {names[0]}; families prefer their own style."
    return None
