"""Rules for what keeps a conversation going: yes and no, greetings, starting, stopping and going on."""

from __future__ import annotations

import re

from agent.conversation.hearing_answers import named_backup, only
from agent.conversation.intents import (
    Answers,
    Cancel,
    Held,
    Help,
    Intent,
    ModelWithoutDomain,
    Musing,
    No,
    Notes,
    Pleasantry,
    Replay,
    Resume,
    Situation,
    Start,
    StartModelOrSize,
    StartOver,
    Yes,
)
from agent.conversation.words import (
    NOTHING_BUT_NO,
    NOTHING_BUT_YES,
    Plain,
    answers_in,
    insists,
    is_negated,
    start_of,
)


def yes_no(said: Plain, situation: Situation) -> Intent | None:
    if said.asks and NOTHING_BUT_YES.fullmatch(said.whole):
        return Musing()  # "yes?" asks; what is offered is not done for it
    if NOTHING_BUT_YES.fullmatch(said.whole):
        if situation.asks == "request" and not situation.fields and not situation.offered:
            return Answers(insist=True)
        return Yes()
    if NOTHING_BUT_NO.fullmatch(said.whole) or (situation.offered and said.whole.casefold() == "cancel"):
        if situation.asks == "request" and not situation.fields and not situation.offered:
            return Answers(insist=False)
        return No()
    return None


_NOTES = re.compile(
    r"(?:(?:my|the|our|some)\s+)?(?:(?:review|qualitative)\s+)?(?:notes?|impressions?)\s*(?:are|is)?\s*[:\-–]\s*(?P<note>.+)",
    re.IGNORECASE | re.DOTALL,
)


def notes(said: Plain, _situation: Situation) -> Intent | None:
    found = _NOTES.fullmatch(said.kept)
    return Notes(found["note"].strip()) if found else None


_HELP = re.compile(
    r"help(?:\s+me)?|\?+|what\s+(?:can|could)\s+(?:i|you)\s+(?:say|ask|do|type)(?:\s+(?:here|now))?|commands?|"
    r"how\s+does\s+(?:this|it)\s+work|what\s+now|what(?:'s|\s+is)?\s+next|(?:who|what)\s+are\s+you|what\s+(?:should|must|shall|do)\s+(?:i|we)\s+do(?:\s+(?:now|next|here))?|"
    r"what\s+happens\s+(?:now|next|then|(?:if|when|after)\s+i\s+(?:approve|say\s+yes)(?:\s+(?:it|this|that))?)",
    re.IGNORECASE,
)


MUSING = re.compile(r"(?:h+m+|u+h+m*|e+r+m*|a+h+|o+h|m+h*m+|well|so|[.…]+)[\s.!…]*", re.IGNORECASE)


_START_OVER = re.compile(
    r"(?:(?:ignore|forget)\s+(?:it|that|this|all(?:\s+that)?|everything)[\s,;.]*(?:and\s+)?(?:(?:let's|let\s+us)\s+)?)?"
    r"(?:start|begin)\s+(?:over|again|anew|afresh|from\s+scratch|from\s+the\s+beginning)(?:\s+again)?|(?:ignore|forget)\s+(?:all\s+that|everything)",
    re.IGNORECASE,
)


_HELLO = re.compile(r"(?:hi|hello|hey|good\s+(?:morning|evening|afternoon|day))(?:\s+there)?", re.IGNORECASE)


_THANKS = re.compile(
    r"(?:many\s+)?(?:thanks|thank\s+you|cheers|thx)(?:\s+(?:a\s+lot|very\s+much))?[\s.!]*", re.IGNORECASE
)


def small_talk(said: Plain, _situation: Situation) -> Intent | None:
    if _HELP.fullmatch(said.whole) or _HELP.fullmatch(said.bare):
        return Help()
    if MUSING.fullmatch(said.whole):
        return Musing()
    if _START_OVER.fullmatch(said.bare):
        return StartOver()
    if _HELLO.fullmatch(said.whole):
        return Pleasantry(thanks=False)
    return Pleasantry(thanks=True) if _THANKS.fullmatch(said.whole) else None


_COMMANDED = re.compile(
    r"\b(?P<verb>approv\w*|accept\w*|reject\w*|cancel\w*|stop\w*|swap\w*|add|leave|exclud\w*|remov\w*|resum\w*|"
    r"start\w*|pull\w*|run|use|take|choose|pick|go|continue|search|agree\w*|enough|sure|ready|yet|good|convinced|judge)\b",
    re.IGNORECASE,
)


def held(said: Plain, _situation: Situation) -> Intent | None:
    """Commands with a negation before them."""
    if said.asks or not is_negated(said.bare):
        return None
    found = _COMMANDED.search(said.bare)
    if found is None or not is_negated(said.bare[: found.start()]):
        return None
    if only(said, _situation) or named_backup(said):
        return None
    return Held(found["verb"].casefold())


_CANCEL = re.compile(
    r"(?:cancel|abort|stop|end|kill|quit)(?:\s+(?:it|this|that|the\s+(?:run|evaluation|research|job)|this\s+run|everything|all))?"
    r"(?:\s+(?:now|at\s+once|immediately))?",
    re.IGNORECASE,
)


_RESUME = re.compile(
    r"(?:go\s+on|resume|continue|carry\s+on|proceed|keep\s+going|try\s+again|retry)(?:\s+(?:with\s+)?(?:it|this|that|the\s+(?:run|evaluation|research)))?",
    re.IGNORECASE,
)


def run_commands(said: Plain, _situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    if _CANCEL.fullmatch(said.bare):
        return Cancel()
    return Resume() if _RESUME.fullmatch(said.bare) else None


_REPLAY = re.compile(
    r"(?:replay|play|run|show|start|try|watch)\s+(?:me\s+)?(?:(?:the|a)\s+)?(?:(?:recorded|demo)\s+)?(?:demo(?:nstration)?|story|recording|example\s+run)(?:\s+(?P<story>[a-z0-9][a-z0-9-]{0,60}))?|demo|replay\s+(?:the\s+)?(?P<story2>[a-z0-9][a-z0-9-]{0,60})(?:\s+story)?",
    re.IGNORECASE,
)


def replays(said: Plain, _situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    found = _REPLAY.fullmatch(said.bare)
    if found is None:
        return None
    story = (found["story"] or found["story2"] or "").casefold()
    return Replay(story if story and story not in {"demo", "story", "recording"} else None)


def starts(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks == "request":
        return None
    begun = start_of(said, has_run=situation.has_run)
    if begun is None:
        return None
    if begun.tag is not None and begun.domain is not None:
        return StartModelOrSize(begun.model or "", begun.tag, begun.domain)
    if begun.model is not None and begun.domain is None:
        return ModelWithoutDomain(begun.model)
    return Start(begun.text, begun.model, begun.domain, begun.judge, begun.sure)


def answers(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks != "request" or said.asks:
        return None
    if not situation.fields:
        told = insists(said.whole)
        return None if told is None else Answers(insist=told)
    found = answers_in(said, situation.fields)
    return Answers(found) if found else None
