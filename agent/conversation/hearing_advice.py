"""Rules for questions about what to do, what the numbers are worth, and why they are as they are."""

from __future__ import annotations

import re
from typing import Final

from agent.conversation.intents import Intent, Show, Situation
from agent.conversation.words import Plain

_MODEL: Final = r"(?:it|this|that|the\s+model)"
_ASKED: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "advice",
        "",
        r"(?:(?:so|and|ok(?:ay)?)[\s,]+)?(?:what\s+(?:would|should|do)\s+you\s+(?:do|advise|say)(?:\s+(?:now|next|here|in\s+my\s+place|if\s+you\s+were\s+me))?|"
        r"what\s+(?:should|must|shall|do|can)\s+(?:i|we)\s+do(?:\s+(?:now|next|then))?|(?:what(?:'s|\s+is|\s+comes)?|and)\s+(?:now|next)|now\s+what|"
        r"what\s+(?:are|is)\s+(?:the\s+|my\s+|your\s+)?next\s+steps?|(?:the\s+)?next\s+steps?|(?:your\s+|any\s+)?advice|"
        r"(?:should|shall|must|can)\s+(?:i|we)\s+(?:approve|accept|agree)(?:\s+(?:it|this|that|the\s+proposal|them))?(?:\s+now)?|would\s+you\s+(?:approve|accept)(?:\s+(?:it|this|that))?)",
    ),
    (
        "trust",
        "",
        r"(?:is|are|was|were)\s+(?:it|this|that|these|those|the(?:se|\s+\w+)?\s*(?:numbers?|results?|data|answers?|run|figures?)?)\s+(?:all\s+)?(?:a\s+|an?\s+)?(?:real|true|genuine|live|fake|replay(?:ed)?|demo|recorded|recording|authored|made\s+up|simulated)"
        r"(?:\s+(?:data|numbers?|results?|run|measurements?|answers?|evaluation|one))?|(?:is|are)\s+(?:this|these|it|that)\s+(?:a\s+)?real\s+\w+|"
        r"(?:can|could|may|should|do)\s+(?:i|we|you)\s+(?:really\s+)?(?:trust|believe|rely\s+on|count\s+on)\s+.{1,60}|how\s+(?:sure|certain|confident|reliable|trustworthy|accurate)\s+(?:are|is)\s+(?:you|it|this|that|the\s+(?:judge|result|results|numbers?|pass\s*rate|verdicts?|judging))(?:\s.{0,40})?|"
        r"how\s+good\s+is\s+the\s+judge|(?:is|was)\s+the\s+judge\s+(?:any\s+)?(?:good|reliable|calibrated|independent|trustworthy|fair|right|biased|checked)|are\s+you\s+(?:sure|certain)(?:\s.{0,40})?",
    ),
    (
        "tuning",
        "",
        r"(?:how\s+much|what)\s+(?:does|do|will|would|is|are)\s+.{0,60}\bfine-?\s?tun\w*(?:\s.{0,40})?|(?:the\s+)?costs?\s+(?:of|for)\s+(?:a\s+|the\s+)?fine-?\s?tun\w*",
    ),
    (
        "safety",
        "",
        r"(?:which|what)\s+gates?\s+(?:did|does|do|has|have|were|was|are|is)?\s*.{0,30}\bfail(?:ed|s|ing)?(?:\s.{0,20})?|(?:the\s+)?failed\s+gates?",
    ),
    (
        "result",
        "",
        r"why\s+(?:not|isn't\s+it|is\s+it\s+not|no|can't\s+(?:i|we)|shouldn't\s+(?:i|we))\s+(?:a\s+)?deploy(?:ed|able|ment)?(?:\s+it)?|"
        r"why\s+(?:is\s+it\s+|only\s+)?(?:a\s+)?(?:fine[_-]?\s?tune|full[_ ]pipeline|undecided|deploy)",
    ),
    (
        "example",
        "",
        rf"(?:show|give)\s+(?:me\s+)?(?:(?:the|all|some)\s+)*(?:answers?|ones|messages|scenarios)\s+(?:that\s+)?(?:{_MODEL}\s+)?(?:failed|got\s+wrong|did\s+not\s+pass)(?:\s+on)?",
    ),
    (
        "weakest topic",
        "strongest",
        r"(?:which|what)\s+(?:topics?|styles?|areas?)\s+(?:is|are|was|were|does|did|has|have)\s+(?:it\s+|the\s+model\s+)?(?:the\s+)?(?:strongest|best|highest|good|strong|do\s+(?:best|well)(?:\s+(?:on|in))?)|"
        r"(?:the\s+)?(?:strongest|best)\s+(?:topics?|styles?|areas?)|where\s+is\s+(?:it|the\s+model)\s+(?:the\s+)?(?:strongest|best|good)|what\s+is\s+(?:it|the\s+model)\s+good\s+at",
    ),
)
_PATTERNS: Final = tuple((what, of, re.compile(pattern, re.IGNORECASE)) for what, of, pattern in _ASKED)


def advised(said: Plain, situation: Situation) -> Intent | None:
    """What somebody would do, whether to trust a number, what a fine-tune costs."""
    if not situation.has_run or situation.asks == "request":
        return None
    for what, of, pattern in _PATTERNS:
        if pattern.fullmatch(said.bare) or pattern.fullmatch(said.whole):
            return Show(what, of)  # type: ignore[arg-type]
    return None
