"""Rows: everything that a run has seen, decided and measured, in SQL."""
