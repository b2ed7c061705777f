"""The MCP server: lists the registered tools, and sends every call through the gate."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent
from mcp_types import Tool as ListedTool

from maskgate.agents.calling import Answer
from maskgate.agents.tools import ALWAYS, Result
from maskgate.agents.tools import Tool as HeldTool
from maskgate.canonical import digest
from maskgate.errors import Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from maskgate.agents.calling import Calls
    from maskgate.agents.tools_file import OtherServer, ToolsFile

_INSTRUCTIONS = (
    "Some calls wait for a person to sign them. Such a call answers with the status `pending` and a link; tell the "
    "user of it and go on. Once it is signed, make the same call with the same arguments again: it goes through once."
)


class OtherTool:
    """A tool of another MCP server, as a way that a call is carried out: there, and asynchronously."""

    def __init__(self, session: ClientSession, name: str, schema: Mapping[str, Any], server: OtherServer) -> None:
        self.session = session
        self.name = name
        self.schema = dict(schema)
        self.server = server

    def as_json(self) -> dict[str, Any]:
        """Say what it does."""
        return {
            "kind": "mcp",
            "server": list(self.server.argv),
            "tool": self.name,
            "schema": digest("tool-schema", self.schema),
        }

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Leave it to the other server."""

    def run(self, arguments: Mapping[str, Any]) -> Result:  # noqa: ARG002  the protocol's signature
        """Refuse: it is called where its session is."""
        raise Refused("a tool of another server is called in its session.")

    async def call(self, arguments: Mapping[str, Any]) -> Result:
        """Call it there."""
        answer = await self.session.call_tool(self.name, dict(arguments))
        text = "\n".join(each.text for each in answer.content if isinstance(each, TextContent))
        return Result(text, succeeded=not answer.is_error, value=answer.structured_content)


class _Held(HeldTool):
    """A tool of another server; that server checks the arguments."""

    @property
    def schema(self) -> dict[str, Any]:
        return self.way.schema if isinstance(self.way, OtherTool) else super().schema

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Leave it to the other server."""

    def resource_of(self, arguments: Mapping[str, Any]) -> str:  # noqa: ARG002  the same for every call
        return self.resource


def make_server(file: ToolsFile, calls: Calls) -> Server[dict[str, HeldTool]]:
    """Put the server together.

    Args:
        file: The tools.
        calls: Sends calls through the gate.
    """

    @asynccontextmanager
    async def lifespan(_: Server[dict[str, HeldTool]]) -> AsyncIterator[dict[str, HeldTool]]:
        async with AsyncExitStack() as stack:
            tools = {tool.name: tool for tool in file.tools}
            for other in file.servers:
                found = await _connected(stack, other)
                if twice := sorted(set(tools) & set(found)):
                    raise UsageError(f"two tools are called {twice[0]}. Call the server {other.name} something else")
                tools |= found
            yield tools

    async def list_tools(ctx: Any, params: PaginatedRequestParams | None) -> ListToolsResult:  # noqa: ARG001  MCP's
        listed = [
            ListedTool(name=tool.name, description=tool.description, input_schema=tool.schema)
            for tool in ctx.lifespan_context.values()
        ]
        return ListToolsResult(tools=listed)

    async def call_tool(ctx: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = ctx.lifespan_context.get(params.name)
        if tool is None:
            return _told(Answer("refused", f"there is no tool {params.name[:80]!r} here.", {}))
        return _told(await _called(calls, tool, dict(params.arguments or {})))

    return Server(
        file.name,
        version=version("maskgate"),
        instructions=_INSTRUCTIONS,
        lifespan=lifespan,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(server: Server[Any]) -> None:
    """Speak MCP on standard input and output until that ends."""
    async with stdio_server() as (reads, writes):
        await server.run(reads, writes, server.create_initialization_options())


async def _called(calls: Calls, tool: HeldTool, arguments: dict[str, Any]) -> Answer:
    allowed = await anyio.to_thread.run_sync(calls.ask, tool, arguments)
    if isinstance(allowed, Answer):
        return allowed
    way = tool.way
    if not isinstance(way, OtherTool):
        return await anyio.to_thread.run_sync(lambda: allowed.make(lambda: way.run(arguments)))
    result = Result("The other server did not answer.", succeeded=False)
    try:
        with allowed.being_made():
            result = await way.call(arguments)
    finally:
        with anyio.CancelScope(shield=True):
            answer = await anyio.to_thread.run_sync(allowed.report, result)
    return answer


def _told(answer: Answer) -> CallToolResult:
    """Write an answer for the model and for programs."""
    told = answer.as_json()
    shown = answer.text if answer.status == "done" else json.dumps(told, ensure_ascii=False)
    return CallToolResult(
        content=[TextContent(type="text", text=shown)], structured_content=told, is_error=answer.is_error
    )


async def _connected(stack: AsyncExitStack, other: OtherServer) -> dict[str, HeldTool]:
    """Start another server, and take its tools in.

    Raises:
        UsageError: If it does not start, or does not speak MCP.
    """
    known = {name: os.environ[name] for name in (*ALWAYS, *other.environment) if name in os.environ}
    parameters = StdioServerParameters(command=other.argv[0], args=list(other.argv[1:]), env=known)
    try:
        reads, writes = await stack.enter_async_context(stdio_client(parameters))
        session = await stack.enter_async_context(ClientSession(reads, writes))
        await session.initialize()
        tools = (await session.list_tools()).tools
    except Exception as error:  # of the system, of MCP, or a group of both
        raise UsageError(
            f"the server {other.name} does not start, or does not speak MCP ({type(error).__name__}). Try its command "
            "by itself"
        ) from error
    found: dict[str, HeldTool] = {}
    for listed in tools:
        name = f"{other.name}_{listed.name}"
        found[name] = _Held(
            name=name,
            description=listed.description or "",
            action=other.action,
            resource=other.resource.replace("{tool}", listed.name),
            why=other.why,
            parameters=(),
            way=OtherTool(session, listed.name, listed.input_schema, other),
        )
    return found
