"""The part of Google Cloud Storage's JSON API that a release uses, on loopback.

It keeps Google's word where it matters: an upload with ``ifGenerationMatch`` happens only if that is the object's
generation, and 0 stands for no object; everything else is answered with 412 and changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from maskgate.testing.serving import served

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_CONTENT = 204
_BUCKET = "/storage/v1/b/"
_UPLOAD = "/upload/storage/v1/b/"


@dataclass
class GoogleStorage:
    """What is stored, and where it is reached.

    Attributes:
        url: The address of the API.
        objects: Generation and content of each object, by bucket and name.
        refused: The names whose upload was refused, as the condition did not hold.
    """

    url: str = ""
    objects: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    sessions: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    generation: int = 1000
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def options(self) -> dict[str, Any]:
        """The storage options that lead to it."""
        return {"token": "anon", "endpoint_url": self.url, "project": "test"}

    def files(self, bucket: str) -> dict[str, bytes]:
        """Return every object of a bucket by its name."""
        return {name: content for (where, name), (_, content) in self.objects.items() if where == bucket}

    def put(self, bucket: str, name: str, content: bytes, match: str | None) -> dict[str, Any] | None:
        """Store an object, if the condition holds; None if it does not."""
        with self.lock:
            there = self.objects.get((bucket, name), (0, b""))[0]
            if match is not None and int(match) != there:
                self.refused.append(name)
                return None
            self.generation += 1
            self.objects[bucket, name] = (self.generation, content)
            return self.described(bucket, name)

    def described(self, bucket: str, name: str) -> dict[str, Any]:
        """Return what Google says about an object."""
        generation, content = self.objects[bucket, name]
        hashed = hashlib.md5(content, usedforsecurity=False).digest()
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "id": f"{bucket}/{name}/{generation}",
            "generation": str(generation),
            "size": str(len(content)),
            "md5Hash": base64.b64encode(hashed).decode(),
            "etag": f"CP{generation}=",
            "updated": "2026-11-24T12:00:00.000Z",
            "timeCreated": "2026-11-24T12:00:00.000Z",
        }


@contextmanager
def google_storage() -> Iterator[GoogleStorage]:
    """Run it on a free port."""
    store = GoogleStorage()
    with served(_Handler, store) as url:
        store.url = url
        yield store


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: GoogleStorage

    def do_GET(self) -> None:
        bucket, name, query = self._named(_BUCKET)
        if name is None:
            self._answer(200, self._listed(bucket, query) if query or "/o" in self.path else {"name": bucket})
        elif (bucket, name) not in self.store.objects:
            self._answer(404, {"error": {"code": 404, "message": "No such object"}})
        elif query.get("alt") == "media":
            self._bytes(self.store.objects[bucket, name][1])
        else:
            self._answer(200, self.store.described(bucket, name))

    def do_POST(self) -> None:
        bucket, _, query = self._named(_UPLOAD)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match, kind = query.get("ifGenerationMatch"), query.get("uploadType")
        if "upload_id" in query:
            bucket, name, match = self.store.sessions[query["upload_id"]]
            self._stored(self.store.put(bucket, name, body, match))
        elif kind == "resumable":
            session = f"{len(self.store.sessions)}"
            self.store.sessions[session] = (bucket, query.get("name") or json.loads(body)["name"], match)
            where = f"{self.store.url}{_UPLOAD}{bucket}/o?uploadType=resumable&upload_id={session}"
            self._answer(200, {}, {"Location": where})
        else:
            name, content = (query["name"], body) if kind == "media" else self._parts(body)
            self._stored(self.store.put(bucket, name, content, match))

    def do_PUT(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        bucket, name, _ = self._named(_BUCKET)
        found = self.store.objects.pop((bucket, name or ""), None)
        self._answer(404 if found is None else 204, {})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _named(self, before: str) -> tuple[str, str | None, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        bucket, _, rest = parts.path.removeprefix("/download").removeprefix(before).partition("/")
        name = rest.removeprefix("o").lstrip("/")
        return unquote(bucket), unquote(name) or None, query

    def _listed(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        items, prefixes = [], set()
        for name in sorted(self.store.files(bucket)):
            if not name.startswith(prefix):
                continue
            rest = name.removeprefix(prefix)
            if delimiter and delimiter in rest:
                prefixes.add(prefix + rest.split(delimiter)[0] + delimiter)
            else:
                items.append(self.store.described(bucket, name))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(prefixes)}

    def _parts(self, body: bytes) -> tuple[str, bytes]:
        head = f"Content-Type: {self.headers['Content-Type']}\n\n".encode()
        boundary = b"--" + self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        described = BytesParser().parsebytes(head + body).get_payload()[0]  # type: ignore[index]
        last = body.split(boundary)[2]
        content = last.partition(b"\n\n")[2].removesuffix(b"\n")
        return json.loads(described.get_payload())["name"], content  # type: ignore[union-attr,arg-type]

    def _stored(self, described: dict[str, Any] | None) -> None:
        if described is None:
            message = "At least one of the pre-conditions you specified did not hold."
            self._answer(412, {"error": {"code": 412, "message": message}})
        else:
            self._answer(200, described)

    def _bytes(self, content: bytes) -> None:
        asked = self.headers.get("Range", "").removeprefix("bytes=")
        first, _, last = asked.partition("-")
        status = 206 if asked else 200
        part = content[int(first or 0) : int(last) + 1 if last else None]
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def _answer(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        text = b"" if status == _NO_CONTENT else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, content in (headers or {}).items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(text)
