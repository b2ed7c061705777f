"""Periods of dates, bands of numbers, beginnings of texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("customers", "column")


def generalize(**options):
    return METHODS["generalize"].configure(options, None)


def generalized(values, kind=None, **options):
    return generalize(**options).apply(pa.array(values, kind), HERE).to_pylist()


class TestPeriods:
    @pytest.mark.parametrize("to", ["year", "quarter", "month", "week"])
    def test_no_dates_no_periods(self, to):
        assert generalized([], pa.date32(), to=to) == []
        assert generalized([None], pa.timestamp("us"), to=to) == [None]

    @pytest.mark.parametrize(
        ("day", "year", "quarter", "month", "week"),
        [
            ("0001-01-01", 1, "0001-Q1", "0001-01", "0001-W01"),
            ("9999-12-31", 9999, "9999-Q4", "9999-12", "9999-W52"),
            ("1987-07-03", 1987, "1987-Q3", "1987-07", "1987-W27"),
            ("2021-01-03", 2021, "2021-Q1", "2021-01", "2020-W53"),
            ("2024-12-30", 2024, "2024-Q4", "2024-12", "2025-W01"),
            ("1969-12-31", 1969, "1969-Q4", "1969-12", "1970-W01"),
        ],
    )
    def test_every_period(self, day, year, quarter, month, week):
        for kind in (pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("us", "UTC")):
            value = [date.fromisoformat(day) if pa.types.is_date(kind) else datetime.fromisoformat(day)]
            found = [generalized(value, kind, to=to)[0] for to in ("year", "quarter", "month", "week")]
            assert found == [year, quarter, month, week]

    def test_weeks_are_those_of_the_standard(self):
        days = [date(1999, 12, 1) + timedelta(number) for number in range(3000)]
        expected = ["{:04d}-W{:02d}".format(*day.isocalendar()[:2]) for day in days]
        assert generalized(days, to="week") == expected

    def test_a_zone_counts_as_utc(self):
        """The result must not depend on this machine's knowledge of zones."""
        instant = pa.array([datetime(2019, 12, 31, 23, 30, tzinfo=UTC)], pa.timestamp("s", "Europe/Berlin"))
        assert generalize(to="year").apply(instant, HERE).to_pylist() == [2019]

    @pytest.mark.parametrize("to", ["year", "quarter", "month", "week"])
    @pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("us", "UTC")], ids=str)
    def test_a_date_among_far_ones_is_read_like_any_other(self, to, kind):
        """Near dates are looked up in a table of days; one date of another millennium, and all are worked out."""
        days = pa.array(
            np.random.default_rng(1).integers(-80_000, 80_000, 2000, np.int32), mask=np.arange(2000) % 9 == 0
        )
        near = days.cast(pa.date32()).cast(kind)
        far = pa.concat_arrays([near, pa.array([date(9999, 12, 31)]).cast(kind)])
        for options in ({"to": to}, {"to": to, "not_before": 1936}):
            method = generalize(**options)
            out = method.apply(near, HERE)
            out.validate(full=True)
            assert out.equals(method.apply(far, HERE).slice(0, 2000))

    def test_the_ends_of_nanoseconds(self):
        first, last = pa.array([-(2**63) + 1, 2**63 - 1]).cast(pa.timestamp("ns"))
        assert generalized([first], pa.timestamp("ns"), to="quarter") == ["1677-Q3"]
        assert generalized([last], pa.timestamp("ns"), to="quarter") == ["2262-Q2"]

    @pytest.mark.parametrize(
        ("to", "first"), [("year", 1936), ("quarter", "1936-Q1"), ("month", "1936-01"), ("week", "1936-W01")]
    )
    def test_what_is_before_becomes_the_first_period(self, to, first):
        """Few are that old, so their year would single them out."""
        days = [date(1, 1, 1), date(1935, 12, 31), date(1936, 1, 1), None]
        assert generalized(days, to=to, not_before=1936) == [first, first, first, None]

    def test_the_year_is_a_number_and_its_bound_is_in_the_shape(self):
        method = generalize(to="year", not_before=1936)
        assert method.output_type(pa.date32()) == pa.int32()
        assert method.shape().violations(pa.array([1935, 1936], pa.int32())) == 1
        assert method.shape().violations(pa.array([date(1987, 7, 3)])) == 1


class TestBands:
    def test_no_numbers_no_bands(self):
        assert generalized([], pa.int64(), band=10) == []

    @pytest.mark.parametrize(
        ("width", "number", "band"),
        [
            pytest.param(10, 0, "[0, 10)", id="a band begins at 0"),
            pytest.param(10, 9, "[0, 10)", id="its end is outside"),
            pytest.param(10, 10, "[10, 20)", id="and begins the next"),
            pytest.param(10, -1, "[-10, 0)", id="below zero"),
            pytest.param(10, 2**63 - 1, "[9223372036854775800, 9223372036854775810)", id="the greatest int64, exactly"),
            pytest.param(10, -(2**63), "[-9223372036854775810, -9223372036854775800)", id="the least int64, exactly"),
            pytest.param(0.1, 0.3, "[0.3, 0.4)", id="0.3 over 0.1 is 3, though not in doubles"),
            pytest.param(0.1, 0.7, "[0.7, 0.8)", id="likewise 0.7"),
            pytest.param(0.1, Decimal("0.30"), "[0.3, 0.4)", id="a decimal falls where its double does"),
            pytest.param(2.5, 6, "[5, 7.5)", id="integers in bands of a broken width"),
            pytest.param(1000, 1e300, ">=9007199254739000", id="beyond what doubles tell apart"),
            pytest.param(1000, float("-inf"), "<-9007199254739000", id="minus infinity"),
        ],
    )
    def test_by_width(self, width, number, band):
        assert generalized([number, None], band=width) == [band, None]

    @pytest.mark.parametrize(
        ("band", "number", "kind", "name"),
        [
            (1, "972982913026591.94", pa.decimal128(20, 2), "[972982913026591, 972982913026592)"),
            (1, "-9999999999999999.99", pa.decimal128(20, 2), "[-10000000000000000, -9999999999999999)"),
            (0.3, "-839604473801782.53", pa.decimal256(40, 2), "[-839604473801782.8, -839604473801782.5)"),
            (2.5, "9223372036854775807", pa.int64(), "[9223372036854775805, 9223372036854775807.5)"),
            (0.1, "18446744073709551615", pa.uint64(), "[18446744073709551615, 18446744073709551615.1)"),
            (1000, f"9{'0' * 59}.5", pa.decimal256(76, 1), f"[9{'0' * 59}, 9{'0' * 55}1000)"),
            (0.5, f"9{'0' * 59}.5", pa.decimal256(76, 1), f"[9{'0' * 59}.5, 9{'0' * 58}1)"),
            (100, "-50", pa.decimal128(5, -1), "[-100, 0)"),
            (10, "-0.01", pa.decimal32(7, 2), "[-10, 0)"),
            ([2**53, 2**53 + 1], "9007199254740992.99", pa.decimal128(20, 2), "[9007199254740992, 9007199254740993)"),
            ([2**53 + 2 * k for k in range(30)], str(2**53 + 3), pa.int64(), "[9007199254740994, 9007199254740996)"),
            ([-1000, *range(0, 3000, 100)], "127", pa.int8(), "[100, 200)"),
            ([-1000, *range(0, 3000, 100)], "-128", pa.int8(), "[-1000, 0)"),
            ([0, 1e19], str(2**64 - 1), pa.uint64(), ">=10000000000000000000"),
        ],
    )
    def test_integers_and_decimals_are_not_rounded_first(self, band, number, kind, name):
        """Two of them that share a double may lie on two sides of an edge."""
        value = Decimal(number) if pa.types.is_decimal(kind) else int(number)
        assert generalized([value, None], kind, band=band) == [name, None]

    def test_one_number_beyond_64_bits_changes_nothing_for_others(self):
        kind, values = pa.decimal256(60, 2), [Decimal("12.34"), Decimal(10) ** 50, None]
        assert generalized(values, kind, band=10)[::2] == ["[10, 20)", None]
        assert generalized(values, kind, band=[12.34, 12.35]) == ["[12.34, 12.35)", ">=12.35", None]

    def test_every_edge_of_many_bands_falls_above_itself(self):
        edges = [float(f"{number / 100:.2f}") for number in range(-2000, 2000)]
        bands = generalized(edges, band=0.01)
        assert [float(band[1:].split(",")[0]) for band in bands] == edges

    @pytest.mark.parametrize(
        ("number", "band"),
        [(17, "<18"), (18, "[18, 65.5)"), (65, "[18, 65.5)"), (66, ">=65.5"), (float("inf"), ">=65.5")],
    )
    def test_by_edges(self, number, band):
        assert generalized([number], band=[18, 65.5]) == [band]

    def test_one_edge_makes_two_bands(self):
        assert generalized([1, 2], band=[2]) == ["<2", ">=2"]

    @pytest.mark.parametrize("band", [10, [0, 10]])
    def test_nan_is_in_no_band(self, band):
        with pytest.raises(MaskingError) as refused:
            generalized([float("nan"), 1.5], band=band)
        assert str(refused.value) == (
            'column "column": 1 values are NaN, which no band holds. '
            "Say `on_invalid: nullify`, or make them null first."
        )
        invalid = generalize(band=band).invalid(pa.array([float("nan"), None, 1.5]), HERE)
        assert invalid.to_pylist() == [True, False, False]

    def test_the_shape_knows_the_names_of_bands(self):
        shape = generalize(band=[18, 65]).shape()
        assert shape.violations(pa.array(["[18, 65)", "<18", ">=65", "[18, 66)", "42"])) == 2
        assert generalize(band=10).shape().violations(pa.array([42])) == 1


class TestPrefix:
    @pytest.mark.parametrize(
        ("text", "prefix"), [("", ""), (None, None), ("SW1A 1AA", "SW1"), ("ab", "ab"), ("Ελένη", "Ελέ")]
    )
    def test_the_beginning_stays(self, text, prefix):
        assert generalized([text], pa.string(), keep_first=3) == [prefix]
        assert generalize(keep_first=3).shape().violations(pa.array([prefix], pa.string())) == 0

    def test_a_longer_text_does_not_fit(self):
        assert generalize(keep_first=3).shape().violations(pa.array(["SW1A", "SW1"])) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            pytest.param({}, "exactly one", id="no way at all"),
            pytest.param({"to": "year", "keep_first": 3}, "exactly one", id="two ways"),
            pytest.param({"band": 10, "not_before": 1936}, "goes with `to:`", id="a year for numbers"),
            pytest.param({"hierarchy": {"file": "f", "content": "a;b"}}, "go together", id="a hierarchy without level"),
            pytest.param({"keep_first": 3, "level": 1}, "go together", id="a level without hierarchy"),
            pytest.param({"band": 0}, "above zero", id="no width"),
            pytest.param({"band": -1}, "above zero", id="a negative width"),
            pytest.param({"band": float("inf")}, "above zero", id="an endless width"),
            pytest.param({"band": 0.12345678901234567}, "too many digits", id="a width with too many digits"),
            pytest.param({"band": 5e-324}, "too many digits", id="a width of hardly anything"),
            pytest.param({"band": []}, "at least one edge", id="no edge"),
            pytest.param({"band": [1, 1]}, "go up", id="edges that stand still"),
            pytest.param({"band": [1, float("nan")]}, "finite", id="an edge that is no number"),
            pytest.param({"band": [1, 10**400]}, "finite", id="an edge beyond doubles"),
        ],
    )
    def test_options_that_make_no_sense(self, options, words):
        with pytest.raises(ValueError, match=words):
            generalize(**options)

    @pytest.mark.parametrize(
        ("options", "kind"),
        [
            ({"to": "year"}, pa.string()),
            ({"hierarchy": {"file": "f", "content": "a;b"}, "level": 1}, pa.float64()),
            ({"band": 10}, pa.date32()),
            ({"keep_first": 3}, pa.int64()),
        ],
        ids=str,
    )
    def test_types_that_the_way_does_not_fit(self, options, kind):
        with pytest.raises(ValueError, match="generalizes"):
            generalize(**options).output_type(kind)
