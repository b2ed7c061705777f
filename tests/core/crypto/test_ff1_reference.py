"""FF1 over columns does what the standard says, step by step, on numbers of any size.

The reference is NIST SP 800-38G, algorithms 7 and 8, a value at a time, on Python's integers.
"""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgate.crypto import ff1

KEY = bytes(range(16))
# More than enough characters for every radix, none of them a surrogate.
CHARACTERS = "".join(chr(code) for code in range(0x21, 0x21000) if not 0xD800 <= code <= 0xDFFF)


def number_of(digits, radix):
    number = 0
    for digit in digits:
        number = number * radix + digit
    return number


def digits_of(number, radix, length):
    digits = []
    for _ in range(length):
        number, digit = divmod(number, radix)
        digits.append(digit)
    return digits[::-1]


def added(left, right):
    return bytes(one ^ other for one, other in zip(left, right, strict=True))


def reference(key, tweak, radix, digits, *, decrypt=False):
    """Encipher or decipher one value, given as a list of digits."""
    encipher = Cipher(AES(key), ECB()).encryptor().update
    length = len(digits)
    u = length // 2
    v = length - u
    left, right = number_of(digits[:u], radix), number_of(digits[u:], radix)
    b = ((radix**v - 1).bit_length() + 7) // 8
    d = 4 * ((b + 3) // 4) + 4
    first = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
    first += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
    for i in reversed(range(10)) if decrypt else range(10):
        half = left if decrypt else right
        text = first + tweak + bytes((-len(tweak) - b - 1) % 16) + bytes([i]) + half.to_bytes(b, "big")
        block = bytes(16)
        for start in range(0, len(text), 16):
            block = encipher(added(block, text[start : start + 16]))
        stretched = block
        for j in range(1, -(-d // 16)):
            stretched += encipher(added(block, j.to_bytes(16, "big")))
        y = int.from_bytes(stretched[:d], "big")
        modulus = radix ** (u if i % 2 == 0 else v)
        left, right = ((right - y) % modulus, left) if decrypt else (right, (left + y) % modulus)
    return digits_of(left, radix, u) + digits_of(right, radix, v)


MANY = 4 * 64


def least_length(radix):
    return next(length for length in range(2, 8) if radix**length >= 100)


def spelled(values, alphabet):
    return [None if value is None else "".join(alphabet[digit] for digit in value) for value in values]


def check(key, tweak, alphabet, values):
    """Compare a column with the reference, both ways."""
    radix = len(alphabet)
    column = pa.array(spelled(values, alphabet), pa.string())
    for turn, back in ((ff1.encrypt, ff1.decrypt), (ff1.decrypt, ff1.encrypt)):
        decrypt = turn is ff1.decrypt
        expected = [None if each is None else reference(key, tweak, radix, each, decrypt=decrypt) for each in values]
        turned = turn(column, key=key, tweak=tweak, alphabet=alphabet)
        assert turned.to_pylist() == spelled(expected, alphabet)
        assert back(turned, key=key, tweak=tweak, alphabet=alphabet).equals(column)
        # Where a length has many rows, arithmetic is another.
        many = turn(pa.chunked_array([column] * MANY).combine_chunks(), key=key, tweak=tweak, alphabet=alphabet)
        assert many.equals(pa.chunked_array([turned] * MANY).combine_chunks())


RADICES = st.one_of(st.sampled_from([2, 3, 10, 16, 26, 36, 62, 256, 257, 65_535, 65_536]), st.integers(2, 65_536))


@st.composite
def columns(draw):
    """Draw a radix, and a column of values of mixed lengths with a liking for the least and the greatest digit."""
    radix = draw(RADICES)
    least = least_length(radix)
    lengths = st.one_of(st.integers(least, 12), st.integers(least, 60), st.integers(least, 300))
    chance = random.Random(draw(st.integers(0, 2**32)))
    pick = st.sampled_from([[0], [radix - 1], [0, radix - 1], range(radix)])
    shapes = draw(st.lists(st.none() | st.tuples(lengths, pick), min_size=1, max_size=5))
    return radix, [None if shape is None else chance.choices(shape[1], k=shape[0]) for shape in shapes]


class TestReference:
    @settings(max_examples=150, deadline=None)
    @given(columns(), st.sampled_from([16, 24, 32]), st.binary(max_size=40), st.integers(0, 2**32), st.data())
    def test_any_radix_length_key_and_tweak(self, drawn, key_length, tweak, seed, data):
        """In mixed lengths, with nulls among them."""
        radix, values = drawn
        chance = random.Random(seed)
        start = data.draw(st.integers(0, len(CHARACTERS) - radix))
        check(chance.randbytes(key_length), tweak, CHARACTERS[start : start + radix], values)

    @pytest.mark.parametrize("radix", [2, 7, 10, 62, 100, 256, 257, 4096, 65_536])
    def test_every_length_up_to_80(self, radix):
        """So that every boundary between the ways to keep numbers is crossed, even and odd."""
        chance = random.Random(radix)
        lengths = range(least_length(radix), 81)
        values = [[0] * length for length in lengths] + [[radix - 1] * length for length in lengths]
        values += [chance.choices(range(radix), k=length) for length in lengths]
        check(KEY, b"tweak", CHARACTERS[:radix], values)

    @pytest.mark.parametrize(
        ("radix", "length"),
        [
            pytest.param(10, 2000, id="two thousand digits"),
            pytest.param(2, 3001, id="three thousand bits"),
            pytest.param(62, 777, id="777 letters and digits"),
            pytest.param(65_536, 500, id="five hundred digits of two bytes"),
            pytest.param(1000, 401, id="four hundred digits of a thousand"),
        ],
    )
    def test_very_long_values(self, radix, length):
        chance = random.Random(length)
        values = [chance.choices(range(radix), k=length + more) for more in (0, 1, 1)]
        check(KEY, b"", CHARACTERS[:radix], [*values, [0] * length, [radix - 1] * (length + 1)])

    @pytest.mark.parametrize("length", [0, 1, 7, 8, 14, 15, 16, 17, 31, 32, 1000, 10_000])
    def test_tweaks_of_every_length(self, length):
        """The tweak is padded together with the half, so that all lengths are different."""
        tweak = random.Random(length).randbytes(length)
        values = [[1, 2, 3, 4, 5, 6] * times for times in (1, 2, 5, 6, 13)]
        check(KEY, tweak, "0123456789", values)

    def test_one_value_alone_is_the_value_among_others(self):
        chance = random.Random(7)
        values = [chance.choices(range(10), k=chance.choice([9, 16, 19, 36, 40, 41, 900])) for _ in range(40)]
        check(KEY, b"", "0123456789", values)
