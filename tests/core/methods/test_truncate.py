"""Texts end after some characters, moments are at the beginning of a period; the type stays."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("customers", "signed_up_at")
MOMENT = datetime(2024, 2, 29, 13, 5, 59, 123456, tzinfo=UTC)
BEGUN = {
    "second": datetime(2024, 2, 29, 13, 5, 59, tzinfo=UTC),
    "minute": datetime(2024, 2, 29, 13, 5, tzinfo=UTC),
    "hour": datetime(2024, 2, 29, 13, tzinfo=UTC),
    "day": datetime(2024, 2, 29, tzinfo=UTC),
    "week": datetime(2024, 2, 26, tzinfo=UTC),
    "month": datetime(2024, 2, 1, tzinfo=UTC),
    "quarter": datetime(2024, 1, 1, tzinfo=UTC),
    "year": datetime(2024, 1, 1, tzinfo=UTC),
}


def cut(column, **options):
    method = METHODS["truncate"].configure(options, None)
    out = method.apply(column, HERE)
    assert out.type == method.output_type(column.type)
    assert method.shape().violations(out) == 0
    return out


class TestTexts:
    @pytest.mark.parametrize(
        ("length", "values", "expected"),
        [
            pytest.param(3, [], [], id="nothing"),
            pytest.param(3, ["", "ab", "abc", "abcd", None], ["", "ab", "abc", "abc", None], id="short ones stay"),
            pytest.param(2, ["Ζωή", "é😀x"], ["Ζω", "é😀"], id="characters, not bytes"),
        ],
    )
    def test_they_end(self, length, values, expected):
        assert cut(pa.array(values, pa.string()), length=length).to_pylist() == expected


class TestMoments:
    @pytest.mark.parametrize("period", BEGUN)
    def test_the_beginning_of_the_period_stays(self, period):
        column = pa.array([MOMENT, None], pa.timestamp("us", "UTC"))
        assert cut(column, to=period).to_pylist() == [BEGUN[period], None]

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    @pytest.mark.parametrize("period", BEGUN)
    def test_every_unit_gives_what_arrow_gives(self, unit, period):
        """Over five hundred years, some before 1970."""
        seconds = np.random.default_rng(1).integers(-8_000_000_000, 8_000_000_000, 500)
        column = pa.array(seconds).cast(pa.timestamp("s")).cast(pa.timestamp(unit))
        expected = pc.floor_temporal(column, unit=period)
        assert cut(column, to=period).equals(expected)

    def test_periods_begin_in_utc_whatever_the_zone(self):
        column = pa.array([datetime(2024, 1, 1, 0, 30, tzinfo=UTC)], pa.timestamp("s", "America/New_York"))
        assert cut(column, to="year").cast(pa.timestamp("s", "UTC")).to_pylist() == [datetime(2024, 1, 1, tzinfo=UTC)]

    @pytest.mark.parametrize("kind", [pa.date32(), pa.date64()], ids=str)
    @pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
    def test_dates_too(self, kind, period):
        days = [date(1, 1, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31), None]
        out = cut(pa.array(days, kind), to=period).cast(pa.date32()).to_pylist()
        assert out[1:4] == [_first(day, period) for day in days[1:4]]
        assert out[4] is None

    @pytest.mark.parametrize("period", ["second", "hour", "week", "year"])
    def test_what_began_before_the_type_does_is_cut_to_its_first_moments(self, period):
        """Nanoseconds begin in September 1677."""
        least = np.iinfo(np.int64).min
        counts = cut(pa.array([least, least + 1, 0], pa.int64()).cast(pa.timestamp("ns")), to=period).cast(pa.int64())
        assert counts[0] == counts[1]
        assert counts[0].as_py() - least < timedelta(days=1).total_seconds() * 10**9

    def test_a_dictionary_stays_one(self):
        column = pa.array([date(2024, 2, 29), date(2024, 2, 1), None]).dictionary_encode()
        out = cut(column, to="month")
        assert (out.to_pylist(), len(out.dictionary)) == ([date(2024, 2, 1), date(2024, 2, 1), None], 1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param({}, "exactly one of `length:`", id="nothing said"),
            pytest.param({"length": 3, "to": "day"}, "exactly one of `length:`", id="both"),
            pytest.param({"length": 0}, "write `redact`", id="nothing would stay"),
            pytest.param({"to": "decade"}, "`to:` is one of second, minute", id="no such period"),
        ],
    )
    def test_options_must_make_sense(self, options, message):
        with pytest.raises(ValueError, match=message):
            METHODS["truncate"].configure(options, None)

    @pytest.mark.parametrize(
        ("kind", "options", "message"),
        [
            pytest.param(pa.int64(), {"length": 3}, "`length:` cuts texts, not int64", id="numbers have no length"),
            pytest.param(
                pa.string(), {"to": "day"}, "`to:` cuts dates and timestamps, not string", id="texts have no days"
            ),
            pytest.param(pa.date32(), {"to": "hour"}, "nothing smaller than a day", id="dates have no hours"),
        ],
    )
    def test_the_type_must_fit(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            METHODS["truncate"].configure(options, None).output_type(kind)


def _first(day, period):
    if period == "week":
        return day - timedelta(days=day.weekday())
    month = {"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[period]
    return date(day.year, month, 1)
