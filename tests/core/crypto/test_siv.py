"""The batched AES-SIV is AES-SIV, in both directions, and refuses what it did not make."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from maskgate.crypto import siv

KEY = bytes(range(64))
# RFC 5297, appendices A.1 (deterministic) and A.2 (nonce-based: the nonce is the last header).
RFC_5297 = [
    pytest.param(
        "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ["101112131415161718191a1b1c1d1e1f2021222324252627"],
        "112233445566778899aabbccddee",
        "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c",
        id="A.1: one header, less than a block",
    ),
    pytest.param(
        "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
        [
            "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
            "102030405060708090a0",
            "09f911029d74e35bd84156c5635688c0",
        ],
        "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d414553",
        "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17"
        "dba77ceb094fa663b7a3f748ba8af829ea64ad544a272e9c485b62a3fd5c0d",
        id="A.2: three headers, more than a block",
    ),
]
KEYS = pytest.mark.parametrize("key", [bytes(range(length)) for length in (32, 48, 64)], ids=len)


def one_by_one(values, key, headers):
    """Encrypt each value by itself, with OpenSSL."""
    machine = AESSIV(key)
    return [None if value is None else machine.encrypt(value, list(headers)) for value in values]


class TestStandard:
    @pytest.mark.parametrize(("key", "headers", "plaintext", "ciphertext"), RFC_5297)
    def test_rfc_5297(self, key, headers, plaintext, ciphertext):
        key, headers = bytes.fromhex(key), [bytes.fromhex(header) for header in headers]
        encrypted = siv.encrypt(pa.array([bytes.fromhex(plaintext)]), key, headers)
        assert encrypted[0].as_py().hex() == ciphertext
        assert siv.decrypt(encrypted, key, headers)[0].as_py().hex() == plaintext

    def test_wycheproof(self, wycheproof):
        """Valid ciphertexts are made and opened, invalid ones are neither; keys of other lengths are refused."""
        tried = 0
        for group in wycheproof("aes_siv_cmac_test.json"):
            for case in group["tests"]:
                key, header = bytes.fromhex(case["key"]), bytes.fromhex(case["aad"])
                message, ciphertext = pa.array([bytes.fromhex(case["msg"])]), pa.array([bytes.fromhex(case["ct"])])
                valid = case["result"] == "valid"
                assert siv.encrypt(message, key, header).equals(ciphertext) == valid, case["tcId"]
                assert siv.authentic(ciphertext, key, header).to_pylist() == [valid], case["tcId"]
                opened = siv.decrypt_authentic(ciphertext, key, header)
                assert opened.to_pylist() == (message.to_pylist() if valid else [None]), case["tcId"]
                tried += 1
        assert tried == 442

    @KEYS
    @pytest.mark.parametrize("headers", [[], [b""], [b"one", b"", b"x" * 100]], ids=len)
    def test_lengths_of_all_sorts_in_one_column(self, key, headers):
        """Around each multiple of a block, and around the length from which cells are worked on alone."""
        chance = random.Random(7)
        lengths = [*range(1, 70), 1007, 1008, 1023, 1024, 1025, 1039, 1040, 1041, 5000]
        values = [chance.randbytes(chance.choice(lengths)) for _ in range(2000)]
        values[::10] = [None] * len(values[::10])
        encrypted = siv.encrypt(pa.array(values), key, headers)
        encrypted.validate(full=True)
        assert encrypted.to_pylist() == one_by_one(values, key, headers)
        assert siv.decrypt(encrypted, key, headers).to_pylist() == values


class TestColumns:
    def test_no_rows(self):
        encrypted = siv.encrypt(pa.array([], pa.string()), KEY)
        assert (len(encrypted), encrypted.type) == (0, pa.binary())
        assert siv.decrypt(encrypted, KEY).to_pylist() == []

    def test_only_nulls(self):
        encrypted = siv.encrypt(pa.array([None, None], pa.string()), KEY)
        assert encrypted.null_count == 2
        assert siv.decrypt(encrypted, KEY).to_pylist() == [None, None]
        assert siv.authentic(encrypted, KEY).to_pylist() == [None, None]

    def test_the_empty_value_is_a_value(self):
        """It has a tag and nothing behind it."""
        encrypted = siv.encrypt(pa.array(["", None, ""]), KEY)
        first, null, second = encrypted.to_pylist()
        assert (len(first), null, second) == (16, None, first)
        assert siv.decrypt(encrypted, KEY).to_pylist() == [b"", None, b""]

    def test_every_length_up_to_80(self):
        values = [bytes(range(length)) for length in range(1, 81)]
        encrypted = siv.encrypt(pa.array(values), KEY)
        assert encrypted.to_pylist() == one_by_one(values, KEY, [])
        assert siv.decrypt(encrypted, KEY).to_pylist() == values

    def test_more_rows_than_one_portion(self):
        values = [b"%d" % (number % 977 * 10 ** (number % 30)) for number in range(40_000)]
        encrypted = siv.encrypt(pa.array(values), KEY)
        assert encrypted.to_pylist() == one_by_one(values, KEY, [])
        assert siv.decrypt(encrypted, KEY).to_pylist() == values

    def test_a_few_giants_among_dwarfs(self):
        values = [b"a", b"x" * 5_000_000, b"", b"b" * 17, b"y" * 4_194_304, None, b"c", b"z" * 1041]
        encrypted = siv.encrypt(pa.array(values), KEY)
        assert [len(each) for each in encrypted.to_pylist() if each] == [
            len(each) + 16 for each in values if each is not None
        ]
        assert siv.decrypt(encrypted, KEY).to_pylist() == values
        assert encrypted[1].as_py() == AESSIV(KEY).encrypt(values[1], None)

    @pytest.mark.parametrize(
        "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]
    )
    def test_every_layout_and_slice(self, kind):
        """Text is encrypted as UTF-8; the result is large where the column is."""
        texts = ["Zoë Ελένη 😀", None, "x" * 100, "abc"]
        column = pa.array([text and text.encode() for text in texts], pa.binary()).cast(pa.string()).cast(kind)
        large = pa.binary() if kind in {pa.string(), pa.binary()} else pa.large_binary()
        expected = one_by_one([text and text.encode() for text in texts], KEY, [])
        for start in range(len(texts)):
            encrypted = siv.encrypt(column.slice(start), KEY)
            assert encrypted.type == large
            assert encrypted.to_pylist() == expected[start:]
            assert siv.decrypt(encrypted.slice(1), KEY).type == large

    def test_chunks_stay_chunks(self):
        column = pa.chunked_array([["a", None], [], ["b"]], pa.string())
        encrypted = siv.encrypt(column, KEY)
        assert encrypted.num_chunks == 3
        assert siv.decrypt(encrypted, KEY).to_pylist() == [b"a", None, b"b"]
        assert siv.authentic(encrypted, KEY).to_pylist() == [True, None, True]
        assert siv.encrypt(pa.chunked_array([], pa.string()), KEY).type == pa.binary()

    def test_nothing_stands_under_nulls(self):
        """Neither what lay there before, nor what a cell that is not authentic would decrypt to."""
        ghost = pa.array(["ghost" * 10, "a"]).buffers()
        column = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x02"), *ghost[1:]])
        encrypted = siv.encrypt(column, KEY)
        assert encrypted.to_pylist()[0] is None
        assert encrypted.buffers()[2].size == 17
        assert siv.decrypt_authentic(pa.array([b"x" * 40, None]), KEY).buffers()[2].size == 0


class TestDictionaries:
    """A dictionary is written out: a row that points to a null entry is null, and entries without rows do not count."""

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary_view()], ids=str)
    def test_they_come_out_as_their_values_would(self, kind):
        column = pa.DictionaryArray.from_arrays([0, 1, None, 0], pa.array(["a", None, "no row has it"]).cast(kind))
        written_out = pa.array(["a", None, None, "a"]).cast(kind)
        assert siv.encrypt(column, KEY) == siv.encrypt(written_out, KEY)
        chunked = pa.chunked_array([column, column])
        assert siv.encrypt(chunked, KEY) == siv.encrypt(pa.chunked_array([written_out, written_out]), KEY)

    def test_they_are_decrypted(self):
        (good,) = siv.encrypt(pa.array(["a"]), KEY).to_pylist()
        column = pa.DictionaryArray.from_arrays([0, 1, None], pa.array([good, None, b"not authentic"]))
        assert siv.decrypt(column, KEY).to_pylist() == [b"a", None, None]
        assert siv.authentic(column, KEY).to_pylist() == [True, None, None]


class TestHeaders:
    def test_none_an_empty_one_and_two_differ(self):
        column = pa.array(["a"])
        found = {siv.encrypt(column, KEY, headers)[0].as_py() for headers in [(), b"", [b"", b""], b"h", [b"h", b""]]}
        assert len(found) == 5

    def test_no_header_may_be_written_as_none(self):
        """As `cryptography` has it."""
        encrypted = siv.encrypt(pa.array(["a"]), KEY, None)
        assert encrypted.equals(siv.encrypt(pa.array(["a"]), KEY))
        assert siv.decrypt(encrypted, KEY, None).to_pylist() == [b"a"]

    def test_bytes_are_one_header(self):
        expected = siv.encrypt(pa.array(["a"]), KEY, [b"h"])
        for header in (b"h", bytearray(b"h"), memoryview(b"h")):
            assert siv.encrypt(pa.array(["a"]), KEY, header) == expected

    def test_they_are_authenticated(self):
        encrypted = siv.encrypt(pa.array(["a"]), KEY, b"h")
        assert siv.authentic(encrypted, KEY, b"other").to_pylist() == [False]

    def test_no_more_than_126(self):
        assert len(siv.encrypt(pa.array(["a"]), KEY, [b""] * 126)) == 1
        with pytest.raises(ValueError, match="at most 126 headers of associated data, not 127"):
            siv.encrypt(pa.array(["a"]), KEY, [b""] * 127)


class TestRefusals:
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda cell: bytes([cell[0] ^ 1]) + cell[1:], id="its tag was changed"),
            pytest.param(lambda cell: cell[:-1] + bytes([cell[-1] ^ 128]), id="its last byte was changed"),
            pytest.param(lambda cell: cell[:-1], id="it was cut"),
            pytest.param(lambda cell: cell + b"\0", id="it was made longer"),
            pytest.param(lambda cell: cell[:15], id="it is shorter than a tag"),
            pytest.param(lambda _: b"", id="it is empty"),
        ],
    )
    def test_a_cell_that_is_not_authentic(self, change):
        """The others are; decryption of the column fails, and says how many cells and nothing of them."""
        good = siv.encrypt(pa.array(["secret value", "another one", "x" * 50]), KEY).to_pylist()
        column = pa.array([good[0], change(good[1]), None, good[2]])
        assert siv.authentic(column, KEY).to_pylist() == [True, False, None, True]
        assert siv.decrypt_authentic(column, KEY).to_pylist() == [b"secret value", None, None, b"x" * 50]
        with pytest.raises(siv.NotAuthenticError, match=r"^1 values were not encrypted with this key") as caught:
            siv.decrypt(column, KEY)
        assert caught.value.count == 1
        assert isinstance(caught.value, ValueError)

    def test_another_key(self):
        encrypted = siv.encrypt(pa.array(["a", "b" * 30]), KEY)
        assert siv.authentic(encrypted, KEY[::-1]).to_pylist() == [False, False]

    @pytest.mark.parametrize("length", [0, 16, 31, 33, 63, 65, 128])
    def test_keys_of_other_lengths(self, length):
        for work in (siv.encrypt, siv.decrypt, siv.authentic):
            with pytest.raises(ValueError, match=f"32, 48 or 64 bytes, not {length}"):
                work(pa.array(["a"]), bytes(length))

    def test_numbers(self):
        with pytest.raises(TypeError, match="strings or bytes are digested, not int64"):
            siv.encrypt(pa.array([1]), KEY)
