"""A request and what hangs on it: sealing, figures, notices, refusals."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from maskgate.store.columns import Moment
from maskgate.store.tables.metadata import METADATA

_IS_HELD = text("held_until IS NOT NULL")

requests = Table(
    "requests",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("message", Text, nullable=False),
    # what was asked, by whom
    Column("action", String(60), nullable=False),
    Column("subject", String(80)),
    Column("staging", String(80), ForeignKey("stagings.id")),
    Column("destination", JSON),
    Column("why", Text, nullable=False),
    Column("token", String(60)),
    Column("requester_person", String(200)),
    Column("requester_account", String(500)),
    Column("involved", JSON, nullable=False),
    Column("idempotency_key", String(80), unique=True),
    # the run it was asked from, and the task instance whose answer counts
    Column("host", JSON),
    Column("workflow", String(500), nullable=False),
    Column("task_instance_id", String(100)),
    Column("try_number", Integer),
    Column("parked_at", Moment),
    Column("wake_after", Moment),
    Column("wake_attempts", Integer, nullable=False),
    Column("answer_seen", String(80)),
    # what the policy demands
    Column("policy_name", String(200), nullable=False),
    Column("policy_digest", String(80), nullable=False),
    Column("rule", JSON, nullable=False),
    # when
    Column("created_at", Moment, nullable=False),
    Column("asked_at", Moment),
    Column("expires_at", Moment),
    Column("settled_at", Moment),
    # what was sealed, and what is signed
    Column("worker", String(60)),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("sealed", JSON),
    Column("content_digest", String(80)),
    Column("evidence", JSON),
    Column("lineage", JSON),
    Column("intent", JSON),
    Column("intent_digest", String(80)),
    Column("context_digest", String(80)),
    Column("question", JSON),
    Column("cleaned_at", Moment),
    # how it lives over time
    Column("involvement", JSON),
    Column("code_version", String(100)),
    Column("remind_at", Moment),
    Column("reminders", Integer),
    Column("escalate_at", Moment),
    Column("escalated_at", Moment),
    Column("earlier", JSON),
    Column("standing", String(40)),
    # whether the token that asked is an agent's
    Column("agent", Boolean),
    # what an action that releases no staged files is about, with which arguments, and who carries it out
    Column("resource", String(500)),
    Column("arguments", JSON),
    Column("level", String(20)),
    # SHA-256 of the staged manifest when it was asked for
    Column("manifest", String(64)),
    # until when the policy holds what is signed
    Column("held_until", Moment),
    Index("ix_requests_held_until", "held_until", postgresql_where=_IS_HELD, sqlite_where=_IS_HELD),
    Index("ix_requests_remind_at", "remind_at"),
    Index("ix_requests_escalate_at", "escalate_at"),
    Index("ix_requests_content_digest", "content_digest"),
    Index("ix_requests_subject", "subject"),
    Index("ix_requests_workflow_settled_at", "workflow", "settled_at"),
    Index("ix_requests_state_created_at", "state", "created_at", "id"),
    Index("ix_requests_created_at", "created_at", "id"),
    Index("ix_requests_state_expires_at", "state", "expires_at"),
    Index("ix_requests_wake_after", "wake_after"),
    Index("ix_requests_staging", "staging"),
    Index("ix_requests_token_created_at", "token", "created_at", "id"),
    Index("ix_requests_manifest", "manifest"),
)

# Asked for under a staging of their own, and given the request that was open for the same bytes.
asked_again = Table(
    "asked_again",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False, index=True),
    Column("staging", String(80), ForeignKey("stagings.id"), nullable=False),
)

refusals = Table(
    "refusals",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("message", Text, nullable=False),
)

# Which gate seals a request; at the end of the lease another may take it over.
sealings = Table(
    "sealings",
    METADATA,
    Column("request", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("fence", Integer, nullable=False),
    Column("worker", String(60), nullable=False),
    Column("lease_until", Moment, nullable=False),
)

# How much each measured request holds of each dataset; nothing of it is a value of the data.
volumes = Table(
    "volumes",
    METADATA,
    Column("request", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("dataset", String(300), primary_key=True),
    Column("destination", String(200), nullable=False),
    Column("requester", String(300), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("rows", BigInteger),
    Column("bytes", BigInteger),
    Column("columns", Integer),
    Column("column_names", JSON, nullable=False),
    Column("rules_digest", String(80), nullable=False),
    Index("ix_volumes_dataset", "dataset", "destination", "asked_at"),
    Index("ix_volumes_requester", "requester", "asked_at"),
    Index("ix_volumes_asked_at", "asked_at"),
)

notices = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    # Another occasion than that the request came to its state.
    Column("kind", String(30)),
    Index("ix_notices_due_at", "due_at"),
)
