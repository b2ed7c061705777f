"""Shuffles and swaps of tables that memory does not hold give every row the value that they give it in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
RULES = """
version: 1
keys: {{people: "env:MASKGATE_KEY_PEOPLE"}}
tables:
  t: {{key: people, {table} columns: {columns}}}
"""
# So little that values lie in many bins, which are of 1 MB at least.
LITTLE = 1 << 18
FAR = 10**12 // 300
ROWS = 60_000
RANDOM = np.random.default_rng(5)


def some(values, share=0.2):
    """Return values of which some are null."""
    return pa.array(values, mask=RANDOM.random(len(values)) < share)


NUMBERS = RANDOM.integers(-(10**15), 10**15, ROWS)
NAMES = np.array([f"name {at}" for at in RANDOM.integers(0, 5000, ROWS)], object)


def is_ranked(kind):
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_temporal(kind) or any(
        is_(kind) for is_ in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    )


COLUMNS = {
    "small numbers, which are words themselves": pa.array(RANDOM.integers(0, 9, ROWS).astype(np.int8)),
    "small numbers with nulls": some(RANDOM.integers(5, 90, ROWS).astype(np.uint8)),
    "long numbers": pa.array(NUMBERS),
    "long numbers with nulls": some(NUMBERS),
    "numbers below zero": some(RANDOM.integers(-1000, -900, ROWS)),
    "floats": some(RANDOM.normal(size=ROWS)),
    "short floats": pa.array(RANDOM.normal(size=ROWS).astype(np.float32)),
    "texts": pa.array(NAMES),
    "texts with nulls": some(NAMES),
    "large texts": some(NAMES).cast(pa.large_string()),
    "a dictionary": some(NAMES).dictionary_encode(),
    "a dictionary of numbers": some(NUMBERS % 700).dictionary_encode(),
    "views": some(NAMES).cast(pa.string_view()),
    "bytes of one length": some(NUMBERS).cast(pa.string()).cast(pa.binary()),
    "booleans": some(RANDOM.random(ROWS) < 0.5),
    "decimals": some(NUMBERS).cast(pa.decimal128(20, 0)),
    "wide decimals": some(NUMBERS).cast(pa.decimal256(50, 0)),
    "days": some(RANDOM.integers(0, 20_000, ROWS).astype(np.int32)).cast(pa.date32()),
    "moments": some(NUMBERS).cast(pa.timestamp("us", "UTC")),
    "times": some(RANDOM.integers(0, 86_400, ROWS).astype(np.int32)).cast(pa.time32("s")),
    "prices": some(RANDOM.integers(0, 10**6, ROWS) / 100),
    "mostly nothing, and exact": some(np.where(RANDOM.random(ROWS) < 0.7, 0.0, RANDOM.normal(size=ROWS))),
    "long decimals": some(NUMBERS * 10**3).cast(pa.decimal128(38, 5)),
    "one value": pa.array([7] * ROWS),
    "hardly a value": pa.array([None] * (ROWS - 2) + [1, 2], pa.int64()),
    "nothing": pa.nulls(ROWS, pa.int32()),
}


@pytest.fixture
def mask(tmp_path):
    def run(table, columns, name="masked", *, more="", **options):
        rules = read_rules(RULES.format(columns=columns, table=more), "r")
        return mask_dataset(table, tmp_path / name, rules, table_name="t", keys=KEYS, **options)

    return run


@pytest.fixture
def read(mask, tmp_path):
    def run(table, columns, **options):
        name = f"out-{len(list(tmp_path.iterdir()))}.parquet"
        mask(table, columns, name, **options)
        return pq.read_table(tmp_path / name)

    return run


@pytest.fixture
def both(read):
    """Mask in memory and by way of a file, and return both tables."""

    def run(table, columns, memory=LITTLE, **options):
        return read(table, columns, **options), read(table, columns, memory=memory, **options)

    return run


def table_of(column, **others):
    return pa.table({"v": column, "wide": [bytes(64)] * len(column)} | others)


class TestSameValues:
    """Memory decides how it is done, and not what comes out."""

    @pytest.mark.parametrize("name", COLUMNS)
    @pytest.mark.parametrize("method", ["shuffle", "swap"])
    def test_every_type(self, both, method, name):
        table = table_of(COLUMNS[name])
        inside, outside = both(table, f"{{v: {method}, wide: keep}}")
        assert outside.equals(inside)
        if name not in {"one value", "hardly a value", "nothing"}:
            assert not outside["v"].equals(table["v"])

    @pytest.mark.parametrize("name", ["small numbers with nulls", "texts with nulls", "a dictionary", "hardly a value"])
    @pytest.mark.parametrize("within", ["[city]", "[grade]", "[city, grade]", "[many]", "[many, city, flag]"])
    def test_groups(self, both, within, name):
        others = {
            "city": RANDOM.choice(["Ulm", "Bonn", "Köln", None], ROWS, p=[0.8, 0.1, 0.05, 0.05]),
            "grade": some(RANDOM.integers(0, 40, ROWS).astype(np.int16)),
            "many": some(RANDOM.integers(0, 10**12, ROWS) // FAR * FAR),
            "flag": some(RANDOM.random(ROWS) < 0.1),
        }
        table = table_of(COLUMNS[name], **others)
        kept = ", ".join(f"{each}: keep" for each in [*others, "wide"])
        inside, outside = both(table, f"{{v: {{method: swap, within: {within}}}, {kept}}}", memory=1 << 20)
        assert outside.equals(inside)

    @pytest.mark.parametrize("name", [name for name, column in COLUMNS.items() if is_ranked(column.type)])
    @pytest.mark.parametrize("percent", [100, 20, 0.5, 0.001])
    def test_near_in_rank(self, both, percent, name):
        table = table_of(COLUMNS[name])
        inside, outside = both(table, f"{{v: {{method: swap, rank_distance: {percent}}}, wide: keep}}", memory=1 << 21)
        assert outside.equals(inside)

    @pytest.mark.parametrize("percent", [10, 0.2])
    def test_near_in_rank_within_groups(self, both, percent):
        names = ["floats", "prices", "mostly nothing, and exact", "small numbers with nulls", "long numbers"]
        columns = {f"v{at}": COLUMNS[name] for at, name in enumerate(names)}
        rule = f"{{method: swap, within: [city], rank_distance: {percent}}}"
        table = pa.table(columns | {"city": RANDOM.choice(["Ulm", "Bonn", None], ROWS, p=[0.9, 0.05, 0.05])})
        rules = ", ".join(f"{each}: {rule}" for each in columns)
        inside, outside = both(table, f"{{{rules}, city: keep}}", memory=1 << 21)
        assert outside.equals(inside)

    @pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 64, 65, 127, 128, 1001])
    def test_few_rows(self, both, rows):
        table = pa.table({"v": range(rows), "n": some(np.arange(rows), 0.4), "g": [at % 3 for at in range(rows)]})
        columns = "{v: shuffle, n: swap, g: {method: swap, within: [v]}}"
        inside, outside = both(table, columns, memory=1)
        assert outside.equals(inside)
        columns = "{v: {method: swap, within: [g]}, n: {method: swap, within: [g]}, g: shuffle}"
        inside, outside = both(table, columns, memory=1)
        assert outside.equals(inside)

    def test_what_is_held_all_the_same(self, both):
        """Nested values, nulls, and tables with a key of rows: what moves is held, and the rest is not."""
        few = range(5_000)
        table = pa.table(
            {"id": few, "list": [[at] * (at % 3) for at in few], "struct": [{"a": at, "b": None} for at in few]}
            | {"null": pa.nulls(len(few)), "wide": [bytes(1000)] * len(few)}
        )
        columns = "{id: shuffle, list: shuffle, struct: {method: swap, within: [id]}, 'null': swap, wide: keep}"
        inside, outside = both(table, columns, memory=1 << 22)
        assert outside.equals(inside)
        assert not outside["list"].equals(table["list"])
        columns = "{id: shuffle, list: keep, struct: keep, 'null': drop, wide: keep}"
        inside, outside = both(table, columns, memory=1 << 22, more="row_key: id,")
        assert outside.equals(inside)

    def test_some_rows_and_cells_of_lists_and_structs(self, both):
        """What a rule is for is told as it is in memory, wherever the cells are."""
        lists = [[at, at + 1][: at % 3] for at in range(ROWS)]
        structs = [None if at % 7 == 0 else {"inner": f"name {at}", "other": at} for at in range(ROWS)]
        columns = (
            "{n: [{when: {kind: [1]}, method: shuffle}, {when: {kind: [2]}, method: swap}, {method: nullify}], "
            "kind: keep, 'l[]': shuffle, s.inner: {method: swap, within: [kind]}, s.other: keep, id: keep}"
        )
        table = pa.table(
            {"n": COLUMNS["long numbers with nulls"], "kind": RANDOM.integers(0, 3, ROWS), "l": lists, "s": structs}
            | {"id": range(ROWS)}
        )
        inside, outside = both(table, columns, layout=Layout(row_group_rows=10_000))
        assert outside.equals(inside)
        assert outside["s"].null_count == table["s"].null_count

    def test_files_in_pieces_give_the_same_bytes(self, mask, tmp_path):
        """For any number of workers, and whatever the row groups of the input."""
        (tmp_path / "in").mkdir()
        table = table_of(COLUMNS["texts with nulls"], id=range(ROWS))
        for at in range(4):
            pq.write_table(table.slice(at * 15_000, 15_000), tmp_path / "in" / f"{at}.parquet", row_group_size=4_000)
        columns = "{v: shuffle, id: shuffle, wide: keep}"
        done = [
            mask(tmp_path / "in", columns, name, memory=memory, workers=workers, layout=Layout(row_group_rows=7_000))
            for name, memory, workers in (("a", 1 << 30, 1), ("b", LITTLE, 1), ("c", LITTLE, 3))
        ]
        digests = [[file["sha256"] for file in each.manifest["tables"]["t"]["files"]] for each in done]
        assert digests[0] == digests[1] == digests[2]

    def test_other_data_or_another_key_give_another_order(self, read):
        numbers = table_of(pa.array(range(ROWS)))
        more = table_of(pa.array([*range(1, ROWS), 0]))
        orders = [read(each, "{v: shuffle, wide: keep}", memory=LITTLE)["v"].to_pylist() for each in (numbers, more)]
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(ROWS))
        assert orders[0] != orders[1] != list(range(ROWS))


class TestFirstPass:
    def test_progress_says_which_pass_it_is(self, mask):
        seen = []
        mask(table_of(COLUMNS["texts"]), "{v: shuffle, wide: keep}", memory=LITTLE, progress=seen.append, workers=1)
        steps = list(dict.fromkeys(each.as_json()["step"] for each in seen))
        assert steps == ["first pass, reading what changes rows", "first pass, putting in order v", "masking"]
        assert "t, first pass, reading what changes rows: 60,000 of 60,000 rows (100%)" in str(seen[0])

    def test_progress_of_text_says_about_how_many_rows_there_are(self, mask, tmp_path):
        seen = []
        pyarrow.csv.write_csv(table_of(COLUMNS["texts"]), tmp_path / "t.csv")
        mask(tmp_path / "t.csv", "{v: shuffle, wide: keep}", memory=LITTLE, progress=seen.append)
        assert seen[0].step
        assert len({each.about_rows for each in seen}) == 1
        assert seen[0].about_rows == pytest.approx(ROWS, rel=0.2)

    @pytest.mark.parametrize("name", ["texts with nulls", "a dictionary"])
    def test_a_stream_is_kept(self, read, name):
        """It comes once, and is kept in a temporary file until it has been read twice."""
        table = table_of(COLUMNS[name], other=COLUMNS["a dictionary of numbers"])
        columns = "{v: shuffle, wide: keep, other: keep}"
        inside = read(table, columns)
        for memory in (1 << 30, LITTLE):
            assert read(table.to_reader(max_chunksize=7_000), columns, memory=memory).equals(inside)

    def test_too_many_groups_are_refused(self, mask, tmp_path):
        table = table_of(COLUMNS["texts"], each=[f"the group with the number {at}" for at in range(ROWS)])
        with pytest.raises(DatasetError, match=r'column "v": the columns of `within:` make .* groups and more, whose'):
            mask(table, "{v: {method: swap, within: [each]}, each: keep, wide: keep}", memory=LITTLE)
        assert list(tmp_path.iterdir()) == []

    def test_an_input_that_changes_between_the_passes_is_refused(self, mask, tmp_path):
        source = tmp_path / "in.parquet"
        pq.write_table(table_of(COLUMNS["texts"]), source)

        def change(_):
            pq.write_table(table_of(COLUMNS["texts with nulls"]), source)

        with pytest.raises(
            DatasetError, match=r"have changed between the two times that they are read|has changed since"
        ):
            mask(source, "{v: shuffle, wide: keep}", memory=LITTLE, progress=change)
        assert list(tmp_path.iterdir()) == [source]


class TestResume:
    """The first pass is made again, and the second one goes on from what is finished."""

    @pytest.mark.parametrize("target", ["folder", "file.parquet"])
    def test_the_bytes_are_the_same(self, mask, tmp_path, target):
        source = tmp_path / "in.parquet"
        pq.write_table(table_of(COLUMNS["texts with nulls"], n=COLUMNS["days"]), source)
        columns = "{v: shuffle, wide: keep, n: {method: swap, rank_distance: 10}}"
        options = {"memory": LITTLE, "layout": Layout(file_bytes=50_000, row_group_rows=5_000)}

        def interrupt(progress):
            seen.append(progress)
            if not progress.step and progress.rows >= 40_000:
                raise KeyboardInterrupt

        seen = []
        mask(source, columns, f"whole-{target}", **options)
        with pytest.raises(KeyboardInterrupt):
            mask(source, columns, target, progress=interrupt, **options)
        interrupted, seen = seen, []
        mask(source, columns, target, resume=True, progress=seen.append, **options)
        assert [each.rows for each in seen if each.step] == [each.rows for each in interrupted if each.step]
        assert min(each.rows for each in seen if not each.step) > 20_000
        assert _bytes(tmp_path / target) == _bytes(tmp_path / f"whole-{target}")


def _bytes(path):
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file.read_bytes() for file in files]
