"""Actions that change the gate itself. The policy in force has to permit them, and somebody has to sign."""

from __future__ import annotations

# No pipeline asks for these. Keys of pipelines are another matter: `rotate-key` is an action like any other.
CHANGE_POLICY = "change-policy"
CHANGE_REVIEWERS = "change-reviewers"
CHANGE_DESTINATIONS = "change-destinations"
REGISTER_RULES = "register-rules"
ROTATE_GATE_KEY = "rotate-gate-key"
REVOKE_GATE_KEY = "revoke-gate-key"

# Changes that come as a file, so that nobody is known to have made them.
OF_UNKNOWN_AUTHOR = frozenset({CHANGE_POLICY, CHANGE_REVIEWERS, CHANGE_DESTINATIONS, REGISTER_RULES})
GOVERNED_ACTIONS = OF_UNKNOWN_AUTHOR | {ROTATE_GATE_KEY, REVOKE_GATE_KEY}
