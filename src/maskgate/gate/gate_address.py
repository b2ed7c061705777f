"""Where a gate is and by which token it is asked, as a person writes the two down.

* No message shows what was written: a password or a token may stand where the address belongs.
* What would be asked for in vain is refused before anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from maskgate.errors import UsageError

_EXAMPLE = "Write something like http://127.0.0.1:8470"
_API = re.compile(r"/api(/v\d+)?$")
_TOKEN = re.compile(r"[\x21-\x7e]+")
_CAUSES = (
    (socket.gaierror, "no host of that name is known"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "it does not speak https there"),
    (ConnectionRefusedError, "nobody listens there"),
)


def gate_address(url: Any) -> str:
    """Check where a gate is, and write it without a slash at its end.

    Raises:
        UsageError: If it is no http or https URL, or says more than where the gate is.
    """
    written = url.strip().rstrip("/") if isinstance(url, str) else ""
    if "@" in written:
        raise UsageError(f"the gate's address holds a name or a password. The token says who asks. {_EXAMPLE}")
    try:
        parts = urlsplit(written)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        if is_address and parts.netloc.startswith("["):
            ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        is_address = False
    if not is_address or re.search(r"\s", written):
        raise UsageError(f"the gate's address is no http or https URL. {_EXAMPLE}")
    if parts.query or parts.fragment or _API.search(parts.path):
        raise UsageError(f"the gate's address says more than where the gate is. {_EXAMPLE}, and no more")
    return written


def gate_token(token: Any) -> str:
    """Check a token for what no gate would ever have given out; it shows in no message.

    Raises:
        UsageError: If it is empty, or not one word.
    """
    written = token.strip() if isinstance(token, str) else token
    if not written:
        raise UsageError("the gate's token is empty. Set MASKGATE_TOKEN to the content of the gate's pipeline.token")
    if not isinstance(written, str) or not _TOKEN.fullmatch(written):
        raise UsageError(
            "the gate's token is not one word such as mg_…. Give the content of the gate's pipeline.token, and no more"
        )
    return written


def id_segment(identifier: Any) -> str:
    """Return an id as the part of a path.

    Raises:
        UsageError: If it is no id.
    """
    if not isinstance(identifier, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", identifier):
        raise UsageError(
            f"{_shown(identifier)} is no id of a request or a staging. Give the `id` of what the gate answered"
        )
    return identifier


def no_answer(error: BaseException) -> str:
    """Name why nobody answered. Texts of the error itself could hold what was sent."""
    name, inner = type(error).__name__, error.__cause__ or error.__context__
    while inner is not None:
        for kind, why in _CAUSES:
            if isinstance(inner, kind):
                return f"{name}: {why}"
        inner = inner.__cause__ or inner.__context__
    return name


def _shown(identifier: Any) -> str:
    return (
        repr(identifier[:60])
        if isinstance(identifier, str)
        else f"what is given as one, of type {type(identifier).__name__},"
    )
