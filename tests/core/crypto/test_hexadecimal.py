"""Hexadecimal digits of a column, with nothing where it is null, and back."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from maskgate.crypto.hexadecimal import read_hexadecimal, write_hexadecimal


class TestFixedSizes:
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
        text = write_hexadecimal(cells, prefix="é_", length=3)
        text.validate(full=True)
        assert text.to_pylist() == [None, "é_fef", "é_102"]
        assert text.buffers()[2].to_pybytes() == "é_fefé_102".encode()

    def test_more_rows_than_one_portion(self):
        cells = [number.to_bytes(4, "big") for number in range(20_000)]
        assert write_hexadecimal(pa.array(cells, pa.binary(4))).to_pylist() == [cell.hex() for cell in cells]


class TestAnySizes:
    def test_no_rows(self):
        assert write_hexadecimal(pa.array([], pa.large_binary())).type == pa.string()
        assert read_hexadecimal(pa.array([], pa.large_string())).type == pa.large_binary()

    @pytest.mark.parametrize("prefix", ["", "é_"])
    def test_there_and_back(self, prefix):
        chance = random.Random(7)
        values = [chance.randbytes(chance.randrange(50)) for _ in range(20_000)]
        values[::9] = [None] * len(values[::9])
        text = write_hexadecimal(pa.array(values), prefix=prefix)
        text.validate(full=True)
        assert text.to_pylist() == [None if value is None else prefix + value.hex() for value in values]
        if not prefix:
            assert read_hexadecimal(text.slice(5)).to_pylist() == values[5:]

    def test_what_lies_under_nulls_is_not_written(self):
        buffers = pa.array([b"ghost", b"a"]).buffers()
        column = pa.Array.from_buffers(pa.binary(), 2, [pa.py_buffer(b"\x02"), *buffers[1:]])
        text = write_hexadecimal(column)
        assert text.to_pylist() == [None, "61"]
        assert text.buffers()[2].to_pybytes() == b"61"

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("00FF", id="upper case"),
            pytest.param("0", id="half a byte"),
            pytest.param("0g", id="a letter beyond f"),
            pytest.param("@@``", id="neighbours of A and a"),
            pytest.param("aé0", id="no ASCII"),
        ],
    )
    def test_other_texts_are_null_and_leave_nothing(self, text):
        data = read_hexadecimal(pa.array([text, "0a", None, text, ""]))
        data.validate(full=True)
        assert data.to_pylist() == [None, b"\n", None, None, b""]
        assert data.buffers()[2].to_pybytes() == b"\n"
