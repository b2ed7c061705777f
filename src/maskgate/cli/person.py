"""Being a person at the gate, from the command line: the browser logs in, and lends its session.

No token decides, and the database is never opened. The code that the browser brings works only with a secret of this
process (PKCE), so that nobody else on this machine can use it.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import threading
import webbrowser
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import click
import httpx

from maskgate.errors import GateUnreachable, NotAllowed, UsageError
from maskgate.gate.client import error_of, object_of
from maskgate.gate.gate_address import gate_address, no_answer

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_TIMEOUT = 30.0
_CSRF = re.compile(r'<meta name="csrf-token" content="([0-9a-f]+)">')


class Person:
    """A logged-in person's connection to a gate."""

    def __init__(self, url: str, http: httpx.Client, account: str) -> None:
        self.url = url
        self.account = account
        self._http = http

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    @classmethod
    def log_in(cls, *, opens_browser: bool = True, seconds: float = 300.0) -> Self:
        """Have the person log in with a browser on this machine.

        Args:
            opens_browser: Whether to open it; otherwise its address is printed alone.
            seconds: How long to wait for the person.

        Raises:
            UsageError: If MASKGATE_URL is not set.
            NotAllowed: If nobody logged in.
            GateUnreachable: If the gate does not answer.
        """
        written = os.environ.get("MASKGATE_URL")
        if not written:
            raise UsageError("MASKGATE_URL must be set to reach the gate, such as to http://127.0.0.1:8470")
        url = gate_address(written)
        http = httpx.Client(base_url=url, timeout=_TIMEOUT, follow_redirects=False)
        _sent(url, http, "GET", "/healthz")  # before a person is sent to where nobody answers
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        with _Listener(state) as listener:
            query = urlencode({"port": listener.port, "state": state, "challenge": challenge})
            address = f"{url}/command-line?{query}"
            click.echo(f"Log in to decide: {address}", err=True)
            if opens_browser:
                webbrowser.open(address)
            code = listener.wait(seconds)
        if code is None:
            raise NotAllowed("nobody logged in. Nothing was decided; run the command again")
        answer = _sent(url, http, "POST", "/api/v1/command-line/session", json={"code": code, "verifier": verifier})
        http.cookies.set(str(answer["cookie"]), str(answer["value"]), domain=urlsplit(url).hostname or "")
        return cls(url, http, str(answer["account"]))

    def request(self, request_id: str) -> dict[str, Any]:
        """Read a request."""
        return _sent(self.url, self._http, "GET", f"/api/v1/requests/{quote(request_id, safe='')}")

    def decide(self, document: dict[str, Any], verdict: str, reason: str, **beside: Any) -> dict[str, Any]:
        """Decide what the document says, to the byte; and for whom, for how much and in which haste."""
        path = quote(str(document["id"]), safe="")
        page = _answered(self.url, self._http, "GET", f"/requests/{path}")
        if page.is_server_error:
            raise error_of(self.url, page)
        found = _CSRF.search(page.text)
        if found is None:
            raise NotAllowed("the session has ended. Nothing was decided; run the command again")
        body = {
            "verdict": verdict,
            "reason": reason,
            "intent_digest": document["intent_digest"],
            "context_digest": document["context_digest"],
            **beside,
        }
        headers = {"X-CSRF-Token": found.group(1), "Origin": _origin(self.url)}
        return _sent(self.url, self._http, "POST", f"/api/v1/requests/{path}/decisions", json=body, headers=headers)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _answered(url: str, http: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    try:
        return http.request(method, path, **options)
    except httpx.HTTPError as error:
        raise GateUnreachable(
            f"the gate at {url} did not answer ({no_answer(error)}). Nothing was decided; try again"
        ) from None


def _sent(url: str, http: httpx.Client, method: str, path: str, **options: Any) -> dict[str, Any]:
    response = _answered(url, http, method, path, **options)
    if not response.is_success:
        raise error_of(url, response)
    return object_of(url, response)


class _Listener:
    """Waits on loopback for the browser to come with a code."""

    def __init__(self, state: str) -> None:
        self._code: str | None = None
        self._came = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                is_ours = secrets.compare_digest(query.get("state", [""])[0].encode(), state.encode())
                text = "You can close this page." if is_ours else "This is not the login that was begun here."
                self.send_response(200 if is_ours else 400)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(text.encode())
                if is_ours:
                    outer._code = query.get("code", [None])[0]
                    outer._came.set()

            def log_message(self, *_: object) -> None:
                """Say nothing: the path holds the code."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def wait(self, seconds: float) -> str | None:
        self._came.wait(seconds)
        return self._code

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
