"""Which way a sentence speaks of the models that it names: cue words and a small, plain grammar.

A sentence about one model is read by its cues. One about several is read only where the grammar is plain: a
list with one predicate, a comparison ("warmer than", "beats", "as warm as"), a contrast ("unlike"), or
clauses that each speak of their own model. Everything else says nothing here. Questions, wishes and doubts
assert nothing; irony is not understood, so marked irony is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from tools.candidates import Stance
from tools.evidence_rules import evidence_rules, forms, words_pattern
from tools.named import Mention

FIGURE = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d+)?\s?%|(?<![\w.])\d{1,4}(?:\.\d+)?(?![\w.])")
OPPOSITE = {Stance.FOR: Stance.AGAINST, Stance.AGAINST: Stance.FOR, Stance.MIXED: Stance.MIXED}
BEFORE_CUE = 40
"""Characters before a cue in which a negation is looked for."""

Stances = dict[str, Stance]


class _Cue(NamedTuple):
    start: int
    end: int
    positive: bool


def stance_of(quote: str) -> Stance | None:
    """Which way a sentence speaks, by cue words; a negated cue speaks the other way; None without any cue.

    A table row with a figure and no cue is mixed: without its header nobody knows what the figure says.
    """
    by_cues = _by_cues(_plain(quote))
    if by_cues is None and "|" in quote and FIGURE.search(quote):
        return Stance.MIXED
    return by_cues


def asserts(quote: str) -> bool:
    """Whether a sentence asserts anything: no question, wish, doubt or marked irony."""
    plain = _plain(quote)
    return not plain.rstrip(" \"')*_").endswith("?") and not evidence_rules().nothing_asserted.search(plain)


def stances(quote: str, mentions: Sequence[Mention]) -> Stances:
    """Candidate → stance, for the candidates that ``quote`` speaks of plainly.

    ``mentions`` are the models it names, left to right, candidates and others.
    """
    if not asserts(quote) or not any(mention.keys for mention in mentions) or _ambiguous(mentions):
        return {}
    groups = _listed(quote, mentions)
    masked = _mask(_plain(quote), groups)
    known = [place for place, group in enumerate(groups) if group.keys]
    if len(groups) == 1:
        return _one(quote, masked, groups[0])
    found = _pair(masked) if len(groups) == 2 else None
    if found is None:
        found = _clauses(masked, len(groups))
    if not found and known == [0]:
        found = _before_the_other(masked)
    return {key: stance for place, stance in found.items() for key in groups[place].keys}


def _ambiguous(mentions: Sequence[Mention]) -> bool:
    return any(len(mention.keys) > 1 for mention in mentions)


def _plain(quote: str) -> str:
    """The quote with straight apostrophes; as long as before."""
    return quote.replace("’", "'")


def _cues(text: str, *, comparing: bool = False) -> list[_Cue]:
    """Cues by place; one inside a longer one, or inside a phrase that says nothing, does not count."""
    rules = evidence_rules()
    found = [_Cue(m.start(), m.end(), True) for m in rules.for_it.finditer(text)]
    found += [_Cue(m.start(), m.end(), False) for m in rules.against.finditer(text)]
    if comparing:
        seen = {(cue.start, cue.end) for cue in found}
        for words, positive in ((rules.comparatives_for, True), (rules.comparatives_against, False)):
            found += [
                _Cue(m.start(), m.end(), positive)
                for m in words_pattern(words).finditer(text)
                if m.span() not in seen
            ]
    idle = [m.span() for m in rules.no_cue.finditer(text)]
    return [
        cue
        for cue in found
        if not any(start <= cue.start and cue.end <= end for start, end in idle)
        and not any(
            other.start <= cue.start
            and cue.end <= other.end
            and other.end - other.start > cue.end - cue.start
            for other in found
        )
    ]


def _by_cues(masked: str, *, comparing: bool = False) -> Stance | None:
    text = masked.replace("⟦", " ").replace("⟧", " ")
    for_it = against = 0
    for cue in _cues(text, comparing=comparing):
        if cue.positive != _negated(text, cue):
            for_it += 1
        else:
            against += 1
    if for_it and against:
        return Stance.MIXED
    if for_it or against:
        return Stance.FOR if for_it else Stance.AGAINST
    return None


def _negated(text: str, cue: _Cue) -> bool:
    rules = evidence_rules()
    before = rules.no_negation.sub(" ", text[max(0, cue.start - BEFORE_CUE) : cue.start])
    if rules.negation.search(before):
        return True
    later = rules.turned_later.fullmatch(text[cue.start : cue.end])
    return bool(later and re.match(r"(?:\s+\w+){0,4}?\s+nicht\b(?!\s+nur)", text[cue.end :], re.IGNORECASE))


def _listed(quote: str, mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions with those that a conjunction joins made one."""
    joins = _patterns().joins
    runs: list[list[Mention]] = []
    for mention in mentions:
        if runs and joins.fullmatch(quote[runs[-1][-1].end : mention.start]):
            runs[-1].append(mention)
        else:
            runs.append([mention])
    return [group for run in runs for group in _united(quote, run)]


def _united(quote: str, run: Sequence[Mention]) -> Sequence[Mention]:
    """A run as one group; as it was where commas alone stand between: "Unlike A, B is warm"."""
    if len(run) == 1 or not re.search(r"[^\s,*_`\"]", quote[run[-2].end : run[-1].start]):
        return run
    return [Mention(run[0].start, run[-1].end, frozenset().union(*(mention.keys for mention in run)))]


def _mask(text: str, groups: Sequence[Mention]) -> str:
    """The text with each group as ``⟦n⟧``, so that no word of a name is read as a cue."""
    parts, done = [], 0
    for place, group in enumerate(groups):
        parts += [text[done : group.start], f"⟦{place}⟧"]
        done = group.end
    return re.sub(r"[*_`\"“”„]+(?=⟦)|(?<=⟧)[*_`\"“”]+", "", "".join([*parts, text[done:]]))


def _one(quote: str, masked: str, group: Mention) -> Stances:
    """A sentence about one model or one list; a model that is only compared with is not spoken of."""
    words = _patterns()
    if words.set_against.search(masked):
        return {}
    listed = len(group.keys) > 1 or "⟧" not in masked or _is_list(quote, group)
    if listed and (not words.list_begins.match(masked) or words.list_breakers.search(_rest(masked))):
        return {}
    stance = _by_cues(masked)
    if stance is None and "|" in quote and FIGURE.search(masked):
        stance = Stance.MIXED
    return dict.fromkeys(sorted(group.keys), stance) if stance else {}


def _is_list(quote: str, group: Mention) -> bool:
    return re.search(r",|&|\s(?:and|or|und|oder|nor|noch)\s", quote[group.start : group.end]) is not None


def _rest(masked: str) -> str:
    return masked[masked.index("⟧") :]


class _Patterns(NamedTuple):
    joins: re.Pattern[str]
    set_against: re.Pattern[str]
    list_begins: re.Pattern[str]
    list_breakers: re.Pattern[str]
    better: re.Pattern[str]
    more: re.Pattern[str]
    equal: re.Pattern[str]
    wins: re.Pattern[str]
    loses: re.Pattern[str]
    contrast: re.Pattern[str]
    contrast_last: re.Pattern[str]
    clause: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    rules = evidence_rules()
    links, contrasts = forms(rules.linking), forms(rules.contrasts)
    compared = forms((*rules.comparatives_for, *rules.comparatives_against))
    the = r"(?:(?:the|both|either|even|its|older|bigger|larger|smaller|der|die|das|den|dem)\s+){0,3}"
    gap = r"(?:[^\s.;:,⟦⟧]+\s+){0,6}?"
    after = r"(?:[^\s.;:,⟦⟧]+\s+){0,4}?"
    adverbs = r"(?:(?:\w+ly|also|still|often|even|again|simply|just|auch|deutlich|klar)\s+){0,2}"
    verbs = {name: forms(words) for name, words in (("wins", rules.wins), ("loses", rules.loses))}

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE)

    return _Patterns(
        joins=compiled(
            rf"[\s*_`\"]*(?:(?:{forms(rules.joins)})[\s*_`\"]*){{1,2}}(?:the\s+|both\s+|als\s+auch\s+)?[*_`\"]*"
        ),
        set_against=compiled(
            rf"\b(?:than|als|wie|over|as|{forms((*rules.wins, *rules.loses, *rules.contrasts))})\s+{the}⟦0⟧"
        ),
        list_begins=compiled(
            rf"^[-*\d.\s]*(?:[^,;:⟦⟧]{{0,60}}[,:]\s*)?(?:(?:{forms(rules.list_openers)})\s+)*⟦0⟧"
        ),
        list_breakers=words_pattern(rules.list_breakers),
        better=compiled(
            rf"⟦(\d)⟧\s+(?:{adverbs})(?:{links})\s+{gap}(?P<word>{compared})\s+{after}(?:than|als)\s+{the}⟦(\d)⟧(?!'s)"
        ),
        more=compiled(
            rf"⟦(\d)⟧\s+(?:{adverbs})(?:{links})\s+{gap}(?P<how>more|less|mehr|weniger)\s+(?P<word>[^⟦⟧.;:,]{{2,40}}?)"
            rf"\s+(?:than|als)\s+{the}⟦(\d)⟧(?!'s)"
        ),
        equal=compiled(
            rf"⟦(\d)⟧\s+(?:{adverbs})(?P<verb>{links}|isn't|wasn't|doesn't\s+\w+)\s+(?:\w+\s+){{0,2}}?(?P<no>not\s+|nicht\s+)?"
            rf"(?:\w+\s+)?(?:as|so|genauso|ebenso)\s+(?P<word>[^⟦⟧.;:,]{{2,40}}?)\s+(?:as|wie)\s+{the}⟦(\d)⟧(?!'s)"
        ),
        wins=compiled(rf"⟦(\d)⟧\s+{adverbs}(?:{verbs['wins']})\s+{the}⟦(\d)⟧(?!'s)"),
        loses=compiled(rf"⟦(\d)⟧\s+{adverbs}(?:{verbs['loses']})\s+{the}⟦(\d)⟧(?!'s)"),
        contrast=compiled(
            rf"^[-*\s]*(?:{contrasts})\s+{the}⟦0⟧\s*,?\s+(?:(?:{links})\s+)?{the}⟦1⟧(?P<rest>[^⟦⟧]*)$"
        ),
        contrast_last=compiled(
            rf"^[^⟦⟧]{{0,60}}⟦0⟧(?P<rest>[^⟦⟧]*?),?\s+(?:{contrasts})\s+{the}⟦1⟧(?P<more>[^⟦⟧]*)$"
        ),
        clause=compiled(
            rf"(?:;|,?\s+(?:{forms(rules.clause_words)})|,)\s+(?:(?:{forms(rules.clause_words)}|the|und|and)\s+)?(?=⟦)"
        ),
    )


Found = dict[int, Stance]


def _pair(masked: str) -> Found | None:
    """Group → stance where two groups are compared; empty where it is not plain; None: no comparison."""
    words = _patterns()
    contrast = words.contrast.match(masked)
    if contrast:
        return _opposed(1, 0, _by_cues(contrast["rest"], comparing=True))
    trailing = words.contrast_last.match(masked)
    if trailing:
        return _opposed(0, 1, _by_cues(f"{trailing['rest']} {trailing['more']}", comparing=True))
    found = _compared(masked)
    if found is not None:
        return found
    return {} if re.search(r"\b(?:than|als|wie)\s+(?:\w+\s+){0,3}⟦", masked, re.IGNORECASE) else None


def _opposed(one: int, other: int, stance: Stance | None) -> Found:
    return {one: stance, other: OPPOSITE[stance]} if stance in (Stance.FOR, Stance.AGAINST) else {}


def _compared(masked: str) -> Found | None:
    words, rules = _patterns(), evidence_rules()
    equal = words.equal.search(masked)
    if equal:
        return _as_good(masked, equal)
    for pattern in (words.wins, words.loses, words.better, words.more):
        match = pattern.search(masked)
        if match is None:
            continue
        before, after = masked[: match.start()], masked[match.end() :]
        turned = rules.negates.search(before) or rules.negates.search(_without_degree(match))
        if turned or _cues(before, comparing=True) or _cues(after, comparing=True):
            return {}
        ahead = _ahead(match, pattern)
        return {} if ahead is None else _opposed(int(match[1]), int(match[match.re.groups]), ahead)
    return None


def _without_degree(match: re.Match[str]) -> str:
    """What was matched without the "less" of "less preachy than", which is no negation."""
    if "how" not in match.re.groupindex:
        return match.group()
    text, start = match.group(), match.start()
    return text[: match.start("how") - start] + text[match.end("how") - start :]


def _ahead(match: re.Match[str], pattern: re.Pattern[str]) -> Stance | None:
    """Which way a comparison speaks of its subject."""
    words, rules = _patterns(), evidence_rules()
    if pattern in (words.wins, words.loses):
        return Stance.FOR if pattern is words.wins else Stance.AGAINST
    if pattern is words.better:
        kinder = words_pattern(rules.comparatives_for).fullmatch(match["word"])
        return Stance.FOR if kinder else Stance.AGAINST
    stance = _by_cues(match["word"])
    if stance not in (Stance.FOR, Stance.AGAINST):
        return None
    return stance if match["how"].lower() in {"more", "mehr"} else OPPOSITE[stance]


def _as_good(masked: str, match: re.Match[str]) -> Found:
    stance = _by_cues(match["word"])
    before, after = masked[: match.start()], masked[match.end() :]
    if stance not in (Stance.FOR, Stance.AGAINST) or _cues(before) or _cues(after):
        return {}
    if evidence_rules().negates.search(before):
        return {}
    subject, other = int(match[1]), int(match[match.re.groups])
    denied = match["no"] is not None or "n't" in match["verb"]
    inside = match.group()[: match.start("word") - match.start()]
    if not denied and evidence_rules().negates.search(inside):
        return {}
    return {subject: OPPOSITE[stance] if denied else stance, other: stance}


def _clauses(masked: str, count: int) -> Found:
    """Each clause by its own cues, where each names one group and none reaches into another."""
    words = _patterns()
    ends = [match.start() for match in words.clause.finditer(masked) if match.start() > 0]
    opener = re.match(rf"^[-*\s]*(?:{forms(evidence_rules().clause_words)})\s+(?=⟦)", masked, re.IGNORECASE)
    parts = [masked[start:end] for start, end in pairwise([0, *ends, len(masked)])]
    parts = [part for part in parts if part.strip(" ,;")]
    if len(parts) != count or any(part.count("⟦") != 1 for part in parts):
        return {}
    reaching = re.compile(
        r"\b(?:than|als|wie|over|unlike|compared|both|them|they|beide|sie)\b", re.IGNORECASE
    )
    if any(reaching.search(part) for part in parts) or (count > 2 and opener):
        return {}
    found = {place: _by_cues(part, comparing=True) for place, part in enumerate(parts)}
    return {place: stance for place, stance in found.items() if stance is not None}


def _before_the_other(masked: str) -> Found:
    """A sentence whose subject is the candidate and that names a foreign model later: what precedes that."""
    if masked.index("⟦0⟧") > 60 or _patterns().clause.search(masked[: masked.index("⟦1⟧") + 1]):
        return {}
    stance = _by_cues(masked[: masked.index("⟦1⟧")], comparing=True)
    return {0: stance} if stance else {}
