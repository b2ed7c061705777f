"""Keys that AWS KMS wraps: ``aws-kms:PATH`` or ``aws-kms:KMSKEY@PATH``.

Each entry of the file is base64 of a `CiphertextBlob`, as `GenerateDataKeyWithoutPlaintext` and `Encrypt` return it,
without an encryption context. Region, credentials and endpoint are boto3's business: its environment and files.

KMSKEY is an ARN, an ``alias/…`` or the id of the KMS key. With it, KMS unwraps only what that key wrapped; without it,
whatever the credentials may decrypt, so that who can write the file may bring in a key of their own.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import logging
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maskgate.errors import KeyReferenceError
from maskgate.keys.service_address import check_service_address

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 5, 10, 3

_KMS_KEY = re.compile(
    r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)/[\w/-]+|alias/[\w/-]+|(?:mrk-)?[0-9a-f-]{32,36}"
)
_CODE = re.compile(r"[A-Za-z0-9.]{1,60}")
_WHAT_NOW = {
    "AccessDeniedException": "these credentials may not use this KMS key, or another key wrapped it",
    "InvalidKeyUsageException": "the KMS key is not one that signs by ED25519_SHA_512",
    "IncorrectKeyException": "another KMS key wrapped it",
    "InvalidCiphertextException": "it was changed, or it was wrapped elsewhere or with an encryption context",
    "NotFoundException": "there is no such KMS key in this account and region",
    "DisabledException": "the KMS key is disabled",
    "KMSInvalidStateException": "the KMS key is not in use, or is about to be deleted",
    "403": "it is not allowed",
    "UnrecognizedClientException": "AWS does not know these credentials",
    "ExpiredTokenException": "the credentials have expired",
}


def split_reference(name: str) -> tuple[AwsKms, str]:
    """Read what stands after ``aws-kms:``; return the KMS key and the path of the file."""
    kms_key, at, path = name.partition("@")
    if at and _KMS_KEY.fullmatch(kms_key):
        return AwsKms(kms_key), path
    return AwsKms(), name


@dataclass(frozen=True)
class AwsKms:
    """A KMS key.

    Args:
        kms_key: Its ARN, alias or id; without it, what is unwrapped says itself which key it needs.
    """

    kms_key: str | None = None

    @classmethod
    def named(cls, name: str) -> AwsKms:
        """Read the name of a KMS key.

        Raises:
            KeyReferenceError: If that is no such name.
        """
        if not _KMS_KEY.fullmatch(name):
            raise KeyReferenceError("a KMS key is named by its ARN, by alias/NAME or by its id")
        return cls(name)

    def unwrap(self, wrapped: str) -> bytes:
        """Have KMS decrypt one entry; see `KeyWrapper`."""
        try:
            ciphertext = base64.b64decode(wrapped, validate=True)
        except (binascii.Error, ValueError):
            ciphertext = b""
        if not ciphertext:
            raise KeyReferenceError("it is no base64 of what AWS KMS encrypted")
        only = {"KeyId": self.kms_key} if self.kms_key else {}
        return self.answer("Plaintext", "decrypt", CiphertextBlob=ciphertext, **only)

    def make_wrapped(self) -> str:
        """Have KMS make a key of 32 bytes; see `KeyWrapper`."""
        if self.kms_key is None:
            raise KeyReferenceError("a KMS key has to be named: aws-kms:KMSKEY@PATH")
        operation = "generate_data_key_without_plaintext"
        wrapped = self.answer("CiphertextBlob", operation, KeyId=self.kms_key, KeySpec="AES_256")
        return base64.b64encode(wrapped).decode("ascii")

    def answer(self, part: str, operation: str, **arguments: Any) -> bytes:
        """Ask KMS, and return one part of its answer.

        Raises:
            KeyReferenceError: If it does not answer with that.
        """
        problem = "AWS KMS answered something else than a key"
        try:
            with _unlogged():
                answer = getattr(self._client, operation)(**arguments).get(part)
            if isinstance(answer, bytes):
                return answer
        except KeyReferenceError:
            raise
        except Exception as error:  # noqa: BLE001  botocore's errors may repeat what was sent
            problem = _problem(error)
        raise KeyReferenceError(problem)

    @cached_property
    def _client(self) -> Any:
        try:
            session = importlib.import_module("boto3.session")
            config = importlib.import_module("botocore.config")
        except ImportError:
            raise KeyReferenceError("AWS KMS needs boto3: pip install maskgate[aws]") from None
        patience = config.Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        # A session of our own: the one that boto3 shares keeps the first credentials that it saw.
        client = session.Session().client("kms", config=patience)
        check_service_address(client.meta.endpoint_url, "the endpoint of AWS KMS (AWS_ENDPOINT_URL_KMS)")
        return client


def _problem(error: Exception) -> str:
    """Say what AWS answered by its code alone; its message may repeat what was sent."""
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    code = str(details.get("Code")) if isinstance(details, dict) else ""
    if not _CODE.fullmatch(code):
        return f"AWS KMS cannot be asked ({type(error).__name__}); look at boto3's region, credentials and endpoint"
    return f"AWS KMS says {code}" + (f": {_WHAT_NOW[code]}" if code in _WHAT_NOW else "")


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep what KMS answers out of the log: at DEBUG, botocore writes the body of every answer."""
    logger = logging.getLogger("botocore.parsers")
    ours = threading.get_ident()

    def from_another_thread(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != ours

    logger.addFilter(from_another_thread)
    try:
        yield
    finally:
        logger.removeFilter(from_another_thread)
