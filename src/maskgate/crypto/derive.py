"""Derivation of subkeys: one root key, a separate subkey for every use.

HKDF with SHA-256 (RFC 5869), without salt. The info is a list of fields, each behind its length, so that no two
lists of fields make the same bytes.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from maskgate.crypto.hidden import HiddenBytes, hidden

_PRODUCT = "maskgate"
_DERIVATION_VERSION = "1"


def derive_subkey(
    root: bytes, *, purpose: str, scheme: str, domain: str, version: int, length: int = 32
) -> HiddenBytes:
    """Derive the subkey for one purpose, scheme, domain and version of the key.

    Args:
        root: The key's own bytes, evenly random.
        purpose: What the subkey is for, such as ``token``.
        scheme: The algorithm that will use it, such as ``cmac``.
        domain: The domain or context that it belongs to; empty if none.
        version: The version of the root key.
        length: Bytes wanted.
    """
    root = hidden(root)
    fields = (_PRODUCT, _DERIVATION_VERSION, purpose, scheme, domain, str(version))
    info = b"".join(_behind_its_length(field.encode()) for field in fields)
    return HiddenBytes(HKDF(SHA256(), length=length, salt=None, info=info).derive(root))


def _behind_its_length(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field
