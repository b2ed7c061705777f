from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from server.release.carrying_out import untold

from maskgate.release.releaser import DestinationReleaser

# A releaser in a process of its own, slow enough to be killed in the middle; it says how far it is.
_RELEASE = """
import json, sys
from maskgate.gate.model import Destination, Sealed
from maskgate.gate.releaser import ReleaseOrder
from maskgate.release.releaser import DestinationReleaser
said = json.load(sys.stdin)
order = ReleaseOrder(
    said["grant"], said["fence"], said["request"], Destination(**said["destination"]),
    Sealed.from_json(said["sealed"]), said["version"],
)
releaser = DestinationReleaser(said["bytes_per_second"])
releaser.copy(order, lambda done, total: print(done, flush=True))
releaser.commit(order)
print("committed", flush=True)
"""


@contextlib.contextmanager
def release_slowly(order, bytes_per_second):
    said = {**dataclasses.asdict(order), "sealed": order.sealed.as_json(), "bytes_per_second": bytes_per_second}
    command = [sys.executable, "-c", _RELEASE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdin.write(json.dumps(said))
            process.stdin.close()
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["folder", "s3"])
def place(request, tmp_path):
    if request.param == "folder":
        return str(tmp_path / "released"), {}
    bucket = request.getfixturevalue("bucket")
    return f"s3://{bucket.name}/released", bucket.options


class TestKilledReleaser:
    """A releaser killed in the middle of a copy leaves nothing visible, and the next one finishes."""

    def test_killed_in_the_middle_then_finished(self, order_of, place, request):
        uri, options = place
        order = order_of(uri, options=options)
        with release_slowly(order, order.sealed.size // 4) as process:
            for _ in range(3):
                assert process.stdout.readline().strip().isdigit()
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        releaser = DestinationReleaser()
        assert releaser.probe(order) == "absent"
        if not options:
            left = [path.name for path in Path(uri).iterdir()]
            assert left == [".maskgate-grant-1-1"]

        again = dataclasses.replace(order, fence=2)
        releaser.copy(again, untold)
        releaser.commit(again)
        assert releaser.probe(again) == "committed"
        assert released(uri, options, request) == {
            f"{order.version}/{file.path}": Path(order.sealed.folder, file.path).read_bytes()
            for file in order.sealed.files
        }

    def test_stopped_in_the_middle_and_woken_after_the_next_one_is_done(self, order_of, place, request):
        """The zombie goes on writing when it wakes, and must neither publish nor spoil."""
        uri, options = place
        order = order_of(uri, options=options)
        releaser = DestinationReleaser()
        again = dataclasses.replace(order, fence=2)
        with release_slowly(order, order.sealed.size // 2) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            releaser.copy(again, untold)
            releaser.commit(again)
            process.send_signal(signal.SIGCONT)
            process.wait(timeout=60)
        assert releaser.probe(again) == "committed"
        assert released(uri, options, request) == {
            f"{order.version}/{file.path}": Path(order.sealed.folder, file.path).read_bytes()
            for file in order.sealed.files
        }


def released(uri, options, request):
    if options:
        found = request.getfixturevalue("bucket").files("released/")
        return {name.removeprefix("released/"): content for name, content in found.items()}
    return {str(path.relative_to(uri)): path.read_bytes() for path in Path(uri).rglob("*") if path.is_file()}
