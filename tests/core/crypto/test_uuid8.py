"""Digests as UUIDs of version 8."""

from __future__ import annotations

import random
import uuid

import pyarrow as pa

from maskgate.crypto.uuid8 import write_uuid8


class TestUuid8:
    def test_no_rows(self):
        assert write_uuid8(pa.array([], pa.binary(16))).type == pa.string()

    def test_rfc_9562(self):
        """Version 8 and the variant of the RFC stand in their six bits, and the digest in all others."""
        chance = random.Random(7)
        digests = [chance.randbytes(16) for _ in range(1000)] + [bytes(16), b"\xff" * 16]
        texts = write_uuid8(pa.array(digests, pa.binary(16)))
        texts.validate(full=True)
        marks = (0xF << 76) | (0b11 << 62)
        for digest, text in zip(digests, texts.to_pylist(), strict=True):
            made = uuid.UUID(text)
            assert (str(made), made.version, made.variant) == (text, 8, uuid.RFC_4122)
            assert made.int | marks == int.from_bytes(digest, "big") | marks

    def test_prefix_nulls_and_slices(self):
        texts = write_uuid8(pa.array([b"x" * 32, None, bytes(32)], pa.binary(32)).slice(1), prefix="u:", large=True)
        assert texts.to_pylist() == [None, "u:00000000-0000-8000-8000-000000000000"]
