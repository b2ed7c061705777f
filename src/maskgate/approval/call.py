"""One call that waits for a signature, and is then made once.

::

    ask ─▶ wait ─▶ (arguments are hashed again) ─▶ begin: the grant is used ─▶ the caller acts ─▶ report

* The grant is checked here too: signed by the gate's key, for this request and this very call.
* While the caller acts it says so now and then. If it dies, the gate knows that nobody knows, and nothing is repeated.
"""

from __future__ import annotations

import base64
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from maskgate.errors import Conflict, GateUnreachable, MaskgateError, Refused, UsageError
from maskgate.gate.calls import VERIFY, call_digest, checked_arguments
from maskgate.gate.grants import open_envelope
from maskgate.gate.how_it_ended import how_it_ended
from maskgate.gate.ring import Ring
from maskgate.gate.signer import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.gate.client import GateClient
    from maskgate.gate.grants import Grant

FINGERPRINT = "MASKGATE_FINGERPRINT"
_FOR_EVER = 10 * 365 * 86400.0
_TRIES = 5
_OPEN = frozenset({"sealing", "pending"})


@dataclass(frozen=True)
class Begun:
    """The right to act now.

    Attributes:
        grant: The signed grant, checked.
        fence: The attempt, which the receipt names.
        lease_seconds: How long the gate waits for a word.
    """

    grant: Grant
    fence: int
    lease_seconds: int


class Call:
    """An action, its resource and its arguments, asked for at a gate.

    Args:
        client: The gate.
        action: The verb.
        resource: What it is about.
        why: Why, for the reviewer.
        arguments: Every argument, as JSON values.
        host: The run that asks.
        fingerprint: The fingerprint of the gate's key, as its first start printed it; several with commas between.
            By default that of MASKGATE_FINGERPRINT. Without one, whoever answers at the gate's address is believed.
        document: The request, where it was made before; then nothing is asked anew.
    """

    def __init__(
        self,
        client: GateClient,
        action: str,
        resource: str,
        *,
        why: str = "",
        arguments: Mapping[str, Any] | None = None,
        host: Mapping[str, Any] | None = None,
        fingerprint: str | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        self.client = client
        self.action = action
        self.resource = resource
        self._host = host
        pinned = fingerprint or os.environ.get(FINGERPRINT, "")
        self._pinned = frozenset(each.strip() for each in pinned.split(",") if each.strip())
        asked = checked_arguments(None if arguments is None else dict(arguments))
        if document is None:
            document = client.request(action=action, resource=resource, why=why, arguments=asked, host=host)
        self.document = dict(document)
        self._must_be_of(asked)

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.document["id"])

    @property
    def url(self) -> str:
        """Where people sign."""
        return str(self.document["url"])

    def wait(
        self, seconds: float | None = None, on_progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Wait until it is signed.

        Args:
            seconds: How long; None for as long as the request is open.
            on_progress: Told of what is new.

        Raises:
            StillPending: If nobody has signed by then; the message has the address to sign at.
            Refused: If it was denied, has run out, or was used before.
        """
        limit = _FOR_EVER if seconds is None else seconds
        self.document = self.client.wait(self.id, lambda each: each["state"] not in _OPEN, limit, on_progress)
        if self.document["state"] != "approved":
            raise Refused(how_it_ended(self.document))
        return self.document

    def begin(self, arguments: Mapping[str, Any]) -> Begun:
        """Use the grant up, if these are the arguments that were signed. Whoever has called it, acts.

        Raises:
            Conflict: If they are others, or the grant was used.
            Refused: If the grant is not one of this gate for this call.
        """
        self.must_still_be(arguments)
        digest = str(self.document["content_digest"])
        handed = self.client.release(self.id, self._host, arguments_digest=digest).get("grant")
        if not isinstance(handed, dict):
            raise GateUnreachable(f"the gate handed out no grant for request {self.id}. Is that the gate's address?")
        fence = int(handed["fence"])
        try:
            grant = self._checked(handed, digest)
        except MaskgateError:
            with suppress(MaskgateError):  # whoever it is that answers there, is told that nothing was done
                self.client.report(self.id, fence, {"succeeded": False})
            raise
        return Begun(grant, fence, int(handed["lease_seconds"]))

    def must_still_be(self, arguments: Mapping[str, Any], resource: str | None = None) -> None:
        """See that the arguments are those that were signed.

        Raises:
            Conflict: If they are others.
        """
        is_same = self._digest_of(checked_arguments(dict(arguments))) == self.document["content_digest"]
        if not is_same or resource not in {None, self.resource}:
            raise Conflict(
                f"the arguments have changed since request {self.id} was made. Nothing was done; ask again for what "
                "is to be done now."
            )

    @contextmanager
    def carrying_out(self, begun: Begun) -> Iterator[None]:
        """Tell the gate now and then that the caller is at it."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(begun.lease_seconds / 5):
                with suppress(MaskgateError):  # the next one may get through; the lease is longer than that
                    self.client.report(self.id, begun.fence)

        teller = threading.Thread(target=tell, name=f"maskgate-{self.id}", daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()

    def report(
        self,
        begun: Begun,
        *,
        succeeded: bool,
        exit_code: int | None = None,
        output_digest: str | None = None,
        output_bytes: int | None = None,
    ) -> dict[str, Any]:
        """Say how it ended, once.

        Raises:
            GateUnreachable: If the gate does not answer for a while. It was done all the same.
        """
        outcome = {
            "succeeded": succeeded,
            "exit_code": exit_code,
            "output_digest": output_digest,
            "output_bytes": output_bytes,
        }
        for attempt in range(_TRIES):
            try:
                self.document = self.client.report(self.id, begun.fence, outcome)
            except GateUnreachable:
                time.sleep(0.2 * 2**attempt)
            else:
                return self.document
        raise GateUnreachable(
            f"request {self.id} was carried out, but the gate did not answer to be told how it ended. It will be "
            "indeterminate there; do not repeat it unseen"
        )

    def _digest_of(self, arguments: Mapping[str, Any]) -> str:
        return call_digest(self.action, self.resource, arguments, str(self.document["call"]["salt"]))

    def _must_be_of(self, arguments: Mapping[str, Any]) -> None:
        if self.document.get("level") != VERIFY:
            raise UsageError(
                f"the gate has a handler for `{self.action}` and carries it out itself. Ask for it with "
                "GateClient.request and release it there."
            )
        if self._digest_of(arguments) != self.document["content_digest"]:
            raise Refused(f"request {self.id} is for another call than this one. Nothing was done.")

    def _checked(self, handed: Mapping[str, Any], digest: str) -> Grant:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(handed["public_key"]))
        if self._pinned and fingerprint_of(key) not in self._pinned:
            raise Refused(
                f"the grant of request {self.id} is signed with the key {fingerprint_of(key)}, which is not the pinned "
                f"one ({FINGERPRINT}). Nothing was done."
            )
        grant = open_envelope(handed["envelope"], Ring.of(key))
        signed = (grant.request, grant.action, grant.content_digest, grant.intent_digest)
        if signed != (self.id, self.action, digest, self.document["intent_digest"]):
            raise Refused(f"the grant of request {self.id} is for something else. Nothing was done.")
        return grant
