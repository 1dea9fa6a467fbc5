"""What was read somewhere, kept with the texts that it cites in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from store import reading, research
from tools.candidates import Claim
from tools.facts import Fact


def keep_findings(
    session: Session, run_id: str, texts: Iterable[str], facts: Sequence[Fact], claims: Sequence[Claim]
) -> None:
    """A finding is stored only where its source stands in a stored text, so the texts come first."""
    for text in texts:
        reading.keep_text(session, run_id, text)
    if facts:
        research.keep_facts(session, run_id, facts)
    if claims:
        research.keep_claims(session, run_id, claims)
