"""Serving an application on a socket until told to stop."""

from __future__ import annotations

import errno
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from maskgate.errors import MaskgateError
from maskgate.server.patience import PatientProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp

_GRACE_SECONDS = 1
# Beyond this, a connection is told to come back later; files and memory of the process stay bounded.
_MOST_CONNECTIONS = 1000


def bind(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is done.

    Raises:
        MaskgateError: If it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise MaskgateError(f"`listen`: there is no address {host}") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise MaskgateError(
                f"port {port} of {host} is in use. Stop what listens there, or choose another `listen:`"
            ) from None
        raise MaskgateError(f"{host}:{port} cannot be listened at: {error.strerror}") from None
    return listener


class _Server(uvicorn.Server):
    """Uvicorn, which otherwise ends the process by the signal it was stopped by, before threads could finish."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop by a signal, in good order."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in former.items():
                signal.signal(each, handler)


def make_server(app: ASGIApp) -> uvicorn.Server:
    """Make a server that stops in good order. It logs no addresses, queries or headers: they may hold secrets."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        http=PatientProtocol,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=32 * 1024,
    )
    return _Server(config)
