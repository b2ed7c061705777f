"""A file of text: what stands at its beginning, and lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maskgate.datasets.formats.format import Segment


@dataclass(frozen=True)
class TextAssembly:
    """Puts lines behind one another; a reader needs to know nothing else of them.

    Attributes:
        start: What stands before the first line, such as a header.
    """

    start: bytes = field(default=b"", repr=False)

    def begin(self) -> bytes:
        """Return what stands before the first line."""
        return self.start

    def add(self, segment: Segment) -> Iterable[Any]:
        """Return the lines."""
        return segment.data if isinstance(segment.data, tuple) else (segment.data,)

    def remembered(self) -> None:
        """Return nothing: where lines stand does not matter."""

    def recall(self, rows: int, size: int, note: None) -> None:
        """Do nothing, likewise."""

    def end(self) -> bytes:
        """Return nothing."""
        return b""
