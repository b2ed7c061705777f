from __future__ import annotations

import os
import resource
import signal
import time
from contextlib import nullcontext, suppress

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from core.datasets.resuming.people import Interrupting, files, people

from maskgate.datasets import Layout
from maskgate.datasets.outputs import open_output
from maskgate.errors import DatasetError, MaskingError


def contents(store, folder):
    return {name.removeprefix(folder): store.cat_file(name) for name in store.find(folder)}


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

    @pytest.mark.parametrize("terms", [{"rules": "sha256:0"}, None], ids=["of files", "of a stream"])
    def test_of_two_runs_to_an_object_store_that_begin_at_once_too(self, terms):
        """Both find nothing there; the quicker one claims the place, and the other is not taken for its heir."""
        quicker, slower = (open_output(f"memory://bucket/at-once-{terms}") for _ in range(2))
        for output in (quicker, slower):
            with pytest.raises(DatasetError, match="another run is writing") if output is slower else nullcontext():
                if terms is not None:
                    output.journal.begin(terms)
                output.create("part-00000.parquet").close()
        slower.abandon()
        assert quicker.reopen("part-00000.parquet").read() == b""
        quicker.abandon()
        with pytest.raises(FileNotFoundError):
            quicker.reopen("part-00000.parquet")

    def test_of_two_runs_that_begin_at_once_one_may_have_finished(self, mask):
        slower = open_output("memory://bucket/finished-meanwhile")
        mask("memory://bucket/finished-meanwhile")
        manifest = slower.reopen("manifest.json").read()
        with pytest.raises(DatasetError, match="something is there already"):
            slower.create("part-00000.parquet")
        slower.abandon()
        assert slower.reopen("manifest.json").read() == manifest
        assert not slower.filesystem.find("/bucket/finished-meanwhile/_maskgate")

    @pytest.mark.parametrize("heir_ends", [None, 3000, 9000])
    @pytest.mark.parametrize("maker_ends", [None, 8000])
    @pytest.mark.parametrize("taken_over_at", [500, 5000, 10_000])
    def test_a_run_in_an_object_store_that_was_taken_over_alive(self, mask, heir_ends, maker_ends, taken_over_at):
        """Its maker and its heir write the same bytes; whoever loses or is stopped takes nothing of the other away."""
        ended = []

        def meanwhile(progress):
            if not ended and progress.rows >= taken_over_at:
                ended.append(stopped_at(heir_ends, resume=True))
            stop(progress, maker_ends)

        def stop(progress, rows):
            if rows is not None and progress.rows >= rows:
                raise KeyboardInterrupt

        def stopped_at(rows, **options):
            try:
                mask("memory://bucket/alive", workers=1, progress=lambda progress: stop(progress, rows), **options)
            except (DatasetError, KeyboardInterrupt) as error:
                return type(error)

        store = fsspec.filesystem("memory")
        mask("memory://bucket/alone")
        with suppress(DatasetError, KeyboardInterrupt):
            mask("memory://bucket/alive", workers=1, progress=meanwhile)
        if store.exists("/bucket/alive/manifest.json"):
            assert contents(store, "/bucket/alive") == contents(store, "/bucket/alone")
        mask("memory://bucket/alive", resume=True)
        assert contents(store, "/bucket/alive") == contents(store, "/bucket/alone")
        store.rm("/bucket/alive", recursive=True)
        store.rm("/bucket/alone", recursive=True)

    def test_a_single_object_of_another_run_stays_when_a_run_is_stopped_just_as_it_finds_it(self, monkeypatch):
        """The store's answer, that there is one already, comes after the signal."""
        store = fsspec.filesystem("memory")
        output = open_output("memory://bucket/theirs.parquet")
        upload = output.create("theirs.parquet")
        store.pipe("/bucket/theirs.parquet", b"theirs")

        def stopped():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            raise FileExistsError

        monkeypatch.setattr(upload.file, "close", stopped)
        with pytest.raises(KeyboardInterrupt):
            upload.close()
        output.abandon()
        assert store.cat("/bucket/theirs.parquet") == b"theirs"
        store.rm("/bucket/theirs.parquet")

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), MaskingError("x")], ids=["is stopped", "fails"])
    def test_who_was_taken_over_takes_nothing_of_its_heir_away(self, mask, error):
        """Even if it has not yet noticed, because it has had nothing to write down since."""
        store = fsspec.filesystem("memory")
        left = {}

        def meanwhile(_):
            with suppress(KeyboardInterrupt):
                mask("memory://bucket/heir", resume=True, progress=Interrupting(9000))
            left.update(contents(store, "/bucket/heir"))
            raise error

        with pytest.raises(type(error)):
            mask("memory://bucket/heir", workers=1, progress=meanwhile)
        assert len([name for name in left if name.startswith("/part-")]) > 1
        assert contents(store, "/bucket/heir") == left
        store.rm("/bucket/heir", recursive=True)

    @pytest.mark.parametrize(
        ("is_finished", "said"),
        [(True, "something is there already"), (False, "another run is writing there")],
        ids=["by a run that has finished", "by one that is under way"],
    )
    def test_a_stream_that_was_taken_over_alive_writes_over_nothing(self, mask, is_finished, said):
        """Its rows may be others than those of its heir."""
        store = fsspec.filesystem("memory")
        left = {}

        def meanwhile(_):
            if left:
                return
            if is_finished:
                mask("memory://bucket/streams", source=people().to_reader(500), resume=True)
            else:
                heir = open_output("memory://bucket/streams", resume=True)
                heir.create("part-00000.parquet").close()
            left.update(contents(store, "/bucket/streams"))

        with pytest.raises(DatasetError, match=said):
            mask("memory://bucket/streams", source=people(9000).to_reader(500), workers=1, progress=meanwhile)
        assert contents(store, "/bucket/streams") == left
        store.rm("/bucket/streams", recursive=True)

    def test_what_a_stream_leaves_in_an_object_store_when_it_fails(self, mask):
        def batches():
            yield from people().to_batches(max_chunksize=3000)
            raise OSError

        reader = pa.RecordBatchReader.from_batches(people().schema, batches())
        with pytest.raises(DatasetError, match="cannot be read"):
            mask("memory://bucket/stream", source=reader)
        mask("memory://bucket/stream")

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
            # The first file is read then, and the last is not.
            if progress.rows > 2500 and not (tmp_path / "happened").exists():
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
