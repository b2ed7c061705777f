"""A disk that gets full while masked rows are written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_dataset
from maskgate.errors import DatasetError
from maskgate.rules import read_rules

RULES = """
version: 1
keys: {people: "env:MASKGATE_KEY_PEOPLE"}
domains: {email: {scheme: cmac}}
tables: {people: {columns: {id: keep, email: {method: token, domain: email}}}}
"""
# A small disk of its own, which nobody else sees and which goes away with the shell; later it gets larger.
ON_A_SMALL_DISK = """
place=$1; out=$2; shift 2
mount -t tmpfs -o size=2m tmpfs "$place" || exit 99
"$@"; first=$?
ls -A "$place" > "$out/left"
mount -o remount,size=64m "$place"
"$@" --resume && cp -r "$place/." "$out/"
exit $first
"""
UNDER_A_LIMIT = """
place=$1; out=$2; shift 2
(ulimit -f 200; "$@"); first=$?
ls -A "$place" > "$out/left"
"$@" --resume && cp -r "$place/." "$out/"
exit $first
"""


@pytest.fixture
def on_a_full_disk(tmp_path):
    """Run a command where there is too little room, and then once more with `--resume` and enough of it.

    Where nothing may be mounted, a limit on the size of files takes the disk's place.
    """
    place, out = tmp_path / "place", tmp_path / "out"
    place.mkdir()
    out.mkdir()
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", place]
    try:
        can_mount = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        can_mount = False
    shell = ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK] if can_mount else ["sh", "-c", UNDER_A_LIMIT]

    def run(*arguments):
        command = [Path(sys.executable).with_name("maskgate"), "mask", *arguments]
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "AAECAwQFBgcICQoLDA0ODw=="}
        done = subprocess.run(
            [*shell, "sh", place, out, *command], env=environment, capture_output=True, text=True, check=False
        )
        return done, (out / "left").read_text().split(), out

    run.place, run.reason = place, "No space left on device" if can_mount else "File too large"
    return run


class TestFullDisk:
    """It is told, the target is not there, and with more room the run goes on to the same bytes."""

    @pytest.fixture
    def rules(self, tmp_path):
        (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
        rows = 200_000
        mails = pa.array([f"person{at}@planted.example" for at in range(rows)])
        pq.write_table(pa.table({"id": range(rows), "email": mails}), tmp_path / "people.parquet")
        return tmp_path / "rules.yaml"

    def test_what_is_finished_is_kept(self, on_a_full_disk, rules, tmp_path):
        arguments = [rules, tmp_path / "people.parquet"]
        sizes = ["--file-size", "150kB", "--row-group-size", "5000"]
        done, left, out = on_a_full_disk(*arguments, on_a_full_disk.place / "masked", *sizes)
        assert done.returncode == 1
        assert f"the masked data cannot be written: {on_a_full_disk.reason}." in done.stderr
        assert "masked" not in left
        command = [Path(sys.executable).with_name("maskgate"), "mask", *arguments, tmp_path / "whole", *sizes]
        environment = {**os.environ, "MASKGATE_KEY_PEOPLE": "AAECAwQFBgcICQoLDA0ODw=="}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        whole = {each.name: each.read_bytes() for each in (tmp_path / "whole").iterdir()}
        assert {each.name: each.read_bytes() for each in (out / "masked").iterdir()} == whole

    def test_the_manifest_finds_no_room(self, tmp_path):
        many = pa.table({f"column_{at}": pa.array([], pa.int64()) for at in range(100)})
        rules = read_rules("{version: 1, unlisted: keep, tables: {t: {columns: {column_0: drop}}}}", "r")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
        try:
            with pytest.raises(DatasetError, match="cannot be written: File too large") as caught:
                mask_dataset(many, tmp_path / "masked", rules, target_format="csv")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "manifest.json" in str(caught.value)
        assert not (tmp_path / "masked").exists()

    def test_a_single_file_leaves_nothing(self, on_a_full_disk, rules, tmp_path):
        done, left, _ = on_a_full_disk(rules, tmp_path / "people.parquet", on_a_full_disk.place / "masked.parquet")
        assert done.returncode == 1
        assert on_a_full_disk.reason in done.stderr
        assert left == []
