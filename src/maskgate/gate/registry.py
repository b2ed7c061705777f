"""What the gate's configuration registers: nobody names a raw URI, a host's address or an account in a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskgate.errors import UsageError
from maskgate.gate.model import Limits
from maskgate.gate.tokens import USUAL_TOKENS, TokenHolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.authors import CodeRepository
    from maskgate.gate.model import Destination, StagingRoot
    from maskgate.gate.sources import Source


@dataclass(frozen=True)
class Registry:
    """Places and limits, as configured.

    Attributes:
        url: Where people reach the gate.
        staging: Staging roots by id; the first is the default.
        destinations: Destinations by id.
        sources: What the releaser masks itself, by id.
        tokens: Whose each token is, by its name.
        code: The repository that holds the code of an orchestrator, by its name such as ``airflow:prod``.
        own_code: The repository that holds the gate's own policy and rules.
        limits: How much one request may use.
    """

    url: str
    staging: Mapping[str, StagingRoot]
    destinations: Mapping[str, Destination]
    tokens: Mapping[str, TokenHolder] = field(default_factory=lambda: USUAL_TOKENS)
    code: Mapping[str, CodeRepository] = field(default_factory=dict)
    own_code: CodeRepository | None = None
    limits: Limits = field(default_factory=Limits)
    sources: Mapping[str, Source] = field(default_factory=dict)

    def holder(self, token: str | None) -> TokenHolder:
        """Return whose token this is; a holder without anything that is known if the configuration does not say."""
        name = token or ""
        return self.tokens.get(name, TokenHolder(name, ""))

    def destination(self, id_: str) -> Destination:
        """Return a registered destination.

        Raises:
            UsageError: If there is none of this id.
        """
        if id_ not in self.destinations:
            known = ", ".join(sorted(self.destinations)) or "none"
            raise UsageError(f"no destination {id_[:80]!r} is registered at this gate. Registered: {known}.")
        return self.destinations[id_]

    def source(self, id_: str) -> Source:
        """Return a registered source.

        Raises:
            UsageError: If there is none of this id.
        """
        if id_ not in self.sources:
            known = ", ".join(sorted(self.sources)) or "none"
            raise UsageError(f"no source {id_[:80]!r} is registered at this gate. Registered: {known}.")
        return self.sources[id_]

    def staging_root(self, id_: str | None) -> StagingRoot:
        """Return a registered staging root; the default one for None.

        Raises:
            UsageError: If there is none of this id.
        """
        if id_ is None:
            return next(iter(self.staging.values()))
        if id_ not in self.staging:
            known = ", ".join(sorted(self.staging))
            raise UsageError(f"no staging root {id_[:80]!r} is registered at this gate. Registered: {known}.")
        return self.staging[id_]

    def review_url(self, request: str) -> str:
        """Return the address of a request's page. It carries no authority."""
        return f"{self.url.rstrip('/')}/requests/{request}"
