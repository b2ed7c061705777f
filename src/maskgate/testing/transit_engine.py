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
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKEN = "hvs.a-token-nobody-may-see"  # noqa: S105  of a server that exists for one test
_NONCE = 12


@dataclass
class TransitEngine:
    """Named AES-GCM keys that encrypt and decrypt, and Ed25519 keys that sign, for who has the token.

    Attributes:
        keys: Its keys by their names.
        signing: Every version of its signing keys, by their names.
        may_rotate: Whether the token may make another version of a signing key.
        mount: Where it is mounted.
        namespace: The namespace that requests must name.
        asked: The path of every request.
        says: What it answers in the place of the truth: status, body and headers.
        waits: Seconds that it takes to answer.
        dawdles: Seconds between one byte of an answer and the next.
        url: Where it listens.
    """

    keys: dict[str, bytes] = field(default_factory=lambda: {"maskgate": secrets.token_bytes(32)})
    signing: dict[str, list[Ed25519PrivateKey]] = field(
        default_factory=lambda: {"gate": [Ed25519PrivateKey.generate()]}
    )
    may_rotate: bool = True
    mount: str = "transit"
    namespace: str | None = None
    asked: list[str] = field(default_factory=list)
    says: tuple[int, bytes, dict[str, str]] | None = None
    waits: float = 0
    dawdles: float = 0
    url: str = ""

    def wrap(self, material: bytes, key: str = "maskgate") -> str:
        """Wrap a key, as `vault write transit/encrypt/maskgate` does."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(self.keys[key]).encrypt(nonce, material, None)
        return f"vault:v1:{base64.b64encode(sealed).decode()}"

    def answer(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one request; return status and document."""
        below = path.removeprefix(f"/v1/{self.mount}/").split("/")
        if below[0] in {"keys", "sign"} and headers.get("X-Vault-Token") == TOKEN:
            return self._answer_signing(below, body)
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

    def _answer_signing(self, path: list[str], body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        if path[1] in self.keys:
            return 200, {"data": {"name": path[1], "type": "aes256-gcm96", "keys": {"1": 1764403200}}}
        versions = self.signing.get(path[1])
        if versions is None:
            return 404, {"errors": []}
        if path[0] == "sign":
            number = body.get("key_version") or len(versions)
            signature = versions[number - 1].sign(base64.b64decode(body["input"]))
            return 200, {"data": {"signature": f"vault:v{number}:{base64.b64encode(signature).decode()}"}}
        if path[2:] == ["rotate"]:
            if not self.may_rotate:
                return 403, {"errors": ["permission denied"]}
            versions.append(Ed25519PrivateKey.generate())
        public = [base64.b64encode(each.public_key().public_bytes_raw()).decode() for each in versions]
        keys = {str(at + 1): {"name": "ed25519", "public_key": each} for at, each in enumerate(public)}
        return 200, {"data": {"name": path[1], "type": "ed25519", "latest_version": len(public), "keys": keys}}

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
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            sent_length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(sent_length)) if sent_length else {}
            engine.asked.append(self.path)
            time.sleep(engine.waits)
            status, document = engine.answer(self.path, dict(self.headers), body)
            status, sent, more = engine.says or (status, json.dumps(document).encode(), {})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(sent)), **more}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # who asked has given up
                self.end_headers()
                for part in (sent[at : at + 1] for at in range(len(sent))) if engine.dawdles else [sent]:
                    time.sleep(engine.dawdles)
                    self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
