"""An action that is an HTTP call to one fixed address; the arguments are its JSON body.

* The address is the configuration's. It is looked up once, and what was found is what is called: an address into a
  private network is refused, unless the configuration says that it may be one. Redirects are not followed.
* The grant is the idempotency key, so that a server that knows such keys does it once, whatever happens on the way.
* Before anything was sent, a failure is a refusal; afterwards it is indeterminate.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import json
import socket
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from maskgate.errors import Refused
from maskgate.gate.action_handler import IndeterminateError, Outcome
from maskgate.gate.parameters import Parameter, check_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.action_handler import ActionOrder

_LARGEST_ANSWER = 16 << 20
_SUCCESS = range(200, 300)


@dataclass(frozen=True)
class HttpHandler:
    """Makes an HTTP call.

    Attributes:
        action: The verb that it is registered for.
        method: ``POST``, ``PUT``, ``PATCH`` or ``DELETE``.
        url: Where.
        parameters: What it takes.
        headers: Headers of the configuration; they may hold secrets.
        private: Whether the address may lead into a private network.
        seconds: How long it may take.
    """

    action: str
    method: str
    url: str
    parameters: tuple[Parameter, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    private: bool = False
    seconds: int = 30

    is_elsewhere: ClassVar[bool] = False

    @property
    def time_limit(self) -> timedelta:
        """How long it may take."""
        return timedelta(seconds=self.seconds)

    @property
    def offers_dry_run(self) -> bool:
        """It cannot: a call is made, or it is not."""
        return False

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {"kind": "http", "method": self.method, "url": self.url, "headers": sorted(self.headers)}

    def check(self, resource: str, arguments: Mapping[str, Any]) -> None:  # noqa: ARG002  the protocol's signature
        """See whether these are arguments that it takes."""
        check_arguments(self.parameters, arguments, f"`{self.action}`")

    def dry_run(self, resource: str, arguments: Mapping[str, Any]) -> tuple[str, ...] | None:  # noqa: ARG002  likewise
        """Say nothing: a call cannot be tried out."""
        return None

    def run(self, order: ActionOrder) -> Outcome:
        """Make the call, once."""
        connection = self._connected()
        body = {"resource": order.resource, "arguments": dict(order.arguments), "request": order.request}
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": order.grant}
        try:
            connection.request(self.method, target, json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            content = answer.read(_LARGEST_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise IndeterminateError(f"It was called, and did not answer ({type(error).__name__}).") from None
        finally:
            connection.close()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return Outcome(answer.status in _SUCCESS, answer.status, digest, len(content))

    def probe(self, grant: str) -> Outcome | None:  # noqa: ARG002  the protocol's signature
        """Say that it cannot be told."""
        raise IndeterminateError("The gate stopped while the call was made.")

    def _connected(self) -> http.client.HTTPConnection:
        """Connect to an address that was looked at."""
        parts = urlsplit(self.url)
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        plain = http.client.HTTPConnection(host, port, timeout=self.seconds)
        try:
            found = socket.create_connection((self._address(host, port), port), self.seconds)
            if is_tls:
                found = ssl.create_default_context().wrap_socket(found, server_hostname=host)
        except OSError as error:
            raise Refused(f"the address of `{self.action}` cannot be reached ({type(error).__name__}).") from None
        plain.sock = found
        return plain

    def _address(self, host: str, port: int) -> str:
        places = [str(each[4][0]).split("%")[0] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        if not self.private and not all(ipaddress.ip_address(place).is_global for place in places):
            raise Refused(
                f"the address of `{self.action}` leads into a private network. If it should, write `private: true`."
            )
        return places[0]
