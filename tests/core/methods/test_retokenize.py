"""Tokens of an older version of a key become those that the current version makes of the same values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import KeyReferenceError, MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, ReversibleBy, Surroundings, Uniqueness

OLDEST, OLDER, CURRENT = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
KEY = Key("people", CURRENT, 5, {2: OLDEST, 4: OLDER})
VALUES = ["ann@example.com", "", None, "Zoë 😀", "x" * 2000]
ENCRYPT = Domain("customer", "encrypt", "people")
DOMAINS = pytest.mark.parametrize(
    "domain",
    [
        pytest.param(ENCRYPT, id="hex"),
        pytest.param(Domain("customer", "encrypt", "people", format="base32"), id="base32"),
        pytest.param(Domain("customer", "encrypt", "people", "cu{version}_", ("trim",)), id="the version in a prefix"),
        pytest.param(Domain("customer", "encrypt", "people", "é_", scope="partner"), id="a prefix and a scope"),
    ],
)
NUMBERS = Domain("customer", "fpe", "people", digits=9)


def retokenize(domain=ENCRYPT, **options):
    return METHODS["retokenize"].configure(options, domain)


def tokens(values, domain=ENCRYPT, key=KEY, kind=None):
    return METHODS["token"].configure({}, domain).apply(pa.array(values, kind), Surroundings("t", "c", key))


def here(key=KEY):
    return Surroundings("t", "c", key)


class TestEncrypt:
    @DOMAINS
    def test_no_rows(self, domain):
        assert retokenize(domain).apply(pa.array([], pa.string()), here()).type == pa.string()

    @DOMAINS
    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
    def test_each_token_says_which_version_made_it(self, domain, kind):
        """Those of the current version stay as they are, so that a run can be repeated."""
        parts = [tokens(VALUES, domain, KEY.at(version)) for version in (2, 5, 4)]
        column = pa.concat_arrays(parts).cast(kind)
        moved = retokenize(domain).apply(column, here())
        moved.validate(full=True)
        assert moved.type == retokenize(domain).output_type(kind)
        assert moved.to_pylist() == tokens(VALUES * 3, domain).to_pylist()
        assert retokenize(domain).shape().violations(moved) == 0
        assert retokenize(domain).apply(moved, here()).equals(moved)
        assert retokenize(domain).invalid(column, here()).to_pylist() == [False] * 15

    def test_a_dictionary_stays_one(self):
        column = tokens(["a", "b", None, "a"], key=KEY.at(2)).dictionary_encode()
        moved = retokenize().apply(column, here())
        assert moved.type == column.type
        assert moved.to_pylist() == tokens(["a", "b", None, "a"]).to_pylist()
        assert retokenize().invalid(column, here()).to_pylist() == [False] * 4

    @pytest.mark.parametrize("versions", [(2, 2, 4), (4, 5, 2), (5, 5, 5)], ids=str)
    def test_many_tokens(self, versions):
        """Whichever version made most of them, which is tried first."""
        values = [f"value {number}" for number in range(900)] + [None]
        column = pa.concat_arrays([tokens(values, key=KEY.at(version)) for version in versions])
        assert retokenize().apply(column, here()).to_pylist() == tokens(values * 3).to_pylist()
        spoilt = pa.concat_arrays([column, pa.array(["no token"])])
        assert retokenize().invalid(spoilt, here()).true_count == 1

    def test_with_from_other_versions_are_none(self):
        old, older, current = (tokens(["a"], key=KEY.at(version)) for version in (2, 4, 5))
        column = pa.concat_arrays([old, older, current])
        assert retokenize(**{"from": 2}).invalid(column, here()).to_pylist() == [False, True, False]

    def test_nothing_but_nulls(self):
        assert retokenize().apply(pa.nulls(2), here()).equals(pa.nulls(2, pa.string()))


class TestFormatPreserving:
    @pytest.mark.parametrize(
        ("domain", "values"),
        [
            pytest.param(NUMBERS, [42, 999_999_999, None, 0], id="integers"),
            pytest.param(NUMBERS, ["123-456-789", None], id="text of the same domain"),
            pytest.param(
                Domain("c", "fpe", "people", alphabet="letters", scope="x"), ["secret", "Words"], id="letters"
            ),
        ],
    )
    def test_from_says_which_version_made_them(self, domain, values):
        moved = retokenize(domain, **{"from": 2}).apply(tokens(values, domain, KEY.at(2)), here())
        assert moved.equals(tokens(values, domain))

    def test_a_version_in_the_prefix_says_so_too(self):
        domain = Domain("customer", "fpe", "people", "c{version}-")
        values = ["123456789", None, "000000"]
        column = pa.concat_arrays([tokens(values, domain, KEY.at(version)) for version in (5, 2, 4)])
        assert retokenize(domain).apply(column, here()).to_pylist() == tokens(values * 3, domain).to_pylist()

    def test_without_either_it_is_refused(self):
        with pytest.raises(ValueError, match=r"do not show which version of the key made them. Add `from:`"):
            retokenize(NUMBERS)


class TestRefusals:
    @pytest.mark.parametrize("scheme", ["hmac", "cmac"])
    def test_one_way_schemes(self, scheme):
        with pytest.raises(ValueError, match=f"scheme '{scheme}' cannot be turned back .* Mask the originals again"):
            retokenize(Domain("customer", scheme, "people"))

    def test_no_domain(self):
        with pytest.raises(ValueError, match="needs `domain:`"):
            retokenize(None)

    def test_cells_that_are_no_tokens(self):
        good, other = tokens(["a"], key=KEY.at(2))[0].as_py(), tokens(["a"], key=Key("people", bytes(32)))[0].as_py()
        column = pa.array([good, "secret", None, good[:-1], good.upper(), other, ""])
        wrong = [False, True, False, True, True, True, True]
        assert retokenize().invalid(column, here()).to_pylist() == wrong
        assert retokenize().invalid(column.dictionary_encode(), here()).to_pylist() == wrong
        with pytest.raises(MaskingError, match='column "c": 5 values are no tokens that any version') as caught:
            retokenize().apply(column, here())
        assert "secret" not in str(caught.value)

    def test_formats_that_fpe_does_not_have(self):
        column = pa.array(["123456789", "12", "letters"])
        method = retokenize(NUMBERS, **{"from": 2})
        assert method.invalid(column, here()).to_pylist() == [False, True, True]
        with pytest.raises(MaskingError, match="2 values are no tokens that version 2 of the key made"):
            method.apply(column, here())

    def test_a_version_that_the_key_does_not_have(self):
        with pytest.raises(KeyReferenceError, match=r"no version 3\. It has: 5, 4, 2"):
            retokenize(NUMBERS, **{"from": 3}).apply(pa.array([1]), here())

    def test_types_that_hold_no_tokens(self):
        with pytest.raises(ValueError, match="tokens of the scheme 'encrypt' are string, not int64"):
            retokenize().output_type(pa.int64())

    def test_no_key(self):
        with pytest.raises(MaskingError, match="retokenize needs a key"):
            retokenize().apply(pa.array(["a"]), here(None))


class TestDeclared:
    def test_different_tokens_stay_different(self):
        assert retokenize().uniqueness is Uniqueness.PRESERVED
        assert retokenize().reversible_by is ReversibleBy.KEY_HOLDER
