"""The key management services that wrap keys; each is imported when a reference names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError

if TYPE_CHECKING:
    from maskgate.keys.envelope import KeyWrapper

WRAPPERS = ("aws-kms", "vault-transit")


def find_wrapper(name: str) -> KeyWrapper:
    """Return a key of a service, to have keys made by it.

    Args:
        name: Such as ``aws-kms:alias/maskgate`` or ``vault-transit:maskgate``.

    Raises:
        KeyReferenceError: If it cannot be understood.
    """
    scheme, _, key = name.partition(":")
    if scheme == "aws-kms":
        from maskgate.keys.aws_kms import AwsKms  # noqa: PLC0415  who has no such key loads no client

        return AwsKms.named(key)
    if scheme == "vault-transit":
        from maskgate.keys.vault_transit import VaultTransit  # noqa: PLC0415  likewise

        return VaultTransit.named(key)
    raise KeyReferenceError("a wrapper is written aws-kms:KMSKEY or vault-transit:[MOUNT/]KEY")


def split_wrapped(scheme: str, name: str) -> tuple[KeyWrapper, str]:
    """Read a reference to a wrapped key; return what unwraps it and the path of its file.

    Args:
        scheme: One of `WRAPPERS`.
        name: What stands after the colon.

    Raises:
        KeyReferenceError: If it cannot be understood.
    """
    if scheme == "aws-kms":
        from maskgate.keys import aws_kms  # noqa: PLC0415  who has no such key loads no client

        return aws_kms.split_reference(name)
    from maskgate.keys import vault_transit  # noqa: PLC0415  likewise

    return vault_transit.split_reference(name)
