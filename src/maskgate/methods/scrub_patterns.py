"""Patterns of the rules' author, for what the built-in kinds do not know: numbers of employees, of patients.

A pattern is RE2's, and so takes a time that grows with the text. Finding every match of it can still take the square
of that, where it looks far ahead in vain at every place. So its size is limited, and so is the time for long texts.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow.compute as pc
import re2

from maskgate.detect.spans import Spans
from maskgate.errors import MaskingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskgate.detect.text import Text

_MEMORY = 1 << 20
_LARGEST = 20_000
_UNNAMED = "found"
_ONE_BYTE = re.compile(r"(?<!\\)(?:\\\\)*\\C")
# A hundred thousand cells of this length, each looked at from every one of its places, take some minutes.
_SHORT = 1_000
_MARK = 0xFF
_MARKED = bytes([_MARK]) + b"\\0" + bytes([_MARK])
SECONDS = 30.0


@dataclass(frozen=True)
class UserPattern:
    """A pattern out of the rules.

    Attributes:
        text: The pattern, as written.
        name: What it finds: the name of its first named group, or ``found``.
    """

    text: str
    name: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a pattern.

        Raises:
            ValueError: If it is none of RE2's, too large, or matches the empty text.
        """
        try:
            compiled = re2.compile(text, _options())
        except re2.error as error:
            raise ValueError(f"{text!r} is no pattern of RE2: {_reason(error)}") from None
        if compiled.programsize > _LARGEST:
            raise ValueError(
                f"{text!r} is too large a pattern: {compiled.programsize} steps, of which {_LARGEST} are allowed. "
                "Write smaller numbers into its {}"
            )
        if compiled.search("") is not None:
            raise ValueError(f"{text!r} matches the empty text, and so would be found everywhere")
        if _ONE_BYTE.search(text):
            raise ValueError(f"{text!r} takes characters apart. Write `(?s:.)`, any character, for its `\\C`, any byte")
        names = sorted(compiled.groupindex, key=compiled.groupindex.get)
        return cls(text, names[0] if names else _UNNAMED)

    @cached_property
    def _compiled(self) -> Any:
        return re2.compile(self.text, _options())

    def find(self, text: Text, column: str, clock: Callable[[], float] = time.monotonic) -> Spans:
        """Return what the pattern matches in each cell, from left to right.

        Args:
            text: The cells.
            column: Its name, for the error.
            clock: Seconds, for the limit on long cells.

        Raises:
            MaskingError: If long cells take too much time.
        """
        is_short = text.ends - text.starts <= _SHORT
        short, long = np.flatnonzero(is_short), np.flatnonzero(~is_short)
        found = [self._in_short(text, Spans(text.starts[short], text.ends[short]))]
        if len(long):
            found.append(self._in_long(text, Spans(text.starts[long], text.ends[long]), column, clock))
        spans = Spans.all_of(found)
        return spans.where(spans.ends > spans.starts).merged()

    def _in_short(self, text: Text, cells: Spans) -> Spans:
        r"""Find in each cell by itself, so that ``^``, ``$`` and ``\s`` mean what they mean in a cell."""
        if len(cells) == 0:
            return Spans.none()
        pieces = text.pieces(cells)
        marked = pc.replace_substring_regex(pieces, pattern=self.text, replacement=_MARKED)
        marks = np.flatnonzero(np.frombuffer(marked.buffers()[2], np.uint8) == _MARK)
        marks -= np.arange(len(marks))
        origins = np.concatenate([[0], np.cumsum(cells.ends - cells.starts)])
        # A match of nothing, as of `\\b`, is none; behind the last cell it would be in no cell at all.
        starts, ends = marks[0::2][marks[1::2] > marks[0::2]], marks[1::2][marks[1::2] > marks[0::2]]
        cell = np.searchsorted(origins, starts, side="right") - 1
        moved = cells.starts[cell] - origins[cell]
        return Spans(starts + moved, ends + moved)

    def _in_long(self, text: Text, cells: Spans, column: str, clock: Callable[[], float]) -> Spans:
        matched = pc.match_substring_regex(text.pieces(cells), self.text).to_numpy(zero_copy_only=False)
        starts, ends, deadline = [], [], clock() + SECONDS
        for start, end in zip(cells.starts[matched], cells.ends[matched], strict=True):
            for match in self._compiled.finditer(bytes(text.data[start:end])):
                starts.append(start + match.start())
                ends.append(start + match.end())
                if clock() > deadline:
                    raise MaskingError(
                        f'column "{column}": the pattern {self.text!r} takes more than {SECONDS:.0f} seconds for a '
                        "few long texts. Write it so that it does not look far ahead, as `.*` does"
                    )
        return Spans(np.array(starts, np.int64), np.array(ends, np.int64))


def _options() -> Any:
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    return options


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
