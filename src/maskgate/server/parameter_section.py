"""Parameters of a handler or a tool, and commands with places for them, as a configuration writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

from maskgate.gate.parameters import RESOURCE, TYPES, Parameter, places_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from maskgate.server.configuration_section import Section

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_PARAMETER = ("type", "description", "pattern", "choices", "optional")


def read_parameters(section: Section, name: str) -> tuple[Parameter, ...]:
    """Read what a tool or a handler takes; an empty mapping is nothing."""
    return tuple(_parameter(each) for each in section.sections(name, _PARAMETER, may_be_empty=True))


def check_argv(section: Section, name: str, argv: Sequence[str], names: Collection[str]) -> None:
    """See that a command names a program, and has places for parameters that there are, and no others."""
    if not argv:
        section.problem(name, "must be a list: the program, and its words")
        return
    if places_of(argv[0]):
        section.problem(name, "must name the program itself, not a parameter")
    unknown = set[str]().union(*(places_of(word) for word in argv)) - set(names)
    if unknown:
        section.problem(name, f"has places for {listed(unknown)}, which are no parameters")


def listed(names: Collection[str]) -> str:
    """Write names beside each other."""
    return ", ".join(f"`{name}`" for name in sorted(names))


def _parameter(section: Section) -> Parameter:
    if not NAME.fullmatch(section.name) or section.name == RESOURCE:
        section.problem("type", f"belongs to a parameter whose name is none: {section.name[:40]!r}. Write like_this")
    pattern = section.string("pattern") or None
    if pattern is not None:
        try:
            re2.compile(pattern)
        except re2.error:
            section.problem("pattern", "is no pattern of RE2")
    kind = section.choice("type", tuple(TYPES), default="string")
    if kind != "string" and (pattern or "choices" in section):
        section.problem("type", "must be string where there is a pattern, or choices")
    return Parameter(
        name=section.name,
        type=kind,
        description=section.string("description"),
        pattern=pattern,
        choices=section.strings("choices"),
        optional=section.boolean("optional", default=False),
    )
