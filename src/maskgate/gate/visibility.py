"""Who may see a request: auditors all, a token its own, an operator those about keys, a person what concerns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.governed import REVOKE_GATE_KEY, ROTATE_GATE_KEY

if TYPE_CHECKING:
    from maskgate.gate.model import Caller, Identity
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request


def may_see(request: Request, caller: Caller, policy: Policy) -> bool:
    """Whether a caller may know of a request at all."""
    if caller.role == "auditor":
        return True
    if caller.role == "pipeline":
        return caller.token is not None and request.token == caller.token
    if caller.role == "operator":
        return request.action in {ROTATE_GATE_KEY, REVOKE_GATE_KEY}
    return caller.identity is not None and is_concerned(request, caller.identity, policy)


def is_concerned(request: Request, identity: Identity, policy: Policy) -> bool:
    """Whether somebody is involved in a request, or is among its reviewers."""
    person = policy.people.person_of(identity.accounts)
    if person is None:
        return False
    if person in request.involved or person in request.named:
        return True
    # To read, the groups of the login suffice, however long ago it was; to decide, they do not.
    groups = policy.groups_of(person, identity, identity.groups_at or identity.authenticated_at or request.created_at)
    return bool(groups & request.reviewer_groups(breaks_glass=True))
