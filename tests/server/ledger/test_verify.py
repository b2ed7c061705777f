"""The verdict on a ledger: what it shows, what it cannot, and what a forger leaves behind."""

from __future__ import annotations

import sqlite3

import pytest

from maskgate.canonical import canonical_bytes
from maskgate.gate.grants import open_envelope
from maskgate.gate.ring import Ring
from maskgate.ledger import Checkpoint, head, verify
from maskgate.ledger.merkle import Frontier, leaf_hash
from maskgate.testing.gate_world import GateWorld


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A gate after one release, one denial and one refusal, closed; and a checkpoint from before the release."""
    world = GateWorld(tmp_path_factory.mktemp("finished"))
    first = world.decide(world.ask())
    with world.store.read() as work:
        early = Checkpoint("", head(work))
    world.release(first)
    world.gate.sweep()
    world.store.close()
    return world.folder, early


@pytest.fixture
def world(finished, tmp_path):
    """A copy of that database, to be tampered with."""
    folder, _ = finished
    with sqlite3.connect(folder / "gate.db") as source, sqlite3.connect(tmp_path / "gate.db") as copy:
        source.backup(copy)
    return tmp_path


@pytest.fixture
def early(finished):
    return finished[1]


def tamper(folder, *statements):
    with sqlite3.connect(folder / "gate.db") as database:
        for name in ("ledger_refuses_update", "ledger_refuses_delete"):
            database.execute(f"DROP TRIGGER {name}")
        for statement, *values in statements:
            database.execute(statement, values)


def rehash(folder):
    """Do what a forger does who knows the format: hash everything anew."""
    with sqlite3.connect(folder / "gate.db") as database:
        frontier = Frontier()
        for seq, body in database.execute("SELECT seq, body FROM ledger ORDER BY seq").fetchall():
            frontier = frontier.push(leaf_hash(body))
            database.execute("UPDATE ledger SET leaf_hash = ? WHERE seq = ?", (leaf_hash(body), seq))
        database.execute("UPDATE frontier SET size = ?, hashes = ?", (frontier.size, frontier.as_bytes()))


def verdict(folder, checkpoint=None, is_signed=None):
    from maskgate.store import Store  # noqa: PLC0415

    store = Store.open(folder / "gate.db")
    with store.read() as work:
        found = verify(work, checkpoint, is_signed)
    store.close()
    return found


class TestUntouched:
    """A ledger that nobody touched holds, and the verdict says how far that goes."""

    def test_it_holds(self, world):
        assert verdict(world).problems == ()

    def test_without_a_checkpoint_it_says_what_it_cannot_know(self, world):
        assert "nobody can tell whether all of it was written anew" in str(verdict(world))

    def test_with_a_checkpoint_it_says_so(self, world, early):
        found = verdict(world, early)
        assert found.holds
        assert f"Its first {early.head.size} entries" in str(found)
        assert found.as_json()["compared_with_checkpoint_of_size"] == early.head.size

    def test_an_empty_ledger_holds(self, store):
        with store.read() as work:
            assert verify(work).holds


class TestTamperedLedger:
    """What was done to the ledger shows in the verdict."""

    @pytest.mark.parametrize(
        ("statements", "words"),
        [
            pytest.param(
                [("UPDATE ledger SET body = ? WHERE seq = 5", b"{}")], "entry 5: its hash", id="a changed body"
            ),
            pytest.param([("UPDATE ledger SET type = 'x' WHERE seq = 5",)], "entry 5: its body", id="a changed type"),
            pytest.param([("DELETE FROM ledger WHERE seq = 5",)], "entries 5 to 5 are missing", id="a gap"),
            pytest.param([("DELETE FROM ledger WHERE seq > 9",)], "the tree was of", id="a missing end"),
            pytest.param([("DELETE FROM frontier",)], "edge of the tree", id="no tree"),
        ],
    )
    def test_it_shows(self, world, statements, words):
        tamper(world, *statements)
        assert words in str(verdict(world))

    def test_time_that_runs_backwards_shows(self, world):
        body = canonical_bytes({"seq": 5, "type": "request.sealed", "at": "2020-01-01T00:00:00.000Z"})
        tamper(world, ("UPDATE ledger SET body = ?, at = '2020-01-01T00:00:00.000Z' WHERE seq = 5", body))
        rehash(world)
        assert "entry 5: it is earlier" in str(verdict(world))


class TestCheckpointOutside:
    """Only a checkpoint kept elsewhere shows what a skilled forger did."""

    def test_a_ledger_that_was_written_anew(self, world, early):
        tamper(
            world,
            ("UPDATE ledger SET body = CAST(replace(body, 'anna', 'dora') AS BLOB) WHERE type = 'request.created'",),
        )
        rehash(world)
        assert verdict(world).holds
        assert "They were written anew" in str(verdict(world, early))

    def test_a_database_that_was_put_back(self, world, finished):
        folder, _ = finished
        with sqlite3.connect(folder / "gate.db") as database:
            size = database.execute("SELECT count(*) FROM ledger").fetchone()[0]
        later = Checkpoint("", type(finished[1].head)(size + 3, b""))
        assert "was cut off, or put back" in str(verdict(world, later))


class TestRowsBesideTheLedger:
    """Rows that somebody put into the tables have no entry, and the other way round."""

    @pytest.mark.parametrize(
        ("statements", "words"),
        [
            pytest.param([("UPDATE decisions SET person = 'dora'",)], "a decision in the table", id="another decider"),
            pytest.param(
                [("UPDATE decisions SET digest = 'sha256:0'",)], "a decision in the table", id="another decision"
            ),
            pytest.param([("DELETE FROM decisions",)], "a decision in the table", id="no decision"),
            pytest.param([("UPDATE grants SET id = 'gr_0'",)], "was never issued", id="a grant that nobody issued"),
            pytest.param([("DELETE FROM grants",)], "but not in the table", id="a grant that is gone"),
            pytest.param([("UPDATE grants SET envelope = '{}'",)], "not the one that was issued", id="a swapped grant"),
            pytest.param(
                [("UPDATE grants SET receipt = json_set(receipt, '$.location', '/elsewhere')",)],
                "the receipt in the table",
                id="another receipt",
            ),
            pytest.param([("UPDATE requests SET state = 'denied'",)], "is denied in the table", id="another state"),
            pytest.param(
                [("UPDATE requests SET content_digest = 'sha256:0'",)], "those that were sealed", id="another content"
            ),
            pytest.param(
                [("DELETE FROM ledger WHERE type IN ('decision.approve')",)],
                "rests on a decision that is not in the ledger",
                id="a grant without its decision",
            ),
            pytest.param(
                [("DELETE FROM ledger WHERE type = 'grant.issued'",)],
                "which was never issued",
                id="a release without a grant",
            ),
        ],
    )
    def test_they_show(self, world, statements, words):
        tamper(world, *statements)
        rehash(world)
        assert words in str(verdict(world))

    def test_a_grant_of_another_key_shows(self, world):
        def is_signed(envelope):
            try:
                return bool(open_envelope(envelope, Ring({})))
            except Exception:  # noqa: BLE001  the point is that it is refused
                return False

        assert "is not signed by this gate's key" in str(verdict(world, None, is_signed))
