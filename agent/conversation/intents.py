"""What a message asks for, by rules: pure, for any text, and in time that grows with its length only.

A sentence is taken for a command only where it begins with one, once politeness is taken off, and where
nothing in it negates it: "don't approve" and "not enough" approve nothing. What is not understood is said to
be so.
"""

# ruff: noqa: E501 (a pattern is read more easily in one piece)

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from agent.conversation.german import in_english, looks_german
from agent.conversation.words import (
    NOTHING_BUT_NO,
    NOTHING_BUT_YES,
    Plain,
    answers_in,
    factor_words,
    insists,
    is_negated,
    plainly,
    start_of,
)
from tools.table import Column

Asked = Literal["request", "approval", "scenarios", "judge", "labels", "review"]


@dataclass(frozen=True)
class Situation:
    """What the conversation is at: the same words mean another thing elsewhere."""

    asks: Asked | None = None
    """Kind of the question that the run waits with."""
    fields: tuple[str, ...] = ()
    """What a question about the request asks for; empty when it asks whether to run at all."""
    offered: bool = False
    """Whether an action waits for a yes."""
    has_run: bool = False


@dataclass(frozen=True)
class Intent:
    """What somebody wants."""


@dataclass(frozen=True)
class Yes(Intent):
    pass


@dataclass(frozen=True)
class No(Intent):
    pass


@dataclass(frozen=True)
class Held(Intent):
    """Something is *not* to be done."""

    verb: str


@dataclass(frozen=True)
class Help(Intent):
    pass


@dataclass(frozen=True)
class Pleasantry(Intent):
    thanks: bool


@dataclass(frozen=True)
class Start(Intent):
    text: str
    model: str | None = None
    domain: str | None = None
    judge: str | None = None


@dataclass(frozen=True)
class StartModelOrSize(Intent):
    """A model's name that is also a size: "evaluate gemma 3 12b for coding"."""

    words: str
    tag: str
    domain: str


@dataclass(frozen=True)
class ModelWithoutDomain(Intent):
    model: str


@dataclass(frozen=True)
class Replay(Intent):
    story: str | None


@dataclass(frozen=True)
class Answers(Intent):
    """Answers to what a request left open."""

    answers: dict[str, str] = field(default_factory=dict)
    insist: bool | None = None


@dataclass(frozen=True)
class Why(Intent):
    """Why a candidate has its stars, or why it was not proposed."""

    name: str
    negative: bool = False


@dataclass(frozen=True)
class WhyProposal(Intent):
    pass


@dataclass(frozen=True)
class About(Intent):
    """Factors of a candidate; no factors are all of them, and no name is the one that is spoken of."""

    name: str
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class HowGood(Intent):
    """How a model does: its pass rate where it was evaluated, its fit by the sources before."""

    name: str


@dataclass(frozen=True)
class Compare(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class Only(Intent):
    """Leave out what does not have this."""

    licence: str | None = None
    commercial: bool = False
    most_billions: float | None = None
    least_billions: float | None = None
    name: str | None = None


@dataclass(frozen=True)
class Add(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class LeaveOut(Intent):
    names: tuple[str, ...]


@dataclass(frozen=True)
class More(Intent):
    note: str


@dataclass(frozen=True)
class Approve(Intent):
    primary: str | None = None
    backup: str | None = None
    no_backup: bool = False
    note: str = ""


@dataclass(frozen=True)
class Swap(Intent):
    pass


@dataclass(frozen=True)
class Reject(Intent):
    reason: str


@dataclass(frozen=True)
class UseJudge(Intent):
    judge: str
    insist: bool = False


@dataclass(frozen=True)
class JudgeMyself(Intent):
    pass


@dataclass(frozen=True)
class Resume(Intent):
    pass


@dataclass(frozen=True)
class Cancel(Intent):
    pass


@dataclass(frozen=True)
class RunBackup(Intent):
    pass


@dataclass(frozen=True)
class TryPrompt(Intent):
    pass


@dataclass(frozen=True)
class Further(Intent):
    count: int | None


@dataclass(frozen=True)
class Notes(Intent):
    text: str


@dataclass(frozen=True)
class Enough(Intent):
    pass


@dataclass(frozen=True)
class Agree(Intent):
    yes: bool


@dataclass(frozen=True)
class Show(Intent):
    """Something to be told from the rows."""

    what: Literal[
        "status",
        "how long",
        "table",
        "proposal",
        "rejected",
        "blocked",
        "coverage",
        "result",
        "pass rate",
        "failed most",
        "weakest topic",
        "example",
        "judge",
        "report",
        "runs",
        "safety",
        "costs",
        "stars",
        "criterion",
        "delete",
    ]
    of: str = ""
    """Of an example what it is to show, of a criterion its name."""


@dataclass(frozen=True)
class Musing(Intent):
    """A sound that asks nothing ("hm"): what waits is told once more."""


@dataclass(frozen=True)
class StartOver(Intent):
    pass


@dataclass(frozen=True)
class Unknown(Intent):
    german: bool = False
    """It seems to be in German, of which only some questions are understood."""


_Rule = Callable[[Plain, Situation], Intent | None]


def understand(text: str, situation: Situation) -> Intent:
    """What ``text`` asks for. Never raises; :class:`Unknown` for everything else."""
    said = plainly(in_english(text) or text)
    if not said.bare:
        return Musing() if _MUSING.fullmatch(said.kept) else Unknown()
    for rule in _RULES:
        found = rule(said, situation)
        if found is not None:
            return found
    return Unknown(german=looks_german(text))


def _yes_no(said: Plain, situation: Situation) -> Intent | None:
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


def _notes(said: Plain, _situation: Situation) -> Intent | None:
    found = _NOTES.fullmatch(said.kept)
    return Notes(found["note"].strip()) if found else None


_HELP = re.compile(
    r"help(?:\s+me)?|\?+|what\s+(?:can|could)\s+(?:i|you)\s+(?:say|ask|do|type)(?:\s+(?:here|now))?|commands?|"
    r"how\s+does\s+(?:this|it)\s+work|what\s+now|what\s+next",
    re.IGNORECASE,
)
_MUSING = re.compile(r"(?:h+m+|u+h+m*|e+r+m*|a+h+|o+h|m+h*m+|well|so|[.…]+)[\s.!…]*", re.IGNORECASE)
_START_OVER = re.compile(
    r"(?:(?:ignore|forget)\s+(?:it|that|this|all(?:\s+that)?|everything)[\s,;.]*(?:and\s+)?(?:(?:let's|let\s+us)\s+)?)?"
    r"(?:start|begin)\s+(?:over|again|anew|afresh|from\s+scratch|from\s+the\s+beginning)(?:\s+again)?|(?:ignore|forget)\s+(?:all\s+that|everything)",
    re.IGNORECASE,
)
_HELLO = re.compile(r"(?:hi|hello|hey|good\s+(?:morning|evening|afternoon|day))(?:\s+there)?", re.IGNORECASE)
_THANKS = re.compile(
    r"(?:many\s+)?(?:thanks|thank\s+you|cheers|thx)(?:\s+(?:a\s+lot|very\s+much))?[\s.!]*", re.IGNORECASE
)


def _small_talk(said: Plain, _situation: Situation) -> Intent | None:
    if _HELP.fullmatch(said.whole) or _HELP.fullmatch(said.bare):
        return Help()
    if _MUSING.fullmatch(said.whole):
        return Musing()
    if _START_OVER.fullmatch(said.bare):
        return StartOver()
    if _HELLO.fullmatch(said.whole):
        return Pleasantry(thanks=False)
    return Pleasantry(thanks=True) if _THANKS.fullmatch(said.whole) else None


_NAME = r"(?P<name>\S.{0,119}?)"
_WHY_PROPOSAL = re.compile(
    r"why\s+(?:(?:this|that|the|these|those)(?:\s+(?:one|two|proposal|models?|pair|choice))?"
    r"|(?:do|did)\s+you\s+(?:propose|recommend|choose|suggest)\s+(?:this|that|it|them|these))|why",
    re.IGNORECASE,
)
_WHY_NOT = re.compile(
    rf"(?:(?:but|and)\s+)?(?:why\s+(?:not|isn't|is\s+not|wasn't|was\s+not|aren't|didn't\s+you\s+(?:pick|choose|propose|take|recommend)|"
    rf"don't\s+(?:you|we)\s+(?:take|use|propose|pick)|not\s+(?:take|use|pick|approve))|what's\s+wrong\s+with|what\s+is\s+wrong\s+with|"
    rf"what\s+speaks\s+against|what\s+happened\s+(?:to|with)|where\s+is|where's|why\s+(?:did\s+you\s+|was\s+|were\s+|is\s+|are\s+)?(?:reject|exclude|leave\s+out|drop)(?:ed)?)"
    rf"\s+{_NAME}(?:\s+(?:rejected|excluded|left\s+out|dropped|proposed|chosen|(?:in|on)\s+(?:the\s+)?(?:list|table)|there|listed|first))?",
    re.IGNORECASE,
)
_WHY_REJECTED = re.compile(
    rf"(?:why|how\s+come)\s+(?:was|were|is|are|did|does)\s+{_NAME}\s+(?:not\s+(?:in|proposed|chosen|listed)|rejected|excluded|left\s+out|dropped|missing|out|fail|ranked\s+(?:so\s+)?low)(?:\s.{{0,60}})?",
    re.IGNORECASE,
)
_WHY = re.compile(
    rf"(?:(?:but|and)\s+)?(?:why(?:\s+(?:is|was|are|does|did|do|you\s+(?:propose|chose|picked)|do\s+you\s+propose|did\s+you\s+(?:choose|pick|propose)))?|how\s+come|what\s+speaks\s+for)\s+{_NAME}"
    r"(?:\s+(?:the\s+primary|the\s+backup|primary|backup|proposed|first|the\s+best|on\s+top|have\s+.{0,40}|has\s+.{0,40}|get\s+.{0,40}|got\s+.{0,40}|so\s+\S+))?",
    re.IGNORECASE,
)


def _why(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    if _WHY_PROPOSAL.fullmatch(said.bare):
        return WhyProposal()
    for pattern, negative in ((_WHY_REJECTED, True), (_WHY_NOT, True), (_WHY, False)):
        found = pattern.fullmatch(said.bare)
        if found:
            return Why(found["name"], negative)
    return None


_COMMANDED = re.compile(
    r"\b(?P<verb>approv\w*|accept\w*|reject\w*|cancel\w*|stop\w*|swap\w*|add|leave|exclud\w*|remov\w*|resum\w*|"
    r"start\w*|pull\w*|run|use|take|choose|pick|go|continue|search|agree\w*|enough|sure|ready|yet|good|convinced|judge)\b",
    re.IGNORECASE,
)


def _held(said: Plain, _situation: Situation) -> Intent | None:
    """Commands with a negation before them."""
    if said.asks or not is_negated(said.bare):
        return None
    found = _COMMANDED.search(said.bare)
    if found is None or not is_negated(said.bare[: found.start()]):
        return None
    if _only(said, _situation) or _named_backup(said):
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


def _run_commands(said: Plain, _situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    if _CANCEL.fullmatch(said.bare):
        return Cancel()
    return Resume() if _RESUME.fullmatch(said.bare) else None


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
"""What is answered without a run too: that there is none."""
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
    rf"how\s+(?:good|well|bad)\s+(?:is|was|are|did|does|do)\s+{_NAME}(?:\s+(?:do|doing|perform))?|how\s+(?:does|did|do)\s+(?P<name2>\S.{{0,119}}?)\s+(?:do|perform|compare)|"
    r"(?:is|are|was)\s+(?P<name3>\S.{0,119}?)\s+(?:any\s+)?(?:good|useful)(?:\s+(?:for|at)\s.{0,60})?",
    re.IGNORECASE,
)


def _shows(said: Plain, situation: Situation) -> Intent | None:
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


_APPROVING = re.compile(
    r"(?P<verb>approve|accept|choose|pick|select|take|go\s+(?:with|for))\b\s*(?P<rest>.*)", re.IGNORECASE
)
_NO_BACKUP = re.compile(
    r",?\s*(?:\band\s+|\bbut\s+)?(?:\bwith\s+no|\bwithout(?:\s+(?:a|any|the))?|\bno|\bwith\s+none\s+as)\s+(?:need\s+for\s+(?:a\s+)?)?back-?\s?up(?:\s+(?:model|needed|please))?\b|\s+alone\b",
    re.IGNORECASE,
)
_B = r"(?P<b>\S.{0,119}?)"
_P = r"(?P<p>\S.{0,119}?)"
_AS = r"\s+(?:as|for|to\s+be)\s+(?:the\s+|a\s+|our\s+|my\s+)?"
_BACK = r"(?:back-?\s?up|fallback|second(?:ary)?)(?:\s+model)?"
_ROLES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:the\s+)?primary\s*:?\s+{_P}\s*(?:,|;|\band\b|\bwith\b)?\s+(?:the\s+)?{_BACK}\s*:?\s+{_B}",
        rf"{_P}(?:{_AS}primary(?:\s+model)?)?\s*(?:,|;|\s\band\b|\s\bwith\b)+\s*{_B}{_AS}{_BACK}",
        rf"{_P}(?:{_AS}primary(?:\s+model)?)?\s*(?:,|;|\s\band\b|\s\bwith\b)+\s*(?:a\s+|the\s+)?{_BACK}\s*(?:of\s+|:\s*|being\s+|is\s+)?{_B}",
        rf"{_P}\s*\(?primary\)?\s*(?:,|;|\band\b|\bwith\b)\s*{_B}\s*\(?{_BACK}\)?",
        rf"(?:with\s+)?{_B}{_AS}{_BACK}",
        rf"{_P}{_AS}primary(?:\s+model)?",
        rf"{_P}\s*(?:,|\s\band\b|\s\bwith\b)\s*{_B}",
        _P,
    )
)
_PROPOSED = re.compile(
    r"(?:(?:it|this|that|them|these|those|both|all|the\s+(?:proposal|proposed\s+(?:ones|models|pair|model)|table|pair|primary|two)|this\s+(?:one|proposal|pair)|"
    r"your\s+(?:proposal|recommendation|suggestion)|as\s+(?:proposed|is|it\s+is|they\s+are)|what\s+you\s+propose[d]?|now)\s*)*",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    r"[,;.]?\s+(?:because|since|as\s+it|for\s+the\s+reason\s+that|reason\s*:)\s+(?P<note>.{1,2000})",
    re.IGNORECASE | re.DOTALL,
)
_SWAP = re.compile(
    r"(?:approve\s+(?:and\s+)?)?(?:swap|exchange|switch|reverse)(?:\s+(?:them|it|both|the\s+(?:two|models|roles)|primary\s+and\s+backup|the\s+primary\s+and\s+(?:the\s+)?backup))?|"
    r"(?:the\s+)?other\s+way\s+(?:a)?round|(?:approve|take)\s+(?:them\s+)?(?:swapped|the\s+other\s+way\s+(?:a)?round)",
    re.IGNORECASE,
)
_AS_BACKUP = re.compile(
    rf"(?:use|take|make|have|want|put|keep)\s+{_B}{_AS}{_BACK}|make\s+(?P<b2>\S.{{0,119}}?)\s+(?:the|a)\s+{_BACK}|{_BACK}\s*(?::|is|should\s+be|=)\s*(?P<b3>\S.{{0,119}})|(?P<b4>\S.{{0,119}}?){_AS}{_BACK}",
    re.IGNORECASE,
)
_AS_PRIMARY = re.compile(
    rf"(?:use|take|make|have|want|put)\s+{_P}(?:{_AS}|\s+the\s+)primary(?:\s+model)?|primary\s*(?::|is|should\s+be|=)\s*(?P<p2>\S.{{0,119}})",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|until|once|when|before|after|should\s+(?:i|we)|what\s+happens|later|tomorrow)\b",
    re.IGNORECASE,
)


def _approves(said: Plain, situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    if _SWAP.fullmatch(said.bare):
        return Swap()
    if re.fullmatch(
        r"(?:(?:with\s+)?no|without(?:\s+a)?)\s+back-?\s?up(?:\s+(?:please|needed))?",
        said.bare,
        re.IGNORECASE,
    ):
        return Approve(no_backup=True) if situation.asks == "approval" else None
    command, _, note = _split(said.bare, _BECAUSE)
    stripped = _NO_BACKUP.sub("", command)
    no_backup = stripped != command
    if is_negated(stripped) or _CONDITION.search(stripped):
        return None
    found = _APPROVING.fullmatch(stripped.strip())
    if found is None:
        return _single_role(stripped, note, no_backup)
    rest = found["rest"].strip(" ,;:")
    if _PROPOSED.fullmatch(rest):
        bare_choice = not rest and found["verb"].casefold() not in {"approve", "accept"}
        return None if bare_choice and not no_backup else Approve(no_backup=no_backup, note=note)
    return _pair(rest, no_backup, note)


def _pair(rest: str, no_backup: bool, note: str) -> Approve | None:
    rest = re.sub(r"^(?:it|this|that|the\s+proposal)\s+(?=with\b)", "", rest, flags=re.IGNORECASE)
    if no_backup:
        alone = re.sub(rf"{_AS}primary(?:\s+model)?$", "", rest, flags=re.IGNORECASE)
        return Approve(primary=alone, no_backup=True, note=note)
    for pattern in _ROLES:
        found = pattern.fullmatch(rest)
        if found is not None:
            named: dict[str, str | None] = found.groupdict()
            primary = named.get("p")
            backup = named.get("b")
            if primary and _PROPOSED.fullmatch(primary):
                primary = None
            return Approve(primary=primary, backup=backup, note=note)
    return None


def _named_backup(said: Plain) -> bool:
    return _NO_BACKUP.search(said.bare) is not None and not is_negated(_NO_BACKUP.sub("", said.bare))


def _single_role(text: str, note: str, no_backup: bool) -> Approve | None:
    if (found := _AS_PRIMARY.fullmatch(text)) is not None:
        return Approve(primary=found["p"] or found["p2"], no_backup=no_backup, note=note)
    if (found := _AS_BACKUP.fullmatch(text)) is not None:
        backup = found["b"] or found["b2"] or found["b3"] or found["b4"]
        return Approve(backup=backup, note=note)
    return None


class _Parts(NamedTuple):
    before: str
    found: bool
    note: str


def _split(text: str, pattern: re.Pattern[str]) -> _Parts:
    found = pattern.search(text)
    return (
        _Parts(text, False, "")
        if found is None
        else _Parts(text[: found.start()], True, found["note"].strip())
    )


_REJECT = re.compile(
    r"(?:reject|decline|refuse)(?:\s+(?:it|this|that|them|all|both|everything|the\s+(?:table|proposal|lot|run)|all\s+of\s+them))?"
    r"(?:\s*[:,;–-]?\s*(?:because(?:\s+of)?|since|as|reason\s*:|:)\s*(?P<note>.{1,2000}))?|none\s+of\s+(?:them|these|those)(?:\s+(?:will\s+do|is\s+good|fits?))?",
    re.IGNORECASE | re.DOTALL,
)


def _rejects(said: Plain, _situation: Situation) -> Intent | None:
    found = None if said.asks else _REJECT.fullmatch(said.bare)
    return None if found is None else Reject((found["note"] or "").strip())


_NUMBER = r"(?P<n>\d{1,4}(?:[.,]\d{1,2})?)\s*-?\s*(?:b|bn|billions?)\b(?:\s+(?:parameters|params))?(?:\s+(?:models?|only|please))?"
_ONLY_LEAD = r"(?:(?:i\s+(?:want|need)\s+|show\s+(?:me\s+)?|keep\s+|use\s+|we\s+need\s+)?(?:only|just|nothing\s+but|solely|limit\s+(?:it|this)?\s*to|restrict\s+(?:it|this)?\s*to)\s+)"
_ABOVE = r"(?:above|over|larger\s+than|bigger\s+than|more\s+than|beyond|greater\s+than)"
_BELOW = r"(?:below|under|smaller\s+than|less\s+than|fewer\s+than)"
_MOST = re.compile(
    rf"(?:(?:nothing|no\s+models?|none|no\s+one|not|no(?:\s+candidates?)?)\s+{_ABOVE}|{_ONLY_LEAD}(?:models?\s+)?(?:{_BELOW}|up\s+to|at\s+most)|at\s+most|no\s+more\s+than|max(?:imum)?(?:\s+of)?|up\s+to|"
    rf"(?:leave\s+out|exclude|drop|remove|without)\s+(?:everything|all(?:\s+models)?|anything|models?|those)\s+{_ABOVE})\s+{_NUMBER}",
    re.IGNORECASE,
)
_LEAST = re.compile(
    rf"(?:(?:nothing|no\s+models?|none|not|no(?:\s+candidates?)?)\s+{_BELOW}|{_ONLY_LEAD}(?:models?\s+)?(?:{_ABOVE}|at\s+least|from)|at\s+least|no\s+less\s+than|min(?:imum)?(?:\s+of)?|"
    rf"(?:leave\s+out|exclude|drop|remove|without)\s+(?:everything|all(?:\s+models)?|anything|models?|those)\s+{_BELOW})\s+{_NUMBER}",
    re.IGNORECASE,
)
_COMMERCIAL = re.compile(
    rf"(?:{_ONLY_LEAD}(?:models?\s+|ones\s+|licen[cs]es?\s+|those\s+)?(?:(?:that|which|with|for|whose\s+licen[cs]es?)\s+)?(?:allows?\s+|permits?\s+|are\s+|is\s+|a\s+)?commercial(?:ly)?(?:\s+(?:use|usable|licen[cs]es?|licensed|ones?|models?|allowed|use\s+allowed))*"
    r"|(?:no|leave\s+out|exclude|drop|remove)\s+(?:all\s+|the\s+|everything\s+)?non-?\s?commercial(?:\s+(?:ones?|models?|licen[cs]es?|use))*"
    r"|(?:must|should|has\s+to|needs\s+to)\s+(?:be\s+(?:for\s+)?|allow\s+)commercial(?:\s+use)?|commercial(?:\s+(?:use|licen[cs]es?))?\s+only)",
    re.IGNORECASE,
)
_LICENCES = r"(?P<l>apache(?:\s*-?\s*2(?:\.0)?)?|mit|bsd|cc[\s-]?by(?:-nc|-sa)?(?:[\s-]?\d\.\d)?|gemma|llama(?:\s*\d(?:\.\d)?)?(?:\s+community)?|mistral\s+research|open)"
_LICENCE = re.compile(
    rf"(?:{_ONLY_LEAD}(?:(?:models?|ones|those)\s+)?(?:(?:with|under|that\s+(?:are|have)|having)\s+)?(?:an?\s+|the\s+)?{_LICENCES}(?:\s+(?:licen[cs]es?|licen[cs]ed|models?|ones?|terms))*"
    rf"|(?P<l2>apache(?:\s*-?\s*2(?:\.0)?)?|mit)(?:\s+licen[cs]e[sd]?)?\s+only)",
    re.IGNORECASE,
)
_ONLY_NAMED = re.compile(
    rf"(?:only|just|nothing\s+but)\s+(?:the\s+)?{_NAME}(?:\s+(?:models|family|ones))", re.IGNORECASE
)


def _only(said: Plain, _situation: Situation) -> Intent | None:
    text = said.bare
    if (found := _MOST.fullmatch(text)) is not None:
        return Only(most_billions=_billions(found["n"]))
    if (found := _LEAST.fullmatch(text)) is not None:
        return Only(least_billions=_billions(found["n"]))
    if _COMMERCIAL.fullmatch(text):
        return Only(commercial=True)
    if (found := _LICENCE.fullmatch(text)) is not None:
        return Only(licence=" ".join((found["l"] or found["l2"]).split()))
    found = _ONLY_NAMED.fullmatch(text)
    return None if found is None else Only(name=found["name"])


def _only_asked(said: Plain, situation: Situation) -> Intent | None:
    # Before there is a table these words are wishes of a request.
    if not situation.has_run or situation.asks == "request" or (said.asks and not said.polite_question):
        return None
    return _only(said, situation)


def _billions(text: str) -> float:
    return float(text.replace(",", "."))


_ADD = re.compile(
    r"(?:add|include|consider|also\s+(?:consider|include|look\s+at|try)|look\s+at|what\s+about\s+adding|put\s+in)\s+(?:also\s+)?(?P<names>\S.{0,300}?)"
    r"(?:\s+(?:as\s+well|too|also|to\s+(?:the\s+)?(?:table|list|candidates|comparison)|as\s+(?:a\s+)?candidates?|in\s+the\s+(?:table|list)))*",
    re.IGNORECASE,
)
_OUT = re.compile(
    r"(?:leave\s+out|exclude|drop|remove|take\s+out|throw\s+out|kick\s+out|discard|delete|ignore|skip)\s+(?P<names>\S.{0,300}?)(?:\s+(?:from\s+(?:the\s+)?(?:table|list)|please))?|"
    r"(?:leave|take|throw)\s+(?P<names2>\S.{0,300}?)\s+out",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"(?:(?:search|look|research|dig|find|hunt)(?:\s+(?:some|a\s+bit))?\s+(?:more|further|again|deeper)(?:\s+(?:models|candidates|ones|sources|evidence))?|more\s+research|another\s+(?:wave|round)(?:\s+of\s+research)?|"
    r"keep\s+(?:searching|looking|researching)|(?:search|look)\s+(?:also\s+)?for\s+more(?:\s+(?:models|candidates|evidence))?|find\s+(?:more|other|further|additional)(?:\s+(?:models|candidates|ones|sources|evidence))?)"
    r"(?:\s*[:,–-]?\s*(?:(?:for|on|about|into|with|of|in)\s+)?(?P<note>.{1,2000}))?",
    re.IGNORECASE | re.DOTALL,
)


def _edits(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run or (said.asks and not said.polite_question):
        return None
    text = said.bare
    if (found := _MORE.fullmatch(text)) is not None:
        return More((found["note"] or "").strip())
    if (found := _OUT.fullmatch(text)) is not None:
        return LeaveOut(_names(found["names"] or found["names2"]))
    found = _ADD.fullmatch(text)
    return None if found is None else Add(_names(found["names"]))


def _names(text: str) -> tuple[str, ...]:
    parts = re.split(r"\s*[,;]\s*(?:and\s+|or\s+)?|\s+(?:and|or|&)\s+", text)
    return tuple(part.strip() for part in parts if part.strip())[:12]


_SPEC = r"(?P<spec>(?:ollama|openai|llamacpp):\S{1,150})"
_JUDGE_SPEC = re.compile(
    rf"(?:(?:use|take|choose|try|let|have)\s+)?{_SPEC}(?:\s*,?\s*(?:as|for|be|to\s+be)?\s*(?:the\s+|a\s+|my\s+)?judge)?(?P<insist>[\s,]*(?:anyway|all\s+the\s+same|regardless|i\s+insist|nevertheless))?"
    r"|(?:the\s+)?judge\s*(?::|is|should\s+be|=)\s*(?P<spec2>\S{1,150})(?P<insist2>[\s,]*(?:anyway|all\s+the\s+same|regardless|i\s+insist|nevertheless))?"
    r"|(?:use|take|choose|try|let|have)\s+(?P<spec3>\S{1,150})\s+(?:as|for|be|to\s+be)?\s*(?:the\s+|a\s+|my\s+)?judge(?P<insist3>[\s,]*(?:anyway|all\s+the\s+same|regardless|i\s+insist|nevertheless))?",
    re.IGNORECASE,
)
_MYSELF = re.compile(
    r"(?:i(?:'ll|\s+will|'d\s+like\s+to|\s+want\s+to|\s+can)?\s+(?:judge|label|do)(?:\s+(?:it|them|the\s+answers|that))?(?:\s+myself)|i(?:'m|\s+am)\s+the\s+judge|(?:judge|label)\s+(?:it|them)?\s*myself|let\s+me\s+judge(?:\s+.{0,30})?|"
    r"(?:a\s+)?human(?:\s+judges?)?|(?:use\s+)?(?:me|myself)\s+as\s+(?:the\s+)?judge|use\s+(?:a\s+)?human(?:\s+(?:judge|as\s+judge))?)",
    re.IGNORECASE,
)


def _judges(said: Plain, situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    for text in dict.fromkeys((said.whole, said.bare)):
        if _MYSELF.fullmatch(text):
            return JudgeMyself()
    found = _JUDGE_SPEC.fullmatch(said.bare)
    if found is None:
        insists = re.fullmatch(
            r"(?:use\s+(?:it|that|this)\s+|take\s+it\s+)?(?:anyway|all\s+the\s+same|regardless|i\s+insist|nevertheless)",
            said.whole,
            re.IGNORECASE,
        )
        return UseJudge("", insist=True) if insists and situation.asks == "judge" else None
    named = found["spec"] or found["spec2"] or found["spec3"]
    if named.casefold() in {"me", "myself", "human"}:
        return JudgeMyself()
    return UseJudge(named.rstrip(".,;"), bool(found["insist"] or found["insist2"] or found["insist3"]))


_BACKUP_TOO = re.compile(
    r"(?:run|evaluate|test|try|do)\s+(?:also\s+)?(?:the\s+|its\s+)?back-?\s?up(?:\s+(?:model|one))?(?:\s+(?:too|as\s+well|also|next|now))*|(?:and\s+)?(?:now\s+)?the\s+backup(?:\s+(?:too|next|as\s+well))",
    re.IGNORECASE,
)
_BETTER_PROMPT = re.compile(
    r"(?:try|use|test|make)\s+(?:(?:it\s+)?(?:again\s+)?with\s+)?(?:an?\s+|the\s+)?(?:better|improved|other|different|new)\s+(?:system\s+)?prompt|improve\s+the\s+(?:system\s+)?prompt|ask\s+(?:the\s+)?failures\s+again(?:\s.{0,60})?",
    re.IGNORECASE,
)
_FURTHER = re.compile(
    r"(?:run|do|add|use|try|make)\s+(?:(?P<n>\d{1,4})\s+)?(?:more|further|additional|other)\s+(?:(?P<n2>\d{1,4})\s+)?(?:scenarios|answers|questions)|(?:settle\s+it|more\s+scenarios)|(?P<n3>\d{1,4})\s+(?:more|further)(?:\s+scenarios)?",
    re.IGNORECASE,
)
_FINISH_REVIEW = re.compile(
    r"(?:no\s+notes?|without\s+notes|nothing\s+to\s+(?:add|note)|finish(?:\s+(?:it|the\s+review|up))?|(?:i(?:'m|\s+am)\s+)?done(?:\s+(?:reviewing|with\s+the\s+review))?|end\s+the\s+review|write\s+the\s+(?:document|report))",
    re.IGNORECASE,
)
_ENOUGH = re.compile(
    r"(?:(?:that's|that\s+is|these\s+are|those\s+are|i\s+have)\s+)?enough(?:\s+(?:labels?|labelling|verdicts|labeling))?|go\s+on\s+without\s+(?:them|the\s+(?:rest|others|remaining.{0,20}))|(?:i(?:'m|\s+am)\s+)?done\s+(?:labell?ing|with\s+the\s+labels)|no\s+more\s+labels",
    re.IGNORECASE,
)


def _reviews(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run or (said.asks and not said.polite_question):
        return None
    text = said.bare
    if _BACKUP_TOO.fullmatch(text):
        return RunBackup()
    if _BETTER_PROMPT.fullmatch(text):
        return TryPrompt()
    if (found := _FURTHER.fullmatch(text)) is not None:
        number = found["n"] or found["n2"] or found["n3"]
        return Further(None if number is None else int(number))
    if situation.asks == "review" and _FINISH_REVIEW.fullmatch(text):
        return Notes("")
    return Enough() if _ENOUGH.fullmatch(text) else None


_AGREE = re.compile(
    r"(?:use|take|agree\s+(?:to|with)|accept|approve|keep)\s+(?:it|them|these|those|this|the\s+(?:draft|taxonomy|scenarios))|(?:i\s+)?agree(?:d)?|looks?\s+(?:good|fine|right)(?:\s+to\s+me)?|(?:they(?:'re|\s+are)|it(?:'s|\s+is)|that(?:'s|\s+is))\s+(?:good|fine|ok(?:ay)?|right)|approve",
    re.IGNORECASE,
)
_DISAGREE = re.compile(
    r"(?:refuse|reject|decline)(?:\s+(?:it|them|these|those|this|the\s+(?:draft|taxonomy|scenarios)))?|(?:i\s+)?disagree",
    re.IGNORECASE,
)


def _scenarios(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks != "scenarios" or said.asks or is_negated(said.bare):
        return None
    if _AGREE.fullmatch(said.bare) or _AGREE.fullmatch(said.whole):
        return Agree(True)
    return Agree(False) if _DISAGREE.fullmatch(said.bare) else None


_COMPARE = re.compile(
    r"(?:compare|contrast)\s+(?P<a>\S.{0,119}?)\s+(?:and|with|to|against|versus|vs\.?|or)\s+(?P<b>\S.{0,119})|(?:what(?:'s|\s+is)\s+the\s+)?differences?\s+between\s+(?P<a2>\S.{0,119}?)\s+and\s+(?P<b2>\S.{0,119})|"
    r"(?P<a3>\S.{0,119}?)\s+(?:vs\.?|versus)\s+(?P<b3>\S.{0,119})|(?:is|which\s+is\s+better,?)\s+(?P<a4>\S.{0,119}?)\s+(?:or|better\s+than)\s+(?P<b4>\S.{0,119})",
    re.IGNORECASE,
)


def _compares(said: Plain, situation: Situation) -> Intent | None:
    found = _COMPARE.fullmatch(said.bare) if situation.has_run else None
    if found is None:
        return None
    named = [value for value in found.groups() if value]
    return Compare(tuple(name for value in named for name in _names(value)))


_ABOUT = re.compile(
    r"(?:what|how)\s+about\s+(?P<a>\S.{0,160})|(?:tell\s+me\s+(?:more\s+)?about|show\s+(?:me\s+)?|what\s+do\s+(?:you|we)\s+know\s+(?:about|of)|what(?:'s|\s+is|\s+are|\s+does)|how\s+(?:large|big|old|much\s+memory|long)\s+(?:is|does)?|"
    r"when\s+was|which|who\s+made|evidence\s+(?:for|of|on|about)|sources?\s+(?:for|of|on|about)|details\s+(?:of|on|about)|explain|open)\s+(?P<b>\S.{0,160})",
    re.IGNORECASE,
)
_IT = re.compile(r"\b(?:it|this|that)(?:\s+(?:one|model))?$", re.IGNORECASE)
_CAN_I = re.compile(
    rf"(?:can|may|could)\s+(?:i|we)\s+use\s+{_NAME}\s+(?:commercially|in\s+(?:a|our)\s+product|for\s+commercial.{{0,30}})|is\s+(?P<name2>\S.{{0,119}}?)\s+(?:commercial(?:ly)?(?:\s+usable)?|open\s+source|free)",
    re.IGNORECASE,
)


def _about(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    if (found := _CAN_I.fullmatch(said.bare)) is not None:
        return About(found["name"] or found["name2"], (Column.LICENCE,))
    found = _ABOUT.fullmatch(said.bare)
    phrase = said.bare if found is None else (found["a"] or found["b"])
    columns, name = factor_words(said.bare if found is not None else phrase, phrase)
    if not name:
        points = found is not None and _IT.search(phrase)
        return About("", columns) if columns or points else None
    return About(name, columns) if found is not None or columns else None


_REPLAY = re.compile(
    r"(?:replay|play|run|show|start|try|watch)\s+(?:me\s+)?(?:(?:the|a)\s+)?(?:(?:recorded|demo)\s+)?(?:demo(?:nstration)?|story|recording|example\s+run)(?:\s+(?P<story>[a-z0-9][a-z0-9-]{0,60}))?|demo|replay\s+(?:the\s+)?(?P<story2>[a-z0-9][a-z0-9-]{0,60})(?:\s+story)?",
    re.IGNORECASE,
)


def _replays(said: Plain, _situation: Situation) -> Intent | None:
    if said.asks and not said.polite_question:
        return None
    found = _REPLAY.fullmatch(said.bare)
    if found is None:
        return None
    story = (found["story"] or found["story2"] or "").casefold()
    return Replay(story if story and story not in {"demo", "story", "recording"} else None)


def _starts(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks == "request":
        return None
    begun = start_of(said, has_run=situation.has_run)
    if begun is None:
        return None
    if begun.tag is not None and begun.domain is not None:
        return StartModelOrSize(begun.model or "", begun.tag, begun.domain)
    if begun.model is not None and begun.domain is None:
        return ModelWithoutDomain(begun.model)
    return Start(begun.text, begun.model, begun.domain, begun.judge)


def _answers(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks != "request" or said.asks:
        return None
    if not situation.fields:
        told = insists(said.whole)
        return None if told is None else Answers(insist=told)
    found = answers_in(said, situation.fields)
    return Answers(found) if found else None


_RULES: Final[tuple[_Rule, ...]] = (
    _yes_no,
    _notes,
    _small_talk,
    _scenarios,
    _run_commands,
    _only_asked,
    _rejects,
    _reviews,
    _replays,
    _shows,
    _judges,
    _why,
    _held,
    _approves,
    _edits,
    _compares,
    _starts,
    _answers,
    _about,
)
