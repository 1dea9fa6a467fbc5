"""Public leaderboards as evidence, read without a key.

``leaderboards_for`` says which ones speak to a domain, ``read_leaderboard`` fetches one, and
``claims_from_standings`` turns its figures into claims about candidates. ``unknown_names`` are models that a
leaderboard knows and the ledger does not.
"""

from tools.leaderboards.boards import Format, Leaderboard, Measure, leaderboards, leaderboards_for
from tools.leaderboards.claims import Rank, UnknownName, claims_from_standings, unknown_names
from tools.leaderboards.standings import Entry, Figure, Standings, read_leaderboard, standings_from

__all__ = [
    "Entry",
    "Figure",
    "Format",
    "Leaderboard",
    "Measure",
    "Rank",
    "Standings",
    "UnknownName",
    "claims_from_standings",
    "leaderboards",
    "leaderboards_for",
    "read_leaderboard",
    "standings_from",
    "unknown_names",
]
