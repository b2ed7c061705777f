from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from maskgate import mask_dataset
from maskgate.errors import DatasetError, MaskingError, PlanError
from maskgate.keys import Key, KeyRing
from maskgate.masking import records
from maskgate.methods import Declaration, Family, Kind, Method, Parameter, Shape

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})


class TestUnique:
    """A column that must be unique is so over all batches, or nothing comes out."""

    @pytest.mark.parametrize(
        "column",
        [
            pytest.param(pa.array(["a", "", "b", None, None]), id="texts, the empty one among them"),
            pytest.param(pa.array([1, 2, -1, None, None], pa.int8()), id="numbers"),
            pytest.param(pa.array([0.0, 1.5, float("nan"), None, None]), id="floats"),
            pytest.param(pa.array([True, False, None]), id="booleans"),
            pytest.param(pa.array(["a", "b", None]).dictionary_encode(), id="a dictionary"),
            pytest.param(pa.array([b"a", b"", None], pa.binary_view()), id="bytes"),
            pytest.param(pa.array([1, 2, None], pa.timestamp("ns", "UTC")), id="moments"),
            pytest.param(pa.array(["1.5", "2", None]).cast(pa.decimal256(40, 2)), id="decimals"),
            pytest.param(pa.nulls(3), id="nulls alone"),
            pytest.param(pa.array([["a", "b"], None, ["c", None]]), id="elements of lists"),
        ],
    )
    def test_of_any_type(self, mask, column):
        table = pa.table({"c": column})
        path = "'c[]'" if pa.types.is_list(column.type) else "c"
        assert mask(table, f"{{{path}: keep}}", check=f"{{unique: [{path}]}}")[0].num_rows == len(column)
        twice = pa.concat_tables([table, table])
        cells = column if path == "c" else column.flatten()
        values = len(cells) - cells.null_count
        if values:
            with pytest.raises(MaskingError, match=rf'column "c(\[\])?": {values} values stand there a second time'):
                mask(twice, f"{{{path}: keep}}", check=f"{{unique: [{path}]}}")

    def test_what_counts_is_what_comes_out(self, mask):
        table = pa.table({"a": ["x", "y"], "b": [18, 19]})
        rules = "{a: {method: token, domain: customer}, b: {method: generalize, band: 10}}"
        assert mask(table, rules, check="{unique: [a]}")[0].num_rows == 2
        with pytest.raises(MaskingError) as caught:
            mask(table, rules, check="{unique: [a, b]}")
        assert str(caught.value) == (
            'table "t", column "b": 1 values stand there a second time, and `check:` wants each only once, '
            "so that nothing comes out. Choose a method that keeps values apart, or look for repeated originals."
        )

    def test_a_zero_is_equal_to_a_negative_one(self, mask):
        with pytest.raises(MaskingError, match="1 values"):
            mask(pa.table({"c": [0.0, -0.0]}), "{c: keep}", check="{unique: [c]}")

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            pytest.param("{a: drop, b: keep}", 'the column "a" is dropped. Take it out of the check.', id="dropped"),
            pytest.param("{b: keep, a: keep}", 'the column "l" (list<item: int64>) does not hold single', id="a list"),
            pytest.param(
                "{b: keep, a: keep}", 'there is no column "bb" of single values. Did you mean', id="not there"
            ),
        ],
    )
    def test_a_check_of_nothing_is_refused(self, mask, columns, said):
        table = pa.table({"a": [1], "b": [1], "l": [[1]]})
        with pytest.raises(PlanError) as caught:
            mask(
                table,
                columns,
                unlisted="keep",
                check="{unique: [a, l, bb]}" if "dropped" not in said else "{unique: [a]}",
            )
        assert f"check, unique: {said}" in str(caught.value)

    def test_a_target_is_left_as_it_was(self, make_rules, tmp_path):
        rules = make_rules("{c: keep}", check="{unique: [c]}")
        for target in ("out.parquet", "out"):
            with pytest.raises(MaskingError, match='table "t", column "c": 2 values'):
                mask_dataset(pa.table({"c": ["planted"] * 3}), tmp_path / target, rules, keys=KEYS)
        assert list(tmp_path.iterdir()) == []

    def test_more_than_fits_into_memory_goes_to_a_file(self, mask, monkeypatch):
        monkeypatch.setattr(records.Records.__init__, "__defaults__", (1000,))
        monkeypatch.setattr("maskgate.masking.table.BATCH_ROWS", 700)
        numbers = pa.table({"c": range(10_000)})
        assert mask(numbers, "{c: keep}", check="{unique: [c]}")[0].num_rows == 10_000
        with pytest.raises(MaskingError, match="123 values"):
            mask(pa.concat_tables([numbers, numbers.slice(4000, 123)]), "{c: keep}", check="{unique: [c]}")


class TestRecords:
    """Equal cells are counted, in memory or in parts of a file."""

    @pytest.fixture(params=[1, 100, 10_000], ids="at most {} in memory".format)
    def collected(self, request):
        """Records of 3000 cells: the numbers to 999, the even ones twice, and 500 sevens."""
        cells = pa.array([*range(1000), *range(0, 1000, 2), *[7] * 500], pa.int64())
        found = records.Records(request.param)
        for start in range(0, len(cells), 333):
            found.add(records.digests_of(cells.slice(start, 333), bytes(16)))
        yield found
        found.close()

    def test_none(self):
        empty = records.Records()
        assert (empty.repeated(), empty.most()) == (0, 0)

    def test_repeated(self, collected):
        assert collected.repeated() == 1000
        assert collected.repeated() == 1000, "asking twice changes nothing"

    def test_most(self, collected):
        assert collected.most() == 501


class TestEpsilon:
    """The report adds up what one entity spends at most: every noisy column, and all of its cells."""

    @pytest.fixture
    def spent(self, mask, add_method):
        """Mask by noise that says what a cell spends."""

        class Spending(Method):
            declaration = Declaration(
                "spending",
                "",
                "",
                frozenset({Family.INTEGER}),
                (Parameter("epsilon", Kind.NUMBER, ""),),
                needs_entity=True,
            )

            def __init__(self, epsilon):
                self.epsilon = epsilon

            @classmethod
            def configure(cls, options, _domain):
                return cls(options["epsilon"])

            def output_type(self, input_type):
                return input_type

            def shape(self):
                return Shape(free=True)

            def facts(self):
                return {"epsilon": self.epsilon}

            def apply(self, column, surroundings):
                assert len(surroundings.entity) == len(column)
                return pc.add(column, 0)

        add_method(Spending)
        return lambda table, columns: mask(table, columns, entity="who", unlisted="keep")[1]

    TABLE = pa.table(
        {"who": ["a", "b", "a", "a", None], "n": range(5), "m": range(5), "l": [[1, 2], [3] * 5, [], None, [4]]}
    )

    def test_nothing_is_spent_without_noise(self, spent):
        report = spent(self.TABLE, "{n: keep}")
        assert report.epsilon is None
        assert "epsilon" not in report.as_json()

    def test_columns_and_rows_add_up(self, spent):
        report = spent(self.TABLE, "{n: {method: spending, epsilon: 0.5}, m: {method: spending, epsilon: 2}}")
        assert report.epsilon == 3 * 0.5 + 3 * 2
        assert report.as_json()["epsilon"] == 7.5
        assert report.columns["n"].facts == {"epsilon": 0.5}

    def test_elements_count_each(self, spent):
        report = spent(self.TABLE, "{'l[]': {method: spending, epsilon: 1}, n: {method: spending, epsilon: 1}}")
        assert report.epsilon == 5 + 3

    def test_the_greatest_of_the_cases_counts(self, spent):
        cases = "[{when: {n: 1}, method: spending, epsilon: 3}, {method: spending, epsilon: 1}]"
        assert spent(self.TABLE, f"{{m: {cases}}}").epsilon == 9

    def test_no_rows_spend_nothing(self, spent):
        assert spent(self.TABLE.slice(0, 0), "{n: {method: spending, epsilon: 1}}").epsilon == 0


class Backwards(Method):
    """Stands for a method that must see all rows: it turns the column around."""

    declaration = Declaration("backwards", "", "", frozenset({Family.INTEGER, Family.STRING}), whole_table=True)

    @classmethod
    def configure(cls, _options, _domain):
        return cls()

    def output_type(self, input_type):
        return input_type

    def shape(self):
        return Shape(free=True)

    def apply(self, column, _surroundings):
        return column.take(pa.array(range(len(column) - 1, -1, -1), pa.int64()))


class TestWholeTable:
    """A method that must see all rows sees them at once, within bounds."""

    @pytest.fixture
    def rules(self, make_rules, add_method):
        """Rules with such a method beside another."""
        add_method(Backwards)
        return make_rules("{n: backwards, 'l[]': backwards, k: keep}")

    @pytest.fixture
    def table(self):
        """A table of more rows than a batch has."""
        numbers = range(300_000)
        return pa.table({"n": numbers, "l": [[at] for at in numbers], "k": numbers})

    def test_chunks_are_put_together(self, mask, rules, table):
        del rules  # adds the method
        pieces = pa.concat_tables([table.slice(0, 5), table.slice(5)])
        masked, report = mask(pieces, "{n: backwards, 'l[]': backwards, k: keep}")
        assert masked["n"].equals(pa.chunked_array([list(range(299_999, -1, -1))]))
        assert masked["l"][0].as_py() == [299_999]
        assert masked["k"].equals(table["k"])
        assert report.rows == 300_000

    def test_a_dataset_is_collected_and_written_in_row_groups(self, rules, table, tmp_path):
        mask_dataset(table, tmp_path / "t.parquet", rules, keys=KEYS)
        written = pq.ParquetFile(tmp_path / "t.parquet")
        assert written.metadata.num_row_groups == 3
        assert written.read()["n"].combine_chunks().equals(pa.array(range(299_999, -1, -1)))

    def test_a_dataset_that_is_too_large_is_refused(self, rules, table, tmp_path):
        with pytest.raises(DatasetError) as caught:
            mask_dataset(table, tmp_path / "t.parquet", rules, keys=KEYS, memory=1 << 20)
        assert str(caught.value) == (
            'table "t", column "n": its method must see all of its cells at once, and they are more than 1 MB in '
            "memory. Allow more with --memory, mask the table in parts of its own, or choose another method."
        )
        assert list(tmp_path.iterdir()) == []

    def test_no_rows(self, mask, rules):
        del rules
        masked, _ = mask(pa.table({"n": pa.array([], pa.int64())}), "{n: backwards}")
        assert masked.num_rows == 0
