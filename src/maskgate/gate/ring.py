"""The ring: the public keys whose signatures count, and when each was the gate's key.

* It is pinned: a file that whoever runs a releaser has put there, never a row of a database. Who can write rows could
  bring a key of their own.
* A signature counts if its key was in use at the moment that was signed: a key that was replaced still answers for
  what it signed before.
* A revoked key answers for nothing any more, whatever moment was signed.
* There is one algorithm. A key of another is refused when the ring is read.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from maskgate.clock import moment, timestamp
from maskgate.errors import KeyReferenceError, Refused
from maskgate.gate.signer import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

TYPE = "maskgate-ring/1"
ALGORITHM = "ed25519"
# As far as the ledger tolerates a clock that has jumped back.
_TOLERATED = timedelta(seconds=5)
_FIELDS = {"kid", "algorithm", "public_key", "not_before", "not_after", "revoked"}


@dataclass(frozen=True)
class RingKey:
    """One public key of a gate, and its time.

    Attributes:
        public_key: The key.
        not_before: Since when the gate signs by it; None for always.
        not_after: When another took its place; None while it is in use.
        revoked_at: When it was revoked; None if it was not.
    """

    public_key: Ed25519PublicKey
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """The key's name: its hash."""
        return fingerprint_of(self.public_key)

    def was_in_use(self, at: datetime) -> bool:
        """Whether the gate signed by it at some moment."""
        began = self.not_before is None or self.not_before <= at + _TOLERATED
        return began and (self.not_after is None or at <= self.not_after + _TOLERATED)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "kid": self.fingerprint,
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(self.public_key.public_bytes_raw()).decode(),
            "not_before": _written(self.not_before),
            "not_after": _written(self.not_after),
            "revoked": _written(self.revoked_at),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Make it of its fields as JSON has them.

        Raises:
            ValueError: If they are not those of one key, with a sentence about why.
        """
        if not isinstance(value, dict) or value.keys() != _FIELDS:
            raise ValueError(f"a key has exactly {', '.join(sorted(_FIELDS))}")
        if value["algorithm"] != ALGORITHM:
            raise ValueError(f"a key's algorithm is {ALGORITHM}, and no other")
        key = public_key_of(value["public_key"])
        if fingerprint_of(key) != value["kid"]:
            raise ValueError("a key's `kid` is not the hash of its `public_key`")
        return cls(key, _read(value["not_before"]), _read(value["not_after"]), _read(value["revoked"]))


class Ring:
    """Public keys in the order in which they came into use."""

    def __init__(self, keys: Iterable[RingKey]) -> None:
        self.keys = tuple(keys)
        self._by_name = {key.fingerprint: key for key in self.keys}

    def __repr__(self) -> str:
        return f"Ring({', '.join(self._by_name)})"

    @classmethod
    def of(cls, *keys: Ed25519PublicKey) -> Self:
        """Trust exactly these keys, whenever they signed."""
        return cls(RingKey(key) for key in keys)

    def __contains__(self, fingerprint: object) -> bool:
        return fingerprint in self._by_name

    def __getitem__(self, fingerprint: str) -> RingKey:
        return self._by_name[fingerprint]

    @property
    def first(self) -> RingKey:
        """The key that the gate began with: its name is the gate's."""
        return self.keys[0]

    @property
    def current(self) -> RingKey:
        """The key that the gate signs by now."""
        return self.keys[-1]

    @property
    def statements(self) -> int:
        """How many rotations and revocations have made it what it is."""
        return len(self.keys) - 1 + sum(key.revoked_at is not None for key in self.keys)

    def verifies(self, fingerprint: str, signature: bytes, message: bytes) -> bool:
        """Whether the key of this name signed the message, at whatever time."""
        key = self._by_name.get(fingerprint)
        if key is None:
            return False
        try:
            key.public_key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def must_answer_for(self, fingerprint: str, at: datetime, *, accept_revoked: bool = False) -> None:
        """Refuse what a key signed for a moment that was not its own.

        Args:
            fingerprint: The key.
            at: The moment that was signed.
            accept_revoked: Whether a key that was revoked since still counts, as in a look at the past.

        Raises:
            Refused: If the key was not in use then, or was revoked.
        """
        key = self._by_name.get(fingerprint)
        if key is None:
            raise Refused(f"the key {fingerprint} is not in the ring.")
        if key.revoked_at is not None and not accept_revoked:
            raise Refused(f"the key {fingerprint} was revoked at {timestamp(key.revoked_at)}. Ask again.")
        if not key.was_in_use(at):
            raise Refused(f"the key {fingerprint} was not the gate's key at {timestamp(at)}. Ask again.")

    def rotated(self, public_key: Ed25519PublicKey, at: datetime) -> Ring:
        """Return the ring after another key took the place of the current one."""
        *earlier, current = self.keys
        return Ring([*earlier, replace(current, not_after=at), RingKey(public_key, at)])

    def revoked(self, fingerprint: str, at: datetime) -> Ring:
        """Return the ring after a key was revoked."""
        return Ring(replace(key, revoked_at=at) if key.fingerprint == fingerprint else key for key in self.keys)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, as the file has them."""
        return {"type": TYPE, "gate": self.first.fingerprint, "keys": [key.as_json() for key in self.keys]}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make what :meth:`as_json` wrote.

        Raises:
            ValueError: If it is no ring, with a sentence about why.
        """
        if not isinstance(value, dict) or value.keys() != {"type", "gate", "keys"} or value["type"] != TYPE:
            raise ValueError(f"a ring has the type {TYPE}, the gate's first fingerprint, and keys")
        if not isinstance(value["keys"], list) or not value["keys"]:
            raise ValueError("a ring has at least one key")
        ring = cls(RingKey.from_json(each) for each in value["keys"])
        if len(ring._by_name) != len(ring.keys):
            raise ValueError("a key stands twice in the ring")
        if ring.first.fingerprint != value["gate"]:
            raise ValueError("the first key of the ring is not the one that names the gate")
        return ring

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a pinned ring.

        Raises:
            KeyReferenceError: If the file is no ring.
        """
        try:
            return cls.from_json(json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise KeyReferenceError(f"{file}: the ring cannot be read: {error.strerror}") from None
        except RecursionError:
            raise KeyReferenceError(f"{file}: this is no ring") from None
        except ValueError as error:
            why = "it is no JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else error
            raise KeyReferenceError(f"{file}: this is no ring: {why}. `maskgate gate keys export` writes one") from None


def public_key_of(text: Any) -> Ed25519PublicKey:
    """Read a public key of 32 bytes in base64.

    Raises:
        ValueError: If it is none.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("a public key is 32 bytes in base64") from None


def _written(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def _read(text: Any) -> datetime | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("a time is a text such as 2026-11-24T08:00:00.000Z")  # noqa: TRY004  as every other problem
    return moment(text)
