"""Numbers become multiples of a step, halfway the even one, without overflow."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("orders", "total")


def rounded(column, to):
    method = METHODS["round"].configure({"to": to}, None)
    out = method.apply(column, HERE)
    out.validate(full=True)
    assert out.type == method.output_type(column.type)
    assert method.shape().violations(out) == 0
    return out.to_pylist()


class TestIntegers:
    @pytest.mark.parametrize(
        ("to", "values", "expected"),
        [
            pytest.param(10, [], [], id="nothing"),
            pytest.param(10, [4, 5, 6, 15, 25, None], [0, 0, 10, 20, 20, None], id="halfway to the even multiple"),
            pytest.param(10, [-4, -5, -6, -15, -25], [0, 0, -10, -20, -20], id="below zero alike"),
            pytest.param(3, [1, 2, 4, -1, -2], [0, 3, 3, 0, -3], id="an odd step has no halfway"),
            pytest.param(1, [7, -7], [7, -7], id="every integer is a multiple of 1"),
        ],
    )
    def test_the_nearest_multiple(self, to, values, expected):
        assert rounded(pa.array(values, pa.int64()), to) == expected

    @pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
    @pytest.mark.parametrize("to", [1, 2, 3, 7, 10, 25, 100, 1_000])
    def test_the_ends_of_a_type_do_not_overflow(self, kind, to):
        """There it is the nearest multiple that the type holds."""
        limits = np.iinfo(kind)
        near = [limits.max - away for away in range(30)] + [limits.min + away for away in range(30)]
        least, most = -(-int(limits.min) // to) * to, int(limits.max) // to * to
        expected = [min(max(_half_even(int(each), to), least), most) for each in near]
        assert rounded(pa.array(near, pa.type_for_alias(kind)), to) == expected


class TestDecimals:
    @pytest.mark.parametrize(
        "kind",
        [
            pa.decimal32(9, 2),
            pa.decimal64(18, 2),
            pa.decimal128(9, 2),
            pa.decimal128(18, 2),
            pa.decimal128(38, 2),
            pa.decimal256(60, 2),
            pa.decimal256(76, 2),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("to", [0.05, 0.5, 1, 100])
    def test_they_are_rounded_exactly(self, kind, to):
        """As Python's decimals round, and near the end of the type to what it holds."""
        draw = random.Random(1)
        step = int(Decimal(str(to)).scaleb(2))
        most = (10**kind.precision - 1) // step * step
        wholes = [draw.randrange(-(10**size), 10**size) for size in range(1, kind.precision + 1) for _ in range(5)]
        wholes += [10**kind.precision - 1, 1 - 10**kind.precision, step // 2, -step // 2, 3 * step // 2]
        column = pa.array([Decimal(f"{each}e-2") for each in wholes], kind)
        expected = [Decimal(f"{min(max(_half_even(each, step), -most), most)}e-2") for each in wholes]
        assert rounded(column, to) == expected
        for few in (column.slice(0, 10), column.slice(len(column) - 5)):
            assert rounded(few, to) == [expected[column.to_pylist().index(each)] for each in few.to_pylist()]


class TestFloats:
    @pytest.mark.parametrize(
        ("to", "values", "expected"),
        [
            pytest.param(0.1, [0.34, 0.35, 0.25, -0.05], [0.3, 0.4, 0.2, 0.0], id="tenths"),
            pytest.param(0.25, [0.3, 0.375, 1e-300], [0.25, 0.5, 0.0], id="quarters"),
            pytest.param(100, [149.0, 150.0, 250.0], [100.0, 200.0, 200.0], id="hundreds"),
            pytest.param(
                0.1, [1e300, float("inf"), -float("inf")], [1e300, float("inf"), -float("inf")], id="beyond counting"
            ),
        ],
    )
    def test_the_nearest_multiple(self, to, values, expected):
        assert rounded(pa.array(values), to) == expected

    def test_an_even_zero_has_no_sign(self):
        assert str(rounded(pa.array([-0.2]), 1)[0]) == "0.0"

    def test_single_floats_become_doubles(self):
        """A single float of 0.1 is no tenth."""
        assert rounded(pa.array([0.11, 0.29], pa.float32()), 0.1) == [0.1, 0.3]

    def test_nan_is_near_to_nothing(self):
        column = pa.array([float("nan"), 1.0, None])
        method = METHODS["round"].configure({"to": 1}, None)
        assert method.invalid(column, HERE).to_pylist() == [True, False, False]
        with pytest.raises(MaskingError, match='column "total": 1 values are NaN'):
            method.apply(column, HERE)

    def test_nan_under_a_null_is_nothing(self):
        column = pa.Array.from_buffers(pa.float64(), 2, [pa.py_buffer(b"\x02"), pa.py_buffer(np.array([np.nan, 2.4]))])
        assert rounded(column, 1) == [None, 2.0]


class TestRefusals:
    @pytest.mark.parametrize("to", [None, 0, -1, float("inf"), 1e-30])
    def test_the_step_is_a_number_above_zero(self, to):
        with pytest.raises(ValueError, match="`to:`"):
            METHODS["round"].configure({"to": to}, None)

    @pytest.mark.parametrize(
        ("kind", "to"), [(pa.int64(), 0.5), (pa.decimal128(9, 1), 0.25), (pa.decimal128(3, 1), 100)]
    )
    def test_the_type_holds_multiples(self, kind, to):
        with pytest.raises(ValueError, match="does not hold multiples of"):
            METHODS["round"].configure({"to": to}, None).output_type(kind)


def _half_even(number, step):
    return (
        int((Decimal(number) / step).quantize(0, ROUND_HALF_EVEN)) * step
        if abs(number) < 10**15
        else _exact(number, step)
    )


def _exact(number, step):
    below, rest = divmod(number, step)
    return (below + (2 * rest > step or (2 * rest == step and below % 2 == 1))) * step
