"""File formats: each in a file of its own, all in one registry.

A format says three things, and knows nothing of masking, threads, targets or progress:

* **Look.** What is in a file (schema, number of rows) and in which pieces it can be read. A piece is read
  without those before it; pieces are told apart by file and range, and are the same in every run.
* **Read** the batches of one piece, on any thread, two pieces of a file perhaps at once. What comes out need not be
  valid Arrow data: the engine checks every batch before it masks it.
* **Write.** An :class:`Encoder` turns masked rows into a :class:`Segment` on any thread, the same rows always into the
  same bytes; an :class:`Assembly` says in which bytes the segments of one file stand, in order. The engine writes and
  hashes them.

To add one: a file here with a class that has what :class:`Format` has, a line in ``registry.py``, a test and a row in
the docs. What is no file (a database, a table of Delta Lake) becomes a :class:`maskgate.datasets.sources.Source` by
itself: a schema, pieces, and a function that reads one.
"""

from __future__ import annotations

from maskgate.datasets.formats.format import DIALECT, Assembly, Encoder, FileFacts, Format, Piece, Segment
from maskgate.datasets.formats.registry import FORMATS, format_called, format_of, stem_of

__all__ = [
    "DIALECT",
    "FORMATS",
    "Assembly",
    "Encoder",
    "FileFacts",
    "Format",
    "Piece",
    "Segment",
    "format_called",
    "format_of",
    "stem_of",
]
