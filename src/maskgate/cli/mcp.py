"""``maskgate mcp``: tools of AI agents behind the gate."""

from __future__ import annotations

import socket
from pathlib import Path

import click

from maskgate.errors import UsageError
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
            anyio.run(serve_stdio, server)
            return
        import uvicorn  # noqa: PLC0415  likewise

        with socket.create_server((_LOOPBACK, port)) as listener:
            click.echo(f"the tools are at http://{_LOOPBACK}:{listener.getsockname()[1]}/mcp", err=True)
            application = server.streamable_http_app(host=_LOOPBACK)
            uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listener])
