"""Rules for wishes that need more than one look: several at once, conditions, amounts, places in a list."""

# ruff: noqa: E501 (a pattern is read more easily in one piece)

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from agent.conversation.hearing_answers import NAME, only
from agent.conversation.intents import (
    About,
    Compare,
    Conditional,
    Extreme,
    FitsMemory,
    GoodEnough,
    Intent,
    Licences,
    Look,
    Musing,
    OfMaker,
    Only,
    OtherRun,
    Pause,
    Several,
    Show,
    Situation,
    Smaller,
    StartOver,
)
from agent.conversation.words import Plain, is_negated
from tools.table import Column

_COMMAND: Final = (
    r"(?:approve|accept|take|choose|pick|cancel|stop|abort|end|swap|leave\s+out|exclude|drop|remove|add|include|"
    r"reject|show|compare|only|nothing\s+(?:above|over|below|under)|(?:not|no|none\s+of)\s+(?:the\s+|any\s+)?[\w.-]+(?:\s+[\w.-]+)?\s+(?:ones|models?)|search|start\s+(?:over|again|a\s+new)|restart|evaluate|run\s+(?:the|it)|resume|go\s+on)\b"
)
_QUESTION: Final = r"(?:why|what|which|how|who|is|are|does|do|can)\b"
_BETWEEN: Final = re.compile(
    rf"\s*[,;.?]\s*(?:and\s+|but\s+)?(?:then\s+|also\s+|first\s+)*(?={_COMMAND}|{_QUESTION})|\s+(?:and|but|then)\s+(?:then\s+|also\s+|first\s+)*(?={_COMMAND}|{_QUESTION})",
    re.IGNORECASE,
)
_FIRST: Final = re.compile(
    rf"(?:approve|accept|take|choose|pick|cancel|stop|abort|swap|leave\s+out|exclude|drop|remove|add|include|show|compare|only|nothing\s+(?:above|over|below|under)|go\s+with|{_QUESTION})",
    re.IGNORECASE,
)
_A_BACKUP: Final = re.compile(r"(?:use|take|choose|pick|add)\s+.+\bback-?\s?up\b", re.IGNORECASE)


def several(said: Plain, situation: Situation) -> Intent | None:
    """More than one wish in a message: only limits of the table are taken together."""
    text = said.bare
    if not situation.has_run or situation.asks == "request" or _FIRST.match(text) is None:
        return None
    parts = [part.strip() for part in _BETWEEN.split(text[:1000]) if part.strip()]
    if len(parts) < 2 or any(_A_BACKUP.match(part) for part in parts[1:]):
        return None
    limits = [only(said._replace(bare=part), situation) for part in parts]
    together = Only()
    for limit in limits:
        if not isinstance(limit, Only):
            return Several(tuple(parts[:4]))
        given = {name: value for name, value in vars(limit).items() if value not in {None, False}}
        if any(getattr(together, name) not in {None, False} for name in given):
            return Several(tuple(parts[:4]))
        together = replace(together, **given)
    return Several(tuple(parts[:4])) if said.asks and not said.polite_question else together


_IF: Final = re.compile(
    r"(?P<command>(?:approve|accept|take|choose|pick|add|leave\s+out|exclude|drop|remove|cancel|stop|go\s+with|run|swap)\b.{0,200}?)[\s,;]+(?:but\s+)?"
    r"(?:(?:only\s+)?(?:if|unless|until|once|when|as\s+long\s+as|provided(?:\s+that)?)|but\s+only)\s+(?P<condition>.{1,200})",
    re.IGNORECASE,
)


def conditional(said: Plain, situation: Situation) -> Intent | None:
    """ "Approve it if …": nobody waits for a condition here."""
    found = None if said.asks or not situation.has_run else _IF.fullmatch(said.bare)
    return None if found is None else Conditional(found["command"].strip(" ,;"), found["condition"])


_GIGABYTES: Final = r"(?P<n>\d{1,4}(?:[.,]\d)?)\s*(?:gi?b|gigabytes?|gigs?|g)\b(?:\s+(?:of\s+)?(?:v?ram|memory|gpu|card|machine|mac(?:book)?|laptop))?"
_MACHINE: Final = rf"(?:a\s+|an\s+|my\s+|our\s+|one\s+)?(?:{_GIGABYTES}|(?:laptop|mac(?:book)?|pc|cpu|gpu|phone|raspberry\s+pi|machine|computer)(?:\s+with\s+{_GIGABYTES.replace('?P<n>', '?P<n2>')})?)"
_RUNS_ON: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:can|could|may|do|will)\s+(?:i|we)\s+(?:run|use|host|load)\s+{NAME}\s+(?:on|with|in)\s+{_MACHINE}",
        rf"(?:does|do|will|would|can|could)\s+{NAME}\s+(?:run|fit|work|go)s?\s+(?:on|in|into|with|within)\s+{_MACHINE}",
        rf"(?:(?:is|are)\s+)?{_GIGABYTES}\s+enough(?:\s+for\s+{NAME})?",
        rf"what\s+(?:runs|fits|works)\s+(?:on|in|into|with)\s+{_MACHINE}",
    )
)


def fits(said: Plain, situation: Situation) -> Intent | None:
    """Whether a candidate runs in so much memory."""
    if not situation.has_run:
        return None
    for pattern in _RUNS_ON:
        found = pattern.fullmatch(said.bare)
        if found is None:
            continue
        named = found.groupdict()
        amount = named.get("n") or named.get("n2")
        gigabytes = None if amount is None else float(amount.replace(",", "."))
        everybody = "name" not in pattern.groupindex
        return FitsMemory(None if everybody else named.get("name") or "it", gigabytes)
    return None


_EXTREMES: Final[tuple[tuple[str, Column, bool], ...]] = (
    (r"smallest|lightest|tiniest", Column.PARAMS, False),
    (r"largest|biggest|heaviest", Column.PARAMS, True),
    (r"newest|latest|youngest|most\s+recent(?:ly\s+released)?", Column.RELEASE, True),
    (r"oldest", Column.RELEASE, False),
    (r"(?:longest|largest|biggest|most)\s+context(?:\s+(?:window|length))?", Column.CONTEXT, True),
    (r"(?:shortest|smallest)\s+context(?:\s+(?:window|length))?", Column.CONTEXT, False),
    (r"(?:least|smallest|lowest)\s+(?:amount\s+of\s+)?(?:memory|v?ram)", Column.MEMORY, False),
    (r"(?:most|largest|highest)\s+(?:amount\s+of\s+)?(?:memory|v?ram)", Column.MEMORY, True),
    (r"smallest\s+(?:download|file)|least\s+disk(?:\s+space)?", Column.QUANTIZATION, False),
    (r"most\s+(?:downloads|downloaded|popular)|most\s+used", Column.COMMUNITY, True),
    (
        r"most\s+(?:stars|evidence)|highest\s+(?:stars|rating)|best\s+(?:rat(?:ed|ing)|benchmarks?|evidence|scores?|fit)",
        Column.FIT,
        True,
    ),
)
_EXTREME: Final = tuple(
    (
        re.compile(
            rf"(?:(?:which|what)(?:\s+(?:one|ones|model|models|candidate|of\s+(?:them|these|those)))?(?:\s+(?:is|are|was|has|have|needs?|takes?|uses?|with)|'s)|(?:show\s+(?:me\s+)?|give\s+me\s+)?)\s*(?:the\s+)?(?:{words})(?:\s+(?:one|model|candidate))?",
            re.IGNORECASE,
        ),
        column,
        most,
    )
    for words, column, most in _EXTREMES
)


def extremes(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    return next(
        (Extreme(column, most) for pattern, column, most in _EXTREME if pattern.fullmatch(said.bare)), None
    )


_LOOK: Final = re.compile(
    r"(?:(?:show|list|give|display|see)\s+(?:me\s+)?(?:(?:only|just|all|the|of)\s+)*|"
    r"(?:which|what|who|how\s+many)(?:\s+(?:of\s+(?:them|these|those|the\s+models)|ones?|models?|candidates?))?\s+(?:is|are|has|have|(?=allow|permit))\s*|"
    r"(?:are|is)\s+there\s+(?:any(?:thing)?\s+|some(?:thing)?\s+|an?\s+)?)(?P<rest>\S.{0,120})",
    re.IGNORECASE,
)
_WITH_EVIDENCE: Final = re.compile(
    r"(?:(?:only|just)\s+)?(?:(?:the\s+)?(?:models?|ones?|candidates?|those)\s+)?(?:(?:with|that\s+have|having)\s+)?(?:any\s+|some\s+|domain\s+)*(?:evidence|stars|benchmarks?)",
    re.IGNORECASE,
)
_LICENCES: Final = re.compile(
    r"(?:which|what|how\s+many|list\s+(?:all\s+)?(?:the\s+)?|show\s+(?:me\s+)?(?:all\s+)?(?:the\s+)?)\s*(?:different\s+|other\s+)?licen[cs]es(?:\s+(?:(?:are|is)\s+(?:there|allowed|found|in)|do\s+(?:they|the\s+\w+|we)\s+have|did\s+you\s+find)(?:\s.{1,40})?)?",
    re.IGNORECASE,
)


def looks(said: Plain, situation: Situation) -> Intent | None:
    """Who keeps to a limit, where somebody asks or wants to see it: nothing is left out for that."""
    if not situation.has_run or situation.asks == "request":
        return None
    text = said.bare
    if _LICENCES.fullmatch(text):
        return Licences()
    found = _LOOK.fullmatch(text)
    rest = text if found is None else found["rest"]
    if (found or text.casefold().startswith(("only", "just"))) and _WITH_EVIDENCE.fullmatch(rest):
        return Look(Only(), evidence=True)
    limit = None if found is None else only(said._replace(bare=f"only {rest}"), situation)
    if not isinstance(limit, Only) or (limit.name is not None and " only " not in f" {text} ".casefold()):
        return None
    line = re.match(r"gemma|llama", limit.licence or "", re.IGNORECASE) and "licen" not in text.casefold()
    return None if line else Look(limit)


_GO: Final = r"(?:open|load|show|see|(?:(?:go|switch|return|change|take\s+me)\s+)?(?:back\s+)?to|back\s+to)"
_OTHER_RUN: Final = re.compile(
    rf"(?:(?:{_GO}\s+)?(?:(?:the\s+|my\s+)?run\s+)?(?P<id>\d{{8}}-\w{{3,12}})|{_GO}\s+(?:the\s+|my\s+)?run\s+(?P<other>[\w-]*\d[\w-]{{2,40}})|"
    r"(?:open|load|(?:(?:go|switch|return|change|take\s+me)\s+)?(?:back\s+)?to)\s+(?:the\s+|my\s+)?(?P<words>(?!(?:this|that|the|a|my)\b)\S.{0,60}?)\s+(?:run|evaluation))(?:\s+again)?",
    re.IGNORECASE,
)


def other_runs(said: Plain, _situation: Situation) -> Intent | None:
    found = _OTHER_RUN.fullmatch(said.bare)
    return None if found is None else OtherRun(found["id"] or found["other"] or found["words"])


_FROM: Final = re.compile(
    rf"(?:(?:is\s+there\s+|do\s+you\s+have\s+|have\s+you\s+(?:got\s+)?)?(?:anything|something|any(?:\s+models?)?|models?)|(?:which|what)(?:\s+(?:ones?|models?|candidates?))?\s+(?:is|are|come|comes))\s+(?:made\s+)?(?:from|by)\s+{NAME}",
    re.IGNORECASE,
)
_WITHOUT: Final = re.compile(
    r"(?:leave\s+out|exclude|drop|remove|skip|no|without)\s+(?:everything|anything|all(?:\s+models?)?|models?|the\s+ones)\s+(?:made\s+)?(?:from|by)\s+(?P<a>\S.{0,60}?)|"
    r"(?:not|no|none\s+of|without|leave\s+out|exclude|drop|remove)\s+(?:the\s+|any\s+|all\s+(?:the\s+)?)?(?P<b>[\w.-]+(?:\s+[\w.-]+)?)\s+(?:ones|models?)",
    re.IGNORECASE,
)


_HAVE: Final = re.compile(
    rf"(?:do|did|have)\s+you\s+(?:have|got|find|found|see|seen|consider(?:ed)?|look(?:ed)?\s+at|know)\s+{NAME}|(?:is|are)\s+(?P<b>\S.{{0,119}}?)\s+(?:(?:in|on)\s+(?:the\s+)?(?:list|table)|there)(?:\s+too)?",
    re.IGNORECASE,
)


def makers(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run or situation.asks == "request":
        return None
    if (found := _HAVE.fullmatch(said.bare)) is not None and _FROM.fullmatch(said.bare) is None:
        return About(found["name"] or found["b"])
    if (found := _FROM.fullmatch(said.bare)) is not None:
        return OfMaker(found["name"])
    found = None if said.asks and not said.polite_question else _WITHOUT.fullmatch(said.bare)
    return None if found is None else OfMaker(found["a"] or found["b"], leave_out=True)


_TOP: Final = re.compile(
    r"(?:(?:show|list|give|tell)\s+(?:me\s+)?)?(?:the\s+)?(?:top|best|first)\s+(?P<n>\d{1,2}|two|three|four|five|ten)(?:\s+(?:ones|models|candidates|rows))?",
    re.IGNORECASE,
)
_COMPARE_TOP: Final = re.compile(
    r"(?:compare|contrast)\s+(?:the\s+)?(?:top|best|first)\s+(?P<n>\d|two|three|four)(?:\s+(?:ones|models|candidates))?|compare\s+(?:them|both|these(?:\s+two)?|the\s+two)",
    re.IGNORECASE,
)
_NUMBERS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}


def tops(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    if (found := _COMPARE_TOP.fullmatch(said.bare)) is not None:
        if found["n"] is None:
            return Compare(("the primary", "the backup"))
        many = min(4, _NUMBERS.get(found["n"].casefold()) or int(found["n"]))
        return Compare(tuple(f"number {place}" for place in range(1, many + 1))) if many > 1 else None
    found = _TOP.fullmatch(said.bare)
    return None if found is None else Show("table", str(_NUMBERS.get(found["n"].casefold(), found["n"])))


_GOOD: Final = re.compile(
    r"(?:is|are|was|would)\s+(?:(?:a\s+)?(?:pass\s+rate\s+of\s+)?)?(?P<n>\d{1,3}(?:[.,]\d{1,2})?)\s*(?:%|percent|per\s+cent)\s+(?:be\s+)?(?:(?:any\s+)?good|enough|bad|ok(?:ay)?|high|low|sufficient|much|a\s+lot)(?:\s+enough)?(?:\s.{0,40})?|"
    r"what\s+(?:pass\s+rate\s+)?(?:is|would\s+be|counts\s+as)\s+(?:a\s+)?(?:good|enough|needed|required)(?:\s+(?:pass\s+rate|enough))?|how\s+(?:high|good)\s+(?:must|should|does)\s+.{0,30}\s+be",
    re.IGNORECASE,
)
_WHY_CRITERION: Final = re.compile(
    r"(?:why|where|when|how)\s+(?:(?:did|does|do|has|have|is|was)\s+.{0,60}?\s*(?:fail(?:ed|ing)?|miss(?:ed)?|bad|weak)(?:\s+(?:on|at|in|with))?|(?:fail(?:ed|s)?))\s+(?:the\s+)?(?:criterion\s+|gate\s+)?(?P<of>[a-z]{1,4}\d{1,3})",
    re.IGNORECASE,
)
_WHY_FAILS: Final = re.compile(
    r"why\s+(?:did|does|do)\s+(?:it|the\s+(?:model|primary))\s+fail(?:\s+(?:so|that|this)\s+(?:often|much|many.{0,20}))?|why\s+(?:so\s+many\s+failures|is\s+(?:it|the\s+pass\s+rate)\s+so\s+(?:bad|low))",
    re.IGNORECASE,
)
_PASSED: Final = re.compile(
    r"(?:did|has|does)\s+(?:it|the\s+model)\s+pass(?:ed)?(?:\s+the\s+test)?|is\s+it\s+(?:a\s+)?(?:pass|fail(?:ure)?)",
    re.IGNORECASE,
)


def results(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run:
        return None
    text = said.bare
    if (found := _GOOD.fullmatch(text)) is not None:
        return GoodEnough(None if found["n"] is None else float(found["n"].replace(",", ".")))
    if (found := _WHY_CRITERION.fullmatch(text)) is not None:
        return Show("criterion", found["of"].upper())
    if _WHY_FAILS.fullmatch(text):
        return Show("failed most")
    return Show("result") if _PASSED.fullmatch(text) else None


_AGAIN: Final = re.compile(
    r"(?:(?:cancel|stop|forget|drop)\s+(?:it|this|that|everything|all(?:\s+that)?|the\s+run)[\s,;]*(?:and\s+)?(?:then\s+)?)?(?:start|begin|do\s+it|try|run|once)\s+(?:it\s+|this\s+)?(?:over|again|anew|afresh|from\s+scratch|once\s+more|more)"
    r"[\s,]*(?:(?:but|and)\s+)?(?:(?:with|using|for|at|on)\s+)?(?:an?\s+|only\s+|some\s+)?(?P<size>\d{1,3}(?:[.,]\d)?\s*(?:-|–|to)?\s*(?:\d{1,3}(?:[.,]\d)?)?\s*-?\s*b(?:illion)?)(?:\s+(?:models?|ones?|instead|this\s+time))*",
    re.IGNORECASE,
)
_SMALLER: Final = re.compile(
    r"(?:(?:is\s+there\s+|do\s+you\s+have\s+)?(?:something|anything|one)|(?:a\s+)?(?:bit|little|lot)|use|take|try|i\s+(?:need|want))?\s*(?:a\s+|an\s+|the\s+)?(?:bit\s+|little\s+|much\s+|even\s+)?(?P<how>smaller|bigger|larger|lighter)(?:\s+(?:one|ones|model|models|please))*",
    re.IGNORECASE,
)
_PAUSE: Final = re.compile(
    r"(?:pause|halt|hold\s+on|wait|hang\s+on)(?:\s+(?:it|the\s+run|a\s+(?:moment|minute|second)|for\s+now))?",
    re.IGNORECASE,
)
_WHY_NOT_ALONE: Final = re.compile(r"(?:(?:sure|ok(?:ay)?|yes|well|hm+)[\s,]+)?why\s+not", re.IGNORECASE)


def going_on(said: Plain, situation: Situation) -> Intent | None:
    """Starting over with another size, wishes for something smaller, and breaks."""
    text = said.bare
    if not said.asks and not is_negated(text) and (found := _AGAIN.fullmatch(text)) is not None:
        return StartOver(" ".join(found["size"].split()).upper())
    if situation.has_run and _WHY_NOT_ALONE.fullmatch(said.whole):
        return Musing()
    if situation.has_run and situation.asks != "request" and _SMALLER.fullmatch(text):
        return Smaller()
    return Pause() if situation.has_run and _PAUSE.fullmatch(said.whole) else None
