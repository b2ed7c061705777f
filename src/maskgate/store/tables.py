"""The tables of ledger and gate, as SQLAlchemy knows them.

Rows hold what is true now; the ledger holds how it came about. JSON columns hold values that are read whole.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from maskgate.store.columns import Moment

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ledger = Table(
    "ledger",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("type", String(60), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
)

# The right edge of the Merkle tree, so that its root is known without reading the ledger.
frontier = Table(
    "frontier",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

settings = Table(
    "settings",
    METADATA,
    Column("name", String(60), primary_key=True),
    Column("value", JSON, nullable=False),
)

_IS_HELD = text("held_until IS NOT NULL")

tokens = Table(
    "tokens",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("name", String(60), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
)

policies = Table(
    "policies",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("text", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("activated_at", Moment),
)

rules = Table(
    "rules",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("content", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("registered_at", Moment),
)

stagings = Table(
    "stagings",
    METADATA,
    Column("id", String(80), primary_key=True),
    Column("root", String(60), nullable=False),
    Column("token", String(60), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("deleted_at", Moment),
)

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

decisions = Table(
    "decisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("person", String(200), nullable=False),
    Column("account", String(500), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("slots", JSON, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("acting_for", String(200)),
    Column("standing", String(80)),
    Column("batch", String(40)),
    Column("break_glass", Boolean),
    # how sure it is who decided, and whether they looked: login, passkey, first view
    Column("circumstances", JSON),
    UniqueConstraint("request", "person"),
)

# When somebody first saw the page of a request.
views = Table(
    "views",
    METADATA,
    Column("request", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("person", String(200), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)

# Public keys with which people sign decisions.
passkeys = Table(
    "passkeys",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("credential", Text, nullable=False),
    Column("person", String(200), nullable=False, index=True),
    Column("account", String(500), nullable=False),
    Column("name", String(100), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("registered_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
)

# What a passkey was asked to sign, until it has, or its time is over.
passkey_challenges = Table(
    "passkey_challenges",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("statement", JSON, nullable=False),
    Column("made_at", Moment, nullable=False, index=True),
)

# What one person is to be told, beside how requests stand.
announcements = Table(
    "announcements",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("person", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, index=True),
)

refusals = Table(
    "refusals",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("message", Text, nullable=False),
)

grants = Table(
    "grants",
    METADATA,
    Column("id", String(60), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("envelope", JSON, nullable=False),
    Column("release_name", String(120), nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("not_after", Moment, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("lease_until", Moment),
    Column("worker", String(60)),
    Column("receipt", JSON),
    Index("ix_grants_state_lease_until", "state", "lease_until"),
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

# Who is logged in, by the hash of what the browser keeps: the rows alone let nobody in.
sessions = Table(
    "sessions",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("account", String(500), nullable=False),
    Column("name", Text, nullable=False),
    Column("groups", JSON, nullable=False),
    Column("authenticated_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False, index=True),
    # what the identity provider said of the login; its access token only whoever has the cookie can read
    Column("proved_at", Moment),
    Column("methods", JSON),
    Column("context_class", String(200)),
    Column("groups_missing", Text),
    Column("access", LargeBinary),
)

used_logins = Table(
    "used_logins",
    METADATA,
    Column("hash", String(64), primary_key=True),
    Column("used_at", Moment, nullable=False, index=True),
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

# Destinations that somebody has signed, or that the gate began with; others of the configuration are of no use.
destinations = Table(
    "destinations",
    METADATA,
    Column("digest", String(80), primary_key=True),
    Column("id", String(200), nullable=False),
    Column("content", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("activated_at", Moment),
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

# Who stands in for whom, from when until when.
delegations = Table(
    "delegations",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("delegator", String(200), nullable=False),
    Column("delegate", String(200), nullable=False),
    Column("why", Text, nullable=False),
    Column("begins_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("ix_delegations_delegate", "delegate", "ends_at"),
)

# Signed once for many exports of one kind; `key` is the digest of what they have in common.
standing_approvals = Table(
    "standing_approvals",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("key", String(80), nullable=False),
    Column("intent", JSON, nullable=False),
    Column("digest", String(80), nullable=False),
    Column("decisions", JSON, nullable=False),
    Column("signers", JSON, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_because", Text),
    Index("ix_standing_approvals_key", "key", "state"),
    Index("ix_standing_approvals_state", "state"),
)

# What has to be looked at after a break-glass; while one is open there is no other.
post_reviews = Table(
    "post_reviews",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("request", String(40), ForeignKey("requests.id"), nullable=False),
    Column("person", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("ticket", String(200), nullable=False),
    Column("skipped", JSON, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", String(200)),
    Column("finding", Text),
    Index("ix_post_reviews_closed_at", "closed_at"),
)

# Rotations and revocations of the gate's key, each signed by the key before it; nothing here is believed unverified.
key_statements = Table(
    "key_statements",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("statement", JSON, nullable=False),
)

# What a look at hosts and destinations found that no request explains, once each.
findings = Table(
    "findings",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("kind", String(60), nullable=False),
    Column("request", String(40)),
    Column("about", JSON, nullable=False),
    Column("found_at", Moment, nullable=False),
    Index("ix_findings_found_at", "found_at"),
)

# The key of each encrypted staging, wrapped by a key that is not here; a row that is gone makes its files unreadable.
staging_keys = Table(
    "staging_keys",
    METADATA,
    Column("staging", String(80), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

# What the releaser masks itself: from which source, who is at it, and what it says of it once it is done.
maskings = Table(
    "maskings",
    METADATA,
    Column("staging", String(80), ForeignKey("stagings.id"), primary_key=True),
    Column("key", String(80), nullable=False),
    Column("source", String(60), nullable=False),
    Column("source_digest", String(80), nullable=False),
    Column("rules", String(80), nullable=False),
    Column("tables", JSON, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", String(60)),
    Column("lease_until", Moment),
    Column("masked_at", Moment),
    Column("masked", JSON),
    Index("ix_maskings_key", "key"),
)
