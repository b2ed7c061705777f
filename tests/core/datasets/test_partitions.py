from __future__ import annotations

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.file_table import open_files
from maskgate.errors import DatasetError, PlanError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
RULES = """
version: 1
keys: {people: "env:UNUSED"}
domains: {email: {scheme: cmac}}
tables: {people: {columns: {n: keep, %s}}}
"""
PLANTED = "ann@secret.example"


def rules(columns):
    return read_rules(RULES % columns, "rules.yaml")


@pytest.fixture
def people(tmp_path):
    """Two partitions by a mail address, which is written into the path as other tools do, and one without."""
    folder = tmp_path / "people"
    for at, value in enumerate(["ann%40secret.example", "bo%40secret.example", "__HIVE_DEFAULT_PARTITION__"]):
        place = folder / f"email={value}" / f"year={2020 + at}"
        place.mkdir(parents=True)
        pq.write_table(pa.table({"n": [at, at + 10]}), place / "part-0.parquet")
    return folder


class TestPartitions:
    """A column that stands in the path is a column: it needs a rule, and its values come out masked or not at all."""

    def test_it_moves_into_the_file(self, people, tmp_path):
        done = mask_dataset(
            people, tmp_path / "out", rules("email: {method: token, domain: email}, year: keep"), keys=KEYS
        )
        written = pq.read_table(tmp_path / "out" / "part-00000.parquet")
        assert written.schema.names == ["n", "email", "year"]
        assert written["year"].to_pylist() == [2022, 2022, 2020, 2020, 2021, 2021]
        tokens = written["email"].to_pylist()
        assert tokens[0] is tokens[1] is None
        assert len(set(tokens[2:])) == 2
        for file in (tmp_path / "out").iterdir():
            assert b"secret" not in file.read_bytes()
        assert "secret" not in str(done)

    def test_without_a_rule_nothing_is_masked(self, people, tmp_path):
        with pytest.raises(PlanError, match='column "email" \\(string\\) is not covered by any rule'):
            mask_dataset(people, tmp_path / "out", rules("year: keep"), keys=KEYS)

    def test_no_message_shows_a_value(self, people, tmp_path):
        torn = next(people.glob("email=ann*/*/part-0.parquet"))
        torn.write_bytes(b"PAR1 torn PAR1")
        with pytest.raises(DatasetError) as caught:
            mask_dataset(people, tmp_path / "out", rules("email: drop, year: keep"), keys=KEYS)
        assert "secret" not in str(caught.value)
        assert f"{people}/email=…/year=…/part-0.parquet: it is not a Parquet file" in str(caught.value)

    def test_a_pattern_leaves_partitions_open(self, people, tmp_path):
        found = open_files(f"{people}/email=*/year=2020/*.parquet")
        assert found.schema.names == ["n", "email", "year"]
        assert [batch["email"].to_pylist() for batch in found.batches()] == [[PLANTED, PLANTED]]

    def test_a_partition_that_is_named_is_no_column(self, people):
        assert open_files(str(people / "email=bo%40secret.example" / "year=2021")).schema.names == ["n"]

    def test_an_object_store(self, people):
        store = fsspec.filesystem("memory")
        for file in people.rglob("*.parquet"):
            store.pipe(f"/hive/{file.relative_to(people)}", file.read_bytes())
        found, local = open_files("memory://hive"), open_files(str(people))
        assert found.schema == local.schema
        assert pa.Table.from_batches(found.batches()) == pa.Table.from_batches(local.batches())

    def test_columns_can_be_chosen(self, people):
        found = open_files(str(people))
        assert {tuple(batch.schema.names) for batch in found.batches(["year"])} == {("year",)}

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            pytest.param(["1", "20"], pa.int64(), id="integers"),
            pytest.param(["01", "20"], pa.string(), id="a leading zero would be lost"),
            pytest.param(["-0"], pa.string(), id="a sign would be lost"),
            pytest.param(["1", "x"], pa.string(), id="some are text"),
            pytest.param(["1" * 25], pa.string(), id="too large for an integer"),
        ],
    )
    def test_types_lose_nothing(self, tmp_path, values, kind):
        for value in values:
            (tmp_path / "t" / f"p={value}").mkdir(parents=True)
            pq.write_table(pa.table({"n": [1]}), tmp_path / "t" / f"p={value}" / "0.parquet")
        found = open_files(str(tmp_path / "t"))
        assert found.schema.field("p").type == kind
        assert sorted(str(batch["p"][0]) for batch in found.batches()) == sorted(values)

    def test_files_in_other_partitions_are_named(self, people):
        pq.write_table(pa.table({"n": [1]}), people / "part-0.parquet")
        with pytest.raises(DatasetError, match="not in the same partitions as"):
            open_files(str(people))

    def test_a_column_in_both_is_refused(self, people):
        for file in people.rglob("*.parquet"):
            pq.write_table(pa.table({"year": [1]}), file)
        with pytest.raises(DatasetError, match='the column "year" stands in the files and in their paths'):
            open_files(str(people))


class TestPromotion:
    """Types that differ from file to file become one where no value changes; otherwise the files are named."""

    @pytest.mark.parametrize(
        ("one", "other", "both"),
        [
            pytest.param(pa.int32(), pa.int64(), pa.int64(), id="a wider integer"),
            pytest.param(pa.uint32(), pa.int64(), pa.int64(), id="with a sign"),
            pytest.param(pa.float32(), pa.float64(), pa.float64(), id="a wider float"),
            pytest.param(pa.null(), pa.date32(), pa.date32(), id="nulls alone"),
            pytest.param(pa.string(), pa.large_string(), pa.large_string(), id="longer texts"),
        ],
    )
    def test_lossless(self, tmp_path, one, other, both):
        (tmp_path / "t").mkdir()
        for at, kind in enumerate([one, other]):
            pq.write_table(pa.table({"x": pa.nulls(2, kind)}), tmp_path / "t" / f"{at}.parquet")
        found = open_files(str(tmp_path / "t"))
        assert found.schema.field("x").type == both
        assert [batch.schema.field("x").type for batch in found.batches()] == [both, both]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(pa.int64(), pa.float64(), id="not every integer is a float"),
            pytest.param(pa.int64(), pa.string(), id="text"),
            pytest.param(pa.int64(), pa.uint64(), id="no type holds both"),
            pytest.param(pa.timestamp("us"), pa.timestamp("us", "UTC"), id="a time zone"),
        ],
    )
    def test_lossy(self, tmp_path, one, other):
        (tmp_path / "t").mkdir()
        for at, kind in enumerate([one, other]):
            pq.write_table(pa.table({"x": pa.nulls(2, kind)}), tmp_path / "t" / f"{at}.parquet")
        with pytest.raises(DatasetError) as caught:
            open_files(str(tmp_path / "t"))
        assert f'1.parquet: its columns are not those of {tmp_path / "t" / "0.parquet"}: "x" is {one} there' in str(
            caught.value
        )
