"""With a row key, shuffle and swap give each row the same, wherever the rows stand."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.errors import MaskingError, PlanError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.methods.row_order import RowOrder, partners_of, sortable, spelled
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
ROWS = 4001


def rules_for(column, row_key="row_key: id"):
    columns = f"{{id: keep, region: keep, c: {column}}}"
    return read_rules(
        f"version: 1\nkeys: {{people: env:A}}\ntables:\n  t:\n    {row_key}\n    columns: {columns}\n", "rules.yaml"
    )


def masked(table, column, keys=KEYS, **more):
    return mask_table(table, rules_for(column, **more), table_name="t", keys=keys)[0]


@pytest.fixture(scope="module")
def table():
    """Rows with nulls, repeated values and groups of many sizes."""
    chance = np.random.default_rng(5)
    values = pa.array(chance.integers(-50, 50, ROWS), mask=chance.random(ROWS) < 0.1)
    region = pa.array([None if at % 97 == 0 else f"r{at % 13 if at % 3 else at % 500}" for at in range(ROWS)])
    return pa.table({"id": chance.permutation(ROWS), "region": region, "c": values})


METHODS = [
    pytest.param("shuffle", id="shuffle"),
    pytest.param("swap", id="swap"),
    pytest.param("{method: swap, within: region}", id="swap in groups"),
    pytest.param("{method: swap, rank_distance: 5}", id="swap of neighbours"),
    pytest.param("{method: swap, within: [region], rank_distance: 20}", id="swap of neighbours in groups"),
]


class TestRowKey:
    """The row key decides, and not the order of the rows."""

    @pytest.mark.parametrize("column", METHODS)
    def test_the_order_of_the_rows_does_not_matter(self, table, column):
        before = masked(table, column)
        moved = table.take(pa.array(np.random.default_rng(1).permutation(ROWS)))
        after = masked(moved, column)
        assert before.sort_by("id").equals(after.sort_by("id"))
        assert before["c"].to_pylist() != table["c"].to_pylist()

    @pytest.mark.parametrize("column", METHODS)
    def test_values_stay_and_nulls_stay_where_they_are(self, table, column):
        out = masked(table, column)
        assert out["c"].is_null().equals(table["c"].is_null())
        assert Counter(out["c"].to_pylist()) == Counter(table["c"].to_pylist())

    @pytest.mark.parametrize("column", METHODS)
    def test_no_rows_and_one_row(self, table, column):
        assert masked(table.slice(0, 0), column).num_rows == 0
        assert masked(table.slice(1, 1), column)["c"].to_pylist() == table["c"].slice(1, 1).to_pylist()

    @pytest.mark.parametrize("column", METHODS[2:3] + METHODS[4:])
    def test_groups_keep_their_values(self, table, column):
        out = masked(table, column)
        pairs = [Counter(zip(each["region"].to_pylist(), each["c"].to_pylist(), strict=True)) for each in (table, out)]
        assert pairs[0] == pairs[1]

    def test_a_swapped_value_leaves_its_row(self):
        whole = pa.table({"id": range(ROWS), "region": ["a"] * ROWS, "c": range(ROWS)})
        out = masked(whole, "swap")["c"].to_numpy()
        assert (out != np.arange(ROWS)).all()
        assert (out[out] == np.arange(ROWS)).sum() == ROWS - 3

    def test_neighbours_in_rank_are_no_further_apart(self):
        whole = pa.table({"id": range(1000), "region": ["a"] * 1000, "c": np.random.default_rng(2).permutation(1000)})
        out = masked(whole, "{method: swap, rank_distance: 5}")["c"].to_numpy()
        assert 0 < np.abs(out - whole["c"].to_numpy()).max() <= 50

    @pytest.mark.parametrize("column", METHODS[:2])
    def test_every_row_is_as_likely_as_any_other(self, column):
        """Over other data, thus other seeds, a value goes everywhere."""
        places = []
        for run in range(300):
            whole = pa.table({"id": range(10), "region": ["a"] * 10, "c": np.arange(10) + 10 * run})
            places.append(int(np.flatnonzero(masked(whole, column)["c"].to_numpy() == 10 * run)[0]))
        seen = Counter(places)
        assert set(seen) >= set(range(1, 10))
        assert max(seen.values()) < 75

    def test_other_data_another_key_and_another_column_have_another_order(self, table):
        first = masked(table, "shuffle")
        changed = table.set_column(2, "c", pc.add(table["c"], 1))
        other = KeyRing({"people": Key("people", bytes(range(1, 33)))})
        assert pc.subtract(masked(changed, "shuffle")["c"], 1).to_pylist() != first["c"].to_pylist()
        assert masked(table, "shuffle", keys=other)["c"].to_pylist() != first["c"].to_pylist()

    @pytest.mark.parametrize("column", METHODS)
    def test_the_layout_does_not_matter(self, table, column):
        numbers = table["c"].combine_chunks()
        encoded = table.set_column(2, "c", numbers.dictionary_encode())
        wide = table.set_column(0, "id", table["id"].cast(pa.string()))
        expected = masked(table, column)["c"].to_pylist()
        assert masked(encoded, column)["c"].to_pylist() == expected
        assert masked(wide, column)["c"].to_pylist() == expected

    def test_two_rows_with_one_key_are_refused(self, table):
        twice = table.set_column(0, "id", pc.divide(table["id"], 2))
        with pytest.raises(MaskingError, match=r'column "c": 2000 rows have the `row_key:` of another'):
            masked(twice, "shuffle")

    def test_a_row_without_key_is_refused(self, table):
        nameless = table.set_column(0, "id", pc.if_else(pc.equal(table["id"], 7), None, table["id"]))
        with pytest.raises(MaskingError, match='column "c": 1 rows have no `row_key:`'):
            masked(nameless, "swap")

    @pytest.mark.parametrize(
        ("row_key", "said"),
        [
            pytest.param("row_key: ident", 'the row key column "ident"', id="a column that is not there"),
            pytest.param("row_key: weight", "no one spelling", id="floats"),
        ],
    )
    def test_a_key_that_cannot_be_is_refused_before(self, table, row_key, said):
        data = table.append_column("weight", pa.array(np.arange(ROWS) / 2))
        text = "version: 1\nkeys: {people: env:A}\nunlisted: drop\ntables:\n  t:\n    "
        rules = read_rules(f"{text}{row_key}\n    columns: {{c: shuffle}}\n", "rules.yaml")
        with pytest.raises(PlanError, match=said):
            mask_table(data, rules, table_name="t", keys=KEYS)


class TestDigests:
    """What digests are made of is the same in each type that can hold a value."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(pa.array([1, None], pa.int8()), pa.array([1, None], pa.int64()), id="integers"),
            pytest.param(pa.array([0.5, -0.0]), pa.array([0.5, 0.0], pa.float32()), id="floats, and both zeros"),
            pytest.param(
                pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
                pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "Europe/Paris")),
                id="moments",
            ),
            pytest.param(
                pa.array([Decimal("1.50")], pa.decimal128(10, 2)),
                pa.array([Decimal("1.50")], pa.decimal256(40, 2)),
                id="decimals",
            ),
            pytest.param(pa.array(["a"]), pa.array(["a"], pa.string_view()), id="texts"),
            pytest.param(pa.array([1], pa.time32("s")), pa.array([10**9], pa.time64("ns")), id="times"),
        ],
    )
    def test_the_same_value_is_spelled_alike(self, one, other):
        assert spelled(one).to_pylist() == spelled(other).to_pylist()

    def test_digests_of_parts_add_up_to_that_of_the_whole(self, table):
        order = RowOrder(KEYS.get("people"), "t", "c", purpose="shuffle", parameters=[])
        whole = table.combine_chunks().to_batches()[0]

        def content(batch):
            return order.content(order.marks(batch.column("id")), batch.column("c"), None)

        parts = [whole.slice(at, 1000) for at in range(0, ROWS, 1000)]
        assert sum(map(content, reversed(parts))) % 2**128 == content(whole)

    @pytest.mark.parametrize(
        "values",
        [
            np.array([-(2**63), -1, 0, 1, 2**63 - 1]),
            np.array([0, 1, 2**63, 2**64 - 1], np.uint64),
            np.array([-np.inf, -1.5, -1e-300, 0.0, 1e-300, 2.5, np.inf, np.nan]),
        ],
        ids=["signed", "unsigned", "doubles"],
    )
    def test_words_sort_as_numbers_do(self, values):
        words = sortable(values)
        assert (words[1:] > words[:-1]).all()

    @pytest.mark.parametrize("size", range(1, 9))
    def test_every_rank_has_a_partner(self, size):
        partners = partners_of(np.arange(size), np.full(size, size))
        assert sorted(partners) == list(range(size))
        assert size == 1 or (partners != np.arange(size)).all()
