"""The chance that two values get one token."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest

from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, Surroundings
from maskgate.methods.collisions import collision_probability


class TestCollisionProbability:
    @pytest.mark.parametrize("rows", [0, 1])
    def test_one_value_alone_collides_with_none(self, rows):
        assert collision_probability(Domain("d", "hmac", "k", format="integer", length=6), rows) == 0

    @pytest.mark.parametrize("scheme", ["encrypt", "fpe"])
    def test_reversible_schemes_never_collide(self, scheme):
        assert collision_probability(Domain("d", scheme, "k"), 10**12) == 0

    @pytest.mark.parametrize(
        ("fields", "space"),
        [
            pytest.param({}, 2**128, id="32 hexadecimal digits"),
            pytest.param({"length": 8}, 2**32, id="8 hexadecimal digits"),
            pytest.param({"format": "base32"}, 2**128, id="base32"),
            pytest.param({"format": "base58", "length": 10}, 58**10, id="base58"),
            pytest.param({"format": "uuid"}, 2**122, id="uuid"),
            pytest.param({"format": "integer"}, 10**18, id="integer"),
        ],
    )
    def test_the_bound_of_the_birthday_problem(self, fields, space):
        rows = 10**6
        expected = 1 - math.exp(-rows * (rows - 1) / 2 / space)
        found = collision_probability(Domain("d", "cmac", "k", **fields), rows)
        assert found == pytest.approx(expected, abs=1e-15)
        assert found > 0

    @pytest.mark.parametrize("rows", [2, 3, 100, 1_000, 2_500])
    @pytest.mark.parametrize("fields", [{"format": "integer", "length": 6}, {"length": 8}], ids=str)
    def test_it_is_the_product_itself(self, rows, fields):
        space = 10**6 if "format" in fields else 16**8
        expected = -math.expm1(math.fsum(math.log1p(-before / space) for before in range(rows)))
        found = collision_probability(Domain("d", "cmac", "k", **fields), rows)
        assert found == pytest.approx(expected, rel=1e-5)

    def test_it_is_nearly_one_where_values_are_more_than_tokens(self):
        assert collision_probability(Domain("d", "cmac", "k", format="integer", length=6), 10**6) == pytest.approx(1)

    def test_what_makes_no_tokens_has_none(self):
        assert collision_probability(Domain("d", "sha1", "k"), 10) is None
        assert collision_probability(Domain("d", "hmac", "k", length=99), 10) is None

    def test_it_is_what_is_seen(self):
        """Of a million values in six digits about 632,000 different tokens are left."""
        method = METHODS["token"].configure({}, Domain("d", "cmac", "k", format="integer", length=6))
        tokens = method.apply(pa.array(range(10**6)), Surroundings("t", "c", Key("k", bytes(range(32)))))
        assert len(tokens.unique()) == pytest.approx(10**6 * (1 - math.exp(-1)), rel=0.005)
