"""Whatever lies beyond a limit becomes the limit; the rest and the type stay."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("orders", "quantity")


def coded(name, column, **options):
    method = METHODS[name].configure(options, None)
    out = method.apply(column, HERE)
    assert out.type == method.output_type(column.type)
    assert method.shape().violations(out) == 0
    return out.to_pylist()


class TestTopCode:
    @pytest.mark.parametrize(
        ("kind", "values", "options", "expected"),
        [
            pytest.param(pa.int64(), [], {"at": 20}, [], id="nothing"),
            pytest.param(pa.int64(), [19, 20, 21, None], {"at": 20}, [19, 20, 20, None], id="integers"),
            pytest.param(pa.uint8(), [0, 255], {"at": 20}, [0, 20], id="small integers"),
            pytest.param(pa.int16(), [-7, 3], {"at": -5}, [-7, -5], id="below zero"),
            pytest.param(
                pa.float64(), [1.5, float("inf"), -float("inf")], {"at": 20}, [1.5, 20.0, -float("inf")], id="doubles"
            ),
            pytest.param(
                pa.decimal128(9, 2),
                [Decimal("19.99"), Decimal("99.00")],
                {"at": 20.5},
                [Decimal("19.99"), Decimal("20.50")],
                id="decimals",
            ),
            pytest.param(
                pa.decimal256(60, 1), [Decimal(10) ** 50, None], {"at": 20}, [Decimal("20.0"), None], id="wide decimals"
            ),
            pytest.param(
                pa.int64(),
                [88, 89, 90, 104],
                {"at": 89, "replace_with": 90},
                [88, 89, 90, 90],
                id="one number for all of them",
            ),
            pytest.param(
                pa.decimal128(5, 1),
                [Decimal("89.0"), Decimal("89.1")],
                {"at": 89, "replace_with": 90},
                [Decimal("89.0"), Decimal("90.0")],
                id="one decimal for all of them",
            ),
        ],
    )
    def test_numbers_end_at_the_limit(self, kind, values, options, expected):
        assert coded("top_code", pa.array(values, kind), **options) == expected

    def test_the_nearest_single_float_stays_below_the_limit(self):
        """The float32 nearest to 0.1 is above it."""
        assert coded("top_code", pa.array([0.5], pa.float32()), at=0.1)[0] < 0.1

    def test_a_dictionary_stays_one(self):
        column = pa.array([1, 50, None, 70]).dictionary_encode()
        out = METHODS["top_code"].configure({"at": 20}, None).apply(column, HERE)
        assert (out.type, out.to_pylist(), out.dictionary.to_pylist()) == (column.type, [1, 20, None, 20], [1, 20])

    def test_dates_and_times_end_there_too(self):
        days = pa.array([date(2020, 12, 30), date(2021, 1, 1), None])
        assert coded("top_code", days, not_after="2020-12-31") == [date(2020, 12, 30), date(2020, 12, 31), None]
        for kind in (pa.timestamp("s"), pa.timestamp("us"), pa.date64()):
            out = coded("top_code", days.cast(kind), not_after="2020-12-31")
            assert [None if each is None else (each.month, each.day) for each in out] == [(12, 30), (12, 31), None]

    def test_a_time_is_read_in_utc_and_the_zone_stays(self):
        column = pa.array([datetime(2020, 12, 31, 23, tzinfo=UTC)], pa.timestamp("ms", "Europe/Berlin"))
        out = METHODS["top_code"].configure({"not_after": "2020-12-31T23:00:00+02:00"}, None).apply(column, HERE)
        assert out.type == column.type
        assert out.cast(pa.timestamp("ms", "UTC")).to_pylist() == [datetime(2020, 12, 31, 21, tzinfo=UTC)]


class TestBottomCode:
    def test_numbers_begin_at_the_limit(self):
        assert coded("bottom_code", pa.array([9, 10, 11, None]), at=10) == [10, 10, 11, None]
        assert coded("bottom_code", pa.array([9.0, 17.9, 18.0]), at=18, replace_with=17) == [17.0, 17.0, 18.0]

    def test_dates_begin_there_too(self):
        days = pa.array([date(1901, 1, 1), date(1987, 7, 3), None])
        assert coded("bottom_code", days, not_before="1936-01-01") == [date(1936, 1, 1), date(1987, 7, 3), None]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param({}, "exactly one of `at:`", id="no limit"),
            pytest.param({"at": 1, "not_after": "2020-12-31"}, "exactly one of `at:`", id="two limits"),
            pytest.param(
                {"at": 20, "replace_with": 19}, "among the numbers that stay", id="a replacement among the others"
            ),
            pytest.param(
                {"not_after": "2020-12-31", "replace_with": 1}, "`replace_with:` goes with `at:`", id="a date has none"
            ),
            pytest.param({"not_after": "31.12.2020"}, "a date such as 2020-12-31", id="no date"),
            pytest.param({"not_after": "0001-01-01T00:00:00+05:00"}, "years 1 to 9999", id="before the first year"),
            pytest.param({"at": float("inf")}, "finite numbers", id="no end"),
        ],
    )
    def test_options_must_make_sense(self, options, message):
        with pytest.raises(ValueError, match=message):
            METHODS["top_code"].configure(options, None)

    @pytest.mark.parametrize(
        ("kind", "options", "message"),
        [
            pytest.param(pa.uint8(), {"at": 300}, "uint8 does not hold 300", id="beyond the type"),
            pytest.param(pa.int64(), {"at": 20.5}, "int64 does not hold 20.5", id="a fraction"),
            pytest.param(
                pa.decimal128(5, 1), {"at": 0.25}, r"decimal128\(5, 1\) does not hold 0.25", id="a fraction too fine"
            ),
            pytest.param(pa.date32(), {"at": 20}, "`at:` cuts numbers, not date32", id="a number for dates"),
            pytest.param(
                pa.int64(), {"not_after": "2020-12-31"}, "cuts dates and timestamps, not int64", id="a date for numbers"
            ),
            pytest.param(pa.date32(), {"not_after": "2020-12-31T12:00:00"}, "no times of day", id="a time for dates"),
            pytest.param(pa.timestamp("ns"), {"not_after": "2400-01-01"}, "does not reach", id="beyond nanoseconds"),
            pytest.param(
                pa.timestamp("s"), {"not_after": "2020-01-01T00:00:00.5"}, "does not hold", id="half a second"
            ),
        ],
    )
    def test_the_limit_must_fit_the_type(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            METHODS["top_code"].configure(options, None).output_type(kind)

    @pytest.mark.parametrize("name", ["top_code", "bottom_code"])
    def test_nan_lies_on_no_side(self, name):
        column = pa.array([1.0, float("nan"), None, float("nan")])
        method = METHODS[name].configure({"at": 1}, None)
        assert method.invalid(column, HERE).to_pylist() == [False, True, False, True]
        assert method.invalid(pa.array([1]), HERE) is None
        with pytest.raises(MaskingError, match='"quantity": 2 values are NaN'):
            method.apply(column, HERE)
