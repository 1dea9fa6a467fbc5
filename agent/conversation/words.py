"""A message's words made plain: politeness taken off, negations seen, factors and sizes found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tools.table import Column

if TYPE_CHECKING:
    from tools.reading import Missing

LONGEST: Final = 4000
"""Characters that rules look at; nobody types a longer command."""

_SAME: Final = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " ", "‐": "-", "‑": "-"})

NOTHING_BUT_YES: Final = re.compile(
    r"(?:yes|y|yep|yeah|yup|sure|ok|okay|let's\s+(?:do\s+(?:it|that|this)|go)|of\s+course|certainly|absolutely|definitely|please\s+do|do\s+(?:it|that|so)|go\s+ahead|"
    r"confirm(?:ed)?|correct|right|exactly|agreed|that's\s+(?:right|fine|ok(?:ay)?)|sounds\s+good|ja|oui)"
    r"(?:[\s,.!-]+(?:yes|please|do\s+(?:it|that|so)|go\s+ahead|confirm(?:ed)?|sure|of\s+course|certainly|thanks|thank\s+you|go\s+on|"
    r"approve(?:\s+(?:it|them|both))?|start(?:\s+it)?|run\s+it|cancel\s+(?:it|the\s+run)|that's\s+right|now))*[\s.!]*",
    re.IGNORECASE,
)
NOTHING_BUT_NO: Final = re.compile(
    r"(?:no|n|nope|nah|never\s+mind|nevermind|forget\s+(?:it|that)|leave\s+it|do\s*n(?:o|')t(?:\s+do\s+(?:it|that))?|do\s+not(?:\s+do\s+(?:it|that))?|"
    r"not\s+(?:now|yet|really)|better\s+not|rather\s+not|nein|non)"
    r"(?:[\s,.!-]+(?:no|thanks|thank\s+you|please|not\s+(?:now|yet|really)|never\s+mind|leave\s+it|forget\s+it|don't(?:\s+do\s+(?:it|that))?|better\s+not))*[\s.!]*",
    re.IGNORECASE,
)
_INSISTS: Final = re.compile(
    r"(?:(?:yes|ok(?:ay)?|please|but|i)\b[\s,]*)*(?:insist|anyway|all\s+the\s+same|regardless|nevertheless|"
    r"(?:evaluate|run|do|start)(?:\s+(?:it|them|one))?(?:\s+(?:anyway|all\s+the\s+same|regardless|nevertheless))?)[\s.!]*",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no|nor|nothing|nobody|none|without|cannot|neither|hardly|refrain|avoid|hold|wait|dont|wont|shouldnt|cant)\b|n't\b",
    re.IGNORECASE,
)
_POLITE: Final = re.compile(
    r"(?:ok(?:ay)?|yes|yeah|sure|please|pls|plz|well|so|then|now|good|great|fine|perfect|all\s*right|right|and|but|also|hi|hello|hey|thanks|"
    r"thank\s+you|let's|let\s+us|just|go\s+ahead\s+and|maybe|actually|"
    r"(?:i|we)(?:'d|\s+would)\s+(?:like\s+(?:(?:you|us)\s+)?to|rather)|(?:i|we)(?:'d|\s+would)(?=\s+go\b)|(?:can|could|may)\s+(?:i|we)(?=\s+(?:see|have)\b)|(?:i|we)\s+(?:want|need|wish)\s+(?:(?:you|us)\s+)?to|(?:i|we)(?:'ll|\s+will)|i|we|you\s+(?:can|may|should)|"
    r"(?P<polite>(?:can|could|would|will)\s+you(?:\s+please)?))(?=[\s,.!:;-])[\s,.!:;-]+",
    re.IGNORECASE,
)
_NO_THEN: Final = re.compile(r"(?:no|nope)\s*[,.;:–-]+\s+(?=\S)", re.IGNORECASE)
_CONTRACTED: Final = re.compile(r"\b(what|where|who|how|that|there|let)(s)\b", re.IGNORECASE)
"""Forms that people type without their apostrophe."""
_TAIL: Final = re.compile(r"[\s,]*(?:\b(?:please|pls|plz|thanks|thank\s+you)\b|[.!?;,…]+)$", re.IGNORECASE)


class Plain(NamedTuple):
    """A message in the forms in which rules look at it."""

    kept: str
    """As it was typed, ends trimmed."""
    whole: str
    """White space folded, without the marks at its end."""
    bare: str
    """``whole`` without what is only polite."""
    asks: bool
    """It ends with a question mark."""
    polite_question: bool
    """A request in the form of a question: "can you …?"."""


def plainly(text: str) -> Plain:
    kept = text[:LONGEST].translate(_SAME).strip()
    whole = _CONTRACTED.sub(lambda found: f"{found[1]}'{found[2]}", " ".join(kept.split()))
    asks = whole.rstrip(" .!…\"')").endswith("?")
    whole = _without_tail(whole) or whole
    bare, polite = _NO_THEN.sub("", whole, count=1) if _NO_THEN.match(whole) else whole, False
    for _ in range(8):
        found = _POLITE.match(bare)
        if found is None:
            break
        polite = polite or found["polite"] is not None
        bare = bare[found.end() :]
    return Plain(kept, whole, bare, asks, polite)


def _without_tail(text: str) -> str:
    for _ in range(6):
        shorter = _TAIL.sub("", text)
        if shorter == text:
            break
        text = shorter
    return text.strip()


def is_negated(text: str) -> bool:
    """Whether anything in ``text`` says no."""
    return _NEGATION.search(text) is not None


def insists(text: str) -> bool | None:
    """What is said to "no run is needed": True insists, False lets it be, None says neither."""
    if NOTHING_BUT_NO.fullmatch(text):
        return False
    return True if _INSISTS.fullmatch(text) and not is_negated(text) else None


_FACTORS: Final[tuple[tuple[Column, str], ...]] = (
    (
        Column.LICENCE,
        r"licen[cs](?:e|es|ing|ed)|commercial(?:ly)?(?:\s+use)?|apache|terms\s+of\s+use|open\s+source",
    ),
    (Column.CONTEXT, r"context(?:\s+(?:window|length|size))?|how\s+many\s+tokens"),
    (Column.PARAMS, r"param(?:eter)?s?(?:\s+count)?|number\s+of\s+parameters|how\s+(?:large|big)"),
    (Column.RELEASE, r"release(?:d|\s+date)?|how\s+old|age|date|when\s+was"),
    (Column.FOCUS, r"architecture(?:\s+focus)?|focus|trained\s+(?:for|to)|training|reasoning\s+model"),
    (
        Column.QUANTIZATION,
        r"quanti[sz]ation|quants?|gguf|download(?:\s+size)|file\s+size|ollama(?:\s+tag)?|disk(?:\s+space)?",
    ),
    (Column.MEMORY, r"memory|v?ram|how\s+much\s+memory"),
    (Column.COMMUNITY, r"community|downloads|likes|popularity|popular"),
    (Column.FIT, r"stars?|rating|fit|domain\s+fit|evidence|claims?|benchmarks?|reviews?|studies|score"),
    (Column.NOTES, r"notes?"),
    (Column.PARAMS, r"size"),
)
_FACTOR: Final = tuple((column, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for column, words in _FACTORS)
_GLUE: Final = re.compile(
    r"\b(?:what|which|how|is|are|was|were|does|do|did|has|have|had|its|the|of|for|about|from|on|in|and|with|any|there|it|says?|know|known|need|needs|get|gets|got|much|many|large|big|old|long|when|'s|sources?|allows?|allowed|use|used|under)\b|'s\b",
    re.IGNORECASE,
)


def factor_words(sentence: str, phrase: str) -> tuple[tuple[Column, ...], str]:
    """The columns that ``sentence`` names, and the candidate's name that is left of ``phrase``."""
    columns = tuple(dict.fromkeys(column for column, words in _FACTOR if words.search(sentence)))
    rest = phrase[:200]
    for _, words in _FACTOR:
        rest = words.sub(" ", rest)
    # A name keeps its own words ("Command R for …"): only what glues the sentence together goes.
    rest = " ".join(_GLUE.sub(" ", rest).split()).strip(" ,;:'\"?!.")
    return columns, rest


class Begun(NamedTuple):
    """A new run as a message words it."""

    text: str
    model: str | None = None
    domain: str | None = None
    judge: str | None = None
    sure: bool = True
    """Whether the words ask for another run clearly."""
    tag: str | None = None
    """Set where ``model`` is a model's name in words, which could be a size as well."""


_JUDGED: Final = re.compile(
    r"[\s,;]+(?:(?:with|using|and)\s+)?(?:(?P<j>(?:ollama|openai|llamacpp):\S{1,150}?)\s+as\s+(?:the\s+)?judge|judged?\s+by\s+(?P<j2>(?:ollama|openai|llamacpp):\S{1,150}?))$",
    re.IGNORECASE,
)
_EVALUATE: Final = r"(?:evaluate|assess|benchmark|test|run|try)"
_MODEL: Final = re.compile(
    rf"{_EVALUATE}\s+(?:(?:only\s+)?(?:the\s+)?(?:model\s+)?)(?P<model>(?=\S*[:/])[A-Za-z0-9]\S{{1,199}}?)(?:\s+(?:for|on|in|at)\s+(?P<domain>\S.{{0,399}}))?",
    re.IGNORECASE,
)
_IN_WORDS: Final = re.compile(
    rf"{_EVALUATE}\s+(?:only\s+)?(?:the\s+)?(?:model\s+)?(?P<model>\S.{{1,59}}?)\s+(?:for|on|in|at)\s+(?P<domain>\S.{{0,399}})",
    re.IGNORECASE,
)
_AS_WELL: Final = re.compile(r"\b(?:too|also|as\s+well|instead|next)\b", re.IGNORECASE)
_ONE_MORE: Final = re.compile(
    rf"{_EVALUATE}\s+(?:also\s+)?(?:the\s+)?(?:model\s+)?(?P<model>\S.{{1,79}}?)(?:\s+(?:too|also|as\s+well|instead|next|now))*",
    re.IGNORECASE,
)
_BEGINS: Final = re.compile(
    r"(?:evaluate|assess|benchmark|research|find|recommend|suggest|compare|test|look\s+for|looking\s+for|search\s+for|start|begin|get|choose|pick|need|"
    r"a\s+|which|what|base\s+models?|models?|new)\b",
    re.IGNORECASE,
)
_MODELS: Final = re.compile(r"(?!compare\b).*\bmodels?\b|(?:start|begin|new)\b", re.IGNORECASE)
_NO_START: Final = re.compile(
    r"(?:only|nothing|not|no|add|include|leave|exclude|drop|remove|cancel|stop|abort|approve|accept|reject|swap|undo)\b",
    re.IGNORECASE,
)
"""What these begin is about a run that is there."""
_ASKS: Final = re.compile(
    r"(?:can|could|may|might|do|does|did|is|are|was|were|will|would|should|shall|how|why|when|who|whose|where|what\s+about)\b",
    re.IGNORECASE,
)
_BEGINS_ANEW: Final = re.compile(
    r"(?:start\s+(?:a\s+)?(?:new|another)\s+(?:run|evaluation|research)\b|evaluate|assess|benchmark|research\s+(?:\S+\s+){0,4}models?|find\s+(?:me\s+)?(?:\S+\s+){0,4}models?\s+for)\b",
    re.IGNORECASE,
)


def start_of(said: Plain, *, has_run: bool) -> Begun | None:
    """The new run that a message asks for; where there is one already, only what clearly asks for another."""
    from agent.intake import read_request
    from tools.knowledge import loader
    from tools.reading import Missing, Ready, Unusable

    text, judge = said.bare, None
    if (found := _JUDGED.search(text)) is not None:
        text, judge = text[: found.start()], found["j"] or found["j2"]
    if (named := _MODEL.fullmatch(text)) is not None and "://" not in named["model"]:
        return Begun(text, named["model"], named["domain"], judge)
    if (in_words := _IN_WORDS.fullmatch(text)) is not None and re.search(r"\d", in_words["model"]):
        words = in_words["model"]
        member = None if re.search(r"\bmodels?\b", words, re.IGNORECASE) else loader.families().member(words)
        if (
            member is not None
            and member.ollama_tag is not None
            and not re.fullmatch(r"[\d.,–-]+\s*b", words, re.IGNORECASE)
        ):
            return Begun(text, words, in_words["domain"], judge, tag=member.ollama_tag)
    if _NO_START.match(text):
        return None
    if has_run and (one := _ONE_MORE.fullmatch(text)) is not None:
        model, known = one["model"], loader.families().of(one["model"]) is not None
        if ":" in model or "/" in model or (known and not re.search(r"\bmodels?\b|\bfor\b", model)):
            return Begun(text, model, judge=judge)
    if has_run and not _BEGINS_ANEW.match(text):
        reading = read_request(text)
        told = isinstance(reading, Ready) and not said.asks
        return Begun(said.kept if judge is None else text, judge=judge, sure=False) if told else None
    reading = read_request(said.kept if judge is None else text)
    if isinstance(reading, Unusable) or (isinstance(reading, Missing) and not _asks_for_a_run(said, reading)):
        return None
    if said.asks and _is_question(said):
        return None
    sure = not has_run or (isinstance(reading, Ready) and _AS_WELL.search(text) is None)
    return Begun(said.kept if judge is None else text, judge=judge, sure=sure)


def _is_question(said: Plain) -> bool:
    return _ASKS.match(said.bare) is not None and not said.polite_question


def _asks_for_a_run(said: Plain, reading: Missing) -> bool:
    """Whether words of which something is missing still ask for a run: what is asked back is a run, too."""
    of_models = _MODELS.match(said.bare) is not None
    if _is_question(said) or (said.asks and not (said.polite_question or of_models)):
        return False
    if reading.partial.size is not None:
        return True
    begins = _BEGINS.match(said.bare) is not None
    anew = _BEGINS_ANEW.match(said.bare) is not None
    return begins and (anew or of_models or reading.partial.domain is not None)


_LEAD: Final = re.compile(
    r"(?:(?:it's|it\s+is|it\s+should\s+be|that's|that\s+is|that\s+would\s+be|the\s+(?:domain|size|area|subject|topic|task)\s+(?:is|would\s+be)|(?:domain|size)\s*[:=]|something\s+(?:like|around)|models?\s+(?:for|of)|"
    r"for|about|use\s+it\s+for|in|evaluate|(?:(?:i|we)\s+)?(?:want|need|mean|meant))\s+)+",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(
    r"(?:said|thought|think|guess|is|are|was|were|do|does|did|can|could|would|should|will|why|how|what|which|who|when|where|show|tell|open|go|back|"
    r"approve|cancel|stop|compare|add|leave|take|use|try|as|than|because|if|maybe|well)\b|.*\b(?:i|you|he|she|they|meant|said|please)\b|.*n't\b|"
    r".*\b(?:the|this|that|my|our|another)\s+(?:\w+\s+){0,2}(?:run|table|proposal|backup|evaluation|conversation)\b|.*\b(?:too|as\s+well|instead)$",
    re.IGNORECASE,
)
"""What talks rather than names a size or a subject."""
_MOST_WORDS: Final = 25


def answers_in(said: Plain, fields: tuple[str, ...]) -> dict[str, str]:
    """Field → words, of what was asked and of whatever else was said besides."""
    from agent.conversation.names import is_known
    from agent.intake import complaint_about, read_request
    from agent.intake_sizes import parse_size, take_size
    from agent.intake_text import Words
    from tools.reading import Missing, Ready

    text = said.bare[:400]
    found: dict[str, str] = {}
    words = Words(text)
    sized, alone = take_size(words), _LEAD.sub("", text, count=1)
    if len(alone.split()) > _MOST_WORDS or _SENTENCE.match(alone):
        return {}
    if sized.size is not None:
        found["size"] = text
    elif parse_size(alone).size is not None:
        return {"size": alone} if "size" in fields else {}
    if "domain" in fields:
        left = text if "size" not in found else _domain_left(text, words)
        reading = read_request(text)
        partial = reading.partial if isinstance(reading, Missing) else None
        domain = reading.request.domain if isinstance(reading, Ready) else partial.domain if partial else None
        trimmed = _LEAD.sub("", left, count=1).strip(" ,;:.-")
        if is_known(domain or trimmed):
            return {"size": text} if "size" in found else {}  # a model is no domain
        if domain is not None:
            found["domain"] = domain
        elif trimmed and complaint_about("domain", trimmed[:120]) is None and not said.asks:
            found["domain"] = trimmed[:120]
    for name in ("licence", "memory"):
        if name not in fields and _speaks_of(name, text) and complaint_about(name, text) is None:
            found[name] = text
    asked = {name: value for name, value in found.items() if name in fields}
    if not asked and "size" in fields and re.search(r"\d|\bany\b", text):
        return {"size": text}  # not understood: the question says why and is asked again
    return {**found, **asked} if asked else {}


def _domain_left(text: str, words: object) -> str:
    """What is left once the size is used up."""
    rest: str = getattr(words, "rest", text)
    parts = [part.strip(" ,;:.-") for part in rest.split("§")]
    kept = [
        re.sub(r"^(?:and|models?|for|or|with)\b\s*", "", part, flags=re.IGNORECASE).strip(" ,;:.-")
        for part in parts
    ]
    return max(kept, key=len, default="")


def _speaks_of(name: str, text: str) -> bool:
    patterns = {"licence": r"\bcommercial", "memory": r"\d\s*gi?b\b"}
    return re.search(patterns[name], text, re.IGNORECASE) is not None
