"""A store that speaks HTTP on a free port of loopback, for as long as a test wants it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], store: object) -> Iterator[str]:
    """Answer requests by a handler whose class knows the store; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"store": store}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
