"""Signing by AWS KMS, which keeps the private half.

The KMS key is of the spec ``ECC_NIST_EDWARDS25519`` and signs by ``ED25519_SHA_512`` over the message itself, which is
plain Ed25519. KMS takes messages of up to 4096 bytes; a grant is far below that. The credentials need
``kms:GetPublicKey`` and ``kms:Sign``. Region, credentials and endpoint are boto3's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from maskgate.errors import KeyReferenceError
from maskgate.gate.signer import fingerprint_of

if TYPE_CHECKING:
    from typing import Self

    from maskgate.keys.aws_kms import AwsKms

_ALGORITHM = "ED25519_SHA_512"
_LONGEST = 4096


@dataclass(frozen=True)
class KmsSigner:
    """A KMS key that signs; satisfies :class:`maskgate.gate.signer.SigningKey`."""

    key: AwsKms
    public_key: Ed25519PublicKey

    @classmethod
    def open(cls, key: AwsKms) -> Self:
        """Ask KMS for the public half.

        Raises:
            KeyReferenceError: If KMS does not answer, or the key is of another spec.
        """
        encoded = key.answer("PublicKey", "get_public_key", KeyId=key.kms_key)
        try:
            public_key = load_der_public_key(encoded)
        except (ValueError, UnsupportedAlgorithm):
            public_key = None
        if not isinstance(public_key, Ed25519PublicKey):
            raise KeyReferenceError("the KMS key is not of the spec ECC_NIST_EDWARDS25519, so it signs no grants")
        return cls(key, public_key)

    @property
    def fingerprint(self) -> str:
        """Its name: the hash of its public half."""
        return fingerprint_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Have KMS sign a message, and check what it answers."""
        if len(message) > _LONGEST:
            raise KeyReferenceError(f"nothing was signed: AWS KMS signs {_LONGEST} bytes at most, not {len(message)}")
        asked = {"KeyId": self.key.kms_key, "MessageType": "RAW", "SigningAlgorithm": _ALGORITHM}
        signature = self.key.answer("Signature", "sign", Message=message, **asked)
        try:
            self.public_key.verify(signature, message)
        except InvalidSignature:
            raise KeyReferenceError("nothing was signed: AWS KMS answered no signature of this key") from None
        return signature
