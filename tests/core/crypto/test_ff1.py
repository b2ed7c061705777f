"""FF1 over columns is FF1, whatever the alphabets, lengths, keys, tweaks and layouts."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from maskgate.crypto import ff1

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
DIGITS = "0123456789"
LOWERCASE = "abcdefghijklmnopqrstuvwxyz"
ALPHANUMERIC = DIGITS + LOWERCASE.upper() + LOWERCASE

# NIST, "FF1samples.pdf": examples with values for FF1, keys of 128, 192 and 256 bits.
KEYS = {
    128: KEY,
    192: KEY + bytes.fromhex("ef4359d8d580aa4f"),
    256: KEY + bytes.fromhex("ef4359d8d580aa4f7f036d6f04fc6a94"),
}
SAMPLES = [
    (128, "", "0123456789", "2433477484"),
    (128, "39383736353433323130", "0123456789", "6124200773"),
    (128, "3737373770717273373737", "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (192, "", "0123456789", "2830668132"),
    (192, "39383736353433323130", "0123456789", "2496655549"),
    (192, "3737373770717273373737", "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (256, "", "0123456789", "6657667009"),
    (256, "39383736353433323130", "0123456789", "1001623463"),
    (256, "3737373770717273373737", "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
]
# NIST ACVP server, gen-val/json-files/ACVP-AES-FF1-1.0.
ACVP = [
    ("cf11a34764ab09ffbf8b8a1660e881a2", DIGITS, "0846108952", "7759031405"),
    ("d943fa73d0dfbbfe5cbbb51ae1883b1f", f"{ALPHANUMERIC}+/", "g0mbl8Ztx4", "4NNV4Ujcsq"),
]


def one(text):
    return pa.array([text], pa.string())


class TestStandard:
    @pytest.mark.parametrize(("bits", "tweak", "plain", "enciphered"), SAMPLES)
    def test_nist_samples(self, bits, tweak, plain, enciphered):
        how = {"key": KEYS[bits], "tweak": bytes.fromhex(tweak), "alphabet": DIGITS}
        if tweak.startswith("37"):
            how["alphabet"] += LOWERCASE
        assert ff1.encrypt(one(plain), **how)[0].as_py() == enciphered
        assert ff1.decrypt(one(enciphered), **how)[0].as_py() == plain

    @pytest.mark.parametrize(("key", "alphabet", "plain", "enciphered"), ACVP)
    def test_acvp_vectors(self, key, alphabet, plain, enciphered):
        how = {"key": bytes.fromhex(key), "alphabet": alphabet}
        assert ff1.encrypt(one(plain), **how)[0].as_py() == enciphered
        assert ff1.decrypt(one(enciphered), **how)[0].as_py() == plain

    @pytest.mark.parametrize("radix", [10, 36, 62])
    def test_wycheproof(self, wycheproof, radix):
        """Valid ones are right in both directions; invalid keys, lengths and characters are refused."""
        tried = {"valid": 0, "invalid": 0}
        for group in wycheproof(f"aes_ff1_base{radix}_test.json"):
            for case in group["tests"]:
                tried[case["result"]] += 1
                how = {
                    "key": bytes.fromhex(case["key"]),
                    "tweak": bytes.fromhex(case["tweak"]),
                    "alphabet": group["alphabet"],
                }
                if case["result"] == "valid":
                    assert ff1.encrypt(one(case["msg"]), **how)[0].as_py() == case["ct"], case["tcId"]
                    assert ff1.decrypt(one(case["ct"]), **how)[0].as_py() == case["msg"], case["tcId"]
                    continue
                for turn in (ff1.encrypt, ff1.decrypt):
                    with pytest.raises(ValueError, match=r"FF1 cannot take: 1;|AES key"):
                        turn(one(case["msg"]), **how)
        assert tried["valid"] > 2000
        assert tried["invalid"] > 300


class TestColumns:
    def test_no_rows_give_no_rows(self):
        assert ff1.encrypt(pa.array([], pa.string()), key=KEY).equals(pa.array([], pa.string()))
        chunked = ff1.encrypt(pa.chunked_array([], pa.large_string()), key=KEY)
        assert (len(chunked), chunked.type) == (0, pa.large_string())

    def test_only_nulls_give_only_nulls(self):
        nulls = pa.nulls(3, pa.string())
        assert ff1.encrypt(nulls, key=KEY).equals(nulls)

    def test_same_length_and_alphabet(self):
        values = pa.array(["0123456789", None, "01", "99999999999999999999999"])
        enciphered = ff1.encrypt(values, key=KEY).to_pylist()
        assert [None if each is None else len(each) for each in enciphered] == [10, None, 2, 23]
        assert set("".join(filter(None, enciphered))) <= set(DIGITS)

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
    def test_every_layout_comes_out_as_it_went_in(self, kind):
        values = ["0123456789", None, "4111111111111111", "12", "a longer text than a view keeps inside"]
        column = pa.array(values, kind)
        expected = ff1.encrypt(pa.array(values[:4]), key=KEY).to_pylist()
        for start in range(4):
            enciphered = ff1.encrypt(column.slice(start, 4 - start), key=KEY)
            enciphered.validate(full=True)
            assert enciphered.type == kind
            assert enciphered.to_pylist() == expected[start:]
            assert ff1.decrypt(enciphered, key=KEY).to_pylist() == values[start:4]

    def test_dictionaries_come_out_plain(self):
        column = pa.array(["0123456789", None, "0123456789"]).dictionary_encode()
        assert ff1.encrypt(column, key=KEY).to_pylist() == ["2433477484", None, "2433477484"]
        of_views = pa.DictionaryArray.from_arrays(column.indices, column.dictionary.cast(pa.string_view()))
        assert ff1.encrypt(of_views, key=KEY).equals(ff1.encrypt(column, key=KEY).cast(pa.string_view()))

    def test_chunks_stay_chunks(self):
        column = pa.chunked_array([["0123456789", None], [], ["0123456789"]], pa.string())
        enciphered = ff1.encrypt(column, key=KEY)
        assert enciphered.num_chunks == 3
        assert enciphered.to_pylist() == ["2433477484", None, "2433477484"]

    def test_what_stands_under_nulls_is_neither_read_nor_handed_on(self):
        offsets = pa.array([0, 10, 16, 26], pa.int32()).buffers()[1]
        data = pa.py_buffer(b"0123456789GHOST!0123456789")
        column = pa.Array.from_buffers(pa.string(), 3, [pa.array([1, None, 1]).buffers()[0], offsets, data])
        enciphered = ff1.encrypt(column, key=KEY)
        assert enciphered.to_pylist() == ["2433477484", None, "2433477484"]
        assert enciphered.buffers()[2].to_pybytes() == b"24334774842433477484"

    @pytest.mark.parametrize("lengths", [[16], [9, 16, 40], range(6, 30)], ids=["one", "three", "many"])
    def test_more_rows_than_are_taken_at_a_time(self, lengths):
        """The rows of a large column are those of small ones; all come back."""
        chance = random.Random(7)
        values = [f"{chance.randrange(10**40):040}"[-chance.choice(lengths) :] for _ in range(150_000)]
        values[::97] = [None] * len(values[::97])
        column = pa.array(values)
        enciphered = ff1.encrypt(column, key=KEY)
        assert ff1.decrypt(enciphered, key=KEY).equals(column)
        for start in (0, 16_380, 131_070, 149_990):
            assert ff1.encrypt(column.slice(start, 9), key=KEY).equals(enciphered.slice(start, 9))

    def test_tweak_and_key_decide(self):
        column = pa.array([f"{number:016}" for number in range(100)])
        ways = [(KEY, b""), (KEY, b"t"), (KEYS[192], b""), (KEYS[256], b""), (KEYS[256], b"t" * 1000)]
        seen = {value for key, tweak in ways for value in ff1.encrypt(column, key=key, tweak=tweak).to_pylist()}
        assert len(seen) == 500

    def test_a_domain_of_a_hundred_is_permuted(self):
        """Every value of the smallest domain comes out once."""
        column = pa.array([f"{number:02}" for number in range(100)])
        assert sorted(ff1.encrypt(column, key=KEY).to_pylist()) == column.to_pylist()


class TestAlphabets:
    @pytest.mark.parametrize(
        "alphabet",
        [
            pytest.param("01", id="two digits"),
            pytest.param("zyx", id="letters in an order of their own"),
            pytest.param("".join(map(chr, range(128))), id="all of ASCII, control characters too"),
            pytest.param("äöüÄÖÜßéèê", id="characters of two bytes"),
            pytest.param("0ä€😀", id="characters of one to four bytes"),
            pytest.param("".join(map(chr, range(0x4E00, 0x4E00 + 256))), id="as many as a byte has values"),
            pytest.param("".join(map(chr, range(0x4E00, 0x4E00 + 257))), id="one more"),
            pytest.param("".join(map(chr, range(0x10000, 0x20000))), id="the most there may be, all beyond the BMP"),
        ],
    )
    def test_every_alphabet_goes_both_ways(self, alphabet):
        chance = random.Random(7)
        values = ["".join(chance.choices(alphabet, k=length)) for length in (7, 8, 20, 20, 64)]
        column = pa.array([values[0], None, *values[1:]])
        enciphered = ff1.encrypt(column, key=KEY, alphabet=alphabet)
        enciphered.validate(full=True)
        assert not set(enciphered.to_pylist()) & set(values)
        assert set("".join(enciphered.drop_null().to_pylist())) <= set(alphabet)
        assert ff1.decrypt(enciphered, key=KEY, alphabet=alphabet).equals(column)

    def test_the_order_of_the_alphabet_is_the_order_of_digits(self):
        """Another writing of the same digits is enciphered to another writing of the same digits."""
        letters = ff1.encrypt(one("abcdefghij"), key=KEY, alphabet="abcdefghij")[0].as_py()
        arabic = ff1.encrypt(one("٠١٢٣٤٥٦٧٨٩"), key=KEY, alphabet="٠١٢٣٤٥٦٧٨٩")[0].as_py()
        assert letters.translate(str.maketrans("abcdefghij", DIGITS)) == "2433477484"
        assert arabic.translate(str.maketrans("٠١٢٣٤٥٦٧٨٩", DIGITS)) == "2433477484"

    @pytest.mark.parametrize(
        ("alphabet", "message"),
        [
            pytest.param("", "2 to 65536 characters, not 0", id="none"),
            pytest.param("0", "2 to 65536 characters, not 1", id="one character"),
            pytest.param("".join(map(chr, range(0x10000, 0x20001))), "not 65537", id="too many"),
            pytest.param("abca", "each character once; 1 of these", id="one of them twice"),
            pytest.param("ab\ud800", "no surrogates", id="half of a surrogate pair"),
        ],
    )
    def test_what_is_no_alphabet(self, alphabet, message):
        with pytest.raises(ValueError, match=message):
            ff1.encrypt(one("0123456789"), key=KEY, alphabet=alphabet)


class TestRefusals:
    @pytest.mark.parametrize("turn", [ff1.encrypt, ff1.decrypt])
    @pytest.mark.parametrize(
        ("values", "alphabet", "count"),
        [
            pytest.param([""], DIGITS, 1, id="an empty text"),
            pytest.param(["1", None, "12"], DIGITS, 1, id="one digit"),
            pytest.param(["abcd", "abcde"], "abc", 2, id="other letters, and too few of them"),
            pytest.param(["aaaa", "aaaaa"], "abc", 1, id="three to the fourth is below a hundred"),
            pytest.param(["0" * 6, "0" * 7], "01", 1, id="two to the sixth is below a hundred"),
            pytest.param(["12 4", "secret", "١٢٣", "1234"], DIGITS, 3, id="spaces, letters, digits of others"),
            pytest.param(["äö", "äa", "secret"], "äöüÄÖÜßéèê", 2, id="ASCII among others"),
            pytest.param(["äö", "😀😀"], "äöüÄÖÜßéèê", 1, id="a code point beyond all of the alphabet"),
        ],
    )
    def test_cells_are_counted_and_not_shown(self, turn, values, alphabet, count):
        column = pa.chunked_array([values, values], pa.string())
        with pytest.raises(ValueError, match=f"cannot take: {2 * count}; each needs") as refusal:
            turn(column, key=KEY, alphabet=alphabet)
        assert refusal.value.__context__ is None
        assert not any(value in str(refusal.value) for value in values if value and len(value) > 2)

    @pytest.mark.parametrize("alphabet", [DIGITS, "äöüÄÖÜßéèê"], ids=["ASCII", "others"])
    def test_broken_utf_8_is_counted(self, alphabet):
        """Also where the pieces of one character lie in two cells."""
        good = alphabet[:4].encode()
        cells = [good, b"\xff\xfe", good + b"\xc3", b"\xa4" + good, good]
        offsets = [sum(map(len, cells[:index])) for index in range(6)]
        buffers = [None, pa.array(offsets, pa.int32()).buffers()[1], pa.py_buffer(b"".join(cells))]
        with pytest.raises(ValueError, match="cannot take: 3;") as refusal:
            ff1.encrypt(pa.Array.from_buffers(pa.string(), 5, buffers), key=KEY, alphabet=alphabet)
        assert refusal.value.__context__ is None

    @pytest.mark.parametrize("length", [0, 1, 15, 17, 33])
    def test_keys_of_other_lengths(self, length):
        with pytest.raises(ValueError, match=f"16, 24 or 32 bytes, not {length}"):
            ff1.encrypt(one("0123456789"), key=bytes(length))

    @pytest.mark.parametrize("column", [pa.array([42]), pa.array([b"42"]), pa.array([42]).dictionary_encode()])
    def test_no_text(self, column):
        with pytest.raises(TypeError, match="FF1 enciphers strings, not"):
            ff1.encrypt(column, key=KEY)

    def test_a_tweak_of_text(self):
        with pytest.raises(TypeError, match="a tweak is made of bytes, not of str"):
            ff1.encrypt(one("0123456789"), key=KEY, tweak="table")
