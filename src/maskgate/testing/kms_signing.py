"""A small server that speaks the protocol of AWS KMS for Ed25519 keys, on loopback: moto knows none of those yet.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html. It computes the Signature Version 4 of each request
anew, and answers only those that carry it.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "a-secret-nobody-may-see"
_SERVICE = "TrentService."
_LONGEST = 4096
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/kms/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
)


@dataclass
class KmsSigning:
    """KMS keys that sign, for who signs requests by the secret key.

    Attributes:
        keys: Its keys by their ids.
        asked: The operation of every request.
        url: Where it listens.
        says: What it answers in the place of the truth to ``Sign``.
    """

    keys: dict[str, Ed25519PrivateKey | EllipticCurvePrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    says: bytes | None = None

    def new_key(self, spec: str = "ECC_NIST_EDWARDS25519") -> str:
        """Make a key; return its id."""
        name = str(uuid.uuid4())
        is_edwards = spec == "ECC_NIST_EDWARDS25519"
        self.keys[name] = Ed25519PrivateKey.generate() if is_edwards else generate_private_key(SECP256R1())
        return name

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Answer one request; return status and document."""
        key = self.keys.get(body.get("KeyId", ""))
        if key is None:
            return 400, {"__type": "NotFoundException", "message": "no such key"}
        encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if operation == "GetPublicKey":
            return 200, {"KeyId": body["KeyId"], "PublicKey": base64.b64encode(encoded).decode()}
        if body["SigningAlgorithm"] != "ED25519_SHA_512" or not isinstance(key, Ed25519PrivateKey):
            return 400, {"__type": "InvalidKeyUsageException", "message": "another algorithm"}
        message = base64.b64decode(body["Message"])
        if body["MessageType"] != "RAW" or len(message) > _LONGEST:
            return 400, {"__type": "ValidationException", "message": "not so"}
        signature = self.says or key.sign(message)
        return 200, {"KeyId": body["KeyId"], "Signature": base64.b64encode(signature).decode()}

    @contextmanager
    def running(self) -> Iterator[KmsSigning]:
        """Listen on a free port."""
        with ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self.url = f"http://127.0.0.1:{server.server_port}"
            yield self
            server.shutdown()


def _handler(service: KmsSigning) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].removeprefix(_SERVICE)
            service.asked.append(operation)
            if _is_signed(f"http://{self.headers['Host']}{self.path}", dict(self.headers), sent):
                status, document = service.answer(operation, json.loads(sent))
            else:
                status, document = 400, {"__type": "UnrecognizedClientException", "message": "the signature is wrong"}
            text = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _is_signed(url: str, headers: dict[str, str], body: bytes) -> bool:
    """Compute the signature of a request anew, as AWS does."""
    # Only the server's tests have it.
    auth, awsrequest, credentials = (
        importlib.import_module(f"botocore.{name}") for name in ("auth", "awsrequest", "credentials")
    )
    pattern = (
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/kms/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
    )
    found = re.fullmatch(pattern, headers.get("Authorization", ""))
    if found is None or found[1] != ACCESS_KEY:
        return False
    given = {name.lower(): value for name, value in headers.items()}
    request = awsrequest.AWSRequest("POST", url, headers={name: given[name] for name in found[3].split(";")}, data=body)
    request.context["timestamp"] = given["x-amz-date"]
    signing = auth.SigV4Auth(credentials.Credentials(ACCESS_KEY, SECRET_KEY), "kms", found[2])
    text = signing.string_to_sign(request, signing.canonical_request(request))
    return bool(signing.signature(text, request) == found[4])
