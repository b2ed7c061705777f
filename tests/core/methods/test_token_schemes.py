"""Formats, scopes, versions and schemes of tokens."""

from __future__ import annotations

import base64
import hmac
import uuid

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, ReversibleBy, Surroundings, Uniqueness
from maskgate.methods.format_preserving import FormatPreserving

KEY = Key("people", bytes(range(32)))
ROTATED = Key("people", bytes(range(9, 41)), 3, {1: bytes(range(32))})
SCHEMES = pytest.mark.parametrize("scheme", ["hmac", "cmac", "encrypt", "fpe"])
VALUES = ["ann@example.com", "", None, "Zoë 😀", "x" * 100]


def token(scheme="cmac", **fields):
    return METHODS["token"].configure({}, Domain("customer", scheme, "people", **fields))


def tokens(values, scheme="cmac", *, key=KEY, kind=None, **fields):
    column = token(scheme, **fields).apply(pa.array(values, kind), Surroundings("t", "c", key))
    column.validate(full=True)
    assert token(scheme, **fields).shape().violations(column) == 0
    return column.to_pylist()


def digest(value, label="customer", scheme="hmac"):
    return hmac.digest(KEY.subkey(purpose="token", scheme=scheme, domain=label), value.encode(), "sha256")


class TestFormats:
    def test_hexadecimal_of_any_length_begins_alike(self):
        (whole,) = tokens(["a"], "hmac")
        assert whole == digest("a").hex()[:32]
        assert tokens(["a"], "hmac", format="hex", length=9, prefix="é_") == ["é_" + whole[:9]]

    def test_base32_is_that_of_rfc_4648(self):
        whole = base64.b32encode(digest("a")).decode()
        assert tokens(["a"], "hmac", format="base32") == [whole[:26]]
        assert tokens(["a"], "hmac", format="base32", length=8) == [whole[:8]]

    def test_base58_has_22_digits_and_keeps_the_last(self):
        (whole,) = tokens(["a"], format="base58")
        assert len(whole) == 22
        assert tokens(["a"], format="base58", length=10) == [whole[-10:]]

    def test_integers_are_int64_and_not_negative(self):
        column = token(format="integer").apply(pa.array(["a", None]), Surroundings("t", "c", KEY))
        assert column.type == pa.int64()
        assert tokens(["a"], "hmac", format="integer", length=6) == [int.from_bytes(digest("a")[:8], "big") % 10**6]
        many = tokens(range(1000), format="integer")
        assert 0 <= min(many) < max(many) < 10**18

    def test_integers_of_a_dictionary_are_a_dictionary_of_int64(self):
        column = pa.array(["a", "b", None, "a"]).dictionary_encode()
        masked = token(format="integer").apply(column, Surroundings("t", "c", KEY))
        assert masked.type == pa.dictionary(pa.int32(), pa.int64()) == token(format="integer").output_type(column.type)
        assert masked.to_pylist() == tokens(["a", "b", None, "a"], format="integer")

    def test_uuids_are_of_version_8(self):
        (text,) = tokens(["a"], format="uuid", prefix="urn:uuid:")
        assert (uuid.UUID(text).version, uuid.UUID(text).variant) == (8, uuid.RFC_4122)

    @pytest.mark.parametrize("name", ["hex", "base32", "base58", "uuid", "integer"])
    def test_a_thousand_values_have_a_thousand_tokens(self, name):
        assert len(set(tokens([f"value {number}" for number in range(1000)], format=name))) == 1000

    @pytest.mark.parametrize("name", ["hex", "base32", "base58", "uuid"])
    def test_large_text_stays_large(self, name):
        column = token(format=name).apply(pa.array(["a"], pa.large_string()), Surroundings("t", "c", KEY))
        assert column.type == pa.large_string()

    @pytest.mark.parametrize(
        ("name", "originals"),
        [
            pytest.param("hex", ["a", "A" * 32, "0" * 33, "0" * 32 + "\n"], id="hex"),
            pytest.param("base32", ["a" * 26, "A" * 25, "1" * 26], id="base32"),
            pytest.param("base58", ["0" * 22, "a" * 21, "l" * 22], id="base58"),
            pytest.param("uuid", ["00000000-0000-4000-8000-000000000000", "0" * 32], id="uuid"),
            pytest.param("integer", [-1, 10**18 + 10**3, 1.5], id="integer"),
        ],
    )
    def test_originals_do_not_fit_the_shape(self, name, originals):
        for original in originals:
            assert token(format=name).shape().violations(pa.array([original])) == 1

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            pytest.param(
                {"format": "base64"}, "no token format is called 'base64'; there are hex, base32", id="unknown"
            ),
            pytest.param({"length": 7}, "in the format 'hex' has 8 to 32 characters, not 7", id="too short"),
            pytest.param({"length": 33}, "has 8 to 32 characters, not 33", id="too long"),
            pytest.param({"format": "base58", "length": 23}, "has 8 to 22 characters, not 23", id="too long, base58"),
            pytest.param({"format": "integer", "length": 5}, "has 6 to 18 digits, not 5", id="too few digits"),
            pytest.param({"format": "integer", "length": 19}, "has 6 to 18 digits, not 19", id="too many digits"),
            pytest.param({"format": "integer", "prefix": "c"}, "an integer has no prefix", id="a prefixed integer"),
            pytest.param({"format": "uuid", "length": 32}, "has 36 characters, not 32", id="a shortened UUID"),
            pytest.param({"digits": 9}, "scheme 'cmac' has no `digits:`", id="digits, which are for fpe"),
            pytest.param({"alphabet": "letters"}, "scheme 'cmac' has no `alphabet:`", id="an alphabet"),
            pytest.param({"luhn": True}, "scheme 'cmac' has no `luhn:`", id="a check digit"),
            pytest.param({"prefix": "v{version}"}, "something other than a digit behind", id="an open version"),
            pytest.param({"prefix": "v{version}0_"}, "something other than a digit behind", id="a digit behind it"),
            pytest.param({"normalize": ("upper",)}, 'domain "customer": no step of .* called .upper', id="a step"),
        ],
    )
    def test_what_a_domain_cannot_ask_for(self, fields, words):
        with pytest.raises(ValueError, match=words):
            token(**fields)


class TestScopes:
    @SCHEMES
    def test_another_scope_has_other_tokens(self, scheme):
        values = [f"{number:09d}" for number in range(500)]
        found = [set(tokens(values, scheme, scope=scope)) for scope in ("", "partner", "bank")]
        shared = (found[0] & found[1]) | (found[0] & found[2]) | (found[1] & found[2])
        # Under fpe all tokens are of nine digits, so that two scopes may share one by chance.
        assert len(shared) <= (3 if scheme == "fpe" else 0)

    def test_it_belongs_to_the_name_of_the_subkey(self):
        assert tokens(["a"], "hmac", scope="partner") == [digest("a", "customer:partner").hex()[:32]]


class TestVersions:
    @SCHEMES
    def test_the_current_version_makes_tokens(self, scheme):
        old, new = tokens(["123456789"], scheme), tokens(["123456789"], scheme, key=ROTATED)
        assert old != new
        assert tokens(["123456789"], scheme, key=ROTATED.at(1)) == old

    @SCHEMES
    def test_the_prefix_may_hold_it(self, scheme):
        """And the shape takes any version, so that a new one does not change the rules."""
        for key, version in ((KEY, 1), (ROTATED, 3)):
            (found,) = tokens(["123456789"], scheme, key=key, prefix="v{version}_")
            assert found.startswith(f"v{version}_")
        shape = token("hmac", prefix="v{version}_").shape()
        assert shape.violations(pa.array(["v12_" + "0" * 32, "v0_" + "0" * 32, "v_" + "0" * 32])) == 2


class TestEncrypt:
    def test_it_can_be_worked_out_without_maskgate(self):
        """AES-SIV of RFC 5297 under the domain's subkey of 64 bytes, without headers."""
        machine = AESSIV(KEY.subkey(purpose="token", scheme="encrypt", domain="customer", length=64))
        values = [value for value in VALUES if value != ""]
        encrypted = [value and machine.encrypt(value.encode(), None) for value in values]
        assert tokens(values, "encrypt") == [value and value.hex() for value in encrypted]
        assert tokens(values, "encrypt", format="base32") == [
            value and base64.b32encode(value).decode().rstrip("=") for value in encrypted
        ]

    def test_the_length_of_a_value_shows(self):
        """Which the declaration says."""
        assert [len(cell) for cell in tokens(["", "a", "ab"], "encrypt")] == [32, 34, 36]
        assert "show how long" in METHODS["token"].declaration.summary

    def test_numbers_and_text_join(self):
        assert tokens([42], "encrypt") == tokens(["42"], "encrypt")

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            pytest.param({"format": "base58"}, "writes hex or base32, not 'base58'", id="base58"),
            pytest.param({"format": "integer"}, "writes hex or base32, not 'integer'", id="integer"),
            pytest.param({"format": "uuid"}, "writes hex or base32, not 'uuid'", id="uuid"),
            pytest.param({"length": 32}, "take `length:` out", id="a length"),
        ],
    )
    def test_what_it_cannot_do(self, fields, words):
        with pytest.raises(ValueError, match=words):
            token("encrypt", **fields)


class TestFormatPreserving:
    def test_it_is_that_of_ff1(self):
        secret = KEY.subkey(purpose="token", scheme="fpe", domain="customer")
        expected = FormatPreserving(Domain("customer", "fpe", "people")).encrypt(pa.array(["4111-1111"]), secret)
        assert tokens(["4111-1111"], "fpe") == expected.to_pylist()

    def test_integers_stay_integers(self):
        column = token("fpe", digits=9).apply(pa.array([42, None, 7], pa.int64()), Surroundings("t", "c", KEY))
        assert column.type == pa.int64()
        assert column.null_count == 1

    def test_dictionaries_stay_dictionaries(self):
        column = pa.array(["123456789", None, "123456789"]).dictionary_encode()
        masked = token("fpe").apply(column, Surroundings("t", "c", KEY))
        assert masked.type == column.type
        assert masked.to_pylist() == tokens(["123456789", None, "123456789"], "fpe")

    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "dictionary"])
    def test_other_formats_are_invalid(self, encoded):
        """They are counted where nobody said what should become of them; no value shows."""
        column = pa.array(["123456789", None, "no digits", "12"])
        column = column.dictionary_encode() if encoded else column
        here = Surroundings("t", "c", KEY)
        assert token("fpe").invalid(column, here).to_pylist() == [False, False, True, True]
        assert token("hmac").invalid(column, here) is None
        with pytest.raises(MaskingError, match=r'column "c": 2 values .*Say `on_invalid: nullify`') as caught:
            token("fpe").apply(column, here)
        assert "no digits" not in str(caught.value)
        assert caught.value.__context__ is None

    def test_normalization_comes_first(self):
        spelled = tokens(["+44 (0)20 7946 0958"], "fpe", normalize=("digits",))
        assert spelled == tokens(["4402079460958"], "fpe")

    @pytest.mark.parametrize("field", [{"format": "hex"}, {"length": 9}], ids=["format", "length"])
    def test_what_it_cannot_do(self, field):
        with pytest.raises(ValueError, match="scheme 'fpe' has no"):
            token("fpe", **field)


class TestNormalize:
    def test_composed_and_decomposed_letters_are_one(self):
        composed, decomposed = "Zo\u00eb", "Zoe\u0308"
        assert tokens([composed]) != tokens([decomposed])
        assert tokens([composed, decomposed], normalize=("nfc",)) == tokens([composed, composed])

    def test_digits_alone_are_kept(self):
        """Those of every script as the ten of ASCII, so that no two numbers share a token; no digits are no text."""
        written = [
            "078-05-1120",
            None,
            "none",
            "\u0660\u0667\u0668-\u0660\u0665-\u0661\u0661\u0662\u0660",
            "\uff10\uff17\uff18 05 1120",
            "\U0001d7d8 78051120",
            "7²",
            "",
        ]
        found = tokens(written, normalize=("digits",))
        number = "078051120"
        assert found == tokens([number, None, "", number, number, number, "7", ""])

    def test_slices_large_text_and_views(self):
        for kind in (pa.large_string(), pa.string_view()):
            column = pa.array(["x", "1-2", None, "3 4"]).cast(kind).slice(1)
            masked = token(normalize=("digits", "nfc")).apply(column, Surroundings("t", "c", KEY))
            assert masked.to_pylist() == tokens(["12", None, "34"])


class TestDeclared:
    @pytest.mark.parametrize(
        ("fields", "uniqueness", "reversible_by"),
        [
            pytest.param({"scheme": "hmac"}, Uniqueness.LIKELY, ReversibleBy.NOBODY, id="hmac is one-way"),
            pytest.param({"scheme": "cmac"}, Uniqueness.LIKELY, ReversibleBy.KEY_HOLDER, id="cmac, of short values"),
            pytest.param({"scheme": "encrypt"}, Uniqueness.PRESERVED, ReversibleBy.KEY_HOLDER, id="encrypt"),
            pytest.param({"scheme": "fpe"}, Uniqueness.PRESERVED, ReversibleBy.KEY_HOLDER, id="fpe"),
            pytest.param(
                {"scheme": "encrypt", "normalize": ("lower",)},
                Uniqueness.LIKELY,
                ReversibleBy.KEY_HOLDER,
                id="normalizing makes some values equal",
            ),
        ],
    )
    def test_it_depends_on_the_scheme(self, fields, uniqueness, reversible_by):
        assert (token(**fields).uniqueness, token(**fields).reversible_by) == (uniqueness, reversible_by)
