"""Reads a rules file, strictly, and says everything that is wrong with it at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import Problem, RulesError
from maskgate.rules.column_reader import ColumnReader
from maskgate.rules.include import check_version, read_shared
from maskgate.rules.key_names import KeyNames
from maskgate.rules.model import UNLISTED, Check, Rules, TableRules
from maskgate.rules.option_reader import OptionReader
from maskgate.rules.strict_yaml import Reader, parse

if TYPE_CHECKING:
    from os import PathLike

    from maskgate.methods.method import Domain
    from maskgate.rules.strict_yaml import Located

TEXT_NAME = "rules"
MAX_BYTES = 4_000_000

# The table's name becomes that of a folder.
_TABLE_NAME = re.compile(r"\w(?:[\w .-]{0,98}[\w-])?")


_CHECKS = ("unique", "no_value_survives")

_NOT_YET = "this version does not enforce 'privacy:', and rules that are not enforced protect nobody. Take it out."
_ELSEWHERE = {
    "privacy": _NOT_YET,
    "check": "'check:' stands with a table.",
    "on_invalid": "'on_invalid:' stands with a column, beside its method.",
}
_ELSEWHERE_IN_TABLE = {
    "privacy": _NOT_YET,
    "unlisted": "'unlisted:' stands once, at the top of the file.",
    "include": "'include:' stands once, at the top of the file.",
    "on_invalid": _ELSEWHERE["on_invalid"],
}


def load_rules(source: str | PathLike[str], *, plugins: bool = True) -> Rules:
    """Read rules from a file, or from text.

    Args:
        source: A path; or the rules themselves, as a string of several lines or one that begins with a brace.
        plugins: Whether methods of plugins may be loaded. Otherwise their rules are taken as they are written.

    Raises:
        RulesError: With every problem and its line.
    """
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return read_rules(source, TEXT_NAME, plugins=plugins)
    path = Path(source)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        # A name with a null character in it is a ValueError.
        reason = getattr(error, "strerror", None) or "no file can have this name"
        raise RulesError(str(path), (Problem(f"the rules cannot be read: {reason}."),)) from error
    if len(content) > MAX_BYTES:
        raise RulesError(str(path), (Problem(f"a rules file of more than {MAX_BYTES:,} bytes is not read."),))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RulesError(str(path), (Problem("this is not YAML: it is not text in UTF-8.", line),)) from None
    return read_rules(text, str(path), path, plugins=plugins)


def read_rules(text: str, file: str, path: Path | None = None, *, plugins: bool = True) -> Rules:
    """Read rules from text.

    Args:
        text: What the file says.
        file: What messages call it.
        path: Where it lies, if key files and other files beside it should be found.
        plugins: Whether methods of plugins may be loaded.

    Raises:
        RulesError: With every problem and its line.
    """
    root = parse(text, file, RulesError)
    reader = Reader(file)
    rules = _RulesReader(reader, path, plugins).rules(root)
    reader.finish(RulesError)
    return rules


@dataclass(frozen=True)
class _RulesReader:
    reader: Reader
    path: Path | None
    plugins: bool

    def rules(self, root: Located) -> Rules:
        fields = self.reader.mapping(
            root, "", ("version", "include", "keys", "domains", "unlisted", "tables"), ("version", "tables"), _ELSEWHERE
        )
        check_version(self.reader, fields.get("version"))
        keys, domains = read_shared(self.reader, fields, self.path)
        unlisted = self.reader.choice(fields.get("unlisted"), "unlisted", UNLISTED, "fail")
        tables = self.reader.mapping(fields.get("tables"), "tables")
        if not tables and "tables" in fields and isinstance(fields["tables"].value, dict):
            self.reader.problem("tables: no table has rules.", fields["tables"].line)
        names = KeyNames(self.reader, keys)
        read = {name: self._table(name, table, names, domains) for name, table in tables.items()}
        return Rules(read, keys, domains, unlisted, self.path)

    def _table(self, name: str, located: Located, keys: KeyNames, domains: dict[str, Domain]) -> TableRules:
        where = f'table "{name}"'
        if not _TABLE_NAME.fullmatch(name) or ".." in name:
            self.reader.problem(
                f"{where}: a table's name becomes that of a folder. Use letters, digits, `_`, `-` and `.`, "
                "starting with a letter.",
                located.line,
            )
        known = ("entity", "row_key", "key", "columns", "check")
        fields = self.reader.mapping(located, where, known, ("columns",), _ELSEWHERE_IN_TABLE)
        options = OptionReader(self.reader, self.path)
        entity, row_key = (self._of_row(where, name, fields.get(name), options) for name in ("entity", "row_key"))
        key = keys.named(fields.get("key"), where)
        entries = self.reader.mapping(fields.get("columns"), f"{where}, columns")
        if not entries and "columns" in fields and isinstance(fields["columns"].value, dict):
            self.reader.problem(f"{where}: no column has a rule.", fields["columns"].line)
        columns = ColumnReader(self.reader, options, keys, domains, key, entity is not None, self.plugins)
        check = self._check(where, fields.get("check"), options)
        return TableRules(name, columns.columns(entries), entity, key, check, row_key)

    def _of_row(self, where: str, name: str, located: Located | None, options: OptionReader) -> str | None:
        if located is None:
            return None
        return options.column(f"{where}, {name}", located, of_row=True) or None

    def _check(self, where: str, located: Located | None, options: OptionReader) -> Check:
        where = f"{where}, check"
        fields = self.reader.mapping(located, where, _CHECKS)
        return Check(**{name: self._paths(f"{where}, {name}", fields.get(name), options) for name in _CHECKS})

    def _paths(self, where: str, located: Located | None, options: OptionReader) -> tuple[str, ...]:
        return tuple(options.column(where, column) for column in self.reader.sequence(located, where))
