from __future__ import annotations

import os
import traceback
from datetime import datetime

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

    def test_names_are_written_as_values_are(self, tmp_path):
        place = tmp_path / "t" / "when%3A=a%2Fb"
        place.mkdir(parents=True)
        pq.write_table(pa.table({"n": [1]}), place / "0.parquet")
        (batch,) = open_files(str(tmp_path / "t")).batches()
        assert batch.to_pylist() == [{"n": 1, "when:": "a/b"}]

    @pytest.mark.parametrize("folder", [b"c=%FF", b"c=\xe9", b"%FF=1"], ids=["escaped", "bare", "a name"])
    def test_what_is_not_written_in_utf_8_is_refused(self, tmp_path, folder):
        place = tmp_path / "t" / os.fsdecode(folder)
        place.mkdir(parents=True)
        with (place / "0.parquet").open("wb") as file:
            pq.write_table(pa.table({"n": [1]}), file)
        with pytest.raises(DatasetError, match=r"0\.parquet: what stands in the names of its folders is not written"):
            open_files(str(tmp_path / "t"))

    def test_files_in_other_partitions_are_named(self, people):
        pq.write_table(pa.table({"n": [1]}), people / "part-0.parquet")
        with pytest.raises(DatasetError, match="not in the same partitions as"):
            open_files(str(people))

    def test_a_folder_that_cannot_be_listed_is_named_without_its_value(self, people):
        (people / "email=ann%40secret.example" / "year=2019").symlink_to(".")
        with pytest.raises(DatasetError, match=r"/people/email=…/year=….*: it cannot be read: ") as caught:
            open_files(str(people))
        assert "ann%40" not in str(caught.value)

    @pytest.mark.parametrize("place", ["*/*/*.parquet", "email=*/**/*.parquet", "."])
    def test_a_damaged_file_below_the_working_directory_is_named_without_its_value(self, people, place, monkeypatch):
        monkeypatch.chdir(people)
        (people / "email=ann%40secret.example" / "year=2020" / "part-0.parquet").write_bytes(b"torn")
        with pytest.raises(DatasetError, match=r"email=…/year=…/part-0\.parquet: ") as caught:
            open_files(place)
        assert "ann%40" not in str(caught.value)

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
            pytest.param(pa.uint32(), pa.int16(), pa.int64(), id="with a sign, wider than both"),
            pytest.param(pa.uint8(), pa.uint16(), pa.uint16(), id="without a sign"),
            pytest.param(pa.float32(), pa.float64(), pa.float64(), id="a wider float"),
            pytest.param(pa.int32(), pa.float32(), pa.float64(), id="integers that no short float holds"),
            pytest.param(pa.decimal128(9, 2), pa.decimal128(9, 3), pa.decimal128(10, 3), id="decimals of two scales"),
            pytest.param(pa.time32("ms"), pa.time64("us"), pa.time64("us"), id="a finer time"),
            pytest.param(
                pa.map_(pa.string(), pa.int8()),
                pa.map_(pa.string(), pa.int32()),
                pa.map_(pa.string(), pa.int32()),
                id="inside of maps",
            ),
            pytest.param(pa.int32(), pa.float64(), pa.float64(), id="integers that every double holds"),
            pytest.param(pa.timestamp("us"), pa.timestamp("ms"), pa.timestamp("us"), id="a finer moment"),
            pytest.param(pa.decimal128(9, 2), pa.decimal128(12, 2), pa.decimal128(12, 2), id="a longer decimal"),
            pytest.param(
                pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.string(), id="a dictionary beside texts"
            ),
            pytest.param(pa.list_(pa.int8()), pa.list_(pa.int16()), pa.list_(pa.int16()), id="inside of lists"),
            pytest.param(
                pa.struct([("a", pa.null())]),
                pa.struct([("a", pa.bool_())]),
                pa.struct([("a", pa.bool_())]),
                id="records",
            ),
            pytest.param(pa.null(), pa.date32(), pa.date32(), id="nulls alone"),
            pytest.param(pa.string(), pa.large_string(), pa.large_string(), id="longer texts"),
            pytest.param(pa.string_view(), pa.string(), pa.large_string(), id="texts in two layouts"),
            pytest.param(
                pa.list_(pa.string()),
                pa.large_list(pa.large_string()),
                pa.large_list(pa.large_string()),
                id="longer lists",
            ),
            pytest.param(pa.duration("ms"), pa.duration("ns"), pa.duration("ns"), id="a finer duration"),
            pytest.param(pa.float16(), pa.float64(), pa.float64(), id="short floats"),
            pytest.param(pa.decimal128(9, 2), pa.int32(), pa.decimal128(12, 2), id="integers beside decimals"),
            pytest.param(
                pa.uint64(), pa.decimal128(5, 1), pa.decimal128(21, 1), id="decimals beside the longest integers"
            ),
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
            pytest.param(pa.decimal128(38, 2), pa.decimal128(9, 3), id="more digits than a decimal has"),
            pytest.param(pa.int64(), pa.float32(), id="not every integer is a float, nor has it room"),
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

    def test_a_moment_that_is_too_far_for_the_finer_unit(self, tmp_path):
        (tmp_path / "t").mkdir()
        far = datetime(9998, 7, 6)  # noqa: DTZ001  as it stands in files
        for at, table in enumerate([{"x": pa.array([0], pa.timestamp("ns"))}, {"x": pa.array([far])}]):
            pq.write_table(pa.table(table), tmp_path / "t" / f"{at}.parquet")
        with pytest.raises(DatasetError, match=r'1\.parquet, row group 0, column "x": a value does not fit') as caught:
            list(open_files(str(tmp_path / "t")).batches())
        assert "9998" not in "".join(traceback.format_exception(caught.value))


class TestText:
    """Types that were told from the first rows are guesses, and of several guesses none changes a cell."""

    RULES = "{version: 1, unlisted: keep, tables: {t: {columns: {name: {method: redact, with: x}}}}}"

    @pytest.fixture
    def masked(self, tmp_path):
        """Mask files of these texts into one, and return its text and the types of its columns."""

        def run(*texts, suffix="csv", columns="", **options):
            (tmp_path / "t").mkdir()
            for at, text in enumerate(texts):
                (tmp_path / "t" / f"{at}.{suffix}").write_text(text)
            rules = read_rules(self.RULES.replace("{name:", f"{{{columns}name:"), "r")
            done = mask_dataset(tmp_path / "t", tmp_path / f"o.{suffix}", rules, table_name="t", **options)
            types = [item["type"] for item in done.manifest["tables"]["t"]["schema"]]
            return (tmp_path / f"o.{suffix}").read_text(), types[1:]

        return run

    @pytest.mark.parametrize(
        ("cells", "kind"),
        [
            pytest.param(["", "7", ""], "int64", id="what no cell says, others say"),
            pytest.param(["", "", ""], "string", id="nobody says anything"),
            pytest.param(["42", "1.5", "2.25"], "double", id="numbers that doubles are written as"),
            pytest.param(["42", "1.50", ""], "string", id="a zero that would be lost"),
            pytest.param(["42", "007", "x"], "string", id="leading zeros"),
            pytest.param(["true", "1", ""], "string", id="what may be a number"),
            pytest.param(["2024-01-01 10:00:00", "2024-01-01T10:00:00", ""], "string", id="moments with and without T"),
            pytest.param(["", "2024-01-01T10:00:00", ""], "timestamp[s]", id="moments with T in the second file"),
            pytest.param(["9007199254740993", "1.5", ""], "string", id="an integer that no double is"),
        ],
    )
    def test_csv_comes_out_as_it_was(self, masked, cells, kind):
        text, types = masked(*(f"name,v\nAnn,{cell}\n" for cell in cells))
        assert text == "name,v\n" + "".join(f"x,{cell}\n" for cell in cells)
        assert types == [kind]

    def test_a_cell_further_down_that_no_double_is_written_as(self, masked):
        many = "Ann,1\n" * 200_000
        with pytest.raises(DatasetError, match=r'0\.csv, column "v": it was taken for double, and some cell'):
            masked(f"name,v\n{many}Ann,9007199254740993\n", "name,v\nAnn,1.5\n")

    def test_columns_of_csv_go_by_their_names(self, masked):
        assert masked("name,v\nAnn,1\n", "v,name\n2,Bo\n")[0] == "name,v\nx,1\nx,2\n"

    def test_what_is_declared_counts(self, masked):
        texts = ["name,v\nAnn,42\n", "name,v\nAnn,1.5\n"]
        assert masked(*texts, source_options={"types": {"v": "decimal(5, 1)"}})[1] == ["decimal128(5, 1)"]

    def test_rules_that_want_a_number_are_told_why_there_is_none(self, masked):
        with pytest.raises(PlanError) as caught:
            masked("name,v\nAnn,42\n", "name,v\nAnn,1.50\n", columns="v: {method: round, to: 10}, ")
        assert "column \"v\" (string): 'round' takes" in str(caught.value)
        assert '"v" is taken as text, since it is written as int64 in' in str(caught.value)
        assert "1.csv. To have it otherwise, declare its type, such as --source-option types.v=float64." in str(
            caught.value
        )

    def test_json_leaves_out_nulls_and_knows_one_kind_of_number(self, masked):
        text, types = masked(
            '{"name": "Ann", "v": 1, "o": {"a": null}}\n',
            '{"o": {"a": [1], "b": "x"}, "v": 1.5, "name": "Ann", "z": true}\n',
            suffix="jsonl",
        )
        assert text == (
            '{"name": "x", "v": 1, "o": {"a": null, "b": null}, "z": null}\n'
            '{"name": "x", "v": 1.5, "o": {"a": [1], "b": "x"}, "z": true}\n'
        )
        assert types == ["double", "struct<a: list<item: int64>, b: string>", "bool"]

    def test_an_empty_file_of_json_is_one_without_rows(self, masked):
        text, types = masked("", '{"name": "Ann", "v": 1}\n', "\n", suffix="jsonl")
        assert (text, types) == ('{"name": "x", "v": 1}\n', ["int64"])

    def test_a_declared_field_of_json_may_stand_in_one_file_only(self, masked):
        text, types = masked(
            '{"name": "Ann"}\n',
            '{"name": "Bo", "v": "2024-02-29"}\n',
            suffix="jsonl",
            source_options={"types": {"v": "date32"}},
        )
        assert (text, types) == ('{"name": "x", "v": null}\n{"name": "x", "v": "2024-02-29"}\n', ["string"])

    def test_json_tells_texts_from_numbers(self, masked):
        with pytest.raises(DatasetError, match=r'1\.jsonl: .* "v" is int64 there and string here'):
            masked('{"name": "Ann", "v": 1}\n', '{"name": "Ann", "v": "1"}\n', suffix="jsonl")
