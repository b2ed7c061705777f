"""Writes the table of methods into `rules.md`, from what each method declares of itself. `make docs` runs it."""  # noqa: INP001  a script

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.methods.method import Family
from maskgate.methods.registry import METHODS

if TYPE_CHECKING:
    from maskgate.methods.method import Declaration, Parameter

GUIDE = Path(__file__).parent / "rules.md"
BEGIN, END = "<!-- methods: written by `make docs` -->\n", "<!-- end of methods -->\n"
HEAD = """\
| method | what it does | options | takes | different values stay different | who can reverse it |
|---|---|---|---|---|---|
"""


def table() -> str:
    """Return the table of all methods, by name."""
    return HEAD + "".join(_row(METHODS[name].declaration) for name in sorted(METHODS))


def with_table(text: str) -> str:
    """Return a guide with its table replaced by the present one."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def _row(declaration: Declaration) -> str:
    needs = [
        *(["`domain:`"] if declaration.needs_domain else []),
        *(["a key"] if declaration.needs_key and not declaration.needs_domain else []),
        *(["the table's `entity:`"] if declaration.needs_entity else []),
    ]
    summary = f"{declaration.summary} Needs {' and '.join(needs)}." if needs else declaration.summary
    cells = (
        f"`{declaration.name}`",
        summary,
        "<br>".join(_option(parameter) for parameter in declaration.parameters),
        "everything" if declaration.accepts == frozenset(Family) else ", ".join(sorted(declaration.accepts)),
        declaration.uniqueness,
        declaration.reversible_by,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _option(parameter: Parameter) -> str:
    kind = " or ".join(parameter.choices) or str(parameter.kind)
    usual = "" if parameter.required or parameter.default in (None, "") else f", by default `{parameter.default}`"
    return f"`{parameter.name}`{' (required)' if parameter.required else ''}: {kind}{usual}. {parameter.description}"


if __name__ == "__main__":
    GUIDE.write_text(with_table(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
