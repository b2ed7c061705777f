"""HMAC-SHA256 with prepared states is HMAC-SHA256."""

from __future__ import annotations

import hmac
import random

import pyarrow as pa
import pytest

from maskgate.crypto import hmac_sha256

# RFC 4231, section 4; case 5 gives the first half of the digest alone.
RFC_4231 = [
    pytest.param(
        b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", id="case 1"
    ),
    pytest.param(
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        id="case 2: a short key",
    ),
    pytest.param(
        b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", id="case 3"
    ),
    pytest.param(
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        id="case 4",
    ),
    pytest.param(b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b", id="case 5: truncated"),
    pytest.param(
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        id="case 6: a key longer than a block",
    ),
    pytest.param(
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        id="case 7: key and data longer than a block",
    ),
]


class TestStandard:
    @pytest.mark.parametrize(("key", "message", "digest"), RFC_4231)
    def test_rfc_4231(self, key, message, digest):
        assert hmac_sha256.digest(pa.array([message]), key)[0].as_py().hex()[: len(digest)] == digest

    def test_wycheproof(self, wycheproof):
        """Valid tags begin the digest, invalid ones do not."""
        tried = 0
        for group in wycheproof("hmac_sha256_test.json"):
            for case in group["tests"]:
                column, key = pa.array([bytes.fromhex(case["msg"])]), bytes.fromhex(case["key"])
                digest = hmac_sha256.digest(column, key)[0].as_py()
                equal = digest[: group["tagSize"] // 8].hex() == case["tag"]
                assert equal == (case["result"] == "valid"), case["tcId"]
                tried += 1
        assert tried == 174


class TestColumns:
    def test_no_rows_give_no_digests(self):
        digests = hmac_sha256.digest(pa.array([], pa.string()), b"k")
        assert (len(digests), digests.type) == (0, pa.binary(32))

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()])
    def test_every_layout_and_slice(self, kind):
        texts = ["", "Zoë 😀", None, "x" * 1000, "abc"]
        column = pa.array(texts).cast(pa.string()).cast(kind)
        expected = [None if text is None else hmac.digest(b"k", text.encode(), "sha256") for text in texts]
        for start in range(len(texts)):
            assert hmac_sha256.digest(column.slice(start), b"k").to_pylist() == expected[start:]

    def test_more_rows_than_one_portion(self):
        chance = random.Random(7)
        values = [chance.randbytes(chance.randrange(80)) for _ in range(70_000)]
        digests = hmac_sha256.digest(pa.array(values), b"k").to_pylist()
        assert digests == [hmac.digest(b"k", value, "sha256") for value in values]

    @pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
    def test_keys_of_any_length(self, length):
        digest = hmac_sha256.digest(pa.array(["a"]), bytes(range(length)))[0].as_py()
        assert digest == hmac.digest(bytes(range(length)), b"a", "sha256")

    def test_a_giant_among_dwarfs(self):
        values = [b"a", b"x" * 9_000_000, b"", None, b"b"]
        expected = [None if value is None else hmac.digest(b"k", value, "sha256") for value in values]
        assert hmac_sha256.digest(pa.array(values), b"k").to_pylist() == expected

    def test_nothing_stands_under_nulls(self):
        digests = hmac_sha256.digest(pa.array(["a", None]), b"k")
        assert digests.buffers()[1].to_pybytes()[32:] == bytes(32)

    def test_chunks_stay_chunks(self):
        assert hmac_sha256.digest(pa.chunked_array([["a"], ["b"]]), b"k").num_chunks == 2


class TestRefusals:
    def test_an_empty_key(self):
        with pytest.raises(ValueError, match="cannot be empty"):
            hmac_sha256.digest(pa.array(["a"]), b"")

    def test_numbers(self):
        with pytest.raises(TypeError, match="strings or bytes are digested, not double"):
            hmac_sha256.digest(pa.array([1.5]), b"k")
