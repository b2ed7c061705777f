"""Same value, domain and key: same token, in every table, type and layout."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, ReversibleBy, Surroundings
from maskgate.methods.token_input import token_input

KEY = Key("people", bytes(range(32)))
HERE = Surroundings("customers", "customer_id", KEY)
SCHEMES = pytest.mark.parametrize("scheme", ["hmac", "cmac"])


def token(scheme="cmac", name="customer", **fields):
    return METHODS["token"].configure({}, Domain(name, scheme, "people", **fields))


def tokens(values, surroundings=HERE, *, scheme="cmac", kind=None, **fields):
    return token(scheme, **fields).apply(pa.array(values, kind), surroundings).to_pylist()


class TestToken:
    @SCHEMES
    def test_no_rows_no_tokens(self, scheme):
        assert tokens([], scheme=scheme, kind=pa.string()) == []

    @SCHEMES
    def test_it_is_32_digits_behind_the_prefix(self, scheme):
        (one,) = tokens(["a"], scheme=scheme, prefix="cu_")
        assert (one[:3], len(one)) == ("cu_", 35)
        assert int(one[3:], 16)

    def test_its_bits_never_change(self):
        """They can be worked out without Maskgate: CMAC under the domain's subkey, and no more."""
        mac = CMAC(AES(KEY.subkey(purpose="token", scheme="cmac", domain="customer")))
        mac.update(b"42")
        assert tokens([42]) == [mac.finalize().hex()]

    @SCHEMES
    def test_the_empty_string_is_a_value_and_null_is_none(self, scheme):
        empty, null, space = tokens(["", None, " "], scheme=scheme)
        assert null is None
        assert empty not in {None, space}

    @SCHEMES
    def test_other_keys_and_domains_make_other_tokens(self, scheme):
        values = [f"value {number}" for number in range(1000)]
        here = set(tokens(values, scheme=scheme))
        assert len(here) == 1000
        assert not here & set(tokens(values, scheme=scheme, name="order"))
        other = Surroundings("customers", "customer_id", Key("people", bytes(range(1, 33))))
        assert not here & set(tokens(values, other, scheme=scheme))

    def test_table_and_column_do_not_matter(self):
        assert tokens(["a"]) == tokens(["a"], Surroundings("orders", "buyer", KEY))

    def test_schemes_differ(self):
        assert tokens(["a"], scheme="hmac") != tokens(["a"], scheme="cmac")

    @SCHEMES
    def test_a_dictionary_is_masked_by_its_entries_in_the_order_of_rows(self, scheme):
        """A sorted dictionary of originals would show the rank of each behind its token."""
        rows = ["b", "a", None, "b"]
        entries = pa.array(["a", "b", "unused"])
        column = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.int8()), entries)
        masked = token(scheme).apply(column, HERE)
        assert masked.type == pa.dictionary(pa.int8(), pa.string())
        assert masked.to_pylist() == tokens(rows, scheme=scheme)
        assert masked.dictionary.to_pylist() == tokens(["b", "a"], scheme=scheme)

    def test_entries_that_become_equal_become_one(self):
        column = pa.array(["Ann", "ann ", "bob"]).dictionary_encode()
        masked = token(normalize=("trim", "lower")).apply(column, HERE)
        assert len(masked.dictionary) == 2
        assert masked.indices.to_pylist() == [0, 0, 1]

    def test_no_key_no_token(self):
        with pytest.raises(MaskingError, match='column "c": token needs a key'):
            token().apply(pa.array(["a"]), Surroundings("t", "c"))

    def test_who_can_reverse_it_depends_on_the_scheme(self):
        assert token("cmac").reversible_by is ReversibleBy.KEY_HOLDER
        assert token("hmac").reversible_by is ReversibleBy.NOBODY


class TestNormalize:
    def test_steps_come_before_the_token(self):
        plain = tokens(["ann@example.com", "zoë"])
        assert tokens([" Ann@Example.COM\t", "ZOË"], normalize=("trim", "lower")) == plain
        assert tokens([" ann@example.com"], normalize=("lower",))[0] != plain[0]

    def test_what_is_empty_after_trimming_is_the_empty_string(self):
        assert tokens(["  "], normalize=("trim",)) == tokens([""])

    def test_numbers_need_none(self):
        assert tokens([42], normalize=("trim", "lower")) == tokens(["42"])


class TestInput:
    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            pytest.param(pa.array([42, -7, 0, 2**63 - 1]), ["42", "-7", "0", str(2**63 - 1)], id="integers"),
            pytest.param(pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)], id="unsigned integers"),
            pytest.param(
                pa.array([Decimal(120), Decimal(-5)], pa.decimal128(38, 0)), ["120", "-5"], id="whole decimals"
            ),
            pytest.param(pa.array([b"\xff\x00"]), [b"\xff\x00"], id="bytes"),
            pytest.param(
                pa.array([0, -719162, 2932896, 100_000_000], pa.int32()).cast(pa.date32()),
                ["1970-01-01", "0001-01-01", "9999-12-31", "275760-09-13"],
                id="days",
            ),
            pytest.param(
                pa.array([0, 1500], pa.int64()).cast(pa.timestamp("ms")),
                ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01.5Z"],
                id="timestamps without a zone count as UTC",
            ),
            pytest.param(pa.nulls(2), [None, None], id="nothing at all"),
        ],
    )
    def test_spelling(self, column, expected):
        assert token_input(column).to_pylist() == expected

    def test_one_moment_is_one_token_whatever_unit_and_zone(self):
        moment = datetime(2026, 11, 24, 8, 30, 5, 250_000, tzinfo=UTC)
        kinds = [pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in ("UTC", "Asia/Tokyo")]
        found = {tokens([moment], kind=kind)[0] for kind in kinds}
        assert found == set(tokens(["2026-11-24T08:30:05.25Z"]))

    @pytest.mark.parametrize(
        ("kind", "counts", "expected"),
        [
            pytest.param(
                pa.date32(),
                [-719529, -720000, -800_000, -1_100_000, -(10**7), 10**7],
                ["-0001-12-31", "-0002-09-16", "-0221-09-04", "-1042-04-21", "-25410-12-06", "29349-01-26"],
                id="days",
            ),
            pytest.param(
                pa.timestamp("s"),
                [-62_167_219_201, -70_000_000_000, 10**11],
                ["-0001-12-31T23:59:59Z", "-0249-10-15T19:33:20Z", "5138-11-16T09:46:40Z"],
                id="seconds",
            ),
            pytest.param(
                pa.timestamp("us"),
                [-62_167_219_200_000_100, 250_000],
                ["-0001-12-31T23:59:59.9999Z", "1970-01-01T00:00:00.25Z"],
                id="microseconds",
            ),
        ],
    )
    def test_what_stands_beside_a_moment_does_not_change_its_spelling(self, kind, counts, expected):
        """Arrow writes no year beyond 32767; a column that has one is written in another way."""
        width = pa.int32() if kind == pa.date32() else pa.int64()
        far = 2**31 - 1 if kind == pa.date32() else 2**62
        assert token_input(pa.array(counts, width).view(kind)).to_pylist() == expected
        assert token_input(pa.array([*counts, None, far], width).view(kind)).to_pylist()[:-2] == expected

    @pytest.mark.parametrize("unit", ["s", "ms", "us"])
    def test_the_least_of_all_moments_is_one(self, unit):
        least, next_one = token_input(pa.array([-(2**63), 1 - 2**63], pa.int64()).view(pa.timestamp(unit))).to_pylist()
        assert least != next_one
        assert "NaT" not in least

    def test_an_integer_joins_its_digits_from_a_text_file(self):
        for kind in (pa.int8(), pa.int64(), pa.uint16(), pa.decimal128(10, 0)):
            assert tokens([42], kind=kind) == tokens(["42"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            pytest.param(pa.float64(), "no one spelling", id="floats"),
            pytest.param(pa.dictionary(pa.int8(), pa.float32()), "no one spelling", id="floats behind a dictionary"),
            pytest.param(pa.decimal128(10, 2), "only whole decimals", id="fractions"),
            pytest.param(pa.list_(pa.string()), "cannot be tokenized", id="lists"),
            pytest.param(pa.bool_(), "cannot be tokenized", id="truth values"),
        ],
    )
    def test_types_without_one_spelling(self, kind, words):
        with pytest.raises(ValueError, match=words):
            token().output_type(kind)

    @pytest.mark.parametrize(
        ("domain", "words"),
        [
            pytest.param(None, "token needs `domain:`", id="no domain"),
            pytest.param(
                Domain("d", "sha1", "people"), "no scheme is called 'sha1'; there are hmac", id="another scheme"
            ),
            pytest.param(Domain("d", "hmac", "people", "", ("upper",)), "called 'upper'; there are trim", id="a step"),
        ],
    )
    def test_domains_that_make_no_tokens(self, domain, words):
        with pytest.raises(ValueError, match=words):
            METHODS["token"].configure({}, domain)


class TestShape:
    def test_originals_do_not_fit(self):
        shape = token(prefix="c.").shape()
        assert shape.violations(pa.array(tokens(["a"], prefix="c."))) == 0
        for originals in (
            ["a"],
            [42],
            ["cX" + "0" * 32],
            ["c." + "0" * 31],
            ["c." + "0" * 32 + "\n"],
            ["c." + "G" * 32],
        ):
            assert shape.violations(pa.array(originals)) == 1
