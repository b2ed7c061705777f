"""Hexadecimal digits of a column, with nothing where it is null."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.crypto.hexadecimal import write_hexadecimal


class TestHexadecimal:
    def test_no_rows(self):
        text = write_hexadecimal(pa.array([], pa.binary(4)))
        assert (len(text), text.type) == (0, pa.string())

    @pytest.mark.parametrize("large", [False, True])
    def test_every_byte(self, large):
        cells = [bytes(range(start, start + 32)) for start in range(0, 256, 32)]
        text = write_hexadecimal(pa.array(cells, pa.binary(32)), large=large)
        text.validate(full=True)
        assert text.type == (pa.large_string() if large else pa.string())
        assert text.to_pylist() == [cell.hex() for cell in cells]

    def test_prefix_length_nulls_and_slices(self):
        cells = pa.array([b"\x00\x01", None, b"\xfe\xff", b"\x10\x20"], pa.binary(2)).slice(1)
        text = write_hexadecimal(cells, prefix="é_", length=2)
        text.validate(full=True)
        assert text.to_pylist() == [None, "é_fe", "é_10"]
        assert text.buffers()[2].to_pybytes() == "é_feé_10".encode()
