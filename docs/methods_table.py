"""Writes the tables of `rules.md` and `methods.md` out of what the code declares. `make docs` runs it."""  # noqa: INP001  a script

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.methods.method import Family, ReversibleBy
from maskgate.methods.registry import METHODS
from maskgate.rules.findings import CODES

if TYPE_CHECKING:
    from maskgate.methods.method import Declaration, Parameter

GUIDES = tuple(Path(__file__).parent / name for name in ("rules.md", "methods.md"))
# A part that is written here begins with its name, and ends with an empty comment.
PART = re.compile(r"(<!-- (?P<name>[a-z_]+): written by `make docs` -->\n).*?(<!-- -->\n)", re.DOTALL)
METHODS_HEAD = """\
| method | what it does | ISO/IEC 20889 | takes | different values stay different | who can reverse it |
|---|---|---|---|---|---|
"""


def with_table(text: str) -> str:
    """Return a guide with its written parts replaced by the present ones."""
    return PART.sub(lambda found: found[1] + _part(found["name"]) + found[3], text)


def _part(name: str) -> str:
    if name == "methods":
        return METHODS_HEAD + "".join(_row(METHODS[each].declaration) for each in sorted(METHODS))
    if name == "findings":
        return "| code | what it says |\n|---|---|\n" + "".join(
            f"| `{code}` | {said} |\n" for code, said in CODES.items()
        )
    return _options(METHODS[name].declaration)


def _row(declaration: Declaration) -> str:
    reversible = declaration.reversible_by
    cells = (
        f"[`{declaration.name}`](#{declaration.name})",
        declaration.summary,
        declaration.term,
        "everything" if declaration.accepts == frozenset(Family) else ", ".join(sorted(declaration.accepts)),
        str(declaration.uniqueness),
        "everybody: it changes nothing" if reversible is ReversibleBy.EVERYBODY else str(reversible),
    )
    return f"| {' | '.join(_in_cell(cell) for cell in cells)} |\n"


def _options(declaration: Declaration) -> str:
    lines = [f"{sentence}\n\n" for sentence in _needs(declaration)]
    if declaration.parameters:
        lines.append("| option | value | what it is |\n|---|---|---|\n")
        lines += [_option(parameter) for parameter in declaration.parameters]
    return "".join(lines)


def _needs(declaration: Declaration) -> list[str]:
    needs = [
        *(["`domain:`"] if declaration.needs_domain else []),
        *(["a key"] if declaration.needs_key and not declaration.needs_domain else []),
        *(["the table's `entity:`"] if declaration.needs_entity else []),
        *(["all rows of the table at once"] if declaration.whole_table else []),
    ]
    said = [f"Needs {' and '.join(needs)}."] if needs else []
    if declaration.one_of:
        said.append(f"Takes exactly one of {', '.join(f'`{each}`' for each in declaration.one_of)}.")
    if declaration.takes_domain and not declaration.needs_domain:
        said.append("May have a `domain:`, which then brings the key.")
    return [" ".join(said)] if said else []


def _option(parameter: Parameter) -> str:
    kind = " or ".join(f"`{each}`" for each in parameter.choices) or str(parameter.kind)
    least, most = parameter.minimum, parameter.maximum
    above = [] if parameter.above is None else [f"above {parameter.above:g}"]
    bounds = [
        *above,
        *([f"{least:g} to {most:g}"] if least is not None and most is not None else []),
        *([f"{least:g} or more"] if least is not None and most is None else []),
        *([f"{most:g} or less"] if most is not None and least is None else []),
        *(["required"] if parameter.required else []),
        *([f"by default `{_written(parameter.default)}`"] if parameter.default not in (None, "", ()) else []),
    ]
    cells = (f"`{parameter.name}`", ", ".join([kind, *bounds]), parameter.description)
    return f"| {' | '.join(_in_cell(cell) for cell in cells)} |\n"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for guide in GUIDES:
        guide.write_text(with_table(guide.read_text(encoding="utf-8")), encoding="utf-8")
