"""Values back from tokens, and the versions that made them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import KeyReferenceError, MaskingError, UsageError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, Surroundings
from maskgate.methods.detokenize import detokenize, versions_of

KEY = Key("people", bytes(range(2, 34)), 5, {2: bytes(range(32)), 4: bytes(range(1, 33))})
ENCRYPT = Domain("customer", "encrypt", "people")
NUMBERS = Domain("customer", "fpe", "people", digits=9)
VALUES = ["ann@example.com", "", None, "Zoë 😀", "x" * 2000]


def tokens(values, domain=ENCRYPT, version=5, kind=None):
    here = Surroundings("t", "c", KEY.at(version))
    return METHODS["token"].configure({}, domain).apply(pa.array(values, kind), here)


class TestDetokenize:
    def test_no_rows(self):
        assert detokenize(pa.array([], pa.string()), ENCRYPT, KEY).equals(pa.array([], pa.string()))

    @pytest.mark.parametrize(
        "domain",
        [
            pytest.param(ENCRYPT, id="hex"),
            pytest.param(Domain("customer", "encrypt", "people", format="base32", scope="x"), id="base32 and a scope"),
            pytest.param(Domain("customer", "encrypt", "people", "é{version}_"), id="a prefix"),
        ],
    )
    def test_every_version_is_tried(self, domain):
        column = pa.concat_arrays([tokens(VALUES, domain, version) for version in (2, 5, 4)])
        assert detokenize(column, domain, KEY).to_pylist() == VALUES * 3
        encoded = detokenize(column.dictionary_encode(), domain, KEY)
        assert encoded.type == pa.dictionary(pa.int32(), pa.string())
        assert encoded.to_pylist() == VALUES * 3
        assert detokenize(column.cast(pa.large_string()), domain, KEY).type == pa.large_string()

    def test_numbers_and_days_come_back_as_text(self):
        assert detokenize(tokens([42, None]), ENCRYPT, KEY).to_pylist() == ["42", None]

    def test_values_come_back_as_they_were_normalized(self):
        domain = Domain("customer", "encrypt", "people", "", ("trim", "lower"))
        assert detokenize(tokens([" Ann "], domain), domain, KEY).to_pylist() == ["ann"]

    def test_bytes(self):
        column = tokens([b"\xff\x00"])
        assert detokenize(column, ENCRYPT, KEY, as_bytes=True).to_pylist() == [b"\xff\x00"]
        with pytest.raises(MaskingError, match=r"no text .UTF-8.: they were bytes"):
            detokenize(column, ENCRYPT, KEY)

    def test_fpe_takes_the_current_version_or_the_one_named(self):
        values = pa.array([42, None, 7])
        assert detokenize(tokens(values, NUMBERS), NUMBERS, KEY).equals(values)
        old = tokens(values, NUMBERS, 2)
        assert detokenize(old, NUMBERS, KEY, version=2).equals(values)
        assert not detokenize(old, NUMBERS, KEY).equals(values)

    def test_fpe_with_the_version_in_its_prefix(self):
        domain = Domain("customer", "fpe", "people", "c{version}-")
        column = pa.concat_arrays([tokens(["123456", None], domain, version) for version in (4, 5)])
        assert detokenize(column, domain, KEY).to_pylist() == ["123456", None] * 2

    @pytest.mark.parametrize("scheme", ["hmac", "cmac"])
    def test_one_way_schemes_are_refused(self, scheme):
        with pytest.raises(UsageError, match=f"'{scheme}' cannot be turned back"):
            detokenize(pa.array(["a"]), Domain("customer", scheme, "people"), KEY)

    def test_what_is_no_token_is_counted_and_not_shown(self):
        column = pa.array([tokens(["a"])[0].as_py(), "secret", None])
        with pytest.raises(MaskingError, match='domain "customer": 1 values are no tokens') as caught:
            detokenize(column, ENCRYPT, KEY)
        assert "secret" not in str(caught.value)
        with pytest.raises(MaskingError, match="1 values are no tokens"):
            detokenize(tokens(["a"], version=4), ENCRYPT, KEY, version=2)

    def test_a_version_that_is_not_there(self):
        with pytest.raises(KeyReferenceError, match="no version 3"):
            detokenize(tokens(["a"]), ENCRYPT, KEY, version=3)


class TestVersionsOf:
    def test_encrypted_tokens_show_it(self):
        column = pa.concat_arrays([tokens(VALUES, ENCRYPT, version) for version in (2, 5, 4)])
        found = versions_of(pa.concat_arrays([column, pa.array(["no token"])]), ENCRYPT, KEY)
        assert found.type == pa.int64()
        assert found.to_pylist() == [2, 2, None, 2, 2, 5, 5, None, 5, 5, 4, 4, None, 4, 4, None]

    @pytest.mark.parametrize("scheme", ["hmac", "cmac", "fpe"])
    @pytest.mark.parametrize("encoded", [False, True], ids=["plain", "dictionary"])
    def test_originals_tell_the_others(self, scheme, encoded):
        domain, values = Domain("customer", scheme, "people"), ["123456789", None, "987654"]
        column = pa.concat_arrays([tokens(values, domain, version) for version in (4, 2, 5)])
        column = pa.concat_arrays([column, pa.array(["000000000"])])
        originals = pa.array([*values * 3, "123456789"])
        if encoded:
            column, originals = column.dictionary_encode(), originals.dictionary_encode()
        assert versions_of(column, domain, KEY, originals).to_pylist() == [4, None, 4, 2, None, 2, 5, None, 5, None]

    def test_integers(self):
        domain = Domain("customer", "cmac", "people", format="integer")
        assert versions_of(tokens(["a"], domain, 2), domain, KEY, pa.array(["a"])).to_pylist() == [2]

    def test_originals_that_have_no_token_are_of_no_version(self):
        domain = Domain("customer", "fpe", "people")
        assert versions_of(pa.array(["123456"]), domain, KEY, pa.array(["no digits"])).to_pylist() == [None]

    def test_a_prefix_may_tell(self):
        domain = Domain("customer", "hmac", "people", "v{version}_")
        column = pa.concat_arrays([tokens(["a"], domain, version) for version in (4, 2)])
        assert versions_of(column, domain, KEY).to_pylist() == [4, 2]
        assert versions_of(pa.array(["v3_0", None, "x"]), domain, KEY).to_pylist() == [None, None, None]

    def test_without_any_of_these_it_is_refused(self):
        with pytest.raises(UsageError, match=r"do not show which version of the key made them. Give the originals too"):
            versions_of(pa.array(["a"]), Domain("customer", "hmac", "people"), KEY)

    def test_each_token_needs_its_original(self):
        with pytest.raises(ValueError, match="1 tokens and 2 originals"):
            versions_of(pa.array(["a"]), Domain("customer", "hmac", "people"), KEY, pa.array(["a", "b"]))
