"""Commands and questions with a slip of the finger in one word of theirs."""

from __future__ import annotations

import re
from typing import Final

KNOWN: Final = frozenset(
    (  # noqa: SIM905 (words are read more easily in lines)
        "approve reject cancel status table compare difference between evidence licence license memory much "
        "candidates coverage failed report result results rejected blocked example backup primary exclude "
        "remove search weakest topic criterion verdict decision smallest largest newest longest context "
        "proposal proposed recommend show swap parameters release resume continue which what does "
        "many often models answers about commercial only apache"
    ).split()
)
"""Words of commands and questions. Neither "yes" nor names are among them: nobody is taken at those words."""
_WORD: Final = re.compile(r"[A-Za-z]{4,}")


def mended(text: str) -> str | None:
    """``text`` with each unknown word that is one slip away from exactly one known word put right; None where
    nothing is."""

    def put_right(found: re.Match[str]) -> str:
        word = found[0].casefold()
        if word in KNOWN:
            return found[0]
        near = [known for known in KNOWN if known[0] == word[0] and is_one_slip(word, known)]
        return near[0] if len(near) == 1 else found[0]

    better = _WORD.sub(put_right, text[:400])
    return better if better != text[:400] else None


def is_one_slip(one: str, other: str) -> bool:
    """Whether in ``one`` one letter of ``other`` was left out, added, replaced or exchanged with the next."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return len(one) < len(other)  # a letter more at the end is another form of the word: "approved"
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
