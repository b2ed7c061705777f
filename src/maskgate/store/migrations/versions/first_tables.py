"""The first tables of ledger and gate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from maskgate.store.columns import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "frontier",
    "ledger",
    "policies",
    "rules",
    "settings",
    "stagings",
    "tokens",
    "requests",
    "decisions",
    "grants",
    "notices",
    "refusals",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "frontier",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_frontier"),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_ledger"),
    )
    op.create_table(
        "policies",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("activated_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_policies"),
    )
    op.create_table(
        "rules",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("registered_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_rules"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "stagings",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("root", sa.String(length=60), nullable=False),
        sa.Column("token", sa.String(length=60), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stagings"),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_tokens"),
        sa.UniqueConstraint("name", name="uq_tokens_name"),
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=True),
        sa.Column("staging", sa.String(length=80), nullable=True),
        sa.Column("destination", sa.JSON(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("token", sa.String(length=60), nullable=True),
        sa.Column("requester_person", sa.String(length=200), nullable=True),
        sa.Column("requester_account", sa.String(length=500), nullable=True),
        sa.Column("involved", sa.JSON(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("host", sa.JSON(), nullable=True),
        sa.Column("workflow", sa.String(length=500), nullable=False),
        sa.Column("task_instance_id", sa.String(length=100), nullable=True),
        sa.Column("try_number", sa.Integer(), nullable=True),
        sa.Column("parked_at", Moment(), nullable=True),
        sa.Column("wake_after", Moment(), nullable=True),
        sa.Column("wake_attempts", sa.Integer(), nullable=False),
        sa.Column("answer_seen", sa.String(length=80), nullable=True),
        sa.Column("policy_name", sa.String(length=200), nullable=False),
        sa.Column("policy_digest", sa.String(length=80), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("worker", sa.String(length=60), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.JSON(), nullable=True),
        sa.Column("content_digest", sa.String(length=80), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("lineage", sa.JSON(), nullable=True),
        sa.Column("intent", sa.JSON(), nullable=True),
        sa.Column("intent_digest", sa.String(length=80), nullable=True),
        sa.Column("context_digest", sa.String(length=80), nullable=True),
        sa.Column("question", sa.JSON(), nullable=True),
        sa.Column("cleaned_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["staging"], ["stagings.id"], name="fk_requests_staging_stagings"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
        sa.UniqueConstraint("idempotency_key", name="uq_requests_idempotency_key"),
    )
    op.create_index("ix_requests_state", "requests", ["state"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=200), nullable=False),
        sa.Column("account", sa.String(length=500), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_decisions_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("request", "person", name="uq_decisions_request"),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("envelope", sa.JSON(), nullable=False),
        sa.Column("release_name", sa.String(length=120), nullable=False),
        sa.Column("issued_at", Moment(), nullable=False),
        sa.Column("not_after", Moment(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("worker", sa.String(length=60), nullable=True),
        sa.Column("receipt", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_grants_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.UniqueConstraint("request", name="uq_grants_request"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_notices_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
    )
    op.create_index("ix_notices_due_at", "notices", ["due_at"], unique=False)
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="fk_refusals_request_requests"),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
    )
    op.create_index("ix_refusals_request", "refusals", ["request"], unique=False)
    _keep_the_ledger()


def downgrade() -> None:
    """Drop the tables, and everything that was recorded."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION ledger_is_append_only()")


def _keep_the_ledger() -> None:
    """Refuse every change of an entry, by whoever holds the tables."""
    verbs = ("UPDATE", "DELETE", "TRUNCATE")
    if op.get_bind().dialect.name == "sqlite":
        for verb in verbs[:2]:
            op.execute(
                f"CREATE TRIGGER ledger_refuses_{verb.lower()} BEFORE {verb} ON ledger "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    for verb in verbs:
        op.execute(
            f"CREATE TRIGGER ledger_refuses_{verb.lower()} BEFORE {verb} ON ledger "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
        )
