"""All dates of an entity move by the same days, never by none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings

KEY = Key("people", bytes(range(32)))
INT64_MAX = 2**63 - 1


def shifted(values, entity, *, kind=None, days=180, key=KEY, table="orders", column="ordered_at"):
    method = METHODS["shift_date"].configure({"days": days}, None)
    return method.apply(pa.array(values, kind), Surroundings(table, column, key, pa.array(entity))).to_pylist()


def days_of(entity, **options):
    """Return the shift of an entity in days."""
    day = date(2000, 1, 1)
    return [(after - day).days for after in shifted([day] * len(entity), entity, **options)]


class TestShift:
    def test_no_dates_no_shift(self):
        method = METHODS["shift_date"].configure({"days": 1}, None)
        here = Surroundings("orders", "at", KEY, pa.array([], pa.int64()))
        assert len(method.apply(pa.array([], pa.date32()), here)) == 0

    def test_one_entity_one_shift(self):
        """In all its dates, and in all tables and columns that share key and days."""
        (shift,) = set(days_of(["ann"] * 5))
        assert days_of(["ann"], table="customers", column="signed_up_at") == [shift]
        assert days_of(["ann"], key=Key("other name", bytes(range(32)))) == [shift]

    def test_an_entity_is_the_same_as_a_number_or_as_text(self):
        assert days_of([7, 42]) == days_of(["7", "42"])

    @pytest.mark.parametrize("days", [1, 2, 180])
    def test_it_is_at_least_one_day_and_at_most_as_many_as_said(self, days):
        """Every number of days occurs, and 0 does not."""
        found = set(days_of(range(40_000 if days > 2 else 200), days=days))
        assert found == set(range(-days, days + 1)) - {0}

    def test_another_key_is_another_shift(self):
        entities = range(2000)
        pairs = zip(days_of(entities), days_of(entities, key=Key("people", bytes(range(1, 33)))), strict=True)
        assert sum(one == other for one, other in pairs) < 30

    def test_distances_stay_exact_and_so_does_the_time_of_day(self):
        first = datetime(2024, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
        second = first + timedelta(days=400, microseconds=1)
        after = shifted([first, second], ["ann", "ann"], kind=pa.timestamp("us", "UTC"))
        assert after[1] - after[0] == second - first
        assert after[0].time() == first.time()

    @pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns")], ids=str)
    def test_every_type_moves_alike(self, kind):
        values = pa.array([date(2000, 1, 1)]).cast(kind)
        method = METHODS["shift_date"].configure({"days": 180}, None)
        after = method.apply(values, Surroundings("orders", "at", KEY, pa.array(["ann"])))
        assert after.type == kind
        assert (after.cast(pa.date32())[0].as_py() - date(2000, 1, 1)).days == days_of(["ann"])[0]

    def test_a_draw_never_changes(self):
        """These days may not change while the rules file stays as it is."""
        assert days_of(["ann", "bob", "42"]) == [-144, -177, 147]
        assert days_of([42, 7]) == days_of(["42", "7"])


class TestExtremes:
    @pytest.mark.parametrize("day", [date(1, 1, 1), date(1, 1, 2), date(9999, 12, 31), date(9999, 12, 30)])
    def test_a_shift_out_of_the_calendar_goes_the_other_way(self, day):
        """It never fails, never leaves the date as it is, and stays within the days said."""
        entities = list(range(300))
        shifts = days_of(entities)
        for shift, after in zip(shifts, shifted([day] * 300, entities), strict=True):
            assert (after - day).days in {shift, -shift}
            assert date(1, 1, 1) <= after <= date(9999, 12, 31)

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_the_ends_of_the_type_are_no_trouble(self, unit):
        """Nothing wraps around, and nothing becomes what numpy and pandas read as "not a time"."""
        ticks = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit] * 86_400
        values = [INT64_MAX, -INT64_MAX, 0]
        column = pa.array(values, pa.int64()).cast(pa.timestamp(unit))
        method = METHODS["shift_date"].configure({"days": 36_500}, None)
        for entity in range(50):
            here = Surroundings("orders", "at", KEY, pa.array([entity] * 3))
            after = method.apply(column, here).cast(pa.int64()).to_pylist()
            for before, moved in zip(values, after, strict=True):
                assert before != moved
                assert (moved - before) % ticks == 0
                assert abs(moved - before) <= 36_500 * ticks

    def test_the_ends_of_date32(self):
        column = pa.array([2**31 - 1, -(2**31) + 1], pa.int32()).cast(pa.date32())
        method = METHODS["shift_date"].configure({"days": 10}, None)
        after = method.apply(column, Surroundings("orders", "at", KEY, pa.array([1, 1]))).cast(pa.int32()).to_pylist()
        assert 0 < 2**31 - 1 - after[0] <= 10
        assert 0 < after[1] + 2**31 - 1 <= 10


class TestRefusals:
    def test_a_date_without_entity(self):
        with pytest.raises(MaskingError) as refused:
            shifted([date(1987, 7, 3), None], [None, None])
        assert 'column "ordered_at": 1 rows have a value and no entity' in str(refused.value)
        assert "1987" not in str(refused.value)

    def test_a_null_without_entity_is_a_null(self):
        assert shifted([None], [None], kind=pa.date32()) == [None]
