"""Searching the web: ``SearchEngine`` is the contract; a block is never an empty result."""

from tools.search.base import SearchEngine, SearchHit

__all__ = ["SearchEngine", "SearchHit"]
