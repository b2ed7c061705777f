"""How a CSV file is written: delimiter, quotes, ends of lines, nulls.

What is not declared is told from the first rows. Where two answers fit, it is refused rather than guessed: a wrong
delimiter makes one column of two, and the rule of the one would be applied to both.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from maskgate.datasets.formats.format import check_options
from maskgate.errors import DatasetError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DELIMITERS = ",;\t|"
_LINES = 200
_FIRST_LINE = 1 << 16
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
        quoted: Columns of which all cells are quoted besides.
        quoted_header: Whether all names of columns are quoted; None for as texts are.
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
    quoted: tuple[str, ...] = ()
    quoted_header: bool | None = None
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
        dialect.check_marks()
        text = dialect.text_of(name, head)
        if "newline" not in declared:
            dialect = replace(dialect, newline=dialect.newline_in(text))
        if "delimiter" not in declared:
            dialect = replace(dialect, delimiter=dialect.delimiter_in(name, text))
        dialect.check_quotes(name, text)
        return dialect

    @property
    def quotes_names(self) -> bool:
        """Whether all names of columns are quoted."""
        return self.quoting != QUOTINGS[0] if self.quoted_header is None else self.quoted_header

    def is_quoted(self, name: str, *, is_text: bool) -> bool:
        """Say whether all cells of a column are quoted."""
        return self.quoting == "all" or (self.quoting == "text" and is_text) or name in self.quoted

    def text_of(self, name: str, head: bytes) -> str:
        """Return the characters at the beginning of a file.

        Raises:
            DatasetError: If they are not written in this encoding.
        """
        return _decoded(name, head.removeprefix(codecs.BOM_UTF8), self.encoding)

    def check_marks(self) -> None:
        """Refuse one character that would mean two things.

        Raises:
            UsageError: If there is one.
        """
        if self.quote in {self.delimiter, self.escape} or self.delimiter == self.escape:
            raise UsageError("the options 'delimiter', 'quote' and 'escape' of a CSV file are different characters.")
        if self.escape and any(self.escape in null for null in self.nulls):
            raise UsageError(
                "the option 'nulls' of a CSV file holds the character that is declared as 'escape', so that no cell "
                "would be a null. Leave 'escape' out, or write nulls in another way."
            )

    def check_quotes(self, name: str, text: str) -> None:
        """Refuse a cell that goes on behind its closing quote, as one does where quotes are escaped and not doubled.

        Raises:
            DatasetError: If there is one among the first lines.
        """
        lines = self.lines_of(text, strict=True)
        goes_on = False
        try:
            for _ in lines:
                pass
        except csv.Error as error:
            goes_on = "expected after" in str(error)
        if goes_on:
            raise DatasetError(
                f"{name}, line {lines.line_num}: a cell goes on behind its closing quote. Declare what stands before a "
                f"quote inside of a cell, such as --source-option escape='\\' or source_options={{'escape': '\\\\'}}, "
                "or correct the file."
            )

    def rows_of(self, text: str, delimiter: str | None = None) -> list[list[str]]:
        """Return the cells of the first lines, the last of which may be cut off."""
        rows = []
        with suppress(csv.Error):
            for row in self.lines_of(text, delimiter):
                rows.append(row)
                if len(rows) > _LINES:
                    break
        # Python's reader takes no cell of more than 128 KB: nothing may be there because the first one is longer.
        return rows or list(islice(self.cells_as_written(text, delimiter), 1))

    def cells_as_written(self, text: str, delimiter: str | None = None) -> Iterator[list[str]]:
        """Give the cells of each line as they stand there, without empty lines; the last one may be cut off."""
        quote, escape, between = map(re.escape, (self.quote, self.escape, delimiter or self.delimiter))
        inner = rf"{escape}.|[^{quote}{escape}]" if escape else rf"{quote}{quote}|[^{quote}]"
        cell = re.compile(rf"({quote}(?:{inner})*+{quote}|[^{between}\r\n]*+)({between}|\r\n|\r|\n|$)", re.DOTALL)
        row: list[str] = []
        for found in cell.finditer(text):
            row.append(found[1])
            if found[2] == (delimiter or self.delimiter):
                continue
            if row != [""]:
                yield row
            row = []

    def lines_of(self, text: str, delimiter: str | None = None, *, strict: bool = False) -> Any:
        """Return a reader of the cells of lines, which counts the ends of lines that it has seen."""
        return csv.reader(
            io.StringIO(text, newline=""),
            delimiter=delimiter or self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            strict=strict,
        )

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

    def newline_in(self, text: str) -> str:
        """Return what ends the first line, wherever else such characters stand inside of quotes."""
        quote = re.escape(self.quote)
        bare = re.sub(f"{quote}[^{quote}]*+{quote}", "", text[:_FIRST_LINE])
        found = re.search("\r\n|\r|\n", bare)
        return found[0] if found is not None else "\n"

    def as_json(self) -> str:
        """Write it down, as a schema carries it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`as_json` has written."""
        found = json.loads(text)
        return cls(**{**found, "nulls": tuple(found["nulls"]), "quoted": tuple(found["quoted"])})


def _declared(options: Mapping[str, Any]) -> dict[str, Any]:
    known = [item.name for item in fields(Dialect)]
    check_options("a CSV file", options, [*known, _TYPES])
    return {option: _valid(option, value) for option, value in options.items() if option != _TYPES}


def _valid(option: str, value: Any) -> Any:
    if option in {"header", "bom", "quoted_header"}:
        if value in {True, "true", "yes"} or value in {False, "false", "no"}:
            return value in {True, "true", "yes"}
        raise UsageError(f"the option '{option}' of a CSV file is true or false.")
    if option in {"nulls", "quoted"}:
        texts = (value,) if isinstance(value, str) else tuple(map(str, value))
        if not texts and option == "nulls":
            raise UsageError("the option 'nulls' of a CSV file says how nulls are written; '' where cells are empty.")
        return texts
    written = str(value).replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n")
    is_no_escape = option == "escape" and not written
    if option in {"delimiter", "quote", "escape"} and not (is_no_escape or _is_mark(written)):
        raise UsageError(f"the option '{option}' of a CSV file is one character of ASCII, and no end of a line.")
    if option == "quoting" and written not in QUOTINGS:
        raise UsageError(f"the option 'quoting' of a CSV file is one of {', '.join(QUOTINGS)}.")
    if option == "newline" and written not in {"\n", "\r\n", "\r"}:
        raise UsageError(r"the option 'newline' of a CSV file is \n, \r\n or \r.")
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
    # A byte order mark is looked for anyway, and written once for a file.
    return "utf-8" if found == "utf-8-sig" else found


def _decoded(name: str, head: bytes, encoding: str) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        raise DatasetError(f"{name}: it begins as files in UTF-16 or UTF-32 do. Convert it to UTF-8.")
    decoder = codecs.getincrementaldecoder(encoding)()
    with suppress(UnicodeDecodeError):
        return decoder.decode(head)
    raise DatasetError(f"{name}: it is not written in {encoding}. Declare its `encoding`, such as latin-1.")
