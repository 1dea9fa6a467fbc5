"""Rules for answers to what a run asks, and for wishes about its table."""

# ruff: noqa: E501 (a pattern is read more easily in one piece)

from __future__ import annotations

import re
from typing import NamedTuple

from agent.conversation.intents import (
    Add,
    Agree,
    Approve,
    Enough,
    Further,
    Intent,
    JudgeMyself,
    LeaveOut,
    More,
    Notes,
    Only,
    Reject,
    RunBackup,
    Situation,
    Swap,
    TryPrompt,
    UseJudge,
)
from agent.conversation.words import Plain, is_negated

NAME = r"(?P<name>\S.{0,119}?)"


"""What is answered without a run too: that there is none."""


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
        rf"{_P}(?:{_AS}primary(?:\s+model)?)?\s*(?:,|;|\s\band\b|\s\bwith\b)+\s*(?:(?:use|take|have|make|keep)\s+)?{_B}{_AS}{_BACK}",
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


_RATHER = re.compile(
    rf"(?:do\s+not|don't)\s+(?:want|like|take|use)\s+\S.{{0,80}}?{_AS}{_BACK}\s*[,;.]\s*(?:but\s+|so\s+|please\s+|rather\s+)*(?:take|use|make\s+it)\s+{_B}(?:\s+instead)?",
    re.IGNORECASE,
)
"""Another backup than the proposed one: what is not wanted stands first, and says no to nothing else."""


def rather(said: Plain, situation: Situation) -> Intent | None:
    found = None if said.asks or situation.asks != "approval" else _RATHER.fullmatch(said.bare)
    return None if found is None or is_negated(found["b"]) else Approve(backup=found["b"])


def approves(said: Plain, situation: Situation) -> Intent | None:
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


def named_backup(said: Plain) -> bool:
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


def rejects(said: Plain, _situation: Situation) -> Intent | None:
    found = None if said.asks else _REJECT.fullmatch(said.bare)
    return None if found is None else Reject((found["note"] or "").strip())


_NUMBER = r"(?P<n>\d{1,4}(?:[.,]\d{1,2})?)\s*-?\s*(?:b|bn|billions?)\b(?:\s+(?:parameters|params))?(?:\s+(?:models?|only|please))?"


_ONLY_LEAD = r"(?:(?:i\s+(?:want|need)\s+|show\s+(?:me\s+)?|keep\s+|use\s+|we\s+need\s+)?(?:only|just|nothing\s+but|solely|limit\s+(?:it|this)?\s*to|restrict\s+(?:it|this)?\s*to)\s+)"


_ABOVE = r"(?:above|over|larger\s+than|bigger\s+than|more\s+than|beyond|greater\s+than)"


_BELOW = r"(?:below|under|smaller\s+than|less\s+than|fewer\s+than)"


_MOST = re.compile(
    rf"(?:(?:nothing|no\s+models?|none|no\s+one|not|no(?:\s+candidates?)?)\s+{_ABOVE}|{_ONLY_LEAD}(?:models?\s+)?(?:{_BELOW}|up\s+to|at\s+most)|(?:something|anything|one|ones|models?)\s+{_BELOW}|at\s+most|no\s+more\s+than|max(?:imum)?(?:\s+of)?|up\s+to|"
    rf"(?:leave\s+out|exclude|drop|remove|without)\s+(?:everything|all(?:\s+models)?|anything|models?|those)\s+{_ABOVE})\s+{_NUMBER}",
    re.IGNORECASE,
)


_LEAST = re.compile(
    rf"(?:(?:nothing|no\s+models?|none|not|no(?:\s+candidates?)?)\s+{_BELOW}|{_ONLY_LEAD}(?:models?\s+)?(?:{_ABOVE}|at\s+least|from)|(?:something|anything|one|ones|models?)\s+{_ABOVE}|at\s+least|no\s+less\s+than|min(?:imum)?(?:\s+of)?|"
    rf"(?:leave\s+out|exclude|drop|remove|without)\s+(?:everything|all(?:\s+models)?|anything|models?|those)\s+{_BELOW})\s+{_NUMBER}",
    re.IGNORECASE,
)


_COMMERCIAL = re.compile(
    rf"(?:{_ONLY_LEAD}(?:models?\s+|ones\s+|licen[cs]es?\s+|those\s+)?(?:(?:that|which|with|for|whose\s+licen[cs]es?)\s+)?(?:allows?\s+|permits?\s+|are\s+|is\s+|a\s+)?commercial(?:ly)?(?:\s+(?:use|usable|licen[cs]es?|licensed|ones?|models?|allowed|use\s+allowed))*"
    r"|(?:no|leave\s+out|exclude|drop|remove)\s+(?:all\s+|the\s+|everything\s+)?non-?\s?commercial(?:\s+(?:ones?|models?|licen[cs]es?|use))*"
    r"|(?:must|should|has\s+to|needs\s+to)\s+(?:be\s+(?:for\s+)?|allow\s+)commercial(?:\s+use)?|commercial(?:\s+(?:use|licen[cs]es?))?\s+only)",
    re.IGNORECASE,
)


_LICENCES = r"(?:apache(?:\s*-?\s*2(?:\.0)?)?|mit|bsd|cc[\s-]?by(?:-nc|-sa)?(?:[\s-]?\d\.\d)?|gemma|llama(?:\s*\d(?:\.\d)?)?(?:\s+community)?|mistral\s+research|open)"


_LICENCE = re.compile(
    rf"(?:{_ONLY_LEAD}(?:(?:models?|ones|those)\s+)?(?:(?:with|under|that\s+(?:are|have)|having)\s+)?(?:an?\s+|the\s+)?(?P<l>{_LICENCES}(?:(?:\s*[,/]\s*|\s+)(?:(?:or|and)\s+)?(?:with\s+)?{_LICENCES}){{0,3}})(?:\s+(?:licen[cs]es?|licen[cs]ed|models?|ones?|terms))*"
    rf"|(?P<l2>apache(?:\s*-?\s*2(?:\.0)?)?|mit)(?:\s+licen[cs]e[sd]?)?\s+only)",
    re.IGNORECASE,
)


_ONLY_NAMED = re.compile(
    rf"(?:only|just|nothing\s+but)\s+(?:the\s+)?(?!.*\b(?:not|no|nothing|but|over|under|above|below|first|then)\b){NAME}(?:\s+(?:models|family|ones))",
    re.IGNORECASE,
)


def only(said: Plain, _situation: Situation) -> Intent | None:
    text = re.sub(r"^(?:want|need|prefer|would\s+like)\s+", "", said.bare, flags=re.IGNORECASE)
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


def only_asked(said: Plain, situation: Situation) -> Intent | None:
    # Before there is a table these words are wishes of a request.
    if not situation.has_run or situation.asks == "request" or (said.asks and not said.polite_question):
        return None
    return only(said, situation)


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


def edits(said: Plain, situation: Situation) -> Intent | None:
    if not situation.has_run or (said.asks and not said.polite_question):
        return None
    text = said.bare
    if (found := _MORE.fullmatch(text)) is not None:
        return More((found["note"] or "").strip())
    if (found := _OUT.fullmatch(text)) is not None:
        return LeaveOut(names(found["names"] or found["names2"]))
    found = _ADD.fullmatch(text)
    return None if found is None else Add(names(found["names"]))


def names(text: str) -> tuple[str, ...]:
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


def judges(said: Plain, situation: Situation) -> Intent | None:
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


def reviews(said: Plain, situation: Situation) -> Intent | None:
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


def scenarios(said: Plain, situation: Situation) -> Intent | None:
    if situation.asks != "scenarios" or said.asks or is_negated(said.bare):
        return None
    if _AGREE.fullmatch(said.bare) or _AGREE.fullmatch(said.whole):
        return Agree(True)
    return Agree(False) if _DISAGREE.fullmatch(said.bare) else None
