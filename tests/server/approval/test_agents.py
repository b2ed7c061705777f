from __future__ import annotations

import os
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from server.web.running_gate import REASON

from maskgate.agents.tools_file import load_tools
from maskgate.cli.main import run as run_command_line
from maskgate.errors import ConfigurationError

MASKGATE = [sys.executable, "-c", "from maskgate.cli import main; main()"]
TOOLS = """\
version: 1
name: production tools
tools:
  deploy:
    description: Deploy a version
    resource: "prod/{app}"
    why: an agent asks
    input:
      app: {type: string, pattern: "[a-z0-9-]+"}
      version: {type: integer, optional: true}
    command: ["echo", "deployed {app} {version}"]
  look:
    description: Look at an app
    resource: "dev/{app}"
    input: {app: {type: string}}
    command: ["echo", "looking at {app}"]
  forbidden:
    description: Never allowed
    resource: forbidden/x
    command: ["echo", "no"]
  fails:
    description: Fails
    resource: dev/fails
    command: ["sh", "-c", "echo bad; exit 4"]
  add:
    description: Count leap years
    resource: dev/add
    input: {y1: {type: integer}, y2: {type: integer}}
    python: "calendar:leapdays"
  fetch:
    description: Call a fixed address
    resource: dev/fetch
    input: {name: {type: string}}
    http: {method: POST, url: "URL/echo", headers: {Authorization: "env:ECHO_TOKEN"}}
servers:
  other:
    command: [PYTHON, SERVER]
    resource: "prod/other-{tool}"
"""
OTHER = """\
from mcp.server.mcpserver import MCPServer
server = MCPServer("other")

@server.tool()
def shout(text: str) -> str:
    '''Shout.'''
    return text.upper()

server.run()
"""


@contextmanager
def echoing():
    """A server that answers with what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Authorization"].encode() + b" " + body)

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tools")
    (folder / "other.py").write_text(OTHER)
    with echoing() as url:
        text = TOOLS.replace("URL", url).replace("PYTHON", sys.executable).replace("SERVER", str(folder / "other.py"))
        (folder / "tools.yaml").write_text(text)
        yield folder / "tools.yaml"


def environment_of(gate):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    known = {"MASKGATE_URL": gate.url, "MASKGATE_TOKEN": gate.token(), "MASKGATE_FINGERPRINT": gate.gate.fingerprint}
    return kept | known | {"ECHO_TOKEN": "very-secret"}


@asynccontextmanager
async def agent(gate, tools):
    """The official client, with the server as its child."""
    parameters = StdioServerParameters(
        command=MASKGATE[0], args=[*MASKGATE[1:], "mcp", "--config", str(tools)], env=environment_of(gate)
    )
    async with Client(stdio_client(parameters)) as client:
        yield client


def with_agent(gate, tools, story):
    """Let an agent do something, and return what it saw."""

    async def told():
        async with agent(gate, tools) as client:
            return await story(client)

    return anyio.run(told)


async def decided(gate, request, verdict="approve"):
    await anyio.to_thread.run_sync(gate.decide, request, verdict)


class TestAgents:
    """An agent's calls go through at once, wait for a person, or are refused; what was signed is done once."""

    def test_a_held_call_goes_through_once_after_the_signature(self, gate, tools):
        async def story(client):
            asked = {"app": "shop", "version": 7}
            pending = await client.call_tool("deploy", asked)
            again = await client.call_tool("deploy", asked)
            await decided(gate, pending.structured_content["request"])
            done = await client.call_tool("deploy", asked)
            return pending, again, done, await client.call_tool("deploy", asked)

        pending, again, done, later = with_agent(gate, tools, story)
        assert (pending.is_error, pending.structured_content["status"]) == (False, "pending")
        assert pending.structured_content["url"].startswith(gate.url)
        assert again.structured_content["request"] == pending.structured_content["request"]
        assert (done.is_error, done.content[0].text) == (False, "deployed shop 7\n")
        assert done.structured_content["request"] == pending.structured_content["request"]
        assert later.structured_content["status"] == "pending"
        assert later.structured_content["request"] != pending.structured_content["request"]
        assert gate.read(pending.structured_content["request"])["state"] == "released"

    def test_changed_arguments_are_another_request(self, gate, tools):
        async def story(client):
            first = await client.call_tool("deploy", {"app": "blog", "version": 1})
            await decided(gate, first.structured_content["request"])
            return first, await client.call_tool("deploy", {"app": "blog", "version": 2})

        first, second = with_agent(gate, tools, story)
        assert second.structured_content["status"] == "pending"
        assert second.structured_content["request"] != first.structured_content["request"]
        assert gate.read(first.structured_content["request"])["state"] == "approved"

    def test_a_denied_call_says_so_with_the_reason(self, gate, tools):
        async def story(client):
            pending = await client.call_tool("deploy", {"app": "wiki"})
            await decided(gate, pending.structured_content["request"], "deny")
            return await client.call_tool("deploy", {"app": "wiki"})

        denied = with_agent(gate, tools, story)
        assert (denied.is_error, denied.structured_content["status"]) == (True, "denied")
        assert REASON in denied.content[0].text

    def test_other_answers(self, gate, tools):
        async def story(client):
            calls = {
                "allowed": ("look", {"app": "shop"}),
                "forbidden": ("forbidden", {}),
                "failing": ("fails", {}),
                "python": ("add", {"y1": 2000, "y2": 2024}),
                "http": ("fetch", {"name": "x"}),
                "unknown argument": ("look", {"app": "x", "more": 1}),
                "wrong type": ("add", {"y1": "1", "y2": 2}),
                "an option": ("look", {"app": "--help"}),
                "no tool": ("nothing", {}),
            }
            return {name: await client.call_tool(*call) for name, call in calls.items()}

        told = with_agent(gate, tools, story)
        assert told["allowed"].content[0].text == "looking at shop\n"
        assert told["python"].structured_content["result"] == 6
        assert told["http"].content[0].text == 'very-secret {"name":"x"}'
        statuses = {name: each.structured_content["status"] for name, each in told.items()}
        assert statuses == {
            "allowed": "done",
            "forbidden": "refused",
            "failing": "failed",
            "python": "done",
            "http": "done",
            "unknown argument": "refused",
            "wrong type": "refused",
            "an option": "refused",
            "no tool": "refused",
        }
        assert told["failing"].structured_content["exit_code"] == 4
        assert "does not take `more`" in told["unknown argument"].content[0].text

    def test_tools_of_another_server_are_held_too(self, gate, tools):
        async def story(client):
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            pending = await client.call_tool("other_shout", {"text": "hello"})
            await decided(gate, pending.structured_content["request"])
            return listed, pending, await client.call_tool("other_shout", {"text": "hello"})

        listed, pending, done = with_agent(gate, tools, story)
        assert listed["other_shout"].input_schema["properties"]["text"]["type"] == "string"
        assert listed["deploy"].input_schema["required"] == ["app"]
        assert pending.structured_content["status"] == "pending"
        assert done.content[0].text == "HELLO"

    def test_the_reviewer_sees_tool_and_arguments(self, gate, tools):
        async def story(client):
            return await client.call_tool("deploy", {"app": "docs"})

        pending = with_agent(gate, tools, story)
        shown = gate.read(pending.structured_content["request"])["call"]["arguments"]
        assert (shown["tool"], shown["arguments"]) == ("deploy", {"app": "docs"})

    @pytest.mark.parametrize("http", [[], ["--http", "0"]], ids=["standard input", "http"])
    def test_another_server_that_does_not_start_is_named(self, tmp_path, monkeypatch, capsys, http):
        monkeypatch.setenv("MASKGATE_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("MASKGATE_TOKEN", "mg_pipeline_x")
        file = tmp_path / "tools.yaml"
        file.write_text("version: 1\nservers:\n  away: {command: [/no/such/program], resource: x}\n")
        assert run_command_line(["mcp", "--config", str(file), *http]) == 2
        said = capsys.readouterr().err
        assert "the server away does not start" in said
        assert "Traceback" not in said

    def test_over_http_on_loopback(self, gate, tools):
        arguments = ["mcp", "--config", str(tools), "--http", "0"]
        process = Popen([*MASKGATE, *arguments], env=environment_of(gate), stderr=PIPE, text=True)

        async def told():
            async with Client(address) as client:
                return await client.call_tool("look", {"app": "shop"})

        try:
            address = process.stderr.readline().split()[-1]
            assert address.startswith("http://127.0.0.1:")
            assert anyio.run(told).content[0].text == "looking at shop\n"
        finally:
            process.terminate()
            process.communicate()


class TestToolsFile:
    """The file of tools is read strictly, with every problem and its line."""

    def test_a_file_is_read(self, tools, monkeypatch, capsys):
        monkeypatch.setenv("ECHO_TOKEN", "x")
        assert run_command_line(["mcp", "--config", str(tools), "--check"]) == 0
        assert "6 tools, 1 other servers" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("version: 1\n", "there is nothing to call", id="nothing"),
            pytest.param("version: 2\ntools: {}\n", "Write `version: 1`", id="another version"),
            pytest.param("version: 1\ntool: {}\n", "Did you mean `tools`", id="a misspelt block"),
            pytest.param('a: {resource: x, command: ["x"]}', "`tools.a.description` is missing", id="no description"),
            pytest.param("a: {description: x, resource: x}", "in one way", id="no way"),
            pytest.param(
                'a: {description: x, resource: x, command: ["x"], python: "a:b"}', "in one way", id="two ways"
            ),
            pytest.param(
                'a: {description: x, resource: x, command: ["x", "{y}"]}', "places for `y`", id="an undeclared place"
            ),
            pytest.param('a: {description: x, resource: x, command: ["{y}"]}', "the program itself", id="any program"),
            pytest.param('a: {description: x, resource: "{y}", command: ["x"]}', "names `y`", id="an open resource"),
            pytest.param(
                'a: {description: x, resource: x, command: ["x"], input: {y: {pattern: "("}}}', "RE2", id="no pattern"
            ),
            pytest.param('a: {description: x, resource: x, python: "os.system"}', "module:function", id="no function"),
            pytest.param(
                "a: {description: x, resource: x, http: {url: ftp://x}}", "http or https URL", id="another protocol"
            ),
            pytest.param(
                'a: {description: x, resource: x, command: ["x"], approval: never}', "is not known", id="a way round"
            ),
        ],
    )
    def test_what_is_refused(self, tmp_path, text, words):
        whole = text if text.startswith("version") else f"version: 1\ntools:\n  {text}\n"
        (tmp_path / "tools.yaml").write_text(whole)
        with pytest.raises(ConfigurationError) as refused:
            load_tools(tmp_path / "tools.yaml")
        assert words in str(refused.value)
        assert "tools.yaml:" in str(refused.value)
