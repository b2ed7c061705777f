"""Tokens of the scheme fpe look like their values, differ from each other, and go back."""

from __future__ import annotations

import random
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgate.crypto import ff1
from maskgate.methods import Domain, Shape
from maskgate.methods.format_preserving import ALPHABETS, SEPARATORS, FormatPreserving

KEY = bytes(range(32))
# Published test numbers of card brands.
CARDS = ["4111111111111111", "5500-0000-0000-0004", "3400 0000 0000 009", "6011000000000004", "30000000000004"]
INTEGERS = [pa.int64(), pa.uint64()]


def fpe(**fields):
    return FormatPreserving(Domain("customer", "fpe", "people", **fields))


def luhn_sum(text):
    digits = [int(each) for each in text if each in "0123456789"][::-1]
    return sum(digits[0::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1::2])


def layout(text, alphabet="0123456789"):
    return "".join("d" if each in alphabet else each for each in text)


class TestText:
    def test_no_rows_no_tokens(self):
        for kind in (pa.string(), pa.large_string(), pa.null()):
            tokens = fpe().encrypt(pa.array([], kind), KEY)
            assert (len(tokens), tokens.type) == (0, fpe().output_type(kind))

    def test_nulls_stay(self):
        for kind in (pa.string(), pa.large_string(), pa.null()):
            nulls = pa.nulls(2, kind)
            assert fpe().encrypt(nulls, KEY).to_pylist() == [None, None]
            assert fpe().decrypt(nulls, KEY).to_pylist() == [None, None]
            assert fpe().invalid(nulls).to_pylist() == [False, False]

    def test_it_is_ff1_with_the_label_of_the_domain_as_tweak(self):
        values = pa.array(["0123456789", "41111111"])
        assert fpe().encrypt(values, KEY).equals(ff1.encrypt(values, key=KEY, tweak=b"customer"))
        scoped = ff1.encrypt(values, key=KEY, tweak=b"customer:research")
        assert fpe(scope="research").encrypt(values, KEY).equals(scoped)

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(["4111-1111-1111-1111", "4111 1111 1111 1112"], id="cards in groups"),
            pytest.param(["4111-1111-1111-1111", None, "4111-1111-1111-1112"], id="all in one layout"),
            pytest.param(["+44 20 7946 0958", "(030) 901820", "555.123.4567"], id="telephone numbers"),
            pytest.param(["12/345678", "#123456", "12:34:56:78", "1_2_3_4_5_6", "1,234,567"], id="others"),
            pytest.param(["--123456--", "123456", ".1.2.3.4.5.6."], id="at the ends"),
        ],
    )
    def test_separators_stay_where_they_are(self, values):
        column = pa.array(values)
        tokens = fpe().encrypt(column, KEY)
        tokens.validate(full=True)
        for value, token in zip(values, tokens.to_pylist(), strict=True):
            assert value is None or (layout(token) == layout(value) and token != value)
        assert fpe().decrypt(tokens, KEY).equals(column)

    def test_separators_do_not_change_the_digits(self):
        """So that a number joins however it is written."""
        plain, dashed = fpe().encrypt(pa.array(["4111111111111111", "4111-1111-1111-1111"]), KEY).to_pylist()
        assert dashed.replace("-", "") == plain

    @pytest.mark.parametrize("name", ALPHABETS)
    def test_named_alphabets(self, name):
        characters = ALPHABETS[name]
        chance = random.Random(7)
        values = ["".join(chance.choices(characters, k=length)) for length in (6, 8, 20, 50)] + ["a-1"]
        column = pa.array([values[0], "-".join(values[1:3]), None, values[3]])
        way = fpe(alphabet=name)
        tokens = way.encrypt(column, KEY)
        assert set("".join(tokens.drop_null().to_pylist())) <= {*characters, "-"}
        assert way.decrypt(tokens, KEY).equals(column)
        assert way.shape().violations(tokens) == 0

    def test_a_separator_of_the_alphabet_is_a_character(self):
        way = fpe(alphabet="0123456789-")
        (token,) = way.encrypt(pa.array(["1-1-1-1-1"]), KEY).to_pylist()
        assert layout(token) != "d-d-d-d-d"
        assert way.decrypt(pa.array([token]), KEY).to_pylist() == ["1-1-1-1-1"]

    def test_alphabets_beyond_ascii(self):
        way = fpe(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя😀")
        column = pa.array(["привет-мир", None, "очень длинное слово 😀"])
        tokens = way.encrypt(column, KEY)
        assert [layout(each or "", way.domain.alphabet) for each in tokens.to_pylist()] == [
            "dddddd-ddd",
            "",
            "ddddd ddddddd ddddd d",
        ]
        assert way.decrypt(tokens, KEY).equals(column)
        assert way.shape().violations(tokens) == 0

    def test_letters_of_another_case_are_other_letters(self):
        assert fpe(alphabet="lowercase").invalid(pa.array(["abcdef", "Abcdef"])).to_pylist() == [False, True]

    def test_a_prefix_stands_before_tokens(self):
        column = pa.array(["123456", None])
        tokens = fpe(prefix="t-").encrypt(column, KEY, "t-")
        assert tokens.to_pylist() == ["t-" + fpe().encrypt(column, KEY)[0].as_py(), None]
        assert fpe(prefix="t-").decrypt(tokens, KEY, "t-").equals(column)

    def test_the_key_and_the_domain_decide(self):
        column = pa.array([f"{number:08}" for number in range(1000)])
        other = FormatPreserving(Domain("other", "fpe", "people"))
        ways = [(fpe(), KEY), (fpe(), bytes(32)), (other, KEY), (fpe(scope="x"), KEY)]
        tokens = [way.encrypt(column, key).to_pylist() for way, key in ways]
        for index, some in enumerate(tokens):
            assert len(set(some)) == 1000
            for others in tokens[index + 1 :]:
                assert sum(map(str.__eq__, some, others)) <= 1


class TestValuesThatCannotBeTaken:
    @pytest.mark.parametrize(
        ("fields", "values", "invalid"),
        [
            pytest.param({}, ["", "12345", "123456", None], [True, True, False, False], id="too few digits"),
            pytest.param(
                {}, ["-------", "1-2-3-4-5", "1-2-3-4-5-6"], [True, True, False], id="separators do not count"
            ),
            pytest.param({}, ["12345a", "123456€", "١٢٣٤٥٦", "123\n456"], [True] * 4, id="other characters"),
            pytest.param({"alphabet": "letters"}, ["abc", "abcd", "abcd1"], [True, False, True], id="letters"),
            pytest.param(
                {"alphabet": "hexadecimal"}, ["00ff0", "00ff", "00FF0"], [False, True, True], id="hexadecimal"
            ),
            pytest.param({"alphabet": "01"}, ["1" * 20, "1" * 19], [False, True], id="bits"),
            pytest.param({"alphabet": "äöü"}, ["ä" * 13, "ä" * 12, "äöüx" * 5], [False, True, True], id="others"),
            pytest.param({"digits": 10}, ["0000000042", "42", "00000000042"], [False, True, True], id="so many digits"),
            pytest.param({"luhn": True}, [*CARDS, "4111111111111112"], [False] * 5 + [True], id="check digits"),
            pytest.param({"luhn": True}, ["123455", "1234566"], [True, False], id="a check digit is no payload"),
        ],
    )
    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
    def test_they_are_known_and_refused(self, fields, values, invalid, kind):
        way, column = fpe(**fields), pa.array(values, kind)
        assert way.invalid(column).to_pylist() == invalid
        for turn in (way.encrypt, way.decrypt):
            if any(invalid):
                with pytest.raises(ValueError, match=f"^{sum(invalid)} values cannot be enciphered") as refusal:
                    turn(column, KEY)
                assert not any(value in str(refusal.value) for value in values if value and len(value) > 5)
                assert refusal.value.__context__ is None
        rest = column.filter(pa.array([not each for each in invalid]))
        assert way.decrypt(way.encrypt(rest, KEY), KEY).equals(rest)

    def test_tokens_without_the_prefix(self):
        column = pa.array(["t_123456", "123456", None, "t_", ""])
        assert fpe(prefix="t_").invalid(column, "t_").to_pylist() == [False, True, False, True, True]
        with pytest.raises(ValueError, match="2 values are no tokens of the domain; the prefix is not there"):
            fpe(prefix="t_").decrypt(column, KEY, "t_")


class TestCheckDigits:
    def test_cards_become_cards(self):
        column = pa.array([*CARDS, None])
        tokens = fpe(luhn=True).encrypt(column, KEY)
        for card, token in zip(CARDS, tokens.to_pylist()[:-1], strict=True):
            assert luhn_sum(card) % 10 == luhn_sum(token) % 10 == 0
            assert layout(token) == layout(card)
            assert token != card
        assert fpe(luhn=True).decrypt(tokens, KEY).equals(column)

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.text("0123456789", min_size=6, max_size=60), min_size=1, max_size=20))
    def test_whatever_the_payload(self, payloads):
        values = [f"{each}{-luhn_sum(each + '0') % 10}" for each in payloads]
        tokens = fpe(luhn=True).encrypt(pa.array(values), KEY)
        assert all(luhn_sum(token) % 10 == 0 for token in tokens.to_pylist())
        assert fpe(luhn=True).decrypt(tokens, KEY).to_pylist() == values


class TestIntegers:
    @pytest.mark.parametrize("kind", INTEGERS, ids=str)
    def test_they_stay_integers(self, kind):
        column = pa.array([42, None, 0, 9_999_999_999], kind)
        tokens = fpe(digits=10).encrypt(column, KEY)
        tokens.validate(full=True)
        assert tokens.type == kind == fpe(digits=10).output_type(kind)
        assert tokens.is_null().to_pylist() == [False, True, False, False]
        assert tokens.buffers()[1].to_pybytes()[8:16] == bytes(8)
        assert fpe(digits=10).decrypt(tokens, KEY).equals(column)
        assert fpe(digits=10).shape().violations(tokens) == 0

    @pytest.mark.parametrize("fields", [{}, {"luhn": True}], ids=["plain", "luhn"])
    @pytest.mark.parametrize("digits", range(7, 19))
    def test_they_join_with_their_text(self, digits, fields):
        """The integer, written with all its digits, has the token of that text."""
        chance = random.Random(digits)
        texts = [f"{chance.randrange(10 ** chance.randint(1, digits - 1)):0{digits - 1}}" for _ in range(200)]
        texts = [f"{each}{-luhn_sum(each + '0') % 10}" for each in texts]
        way = fpe(digits=digits, **fields)
        numbers = pa.array([int(each) for each in texts])
        tokens = way.encrypt(numbers, KEY)
        assert [f"{each:0{digits}}" for each in tokens.to_pylist()] == way.encrypt(pa.array(texts), KEY).to_pylist()
        assert way.decrypt(tokens, KEY).equals(numbers)

    def test_many_rows(self):
        numbers = pa.array(range(0, 10**10, 10**5 - 1)).slice(5)
        tokens = fpe(digits=10).encrypt(numbers, KEY)
        assert len(set(tokens.to_pylist())) == len(numbers)
        assert fpe(digits=10).decrypt(tokens, KEY).equals(numbers)
        assert fpe(digits=10).encrypt(numbers.slice(99_000), KEY).equals(tokens.slice(99_000))

    def test_numbers_beyond_the_digits(self):
        column = pa.array([-1, 0, None, 999_999, 1_000_000, -(2**63), 2**63 - 1])
        assert fpe(digits=6).invalid(column).to_pylist() == [True, False, False, False, True, True, True]
        with pytest.raises(ValueError, match=r"^4 integers cannot be .* the domain takes 0 to 999999$") as refusal:
            fpe(digits=6).encrypt(column, KEY)
        assert refusal.value.__context__ is None

    def test_numbers_with_a_wrong_check_digit(self):
        column = pa.array([4111111111111111, 4111111111111112, None, -1])
        assert fpe(digits=16, luhn=True).invalid(column).to_pylist() == [False, True, False, True]

    @pytest.mark.parametrize(
        ("fields", "kind", "message"),
        [
            pytest.param({}, pa.int64(), "how many digits an integer has. Add `digits:`", id="no digits"),
            pytest.param({"digits": 10}, pa.int32(), "10 digits, more than int32 holds", id="too narrow a type"),
            pytest.param({"digits": 6}, pa.uint16(), "6 digits, more than uint16 holds", id="far too narrow a type"),
            pytest.param({"digits": 10, "prefix": "t"}, pa.int64(), "prefix, which cannot stand", id="a prefix"),
            pytest.param({"digits": 10}, pa.decimal128(9, 0), "10 digits, more than decimal128", id="too few places"),
            pytest.param({"digits": 10}, pa.decimal128(20, 2), "scale 0, not decimal128", id="fractions"),
            pytest.param({}, pa.decimal32(9, 0), "how many digits an integer has", id="decimals without digits"),
            pytest.param(
                {"digits": 10}, pa.float64(), "text, integers and decimals of scale 0, not double", id="floats"
            ),
            pytest.param({}, pa.date32(), "scale 0, not date32", id="dates"),
            pytest.param({}, pa.binary(), "scale 0, not binary", id="bytes"),
        ],
    )
    def test_types_that_cannot_come_out(self, fields, kind, message):
        with pytest.raises(ValueError, match=message):
            fpe(**fields).output_type(kind)

    @pytest.mark.parametrize(
        "kind", [pa.decimal32(9, 0), pa.decimal64(18, 0), pa.decimal128(38, 0), pa.decimal256(76, 0)], ids=str
    )
    @pytest.mark.parametrize("luhn", [False, True])
    def test_whole_decimals_are_the_integers_they_stand_for(self, kind, luhn):
        cipher, numbers = fpe(digits=9, luhn=luhn), [0, 18, None, 999_999_998, 42_000_000]
        column = pa.array([None if each is None else Decimal(each) for each in numbers], kind)
        tokens = cipher.encrypt(column.slice(1), KEY)
        assert tokens.type == kind
        assert tokens.cast(pa.decimal128(38, 0)).cast(pa.int64()).equals(cipher.encrypt(pa.array(numbers[1:]), KEY))
        assert cipher.decrypt(tokens, KEY).equals(column.slice(1))

    def test_decimals_beyond_the_digits_are_told(self):
        numbers = [Decimal(each) for each in (-1, 10**9, 10**9 - 1, 2**64, 2**64 + 5, 10**40)]
        column = pa.array([*numbers, None], pa.decimal256(50, 0))
        assert fpe(digits=9).invalid(column).to_pylist() == [True, True, False, True, True, True, False]

    @pytest.mark.parametrize(("digits", "kind"), [(9, pa.int32()), (9, pa.uint32()), (18, pa.int64())], ids=str)
    def test_the_narrowest_types(self, digits, kind):
        column = pa.array([10**digits - 1, 0], kind)
        tokens = fpe(digits=digits).encrypt(column, KEY)
        assert fpe(digits=digits).decrypt(tokens, KEY).equals(column)
        dictionary = pa.dictionary(pa.int8(), kind)
        assert fpe(digits=digits).output_type(dictionary) == dictionary


class TestGhosts:
    """What lies in a column's buffers and in none of its cells is neither judged nor handed on."""

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
    def test_of_text(self, kind):
        texts = ["#GHOST#", "4111-1111-1111-1111", "#GHOST#", "5500-0000-0000-0004", "#GHOST#"]
        whole = pa.array(texts, kind)
        valid = pa.array([True, True, None, True, True]).buffers()[0]
        column = pa.Array.from_buffers(kind, 5, [valid, *whole.buffers()[1:]]).slice(1, 3)
        assert fpe().invalid(column).to_pylist() == [False, False, False]
        tokens = fpe().encrypt(column, KEY)
        tokens.validate(full=True)
        assert tokens.is_null().to_pylist() == [False, True, False]
        assert b"GHOST" not in b"".join(buffer.to_pybytes() for buffer in tokens.buffers() if buffer)
        assert fpe().decrypt(tokens, KEY).to_pylist() == [texts[1], None, texts[3]]

    def test_of_integers(self):
        ghost = 0x5A515A515A515A5
        whole = pa.array([ghost, 42, ghost, 43, ghost])
        valid = pa.array([True, True, None, True, True]).buffers()[0]
        column = pa.Array.from_buffers(pa.int64(), 5, [valid, whole.buffers()[1]]).slice(1, 3)
        assert fpe(digits=6).invalid(column).to_pylist() == [False, False, False]
        tokens = fpe(digits=6).encrypt(column, KEY)
        assert tokens.is_null().to_pylist() == [False, True, False]
        assert ghost.to_bytes(8, "little") not in tokens.buffers()[1].to_pybytes()
        assert whole.to_pylist() == [ghost, 42, ghost, 43, ghost]


class TestDomain:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            pytest.param({"digits": 5}, "`digits:` is 6 to 18, not 5", id="few digits can be searched"),
            pytest.param({"digits": 19}, "`digits:` is 6 to 18, not 19", id="more digits than integers have"),
            pytest.param({"digits": 6, "luhn": True}, "`digits:` is 7 to 18, not 6", id="a check digit is no payload"),
            pytest.param({"alphabet": "letters", "luhn": True}, "alphabet of digits alone", id="luhn over letters"),
            pytest.param({"alphabet": "01", "digits": 10}, "alphabet of digits alone", id="digits of an alphabet"),
            pytest.param({"alphabet": "a"}, "2 to 65536 characters, not 1", id="one character"),
            pytest.param({"alphabet": "digit"}, "each character once; .* or one of digits, letters", id="misspelled"),
        ],
    )
    def test_what_it_cannot_ask_for(self, fields, message):
        with pytest.raises(ValueError, match=f'^domain "customer": .*{message}'):
            fpe(**fields)


class TestShape:
    @pytest.mark.parametrize(
        ("fields", "texts"),
        [
            pytest.param({}, ["12345", "123456a", "secret", "-12345"], id="digits"),
            pytest.param({"digits": 8}, ["1234567", "123456789"], id="so many digits"),
            pytest.param({"alphabet": "lowercase"}, ["abcd", "Abcde", "abcd1"], id="lowercase"),
            pytest.param({"prefix": "t{version}_"}, ["123456", "t_123456", "tx_123456", "t0_123456"], id="a prefix"),
            pytest.param({"alphabet": "".join(map(chr, range(32, 127)))}, ["aa", "\n\n\n\n\n"], id="all of ASCII"),
        ],
    )
    def test_it_tells_others_from_tokens(self, fields, texts):
        shape = Shape.from_json(fpe(**fields).shape().as_json())
        assert shape == fpe(**fields).shape()
        assert shape.violations(pa.array(texts)) == len(texts)

    def test_it_allows_what_tokens_may_have(self):
        assert fpe().shape().violations(pa.array([f"1{SEPARATORS}23456", "1" * 3000])) == 0
        assert fpe(prefix="t{version}_").shape().violations(pa.array(["t1_123456", "t12_12-34-56"])) == 0

    def test_integers_have_a_range(self):
        shape = fpe(digits=6).shape()
        assert shape.violations(pa.array([0, 999_999])) == 0
        assert shape.violations(pa.array([-1, 1_000_000])) == 2

    def test_an_alphabet_of_scattered_characters_promises_text_alone(self):
        shape = fpe(alphabet="".join(map(chr, range(0x100, 0x1000, 2)))).shape()
        assert shape.violations(pa.array(["anything"])) == 0
        assert shape.violations(pa.array([1])) == 1
