"""The manifest of a staging, read as the hostile text that it is.

A pipeline writes it, so nothing in it is believed, and nothing is passed on that was not understood:

* Every key is known, every value has its type, no key stands twice. Only `report` may hold more; the rest is dropped.
* Every file has a name that a staging may hold, and lies in the folder of its own table. The manifest of one table
  may name them without that folder, as masking one table writes it; they are sealed in it all the same.
* What the gate keeps and releases is not this text, but :meth:`Manifest.as_json`, written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from maskgate.errors import Refused, UsageError
from maskgate.gate.model import SealedFile
from maskgate.gate.staged_names import MANIFEST, check_staged_name, check_table_name, shown

FORMAT = "maskgate-manifest/1"
MOST_TABLES = 1000
MOST_COLUMNS = 10_000
LONGEST_TEXT = 1000
LARGEST_COUNT = (1 << 53) - 1

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class DeclaredColumn:
    """What the pipeline says it did to a column: the method, and counts."""

    method: str | None
    counts: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**({} if self.method is None else {"method": self.method}), **self.counts}


@dataclass(frozen=True)
class ManifestTable:
    """One table: how many rows, which columns of which Arrow types, which files."""

    name: str
    rows: int
    schema: tuple[tuple[str, str], ...]
    files: tuple[SealedFile, ...]
    columns: Mapping[str, DeclaredColumn] = field(default_factory=dict)

    @property
    def declared(self) -> dict[str, Any]:
        """The pipeline's report on this table, as JSON values."""
        return {"rows": self.rows, "columns": {name: column.as_json() for name, column in self.columns.items()}}


@dataclass(frozen=True)
class Manifest:
    """A manifest that was understood whole.

    Attributes:
        rules_digest: Of the rules that masked the tables.
        key_versions: Of the keys that were used.
        tables: The tables; the paths of their files are those of sealed files.
        is_bare: Whether it named the files of its one table without a folder.
    """

    rules_digest: str
    key_versions: Mapping[str, int]
    tables: tuple[ManifestTable, ...]
    is_bare: bool = False

    @property
    def files(self) -> tuple[SealedFile, ...]:
        """All files of all tables, in order of path."""
        return tuple(sorted((file for table in self.tables for file in table.files), key=lambda file: file.path))

    def as_json(self) -> dict[str, Any]:
        """Return the manifest as it is released."""
        return {
            "format": FORMAT,
            "rules": {"digest": self.rules_digest},
            "keys": dict(self.key_versions),
            "tables": {
                table.name: {
                    "rows": table.rows,
                    "schema": [{"name": name, "type": type_name} for name, type_name in table.schema],
                    "files": [asdict(file) for file in table.files],
                }
                for table in self.tables
            },
            "report": {table.name: table.declared for table in self.tables if table.columns},
        }


def parse_manifest(text: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        Refused: If anything in it is not exactly as it has to be; the message says where.
    """
    try:
        value = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except _RepeatedKeyError as error:
        raise _refusal(f"the key {shown(str(error))} stands twice. Only one of them could be meant") from None
    except (ValueError, RecursionError):
        # The cause would quote the text.
        raise _refusal("it is not JSON with whole numbers, in UTF-8. Use the one that Maskgate wrote") from None
    top = _mapping(value, "", required=("format", "rules", "keys", "tables"), allowed=("report",))
    if top["format"] != FORMAT:
        raise _refusal(f'"format" is not "{FORMAT}"')
    rules = _mapping(top["rules"], "rules", required=("digest",))
    report = _object(top.get("report", {}), "report")
    tables = _object(top["tables"], "tables")
    if not 1 <= len(tables) <= MOST_TABLES:
        raise _refusal(f'"tables" holds {len(tables)} tables; it must hold 1 to {MOST_TABLES}')
    is_bare = _is_bare(tables)
    manifest = Manifest(
        is_bare=is_bare,
        rules_digest=_matching(rules["digest"], "rules.digest", _DIGEST, "sha256: and 64 hexadecimal digits"),
        key_versions={
            _matching(name, "keys", _WORD, "names of keys"): _count(version, f"keys.{shown(name)}")
            for name, version in _object(top["keys"], "keys").items()
        },
        tables=tuple(
            _table(name, _in_folder(tables[name], name) if is_bare else tables[name], report.get(name))
            for name in sorted(tables)
        ),
    )
    check_paths(manifest)
    return manifest


class _RepeatedKeyError(ValueError):
    """The message is the key."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        raise _RepeatedKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return value


def _no_float(_text: str) -> Any:
    raise ValueError("a manifest holds whole numbers only")


def _is_bare(tables: Mapping[str, Any]) -> bool:
    """Whether this is the manifest of one table, which names its files without the table's folder."""
    files = _files_of(next(iter(tables.values())))
    paths = [file.get("path") if isinstance(file, Mapping) else None for file in files]
    return len(tables) == 1 and bool(paths) and all(isinstance(path, str) and "/" not in path for path in paths)


def _in_folder(table: Any, name: str) -> Any:
    """Name the files of a table by where they are sealed."""
    return {**table, "files": [{**file, "path": f"{name}/{file['path']}"} for file in _files_of(table)]}


def _files_of(table: Any) -> list[Any]:
    files = table.get("files") if isinstance(table, Mapping) else None
    return files if isinstance(files, list) else []


def _table(name: str, value: Any, report: Any) -> ManifestTable:
    where = f"tables.{shown(name)}"
    try:
        check_table_name(name)
    except UsageError as error:
        raise _refusal(f"{where}: {error}".rstrip(".")) from None
    table = _mapping(value, where, required=("rows", "schema", "files"))
    schema = tuple(_column(column, f"{where}.schema[{at}]") for at, column in enumerate(_array(table, where, "schema")))
    if len({column for column, _ in schema}) != len(schema) or len(schema) > MOST_COLUMNS:
        raise _refusal(f"{where}.schema names a column twice, or has more than {MOST_COLUMNS}")
    files = tuple(_file(file, f"{where}.files[{at}]", name) for at, file in enumerate(_array(table, where, "files")))
    if not files:
        raise _refusal(f"{where}.files is empty. A table without rows still has one file, with its schema")
    return ManifestTable(
        name=name,
        rows=_count(table["rows"], f"{where}.rows"),
        schema=schema,
        files=tuple(sorted(files, key=lambda file: file.path)),
        columns=_declared(report, f"report.{shown(name)}"),
    )


def _column(value: Any, where: str) -> tuple[str, str]:
    column = _mapping(value, where, required=("name", "type"))
    return _text(column["name"], f"{where}.name"), _text(column["type"], f"{where}.type")


def _file(value: Any, where: str, table: str) -> SealedFile:
    file = _mapping(value, where, required=("path", "size", "sha256"))
    path = _text(file["path"], f"{where}.path")
    try:
        names = check_staged_name(path)
    except UsageError:
        names = ()
    if names[:-1] != (table,):
        raise _refusal(f"{where}: the path {shown(path)} is not a part of this table. Write {table}/part-00000.parquet")
    return SealedFile(
        path=path,
        size=_count(file["size"], f"{where}.size"),
        sha256=_matching(file["sha256"], f"{where}.sha256", _SHA256, "64 hexadecimal digits"),
    )


def check_paths(manifest: Manifest) -> None:
    """Refuse names of files or tables that a destination may take for the same."""
    # Folded: a destination may not tell capitals apart, and one file would replace the other.
    paths = [file.path.casefold() for file in manifest.files]
    tables = [table.name.casefold() for table in manifest.tables]
    if len(set(paths)) != len(paths) or len(set(tables)) != len(tables):
        raise _refusal("two files or tables have the same name, or differ by capitals alone")
    if MANIFEST.casefold() in tables:
        raise _refusal(f"a table cannot be called {MANIFEST}")


def _declared(report: Any, where: str) -> dict[str, DeclaredColumn]:
    """Keep counts and words of a report; it may hold more, which is dropped."""
    if report is None:
        return {}
    columns = _object(_object(report, where).get("columns", {}), f"{where}.columns")
    return {
        _text(name, f"{where}.columns"): _declared_column(_object(column, f"{where}.columns.{shown(name)}"))
        for name, column in columns.items()
    }


def _declared_column(column: Mapping[str, Any]) -> DeclaredColumn:
    method = column.get("method")
    counts = {
        name: count
        for name, count in column.items()
        if _WORD.fullmatch(name) and type(count) is int and 0 <= count <= LARGEST_COUNT
    }
    return DeclaredColumn(method if isinstance(method, str) and _WORD.fullmatch(method) else None, counts)


def _mapping(value: Any, where: str, *, required: tuple[str, ...], allowed: tuple[str, ...] = ()) -> Mapping[str, Any]:
    mapping = _object(value, where)
    place = f"{where}: " if where else ""
    for name in required:
        if name not in mapping:
            raise _refusal(f'{place}"{name}" is missing')
    for name in mapping:
        if name not in required and name not in allowed:
            raise _refusal(f"{place}the key {shown(name)} is unknown")
    return mapping


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _refusal(f"{where or 'it'} is not an object")
    return value


def _array(table: Mapping[str, Any], where: str, name: str) -> list[Any]:
    value = table[name]
    if not isinstance(value, list):
        raise _refusal(f"{where}.{name} is not a list")
    return value


def _count(value: Any, where: str) -> int:
    if type(value) is not int or not 0 <= value <= LARGEST_COUNT:
        raise _refusal(f"{where} is not a whole number from 0 to 2^53 - 1")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_TEXT or not value.isprintable():
        raise _refusal(f"{where} is not a text of 1 to {LONGEST_TEXT} visible characters")
    return value


def _matching(value: Any, where: str, pattern: re.Pattern[str], wanted: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _refusal(f"{where} is not made of {wanted}")
    return value


def _refusal(message: str) -> Refused:
    return Refused(f"{MANIFEST}: {message}.")
