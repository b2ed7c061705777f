"""The block ``handlers:`` of ``gate.yaml``: what carries out which action, at the gate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from maskgate.errors import MaskgateError
from maskgate.gate.governed import GOVERNED_ACTIONS
from maskgate.gate.parameters import RESOURCE
from maskgate.release.handlers import CommandHandler, HttpHandler, SqlHandler
from maskgate.server.parameter_section import check_argv, listed, read_parameters

if TYPE_CHECKING:
    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.parameters import Parameter
    from maskgate.release.handlers.named_rows import MaskedDataset
    from maskgate.rules import Rules
    from maskgate.server.configuration_section import Section

_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_OF_STAGED_FILES = frozenset({"export", "publish"})
_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_BOUND = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
_DATASET = ("uri", "key", "column", "options")
_COMMON = ("kind", "input", "timeout_seconds")
_FIELDS = {
    "command": ("command", "dry_run", "env"),
    "http": ("method", "url", "headers", "private"),
    "sql": ("connection", "statement", "at_most_rows"),
    "detokenize": ("rules", "output", "at_most_rows", "datasets"),
}
_ALL = tuple(dict.fromkeys((*_COMMON, *(name for names in _FIELDS.values() for name in names))))


def read_handlers(root: Section, *, has_secrets: bool = True) -> dict[str, ActionHandler]:
    """Read the handlers, by the action that each carries out.

    Args:
        root: The file.
        has_secrets: Whether credentials stand in it; they do not in a gate's whose releaser is a process of its own.
    """
    found: dict[str, ActionHandler] = {}
    for section in root.sections("handlers", _ALL) if "handlers" in root else ():
        if not _ACTION.fullmatch(section.name) or section.name in GOVERNED_ACTIONS | _OF_STAGED_FILES:
            section.problem("kind", f"belongs to {section.name[:40]!r}, which no handler can carry out")
        found[section.name] = _handler(section, has_secrets=has_secrets)
    return found


def _handler(section: Section, *, has_secrets: bool) -> ActionHandler:
    section.required("kind")
    kind = section.choice("kind", tuple(_FIELDS), default="command")
    for name in _ALL:
        if name in section and name not in {*_COMMON, *_FIELDS[kind]}:
            section.problem(name, f"is nothing that a handler of the kind {kind} has")
    parameters = read_parameters(section, "input")
    if kind == "http":
        return _http(section, parameters, has_secrets=has_secrets)
    if kind == "sql":
        return _sql(section, parameters, has_secrets=has_secrets)
    if kind == "detokenize":
        return _detokenize(section, parameters, is_here=has_secrets)
    return _command(section, parameters)


def _command(section: Section, parameters: tuple[Parameter, ...]) -> ActionHandler:
    section.required("command")
    argv, dry_run = section.strings("command"), section.strings("dry_run")
    names = {*(each.name for each in parameters), RESOURCE}
    if "command" in section:
        check_argv(section, "command", argv, names)
    if "dry_run" in section:
        check_argv(section, "dry_run", dry_run, names)
    seconds = section.integer("timeout_seconds", 60)
    return CommandHandler(section.name, argv, parameters, dry_run, section.strings("env"), seconds)


def _http(section: Section, parameters: tuple[Parameter, ...], *, has_secrets: bool) -> ActionHandler:
    section.required("url")
    # Of a gate without credentials, the names of the headers alone: they are part of what is signed.
    headers = section.options("headers") if has_secrets else dict.fromkeys(section.strings("headers"), "")
    return HttpHandler(
        action=section.name,
        method=section.choice("method", _METHODS, default="POST"),
        url=section.url("url", ""),
        parameters=parameters,
        headers={name: str(value) for name, value in headers.items()},
        private=section.boolean("private", default=False),
        seconds=section.integer("timeout_seconds", 30),
    )


def _sql(section: Section, parameters: tuple[Parameter, ...], *, has_secrets: bool) -> ActionHandler:
    section.required(*(("connection",) if has_secrets else ()), "statement")
    if not has_secrets and "connection" in section:
        section.problem("connection", "belongs to releaser.yaml alone, since the releaser is `process`")
    statement, url = section.string("statement").rstrip("; "), section.secret("connection") if has_secrets else ""
    if ";" in statement:
        section.problem("statement", "must be one statement")
    unknown = set(_BOUND.findall(statement)) - {each.name for each in parameters} - {RESOURCE}
    if unknown:
        section.problem("statement", f"has places for {listed(unknown)}, which are no parameters")
    if url:
        try:
            make_url(url)
        except ArgumentError:
            section.problem("connection", "must lead to an address such as postgresql+psycopg://user@host/database")
    return SqlHandler(
        action=section.name,
        url=url,
        statement=statement,
        parameters=parameters,
        at_most_rows=section.integer("at_most_rows", 1) if "at_most_rows" in section else None,
        seconds=section.integer("timeout_seconds", 60),
    )


def _detokenize(section: Section, parameters: tuple[Parameter, ...], *, is_here: bool) -> ActionHandler:
    from maskgate.release.handlers import DetokenizeHandler  # noqa: PLC0415  it loads Arrow and the methods

    section.required("rules", "output")
    if parameters:
        section.problem("input", "is nothing that a handler of the kind detokenize has: it takes `tokens`")
    rules = _rules(section)
    folder = section.path("output", "")
    if is_here and "output" in section and not folder.is_dir():
        section.problem("output", "must be a folder that is there")
    return DetokenizeHandler(
        action=section.name,
        rules=rules,
        output=folder.absolute(),
        at_most_rows=section.integer("at_most_rows", 1000),
        datasets={each.name: _dataset(each) for each in section.sections("datasets", _DATASET)},
        seconds=section.integer("timeout_seconds", 60),
    )


def _dataset(section: Section) -> MaskedDataset:
    from maskgate.release.handlers.named_rows import MaskedDataset  # noqa: PLC0415  it loads Arrow

    section.required(*_DATASET[:3])
    uri = section.string("uri")
    place = uri if "://" in uri else str((section.problems.base / uri).absolute())
    return MaskedDataset(place, section.string("key"), section.string("column"), section.options("options"))


def _rules(section: Section) -> Rules:
    from maskgate.rules import Rules, load_rules  # noqa: PLC0415  a gate without such a handler needs no Arrow

    if "rules" not in section:
        return Rules({}, {})
    try:
        return load_rules(section.path("rules", ""))
    except MaskgateError as error:
        section.problem("rules", f"cannot be used: {error}")
        return Rules({}, {})
