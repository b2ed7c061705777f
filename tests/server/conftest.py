"""Real parts on loopback: an identity provider, a webhook like Slack's, a gate."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from server.identity_provider import running_provider

from maskgate.testing.object_store import new_bucket, object_store


class Webhook:
    """A server that speaks the protocol of Slack's incoming webhooks."""

    def __init__(self) -> None:
        self.received: list[dict] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/json"
                outer.received.append(json.loads(body))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T000/B000/very-secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def webhook():
    server = Webhook()
    yield server
    server.close()


@pytest.fixture(scope="session")
def provider():
    with running_provider() as found:
        yield found


@pytest.fixture(scope="session")
def s3_endpoint():
    with object_store() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint):
    return new_bucket(s3_endpoint)
