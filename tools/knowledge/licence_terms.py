"""Records of ``licences.yaml``: what each licence says about commercial use and about domains."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class Checked(BaseModel):
    """A public text against which an entry was checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https://")
    day: date
    """When it was read."""


class Clause(BaseModel):
    """A clause of a use policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    touches: tuple[str, ...] = Field(min_length=1)
    """Subjects it restricts, as in ``licence_watch`` of a domain; ``any`` concerns every domain."""
    says: str = Field(min_length=20)
    """One sentence for the person."""
    quote: str = ""
    """The clause's own words; empty where they were not read."""
    source: str = Field(pattern=r"^https://")


class LicenceTerms(BaseModel):
    """One licence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    """SPDX identifier in lower case, the Hub's tag, or the Hub's ``license_name``."""
    display: str
    commercial: Literal["yes", "conditional", "no"]
    condition: str = ""
    """What commercial use depends on; required where ``commercial`` is not ``yes``."""
    aliases: tuple[str, ...] = ()
    """Other tags and names; compared without case and punctuation."""
    text_begins: tuple[str, ...] = ()
    """Titles by which the licence's own text is recognised."""
    prose: Pattern | None = None
    """How sentences name it; case ignored. None where its names and title are enough."""
    covers: tuple[str, ...] = ()
    """Beginnings of repository names, lower case, whose weights are known to stand under it."""
    clauses: tuple[Clause, ...] = ()
    sources: tuple[str, ...] = Field(min_length=1)
    """Addresses of the licence's text."""
    checked: tuple[Checked, ...] = ()
    """Public texts that the entry was checked against; empty where it is general knowledge."""

    @model_validator(mode="after")
    def _states_its_condition(self) -> LicenceTerms:
        if (self.commercial == "yes") == bool(self.condition):
            raise ValueError(f"{self.key}: a condition is stated exactly when commercial is not 'yes'")
        return self


class Licences(BaseModel):
    """Every licence known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    licences: tuple[LicenceTerms, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Licences:
        names = [name for terms in self.licences for name in sorted({folded(n) for n in _names(terms)})]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return self

    def find(self, stated: str) -> LicenceTerms | None:
        """The licence that a tag, a name or the beginning of a licence text names.

        ``license:apache-2.0``, ``other (mrl)``, ``other: mrl`` and the first words of a licence text such as
        ``LLAMA 3.1 COMMUNITY LICENSE AGREEMENT …`` are understood; ``other`` alone names nothing.
        """
        text = re.sub(r"^licen[sc]e\s*:\s*", "", stated.strip(), flags=re.IGNORECASE)
        for wanted in (text, re.sub(r"^other\b[\s:(/,-]*", "", text, flags=re.IGNORECASE).rstrip(") ")):
            for terms in self.licences:
                if folded(wanted) and folded(wanted) in {folded(name) for name in _names(terms)}:
                    return terms
        return self._by_text(text)

    def named_in(self, text: str) -> LicenceTerms | None:
        """The licence that a sentence names first. One that is said to be the code's alone does not count."""
        best: tuple[int, int, LicenceTerms] | None = None
        for terms in self.licences:
            for found in re.finditer(terms.prose, text, re.IGNORECASE) if terms.prose else ():
                place = (found.start(), -len(found.group()))
                if not _OF_CODE.search(text[: found.start()]) and (best is None or place < best[:2]):
                    best = (*place, terms)
        return best[2] if best else None

    def covering(self, repo: str) -> LicenceTerms | None:
        """The licence that the weights of ``repo`` are known to stand under, by the longest name."""
        best: tuple[int, LicenceTerms] | None = None
        for terms in self.licences:
            for beginning in terms.covers:
                if repo.lower().startswith(beginning) and (best is None or len(beginning) > best[0]):
                    best = (len(beginning), terms)
        return best[1] if best else None

    def _by_text(self, text: str) -> LicenceTerms | None:
        beginning = folded(text[:300])
        for terms in self.licences:
            if any(beginning.startswith(folded(title)) for title in terms.text_begins):
                return terms
        return None


_OF_CODE = re.compile(
    r"\b(?:code|repository|scripts?)\b(?![^.;]{0,60}\b(?:weights|model))[^.;]{0,60}$", re.IGNORECASE
)


def _names(terms: LicenceTerms) -> tuple[str, ...]:
    return (terms.key, terms.display, *terms.aliases)


def folded(name: str) -> str:
    """Letters and digits only, lower case, American spelling: ``Apache-2.0`` → ``apache20``."""
    return re.sub(r"[^a-z0-9]+", "", name.lower().replace("licence", "license"))
