"""Which candidate a leaderboard's entry is. Exact identity or nothing: a wrong match is worse than none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from tools.identity import signature
from tools.knowledge.loader import families
from tools.model_names import packaging_of


class Matcher:
    """Finds candidates by what leaderboards call them.

    ``candidates`` are keys (Hub repositories) with further names of each. An entry means a candidate when

    - it links to the candidate's repository, or bears its name; or
    - words, versions and size of their names are the same, and so is whether they answer (``Instruct``,
      ``it``); where every entry answers, a name that says nothing of it will do; and
    - if the entry names an owner, that is the candidate's maker.

    Entries of packaged weights (GPTQ, FP8 …) are nobody's: their figures are those of the packaging too.
    """

    def __init__(self, candidates: Mapping[str, Sequence[str]]) -> None:
        self._exact: dict[str, set[str]] = {}
        self._alike: dict[tuple[tuple[str, ...], str | None], dict[str, set[bool]]] = {}
        for key, others in candidates.items():
            answers = signature(key).chat
            for name in (key, *others):
                signed = signature(name)
                if signed.chat != answers or not signed.words:
                    continue
                self._exact.setdefault(name.casefold(), set()).add(key)
                alike = self._alike.setdefault((signed.words, signed.size), {})
                alike.setdefault(key, set()).add(signed.chat)

    def key_of(self, identity: str, *, answering_only: bool) -> str | None:
        """The candidate that an entry is, or None when it is none or could be several."""
        if packaging_of(identity):
            return None
        exact = self._exact.get(identity.casefold(), set())
        if len(exact) == 1:
            return next(iter(exact))
        signed = signature(identity)
        alike = self._alike.get((signed.words, signed.size), {})
        found = [
            key
            for key, chats in alike.items()
            if (signed.chat in chats or (answering_only and not signed.chat)) and _same_maker(identity, key)
        ]
        return found[0] if len(found) == 1 else None


def _same_maker(identity: str, key: str) -> bool:
    """Whether an entry's owner, where it names one, makes the candidate's models."""
    if "/" not in identity:
        return True
    one, other = (name.split("/", 1)[0].casefold() for name in (identity, key))
    makers = _makers()
    return one == other or (one in makers and makers[one] == makers.get(other))


@cache
def _makers() -> dict[str, str]:
    """Hub organisations in lower case to their maker; organisations are renamed (THUDM, zai-org)."""
    return {org.casefold(): family.maker for family in families().families for org in family.orgs}
