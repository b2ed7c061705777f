"""Law 11: SIGKILL and SIGSTOP at every point of a release, for every kind of destination and mode.

Whoever goes by the rules of a destination sees all of a release or nothing of it, at any moment. The next start
finishes it without a person; and whoever was asleep meanwhile commits nothing when it wakes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
from urllib.parse import urlsplit

import psycopg
import pytest

from maskgate.errors import UsageError
from maskgate.gate import fault_points
from maskgate.gate.fault_points import MODE_POINTS, POINTS
from maskgate.gate.model import Destination
from maskgate.gate.sealing import seal
from maskgate.ledger import verify
from maskgate.testing.object_store import new_bucket
from maskgate.testing.placed_world import PlacedWorld, wait_until_stopped

ROWS = 4
_SEALED = {}


def seal_once(staging, staging_id, folder, **options):
    """The real sealing the first time; the same bytes again are copied, which is quicker."""
    if not _SEALED:
        _SEALED["first"] = seal(staging, staging_id, folder, **options)
        _SEALED["kept"] = folder.parent.parent.parent / "kept"
        shutil.copytree(folder, _SEALED["kept"])
        return _SEALED["first"]
    shutil.copytree(_SEALED["kept"], folder)
    return dataclasses.replace(_SEALED["first"], folder=str(folder))


class FolderPlace:
    def __init__(self, folder, mode):
        self.path = folder / "place"
        self.partner = Destination("partner", str(self.path), "external", mode)

    def read(self, name):
        found = self.path / name
        return found.read_bytes() if found.is_file() else None

    def names(self):
        return [str(path.relative_to(self.path)) for path in self.path.rglob("*")] if self.path.exists() else []


class BucketPlace:
    def __init__(self, bucket, mode):
        self.bucket = bucket
        self.partner = Destination("partner", f"s3://{bucket.name}/place", "external", mode, bucket.options)

    def read(self, name):
        return self.bucket.read(f"place/{name}")

    def names(self):
        return [name.removeprefix("place/") for name in self.bucket.names("place/")]


def versions_at(place):
    """What a reader finds, each file checked against what the manifest or the index says of it."""
    if place.partner.mode == "new_version":
        names = [name for name in place.names() if not name.startswith(".")]
        found = sorted({name.split("/")[0] for name in names if name.endswith("/manifest.json")})
        if isinstance(place, FolderPlace):
            assert found == sorted({name.split("/")[0] for name in names})
        for version in found:
            manifest = json.loads(place.read(f"{version}/manifest.json"))
            for table in manifest["tables"].values():
                for file in table["files"]:
                    content = place.read(f"{version}/{file['path']}")
                    assert hashlib.sha256(content).hexdigest() == file["sha256"]
        return found
    index = place.read("dataset.json")
    if index is None:
        return []
    found = json.loads(index)["versions"]
    for version in found:
        for file in version["files"]:
            assert hashlib.sha256(place.read(file["path"])).hexdigest() == file["sha256"]
    return [version["version"] for version in found]


class TablePlace:
    def __init__(self, server, mode):
        self.url = server.empty_database()
        parts = urlsplit(self.url)
        uri = f"postgresql://{parts.hostname}:{parts.port}{parts.path}?schema=public"
        options = {"user": parts.username, "password": parts.password}
        self.partner = Destination("partner", uri, "external", mode, options)

    def query(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()


def rows_at(place):
    """Each release that has a receipt; with it must be all of its rows, and without it none."""
    tables = [name for (name,) in place.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    shown = [name for name in tables if not name.startswith("maskgate_")]
    versions = []
    if "maskgate_receipts" in tables:
        versions = [name for (name,) in place.query("SELECT version FROM maskgate_receipts ORDER BY released_at")]
    counted = {name: place.query(f'SELECT count(*) FROM "{name}"')[0][0] for name in shown}
    mode, released = place.partner.mode, len(versions)
    if mode == "new_version":
        assert list(counted.values()) == [ROWS] * 2 * released
    else:
        wanted = ROWS * (released if mode == "append" else min(released, 1))
        assert set(counted.values()) == ({wanted} if released else set())
    return versions[-1:] if mode == "replace" else versions


KINDS = ("folder", "s3", "table")
MODES = ("new_version", "replace", "append")


@pytest.fixture(scope="module")
def made():
    """What was made for earlier rows of the table: each place has one gate, and one release after the other."""
    return {}


@pytest.fixture
def place(request, made, tmp_path_factory):
    if request.param not in made:
        made[request.param] = make_place(request, tmp_path_factory)
    return made[request.param]


def make_place(request, tmp_path_factory):
    kind, mode = request.param.split(", ")
    if kind == "folder":
        return FolderPlace(tmp_path_factory.mktemp("place"), mode)
    if kind == "s3":
        return BucketPlace(new_bucket(request.getfixturevalue("s3_endpoint")), mode)
    return TablePlace(request.getfixturevalue("postgres"), mode)


@pytest.fixture
def world(place, made, tmp_path_factory):
    if place not in made:
        made[place] = PlacedWorld(tmp_path_factory.mktemp("world"), partner=place.partner, sealer=seal_once)
    return made[place]


def seen(place):
    return rows_at(place) if isinstance(place, TablePlace) else versions_at(place)


# Every point where destinations differ most; elsewhere, where one can be half of something. All of them: make soak.
IN_FULL = {("folder", "replace"), ("s3", "append"), ("table", "new_version")}
HALVES = ("in copy", "after begin commit", "before index", "after index", "after publish")
# Not those inside of a transaction of the gate's own database, whose end whoever takes over waits for.
ASLEEP = ("before copy", "in copy", "after copy", "after begin commit", *MODE_POINTS, "after publish")
IS_SOAK = bool(os.environ.get("MASKGATE_SOAK"))


def is_reached(kind, mode, point):
    """Whether a release to this kind of place gets to a point of the table."""
    if kind == "table":
        return point != "before tidying"
    return mode != "new_version" or point not in MODE_POINTS


def cases(points):
    """Rows of the table: a place and a point."""
    return [
        pytest.param(f"{kind}, {mode}", point, id=f"{kind}, {mode}, {point}")
        for kind in KINDS
        for mode in MODES
        for point in points
        if is_reached(kind, mode, point) and (IS_SOAK or (kind, mode) in IN_FULL or point in HALVES)
    ]


def released_once(world, place, document, before):
    """The request is released, its version is there once, and with it what was there before, as the mode says."""
    done = world.read(document["id"])
    assert done["state"] == "released", done["message"]
    assert len(world.entries("release.completed", request=document["id"])) == 1
    with world.store.read() as work:
        assert verify(work).problems == ()
    after = seen(place)
    (new,) = set(after) - set(before)
    assert document["id"] in new
    assert set(after) == ({new} if place.partner.mode == "replace" else {*before, new})


@pytest.mark.parametrize(("place", "point"), cases([*POINTS, *MODE_POINTS]), indirect=["place"])
class TestKilled:
    """Killed at a point: whole or absent; after the next start, released once."""

    def test_killed(self, world, place, point):
        document = world.decide(world.ask())
        before = seen(place)
        process = world.start_release(document, f"kill:{point}")
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert set(seen(place)) - set(before) in (set(), *({name} for name in seen(place)))
        world.store.close()
        world.start()
        while world.gate.release_waiting():
            pass
        if point == "before consume":
            assert world.read(document["id"])["state"] == "approved"
            assert seen(place) == before
            world.release(document)
        released_once(world, place, document, before)


@pytest.mark.parametrize(("place", "point"), cases(ASLEEP), indirect=["place"])
class TestAsleep:
    """Stopped at a point, taken over by another, and woken when that one, and one more release, are done."""

    def test_it_commits_nothing(self, world, place, point):
        document = world.decide(world.ask())
        before = seen(place)
        process = world.start_release(document, f"stop:{point}")
        try:
            wait_until_stopped(process)
            world.store.close()
            world.start()
            while world.gate.release_waiting():
                pass
            released_once(world, place, document, before)
            later = world.release(world.decide(world.ask()))
            assert later["state"] == "released"
            settled = seen(place)
        finally:
            os.kill(process.pid, signal.SIGCONT)
            process.join(60)
        assert seen(place) == settled
        assert len(world.entries("release.completed", request=document["id"])) == 1
        leftovers = [name for name in place.names() if ".maskgate-gr_" in name] if hasattr(place, "names") else []
        assert leftovers == []


class TestFaultPoints:
    """A point that there is not is a mistake, and no release without a fault."""

    @pytest.mark.parametrize("said", ["kill", "kill:nowhere", "stop:", "pause:in copy", "kill: in copy"])
    def test_unknown(self, said):
        with pytest.raises(UsageError, match="kill:POINT or stop:POINT"):
            fault_points.arm(said)

    def test_nothing_happens_unless_it_is_set(self):
        passed = []
        for point in (*POINTS, *MODE_POINTS):
            fault_points.reach(point)
            passed.append(point)
        assert passed == [*POINTS, *MODE_POINTS]
