"""Which candidates a person means by a few words: in the table, in the ledger, or known by name only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple

from sqlalchemy.orm import Session

from graphs.approval import REPOSITORY, Refused, resolve_key
from store import research
from tools.candidates import Candidate
from tools.knowledge import loader
from tools.proposal import Proposal
from tools.sizes import nominal_parameters
from tools.table import ComparisonTable, TableRow

LONGEST = 120
"""Characters of a name that are looked at."""
_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*")
_AROUND = re.compile(
    r"^(?:(?:the|a|an|any|all|model|models|called|named)\s+)+"
    r"|\s+(?:models?|family|variants?|instead|please|too|as well|then|now|though)$",
    re.IGNORECASE,
)


Pointed = Literal["spoken", "primary", "backup"]
"""A candidate that is not named: the one last spoken of, or one that is proposed."""
_POINTING: Final[tuple[tuple[Pointed, str], ...]] = (
    (
        "spoken",
        r"(?:it|its|this|that|these|those|they|them|i|me|my|we|us|our|you|your)?(?:\s*\b(?:one|ones|thing|models?))?",
    ),
    ("backup", r"(?:(?:proposed|recommended|your|its)\s+)?back-?\s?up(?:\s+(?:one|model))?|second\s+one"),
    (
        "primary",
        r"(?:(?:your|its)\s+)?(?:proposed|recommended|suggested|approved|chosen|primary|best|top|first)"
        r"(?:\s+(?:one|model|candidate|primary))?|(?:your\s+)?(?:proposal|recommendation)",
    ),
)
_POINTERS = tuple((what, re.compile(words, re.IGNORECASE)) for what, words in _POINTING)
_NO_NAMES = frozenset(
    (  # noqa: SIM905 (words are read more easily in lines)
        "a an the it its i me my we us our you your he she they them this that these those one ones thing "
        "any all some none nothing anything everything something who what which when where why how is are "
        "was were be been do does did has have had can could will would should may might must not no yes "
        "and or but if so than then as at by for from in into of on to with without about over under up "
        "out off again there here now yet still just only also too very much many more most less mean "
        "means meant say says work works good bad better best worse worst new old base chat instruct "
        "instruction tuned thinking hf gguf it's let's model models family version variant start product "
        "company really actually exactly please help hm stars star"
    ).split()
)
"""Words that name no model by themselves, though names of models end in some of them ("Gemma 2 9B it")."""


_IN_NAMES: Final = {"a", "it", "base", "chat", "instruct", "instruction", "tuned", "thinking", "hf", "gguf"}
_TALK: Final = (_NO_NAMES - _IN_NAMES) | {"ok", "okay", "except", "least", "commercial", "use", "first"}
"""Words that no model's name has in it."""


def pointed(words: str) -> Pointed | None:
    """Whether ``words`` point at a candidate ("it", "the backup") without naming one."""
    wanted = cleaned(words)
    return next((what for what, pattern in _POINTERS if pattern.fullmatch(wanted)), None)


_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PLACE: Final = re.compile(
    rf"(?:(?P<word>{'|'.join(_ORDINALS)})|(?P<n>\d{{1,2}})(?:st|nd|rd|th)|(?:number|no\.?|nr\.?|row|#)\s*(?P<m>\d{{1,2}}))"
    r"(?:\s+(?:one|model|candidate|row|place))?(?:\s+(?:in|of|on)\s+(?:the\s+)?(?:table|list))?",
    re.IGNORECASE,
)


def place_in_list(words: str) -> int | None:
    """The place in the table that ``words`` name, counted from 1: "the third one", "number 3"."""
    found = _PLACE.fullmatch(cleaned(words))
    if found is None:
        return None
    if found["word"]:
        return _ORDINALS.index(found["word"].casefold()) + 1
    return int(found["n"] or found["m"]) or None


def names_somebody(words: str) -> bool:
    """Whether anything in ``words`` could be part of a name: "it" and "base" are not, though names end so."""
    return any(token not in _NO_NAMES and not token[0].isdigit() for token in _tokens(words))


def looks_like_a_name(words: str) -> bool:
    """``owner/name``, a tag, a name with a number ("qwen3") or a size, or a line of models that is known."""
    wanted = cleaned(words)
    if len(wanted.split()) > 6 or not names_somebody(wanted):
        return False
    if repository(wanted) is not None or re.fullmatch(r"[A-Za-z][\w.-]+:[\w.-]+", wanted):
        return True
    if re.search(r"[!?,;]", wanted) or any(word in _TALK for word in wanted.casefold().split()):
        return False
    if re.match(r"[^\W\d_]{3,}[\s.-]?\d", wanted) or nominal_parameters(wanted) is not None:
        return True
    return loader.families().of(wanted) is not None


def is_known(words: str) -> bool:
    """``owner/name``, a tag, or the name of a line of models or of a member of one, and nothing else."""
    wanted = cleaned(words)
    if len(wanted.split()) > 4 or not names_somebody(wanted):
        return False
    if repository(wanted) is not None or re.fullmatch(r"[A-Za-z][\w.-]+:[\w.-]+", wanted):
        return True
    families = loader.families()
    return families.member(wanted) is not None or (
        families.of(wanted) is not None and re.search(r"\b(?:for|models?)\b", words) is None
    )


class Book(NamedTuple):
    """Everybody whom research came across, and the table with its proposal."""

    ledger: dict[str, Candidate]
    table: ComparisonTable | None
    proposal: Proposal | None

    @property
    def rows(self) -> tuple[TableRow, ...]:
        return () if self.table is None else self.table.rows

    def row(self, key: str) -> TableRow | None:
        return next((row for row in self.rows if row.key == key), None)

    def name(self, key: str) -> str:
        row = self.row(key)
        known = self.ledger.get(key)
        return row.name if row is not None else known.name if known is not None else key

    def in_table(self, words: str) -> tuple[str, ...]:
        """Keys of the rows that could be meant, in the table's order."""
        wanted = cleaned(words)
        place = place_in_list(wanted)
        if place is not None:
            return tuple(row.key for row in self.rows[place - 1 : place])
        if self.table is None or not names_somebody(wanted):
            return ()
        try:
            key = resolve_key(wanted, self.table)
        except Refused:
            key = ""
        if any(row.key == key for row in self.rows) and not _broad(wanted):
            return (key,)
        by_family = [row.key for row in self.rows if _squeezed(wanted) == _squeezed(row.family)]
        return tuple(by_family) or _best(wanted, [(row.key, row.name) for row in self.rows])

    def of_line(self, words: str) -> tuple[str, ...]:
        """Keys of the rows that a whole line of models means ("Llama"): by family, by whose weights they are
        made from, by maker; of any other name those that could be meant."""
        wanted = _squeezed(cleaned(words))
        if not _broad(wanted) or not names_somebody(wanted) or pointed(words) is not None:
            return self.in_table(words)
        named = set(self.in_table(words))
        return tuple(row.key for row in self.rows if row.key in named or wanted in _lines_of(row))

    def made_from(self, words: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Of ``keys`` those that are of another family, with weights of the line that ``words`` name."""
        wanted = _squeezed(cleaned(words))
        rows = [row for row in self.rows if row.key in set(keys)]
        own = {row.key for row in rows if (one := loader.families().of(row.key)) and one.maker == wanted}
        return tuple(
            row.key
            for row in rows
            if row.lineage == wanted and row.key not in own and not _squeezed(row.family).startswith(wanted)
        )

    def meant(self, words: str) -> tuple[str, ...]:
        """Keys that could be meant: rows of the table, and where there is none, other lines of the ledger."""
        wanted = cleaned(words)
        exact = [key for key, one in self.ledger.items() if wanted.casefold() in _spelt(one)]
        if len(exact) == 1:
            return (exact[0],)
        return self.in_table(wanted) or tuple(exact) or self.others(wanted)

    def others(self, words: str) -> tuple[str, ...]:
        """Lines of the ledger that are no rows of the table and could be meant; originals before copies."""
        listed = {row.key for row in self.rows}
        rest = [one for key, one in self.ledger.items() if key not in listed]
        rest.sort(key=lambda one: (one.folded_into is not None, one.key.casefold()))
        return _best(cleaned(words), [(one.key, one.name) for one in rest])


def book(session: Session, run_id: str) -> Book:
    offered = research.newest_table(session, run_id)
    ledger = {candidate.key: candidate for candidate in research.ledger(session, run_id)}
    return Book(ledger, offered and offered.table, offered and offered.proposal)


def preferred(keys: Sequence[str], proposal: Proposal | None) -> tuple[str, ...]:
    """Of several meanings the one that is proposed, if only one of them is."""
    if proposal is None or len(keys) < 2:
        return tuple(keys)
    proposed = [key for key in keys if key in {proposal.primary, proposal.backup}]
    return tuple(proposed) if len(proposed) == 1 else tuple(keys)


def repository(words: str) -> str | None:
    """``owner/name`` where the words are that, and nothing else."""
    wanted = words.strip().strip("\"'`.,;")
    wanted = wanted.removeprefix("https://huggingface.co/").removeprefix("hf.co/")
    return wanted if REPOSITORY.fullmatch(wanted) else None


def cleaned(words: str) -> str:
    """A name without what stands around it in a sentence."""
    text = " ".join(words[:LONGEST].split()).strip(" \t\"'`.,;:!?()“”‘’")
    while (shorter := _AROUND.sub("", text).strip(" \"'`.,;:!?()")) != text:
        text = shorter
    return text


def _broad(words: str) -> bool:
    """A word alone without a number ("DeepSeek") names a line of models, of which more may be known."""
    return re.search(r"\d|/", words) is None


def _spelt(one: Candidate) -> set[str]:
    return {one.key.casefold(), one.name.casefold(), one.key.rpartition("/")[2].casefold()}


def _lines_of(row: TableRow) -> set[str]:
    """What the lines of models are called that a row belongs to."""
    family = loader.families().of(row.name) or loader.families().of(row.key)
    owner = row.key.partition("/")[0].casefold()
    known = () if family is None else (family.maker, family.lineage, *map(str.casefold, family.orgs))
    called = {owner, row.family.casefold(), row.lineage.casefold(), *known}
    return {_squeezed(one) for one in called} | {_squeezed(one.partition("-")[0]) for one in (owner, *known)}


def _squeezed(words: str) -> str:
    return re.sub(r"[\s_-]+", "", words.casefold())


def _tokens(words: str) -> list[str]:
    return _TOKEN.findall(words.casefold())


Fits = Callable[[list[str], list[str]], bool]


def _begins(wanted: list[str], name: list[str]) -> bool:
    return name[: len(wanted)] == wanted


def _holds(wanted: list[str], name: list[str]) -> bool:
    width = len(wanted)
    return any(name[at : at + width] == wanted for at in range(len(name) - width + 1))


def _in_order(wanted: list[str], name: list[str]) -> bool:
    rest = iter(name)
    return all(any(token == other for other in rest) for token in wanted)


def _in_versions(wanted: list[str], name: list[str]) -> bool:
    """``llama 3`` may mean Llama 3.1: a whole number stands for the versions that begin with it."""
    rest = iter(name)
    return all(
        any(other == token or (token.isdigit() and other.startswith(f"{token}.")) for other in rest)
        for token in wanted
    )


TIERS: tuple[Fits, ...] = (_begins, _holds, _in_order, _in_versions)


def _best(words: str, known: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Keys whose repository or name fits ``words`` most closely; empty when none does."""
    wanted = _tokens(words)
    if not names_somebody(words):
        return ()
    spelt = [(key, (_tokens(key.rpartition("/")[2]), _tokens(name), _tokens(key))) for key, name in known]
    for fits in TIERS:
        found = [key for key, names in spelt if any(fits(wanted, name) for name in names)]
        if found:
            return tuple(found)
    return ()
