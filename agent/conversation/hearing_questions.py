"""Rules for questions about candidates, results and the run."""

from __future__ import annotations

import re
from typing import Final

from agent.conversation.hearing_answers import NAME, names
from agent.conversation.intents import About, Compare, HowGood, Intent, Show, Situation, Why, WhyProposal
from agent.conversation.names import is_known, names_somebody
from agent.conversation.words import Plain, factor_words
from tools.table import Column

_WHY_PROPOSAL = re.compile(
    r"why\s+(?:(?:this|that|the|these|those)(?:\s+(?:one|two|proposal|models?|pair|choice))?"
    r"|(?:do|did)\s+you\s+(?:propose|recommend|choose|suggest)\s+(?:this|that|it|them|these))|why",
    re.IGNORECASE,
)


_WHY_NOT = re.compile(
    rf"(?:(?:but|and)\s+)?(?:why\s+(?:not|isn't|is\s+not|wasn't|was\s+not|aren't|didn't\s+you\s+(?:pick|choose|propose|take|recommend)|"
    rf"don't\s+(?:you|we)\s+(?:take|use|propose|pick)|not\s+(?:take|use|pick|approve))|what's\s+wrong\s+with|what\s+is\s+wrong\s+with|"
    rf"what\s+speaks\s+against|what\s+happened\s+(?:to|with)|where\s+is|where's|why\s+(?:did\s+you\s+|was\s+|were\s+|is\s+|are\s+)?(?:reject|exclude|leave\s+out|drop)(?:ed)?)"
    rf"\s+{NAME}(?:\s+(?:rejected|excluded|left\s+out|dropped|proposed|chosen|(?:in|on)\s+(?:the\s+)?(?:list|table)|there|listed|first))?",
    re.IGNORECASE,
)


_WHY_REJECTED = re.compile(
    rf"(?:why|how\s+come)\s+(?:was|were|is|are|did|does)\s+{NAME}\s+(?:not\s+(?:in|proposed|chosen|listed)|rejected|excluded|left\s+out|dropped|missing|out|fail|ranked\s+(?:so\s+)?low)(?:\s.{{0,60}})?",
    re.IGNORECASE,
)


_WHY = re.compile(
    rf"(?:(?:but|and)\s+)?(?:why(?:\s+(?:is|was|are|does|did|do|you\s+(?:propose|chose|picked)|do\s+you\s+propose|did\s+you\s+(?:choose|pick|propose)))?|how\s+come|what\s+speaks\s+for)\s+{NAME}"
    r"(?:\s+(?:the\s+primary|the\s+backup|primary|backup|proposed|first|the\s+best|on\s+top|have\s+.{0,40}|has\s+.{0,40}|get\s+.{0,40}|got\s+.{0,40}|so\s+\S+))?",
    re.IGNORECASE,
)


def why(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    if _WHY_PROPOSAL.fullmatch(said.bare):
        return WhyProposal()
    for pattern, negative in ((_WHY_REJECTED, True), (_WHY_NOT, True), (_WHY, False)):
        found = pattern.fullmatch(said.bare)
        if found:
            return Why(found["name"], negative)
    return None


_SHOWN: Final[tuple[tuple[str, str], ...]] = (
    (
        "how long",
        r"how\s+(?:long|much\s+longer|much\s+time)\b.{0,60}|when\s+(?:will|does|is)\s+.{0,40}(?:done|ready|finish(?:ed)?|over|end)|"
        r"(?:what(?:'s|\s+is)\s+the\s+)?eta|time\s+left|how\s+many\s+(?:answers\s+)?(?:are\s+)?left",
    ),
    (
        "status",
        r"status|state|progress|where\s+(?:are\s+we|is\s+it|is\s+the\s+run)(?:\s+(?:now|at))?|what(?:'s|\s+is)\s+(?:happening|going\s+on|it\s+doing|"
        r"the\s+(?:status|state|progress))(?:\s+(?:now|of\s+(?:the\s+)?run))?|how\s+(?:is\s+it|are\s+we|does\s+it)\s+(?:going|doing|go)|what\s+are\s+you\s+"
        r"(?:doing|waiting\s+for)(?:\s+now)?|how\s+far\s+.{0,40}|is\s+it\s+(?:done|ready|finished|over)(?:\s+yet)?|are\s+we\s+there\s+yet",
    ),
    (
        "failed most",
        r"what\s+(?:failed|fails|went\s+wrong)(?:\s+(?:the\s+)?(?:most|worst))?(?:\s+often)?|(?:which|what)\s+criteri(?:on|a)\s+(?:failed|fails?|(?:is|was|are|were)\s+(?:the\s+)?(?:worst|weakest))"
        r"(?:\s+(?:the\s+)?most)?(?:\s+often)?|where\s+does\s+(?:it|the\s+model)\s+fail|(?:the\s+)?(?:failures?|weaknesses|main\s+problems?)|most\s+(?:common|frequent)\s+failures?|"
        r"why\s+(?:did|does)\s+(?:it|the\s+model)\s+fail|what\s+(?:is|are)\s+(?:it|the\s+model|its)\s+(?:bad\s+at|weaknesses)|what\s+(?:is|are)\s+(?:the\s+)?(?:main\s+)?(?:failures?|problems?|weaknesses)",
    ),
    (
        "weakest topic",
        r"(?:which|what)\s+(?:topics?|styles?|areas?|groups?|subjects?)\s+(?:is|are|was|were|does|did|fails?|failed|do|has|have)\b.{0,60}|"
        r"(?:the\s+)?(?:weakest|worst|hardest)\s+(?:topics?|styles?|areas?)|where\s+is\s+(?:it|the\s+model)\s+(?:the\s+)?weakest|"
        r"(?:pass\s+rates?\s+)?by\s+topic",
    ),
    (
        "pass rate",
        r"(?:what(?:'s|\s+is|\s+was)\s+)?(?:the\s+|its\s+)?pass[\s-]*rate(?:\s+.{0,60})?|how\s+many\s+(?:answers\s+)?(?:passed|pass|failed|were\s+good)(?:\s.{0,40})?|"
        r"(?:what(?:'s|\s+is)\s+the\s+)?score",
    ),
    (
        "result",
        r"(?:what(?:'s|\s+is|\s+was|\s+are|\s+were)\s+)?(?:the\s+)?(?:results?|decision|verdict|outcome|conclusion)(?:\s.{0,40})?|what\s+(?:did\s+(?:it|you)|was)\s+(?:decided?|found?)|"
        r"should\s+(?:i|we)\s+(?:fine-?\s?tune|deploy)(?:\s.{0,40})?|(?:is|was)\s+(?:it|this|that|the\s+(?:model|result))\s+good\s+enough|(?:can|could)\s+(?:i|we)\s+deploy(?:\s.{0,40})?",
    ),
    (
        "table",
        r"(?:show|see|give|list|open|print)?\s*(?:me\s+)?(?:the\s+|a\s+)?(?:comparison\s+)?(?:table|candidates|list|ranking|top(?:\s+\w+)?)|(?:which|what|who)\s+(?:candidates?|models?)\s+"
        r"(?:are|is|do|did|have|were)\s+(?:there|you|we|in|found|left|the\s+candidates).{0,60}",
    ),
    (
        "proposal",
        r"(?:what(?:'s|\s+is)\s+)?(?:the\s+|your\s+)?(?:proposal|recommendation|suggestion)|(?:what|which|whom?)\s+(?:do|would)\s+you\s+(?:propose|recommend|suggest|take|choose|pick|use|prefer)(?:\s.{0,60})?|"
        r"(?:which|what)\s+(?:one|model|of\s+(?:them|these|those))\s+(?:do|would|should)\s+(?:you|i|we)\s+.{0,60}|(?:what|which)\s+should\s+(?:i|we)\s+(?:take|use|choose|pick|approve)(?:\s.{0,60})?|"
        r"(?:which|what|who)(?:\s+(?:one|models?|candidates?|of\s+(?:them|these|those)))?(?:\s+(?:is|are|was|would\s+be)|'s)\s+(?:the\s+|your\s+)?(?:best|top|favou?rite|winner|strongest|recommended|proposed)(?:\s.{0,60})?|"
        r"(?:(?:show|give|tell)\s+me\s+)?(?:the\s+)?best(?:\s+(?:one|model|candidate))?|who\s+(?:wins|won)|who\s+is\s+(?:the\s+)?(?:primary|backup)",
    ),
    (
        "rejected",
        r"(?:show|list)?\s*(?:me\s+)?(?:the\s+)?rejected(?:\s+(?:ones|models|candidates))?|(?:who|what|which(?:\s+(?:models|candidates|ones))?)\s+(?:was|were|did\s+you|got|has\s+been|have\s+been)\s+"
        r"(?:rejected?|excluded?|left\s+out|dropped)(?:\s.{0,40})?",
    ),
    (
        "blocked",
        r"(?:what|which|who|how\s+many|was|were).{0,40}\b(?:blocked|degraded)(?:\s.{0,40})?|blocked(?:\s+(?:queries|requests|pages))?",
    ),
    (
        "coverage",
        r"(?:what(?:'s|\s+is)\s+)?(?:the\s+)?coverage(?:\s.{0,40})?|how\s+(?:complete|thorough|exhaustive)\s+.{0,40}|did\s+you\s+(?:miss|overlook)\s+.{0,40}|"
        r"how\s+many\s+(?:models|candidates|pages|queries|searches|sources)\b.{0,60}|what\s+(?:did\s+you|have\s+you)\s+(?:read|searched|search|found)(?:\s.{0,40})?",
    ),
    (
        "judge",
        r"(?:who|(?:which|what)\s+model)\s+(?:judge[sd]|is\s+judging)(?:\s+(?:it|them|the\s+answers))?|(?:who|which|what)(?:\s+model)?\s+(?:is|was)\s+(?:the\s+)?judge|the\s+judge",
    ),
    (
        "report",
        r"(?:show|open|give|where\s+is|where's|see|read|download)?\s*(?:me\s+)?(?:the\s+)?(?:final\s+)?(?:report|document)(?:\s+please)?",
    ),
    (
        "stars",
        r"(?:what\s+(?:do|does|are)|how\s+(?:are|do|were))\s+(?:the\s+|these\s+|those\s+)?(?:\d(?:\.\d)?\s+(?:of\s+5\s+)?)?stars?\b(?:\s.{0,60})?|explain\s+(?:the\s+)?(?:stars|ratings?)|"
        r"(?:what|how)\s+.{0,30}\bratings?\s+(?:means?|work|comes?\s+about|(?:is|are)\s+(?:computed|made))(?:\s.{0,40})?",
    ),
    (
        "costs",
        r"(?:how\s+much|what)\s+(?:does|do|will|would|did|is|are)\s+.{0,40}\b(?:cost|costs|price|pricing|fees?)(?:\s.{0,40})?|(?:the\s+)?(?:costs?|price|pricing)(?:\s+of\s+(?:it|this|that))?|"
        r"(?:is|are)\s+(?:it|this|that|they|these)\s+(?:for\s+)?free(?:\s+of\s+charge)?|(?:do|must)\s+(?:i|we)\s+(?:have\s+to\s+)?pay(?:\s.{0,40})?",
    ),
    (
        "safety",
        r"(?:is|are|was|were|how|would|does|do|did|can|could|will|what)\b.{0,80}\b(?:safe(?:ty|ly|r)?|unsafe|dangerous|harm(?:ful)?|risk(?:s|y)?|suicid\w*|self-?harm|cris[ei]s)\b.{0,80}|"
        r"(?:the\s+)?(?:safety|gates?)|what\s+(?:is|are)\s+(?:a\s+|the\s+)?gates?(?:\s.{0,40})?|how\s+(?:did|do)\s+the\s+gates?\s+.{0,30}",
    ),
    (
        "delete",
        r"(?:delete|erase|wipe|throw\s+away)\s+(?:it|this|that|everything|(?:the|this|my)\s+(?:run|data|conversation|chat|history))(?:\s.{0,30})?",
    ),
    ("runs", r"(?:show|list)?\s*(?:me\s+)?(?:the\s+|my\s+|all\s+|other\s+|earlier\s+)*runs|history"),
)


_SHOW = tuple((what, re.compile(pattern, re.IGNORECASE)) for what, pattern in _SHOWN)


_ANYWHERE: Final = frozenset(
    {
        "runs",
        "status",
        "how long",
        "failed most",
        "pass rate",
        "result",
        "table",
        "rejected",
        "blocked",
        "report",
    }
)


_EXAMPLE = re.compile(
    r"(?:(?:show|give|see|quote)\s+(?:me\s+)?)?(?:an?\s+|one\s+|some\s+|the\s+)?(?:failed\s+|failing\s+|bad\s+)?(?:examples?|instances?|samples?|answers?)"
    r"(?:\s+(?:(?:of|for|from|about|where|that|with)\s+)?(?P<of>.{1,100}))?",
    re.IGNORECASE,
)


_CRITERION = re.compile(
    r"(?:what\s+(?:does|is|was)|explain|tell\s+me\s+about|what's|what\s+about)\s+(?:the\s+)?(?:criterion\s+|gate\s+)?(?P<of>[a-z]{1,4}\d{1,3})(?:\s+(?:ask|mean|check|about|for|say|test|measure)s?)*",
    re.IGNORECASE,
)


_HOW_GOOD = re.compile(
    rf"how\s+(?:good|well|bad)\s+(?:is|was|are|did|does|do)\s+{NAME}(?:\s+(?:do|doing|perform))?|how\s+(?:does|did|do)\s+(?P<name2>\S.{{0,119}}?)\s+(?:do|perform|compare)|"
    r"(?:is|are|was)\s+(?P<name3>\S.{0,119}?)\s+(?:any\s+)?(?:good|useful)(?:\s+(?:for|at)\s.{0,60})?",
    re.IGNORECASE,
)


def shows(said: Plain, situation: Situation) -> Intent | None:
    for what, pattern in _SHOW:
        if pattern.fullmatch(said.bare) and (situation.has_run or what in _ANYWHERE):
            return Show(what)  # type: ignore[arg-type]
    asked = _CRITERION.fullmatch(said.bare) if situation.has_run else None
    if asked:
        return Show("criterion", asked["of"].upper())
    good = _HOW_GOOD.fullmatch(said.bare) if situation.has_run else None
    if good:
        return HowGood(good["name"] or good["name2"] or good["name3"])
    found = _EXAMPLE.fullmatch(said.bare)
    if found and situation.has_run:
        return Show("example", (found["of"] or "").strip())
    return None


_COMPARE = re.compile(
    r"(?:compare|contrast)\s+(?P<a>\S.{0,119}?)\s+(?:and|with|to|against|versus|vs\.?|or)\s+(?P<b>\S.{0,119})|(?:what(?:'s|\s+is)\s+the\s+)?differences?\s+between\s+(?P<a2>\S.{0,119}?)\s+and\s+(?P<b2>\S.{0,119})|"
    r"(?P<a3>\S.{0,119}?)\s+(?:vs\.?|versus)\s+(?P<b3>\S.{0,119})|(?:is|which\s+is\s+better,?)\s+(?P<a4>\S.{0,119}?)\s+(?:or|better\s+than)\s+(?P<b4>\S.{0,119})",
    re.IGNORECASE,
)


def compares(said: Plain, situation: Situation) -> Intent | None:
    found = _COMPARE.fullmatch(said.bare) if situation.has_run else None
    if found is None:
        return None
    named = [value for value in found.groups() if value]
    return Compare(tuple(name for value in named for name in names(value)))


_ABOUT = re.compile(
    r"(?:what|how)\s+about\s+(?P<a>\S.{0,160})|(?:tell\s+me\s+(?:more\s+)?about|show\s+(?:me\s+)?|what\s+do\s+(?:you|we)\s+know\s+(?:about|of)|what(?:'s|\s+is|\s+are|\s+does)|how\s+(?:large|big|old|much\s+memory|long)\s+(?:is|does)?|"
    r"when\s+was|which|who\s+made|evidence\s+(?:for|of|on|about)|sources?\s+(?:for|of|on|about)|details\s+(?:of|on|about)|explain|open)\s+(?P<b>\S.{0,160})",
    re.IGNORECASE,
)


_IT = re.compile(r"\b(?:it|this|that)(?:\s+(?:one|model))?$", re.IGNORECASE)


_OF_ALL = re.compile(
    r"(?:which|how\s+many|only|who|what(?:'s|\s+is|\s+does|\s+are)?\s+an?|what\s+do|(?:are|is)\s+there)\b",
    re.IGNORECASE,
)


_POINTS_BACK = re.compile(
    r"\b(?:its|it)\b|\b(?:does|do|did|has|is|was|can|could|of|for|about|on)\s+(?:this|that)\b|\b(?:this|that)\s+(?:one|model)\b",
    re.IGNORECASE,
)
"""Only these speak of the candidate last spoken of, in a question that could be about all of them."""


_CAN_I = re.compile(
    rf"(?:can|may|could)\s+(?:i|we)\s+use\s+{NAME}\s+(?:commercially|in\s+(?:a|our)\s+product|for\s+commercial.{{0,30}})|(?:is|are)\s+(?P<name2>\S.{{0,119}}?)\s+(?:(?:ok(?:ay)?|fine|allowed|good|usable|free)\s+)?(?:(?:to\s+use|for)\s+)?(?:an?\s+|our\s+)?(?:commercial(?:ly)?(?:\s+(?:usable|use|products?|purposes?))?|open\s+source|free)",
    re.IGNORECASE,
)


def named_alone(said: Plain, situation: Situation) -> Intent | None:
    """A model's name and nothing else; the name of a size, or one with a domain, may be another request."""
    known = is_known(said.bare) if situation.has_run and situation.asks != "request" else False
    return About(said.bare) if known else None


def about(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    if (found := _CAN_I.fullmatch(said.bare)) is not None:
        return About(found["name"] or found["name2"], (Column.LICENCE,))
    found = _ABOUT.fullmatch(said.bare)
    phrase = said.bare if found is None else (found["a"] or found["b"])
    columns, name = factor_words(said.bare if found is not None else phrase, phrase)
    if found is None and not columns:
        return None
    if not names_somebody(name) and _OF_ALL.match(said.bare) and _POINTS_BACK.search(said.bare) is None:
        return None
    if not name:
        points = found is not None and _IT.search(phrase)
        return About("", columns) if columns or points else None
    return About(name, columns)
