"""The HTTP API under ``/api``: runs, tables, evidence, approvals, labels, reports, events."""
