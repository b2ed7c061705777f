"""What shuffles and swaps keep outside of memory: how little is left in it, and who can read what is not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.datasets.moving.spill import Spill
from maskgate.errors import DatasetError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

RULES = """
version: 1
keys: {{people: "env:MASKGATE_KEY_PEOPLE"}}
tables:
  t: {{key: people, columns: {columns}}}
"""
SHUFFLED = RULES.format(columns="{v: shuffle, wide: keep}")
RUN = """
import resource, signal, os
from maskgate.datasets import Layout, mask_dataset
from maskgate.errors import DatasetError
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

keys = KeyRing({{"people": Key("people", bytes(range(32)))}})
def run(**options):
    mask_dataset({source!r}, {target!r}, read_rules({rules!r}, "r"), table_name="t", keys=keys, **options)
"""
PEAK = (
    RUN
    + """
run(memory=16 << 20, workers=2, layout=Layout(row_group_rows=8192, compression="none"))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
)
FULL = (
    RUN
    + """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    run(memory=1 << 18)
except DatasetError as error:
    print(error)
"""
)
KILLED = (
    RUN
    + """
run(memory=1 << 18, workers=1, progress=lambda progress: progress.step or os.kill(os.getpid(), signal.SIGKILL))
"""
)


class TestMemory:
    """A table of eight times the limit takes hardly more memory than one of which nothing moves."""

    ROWS = 600_000

    @pytest.fixture
    def peak(self, tmp_path):
        """Return the greatest size of a process that masks a table of 128 MB within 16 MB, in MB."""
        source = tmp_path / "in.parquet"
        schema = pa.schema([("v", pa.string()), ("wide", pa.binary(150))])
        with pq.ParquetWriter(source, schema, compression="none", use_dictionary=False) as file:
            for start in range(0, self.ROWS, 100_000):
                texts = pa.array(range(start, start + 100_000)).cast(pa.string())
                wide = pa.py_buffer(os.urandom(150 * len(texts)))
                wide = pa.Array.from_buffers(schema.field("wide").type, len(texts), [None, wide])
                file.write_table(pa.table([pc.binary_join_element_wise(texts, "-" * 40, ""), wide], schema=schema))

        def run(method):
            code = PEAK.format(source=str(source), target=str(tmp_path / method), rules=RULES.format(columns=method))
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            return int(done.stdout) / 1024

        return run

    def test_it_is_bounded(self, peak):
        kept = peak("{v: keep, wide: keep}")
        # Held in memory, it takes 200 MB more.
        assert peak("{v: shuffle, wide: keep}") < kept + 100


class TestSpill:
    """Originals outside of memory are readable to this process alone, and gone with it."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()
        return tmp_path / "temporary"

    @pytest.fixture
    def source(self, tmp_path):
        """A table of which memory is said not to hold the column that moves."""
        texts = [f"name {at * 7919 % 5000}" for at in range(60_000)]
        pq.write_table(pa.table({"v": texts, "wide": [bytes(64)] * len(texts)}), tmp_path / "in.parquet")
        return tmp_path / "in.parquet"

    def test_it_has_no_name_and_holds_no_value(self, folder):
        with Spill() as spill:
            place = spill.write(b"ann@secret.example" * 100)
            assert list(folder.iterdir()) == []
            found = os.pread(spill._file.fileno(), 1 << 20, 0)
            assert len(found) >= 1800
            assert b"secret" not in found
            assert spill.read(place) == b"ann@secret.example" * 100

    def test_equal_bytes_differ_in_it(self, folder):
        del folder
        with Spill() as spill, Spill() as other:
            places = [spill.write(b"one value"), spill.write(b"one value"), other.write(b"one value")]
            files = [spill, spill, other]
            found = {
                os.pread(file._file.fileno(), place.size, place.start)
                for file, place in zip(files, places, strict=True)
            }
            assert len(found) == 3

    def test_bytes_that_somebody_changed_are_refused(self, folder):
        with Spill() as spill:
            place = spill.write(b"a value")
            os.pwrite(spill._file.fileno(), b"\0", 3)
            with pytest.raises(DatasetError, match=f"a temporary file in {folder} has changed while it was in use"):
                spill.read(place)

    def test_a_full_disk_is_told(self, source, tmp_path):
        """The limit on the size of a file stands for the disk's."""
        limited = FULL.format(source=str(source), target=str(tmp_path / "out"), rules=SHUFFLED)
        done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=False)
        assert done.stdout.startswith(
            f"the values that change rows do not fit into {tempfile.gettempdir()}: File too large."
        )
        assert list(tmp_path.iterdir()) == [source]
        keys = KeyRing({"people": Key("people", bytes(range(32)))})
        rules = read_rules(SHUFFLED, "r")
        assert mask_dataset(source, tmp_path / "out", rules, table_name="t", keys=keys, memory=1 << 18).report.rows

    def test_a_kill_leaves_nothing(self, folder, source, tmp_path):
        killed = KILLED.format(source=str(source), target=str(tmp_path / "out"), rules=SHUFFLED)
        done = subprocess.run(
            [sys.executable, "-c", killed], env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, check=False
        )
        assert done.returncode == -9, done.stderr
        assert list(folder.iterdir()) == []
