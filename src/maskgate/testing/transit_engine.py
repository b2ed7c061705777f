"""A small server that speaks the protocol of HashiCorp Vault's Transit engine, on loopback.

https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKEN = "hvs.a-token-nobody-may-see"  # noqa: S105  of a server that exists for one test
_NONCE = 12


@dataclass
class TransitEngine:
    """Named AES-GCM keys that encrypt and decrypt for who has the token.

    Attributes:
        keys: Its keys by their names.
        mount: Where it is mounted.
        namespace: The namespace that requests must name.
        asked: The path of every request.
        says: What it answers in the place of the truth: status, body and headers.
        waits: Seconds that it takes to answer.
        url: Where it listens.
    """

    keys: dict[str, bytes] = field(default_factory=lambda: {"maskgate": secrets.token_bytes(32)})
    mount: str = "transit"
    namespace: str | None = None
    asked: list[str] = field(default_factory=list)
    says: tuple[int, bytes, dict[str, str]] | None = None
    waits: float = 0
    url: str = ""

    def wrap(self, material: bytes, key: str = "maskgate") -> str:
        """Wrap a key, as `vault write transit/encrypt/maskgate` does."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(self.keys[key]).encrypt(nonce, material, None)
        return f"vault:v1:{base64.b64encode(sealed).decode()}"

    def answer(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one request; return status and document."""
        mount, verb, key = path.removeprefix("/v1/").rsplit("/", 2)
        if headers.get("X-Vault-Token") != TOKEN or headers.get("X-Vault-Namespace") != self.namespace:
            return 403, {"errors": ["permission denied", headers.get("X-Vault-Token")]}
        if mount.removesuffix("/datakey") != self.mount or key not in self.keys:
            return 404, {"errors": []}
        if verb == "wrapped":
            return 200, {"data": {"ciphertext": self.wrap(secrets.token_bytes(body["bits"] // 8), key)}}
        sealed = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"))
        try:
            material = AESGCM(self.keys[key]).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
        except InvalidTag:
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(material).decode()}}

    @contextmanager
    def running(self, tls: tuple[Path, Path] | None = None) -> Iterator[TransitEngine]:
        """Listen on a free port.

        Args:
            tls: The files of a certificate and its private key; without them, it speaks http.
        """
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*tls)
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
            yield self
            server.shutdown()


def _handler(engine: TransitEngine) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            engine.asked.append(self.path)
            time.sleep(engine.waits)
            status, document = engine.answer(self.path, dict(self.headers), body)
            status, sent, more = engine.says or (status, json.dumps(document).encode(), {})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(sent)), **more}.items():
                self.send_header(name, value)
            with suppress(BrokenPipeError):  # who asked has given up
                self.end_headers()
                self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
