"""``maskgate mcp``: tools of AI agents behind the gate."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import click

from maskgate.errors import MaskgateError, UsageError
from maskgate.gate.client import GateClient

_LOOPBACK = "127.0.0.1"


@click.command(name="mcp")
@click.option("--config", type=click.Path(path_type=Path), required=True, help="The file that names the tools.")
@click.option("--http", "port", type=click.IntRange(0, 65_535), metavar="PORT", help="Listen on 127.0.0.1, at /mcp.")
@click.option("--check", is_flag=True, help="Only read the file.")
def mcp(config: Path, port: int | None, *, check: bool) -> None:
    """Serve the tools of a file by MCP: on standard input and output, or with --http on this machine's loopback.

    Calls that policy holds answer with a link, and go through once after the signature. Needs MASKGATE_URL and a
    MASKGATE_TOKEN of the agent; MASKGATE_FINGERPRINT pins the gate's key.
    """
    from maskgate.agents.tools_file import load_tools  # noqa: PLC0415  `maskgate --help` needs no MCP

    file = load_tools(config)
    if check:
        click.echo(f"{config}: {len(file.tools)} tools, {len(file.servers)} other servers", err=True)
        return
    try:
        import anyio  # noqa: PLC0415  likewise

        from maskgate.agents.calling import Calls  # noqa: PLC0415  likewise
        from maskgate.agents.server import make_server, serve_stdio  # noqa: PLC0415  likewise
    except ImportError as error:
        raise UsageError(f"this takes `pip install 'maskgate[mcp]'` ({error.name} is missing)") from None
    with GateClient.from_environment() as client:
        server = make_server(file, Calls(client))
        if port is None:
            try:
                anyio.run(serve_stdio, server)
            except BaseExceptionGroup as group:
                raise _ours(group) or group from None
            return
        import uvicorn  # noqa: PLC0415  likewise

        with socket.create_server((_LOOPBACK, port)) as listener:
            click.echo(f"the tools are at http://{_LOOPBACK}:{listener.getsockname()[1]}/mcp", err=True)
            application = _Started(server.streamable_http_app(host=_LOOPBACK))
            try:
                uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listener])
            except SystemExit:
                if application.failure is None:
                    raise
                raise _ours(application.failure) or application.failure from None


class _Started:
    """An application that remembers why it did not start: its server would write a traceback, and say nothing else."""

    def __init__(self, application: Any) -> None:
        self.failure: BaseException | None = None
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve, or start."""

        async def without_traceback(message: dict[str, Any]) -> None:
            await send({"type": message["type"]} if message["type"] == "lifespan.startup.failed" else message)

        try:
            await self._application(scope, receive, without_traceback)
        except BaseException as error:
            if scope["type"] == "lifespan":
                self.failure = error
            raise


def _ours(error: BaseException) -> MaskgateError | None:
    """Return the first error that is Maskgate's own: what runs at once fails as a group."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for each in error.exceptions if (found := _ours(each)) is not None), None)
    return error if isinstance(error, MaskgateError) else None
