"""The part of Azure Blob Storage's REST API that a release uses, on loopback.

It keeps Azure's word where it matters: each request carries a SharedKey signature over what it asks;
``If-None-Match: *`` is answered with 409 where there is a blob, another ``If-Match`` with 412; and blocks that were put
are nothing until their list is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from maskgate.testing.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "devstoreaccount1"
_KEY = base64.b64encode(bytes(range(64))).decode()
_SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
_MESSAGES = {
    "BlobAlreadyExists": (409, "The specified blob already exists."),
    "ConditionNotMet": (412, "The condition specified using HTTP conditional header(s) is not met."),
    "BlobNotFound": (404, "The specified blob does not exist."),
    "InvalidBlockList": (400, "The specified block list is invalid."),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "AuthenticationFailed": (403, "Server failed to authenticate the request."),
}


class _RefusedError(Exception):
    """What is answered with an error code of Azure."""


@dataclass
class AzureStorage:
    """What is stored, and where it is reached.

    Attributes:
        url: The address of the account.
        blobs: Tag and content of each blob, by container and name.
        blocks: Blocks that were put and not committed, likewise.
        refused: The codes of what was refused.
    """

    url: str = ""
    blobs: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blocks: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    tag: int = 1000
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def options(self) -> dict[str, Any]:
        """The storage options that lead to it."""
        return self.options_with(_KEY)

    def options_with(self, key: str) -> dict[str, Any]:
        """Return storage options with another account key."""
        parts = {
            "DefaultEndpointsProtocol": "http",
            "AccountName": ACCOUNT,
            "AccountKey": key,
            "BlobEndpoint": self.url,
        }
        return {"connection_string": ";".join(f"{name}={value}" for name, value in parts.items())}

    def files(self, container: str) -> dict[str, bytes]:
        """Return every blob of a container by its name."""
        return {name: content for (where, name), (_, content) in self.blobs.items() if where == container}

    def put(self, place: tuple[str, str], content: bytes, conditions: dict[str, str]) -> str:
        """Store a blob, if the conditions hold; return its tag."""
        with self.lock:
            there = self.blobs.get(place, ("", b""))[0]
            if conditions.get("if-none-match") == "*" and there:
                raise _RefusedError("BlobAlreadyExists")
            if "if-match" in conditions and conditions["if-match"] != there:
                raise _RefusedError("ConditionNotMet")
            self.tag += 1
            self.blobs[place] = (f'"0x{self.tag:X}"', content)
            self.blocks.pop(place, None)
            return self.blobs[place][0]


@contextmanager
def azure_storage() -> Iterator[AzureStorage]:
    """Run it on a free port."""
    store = AzureStorage()
    with served(_Handler, store) as url:
        store.url = f"{url}/{ACCOUNT}"
        yield store


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: AzureStorage

    def do_GET(self) -> None:
        self._dispatch()

    def do_HEAD(self) -> None:
        self._dispatch()

    def do_PUT(self) -> None:
        self._dispatch()

    def do_DELETE(self) -> None:
        self._dispatch()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _dispatch(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        container, _, name = unquote(parts.path.removeprefix(f"/{ACCOUNT}/")).partition("/")
        try:
            self._check_signature(parts.path, query)
            if self.command == "PUT":
                self._put((container, name), query, body)
            elif self.command == "DELETE":
                self._delete((container, name))
            elif query.get("comp") == "list":
                self._list(container, query)
            elif query.get("restype") == "container":
                self._answer(200, b"", {"ETag": '"0x1"'})
            else:
                self._get((container, name))
        except _RefusedError as error:
            self._refuse(str(error))

    def _check_signature(self, path: str, query: dict[str, str]) -> None:
        """Compute what SharedKey signs, and compare."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        lines = [self.command]
        for name in _SIGNED:
            value = headers.get(name, "")
            lines.append("" if name == "content-length" and value == "0" else value)
        lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        resource = f"/{ACCOUNT}{path}" + "".join(f"\n{name.lower()}:{query[name]}" for name in sorted(query))
        text = "\n".join([*lines, resource])
        key = base64.b64decode(_KEY)
        wanted = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
        if headers.get("authorization") != f"SharedKey {ACCOUNT}:{wanted}":
            raise _RefusedError("AuthenticationFailed")

    def _put(self, place: tuple[str, str], query: dict[str, str], body: bytes) -> None:
        conditions = {name: self.headers[name] for name in ("if-match", "if-none-match") if name in self.headers}
        if query.get("comp") == "block":
            with self.store.lock:
                self.store.blocks.setdefault(place, {})[query["blockid"]] = body
            self._answer(201, b"", {"x-ms-request-server-encrypted": "true"})
            return
        if query.get("comp") == "blocklist":
            body = self._of_blocks(place, body)
        tag = self.store.put(place, body, conditions)
        self._answer(201, b"", {"ETag": tag, "Last-Modified": formatdate(usegmt=True)})

    def _of_blocks(self, place: tuple[str, str], listed: bytes) -> bytes:
        blocks = self.store.blocks.get(place, {})
        wanted = [each.text or "" for each in ET.fromstring(listed)]  # noqa: S314  our own tests wrote it
        if any(each not in blocks for each in wanted):
            raise _RefusedError("InvalidBlockList")
        return b"".join(blocks[each] for each in wanted)

    def _delete(self, place: tuple[str, str]) -> None:
        with self.store.lock:
            if self.store.blobs.pop(place, None) is None:
                raise _RefusedError("BlobNotFound")
        self._answer(202, b"")

    def _get(self, place: tuple[str, str]) -> None:
        if place not in self.store.blobs:
            raise _RefusedError("BlobNotFound")
        tag, content = self.store.blobs[place]
        if self.headers.get("If-Match", tag) != tag:
            raise _RefusedError("ConditionNotMet")
        described = self._described(tag)
        asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if self.command == "HEAD" or not asked:
            self._answer(200, content, described)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        if int(first) >= len(content):
            raise _RefusedError("InvalidRange")
        part = content[int(first) : int(last) + 1 if last else None]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        self._answer(206, part, {**described, "Content-Range": span})

    def _described(self, tag: str) -> dict[str, str]:
        return {
            "ETag": tag,
            "Last-Modified": formatdate(usegmt=True),
            "x-ms-blob-type": "BlockBlob",
            "x-ms-creation-time": formatdate(usegmt=True),
            "Content-Type": "application/octet-stream",
        }

    def _list(self, container: str, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        items: dict[str, str] = {}
        for name, content in sorted(self.store.files(container).items()):
            if not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if delimiter and delimiter in rest:
                folder = prefix + rest.split(delimiter)[0] + delimiter
                items[folder] = f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>"
            else:
                items[name] = self._listed(container, name, content)
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="{self.store.url}" '
            f'ContainerName="{escape(container)}"><Prefix>{escape(prefix)}</Prefix><Blobs>{"".join(items.values())}</Blobs>'
            "<NextMarker/></EnumerationResults>"
        )
        self._answer(200, text.encode(), {"Content-Type": "application/xml"})

    def _listed(self, container: str, name: str, content: bytes) -> str:
        tag = self.store.blobs[container, name][0]
        return (
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{formatdate(usegmt=True)}</Last-Modified>"
            f"<Etag>{escape(tag)}</Etag><Content-Length>{len(content)}</Content-Length>"
            "<Content-Type>application/octet-stream</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>"
        )

    def _refuse(self, code: str) -> None:
        self.store.refused.append(code)
        status, message = _MESSAGES[code]
        text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
        self._answer(status, text.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("x-ms-version", "2025-01-05")
        self.send_header("x-ms-request-id", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
