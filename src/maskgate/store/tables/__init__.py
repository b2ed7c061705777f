"""The tables of ledger and gate, as SQLAlchemy knows them.

Rows hold what is true now; the ledger holds how it came about. JSON columns hold values that are read whole.
"""

from maskgate.store.tables.governing import (
    destinations,
    findings,
    frontier,
    key_statements,
    ledger,
    policies,
    rules,
    settings,
)
from maskgate.store.tables.metadata import METADATA
from maskgate.store.tables.people import (
    announcements,
    delegations,
    passkey_challenges,
    passkeys,
    sessions,
    tokens,
    used_logins,
)
from maskgate.store.tables.requesting import asked_again, notices, refusals, requests, sealings, volumes
from maskgate.store.tables.signing import decisions, grants, post_reviews, standing_approvals, views
from maskgate.store.tables.staged import maskings, staging_keys, stagings

__all__ = [
    "METADATA",
    "announcements",
    "asked_again",
    "decisions",
    "delegations",
    "destinations",
    "findings",
    "frontier",
    "grants",
    "key_statements",
    "ledger",
    "maskings",
    "notices",
    "passkey_challenges",
    "passkeys",
    "policies",
    "post_reviews",
    "refusals",
    "requests",
    "rules",
    "sealings",
    "sessions",
    "settings",
    "staging_keys",
    "stagings",
    "standing_approvals",
    "tokens",
    "used_logins",
    "views",
    "volumes",
]
