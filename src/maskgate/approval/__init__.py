"""Acting against a signed grant in the caller's own process: the level *verify*.

It stops mistakes, replays, changed arguments and steps that were taken without a signature. It does not hold back an
author who has the credentials and leaves the check out: for that, register a handler at the gate.
"""

from __future__ import annotations

from maskgate.approval.call import Call
from maskgate.approval.requires_approval import requires_approval
from maskgate.approval.signed_action import carry_out

__all__ = ["Call", "carry_out", "requires_approval"]
