"""What a column of a masked table is in PostgreSQL: one type for each, or a refusal; nothing is bent to fit.

Nested columns are refused: a table has none, and a text of JSON would be another type than the one that was signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from maskgate.errors import Refused

_PLAIN = {
    "bool": ("boolean", "bool"),
    "int8": ("smallint", "int8"),
    "int16": ("smallint", "int16"),
    "int32": ("integer", "int32"),
    "int64": ("bigint", "int64"),
    "uint8": ("smallint", "uint8"),
    "uint16": ("integer", "uint16"),
    "uint32": ("bigint", "uint32"),
    "uint64": ("numeric(20,0)", "uint64"),
    "halffloat": ("real", "float32"),
    "float": ("real", "float32"),
    "double": ("double precision", "float64"),
    "string": ("text", "string"),
    "large_string": ("text", "large_string"),
    "string_view": ("text", "string"),
    "binary": ("bytea", "hex"),
    "large_binary": ("bytea", "hex"),
    "binary_view": ("bytea", "hex"),
    "date32[day]": ("date", "date32"),
    "date64[ms]": ("date", "date32"),
    "null": ("text", "string"),
}
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=[a-z0-9]+, ordered=[01]>")
_TIMESTAMP = re.compile(r"timestamp\[(?:s|ms|us|ns)(?P<zone>, tz=.+)?\]")
_TIME = re.compile(r"time(?:32|64)\[(?:s|ms|us|ns)\]")
_DECIMAL = re.compile(r"decimal(?:32|64|128|256)\((?P<digits>[0-9]{1,3}), (?P<scale>[0-9]{1,3})\)")
_FIXED = re.compile(r"fixed_size_binary\[[0-9]+\]")
LONGEST_NAME = 63
# Every table has these already.
_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


@dataclass(frozen=True)
class ColumnType:
    """A column of a fresh table.

    Attributes:
        name: Its name.
        sql: Its type there.
        text: How its cells are written for it; see :mod:`maskgate.release.table_rows`.
    """

    name: str
    sql: str
    text: str


def column_type(table: str, name: str, kind: str) -> ColumnType:
    """Return what a column becomes.

    Args:
        table: Its table, for the message.
        name: Its name.
        kind: Its Arrow type, as text.

    Raises:
        Refused: If PostgreSQL has no type that holds the same, or no such name.
    """
    if not name or len(name.encode()) > LONGEST_NAME or not name.isprintable():
        raise Refused(
            f'table "{table}" has a column whose name PostgreSQL does not take: it must be printable and have at most '
            f"{LONGEST_NAME} bytes. Rename it."
        )
    if name in _SYSTEM:
        raise Refused(f'table "{table}" has a column "{name}", as which PostgreSQL keeps its own. Rename it.')
    found = _find(kind)
    if found is None:
        raise Refused(
            f'column "{name}" of table "{table}" is {kind[:80]}, which no type of PostgreSQL holds as it is. Drop it, '
            "make it plain columns, or release to a folder or an object store."
        )
    return ColumnType(name, *found)


def _find(kind: str) -> tuple[str, str] | None:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if match := _DICTIONARY.fullmatch(kind):
        return _PLAIN.get(match[1]) if match[1] != "null" else None
    if match := _TIMESTAMP.fullmatch(kind):
        return ("timestamptz", "timestamp_utc") if match["zone"] else ("timestamp", "timestamp")
    if match := _DECIMAL.fullmatch(kind):
        digits, scale = int(match["digits"]), int(match["scale"])
        return (f"numeric({digits},{scale})", "as it is") if scale <= digits else None
    if _TIME.fullmatch(kind):
        return ("time", "time64")
    return ("bytea", "hex") if _FIXED.fullmatch(kind) else None
