"""Noise is bounded, repeatable, and belongs to entity and value."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from core.methods.noisy import EPSILON, HERE, KEY, noise, noisy

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import Shape, Surroundings


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

    def test_a_single_decimal_in_memory_that_cannot_be_written_to(self):
        """As it comes from files that are mapped, and from Spark."""
        present = pa.py_buffer(b"\x00")
        null = pa.Array.from_buffers(pa.decimal128(12, 2), 1, [present, pa.py_buffer(b"\xff" * 16)])
        assert noisy(null, ["ann"]) == [None]

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

    @pytest.mark.parametrize("first", [2**60, -(2**60), 2**63 - 600])
    def test_integers_that_share_their_nearest_double_do_not_share_noise(self, first):
        """And a decimal or another integer type draws for them as int64 does."""
        values = [first + number for number in range(500)]
        kinds = [pa.int64(), pa.decimal128(20, 0), pa.decimal256(40, 2), *([pa.uint64()] if first > 0 else [])]
        bounds = {"min": 0, "max": 1000} if first > 0 else {"min": -1000, "max": 0}
        once, *others = (noisy(values, ["ann"] * 500, type_=kind, round_to=1, **bounds) for kind in kinds)
        assert len(set(once)) > 100, "doubles of this size are 128 or more apart"
        assert all(list(map(int, each)) == once for each in others)


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
