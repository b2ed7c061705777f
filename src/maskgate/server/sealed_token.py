"""An access token at rest: encrypted under the id of its session, which only the person's browser keeps.

So whoever reads the database can ask the identity provider for nothing in anybody's name.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


def seal_token(session_id: str, token: str | None) -> bytes | None:
    """Encrypt a token for a session."""
    if token is None:
        return None
    nonce = secrets.token_bytes(_NONCE)
    return nonce + _cipher(session_id).encrypt(nonce, token.encode(), None)


def open_token(session_id: str, sealed: bytes | None) -> str | None:
    """Decrypt a session's token; None if it is another session's, or was changed."""
    if sealed is None:
        return None
    try:
        return _cipher(session_id).decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
    except (InvalidTag, ValueError):
        return None


def _cipher(session_id: str) -> AESGCM:
    return AESGCM(hmac.new(session_id.encode("utf-8", "replace"), b"maskgate/session/access", sha256).digest())
