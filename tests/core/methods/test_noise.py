"""Noise is bounded, repeatable, and belongs to entity and value."""

from __future__ import annotations

import json
from decimal import Decimal
from math import erf, sqrt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Shape, Surroundings
from maskgate.methods.entities import EntityDraws
from maskgate.methods.numbers import Numbers

KEY = Key("people", bytes(range(32)))
INCOME = {"scale": 500, "min": 0, "max": 250_000}
HERE = Surroundings("customers", "income", KEY)
EPSILON = {"kind": "geometric", "scale": None, "epsilon": 1, "min": 0, "max": 250_000, "round_to": 1000}


def noise(**options):
    return METHODS["noise"].configure({**INCOME, **options}, None)


def noisy(values, entity=None, *, type_=None, key=KEY, table="customers", column="income", **options):
    entity = pa.array(range(len(values)) if entity is None else entity)
    return noise(**options).apply(pa.array(values, type_), Surroundings(table, column, key, entity)).to_pylist()


class TestNoise:
    def test_no_numbers_no_noise(self):
        assert noisy([], [], type_=pa.int64()) == []

    def test_same_entity_and_value_same_draw(self):
        assert len(set(noisy([40_000.0] * 5, ["ann"] * 5))) == 1

    def test_an_entity_is_the_same_as_a_number_or_as_text(self):
        assert noisy([40_000.0], [42]) == noisy([40_000.0], ["42"])

    @pytest.mark.parametrize(
        "kind", [pa.int32(), pa.int64(), pa.uint64(), pa.decimal128(12, 2), pa.float32(), pa.float64()]
    )
    def test_the_type_of_a_number_does_not_change_its_draw(self, kind):
        values = [40_000, 0, 1234]
        numbers = [Decimal(each) for each in values] if pa.types.is_decimal(kind) else values
        assert noisy(numbers, type_=kind, round_to=1) == noisy(values, round_to=1)

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param({"key": Key("people", bytes(range(1, 33)))}, id="another key"),
            pytest.param({"table": "staff"}, id="another table"),
            pytest.param({"column": "bonus"}, id="another column"),
            pytest.param({"entity": ["bob"] * 20}, id="another entity"),
            pytest.param({"scale": 501}, id="another scale"),
            pytest.param({"max": 250_001}, id="another bound"),
            pytest.param({"round_to": 0.1}, id="another step"),
        ],
    )
    def test_anything_else_draws_anew(self, other):
        values = [40_000.0 + 1000 * number for number in range(20)]
        before = noisy(values, ["ann"] * 20)
        after = noisy(values, **{"entity": ["ann"] * 20, **other})
        assert sum(abs(one - two) < 1e-6 for one, two in zip(before, after, strict=True)) <= 1

    def test_a_changed_value_draws_anew(self):
        """Two releases must not show the exact change."""
        before, after = noisy([40_000.0, 40_001.0], ["ann", "ann"])
        assert abs((after - before) - 1) > 1e-6

    def test_noise_of_a_column_has_the_scale(self):
        out = np.array(noisy([125_000.0] * 20_000))
        assert abs(np.abs(out - 125_000).mean() / 500 - 1) < 0.03

    def test_a_draw_never_changes(self):
        """These numbers may not change while the rules file stays as it is."""
        assert noisy([40_000, 40_000, 250_000], ["ann", "bob", "ann"]) == [40684, 39520, 250000]

    def test_zero_and_minus_zero_are_one_value(self):
        assert len(set(noisy([0.0, -0.0], ["ann", "ann"], min=-1000))) == 1


class TestBounds:
    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            pytest.param([-(2**63), 2**63 - 1, 0], pa.int64(), id="the ends of int64"),
            pytest.param([0, 2**64 - 1], pa.uint64(), id="the end of uint64"),
            pytest.param([1e308, -1e308, float("inf"), float("-inf"), 5e-324], pa.float64(), id="the ends of doubles"),
            pytest.param([Decimal(10) ** 75, -(Decimal(10) ** 75)], pa.decimal256(76, 0), id="the ends of decimals"),
        ],
    )
    def test_whatever_goes_in_stays_within(self, values, kind):
        out = noisy(values, type_=kind)
        assert all(0 <= each <= 250_000 for each in out)

    def test_results_are_multiples(self):
        out = noisy([float(number) for number in range(1000)], round_to=100)
        assert all(each % 100 == 0 for each in out)

    def test_bounds_that_are_no_multiples_hold_all_the_same(self):
        assert set(noisy([50.0] * 500, scale=1000, min=30, max=270, round_to=100)) == {100, 200}

    def test_without_a_step_the_last_digits_tell_nothing(self):
        """A power of ten a thousand times finer than the scale."""
        for value in noisy([40_000.123456789, 40_000.987654321]):
            assert value == round(value, 1)

    def test_integers_stay_integers_of_their_type(self):
        method = noise(max=100)
        assert method.output_type(pa.int8()) == pa.int8()
        assert method.output_type(pa.float32()) == pa.float64()

    def test_the_shape_holds_and_survives_json(self):
        method = noise(round_to=100)
        shape = Shape.from_json(json.loads(json.dumps(method.shape().as_json())))
        assert shape.violations(pa.array([0, 100, 250_000, 250_100, -100, 50])) == 3
        assert shape.violations(pa.array(["100"])) == 1


def gaussian_below(numbers):
    return np.array([(1 + erf(number / sqrt(2))) / 2 for number in numbers])


def laplace_below(numbers):
    return np.where(numbers < 0, np.exp(-np.abs(numbers)) / 2, 1 - np.exp(-np.abs(numbers)) / 2)


def uniform_below(numbers):
    return np.clip((numbers + 1) / 2, 0, 1)


class TestDistributions:
    """With a fixed key these are fixed numbers; the limits are those that chance would break once in a million."""

    ROWS = 200_000

    def noise_of(self, **options):
        options = {"min": None, "max": None, **options}
        return np.array(noisy([1000.0] * self.ROWS, scale=options.pop("scale", 1), **options)) - 1000

    @pytest.mark.parametrize(
        ("kind", "below", "variance"),
        [("laplace", laplace_below, 2), ("gaussian", gaussian_below, 1), ("uniform", uniform_below, 1 / 3)],
    )
    def test_noise_has_its_distribution(self, kind, below, variance):
        """By Kolmogorov and Smirnov, and by mean and variance."""
        drawn = np.sort(self.noise_of(kind=kind, round_to=1e-9))
        expected = below(drawn)
        ranks = np.arange(self.ROWS + 1) / self.ROWS
        distance = max(np.abs(expected - ranks[1:]).max(), np.abs(expected - ranks[:-1]).max())
        assert distance * sqrt(self.ROWS) < 2.7
        assert abs(drawn.mean()) < 5 * sqrt(variance / self.ROWS)
        assert abs(drawn.var() / variance - 1) < 0.02

    def test_geometric_noise_is_of_whole_steps_with_its_odds(self):
        drawn = self.noise_of(kind="geometric", scale=50, round_to=10) / 10
        ratio = np.exp(-10 / 50)
        for steps in (-12, -5, -1, 0, 1, 5, 12):
            expected = (1 - ratio) / (1 + ratio) * ratio ** abs(steps)
            assert abs((drawn == steps).mean() - expected) < 5 * sqrt(expected / self.ROWS)

    def test_multiplicative_noise_is_a_part_of_the_number(self):
        """Zero stays zero, and no sign turns."""
        out = np.array(noisy([-1000.0, 10.0] * 20_000, kind="multiplicative", scale=0.1, min=None, max=None))
        for value, found in ((-1000.0, out[::2]), (10.0, out[1::2])):
            assert abs(found.mean() / value - 1) < 0.004
            assert abs(found.std() / abs(value) - 0.1) < 0.002
        assert noisy([0.0] * 3, kind="multiplicative", scale=0.1, min=None, max=None) == [0.0] * 3
        assert min(noisy([1.0] * 1000, kind="multiplicative", scale=3, min=None, max=None)) == 0.0

    @pytest.mark.parametrize("kind", ["laplace", "gaussian", "geometric", "uniform", "multiplicative"])
    def test_draws_never_change(self, kind):
        """These numbers may not change while the rules file stays as it is, on any machine."""
        scale = 0.1 if kind == "multiplicative" else 500
        drawn = noisy([40_000, 125_000, 40_000], ["ann", "42", "bob"], kind=kind, scale=scale, round_to=1)
        assert drawn == PINNED[kind]


PINNED = {
    "laplace": [39441, 124879, 40257],
    "gaussian": [39818, 125524, 40400],
    "geometric": [39630, 125412, 39661],
    "uniform": [40435, 124632, 40365],
    "multiplicative": [41678, 114615, 31457],
}


class TestWithoutBounds:
    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            pytest.param([-(2**63), 2**63 - 1, 0], pa.int64(), id="the ends of int64"),
            pytest.param([0, 2**64 - 1], pa.uint64(), id="the end of uint64"),
            pytest.param([-128, 127], pa.int8(), id="the ends of int8"),
            pytest.param([1e308, -1e308, float("inf"), float("-inf"), 5e-324], pa.float64(), id="the ends of doubles"),
            pytest.param([Decimal(10) ** 17, -(Decimal(10) ** 17)], pa.decimal128(18, 0), id="the ends of decimals"),
        ],
    )
    @pytest.mark.parametrize("kind_of_noise", ["laplace", "geometric", "multiplicative"])
    def test_it_ends_at_what_the_type_holds(self, values, kind, kind_of_noise):
        """Nothing wraps around, and nothing becomes infinite."""
        method = noise(kind=kind_of_noise, scale=1, min=None, max=None)
        column = pa.array(values * 50, kind)
        out = method.apply(column, entities(range(len(column))))
        out.validate(full=True)
        assert out.type == kind
        assert method.shape().violations(out) == 0
        assert np.isfinite(out.cast(pa.float64(), safe=False).to_numpy()).all()

    @pytest.mark.parametrize("value", [2**62, -(2**60), 10**17 + 1])
    @pytest.mark.parametrize("kind_of_noise", ["laplace", "gaussian", "geometric", "uniform"])
    def test_no_integer_is_too_large_for_its_noise(self, value, kind_of_noise):
        """Where doubles lie further apart than the noise is large, the value would come out as it went in."""
        out = noisy([value] * 200, type_=pa.int64(), kind=kind_of_noise, scale=3, min=None, max=None)
        assert value not in out
        assert len(set(out)) > 3

    def test_multiplicative_noise_grows_with_the_value(self):
        out = noisy([2**60] * 200, type_=pa.int64(), kind="multiplicative", scale=0.1, min=None, max=None)
        assert 0.5 < min(out) / 2**60 < 1 < max(out) / 2**60 < 1.5

    @pytest.mark.parametrize(("precision", "scale"), [(38, 10), (38, 20), (38, 30), (7, 5)])
    def test_multiplicative_noise_grows_with_the_value_whatever_places_a_decimal_has(self, precision, scale):
        """Counted in the last of its places, a double would end early."""
        largest = Decimal(10) ** (precision - scale - 1)
        column = pa.array([largest] * 200, pa.decimal128(precision, scale))
        out = noise(kind="multiplicative", scale=0.1, min=None, max=None).apply(column, entities(range(200)))
        assert 0.5 < pc.min(out).as_py() / largest < 1 < pc.max(out).as_py() / largest < 1.5

    def test_multiplicative_noise_has_no_more_digits_than_it_needs(self):
        """The last bits of a product would rule out some originals."""
        out = np.array(noisy([0.3] * 500, kind="multiplicative", scale=0.1, min=None, max=None))
        assert (out.view(np.uint64) & np.uint64((1 << (52 - 14)) - 1) == 0).all()
        assert len(np.unique(out)) > 450

    @pytest.mark.parametrize("kind", [pa.decimal128(38, 38), pa.decimal256(76, 76), pa.decimal128(1, 1)], ids=str)
    def test_a_decimal_without_whole_numbers_stays_below_one(self, kind):
        out = noise(kind="gaussian", scale=50, min=None, max=None).apply(
            pa.nulls(50, kind).fill_null(0), entities(range(50))
        )
        out.validate(full=True)
        assert -1 < pc.min(out).as_py() < 0 < pc.max(out).as_py() < 1

    @pytest.mark.parametrize("type_", [pa.float64(), pa.decimal128(20, 3), pa.decimal128(20, 1)], ids=str)
    @pytest.mark.parametrize("least", [0.1, 0.15])
    def test_multiplicative_noise_reaches_its_bounds_from_within(self, type_, least):
        """Whether the nearest double is more or less than the bound, and whether the type holds it or not."""
        method = noise(kind="multiplicative", scale=0.1, min=least, max=0.75)
        values = pa.array([0.0, 100.0] * 10).cast(type_)
        assert method.shape().violations(method.apply(values, entities(range(20)))) == 0

    @pytest.mark.parametrize("bounds", [{}, {"min": 0}, {"max": 0}, {"min": -5}], ids=str)
    def test_steps_are_as_fine_as_with_bounds(self, bounds):
        """A power of ten a thousand times finer than the scale."""
        method = noise(**{"scale": 3, "min": None, "max": None, **bounds})
        assert method.shape().multiple_of == 0.001

    def test_zero_has_no_sign(self):
        """It would say from which side it was rounded."""
        out = np.array(noisy([0.0] * 1000, min=None, max=None, scale=0.1, round_to=1))
        assert not np.signbit(out[out == 0]).any()

    def test_one_bound_is_enough(self):
        assert min(noisy([0.0] * 100, max=None)) == 0
        assert max(noisy([0.0] * 100, min=None, max=0)) == 0


class TestRecovery:
    """Neither two rules files nor two releases give an original away."""

    TRUTH = np.arange(20_000) * 7 + 40_000

    def release(self, truth=None, **options):
        truth = self.TRUTH if truth is None else truth
        return np.array(noisy(truth.tolist(), range(len(truth)), max=10**6, **options))

    def test_two_scales(self):
        """Were both the same draw, twice the first less the second would be the original."""
        small, large = self.release(scale=500), self.release(scale=1000)
        assert np.abs(2 * small - large - self.TRUTH).mean() > 500
        assert abs(np.corrcoef(small - self.TRUTH, large - self.TRUTH)[0, 1]) < 0.03

    @pytest.mark.parametrize("other", [{"kind": "gaussian"}, {"round_to": 2}, {"max": 2 * 10**6}, {"min": -1}], ids=str)
    def test_two_files_that_differ_otherwise(self, other):
        one = np.array(noisy(self.TRUTH.tolist(), range(len(self.TRUTH)), max=10**6))
        two = np.array(noisy(self.TRUTH.tolist(), range(len(self.TRUTH)), **{"max": 10**6, **other}))
        assert abs(np.corrcoef(one - self.TRUTH, two - self.TRUTH)[0, 1]) < 0.03

    def test_two_releases(self):
        """Were the draw the entity's alone, the difference would be the exact raise."""
        raises = np.arange(20_000) % 100 + 1
        difference = self.release(self.TRUTH + raises) - self.release()
        assert (difference == raises).mean() < 0.01
        assert abs(np.corrcoef(difference, raises)[0, 1]) < 0.05

    def test_the_same_release_again_shows_nothing_new(self):
        assert (self.release() == self.release()).all()

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            pytest.param(range(2**53, 2**53 + 2000), pa.int64(), id="integers that share a double"),
            pytest.param(range(2**64 - 2000, 2**64), pa.uint64(), id="the greatest integers"),
            pytest.param([Decimal(10**16 + n).scaleb(-2) for n in range(2000)], pa.decimal128(38, 2), id="decimals"),
        ],
    )
    def test_no_two_originals_share_a_draw(self, values, kind):
        """Were a draw that of the nearest double, neighbours would."""
        drawn = drawn_for(pa.array(list(values), kind))
        assert len(np.unique(drawn, axis=0)) == 2000

    def test_large_numbers_draw_the_same_as_integers_and_decimals(self):
        values = [10**15, 2**53 + 1, 2**60, 10**17 + 1, -(2**53) - 1]
        drawn = drawn_for(pa.array(values))
        assert (drawn_for(pa.array(values, pa.decimal128(20, 0))) == drawn).all()
        assert (drawn_for(pa.array(values, pa.decimal256(60, 0))) == drawn).all()
        assert (drawn_for(pa.array(values[:4], pa.uint64())) == drawn[:4]).all()
        assert (drawn_for(pa.array([1e15, 2.0**60])) == drawn[[0, 2]]).all()
        assert (drawn_for(pa.array([0.1])) == drawn_for(pa.array([Decimal("0.100")]))).all()


def drawn_for(column):
    numbers = Numbers(column)
    draws = EntityDraws(column, entities(["ann"] * len(column)), purpose="noise", context="", inexact=numbers.inexact)
    rows = slice(0, len(column))
    return draws.draw(rows, numbers.doubles(rows, np.empty(len(column))).view(np.uint64)).copy()


def entities(values):
    return Surroundings("t", "c", KEY, pa.array(values))


class TestEpsilon:
    def test_what_is_claimed_stands_in_the_facts(self):
        facts = noise(**EPSILON).facts()
        assert facts["epsilon"] == 1.0
        assert "local differential privacy (computational)" in facts["claim"]
        assert noise().facts() == {}

    def test_the_odds_of_every_result_are_within_epsilon(self):
        """Counted over many people, for the two values that are furthest apart."""
        rows = 200_000
        options = {**EPSILON, "max": 4, "round_to": 1}
        low, high = (np.array(noisy([value] * rows, type_=pa.int64(), **options)) for value in (0, 4))
        odds = [(low == result).mean() / (high == result).mean() for result in range(5)]
        assert max(*odds, 1 / min(odds)) < np.exp(1) * 1.03
        assert max(odds) > np.exp(1) * 0.97, "more noise than needed"

    def test_numbers_out_of_bounds_are_clamped_first(self):
        out = noisy([-1e9, 1e9] * 2000, **{**EPSILON, "max": 1000, "epsilon": 15})
        assert set(out[::2]) == {0}
        assert set(out[1::2]) == {1000}

    def test_without_a_step_it_takes_about_a_thousand(self):
        method = noise(kind="geometric", scale=None, epsilon=1, min=0, max=1)
        assert method.shape().multiple_of == 0.001


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            pytest.param({"min": 10, "max": 10}, "no two results", id="bounds that meet"),
            pytest.param({"min": 10, "max": 0}, "no two results", id="bounds the wrong way round"),
            pytest.param({"max": 50, "round_to": 100}, "no two results", id="a step wider than the bounds"),
            pytest.param({"scale": 0}, "above 0", id="no scale"),
            pytest.param({"scale": 10**400}, "numbers from 1e-100 to", id="a scale beyond doubles"),
            pytest.param({"round_to": 5e-324}, "numbers from 1e-100 to", id="a step of hardly anything"),
            pytest.param({"round_to": 0}, "above 0", id="no step"),
            pytest.param({"max": float("inf")}, "finite", id="a bound that is none"),
            pytest.param({"scale": None}, "needs `scale:`", id="neither scale nor epsilon"),
            pytest.param({**EPSILON, "scale": 5}, "or `epsilon:`", id="both scale and epsilon"),
            pytest.param({**EPSILON, "kind": "laplace"}, "goes with `kind: geometric`", id="a mechanism with gaps"),
            pytest.param({**EPSILON, "max": None}, "needs `min:` and `max:`", id="epsilon without a bound"),
            pytest.param({**EPSILON, "max": 1e9, "round_to": 1}, "steps", id="an epsilon over too many steps"),
            pytest.param({"kind": "geometric", "scale": 1e6, "round_to": 1}, "steps", id="too wide for its steps"),
            pytest.param({"max": 1e15, "round_to": 0.001}, "too fine", id="more steps than doubles can count"),
        ],
    )
    def test_options_that_make_no_sense(self, options, words):
        with pytest.raises(ValueError, match=words):
            noise(**options)

    @pytest.mark.parametrize(
        ("options", "kind", "words"),
        [
            pytest.param({}, pa.int8(), "does not reach", id="a type too small for the bounds"),
            pytest.param({"min": -1}, pa.uint32(), "does not reach", id="below zero, unsigned"),
            pytest.param({"round_to": 0.5}, pa.int64(), "must be whole", id="fractions of integers"),
            pytest.param({"round_to": 0.001}, pa.decimal128(12, 2), "multiples of 0.001", id="too fine for a decimal"),
            pytest.param({}, pa.decimal128(5, 2), "does not reach", id="a decimal too small"),
            pytest.param({"min": 0.2, "max": 0.8, "scale": 0.1}, pa.int64(), "holds nothing", id="no integer between"),
        ],
    )
    def test_types_that_cannot_hold_the_results(self, options, kind, words):
        with pytest.raises(ValueError, match=words):
            noise(**options).output_type(kind)

    def test_nan_is_refused_without_saying_more(self):
        with pytest.raises(MaskingError) as refused:
            noisy([float("nan"), 31_337.0])
        assert str(refused.value) == (
            'column "income": 1 values are NaN, which noise cannot take. '
            "Say `on_invalid: nullify`, or make them null first."
        )
        assert noise().invalid(pa.array([float("nan"), None, 1.0]), HERE).to_pylist() == [True, False, False]

    def test_a_number_without_entity_is_refused(self):
        with pytest.raises(MaskingError) as refused:
            noisy([31_337.0, None, 2.0], ["ann", None, None])
        assert 'column "income": 1 rows have a value and no entity' in str(refused.value)
        assert "31337" not in str(refused.value)

    def test_a_null_without_entity_is_a_null(self):
        assert noisy([None, None], ["ann", None], type_=pa.int64()) == [None, None]

    @pytest.mark.parametrize(
        ("surroundings", "words"),
        [
            pytest.param(Surroundings("t", "c", KEY), "Add `entity:` to the table", id="no entity column"),
            pytest.param(Surroundings("t", "c", KEY, pa.array([0.5])), "no one spelling", id="a float as entity"),
            pytest.param(Surroundings("t", "c", None, pa.array([1])), "noise needs a key", id="no key"),
        ],
    )
    def test_what_the_draw_needs(self, surroundings, words):
        with pytest.raises(MaskingError, match=words):
            noise().apply(pa.array([1.0]), surroundings)
