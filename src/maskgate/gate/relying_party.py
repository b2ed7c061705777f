"""Under which name and origin this gate is known to browsers: what forms and passkeys are bound to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from maskgate.errors import Refused


@dataclass(frozen=True)
class RelyingParty:
    """What a passkey is bound to.

    Attributes:
        id: The gate's host name.
        origin: Scheme, host and port, as browsers write them.
    """

    id: str
    origin: str

    @classmethod
    def of(cls, url: str) -> RelyingParty:
        """Return that of a gate.

        Raises:
            Refused: If people reach it under an IP address, to which no browser binds a passkey.
        """
        host = urlsplit(url).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return cls(host, origin(url))
        raise Refused(f"browsers bind passkeys to names, and people reach this gate under {host}. Give `url:` a name.")


def origin(url: str) -> str:
    """Return scheme, host and port of an address, as browsers write an origin.

    Example:
        >>> origin("https://gate.example:443/path")
        'https://gate.example'
    """
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
