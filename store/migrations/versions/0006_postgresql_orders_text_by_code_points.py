"""PostgreSQL orders text by code points, and numbers of rows are wide

SQLite does both already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBERED = ("claims", "facts", "orders")
TABLES = (
    *("answers", "approvals", "artefacts", "assessments", "calls", "candidates", "claims", "creations"),
    *("documents", "events", "facts", "fetches", "labels", "leases", "materials", "messages", "orders"),
    *("pages", "reviews", "runs", "scenarios", "searches", "sightings", "tables", "threads", "verdicts"),
    "waves",
)


def upgrade() -> None:
    _change("C", "bigint")


def downgrade() -> None:
    _change("default", "integer")


def _change(collation: str, width: str) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    inspector = sa.inspect(connection)
    for table in TABLES:
        changes = []
        for column in inspector.get_columns(table):
            if isinstance(kind := column["type"], sa.String):
                kind.collation = None
                words = kind.compile(connection.dialect)
                changes.append(f'ALTER COLUMN "{column["name"]}" TYPE {words} COLLATE "{collation}"')
        if table in NUMBERED:
            changes.append(f"ALTER COLUMN id TYPE {width}")
            op.execute(f"ALTER SEQUENCE {table}_id_seq AS {width}")
        if changes:
            op.execute(f"ALTER TABLE {table} {', '.join(changes)}")
