"""Digests in base 58, all of one size."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from maskgate.crypto.base58 import ALPHABET, write_base58


def by_hand(digest, length):
    number, text = int.from_bytes(digest, "big"), ""
    while len(text) < 22:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    assert number == 0
    return text[22 - length :]


class TestBase58:
    def test_no_rows(self):
        assert write_base58(pa.array([], pa.binary(16))).type == pa.string()

    def test_the_alphabet_has_no_characters_that_look_alike(self):
        assert len(set(ALPHABET)) == 58
        assert not set(ALPHABET) & set("0OIl")

    @pytest.mark.parametrize("length", [8, 21, 22])
    def test_the_last_digits_of_the_first_16_bytes(self, length):
        chance = random.Random(7)
        digests = [chance.randbytes(16) for _ in range(9000)] + [bytes(16), b"\xff" * 16, b"\0" * 12 + b"\xff" * 4]
        digests[::9] = [None] * len(digests[::9])
        for width in (16, 32):
            cells = [digest and digest.ljust(width, b"x") for digest in digests]
            text = write_base58(
                pa.array(cells, pa.binary(width)).slice(1), prefix="u_", length=length, large=width == 32
            )
            text.validate(full=True)
            assert text.to_pylist() == [digest and f"u_{by_hand(digest, length)}" for digest in digests[1:]]
