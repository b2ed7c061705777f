"""Whom a message about a request concerns: those who may sign it, and those who asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.history import denied_before

if TYPE_CHECKING:
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request


def audience_of(policy: Policy, request: Request) -> dict[str, list[str]]:
    """Name them, as far as the policy does; members of the identity provider's groups are not known by name.

    Returns:
        ``reviewers``, without those involved; ``requesters``: who asked, or else everyone involved; ``deniers``: who
        denied the same bytes before.
    """
    involved = frozenset(request.involved)
    groups = [policy.reviewers[name] for name in request.reviewer_groups() if name in policy.reviewers]
    reviewers = frozenset[str]().union(*(group.people for group in groups)) - involved
    asked = request.requester_person
    return {
        "reviewers": sorted(reviewers),
        "requesters": sorted(involved) if asked is None else [asked],
        "deniers": denied_before(request),
    }
