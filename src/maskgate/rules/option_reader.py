"""Reads the options of a method against the parameters that it declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.methods.method import Kind
from maskgate.rules.neighbours import read_neighbour
from maskgate.rules.path import ELEMENTS, Path
from maskgate.rules.strict_yaml import Located, did_you_mean, near_name
from maskgate.rules.yaml_scalars import whole

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

    from maskgate.methods.method import Declaration, Parameter
    from maskgate.rules.strict_yaml import Reader

# What a rule may hold beside the options of its method.
FRAME = ("method", "domain", "key", "on_invalid")


class OptionReader:
    """Reads options.

    Args:
        reader: Collects the problems.
        path: The rules file, which files are named from; None if the rules are text.
    """

    def __init__(self, reader: Reader, path: pathlib.Path | None) -> None:
        self._reader = reader
        self._path = path

    def options(self, where: str, declaration: Declaration, fields: Mapping[str, Located], line: int) -> dict[str, Any]:
        """Read what stands beside ``method:``."""
        parameters = {each.name: each for each in declaration.parameters}
        options = {}
        for name, entry in fields.items():
            if name in parameters:
                options[name] = self._option(f"{where}, {name}", parameters[name], entry)
            elif name == "when":
                self._reader.problem(
                    f"{where}: a rule with `when:` is one entry of a list, and the last entry is for everyone else.",
                    entry.line,
                )
            elif name not in FRAME:
                near = near_name(name, (*parameters, *FRAME)) or did_you_mean(name, parameters) or " It has none."
                self._reader.problem(f"{where}: '{declaration.name}' has no option '{name}'.{near}", entry.line)
        for parameter in parameters.values():
            if parameter.required and parameter.name not in fields:
                self._reader.problem(
                    f"{where}: '{declaration.name}' needs '{parameter.name}': {parameter.description}", line
                )
        return options

    def column(self, where: str, located: Located, *, of_row: bool = False) -> str:
        """Read the path of one column; of one that a row has once, if asked for."""
        text = self._reader.string(located, where)
        if text and self.check_path(where, text, located.line, of_row=of_row):
            return text
        return ""

    def _option(self, where: str, parameter: Parameter, located: Located) -> Any:
        match parameter.kind:
            case Kind.NUMBERS if isinstance(located.value, list):
                return [self._single(where, parameter, entry) for entry in self._some(where, located)]
            case Kind.CHOICES | Kind.STRINGS | Kind.VALUES | Kind.COLUMNS:
                return [self._single(where, parameter, entry) for entry in self._some(where, located)]
            case Kind.MATRIX:
                return self._matrix(where, parameter, located)
            case _:
                return self._single(where, parameter, located)

    def _single(self, where: str, parameter: Parameter, located: Located) -> Any:  # noqa: PLR0911  one a kind
        reader = self._reader
        match parameter.kind:
            case Kind.INTEGER:
                return reader.integer(located, where, minimum=parameter.minimum, maximum=parameter.maximum)
            case Kind.NUMBER | Kind.NUMBERS:
                return self._number(where, parameter, located)
            case Kind.BOOLEAN:
                return reader.boolean(located, where)
            case Kind.CHOICE | Kind.CHOICES:
                return reader.choice(located, where, parameter.choices)
            case Kind.COLUMNS:
                return self.column(where, located)
            case Kind.FILE:
                return self._file(where, located)
            case Kind.VALUES:
                return self._value(where, located)
            case _:
                # An empty text is a text here: `redact` may leave nothing.
                return "" if located.value == "" else reader.string(located, where)

    def _value(self, where: str, located: Located) -> str:
        """Read what a cell may hold, as it is spelled."""
        value = whole(located.value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | str):
            return str(value)
        self._reader.problem(f"{where}: a text, a whole number, true or false is expected here.", located.line)
        return ""

    def _number(self, where: str, parameter: Parameter, located: Located) -> float:
        number = self._reader.number(located, where, minimum=parameter.minimum, maximum=parameter.maximum)
        if parameter.above is not None and number <= parameter.above and _is_number(located):
            self._reader.problem(f"{where}: more than {parameter.above:g} is expected here.", located.line)
        return number

    def _some(self, where: str, located: Located) -> list[Located]:
        entries = located.value if isinstance(located.value, list) else [located]
        if not entries:
            self._reader.problem(f"{where}: this list is empty. Name at least one, or take it out.", located.line)
        return entries

    def _matrix(self, where: str, parameter: Parameter, located: Located) -> dict[str, dict[str, float]]:
        return {
            name: {
                other: self._number(f'{where}, from "{name}" to "{other}"', parameter, entry)
                for other, entry in self._reader.mapping(row, f'{where}, from "{name}"').items()
            }
            for name, row in self._reader.mapping(located, where).items()
        }

    def _file(self, where: str, located: Located) -> dict[str, str]:
        name = self._reader.string(located, where)
        if name:
            try:
                return {"file": name, "content": read_neighbour(self._path, name)}
            except ValueError as error:
                self._reader.problem(f"{where}: {error}.", located.line)
        return {"file": name, "content": ""}

    def check_path(self, where: str, text: str, line: int, *, of_row: bool = False) -> bool:
        """Refuse what is not the path of one column."""
        try:
            path = Path.parse(text)
        except ValueError as error:
            self._reader.problem(f"{where}: '{text}' is not the path of a column: {error}.", line)
            return False
        if path.is_pattern:
            self._reader.problem(f"{where}: one column is expected here, not a pattern of names.", line)
        elif of_row and ELEMENTS in path.steps:
            self._reader.problem(f"{where}: a row has one, so that it cannot be in a list.", line)
        return True


def _is_number(located: Located) -> bool:
    return isinstance(located.value, int | float) and not isinstance(located.value, bool)
