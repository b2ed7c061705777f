"""How a CSV file is written: delimiter, quotes, ends of lines, nulls.

What is not declared is told from the first rows. Where two answers fit, it is refused rather than guessed: a wrong
delimiter makes one column of two, and the rule of the one would be applied to both.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

from maskgate.errors import DatasetError, UsageError
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

_DELIMITERS = ",;\t|"
_LINES = 200
_TYPES = "types"
# Delimiters and ends of lines are looked for as bytes: an encoding has to leave these as they are.
_ASCII = bytes(range(0x20, 0x7F)).replace(b"\\", b"") + rb"\n\u0041+AGE-" + b"\t\r\n"
QUOTINGS = ("minimal", "text", "all")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Attributes:
        delimiter: What stands between cells.
        quote: What stands around them.
        escape: What stands before a quote that is none; empty if quotes are doubled.
        header: Whether the first line names the columns.
        encoding: How characters are written.
        bom: Whether a byte order mark stands at the beginning.
        newline: What ends a line.
        quoting: What is quoted: ``minimal`` (what must be), ``text`` (all cells of text columns), ``all``.
        nulls: How a null is written, without quotes; the first one is that of written files.
        moment: What stands between the day and the time of a moment.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    header: bool = True
    encoding: str = "utf-8"
    bom: bool = False
    newline: str = "\n"
    quoting: str = "minimal"
    nulls: tuple[str, ...] = ("",)
    moment: str = " "

    @classmethod
    def of(cls, name: str, head: bytes, options: Mapping[str, Any]) -> Self:
        """Find out how a file is written.

        Args:
            name: What messages call it.
            head: Its first bytes.
            options: What is declared, by the names of the attributes; ``types`` is not looked at.

        Raises:
            UsageError: If something else is declared, or what cannot be.
            DatasetError: If it cannot be told.
        """
        declared = _declared(options)
        bom = head.startswith(codecs.BOM_UTF8)
        dialect = replace(cls(), **{"bom": bom, **declared})
        text = _decoded(name, head.removeprefix(codecs.BOM_UTF8), dialect.encoding)
        if "newline" not in declared and "\r\n" in text.partition("\n")[0] + "\n":
            dialect = replace(dialect, newline="\r\n")
        if "delimiter" not in declared:
            dialect = replace(dialect, delimiter=dialect.delimiter_in(name, text))
        return dialect

    def rows_of(self, text: str, delimiter: str | None = None) -> list[list[str]]:
        """Return the cells of the first lines, the last of which may be cut off."""
        lines = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter or self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape or None,
            doublequote=not self.escape,
        )
        rows = []
        try:
            for row in lines:
                rows.append(row)
                if len(rows) > _LINES:
                    break
        except csv.Error:
            return rows
        return rows

    def delimiter_in(self, name: str, text: str) -> str:
        """Return the delimiter that makes as many columns of every line.

        Raises:
            DatasetError: If none does, or several.
        """
        widths: dict[str, int] = {}
        is_one_column = True
        for delimiter in _DELIMITERS:
            rows = self.rows_of(text, delimiter)
            found = {len(row) for row in (rows[:-1] or rows) if row}
            is_one_column = is_one_column and found <= {1}
            if len(found) == 1 and max(found) > 1:
                widths[delimiter] = max(found)
        if is_one_column:
            return ","
        if len(widths) != 1:
            raise DatasetError(
                f"{name}: its delimiter cannot be told. Declare it: --source-option delimiter=';' or "
                "source_options={'delimiter': ';'}."
            )
        return next(iter(widths))

    def as_json(self) -> str:
        """Write it down, as a schema carries it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`as_json` has written."""
        found = json.loads(text)
        return cls(**{**found, "nulls": tuple(found["nulls"])})


def names_of(name: str, dialect: Dialect, head: bytes) -> list[str]:
    """Return the names of the columns.

    Raises:
        DatasetError: If there is no line.
    """
    text = _decoded(name, head.removeprefix(codecs.BOM_UTF8), dialect.encoding)
    rows = dialect.rows_of(text)
    first = next((row for row in rows if row), None)
    if first is None:
        raise DatasetError(f"{name}: it is empty, so that nobody knows its columns.")
    return first if dialect.header else [f"f{at}" for at in range(len(first))]


def _declared(options: Mapping[str, Any]) -> dict[str, Any]:
    known = [item.name for item in fields(Dialect)]
    found = {}
    for option, value in options.items():
        if option == _TYPES:
            continue
        if option not in known:
            raise UsageError(
                f"a CSV file has no option '{option}', but types, {', '.join(known)}."
                f"{did_you_mean(option, [*known, _TYPES])}"
            )
        found[option] = _valid(option, value)
    return found


def _valid(option: str, value: Any) -> Any:
    if option in {"header", "bom"}:
        if value in {True, "true", "yes"} or value in {False, "false", "no"}:
            return value in {True, "true", "yes"}
        raise UsageError(f"the option '{option}' of a CSV file is true or false.")
    if option == "nulls":
        return (value,) if isinstance(value, str) else tuple(map(str, value))
    written = str(value).replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n")
    is_no_escape = option == "escape" and not written
    if option in {"delimiter", "quote", "escape"} and not (is_no_escape or _is_mark(written)):
        raise UsageError(f"the option '{option}' of a CSV file is one character of ASCII, and no end of a line.")
    if option == "quoting" and written not in QUOTINGS:
        raise UsageError(f"the option 'quoting' of a CSV file is one of {', '.join(QUOTINGS)}.")
    if option == "newline" and written not in {"\n", "\r\n"}:
        raise UsageError(r"the option 'newline' of a CSV file is \n or \r\n.")
    if option == "encoding":
        return _encoding(written)
    return written


def _is_mark(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in "\r\n\0"


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
        is_taken = _ASCII.decode(found) == _ASCII.decode("ascii")
    except LookupError:
        raise UsageError(f"there is no encoding '{name}'.") from None
    except UnicodeError:
        is_taken = False
    if not is_taken:
        raise UsageError(f"the encoding '{name}' is not taken. Convert the file to UTF-8.")
    return found


def _decoded(name: str, head: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    with suppress(UnicodeDecodeError):
        return decoder.decode(head)
    raise DatasetError(f"{name}: it is not written in {encoding}. Declare its `encoding`, such as latin-1.")
