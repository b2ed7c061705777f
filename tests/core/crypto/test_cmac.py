"""The batched AES-CMAC is AES-CMAC, whatever the lengths, layouts and portions."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from maskgate.crypto import cmac

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
# RFC 4493, section 4: test vectors for AES-CMAC with a key of 128 bits.
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
RFC_4493 = {
    0: "bb1d6929e95937287fa37d129b756746",
    16: "070a16b46b4d4144f79bdd9dd04a287c",
    40: "dfa66747de9ae63030ca32611497c827",
    64: "51f0bebf7e3b9d92fc49741779363cfe",
}


def one_by_one(values, key=KEY):
    """Compute each CMAC by itself, with OpenSSL."""
    digests = []
    for value in values:
        mac = CMAC(AES(key))
        mac.update(value or b"")
        digests.append(None if value is None else mac.finalize())
    return digests


class TestBlocks:
    """Cells of one block, such as digests are, take no look at lengths."""

    @pytest.mark.parametrize("count", [0, 1, 40_000])
    def test_as_any_cells(self, count):
        digests = cmac.digest(pa.array([str(number) for number in range(count)], pa.string()), KEY)
        blocks = np.frombuffer(b"".join(digests.to_pylist()), np.uint64).reshape(-1, 2)
        again = cmac.digest_blocks(blocks, KEY)
        assert again.tobytes() == b"".join(cmac.digest(digests, KEY).to_pylist())


class TestStandard:
    @pytest.mark.parametrize("length", RFC_4493)
    def test_rfc_4493(self, length):
        assert cmac.digest(pa.array([MESSAGE[:length]]), KEY)[0].as_py().hex() == RFC_4493[length]

    def test_rfc_4493_in_one_column(self):
        digests = cmac.digest(pa.array([MESSAGE[:length] for length in RFC_4493]), KEY)
        assert [each.hex() for each in digests.to_pylist()] == list(RFC_4493.values())

    def test_wycheproof(self, wycheproof):
        """Valid tags are equal, invalid ones are not, and keys of other lengths are refused."""
        tried = 0
        for group in wycheproof("aes_cmac_test.json"):
            for case in group["tests"]:
                key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])
                if group["keySize"] not in {128, 192, 256}:
                    with pytest.raises(ValueError, match="16, 24 or 32 bytes"):
                        cmac.digest(pa.array([message]), key)
                    continue
                equal = cmac.digest(pa.array([message]), key)[0].as_py().hex() == case["tag"]
                assert equal == (case["result"] == "valid"), case["tcId"]
                tried += 1
        assert tried > 300


class TestColumns:
    def test_no_rows_give_no_digests(self):
        digests = cmac.digest(pa.array([], pa.string()), KEY)
        assert (len(digests), digests.type) == (0, pa.binary(16))

    def test_only_nulls_give_only_nulls(self):
        digests = cmac.digest(pa.array([None, None], pa.string()), KEY)
        assert digests.null_count == 2
        assert digests.buffers()[1].to_pybytes() == bytes(32)

    @pytest.mark.parametrize("key", [bytes(16), bytes(range(24)), bytes(range(32))], ids=len)
    def test_lengths_of_all_sorts_in_one_column(self, key):
        """Around each multiple of a block, and around the length from which cells are digested alone."""
        chance = random.Random(7)
        lengths = [*range(70), 127, 128, 129, 1007, 1008, 1023, 1024, 1025, 5000]
        values = [chance.randbytes(chance.choice(lengths)) for _ in range(3000)]
        values[::10] = [None] * len(values[::10])
        assert cmac.digest(pa.array(values, pa.binary()), key).to_pylist() == one_by_one(values, key)

    def test_every_length_up_to_80(self):
        values = [bytes(range(length)) for length in range(80)]
        assert cmac.digest(pa.array(values), KEY).to_pylist() == one_by_one(values)

    def test_more_rows_than_one_portion(self):
        values = [b"%d" % (number % 977 * 10 ** (number % 30)) for number in range(40_000)]
        assert cmac.digest(pa.array(values), KEY).to_pylist() == one_by_one(values)

    def test_a_few_giants_among_dwarfs(self):
        """The memory for dwarfs does not grow with the giants; portions are cut around them."""
        values = [b"a", b"x" * 5_000_000, b"", b"b" * 17, b"y" * 4_194_304, None, b"c", b"z" * 9_000_000]
        assert cmac.digest(pa.array(values), KEY).to_pylist() == one_by_one(values)

    @pytest.mark.parametrize(
        "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]
    )
    def test_every_layout(self, kind):
        """Text is digested as UTF-8."""
        texts = ["", "Zoë Ελένη 😀", None, "x" * 100, "abc"]
        values = [None if text is None else text.encode() for text in texts]
        column = pa.array(values, pa.binary()).cast(pa.string()).cast(kind)
        for start in range(len(texts)):
            assert cmac.digest(column.slice(start), KEY).to_pylist() == one_by_one(values[start:])

    def test_a_dictionary_is_written_out(self):
        column = pa.DictionaryArray.from_arrays([1, 0, 0, None, 2], pa.array(["a", "b", None]))
        assert cmac.digest(column, KEY).to_pylist() == one_by_one([b"b", b"a", b"a", None, None])

    def test_fixed_sizes(self):
        values = [b"0123456789", None, b"abcdefghij"]
        column = pa.array(values, pa.binary(10))
        assert cmac.digest(column.slice(1), KEY).to_pylist() == one_by_one(values[1:])

    def test_chunks_stay_chunks(self):
        column = pa.chunked_array([["a", None], [], ["b"]], pa.string())
        digests = cmac.digest(column, KEY)
        assert digests.num_chunks == 3
        assert digests.to_pylist() == one_by_one([b"a", None, b"b"])
        assert cmac.digest(pa.chunked_array([], pa.string()), KEY).type == pa.binary(16)

    def test_nothing_stands_under_nulls(self):
        digests = cmac.digest(pa.array(["a", None]), KEY)
        assert digests.buffers()[1].to_pybytes()[16:] == bytes(16)


class TestRefusals:
    @pytest.mark.parametrize("length", [0, 1, 15, 17, 33])
    def test_keys_of_other_lengths(self, length):
        with pytest.raises(ValueError, match=f"16, 24 or 32 bytes, not {length}"):
            cmac.digest(pa.array(["a"]), bytes(length))

    def test_numbers(self):
        with pytest.raises(TypeError, match="strings or bytes are digested, not int64"):
            cmac.digest(pa.array([1]), KEY)
