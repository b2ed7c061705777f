"""Base32 without padding, as RFC 4648 has it, and back."""

from __future__ import annotations

import base64
import random

import pyarrow as pa
import pytest

from maskgate.crypto.base32 import read_base32, write_base32

# RFC 4648, section 10, without the padding.
RFC_4648 = {
    b"": "",
    b"f": "MY",
    b"fo": "MZXQ",
    b"foo": "MZXW6",
    b"foob": "MZXW6YQ",
    b"fooba": "MZXW6YTB",
    b"foobar": "MZXW6YTBOI",
}


def by_hand(value):
    return None if value is None else base64.b32encode(value).decode().rstrip("=")


class TestBase32:
    def test_no_rows(self):
        for kind in (pa.binary(), pa.large_binary(), pa.binary(16)):
            assert write_base32(pa.array([], kind)).type == pa.string()
        assert read_base32(pa.array([], pa.string())).type == pa.binary()

    def test_rfc_4648(self):
        assert write_base32(pa.array(list(RFC_4648))).to_pylist() == list(RFC_4648.values())
        assert read_base32(pa.array(list(RFC_4648.values()))).to_pylist() == list(RFC_4648)

    @pytest.mark.parametrize("sizes", [range(60), [38], [40]], ids=["any sizes", "one size", "whole groups"])
    def test_what_python_writes(self, sizes):
        """With nulls, a prefix that is no ASCII, and more rows than one portion."""
        chance = random.Random(7)
        values = [chance.randbytes(chance.choice(sizes)) for _ in range(9000)]
        values[::9] = [None] * len(values[::9])
        text = write_base32(pa.array(values), prefix="é_")
        text.validate(full=True)
        assert text.to_pylist() == [None if value is None else f"é_{by_hand(value)}" for value in values]
        bare = write_base32(pa.array(values), large=True)
        assert bare.type == pa.large_string()
        assert read_base32(bare.slice(5)).to_pylist() == values[5:]

    @pytest.mark.parametrize("size", range(12))
    def test_cells_of_one_size_without_nulls(self, size):
        """Whatever is short of a last group, and whatever comes behind it."""
        values = [bytes([byte]) * size for byte in (255, 0, 170, 85, 255)]
        text = write_base32(pa.array(values))
        assert text.to_pylist() == [by_hand(value) for value in values]
        assert read_base32(text).to_pylist() == values

    @pytest.mark.parametrize("length", [8, 25, 26])
    def test_the_first_characters_of_a_fixed_size(self, length):
        cells = [bytes(range(start, start + 16)) for start in range(0, 240, 16)] + [None, b"\xff" * 16]
        text = write_base32(pa.array(cells, pa.binary(16)).slice(1), length=length)
        assert text.to_pylist() == [cell and by_hand(cell)[:length] for cell in cells[1:]]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("mzxw6ytboi", id="lower case"),
            pytest.param("MZXW6YTBO1", id="a digit that is not used"),
            pytest.param("MZXW6===", id="padding"),
            pytest.param("MZXW6YTBOJ", id="bits beyond the last byte"),
            pytest.param("A", id="a length that no bytes have"),
            pytest.param("AAAAAA", id="another one"),
            pytest.param("MZXW6YTé", id="no ASCII"),
            pytest.param("@@@@@@@@", id="neighbours of A"),
        ],
    )
    def test_other_texts_are_null_and_leave_nothing(self, text):
        data = read_base32(pa.array([text, "MY", text, None]))
        data.validate(full=True)
        assert data.to_pylist() == [None, b"f", None, None]
        assert data.buffers()[2].to_pybytes() == b"f"
