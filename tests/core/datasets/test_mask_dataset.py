from __future__ import annotations

import hashlib
import json
import traceback

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, Progress, mask_dataset
from maskgate.errors import DatasetError, MaskingError, PlanError, UsageError
from maskgate.masking import mask_table
from maskgate.rules import read_rules

PLANTED = [b"lanted", b"secret.example", b"078-05-1120", b"7946 0958", (1000000001).to_bytes(8, "little")]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def mask(raw, tmp_path, rules, keys):
    """Mask the customers into a target."""

    def run(target="masked", source=None, **options):
        source = raw / "customers.parquet" if source is None else source
        return mask_dataset(source, tmp_path / target, rules, keys=keys, **options)

    return run


class TestMaskDataset:
    """Parquet goes in, masked Parquet comes out with the hash of every byte."""

    def test_no_rows_keep_their_schema(self, mask, tmp_path, customers):
        pq.write_table(customers.slice(0, 0), tmp_path / "customers.parquet")
        done = mask(source=tmp_path / "customers.parquet")
        written = pq.read_table(tmp_path / "masked" / "part-00000.parquet")
        assert (written.num_rows, done.report.rows) == (0, 0)
        assert "email" in written.schema.names
        assert "full_name" not in written.schema.names

    def test_a_folder_gets_a_part_and_a_manifest(self, mask, tmp_path, rules):
        done = mask()
        part = tmp_path / "masked" / "part-00000.parquet"
        assert done.manifest == json.loads((tmp_path / "masked" / "manifest.json").read_text(encoding="utf-8"))
        assert done.manifest["format"] == "maskgate-manifest/1"
        assert done.manifest["rules"] == {"digest": rules.digest}
        assert done.manifest["keys"] == {"contact": 1, "people": 1}
        (file,) = done.manifest["tables"]["customers"]["files"]
        assert file == {"path": "part-00000.parquet", "size": part.stat().st_size, "sha256": sha256(part)}
        assert done.manifest["report"]["customers"]["columns"]["email"] == {"method": "token", "nulls": 1}

    def test_the_manifest_has_the_types_that_a_reader_sees(self, mask, tmp_path):
        schema = mask().manifest["tables"]["customers"]["schema"]
        seen = pq.read_schema(tmp_path / "masked" / "part-00000.parquet")
        assert schema == [{"name": item.name, "type": str(item.type)} for item in seen]

    def test_a_name_with_the_suffix_is_one_file(self, mask, tmp_path):
        done = mask("deep/down/masked.parquet")
        (file,) = done.manifest["tables"]["customers"]["files"]
        assert file["path"] == "masked.parquet"
        assert file["sha256"] == sha256(tmp_path / "deep" / "down" / "masked.parquet")
        assert [path.name for path in (tmp_path / "deep" / "down").iterdir()] == ["masked.parquet"]

    def test_the_cells_are_those_of_mask_table(self, mask, tmp_path, customers, rules, keys):
        mask()
        masked, _ = mask_table(customers, rules, table_name="customers", keys=keys)
        assert pq.read_table(tmp_path / "masked" / "part-00000.parquet") == masked

    def test_planted_values_are_nowhere_in_the_bytes(self, mask, tmp_path, raw):
        mask()
        original = pq.read_table(raw / "customers.parquet")
        pq.write_table(original, tmp_path / "plain.parquet", compression="none")
        assert all(value in (tmp_path / "plain.parquet").read_bytes() for value in PLANTED)
        part = tmp_path / "masked" / "part-00000.parquet"
        pq.write_table(pq.read_table(part), tmp_path / "opened.parquet", compression="none")
        for path in (part, tmp_path / "opened.parquet", tmp_path / "masked" / "manifest.json"):
            assert [value for value in PLANTED if value in path.read_bytes()] == [], path.name

    def test_no_metadata_of_the_input_comes_along(self, mask, tmp_path):
        mask()
        part = tmp_path / "masked" / "part-00000.parquet"
        assert set(pq.ParquetFile(part).metadata.metadata) == {b"ARROW:schema"}
        assert pq.read_schema(part).metadata is None

    @pytest.mark.parametrize("workers", [1, 2, 3])
    def test_a_second_run_gives_the_same_bytes(self, mask, tmp_path, workers):
        mask("first")
        mask("second", workers=workers)
        for name in ("part-00000.parquet", "manifest.json"):
            assert sha256(tmp_path / "first" / name) == sha256(tmp_path / "second" / name)

    def test_the_table_is_called_like_the_source(self, mask, raw):
        assert mask(source=raw / "orders.parquet").report.table == "orders"

    def test_or_else_it_has_to_be_named(self, mask, raw):
        (raw / "orders.parquet").rename(raw / "2024.parquet")
        with pytest.raises(UsageError, match='no table "2024"'):
            mask(source=raw / "2024.parquet")
        assert mask(source=raw / "2024.parquet", table_name="orders").report.rows == 4

    def test_an_empty_folder_is_a_target(self, mask, tmp_path):
        (tmp_path / "masked").mkdir()
        mask()
        assert (tmp_path / "masked" / "manifest.json").exists()

    def test_progress_counts_rows(self, mask):
        seen = []
        done = mask(progress=seen.append)
        assert [type(each) for each in seen] == [Progress]
        assert (seen[-1].table, seen[-1].rows, seen[-1].total_rows) == ("customers", 3, 3)
        assert seen[-1].bytes <= done.manifest["tables"]["customers"]["files"][0]["size"]


class TestSources:
    """A source is a file, a folder of them or a pattern, here or in an object store, or something in memory."""

    @pytest.fixture
    def parts(self, tmp_path, customers):
        folder = tmp_path / "customers"
        folder.mkdir()
        for at in range(3):
            pq.write_table(customers.slice(at, 1), folder / f"part-{at}.parquet")
        (folder / "_SUCCESS").touch()
        return folder

    @pytest.mark.parametrize("name", ["customers", "customers/part-*.parquet"])
    def test_several_files_are_one_table(self, mask, parts, tmp_path, customers, name):
        mask("one")
        mask("many", source=str(tmp_path / name), table_name="customers")
        assert sha256(tmp_path / "one" / "part-00000.parquet") == sha256(tmp_path / "many" / "part-00000.parquet")

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            pytest.param(
                lambda table: table.set_column(0, "customer_id", table["customer_id"].cast(pa.string())),
                '"customer_id" is int64 there and string here',
                id="another type",
            ),
            pytest.param(lambda table: table.append_column("x", [["y"]]), '"x" is not there', id="one more column"),
            pytest.param(lambda table: table.drop(["notes"]), '"notes" is missing here', id="one column less"),
        ],
    )
    def test_files_with_other_columns_are_named(self, mask, parts, customers, change, message):
        pq.write_table(change(customers.slice(0, 1)), parts / "part-2.parquet")
        with pytest.raises(DatasetError) as caught:
            mask(source=parts)
        assert str(caught.value).startswith(f"{parts / 'part-2.parquet'}: its columns are not those of")
        assert message in str(caught.value)

    def test_a_uri_of_this_machine_is_a_path(self, parts, tmp_path, rules, keys):
        assert mask_dataset(f"file://{parts}", f"file://{tmp_path}/many", rules, keys=keys).report.rows
        assert (tmp_path / "many" / "manifest.json").exists()

    def test_columns_go_by_their_names(self, mask, parts, tmp_path, customers):
        names = customers.schema.names[::-1]
        pq.write_table(customers.slice(0, 1).select(names), parts / "part-2.parquet")
        mask("many", source=parts)
        written = pq.read_table(tmp_path / "many" / "part-00000.parquet")
        mask("one", source=customers.slice(0, 1), table_name="customers")
        assert written.slice(len(written) - 1) == pq.read_table(tmp_path / "one" / "part-00000.parquet")

    def test_two_columns_of_one_name(self, mask, parts, customers):
        table = customers.slice(0, 1)
        pq.write_table(table.append_column("notes", table["notes"]), parts / "part-2.parquet")
        with pytest.raises(DatasetError, match=r'part-2\.parquet: the column "notes" is there more than once'):
            mask(source=parts)

    def test_a_folder_inside_is_refused(self, mask, parts):
        (parts / "old").mkdir()
        pq.write_table(pa.table({"n": [1]}), parts / "old" / "part-9.parquet")
        with pytest.raises(DatasetError, match="it has folders inside"):
            mask(source=parts)

    def test_another_file_inside_is_refused(self, mask, parts):
        (parts / "more.docx").touch()
        with pytest.raises(DatasetError, match=r"more\.docx is no file of a known format"):
            mask(source=parts)

    def test_an_object_store_is_read(self, mask, raw, tmp_path):
        store = fsspec.filesystem("memory")
        store.pipe("/raw/customers.parquet", (raw / "customers.parquet").read_bytes())
        done = mask(source="memory://raw/customers.parquet")
        assert done.table["source"] == "memory://raw/customers.parquet"
        mask("again")
        assert sha256(tmp_path / "again" / "part-00000.parquet") == sha256(tmp_path / "masked" / "part-00000.parquet")

    @pytest.mark.parametrize(
        "held",
        [
            pytest.param(lambda table: table, id="a table"),
            pytest.param(lambda table: table.to_reader(max_chunksize=2), id="a reader"),
            pytest.param(lambda table: table.combine_chunks().to_batches()[0], id="a batch"),
        ],
    )
    def test_tables_in_memory_are_masked(self, mask, tmp_path, customers, held):
        mask("from_file")
        mask("held", source=held(customers), table_name="customers")
        assert sha256(tmp_path / "held" / "part-00000.parquet") == sha256(tmp_path / "from_file" / "part-00000.parquet")

    def test_a_data_frame_is_masked(self, mask, customers):
        frame = customers.to_pandas(date_as_object=True).astype({"income": "Int64"})
        assert mask(source=frame, table_name="customers").report.rows == 3

    def test_a_data_frame_that_is_no_table_shows_no_value(self, mask):
        frame = pytest.importorskip("pandas").DataFrame({"id": [1, 2], "email": ["planted", 1]}, index=["planted", "b"])
        with pytest.raises(DatasetError, match=r'column "email" \(object\): it cannot be read') as caught:
            mask(source=frame, table_name="customers")
        assert "planted" not in "".join(traceback.format_exception(caught.value))

    def test_anything_else_is_refused(self, mask):
        with pytest.raises(DatasetError, match="list cannot be masked"):
            mask(source=[1], table_name="customers")


class TestFailures:
    """Whatever fails, nothing is there that was not there before."""

    def assert_refused(self, mask, everything, error, **options):
        """An error is raised, with no cause that could quote a cell, and nothing is written; return what it says."""
        before = everything()
        with pytest.raises(error) as caught:
            mask(**options)
        assert everything() == before
        assert caught.value.__cause__ is None
        return str(caught.value)

    def test_a_source_that_is_not_there(self, mask, everything, tmp_path):
        message = self.assert_refused(mask, everything, DatasetError, source=tmp_path / "customers.parquet")
        assert message == f"{tmp_path / 'customers.parquet'}: there is no such file."

    def test_a_pattern_that_nothing_fits(self, mask, everything, tmp_path):
        message = self.assert_refused(
            mask, everything, DatasetError, source=tmp_path / "c*.parquet", table_name="customers"
        )
        assert "there is no file of a known format here" in message

    def test_a_file_that_is_no_parquet(self, mask, everything, raw):
        (raw / "customers.parquet").write_text("customer_id,email\n1,planted@secret.example\n", encoding="utf-8")
        message = self.assert_refused(mask, everything, DatasetError)
        assert "customers.parquet: it is not a Parquet file, or a damaged one" in message
        assert "secret" not in message

    @pytest.mark.parametrize("share", [0.3, 0.9])
    def test_a_file_that_was_cut_off(self, mask, everything, raw, share):
        content = (raw / "customers.parquet").read_bytes()
        (raw / "customers.parquet").write_bytes(content[: int(len(content) * share)])
        assert "damaged" in self.assert_refused(mask, everything, DatasetError)

    def test_a_page_that_was_damaged(self, mask, everything, raw, customers):
        pq.write_table(customers, raw / "customers.parquet", write_page_checksum=True, compression="none")
        content = bytearray((raw / "customers.parquet").read_bytes())
        content[content.index(b"secret.example")] ^= 1
        (raw / "customers.parquet").write_bytes(content)
        assert "it is damaged" in self.assert_refused(mask, everything, DatasetError)

    def test_text_that_is_no_utf_8(self, mask, everything, raw, customers):
        pq.write_table(customers, raw / "customers.parquet", compression="none", use_dictionary=False)
        content = (raw / "customers.parquet").read_bytes().replace(b"planted-note", b"planted\xff\xfeote")
        (raw / "customers.parquet").write_bytes(content)
        assert "it is damaged" in self.assert_refused(mask, everything, DatasetError)

    def test_rules_that_do_not_fit(self, mask, everything, raw, customers):
        pq.write_table(customers.append_column("birthday", [["x"] * 3]), raw / "customers.parquet")
        message = self.assert_refused(mask, everything, PlanError)
        assert message.startswith('table "customers": column "birthday" (string) is not covered by any rule')

    def test_a_value_in_the_second_batch(self, mask, everything, raw, orders):
        many = pa.concat_tables([orders] * 40_000)
        nameless = pa.concat_tables([many, orders.set_column(1, "customer_id", pa.nulls(4, pa.int64()))])
        pq.write_table(nameless, raw / "orders.parquet")
        assert '"ordered_at"' in self.assert_refused(mask, everything, MaskingError, source=raw / "orders.parquet")

    def test_an_interruption(self, mask, everything):
        def interrupt(_progress):
            raise KeyboardInterrupt

        assert self.assert_refused(mask, everything, KeyboardInterrupt, progress=interrupt, target="deep/masked") == ""

    @pytest.mark.parametrize(
        ("uri", "message"),
        [
            pytest.param(
                "nosuch://user:secret@place/x.parquet", "nosuch://place/x.parquet: it cannot", id="no such store"
            ),
            pytest.param("gcs://place/x.parquet", "needs a package that is not installed", id="a package is missing"),
            pytest.param("memory://nowhere/x.parquet", "nowhere/x.parquet: there is no such file", id="no such object"),
        ],
    )
    def test_a_store_that_cannot_be_had(self, mask, everything, uri, message):
        said = self.assert_refused(mask, everything, DatasetError, source=uri, table_name="customers")
        assert message in said
        assert "secret" not in said

    def test_a_target_inside_of_the_source(self, mask, everything, raw):
        (raw / "orders.parquet").unlink()
        for target in ("raw/masked", "raw/masked.csv"):
            said = self.assert_refused(mask, everything, UsageError, source=raw, target=target, table_name="customers")
            assert said.endswith("it lies in the folder that is masked. Choose a place beside it.")

    @pytest.mark.parametrize(
        "options", [{"workers": -1}, {"workers": 0}, {"memory": -1}, {"layout": Layout(row_group_rows=-5)}]
    )
    def test_numbers_below_one(self, mask, everything, options):
        assert "must be 1 or more" in self.assert_refused(mask, everything, UsageError, **options)

    def test_a_file_whose_name_tells_nothing(self, mask, everything, tmp_path):
        (tmp_path / "people.json").write_text('{"name": "planted"}')
        said = self.assert_refused(
            mask, everything, DatasetError, source=tmp_path / "people.json", table_name="customers"
        )
        assert "people.json: its name tells no format, and it is no Parquet file. Say what it is" in said

    def test_a_target_called_as_files_that_nobody_writes(self, mask, everything):
        for declared in (None, "jsonl"):
            said = self.assert_refused(mask, everything, UsageError, target="masked.json", target_format=declared)
            assert "masked.json: no format that is written has files called .json. Choose .parquet, .csv," in said

    def test_what_is_declared_of_files_that_declare_themselves(self, mask, everything):
        said = self.assert_refused(mask, everything, UsageError, source_options={"delimiter": ";"})
        assert said == "a Parquet file has no option 'delimiter'."

    @pytest.mark.parametrize("name", ["masked.parquet.gz", "masked.zst", "masked.csv.xz"])
    def test_a_target_of_a_codec_that_its_format_does_not_have(self, mask, everything, name):
        said = self.assert_refused(mask, everything, UsageError, target=name)
        assert f"{name}: no format that is written has files called .{name.rpartition('.')[2]}" in said

    def test_names_that_cannot_be(self, mask, everything, tmp_path):
        long = "x" * 300
        named = {"table_name": "customers"}
        said = self.assert_refused(mask, everything, DatasetError, source=f"{long}.csv", **named)
        assert "it cannot be read (File name too long)" in said
        assert "File name too long" in self.assert_refused(mask, everything, DatasetError, target=f"{long}.parquet")
        assert "source is no path" in self.assert_refused(mask, everything, UsageError, source="", **named)
        assert "target is no path" in self.assert_refused(mask, everything, UsageError, target="\0.parquet")

    def test_a_target_called_as_files_of_another_format(self, mask, everything):
        said = self.assert_refused(mask, everything, UsageError, target="masked.csv.gz", target_format="csv")
        assert said.endswith("masked.csv.gz: files called so are csv.gz, and csv was asked for. Choose another name.")

    def test_a_database_without_a_query_or_a_table(self, mask, everything):
        rows_of = "it names a database. Say which rows of it, by `maskgate mask --query` or SqlQuery()."
        assert self.assert_refused(mask, everything, UsageError, source="env:MART") == f"env:MART: {rows_of}"
        rules = read_rules("{version: 1, tables: {t: {columns: {n: keep}}}}", "r")
        with pytest.raises(UsageError, match=r"file:mart\.url: it names a database\. Name the new table too"):
            mask_dataset(pa.table({"n": [1]}), "file:mart.url", rules)

    @pytest.mark.parametrize("target", ["masked", "masked.parquet"])
    def test_a_target_that_exists(self, mask, everything, tmp_path, target):
        mask(target)
        before = {path: sha256(path) for path in tmp_path.rglob("*") if path.is_file()}
        message = self.assert_refused(mask, everything, DatasetError, target=target)
        assert message.endswith("it exists already. Choose another target, or remove it first.")
        assert {path: sha256(path) for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_a_target_that_somebody_else_makes_meanwhile(self, mask, tmp_path):
        def get_in_between(_progress):
            (tmp_path / "masked.parquet").write_text("mine", encoding="utf-8")

        with pytest.raises(DatasetError, match="it exists already"):
            mask("masked.parquet", progress=get_in_between)
        assert (tmp_path / "masked.parquet").read_text(encoding="utf-8") == "mine"

    def test_a_link_is_no_target(self, mask, everything, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "masked").symlink_to("elsewhere")
        assert "exists already" in self.assert_refused(mask, everything, DatasetError)

    def test_a_type_that_parquet_does_not_hold(self, mask, everything, keys, tmp_path):
        table = pa.table({"span": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
        before = everything()
        with pytest.raises(PlanError, match="parquet cannot hold this type"):
            mask_dataset(table, tmp_path / "out", read_rules("{version: 1, tables: {t: {columns: {span: keep}}}}", "r"))
        assert everything() == before
