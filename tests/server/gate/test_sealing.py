from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat

import pyarrow as pa
import pytest

from maskgate.errors import Refused
from maskgate.gate.model import Limits, StagingRoot
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.testing.staged_tables import (
    describe_file,
    masked_tables,
    put_staged,
    sample_rules,
    staged_bytes,
    write_staged,
)

RULES = sample_rules()
PART = "customers/part-00000.parquet"
LIMITS = Limits(seal_seconds=60, seal_memory_mb=1024)


def seal_into(tmp_path, staging, staging_id):
    rules = {RULES.digest: RULES}
    return seal(staging, staging_id, tmp_path / "sealed", rules=rules, limits=LIMITS, progress=lambda *_: None)


class Stage:
    """A staging in a shared folder, and the gate's own folder beside it."""

    def __init__(self, tmp_path):
        self.staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        self.id = new_staging_id()
        self.folder = tmp_path / "staging" / self.id
        self.sealed = tmp_path / "sealed"
        self.steps = []
        self.staging.open(self.id)

    def seal(self, rules=RULES, limits=LIMITS):
        known = {rules.digest: rules} if rules else {}
        return seal(
            self.staging,
            self.id,
            self.sealed,
            rules=known,
            limits=limits,
            progress=lambda done, total: self.steps.append((done, total)),
        )

    def refusal(self, **how):
        with pytest.raises(Refused) as caught:
            self.seal(**how)
        assert not self.sealed.exists()
        return str(caught.value)


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


@pytest.fixture
def staged(stage):
    write_staged(stage.folder, staged_bytes(masked_tables(), RULES))
    return stage


def edit_manifest(folder, change):
    path = folder / "manifest.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


class TestSealing:
    """The gate keeps its own copy of exactly what the manifest names, hashed and measured."""

    def test_an_empty_table_is_sealed_with_its_schema(self, stage):
        write_staged(stage.folder, staged_bytes(masked_tables(rows=0), RULES))
        sealed = stage.seal()
        assert [(table.name, table.rows) for table in sealed.tables] == [("customers", 0), ("orders", 0)]
        assert [column.name for column in sealed.tables[0].columns] == ["email", "full_name", "country"]

    def test_files_are_copied_byte_for_byte(self, staged):
        sealed = staged.seal()
        assert [file.path for file in sealed.files] == [PART, "orders/part-00000.parquet", "manifest.json"]
        for file in sealed.files:
            content = (staged.sealed / file.path).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
            if file.path != "manifest.json":
                assert content == (staged.folder / file.path).read_bytes()

    def test_nobody_else_can_look_into_the_copy(self, staged):
        staged.seal()
        assert stat.S_IMODE(staged.sealed.stat().st_mode) == 0o700
        assert stat.S_IMODE((staged.sealed / PART).stat().st_mode) == 0o400

    def test_figures_are_measured_on_the_copy(self, staged):
        sealed = staged.seal()
        customers = {column.name: column for column in sealed.tables[0].columns}
        assert customers["email"].method == "token"
        assert {name: column.nulls for name, column in customers.items()} == {"email": 1, "full_name": 1, "country": 1}
        assert {column.shape_violations for column in customers.values()} == {0}
        assert "email" in customers["email"].classes
        assert sealed.key_versions == {"contact": 1}
        assert sealed.rules_digest == RULES.digest

    def test_progress_runs_to_the_end(self, staged):
        staged.seal()
        done = [step for step, _ in staged.steps]
        assert done == sorted(done)
        assert staged.steps[-1][0] == staged.steps[-1][1] > 0

    def test_equal_content_has_an_equal_digest(self, staged, tmp_path):
        (tmp_path / "other").mkdir()
        other = Stage(tmp_path / "other")
        write_staged(other.folder, staged_bytes(masked_tables(), RULES))
        assert other.seal().content_digest == staged.seal().content_digest

    def test_other_content_has_another_digest(self, staged, tmp_path):
        (tmp_path / "other").mkdir()
        other = Stage(tmp_path / "other")
        write_staged(other.folder, staged_bytes(masked_tables(rows=5), RULES))
        assert other.seal().content_digest != staged.seal().content_digest

    def test_sealing_again_starts_afresh(self, staged):
        staged.sealed.mkdir()
        (staged.sealed / "leftover").write_text("of a killed gate")
        staged.seal()
        assert not (staged.sealed / "leftover").exists()

    def test_what_is_staged_later_changes_nothing(self, staged):
        sealed = staged.seal()
        before = (staged.sealed / PART).read_bytes()
        (staged.folder / PART).write_bytes(b"changed after sealing")
        assert (staged.sealed / PART).read_bytes() == before
        assert hashlib.sha256(before).hexdigest() == sealed.files[0].sha256

    def test_parts_of_a_table_are_counted_together(self, stage):
        table = masked_tables()["customers"]
        write_staged(stage.folder, staged_bytes({"customers": [table, table]}, RULES))
        assert [(table.name, table.rows) for table in stage.seal().tables] == [("customers", 8)]

    def test_it_goes_through_json_unchanged(self, staged):
        sealed = staged.seal()
        assert type(sealed).from_json(json.loads(json.dumps(sealed.as_json()))) == dataclasses.replace(sealed)

    def test_the_released_manifest_holds_only_what_was_understood(self, staged):
        def chatter(value):
            value["report"]["customers"]["note"] = "ann@example.com"
            value["report"]["customers"]["columns"]["ann@example.com"] = {"nulls": 1}

        edit_manifest(staged.folder, chatter)
        staged.seal()
        assert "ann@example.com" not in (staged.sealed / "manifest.json").read_text()


class TestHostileStaging:
    """Anything but plain files under the manifest's names is refused, and nothing is kept."""

    def test_nothing_staged(self, stage):
        assert "no manifest.json" in stage.refusal()

    def test_one_byte_changed(self, staged):
        content = bytearray((staged.folder / PART).read_bytes())
        content[len(content) // 2] ^= 1
        (staged.folder / PART).write_bytes(content)
        assert staged.refusal() == (
            f'the staged file "{PART}" is not the one that manifest.json describes: its SHA-256 differs. '
            "It was changed after masking; mask again."
        )

    @pytest.mark.parametrize("change", [b"x", None], ids=["one byte more", "one byte less"])
    def test_another_size(self, staged, change):
        content = (staged.folder / PART).read_bytes()
        (staged.folder / PART).write_bytes(content + change if change else content[:-1])
        assert "its size differs" in staged.refusal()

    def test_a_file_that_is_missing(self, staged):
        (staged.folder / PART).unlink()
        assert staged.refusal() == f'manifest.json names "{PART}", but that file is not staged.'

    def test_a_file_that_is_not_named(self, staged):
        (staged.folder / "customers" / "part-00001.parquet").write_bytes(b"x")
        assert "part-00001.parquet" in (said := staged.refusal())
        assert "does not name it" in said

    def test_a_hidden_file(self, staged):
        (staged.folder / ".hidden").write_bytes(b"x")
        assert '".hidden"' in staged.refusal()

    def test_a_manifest_that_names_a_file_outside(self, staged, tmp_path):
        outside = tmp_path / "outside.parquet"
        outside.write_bytes((staged.folder / PART).read_bytes())

        def point_outside(value):
            value["tables"]["customers"]["files"] = [describe_file("../../outside.parquet", outside.read_bytes())]

        edit_manifest(staged.folder, point_outside)
        assert "../../outside.parquet" in (said := staged.refusal())
        assert "not a part of this table" in said

    def test_a_link_to_a_file(self, staged, tmp_path):
        outside = tmp_path / "outside.parquet"
        (staged.folder / PART).rename(outside)
        (staged.folder / PART).symlink_to(outside)
        assert f'"{PART}" is a link' in staged.refusal()

    def test_a_link_instead_of_a_table_folder(self, staged, tmp_path):
        (staged.folder / "customers").rename(tmp_path / "elsewhere")
        (staged.folder / "customers").symlink_to(tmp_path / "elsewhere")
        assert '"customers" is a link' in staged.refusal()

    def test_a_link_instead_of_the_manifest(self, staged, tmp_path):
        (staged.folder / "manifest.json").rename(tmp_path / "manifest.json")
        (staged.folder / "manifest.json").symlink_to(tmp_path / "manifest.json")
        assert '"manifest.json" is a link' in staged.refusal()

    def test_a_link_instead_of_the_staging(self, staged, tmp_path):
        staged.folder.rename(tmp_path / "elsewhere")
        staged.folder.symlink_to(tmp_path / "elsewhere")
        assert "link" in staged.refusal()

    def test_a_hard_link(self, staged, tmp_path):
        os.link(staged.folder / PART, tmp_path / "second-name")
        assert f'"{PART}" is a hard link' in staged.refusal()

    def test_a_pipe(self, staged):
        (staged.folder / PART).unlink()
        os.mkfifo(staged.folder / PART)
        assert f'"{PART}" is no regular file' in staged.refusal()

    def test_a_folder_in_a_table(self, staged):
        (staged.folder / "customers" / "deeper").mkdir()
        assert '"customers/deeper" is a folder' in staged.refusal()

    def test_a_manifest_that_is_too_large(self, staged):
        with (staged.folder / "manifest.json").open("r+b") as file:
            file.truncate((16 << 20) + 1)
        assert "manifest.json is larger than" in staged.refusal()

    def test_rules_that_are_not_registered(self, staged):
        assert "not registered" in staged.refusal(rules=None)

    def test_a_table_that_the_rules_do_not_have(self, stage):
        write_staged(stage.folder, staged_bytes({"strangers": masked_tables()["orders"]}, RULES))
        assert 'no table "strangers"' in stage.refusal()

    def test_a_key_that_the_rules_do_not_have(self, staged):
        edit_manifest(staged.folder, lambda value: value["keys"].update(other=1))
        assert 'no key "other"' in staged.refusal()

    def test_a_stopped_sealing_leaves_nothing(self, staged):
        def stop(_done, _total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            seal(staged.staging, staged.id, staged.sealed, rules={RULES.digest: RULES}, limits=LIMITS, progress=stop)
        assert not staged.sealed.exists()


class TestHostileFiles:
    """A file is opened by a bounded child; what cannot be measured is refused without quoting it."""

    def refusal(self, stage, content, rows=4):
        files = staged_bytes(masked_tables(), RULES)
        manifest = json.loads(files["manifest.json"])
        manifest["tables"]["customers"]["files"] = [describe_file(PART, content)]
        manifest["tables"]["customers"]["rows"] = rows
        write_staged(stage.folder, {**files, PART: content, "manifest.json": json.dumps(manifest).encode()})
        return stage.refusal()

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda _: b"", id="nothing"),
            pytest.param(lambda _: b"ann@example.com,Ann\n", id="a CSV"),
            pytest.param(lambda content: content[: len(content) // 2], id="half a file"),
            pytest.param(lambda content: content[:4] + os.urandom(len(content) - 8) + content[-4:], id="noise inside"),
            pytest.param(lambda content: content[:20] + bytes(60) + content[80:], id="a page overwritten"),
        ],
    )
    def test_a_corrupt_file(self, stage, damage):
        content = damage(staged_bytes(masked_tables(), RULES)[PART])
        said = self.refusal(stage, content)
        assert said.startswith(f'"{PART}" cannot be read as Parquet')
        assert "ann@" not in said

    def test_metadata_in_the_schema(self, stage):
        table = masked_tables()["customers"].replace_schema_metadata({"original": "ann@example.com"})
        said = self.refusal(stage, staged_bytes({"customers": table}, RULES)[PART])
        assert "holds key-value metadata" in said
        assert "ann@" not in said

    def test_metadata_in_a_field(self, stage):
        table = masked_tables()["customers"]
        noted = table.cast(pa.schema([table.schema.field(0).with_metadata({"a": "b"}), *list(table.schema)[1:]]))
        assert "key-value metadata" in self.refusal(stage, staged_bytes({"customers": noted}, RULES)[PART])

    def test_parts_of_different_schemas(self, stage):
        table = masked_tables()["customers"]
        files = staged_bytes({"customers": [table, table.drop_columns(["country"])]}, RULES)
        write_staged(stage.folder, files)
        assert "another schema than the first file" in stage.refusal()

    def test_a_bomb_of_long_cells(self, stage):
        """A few kilobytes that unfold to terabytes: one long cell, repeated by a dictionary."""
        cell = "x" * (4 << 20)
        column = pa.DictionaryArray.from_arrays(pa.array([0] * 500_000, pa.int32()), pa.array([cell]))
        table = pa.table({"country": column})
        content = staged_bytes({"customers": table}, RULES, compression="zstd", store_schema=False)[PART]
        assert len(content) < 1 << 20
        said = self.refusal(stage, content)
        assert "memory" in said

    def test_a_bomb_of_many_rows_takes_no_more_time_than_it_may(self, stage):
        """One repeated value, a hundred million times, in a small file."""
        column = pa.DictionaryArray.from_arrays(
            pa.array([0], pa.int8()).take(pa.array([0] * 50_000_000, pa.int32())), ["NO"]
        )
        content = staged_bytes({"customers": pa.table({"country": column})}, RULES, store_schema=False)[PART]
        assert len(content) < 1 << 20
        files = staged_bytes({"customers": masked_tables()["customers"]}, RULES)
        manifest = json.loads(files["manifest.json"])
        manifest["tables"]["customers"]["files"] = [describe_file(PART, content)]
        write_staged(stage.folder, {PART: content, "manifest.json": json.dumps(manifest).encode()})
        said = stage.refusal(limits=Limits(seal_seconds=1, seal_memory_mb=1024))
        assert "memory or time" in said


class TestLyingReport:
    """What the pipeline says is not what is counted."""

    def test_raw_addresses_in_a_token_column_are_counted(self, stage):
        tables = masked_tables()
        raw = pa.array(["ann@example.com", None, "bob@example.com", "em_" + "0" * 32])
        tables["customers"] = tables["customers"].set_column(0, "email", raw)
        write_staged(stage.folder, staged_bytes(tables, RULES))
        email = stage.seal().tables[0].columns[0]
        assert (email.nulls, email.shape_violations) == (1, 2)
        assert email.classes == ("email",)

    def test_a_column_of_another_type_does_not_fit_its_shape(self, stage):
        tables = masked_tables()
        tables["customers"] = tables["customers"].set_column(1, "full_name", pa.array([1, 2, None, 4]))
        write_staged(stage.folder, staged_bytes(tables, RULES))
        assert stage.seal().tables[0].columns[1].shape_violations == 3

    def test_raw_values_in_the_last_rows_of_many_are_seen(self, stage):
        rows = 40_000
        countries = ["NO"] * (rows - 400) + ["ann@example.com"] * 400
        tables = masked_tables(rows)
        tables["customers"] = tables["customers"].set_column(2, "country", pa.array(countries))
        write_staged(stage.folder, staged_bytes(tables, RULES))
        assert stage.seal().tables[0].columns[2].classes == ("email",)


class TestSealingFromAnObjectStore:
    """A prefix of a bucket is sealed like a folder."""

    @pytest.fixture
    def staging(self, bucket):
        return Staging(StagingRoot(id="bucket", uri=f"s3://{bucket.name}/staging", options=bucket.options))

    def test_files_are_copied_byte_for_byte(self, staging, tmp_path):
        staging.open(staging_id := new_staging_id())
        files = staged_bytes(masked_tables(), RULES)
        put_staged(staging, staging_id, files)
        folder = tmp_path / "sealed"
        known = {RULES.digest: RULES}
        seal(staging, staging_id, folder, rules=known, limits=LIMITS, progress=lambda *_: None)
        assert (folder / PART).read_bytes() == files[PART]

    def test_an_object_that_was_changed_is_refused(self, staging, tmp_path, bucket):
        staging.open(staging_id := new_staging_id())
        put_staged(staging, staging_id, staged_bytes(masked_tables(), RULES))
        key = f"{bucket.name}/staging/{staging_id}/{PART}"
        content = bytearray(bucket.filesystem.cat_file(key))
        content[10] ^= 1
        bucket.filesystem.pipe_file(key, bytes(content))
        with pytest.raises(Refused, match="SHA-256 differs"):
            seal_into(tmp_path, staging, staging_id)

    def test_a_key_that_leads_out_is_refused(self, staging, tmp_path, bucket):
        staging.open(staging_id := new_staging_id())
        put_staged(staging, staging_id, staged_bytes(masked_tables(), RULES))
        bucket.filesystem.pipe_file(f"{bucket.name}/staging/{staging_id}/customers/../../evil", b"x")
        with pytest.raises(Refused, match="does not name it"):
            seal_into(tmp_path, staging, staging_id)
