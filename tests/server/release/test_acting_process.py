"""A releaser process carries out actions, and lends credentials, that the gate itself could not."""

from __future__ import annotations

import itertools
import json
import signal
import sqlite3
import threading
from contextlib import contextmanager

import httpx
import pytest
from server.release.releasing import NOTING, Releasing
from server.web.running_gate import POLICY
from sqlalchemy import update

from maskgate.errors import ConfigurationError, Conflict, NotAllowed, Refused
from maskgate.gate.fault_points import HANDLER_POINTS
from maskgate.gate.model import Caller
from maskgate.server.configuration import read_configuration
from maskgate.server.releaser_configuration import load_releaser
from maskgate.server.releasing import make_process
from maskgate.store import tables
from maskgate.testing.object_store import new_bucket
from maskgate.testing.releaser_turn import start_turn

ACTIONS = """\
  - name: what the releaser carries out
    when: {action: [note, forget]}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 24h
  - name: exchange
    when: {action: export, destination: {id: exchange}}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 24h
otherwise: refuse
"""
FORGETTING = """\
  forget:
    kind: sql
    CONNECTION
    statement: "DELETE FROM people WHERE id = :id"
    input: {id: {type: integer}}
"""
ROLE = "arn:aws:iam::123456789012:role/exchange"
NUMBERS = itertools.count(1)


class Acting(Releasing):
    """A gate that knows what its handlers do, and a releaser that can do it."""

    def __init__(self, folder, bucket):
        self.diary, self.bucket = folder / "diary", bucket
        self.people = folder / "people.db"
        with sqlite3.connect(self.people) as database:
            database.execute("CREATE TABLE people (id INTEGER)")
            database.executemany("INSERT INTO people VALUES (?)", [(number,) for number in range(100)])
        for name, secret in (("people.url", f"sqlite:///{self.people}"), ("bucket.secret", bucket.options["secret"])):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        self.place = f'exchange: {{uri: "s3://{bucket.name}/exchange", trust: external, level: broker, role: "{ROLE}"'
        policy = POLICY.replace("otherwise: refuse\n", ACTIONS)
        handlers = self.handlers("").replace("    \n", "")
        super().__init__(folder, policy=policy, more=handlers, places=f"  {self.place}}}\n")

    def handlers(self, connection):
        return (NOTING + FORGETTING).replace("DIARY", str(self.diary)).replace("CONNECTION", connection)

    def configure(self, partner="released/partner", more="", trust="external"):
        options = json.dumps({**self.bucket.options, "secret": "file:bucket.secret"})
        place = f"  {self.place}, options: {options}}}\n"
        super().configure(partner, place + self.handlers("connection: file:people.url") + more, trust)

    @contextmanager
    def trying(self):
        """Make dry runs, as a releaser does beside its other work."""
        stopping, configuration = threading.Event(), load_releaser(self.folder / "releaser.yaml")
        with self.link() as link:
            turn = make_process(configuration, link).trying
            thread = threading.Thread(target=turn.run, args=(stopping.is_set, stopping.wait))
            thread.start()
            try:
                yield
            finally:
                stopping.set()
                thread.join()

    def asked(self, action, **arguments):
        with self.gate.client() as client, self.trying():
            return client.request(action=action, resource="crm", why="asked", arguments=arguments)

    def ask(self, action, **arguments):
        return self.decide({**self.asked(action, **arguments), "staging": None})

    def start(self, action, **arguments):
        document = self.ask(action, **arguments)
        with self.gate.client() as client:
            return client.release(document["id"], arguments=arguments)

    def lines(self):
        return self.diary.read_text().splitlines() if self.diary.exists() else []

    def count(self):
        with sqlite3.connect(self.people) as database:
            return database.execute("SELECT count(*) FROM people").fetchone()[0]

    def end_leases(self):
        with self.gate.store.write() as work:
            ends = self.gate.services.clock.now()
            work.execute(update(tables.grants).where(tables.grants.c.state == "committing").values(lease_until=ends))


@pytest.fixture(scope="module")
def shared(tmp_path_factory, s3_endpoint):
    found = Acting(tmp_path_factory.mktemp("acting"), new_bucket(s3_endpoint))
    yield found
    found.gate.stop()


@pytest.fixture
def here(shared):
    shared.configure()
    return shared


@pytest.fixture
def line():
    return f"line {next(NUMBERS)}"


class TestHandlers:
    """What was signed is done once, by the releaser's own handler."""

    def test_the_gate_does_nothing_itself(self, here, line):
        document = here.start("note", line=line)
        assert document["level"] == "release"
        assert not here.gate.gate.work()
        assert here.step()
        done = here.gate.read(document["id"])
        assert done["state"] == "released", done["message"]
        assert done["receipt"]["exit_code"] == 0
        assert here.lines().count(line) == 1
        assert not here.step()

    def test_a_statement(self, here):
        before = here.count()
        document = here.start("forget", id=next(NUMBERS))
        assert here.step()
        assert here.gate.read(document["id"])["receipt"]["exit_code"] == 1
        assert here.count() == before - 1

    def test_its_dry_run_is_shown_and_signed(self, here):
        before, number = here.count(), next(NUMBERS)
        document = here.asked("forget", id=number)
        assert document["call"]["dry_run"] == ["It would change 1 rows."]
        assert "It would change 1 rows" in document["question"]["body"]
        assert here.count() == before
        here.gate.gate.withdraw(Caller("pipeline", "pipeline"), document["id"])

    def test_what_the_dry_run_shows_to_be_impossible_is_not_asked_for(self, here):
        file = here.folder / "releaser.yaml"
        file.write_text(file.read_text().replace("file:people.url", "file:nobody.url"))
        (here.folder / "nobody.url").write_text("sqlite://")
        (here.folder / "nobody.url").chmod(0o600)
        with pytest.raises(Refused, match="the dry run of `forget` could not be made"):
            here.asked("forget", id=next(NUMBERS))

    def test_arguments_are_kept_nowhere_by_the_gate(self, here, line):
        here.start("note", line=line)
        listed = here.link().actions(["note"])
        stored = json.dumps(listed["actions"])
        assert len(listed["actions"]) == 1
        assert line not in stored
        assert here.step()

    def test_nobody_came_for_it_before_the_gate_ended(self, here, line):
        document = here.start("note", line=line)
        here.gate.gate._parts.queue.take(document["id"])
        with here.gate.store.write() as work:
            mine = tables.grants.c.request == document["id"]
            work.execute(update(tables.grants).where(mine).values(lease_until=here.gate.services.clock.now()))
        while here.gate.gate.work():
            pass
        assert not here.step()
        assert here.gate.read(document["id"])["state"] == "failed"
        assert line not in here.lines()

    @pytest.mark.parametrize("role", ["pipeline", "auditor", "keys"])
    def test_other_tokens(self, here, role):
        with here.link(role) as link, pytest.raises(NotAllowed, match="a token of the role releaser"):
            link.actions(["note"])

    def test_only_who_took_it_says_how_it_ended(self, here, line):
        document = here.start("note", line=line)
        with here.link() as link, here.link("other") as other:
            fence = link.take_action(document["id"], "x", 60)["fence"]
            with pytest.raises(Conflict, match="overtaken"):
                other.finish_action(document["id"], fence, {"succeeded": True})
            with pytest.raises(Conflict):
                other.take_action(document["id"], "y", 60)
            link.end_action(document["id"], fence, "failed", "not today")
        assert here.gate.read(document["id"])["state"] == "failed"


class TestWhatIsNotBelieved:
    """Neither a row nor the gate's word makes a releaser act."""

    def refused(self, here, document, words):
        assert here.step()
        now = here.gate.read(document["id"])
        assert now["state"] == "failed"
        assert words in now["refusals"][-1]["message"]

    def test_another_handler_under_the_same_verb(self, here, line):
        document = here.start("note", line=line)
        file = here.folder / "releaser.yaml"
        file.write_text(file.read_text().replace("echo", "echo again"))
        self.refused(here, document, "does something else than what was signed")

    def test_an_edited_intent(self, here, line):
        document = here.start("note", line=line)
        rows = tables.requests
        with here.gate.store.write() as work:
            mine = rows.c.id == document["id"]
            intent = work.execute(rows.select().where(mine)).one().intent
            work.execute(update(rows).where(mine).values(intent={**intent, "resource": "everything"}))
        self.refused(here, document, "the intent is not the one that was signed")

    def test_other_arguments(self, here, line):
        document = here.start("note", line=line)
        queue = here.gate.gate._parts.queue
        held = queue.take(document["id"])
        held.arguments["line"] = "something else"
        queue.put(document["id"], held)
        self.refused(here, document, "the arguments are not those that were signed")
        assert "something else" not in here.lines()

    def test_a_grant_that_it_has_begun_before(self, here, line):
        document = here.start("note", line=line)
        notes = here.folder / "releaser" / "actions"
        notes.mkdir(exist_ok=True)
        (notes / here.grant(document)["id"]).touch()
        self.refused(here, document, "has begun it before")
        assert line not in here.lines()


class TestCutOff:
    """Killed while it acts, it acts no second time; what can be told is told, and the rest is indeterminate."""

    @pytest.mark.parametrize("point", HANDLER_POINTS)
    def test_a_command(self, here, line, point):
        document = here.start("note", line=line)
        killed = start_turn(here.folder / "releaser.yaml", f"kill:{point}")
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL
        here.end_leases()
        assert here.step()
        over = here.gate.read(document["id"])
        assert over["state"] == "indeterminate"
        assert "not tried again" in over["message"]
        assert here.lines().count(line) == (point == "after handler")
        assert not here.step()

    @pytest.mark.parametrize("point", HANDLER_POINTS)
    def test_a_statement(self, here, point):
        before = here.count()
        document = here.start("forget", id=next(NUMBERS))
        killed = start_turn(here.folder / "releaser.yaml", f"kill:{point}")
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL
        here.end_leases()
        assert here.step()
        took_place = point == "after handler"
        assert here.gate.read(document["id"])["state"] == ("released" if took_place else "failed")
        assert here.count() == before - took_place


class TestBroker:
    """The releaser makes the credential and looks at the files; the gate hands on what it has in memory alone."""

    def borrow(self, here):
        with here.gate.client() as client:
            asked = client.create_request(staging=here.gate.stage(client), destination="exchange")
            asked = client.wait(asked["id"], lambda each: each["state"] != "sealing", timeout=60)
            here.decide(asked)
            assert "broker" not in client.release(asked["id"])
            assert here.step()
            return asked, client.release(asked["id"])["broker"]

    def put(self, here, asked, lent):
        (copy,) = (here.gate.home.sealed / asked["id"]).iterdir()
        for upload in lent["uploads"]:
            content = (copy / upload["path"]).read_bytes()
            assert httpx.put(upload["url"], content=content, headers=upload["headers"]).status_code == 200

    def test_files_then_a_receipt(self, here):
        asked, lent = self.borrow(here)
        self.put(here, asked, lent)
        with here.gate.client() as client:
            client.report(asked["id"], lent["fence"])
        assert here.step()
        done = here.gate.read(asked["id"])
        assert done["state"] == "released", done["message"]
        assert any(name.startswith(lent["prefix"]) and name.endswith("manifest.json") for name in here.bucket.files())
        assert lent["credential"]["secret_access_key"] not in json.dumps(here.gate.entries())

    def test_a_receipt_before_the_files_is_refused_and_may_be_mended(self, here):
        asked, lent = self.borrow(here)
        with here.gate.client() as client:
            client.report(asked["id"], lent["fence"])
            assert here.step()
            again = client.release(asked["id"])
            assert "is not at the destination" in again["refusals"][-1]["message"]
            self.put(here, asked, again["broker"])
            client.report(asked["id"], again["broker"]["fence"])
        assert here.step()
        assert here.gate.read(asked["id"])["state"] == "released"

    def test_without_a_receipt_in_time(self, here):
        asked, lent = self.borrow(here)
        self.put(here, asked, lent)
        with here.gate.store.write() as work:
            mine = tables.grants.c.request == asked["id"]
            work.execute(update(tables.grants).where(mine).values(lease_until=here.gate.services.clock.now()))
        with here.gate.client() as client, pytest.raises(Conflict):
            client.report(asked["id"], lent["fence"])
        assert here.step()
        failed = here.gate.read(asked["id"])
        assert failed["state"] == "failed"
        assert "did not write the files in time" in failed["message"]
        assert not [name for name in here.bucket.files() if name.startswith(lent["prefix"])]


class TestConfiguration:
    """Credentials of handlers stand in the releaser's file, and not in the gate's."""

    def test_a_connection_belongs_to_the_releaser(self, here):
        text = (here.folder / "gate.yaml").read_text()
        text = text.replace("    kind: sql\n", "    kind: sql\n    connection: file:people.url\n")
        with pytest.raises(ConfigurationError, match="belongs to releaser"):
            read_configuration(text, here.folder / "gate.yaml")
