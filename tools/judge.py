"""The judge: judging one answer (``judging``), and trying a judge before it is paid (``preflight``)."""

from tools.judge_prompt import build_messages, neutralise
from tools.judge_reply import JudgeReplyError, parse_reply, reply_schema
from tools.judging import (
    COMPUTED,
    MAX_JUDGED_CHARACTERS,
    Chat,
    assessment_of,
    computed_verdicts,
    context_needed,
    judge_answer,
    judge_text,
    total_usage,
)
from tools.preflight import (
    PlantedAnswer,
    PlantedKind,
    PlantedResult,
    PreflightReport,
    planted_answers,
    preflight,
    reachability,
    reachability_warning,
)

__all__ = [
    "COMPUTED",
    "MAX_JUDGED_CHARACTERS",
    "Chat",
    "JudgeReplyError",
    "PlantedAnswer",
    "PlantedKind",
    "PlantedResult",
    "PreflightReport",
    "assessment_of",
    "build_messages",
    "computed_verdicts",
    "context_needed",
    "judge_answer",
    "judge_text",
    "neutralise",
    "parse_reply",
    "planted_answers",
    "preflight",
    "reachability",
    "reachability_warning",
    "reply_schema",
    "total_usage",
]
