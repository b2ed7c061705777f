"""Level mask with a releaser process: it alone reads originals and has keys, and releases only what it has masked."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import signal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from server.gate.source_world import MASKING
from server.release.releasing import Releasing, stopped, wait_for
from server.web.running_gate import POLICY
from sqlalchemy import update

from maskgate.errors import ConfigurationError, Conflict, NotAllowed, Refused
from maskgate.gate.fault_points import MASK_POINTS
from maskgate.server.presentation import review
from maskgate.server.releaser_configuration import load_releaser
from maskgate.store import tables
from maskgate.testing.releaser_turn import start_turn
from maskgate.testing.staged_tables import RULES_TEXT

MASKED = "  masked: {uri: released/masked, trust: external, level: mask}\n"
SOURCES = """\
sources:
  crm:
    rules: RULES.yaml
    tables: {customers: originals/customers.parquet}
"""
WHYS = (f"for release {number}" for number in itertools.count())


class Masking(Releasing):
    """A gate that knows of a source, and a releaser that can read it."""

    def __init__(self, folder):
        (folder / "originals").mkdir()
        people = {
            "email": ["ann@example.com", None],
            "full_name": ["Ann Ahlgren", "Cy Cole"],
            "ssn": ["536-90-4399", None],
            "country": ["NO", "SE"],
        }
        pq.write_table(pa.table(people), folder / "originals" / "customers.parquet")
        key = folder / "contact.key"
        key.write_text(base64.b64encode(b"k" * 32).decode())
        key.chmod(0o600)
        self.rules = RULES_TEXT.replace("env:MASKGATE_TEST_KEY", "file:contact.key")
        (folder / "rules.yaml").write_text(self.rules)
        policy = POLICY.replace("otherwise: refuse\n", MASKING)
        (folder / "wrapping.key").write_text(base64.b64encode(b"w" * 32).decode())
        (folder / "wrapping.key").chmod(0o600)
        more = f"{SOURCES}    encrypt: file:wrapping.key\n".replace("RULES", "rules")
        super().__init__(folder, policy=policy, more=more, rules=self.rules, places=MASKED)

    def configure(self, partner="released/partner", more="", trust="external"):
        super().configure(partner, MASKED + SOURCES.replace("RULES", "rules") + more, trust)

    def ask(self):
        with self.gate.client() as client:
            wanted = {"source": "crm", "tables": ["customers"], "destination": "masked", "action": "mask"}
            return client.create_request(**wanted, why=next(WHYS))

    def settled(self, document):
        with self.gate.client() as client:
            return client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)

    def in_the_open(self):
        """Files of the gate and of the releaser in which masked data can be read."""
        places = (self.folder / "releaser", self.gate.home.sealed)
        files = [path for place in places for path in place.rglob("*") if path.is_file()]
        return [path for path in files if b"PAR1" in path.read_bytes() or b"em_" in path.read_bytes()]

    def end(self, document):
        """Take back what a test has left, so that the next asks anew."""
        with self.gate.client() as client:
            client.withdraw(document["id"])


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    found = Masking(tmp_path_factory.mktemp("masking"))
    yield found
    found.gate.stop()


@pytest.fixture
def here(shared):
    shared.configure()
    return shared


class TestMasking:
    """The releaser masks before anybody is asked, and releases what it has masked."""

    def test_the_gate_masks_nothing_itself(self, here):
        document = here.ask()
        assert not here.gate.gate.work()
        assert here.gate.read(document["id"])["state"] == "sealing"
        assert here.step()
        asked = here.settled(document)
        assert asked["state"] == "pending", asked["message"]
        assert asked["level"] == "mask"
        masking = asked["evidence"]["measured"]["masking"]
        assert masking["keys"]["contact"]["version"] == 1
        assert list((here.folder / "releaser" / "masking").iterdir()) == []
        assert any((here.gate.home.sealed / document["id"]).rglob("*.parquet"))
        assert here.in_the_open() == []
        shown = review(asked, here.gate.services.clock.now())["masking"]
        assert "level mask" in shown["level"]
        fingerprint = masking["keys"]["contact"]["fingerprint"]
        assert shown["lines"] == ["source crm", f"key contact, version 1, fingerprint {fingerprint}"]
        assert f"fingerprint {fingerprint}" in asked["question"]["body"]
        here.decide(asked)
        with here.gate.client() as client:
            client.release(document["id"])
        assert here.step()
        done = here.gate.read(document["id"])
        assert done["state"] == "released", done["message"]
        (part,) = (here.folder / "released" / "masked").rglob("customers/part-00000.parquet")
        table = pq.read_table(part)
        assert table.column_names == ["email", "full_name", "country"]
        assert table["email"].to_pylist()[0].startswith("em_")

    def test_another_place_under_the_same_id(self, here):
        document = here.ask()
        file = here.folder / "releaser.yaml"
        file.write_text(file.read_text().replace("customers.parquet", "others.parquet"))
        assert here.step()
        refused = here.gate.read(document["id"])
        assert refused["state"] == "refused"
        assert "leads elsewhere at the releaser" in refused["message"]

    def test_what_it_has_not_masked_does_not_go_where_nothing_else_may(self, here):
        document = here.ask()
        here.step()
        here.decide(here.settled(document))
        with here.gate.client() as client:
            client.release(document["id"])
        record = here.folder / "releaser" / "masked" / f"{document['id']}.json"
        known = json.loads(record.read_text())
        known["files"][0]["sha256"] = "0" * 64
        record.write_text(json.dumps(known))
        assert here.step()
        assert "are not those that this releaser has masked" in here.gate.read(document["id"])["message"]

    def test_nor_what_another_releaser_has_masked(self, here):
        document = here.ask()
        here.step()
        here.decide(here.settled(document))
        with here.gate.client() as client:
            client.release(document["id"])
        (here.folder / "releaser" / "masked" / f"{document['id']}.json").unlink()
        assert here.step()
        assert "this releaser has not masked it" in here.gate.read(document["id"])["message"]

    def test_what_wraps_the_keys_belongs_to_the_gate(self, here):
        file = here.folder / "releaser.yaml"
        file.write_text(file.read_text().rstrip() + "\n    encrypt: file:wrapping.key\n")
        with pytest.raises(ConfigurationError, match=r"belongs to gate\.yaml alone"):
            load_releaser(file)

    def test_a_pipeline_stages_nothing_for_it(self, here):
        with here.gate.client() as client, pytest.raises(Refused, match="only what the releaser masks itself"):
            client.create_request(staging=here.gate.stage(client), destination="masked")


class TestSteps:
    """Each step needs the role, the masking in hand and the latest fence."""

    @pytest.mark.parametrize("role", ["pipeline", "auditor", "keys"])
    def test_other_tokens(self, here, role):
        with here.link(role) as link, pytest.raises(NotAllowed, match="a token of the role releaser"):
            link.maskings(["crm"])

    def test_who_was_overtaken_brings_nothing(self, here, tmp_path):
        document = here.ask()
        file = io.BytesIO(b"no parquet")
        with here.link() as paused, here.link("other") as other:
            fence = paused.take_masking(document["id"], "paused")["fence"]
            with pytest.raises(Conflict, match="somebody else"):
                other.take_masking(document["id"], "x")
            with pytest.raises(Conflict, match="overtaken"):
                other.bring_masked(document["id"], fence, "customers/part-00000.parquet", file)
            assert here.step(), "the start of another process of this releaser ends what the first had"
            with pytest.raises(Conflict, match="overtaken"):
                paused.bring_masked(document["id"], fence, "customers/part-00000.parquet", file)
        assert here.settled(document)["state"] == "pending"
        here.end(document)

    def test_files_that_are_not_those_that_it_named(self, here):
        document = here.ask()
        with here.gate.store.write() as work:  # so that the gate does not seal while the row is edited
            ends = here.gate.services.clock.now().replace(year=2100)
            row = {"request": document["id"], "fence": 1, "worker": "none", "lease_until": ends}
            work.execute(tables.sealings.insert().values(row))
        assert here.step()
        rows = tables.maskings
        with here.gate.store.write() as work:
            mine = rows.c.staging == document["staging"]
            said = work.execute(rows.select().where(mine)).one().masked
            said["files"][0]["sha256"] = "0" * 64
            work.execute(update(rows).where(mine).values(masked=said))
            work.execute(update(tables.sealings).values(lease_until=here.gate.services.clock.now()))
        refused = here.settled(document)
        assert refused["state"] == "refused"
        assert "not those that the releaser has masked" in refused["message"]


class TestCutOff:
    """Whatever the moment of its end, nothing is sealed halfway, and the next process masks it."""

    @pytest.mark.parametrize("point", MASK_POINTS)
    def test_killed(self, here, point):
        document = here.ask()
        killed = start_turn(here.folder / "releaser.yaml", f"kill:{point}")
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL
        assert here.gate.read(document["id"])["state"] == "sealing"
        assert here.in_the_open() == []
        assert here.step()
        assert here.settled(document)["state"] == "pending"
        here.end(document)

    def test_who_was_asleep_changes_nothing_when_it_wakes(self, here):
        document = here.ask()
        asleep = start_turn(here.folder / "releaser.yaml", "stop:while masked files are brought")
        try:
            wait_for(lambda: stopped(asleep))
            assert here.step()
            asked = here.settled(document)
        finally:
            os.kill(asleep.pid, signal.SIGCONT)
        asleep.join(60)
        assert asked["state"] == "pending"
        assert here.gate.read(document["id"])["content_digest"] == asked["content_digest"]
        here.end(document)
