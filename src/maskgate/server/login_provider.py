"""An identity provider, as the gate's configuration describes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.gate.model import GROUPS_ARE_FRESH

if TYPE_CHECKING:
    from datetime import timedelta

GROUPS_FROM = ("id_token", "userinfo", "graph")
GRAPH = "https://graph.microsoft.com/v1.0"


@dataclass(frozen=True)
class LoginProvider:
    """One identity provider of the configuration.

    Args:
        id: Its name here; the first half of an account such as ``okta|00u1``.
        issuer: Its issuer URL, exactly as its tokens say.
        client_id: This gate's name there.
        client_secret: This gate's secret there; none for a public client.
        groups_claim: Which claim lists the person's groups.
        groups_from: Where groups are: in the ``id_token`` of the login, or, at the moment of a decision, in what the
            ``userinfo`` endpoint answers, or Microsoft ``graph``.
        groups_fresh: How long groups of an id token count, from the login on.
        scope: What to ask for; some providers send groups only when asked for the scope ``groups``.
        graph_url: Where Microsoft Graph is; national clouds have their own.
    """

    id: str
    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    groups_claim: str = "groups"
    groups_from: str = "id_token"
    groups_fresh: timedelta = GROUPS_ARE_FRESH
    scope: str = "openid profile"
    graph_url: str = GRAPH

    @property
    def is_asked_each_time(self) -> bool:
        """Whether it is asked for groups at each decision."""
        return self.groups_from != "id_token"
