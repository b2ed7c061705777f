"""Shuffles and swaps of tables that memory does not hold.

Values change rows by way of a file: what moves is read once, put in order by sorting words as it is done in memory,
only bin by bin, and lies ready in the order of the rows when the table is masked. Each value comes out where it would
if all rows were in memory.
"""

from __future__ import annotations

from maskgate.datasets.moving.supply import Supply, supplied

__all__ = ["Supply", "supplied"]
