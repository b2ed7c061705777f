"""What the gate asks of a handler: carry an approved action out, once, where the credentials for it are.

A handler is registered in the configuration under the verb that it carries out. Whoever asks names the verb, and
neither chooses the handler nor changes what it does: its definition is part of what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from maskgate.errors import MaskgateError, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

LEVEL = "release"


class IndeterminateError(MaskgateError):
    """Whether the action took place cannot be told. It is not tried again."""


@dataclass(frozen=True)
class ActionOrder:
    """What to carry out, under which grant.

    Attributes:
        grant: The consumed grant's id; it never comes a second time.
        request: The request's id.
        resource: What the action is about.
        arguments: The arguments that were signed.
    """

    grant: str
    request: str
    resource: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of an action. Its output is known by its digest alone.

    Attributes:
        succeeded: Whether it did what it was to do.
        exit_code: The exit code of a command, the status of an HTTP answer, or the rows of a statement.
        output_digest: ``sha256:`` and the hash of what it put out; None if it put nothing out that could be hashed.
        output_bytes: How long that was.
    """

    succeeded: bool
    exit_code: int | None = None
    output_digest: str | None = None
    output_bytes: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "succeeded": self.succeeded,
            "exit_code": self.exit_code,
            "output_digest": self.output_digest,
            "output_bytes": self.output_bytes,
        }


class ActionHandler(Protocol):
    """Carries out one verb."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether a process of its own carries it out, so that this one only knows what it is."""
        ...

    @property
    def time_limit(self) -> timedelta:
        """How long it may take; it ends it by itself."""
        ...

    @property
    def offers_dry_run(self) -> bool:
        """Whether it can say what it would do."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Say what it does, for reviewers: everything but secrets. Its digest is signed."""
        ...

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:
        """See whether these are arguments that it takes.

        Raises:
            UsageError: If one is missing, unknown or of another form.
        """
        ...

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Say what it would do, line by line, and do nothing; None if it cannot say.

        Raises:
            Refused: If that shows that it could not be done.
        """
        ...

    def run(self, order: ActionOrder) -> Outcome:
        """Carry the action out.

        Raises:
            Refused: If nothing was done.
            IndeterminateError: If it cannot be told whether it was.
        """
        ...

    def probe(self, grant: str) -> Outcome | None:
        """Say what became of an action that was interrupted; None if nothing of it took place.

        Raises:
            IndeterminateError: If that cannot be told.
        """
        ...


@dataclass(frozen=True)
class HandlerElsewhere:
    """What the gate knows of a handler that a releaser process has: all that is signed, and no credential.

    Attributes:
        known: The handler as the gate's configuration has it.
    """

    known: ActionHandler

    is_elsewhere: ClassVar[bool] = True

    @property
    def time_limit(self) -> timedelta:
        """How long it may take."""
        return self.known.time_limit

    @property
    def offers_dry_run(self) -> bool:
        """Whether it can say what it would do, there."""
        return self.known.offers_dry_run

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return self.known.as_json()

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:
        """See whether these are arguments that it takes."""
        self.known.check(resource, arguments)

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:  # noqa: ARG002  the protocol
        """Say nothing: it takes the credentials, so the gate asks the process that has them (`dry_runs.py`)."""
        return None

    def run(self, order: ActionOrder) -> Outcome:
        """Refuse."""
        raise Refused(f"request {order.request} is carried out by a process of its own, and this is not it.")

    def probe(self, grant: str) -> Outcome | None:
        """Say that it cannot be told here."""
        raise IndeterminateError(f"What became of the grant {grant} only a process of its own can tell.")
