"""The file that names the tools of an agent, read strictly: what this version does not know is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.agents.python_way import PythonWay
from maskgate.agents.tools import CommandWay, HttpWay, Tool
from maskgate.errors import ConfigurationError, UsageError
from maskgate.gate.parameters import places_of
from maskgate.rules.strict_yaml import parse
from maskgate.server.configuration_section import Problems, Section
from maskgate.server.parameter_section import NAME, check_argv, listed, read_parameters

if TYPE_CHECKING:
    from pathlib import Path

    from maskgate.agents.tools import Way

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_TOOL = ("description", "action", "resource", "why", "input", "timeout_seconds", "env", "command", "http", "python")
_SERVER = ("command", "env", "action", "resource", "why")
CALL_TOOL = "call-tool"


@dataclass(frozen=True)
class OtherServer:
    """Another MCP server, all of whose tools stand behind the gate.

    Attributes:
        name: What it is called here; its tools are ``<name>_<tool>``.
        argv: How it is started; it speaks on its standard input and output.
        environment: Variables that it may see.
        action: The verb that policies match.
        resource: What a call is about; ``{tool}`` is the tool's name there.
        why: For the reviewer.
    """

    name: str
    argv: tuple[str, ...]
    environment: tuple[str, ...]
    action: str
    resource: str
    why: str


@dataclass(frozen=True)
class ToolsFile:
    """What the file says."""

    name: str
    tools: tuple[Tool, ...]
    servers: tuple[OtherServer, ...]


def load_tools(file: Path) -> ToolsFile:
    """Read a file of tools.

    Raises:
        ConfigurationError: With every problem and its line.
        UsageError: If the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text in UTF-8") from None
    problems = Problems(str(file), file.absolute().parent)
    root = Section(problems, parse(text, str(file), ConfigurationError), "", ("version", "name", "tools", "servers"))
    root.required("version")
    if root.integer("version", 1) != 1:
        root.problem("version", "is not one that this Maskgate knows. Write `version: 1`")
    if "tools" not in root and "servers" not in root:
        root.problem("tools", "is missing, and so is `servers`: there is nothing to call")
    found = ToolsFile(
        name=root.string("name") or "maskgate",
        tools=tuple(_tool(section) for section in root.sections("tools", _TOOL)),
        servers=tuple(_server(section) for section in root.sections("servers", _SERVER)),
    )
    problems.finish()
    return found


def _tool(section: Section) -> Tool:
    section.required("description", "resource")
    parameters = read_parameters(section, "input")
    if not NAME.fullmatch(section.name):
        section.problem("description", f"belongs to a tool whose name is none: {section.name[:40]!r}. Write like_this")
    names = {each.name for each in parameters}
    resource = section.string("resource")
    required = {each.name for each in parameters if not each.optional}
    if places_of(resource) - required:
        section.problem("resource", f"names {listed(places_of(resource) - required)}, which `input` does not require")
    return Tool(
        name=section.name,
        description=section.string("description"),
        action=_action(section),
        resource=resource,
        why=section.string("why"),
        parameters=parameters,
        way=_way(section, names),
    )


def _server(section: Section) -> OtherServer:
    section.required("command", "resource")
    return OtherServer(
        name=section.name,
        argv=section.strings("command"),
        environment=section.strings("env"),
        action=_action(section),
        resource=section.string("resource"),
        why=section.string("why"),
    )


def _action(section: Section) -> str:
    action = section.string("action") or CALL_TOOL
    if not _ACTION.fullmatch(action):
        section.problem("action", "must be a verb such as call-tool")
    return action


def _way(section: Section, names: set[str]) -> Way:
    ways = [each for each in ("command", "http", "python") if each in section]
    if len(ways) != 1:
        section.problem("command", "is missing, and so are `http` and `python`: say how it is carried out, in one way")
        return PythonWay("")
    timeout = float(section.integer("timeout_seconds", 60))
    for option, kept_by in (("env", ("command",)), ("timeout_seconds", ("command", "http"))):
        if option in section and ways[0] not in kept_by:
            section.problem(option, f"is not kept by `{ways[0]}`, so it would mean nothing. Leave it out")
    if ways == ["http"]:
        return _http(section.section("http", ("method", "url", "headers")), timeout)
    if ways == ["python"]:
        function = section.string("python")
        if not _FUNCTION.fullmatch(function):
            section.problem("python", "must be module:function")
        return PythonWay(function)
    argv = section.strings("command")
    check_argv(section, "command", argv, names)
    return CommandWay(argv, timeout, section.strings("env"))


def _http(section: Section, timeout: float) -> HttpWay:
    section.required("url")
    headers = {name: str(value) for name, value in section.options("headers").items()}
    return HttpWay(section.choice("method", _METHODS, default="POST"), section.url("url", ""), timeout, headers)
