"""Integers made of digests."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from maskgate.crypto.integers import write_integers


class TestIntegers:
    def test_no_rows(self):
        assert write_integers(pa.array([], pa.binary(16)), 18).type == pa.int64()

    @pytest.mark.parametrize("digits", [6, 18])
    def test_the_last_digits_of_the_first_eight_bytes(self, digits):
        chance = random.Random(7)
        digests = [chance.randbytes(32) for _ in range(1000)] + [b"\xff" * 32, None]
        numbers = write_integers(pa.array(digests, pa.binary(32)).slice(1), digits)
        numbers.validate(full=True)
        assert numbers.to_pylist() == [
            digest and int.from_bytes(digest[:8], "big") % 10**digits for digest in digests[1:]
        ]

    def test_nothing_stands_under_nulls(self):
        numbers = write_integers(pa.array([None, b"x" * 16], pa.binary(16)), 9)
        assert numbers.buffers()[1].to_pybytes()[:8] == bytes(8)
