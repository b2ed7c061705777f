from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError, MaskingError, UsageError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
RULES = """
version: 1
keys: {people: "env:MASKGATE_KEY_PEOPLE"}
domains: {email: {scheme: cmac}}
tables:
  people:
    entity: id
    columns:
      id: keep
      email: {method: token, domain: email}
      score: {method: noise, kind: laplace, scale: 5, min: 0, max: 100}
    check: {unique: %s}
"""
LAYOUT = Layout(file_bytes=20_000, row_group_rows=500)
ROWS = 10_000
KILLED = """
import os, signal, sys
from maskgate.datasets import Layout, mask_dataset
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

source, target, rules, rows, workers = sys.argv[1:]
def stop(progress):
    if progress.rows >= int(rows):
        os.kill(os.getpid(), signal.SIGKILL)
mask_dataset(source, target, read_rules(rules, "r"), table_name="people", progress=stop, workers=int(workers),
             keys=KeyRing({"people": Key("people", bytes(range(32)))}),
             layout=Layout(file_bytes=20_000, row_group_rows=500))
"""


def people(rows=ROWS):
    return pa.table(
        {
            "id": np.arange(rows),
            "email": [f"person{at}@secret.example" for at in range(rows)],
            "score": np.linspace(0, 100, rows),
        }
    )


def files(folder):
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


class Interrupting:
    """Raises once so many rows are written."""

    def __init__(self, rows, error=KeyboardInterrupt):
        self.rows, self.error, self.seen = rows, error, []

    def __call__(self, progress):
        self.seen.append(progress.rows)
        if progress.rows >= self.rows:
            raise self.error


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "people"
    folder.mkdir()
    for at in range(4):
        pq.write_table(people().slice(at * 2500, 2500), folder / f"{at}.parquet", row_group_size=700)
    return folder


@pytest.fixture
def mask(source, tmp_path):
    def run(target="masked", *, unique="[]", keys=KEYS, layout=LAYOUT, rules=RULES, **options):
        place = target if "://" in str(target) else tmp_path / target
        return mask_dataset(
            source, place, read_rules(rules % unique, "r"), table_name="people", keys=keys, layout=layout, **options
        )

    return run


@pytest.fixture
def whole(mask, tmp_path):
    """What a run without interruption writes."""
    mask("whole", workers=1)
    return files(tmp_path / "whole")


class TestParts:
    """A folder gets parts of about one size, in the order of the rows."""

    def test_parts_are_numbered_and_listed(self, mask, tmp_path):
        done = mask()
        (table,) = done.manifest["tables"].values()
        names = [file["path"] for file in table["files"]]
        assert names == [f"part-{at:05}.parquet" for at in range(len(names))]
        assert len(names) > 5
        assert files(tmp_path / "masked").keys() == {*names, "manifest.json"}
        for file in table["files"]:
            content = (tmp_path / "masked" / file["path"]).read_bytes()
            assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        read = [pq.read_table(tmp_path / "masked" / name) for name in names]
        assert pa.concat_tables(read)["id"].to_pylist() == list(range(ROWS))

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_the_bytes_are_the_same_for_any_number_of_workers(self, mask, whole, tmp_path, workers):
        mask(workers=workers)
        assert files(tmp_path / "masked") == whole

    def test_one_file_is_not_cut(self, mask, tmp_path):
        mask("masked.parquet")
        assert pq.ParquetFile(tmp_path / "masked.parquet").metadata.num_row_groups == ROWS // 500

    def test_a_row_group_of_many_batches(self, mask, tmp_path):
        mask("one", layout=Layout(row_group_rows=7000))
        metadata = pq.ParquetFile(tmp_path / "one" / "part-00000.parquet").metadata
        assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [7000, 3000]


class TestOneFile:
    """A single file is gone on with in its middle, from where about a part of it was safely stored."""

    SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl.zst", ".arrow", ".arrows")

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_resumed(self, mask, tmp_path, suffix):
        mask(f"whole{suffix}")
        with pytest.raises(KeyboardInterrupt) as caught:
            mask(f"masked{suffix}", progress=Interrupting(6000))
        assert "--resume" in caught.value.__notes__[0]
        assert not (tmp_path / f"masked{suffix}").exists()
        watching = Interrupting(ROWS * 2)
        done = mask(f"masked{suffix}", resume=True, progress=watching)
        assert watching.seen[0] > 3000
        assert done.report.rows == ROWS
        assert (tmp_path / f"masked{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
        assert {each.name for each in tmp_path.iterdir()} == {"people", f"whole{suffix}", f"masked{suffix}"}

    def test_more_than_once(self, mask, tmp_path):
        mask("whole.parquet")
        for rows in (3000, 5000, 7000):
            with pytest.raises(KeyboardInterrupt):
                mask("masked.parquet", resume=True, progress=Interrupting(rows), workers=1)
        report = mask("masked.parquet", resume=True).report
        assert (tmp_path / "masked.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
        assert report.columns["email"].nulls == 0

    def test_a_kill(self, mask, source, tmp_path):
        mask("whole.parquet")
        target = tmp_path / "masked.parquet"
        command = [sys.executable, "-c", KILLED, str(source), str(target), RULES % "[]", "6000", "2"]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        # What was written behind the last safe place may be anything.
        with (tmp_path / ".masked.parquet.maskgate-run" / "data" / "file").open("ab") as file:
            file.write(b"half a row group")
        mask(target.name, resume=True)
        assert target.read_bytes() == (tmp_path / "whole.parquet").read_bytes()

    def test_a_file_that_changed_is_refused(self, mask, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", progress=Interrupting(6000))
        with (tmp_path / ".masked.parquet.maskgate-run" / "data" / "file").open("r+b") as file:
            file.seek(1000)
            file.write(b"other bytes")
        with pytest.raises(
            DatasetError, match=r"masked\.parquet: what the run .* has written of this file has changed"
        ):
            mask("masked.parquet", resume=True)

    def test_another_rule_is_refused(self, mask):
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", progress=Interrupting(6000))
        with pytest.raises(DatasetError, match="cannot be resumed, since something is different now: the rules"):
            mask("masked.parquet", resume=True, unique="[id]")

    def test_a_small_file_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(KeyboardInterrupt):
            mask("masked.parquet", layout=Layout(row_group_rows=500), progress=Interrupting(6000))
        assert sorted(tmp_path.iterdir()) == before

    def test_nothing_to_resume_is_a_beginning(self, mask, tmp_path):
        mask("whole.csv")
        mask("masked.csv", resume=True)
        assert (tmp_path / "masked.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


class TestInterrupted:
    """What was finished is kept, and a run that resumes gives the bytes that an uninterrupted one gives."""

    @pytest.mark.parametrize("workers", [1, 2])
    def test_resumed(self, mask, whole, tmp_path, workers):
        with pytest.raises(KeyboardInterrupt) as caught:
            mask(progress=Interrupting(6000), workers=workers)
        assert "--resume" in caught.value.__notes__[0]
        assert not (tmp_path / "masked").exists()
        watching = Interrupting(ROWS * 2)
        done = mask(resume=True, progress=watching, workers=workers)
        assert files(tmp_path / "masked") == whole
        assert min(watching.seen) > 3000, "finished parts are not masked again"
        assert done.report.rows == ROWS
        assert not (tmp_path / ".masked.maskgate-run").exists()

    def test_checks_of_the_whole_table_see_all_rows(self, mask, source, tmp_path):
        last = pq.read_table(source / "3.parquet")
        pq.write_table(pa.concat_tables([last.slice(1), people().slice(0, 1)]), source / "3.parquet")
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000), unique="[email]")
        with pytest.raises(MaskingError, match="1 values stand there a second time"):
            mask(resume=True, unique="[email]")
        assert not (tmp_path / "masked").exists()

    def test_nothing_to_resume_is_a_beginning(self, mask, whole, tmp_path):
        mask(resume=True)
        assert files(tmp_path / "masked") == whole

    def test_without_resume_it_begins_anew(self, mask, whole, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000))
        watching = Interrupting(ROWS * 2)
        mask(progress=watching)
        assert watching.seen[0] == 500
        assert files(tmp_path / "masked") == whole

    def test_what_no_part_is_finished_of_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(KeyboardInterrupt):
            mask("deep/masked", progress=Interrupting(500))
        assert sorted(tmp_path.iterdir()) == before

    def test_a_value_that_cannot_be_masked_leaves_nothing(self, mask, tmp_path):
        before = sorted(tmp_path.iterdir())
        with pytest.raises(MaskingError):
            mask(progress=Interrupting(6000, MaskingError("x")))
        assert sorted(tmp_path.iterdir()) == before

    def test_a_single_object_cannot_be_resumed(self, mask):
        with pytest.raises(UsageError, match="a single object is written in one go"):
            mask("memory://bucket/masked.parquet", resume=True)

    def test_an_object_store(self, mask, whole):
        store = fsspec.filesystem("memory")
        with pytest.raises(KeyboardInterrupt):
            mask("memory://bucket/masked", progress=Interrupting(6000))
        assert not store.exists("/bucket/masked/manifest.json")
        with pytest.raises(DatasetError, match="another run is writing there, or was interrupted"):
            mask("memory://bucket/masked")
        mask("memory://bucket/masked", resume=True)
        written = {name.rpartition("/")[2]: store.cat(name) for name in store.find("/bucket/masked")}
        assert {name: hashlib.sha256(content).hexdigest() for name, content in written.items()} == whole


class TestChanges:
    """Nothing is put behind parts that were made of something else."""

    @pytest.fixture
    def interrupted(self, mask, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            mask(progress=Interrupting(6000))
        return tmp_path / ".masked.maskgate-run"

    def refused(self, mask, interrupted, said, **options):
        before = files(interrupted / "data")
        with pytest.raises(DatasetError) as caught:
            mask(resume=True, **options)
        assert "cannot be resumed, since something is different now" in str(caught.value)
        assert said in str(caught.value)
        assert files(interrupted / "data") == before

    def test_another_key_of_the_same_version(self, mask, interrupted):
        self.refused(mask, interrupted, ": the keys.", keys=KeyRing({"people": Key("people", bytes(32))}))

    def test_a_newer_key(self, mask, interrupted):
        newer = Key("people", bytes(range(32)), 2, {1: bytes(32)})
        self.refused(mask, interrupted, ": the keys.", keys=KeyRing({"people": newer}))

    def test_other_rules(self, mask, interrupted):
        self.refused(mask, interrupted, "the rules", rules=RULES.replace("scale: 5", "scale: 6"))

    def test_another_layout(self, mask, interrupted):
        self.refused(mask, interrupted, "the layout", layout=Layout(file_bytes=20_000, row_group_rows=1000))

    def test_a_file_that_was_written_again(self, mask, interrupted, source):
        table = pq.read_table(source / "3.parquet")
        pq.write_table(table.take(list(range(2499, -1, -1))), source / "3.parquet", row_group_size=700)
        self.refused(mask, interrupted, "the input")

    def test_a_file_that_was_added(self, mask, interrupted, source):
        pq.write_table(people(1), source / "4.parquet")
        self.refused(mask, interrupted, "the input")


class TestMeanwhile:
    """What happens to source and target while a run is on its way is noticed."""

    def test_of_two_runs_one_wins(self, mask, whole, tmp_path):
        said = []

        def meanwhile(progress):
            if not said:
                with pytest.raises(DatasetError) as caught:
                    mask()
                said.append(str(caught.value))

        mask(progress=meanwhile)
        assert said[0].endswith("masked: another run is writing there. Wait for it, or choose another target.")
        assert files(tmp_path / "masked") == whole

    def test_of_two_runs_to_an_object_store_too(self, mask):
        said = []

        def meanwhile(progress):
            if not said:
                with pytest.raises(DatasetError) as caught:
                    mask("memory://bucket/twice")
                said.append(str(caught.value))

        mask("memory://bucket/twice", progress=meanwhile)
        assert "another run is writing there" in said[0]

    @pytest.mark.parametrize(
        ("happens", "said"),
        [
            pytest.param(lambda source: (source / "3.parquet").unlink(), "3.parquet", id="a file disappears"),
            pytest.param(
                lambda source: (source / "3.parquet").write_bytes(b"PAR1 torn PAR1"),
                "3.parquet: it is not a Parquet file, or a damaged one",
                id="a file is torn",
            ),
            pytest.param(
                lambda source: pq.write_table(people(1), source / "9.parquet"),
                "9.parquet: the file is new",
                id="one more",
            ),
            pytest.param(
                lambda source: pq.write_table(people().slice(0, 2500), source / "0.parquet"),
                "0.parquet: the file has changed since the run began",
                id="a file is written again behind the run",
            ),
        ],
    )
    def test_a_source_that_is_not_at_rest(self, mask, source, tmp_path, happens, said):
        def meanwhile(progress):
            if not (tmp_path / "happened").exists():
                (tmp_path / "happened").touch()
                happens(source)

        with pytest.raises(DatasetError) as caught:
            mask(progress=meanwhile, workers=1)
        assert said in str(caught.value)
        assert not (tmp_path / "masked").exists()

    def test_a_damaged_page_is_named_with_its_row_group(self, mask, source, tmp_path):
        table = pq.read_table(source / "2.parquet")
        options = {"row_group_size": 700, "compression": "none", "use_dictionary": False, "write_page_checksum": True}
        pq.write_table(table, source / "2.parquet", **options)
        content = bytearray((source / "2.parquet").read_bytes())
        content[content.index(b"person6500@") + 1] ^= 1
        (source / "2.parquet").write_bytes(content)
        with pytest.raises(DatasetError) as caught:
            mask()
        assert f"{source / '2.parquet'}, row group 2: it is damaged" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert not (tmp_path / "masked").exists()

    def test_a_full_disk(self, mask, tmp_path):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        try:
            with pytest.raises(DatasetError) as caught:
                mask("masked", layout=Layout(file_bytes=10**9))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        assert str(caught.value) == "the masked data cannot be written: File too large."
        assert not (tmp_path / "masked").exists()
        assert not (tmp_path / ".masked.maskgate-run").exists()


class TestKilled:
    """A run that was killed at any moment leaves the target as it was, and is resumed to the same bytes."""

    ROUNDS = 3 if not os.environ.get("MASKGATE_SOAK") else 100

    def test_by_the_system(self, mask, whole, source, tmp_path):
        chance = random.Random(7)
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "x"}
        for attempt in range(self.ROUNDS):
            target = tmp_path / f"killed{attempt}"
            rows, workers = chance.randrange(500, ROWS, 250), chance.choice([1, 2])
            arguments = [str(source), str(target), RULES % "[]", str(rows), str(workers)]
            killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, check=False)
            assert killed.returncode == -signal.SIGKILL
            assert not target.exists()
            mask(target.name, resume=True)
            assert files(target) == whole


class TestStopped:
    """Ctrl-C stops a run within moments, says how to go on, and leaves the target as it was."""

    def test_by_a_person(self, source, tmp_path):
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES % "[]", encoding="utf-8")
        many = pa.concat_tables([people()] * 300)
        pq.write_table(many, source / "4.parquet")
        maskgate = Path(sys.executable).with_name("maskgate")
        command = [maskgate, "mask", rules, source, tmp_path / "masked", "--table", "people"]
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "AAECAwQFBgcICQoLDA0ODw=="}
        process = subprocess.Popen(
            [*command, "--file-size", "100kB", "--row-group-size", "1000"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        journal = tmp_path / ".masked.maskgate-run" / "journal"
        while not journal.exists() or len(journal.read_bytes().splitlines()) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "run it again with --resume" in said
        assert said.endswith("stopped.\n")
        assert not (tmp_path / "masked").exists()
