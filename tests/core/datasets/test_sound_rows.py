from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgate.datasets.sound_rows import check_rows

_OFFSETS = {pa.string(): np.int32, pa.large_string(): np.int64}


def texts(cells, kind=None, validity=None):
    """A column of bytes that says it is text."""
    kind = kind or pa.string()
    edges = np.cumsum([0, *map(len, cells)], dtype=_OFFSETS[kind])
    buffers = [validity, pa.py_buffer(edges), pa.py_buffer(b"".join(cells))]
    return pa.Array.from_buffers(kind, len(cells), buffers)


def is_sound(column):
    try:
        check_rows(pa.RecordBatch.from_arrays([column], ["c"]))
    except pa.ArrowInvalid:
        return False
    return True


def arrow_says(column):
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


PIECES = st.sampled_from(
    [b"", b"a", b"\xc3\xa9", b"\xc3", b"\xa9", b"\xe2\x82\xac", b"\xe2\x82", b"\xff", b"\xf0\x9f\x98\x80"]
)


class TestCheckRows:
    """What Arrow refuses cell by cell is refused, and nothing else."""

    @given(st.lists(PIECES, max_size=8), st.sampled_from(list(_OFFSETS)), st.data())
    def test_as_arrow_says_of_every_cell(self, cells, kind, data):
        column = texts(cells, kind)
        start = data.draw(st.integers(0, len(cells)))
        column = column.slice(start, data.draw(st.integers(0, len(cells) - start)))
        assert is_sound(column) == arrow_says(column)

    def test_a_character_of_which_two_cells_have_a_half_each(self):
        assert not is_sound(texts([b"caf\xc3", b"\xa9"]))
        assert is_sound(texts([b"caf\xc3\xa9", b""]))

    def test_any_bytes_under_a_null(self):
        column = texts([b"ok", b"\xff\xfe"], validity=pa.py_buffer(b"\x01"))
        assert column.null_count == 1
        assert is_sound(column)

    @pytest.mark.parametrize("edges", [[0, 3, 1], [0, -1, 2], [0, 900, 2], [3, 1, 3]])
    def test_cells_that_lie_elsewhere(self, edges):
        buffers = [None, pa.py_buffer(np.array(edges, np.int32)), pa.py_buffer(b"abc")]
        assert not is_sound(pa.Array.from_buffers(pa.string(), 2, buffers))

    def test_text_inside_of_lists_and_dictionaries(self):
        lists = pa.ListArray.from_arrays([0, 1, 2], texts([b"a", b"\xff"]))
        coded = pa.DictionaryArray.from_arrays(pa.array([0, 1]), texts([b"a", b"\xff"]))
        assert not is_sound(lists)
        assert not is_sound(coded)
