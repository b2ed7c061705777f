"""Reads a rules file, strictly, and says everything that is wrong with it at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import Problem, RulesError
from maskgate.methods.method import Domain
from maskgate.rules.column_reader import ColumnReader
from maskgate.rules.model import UNLISTED, VERSION, Rules, TableRules
from maskgate.rules.strict_yaml import Reader, did_you_mean, parse

if TYPE_CHECKING:
    from os import PathLike

    from maskgate.rules.model import ColumnRule
    from maskgate.rules.strict_yaml import Located

TEXT_NAME = "rules"
MAX_BYTES = 4_000_000
SCHEMES = ("hmac", "cmac")
NORMALIZERS = ("trim", "lower")

# The table's name becomes that of a folder.
_TABLE_NAME = re.compile(r"\w(?:[\w .-]{0,98}[\w-])?")
_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_REFERENCE = re.compile(r"[a-z][a-z0-9_+.-]*:\S(?:.*\S)?")


def _not_yet(name: str) -> str:
    return f"this version does not enforce '{name}:', and rules that are not enforced protect nobody. Take it out."


_UNENFORCED = {name: _not_yet(name) for name in ("privacy", "check", "include", "on_invalid")}
_UNENFORCED_IN_DOMAIN = {name: _not_yet(name) for name in ("scope", "digits", "alphabet", "tweak", "on_invalid")}


def load_rules(source: str | PathLike[str]) -> Rules:
    """Read rules from a file, or from text.

    Args:
        source: A path; or the rules themselves, as a string of several lines or one that begins with a brace.

    Raises:
        RulesError: With every problem and its line.
    """
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return read_rules(source, TEXT_NAME)
    path = Path(source)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise RulesError(str(path), (Problem(f"the rules cannot be read: {reason}."),)) from error
    if len(content) > MAX_BYTES:
        raise RulesError(str(path), (Problem(f"a rules file of more than {MAX_BYTES:,} bytes is not read."),))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise RulesError(str(path), (Problem("this is not YAML: it is not text in UTF-8."),)) from None
    return read_rules(text, str(path), path)


def read_rules(text: str, file: str, path: Path | None = None) -> Rules:
    """Read rules from text.

    Args:
        text: What the file says.
        file: What messages call it.
        path: Where it lies, if relative key files should be found.

    Raises:
        RulesError: With every problem and its line.
    """
    root = parse(text, file, RulesError)
    reader = Reader(file)
    rules = _RulesReader(reader).rules(root, path)
    reader.finish(RulesError)
    return rules


@dataclass(frozen=True)
class _RulesReader:
    reader: Reader

    def rules(self, root: Located, path: Path | None) -> Rules:
        fields = self.reader.mapping(
            root, "", ("version", "keys", "domains", "unlisted", "tables"), ("version", "tables"), _UNENFORCED
        )
        version = fields.get("version")
        if version is not None and (version.value != VERSION or isinstance(version.value, bool)):
            self.reader.problem(f"this version of Maskgate reads `version: {VERSION}`.", version.line)
        keys = self._keys(fields.get("keys"))
        domains = self._domains(fields.get("domains"), keys)
        unlisted = self.reader.choice(fields.get("unlisted"), "unlisted", UNLISTED, "fail")
        tables = self.reader.mapping(fields.get("tables"), "tables")
        if not tables and "tables" in fields and isinstance(fields["tables"].value, dict):
            self.reader.problem("tables: no table has rules.", fields["tables"].line)
        read = {name: self._table(name, table, keys, domains) for name, table in tables.items()}
        return Rules(read, keys, domains, unlisted, path)

    def _keys(self, located: Located | None) -> dict[str, str]:
        keys = {}
        for name, entry in self.reader.mapping(located, "keys").items():
            if not _KEY_NAME.fullmatch(name):
                self.reader.problem(
                    f'key "{name}": a key\'s name has letters, digits, `_`, `-` and `.`, and starts with a letter.',
                    entry.line,
                )
            keys[name] = entry.value if isinstance(entry.value, str) else ""
            if not _REFERENCE.fullmatch(keys[name]):
                # Whatever stands there may be the secret itself, so it is not repeated.
                self.reader.problem(
                    f'key "{name}": a reference is written env:NAME or file:PATH; '
                    "the secret itself never stands in the rules.",
                    entry.line,
                )
        return keys

    def _domains(self, located: Located | None, keys: dict[str, str]) -> dict[str, Domain]:
        entries = self.reader.mapping(located, "domains")
        return {name: self._domain(name, entry, keys) for name, entry in entries.items()}

    def _domain(self, name: str, located: Located, keys: dict[str, str]) -> Domain:
        where = f'domain "{name}"'
        known = ("scheme", "key", "prefix", "normalize")
        fields = self.reader.mapping(located, where, known, ("scheme",), _UNENFORCED_IN_DOMAIN)
        scheme = fields.get("scheme")
        if scheme is not None and scheme.value in ("encrypt", "fpe"):
            self.reader.problem(
                f"{where}: this version does not enforce the scheme '{scheme.value}'. It has hmac (one-way) and cmac "
                "(faster; the key holder can invert short values).",
                scheme.line,
            )
            scheme = None
        normalize = fields.get("normalize")
        steps = self.reader.sequence(normalize, where) if normalize else []
        return Domain(
            name,
            self.reader.choice(scheme, f"{where}, scheme", SCHEMES),
            self._key(fields.get("key"), where, keys) or self._only_key(where, keys, located),
            self.reader.string(fields.get("prefix"), f"{where}, prefix"),
            tuple(self.reader.choice(step, f"{where}, normalize", NORMALIZERS) for step in steps),
        )

    def _key(self, located: Located | None, where: str, keys: dict[str, str]) -> str | None:
        if located is None:
            return None
        name = self.reader.string(located, f"{where}, key", "?")
        if name not in keys and name != "?":
            self.reader.problem(f"{where}: no key is called '{name}'.{did_you_mean(name, keys)}", located.line)
        return name

    def _only_key(self, where: str, keys: dict[str, str], located: Located) -> str:
        if len(keys) == 1:
            return next(iter(keys))
        declared = "The file declares no key; add `keys:`" if not keys else f"Declared are {', '.join(sorted(keys))}"
        self.reader.problem(f"{where}: it needs `key:`. {declared}.", located.line)
        return ""

    def _table(self, name: str, located: Located, keys: dict[str, str], domains: dict[str, Domain]) -> TableRules:
        where = f'table "{name}"'
        if not _TABLE_NAME.fullmatch(name) or ".." in name:
            self.reader.problem(
                f"{where}: a table's name becomes that of a folder. Use letters, digits, `_`, `-` and `.`, "
                "starting with a letter.",
                located.line,
            )
        unenforced = {**_UNENFORCED, "unlisted": "'unlisted:' stands once, at the top of the file."}
        fields = self.reader.mapping(located, where, ("entity", "key", "columns"), ("columns",), unenforced)
        entity = self.reader.string(fields.get("entity"), f"{where}, entity") or None
        key = self._key(fields.get("key"), where, keys)
        entries = self.reader.mapping(fields.get("columns"), f"{where}, columns")
        if not entries and "columns" in fields and isinstance(fields["columns"].value, dict):
            self.reader.problem(f"{where}: no column has a rule.", fields["columns"].line)
        columns = ColumnReader(self.reader, keys, domains, table_key=key, has_entity=entity is not None)
        rules: dict[str, ColumnRule] = {column: columns.rule(column, entry) for column, entry in entries.items()}
        return TableRules(name, rules, entity, key)
