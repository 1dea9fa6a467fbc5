"""PostgreSQL takes text of any length

SQLite does already. No table is rewritten: a column that loses its bound stays as it is. One index is
built anew, the one of open orders: PostgreSQL keeps none that has a condition. There are few of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LENGTHS = {
    "answers": {"run_id": 40, "role": 10, "scenario_id": 64, "outcome": 40},
    "approvals": {"run_id": 40, "action": 20, "table_hash": 80, "by": 120},
    "artefacts": {"run_id": 40, "role": 10, "candidate": 200},
    "assessments": {"run_id": 40, "role": 10, "scenario_id": 64, "judge": 200, "outcome": 60},
    "calls": {"run_id": 40, "purpose": 40, "key": 80},
    "candidates": {"run_id": 40, "key": 200, "standing": 10},
    "claims": {"run_id": 40, "candidate": 200, "fingerprint": 64},
    "creations": {"key": 200, "fingerprint": 64, "run_id": 40},
    "documents": {"run_id": 40, "path": 500, "sha256": 64},
    "events": {"run_id": 40, "stage": 20, "kind": 30},
    "facts": {"run_id": 40, "candidate": 200, "factor": 40, "fingerprint": 64},
    "fetches": {"run_id": 40, "url_hash": 64, "outcome": 10, "reason": 60, "content_hash": 80},
    "labels": {"run_id": 40, "role": 10, "scenario_id": 64, "by": 120},
    "leases": {"run_id": 40, "holder": 200, "last_write": 32},
    "materials": {"run_id": 40, "kind": 20},
    "messages": {"thread_id": 40, "id": 80, "author": 10},
    "orders": {"run_id": 40, "kind": 10, "prompt_id": 80, "by": 120},
    "pages": {"content_hash": 80},
    "reviews": {"run_id": 40, "role": 10, "by": 120},
    "runs": {"id": 40, "status": 20, "stage": 20},
    "scenarios": {"run_id": 40, "id": 64},
    "searches": {"run_id": 40, "engine": 40, "query": 400, "outcome": 10, "reason": 60},
    "sightings": {"run_id": 40, "source": 400, "candidate": 200},
    "tables": {"run_id": 40, "hash": 80},
    "threads": {"id": 40, "run_id": 40},
    "verdicts": {
        "run_id": 40,
        "role": 10,
        "scenario_id": 64,
        "assessed_by": 200,
        "criterion": 40,
        "verdict": 20,
        "judge": 200,
    },
    "waves": {"run_id": 40},
}


def upgrade() -> None:
    _change(bounded=False)


def downgrade() -> None:
    """Refused by PostgreSQL where something longer is stored."""
    _change(bounded=True)


def _change(*, bounded: bool) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in LENGTHS.items():
        changes = []
        for name, length in columns.items():
            kind = sa.String(length if bounded else None, collation="C")
            changes.append(f'ALTER COLUMN "{name}" TYPE {kind.compile(op.get_bind().dialect)}')
        op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
