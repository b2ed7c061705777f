"""The block ``sources:``: originals that the releaser masks itself, with credentials and keys that only it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.errors import MaskgateError, UsageError
from maskgate.gate.sources import Source
from maskgate.gate.staged_names import check_table_name, shown
from maskgate.server.configuration_wrapping import read_wrapping_key

if TYPE_CHECKING:
    from maskgate.rules import Rules
    from maskgate.server.configuration_section import Section

_FIELDS = ("rules", "tables", "options", "encrypt")


def read_sources(root: Section, *, is_of_gate: bool = True) -> dict[str, Source]:
    """Read the sources of a gate or of a releaser.

    Args:
        root: The file.
        is_of_gate: Whether it is a gate's, which keeps what was masked until it is released.
    """
    if "sources" not in root:
        return {}
    return {section.name: _source(section, is_of_gate=is_of_gate) for section in root.sections("sources", _FIELDS)}


def _source(section: Section, *, is_of_gate: bool) -> Source:
    from maskgate.rules import Rules  # noqa: PLC0415  a gate without sources needs no Arrow

    section.required("rules", "tables")
    rules = _rules(section)
    tables = {name: _uri(section, name, uri) for name, uri in section.options("tables").items()}
    for name in tables:
        if rules is not None and name not in rules.tables:
            section.problem("tables", f"has {shown(name)}, for which {section.string('rules')} has no rules")
    if "encrypt" in section and not is_of_gate:
        section.problem(
            "encrypt", "belongs to gate.yaml alone; a releaser encrypts what it masks by keys in its memory"
        )
        return Source(section.name, rules or Rules({}, {}), tables, section.options("options"))
    return Source(section.name, rules or Rules({}, {}), tables, section.options("options"), read_wrapping_key(section))


def _rules(section: Section) -> Rules | None:
    if not section.string("rules"):
        return None
    from maskgate.rules import load_rules  # noqa: PLC0415  likewise

    try:
        return load_rules(section.path("rules", ""))
    except MaskgateError as error:
        section.problem("rules", f"cannot be used: {error}")
        return None


def _uri(section: Section, name: str, uri: object) -> str:
    try:
        check_table_name(name)
    except UsageError as error:
        section.problem("tables", str(error))
    if not isinstance(uri, str) or not uri.strip() or not uri.isprintable():
        section.problem("tables", f"must say for {shown(name)} where it is: a path or URI of Parquet")
        return ""
    if "@" in uri or "?" in uri:
        section.problem("tables", f"must name {shown(name)} by its address alone; credentials belong to `options:`")
    return uri if "://" in uri else str((section.problems.base / uri).absolute())
