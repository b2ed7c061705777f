"""Law 11 with two processes: the gate is killed while its releaser works, and both go on by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from server.release.releasing import NOTING, Releasing, stopped, wait_for
from server.web.running_gate import POLICY

from maskgate.errors import GateUnreachable
from maskgate.ledger import verify
from maskgate.store import Store
from maskgate.testing.releaser_turn import start_turn

NOTES = """\
  - name: notes
    when: {action: note}
    require: {slots: {privacy: 1}}
    channels: [web]
    expires: 24h
otherwise: refuse
"""


class TwoProcesses(Releasing):
    """Requests that were signed; then the gate is a process of its own, as the releaser is."""

    def __init__(self, folder):
        self.process = None
        self.diary = folder / "diary"
        self.handlers = NOTING.replace("DIARY", str(self.diary))
        super().__init__(folder, policy=POLICY.replace("otherwise: refuse\n", NOTES), more=self.handlers)
        self.signed = [self.decide(self.gate.request()) for _ in range(3)]
        with self.gate.client() as client:
            asked = client.request(action="note", resource="diary", why="asked", arguments={"line": "once"})
        self.note = self.decide({**asked, "staging": None})
        self.gate.stop()

    def configure(self, partner="released/partner", more="", trust="external"):
        super().configure(partner, self.handlers + more, trust)

    def serve(self, fault=""):
        """Run the gate as everybody does, if it does not run."""
        if self.process is None or self.process.poll() is not None:
            program = str(Path(sys.executable).with_name("maskgate"))
            command = [program, "serve", "--config", str(self.folder / "gate.yaml")]
            environment = {**os.environ, "MASKGATE_HOME": str(self.gate.home.folder), "MASKGATE_FAULT": fault}
            self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            wait_for(self.answers)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def answers(self):
        try:
            return httpx.get(f"{self.gate.url}/healthz").is_success
        except httpx.HTTPError:
            return False

    def release(self, document, arguments=None):
        with self.gate.client() as client:
            return client.release(document["id"], arguments=arguments)

    def visible(self, document):
        return [path for path in self.released.rglob("manifest.json") if document["id"] in path.parent.name]

    def released_once(self, document):
        assert self.gate.read(document["id"])["state"] == "released"
        assert len(self.visible(document)) == 1
        done = [each for each in self.gate.entries() if each["type"] == "release.completed"]
        assert [each["body"]["request"] for each in done].count(document["id"]) == 1


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    found = TwoProcesses(tmp_path_factory.mktemp("two"))
    yield found
    found.kill()


class TestGateKilled:
    """Whatever the releaser was at, nothing is half done; when the gate is back, it is released once."""

    def test_at_the_end(self, here):
        document = here.signed[0]
        here.serve("kill:before finish")
        here.release(document)
        with pytest.raises(GateUnreachable):
            here.step()
        assert here.process.wait(60) == -signal.SIGKILL
        assert len(here.visible(document)) == 1
        here.serve()
        assert here.step()
        here.released_once(document)

    @pytest.mark.parametrize(
        ("number", "point", "is_visible"), [(1, "in copy", False), (2, "before publish", True)], ids=["copy", "publish"]
    )
    def test_while_the_releaser_is_at_it(self, here, number, point, is_visible):
        document = here.signed[number]
        here.serve()
        here.release(document)
        at_it = start_turn(here.folder / "releaser.yaml", f"stop:{point}")
        wait_for(lambda: stopped(at_it))
        here.kill()
        os.kill(at_it.pid, signal.SIGCONT)
        at_it.join(60)
        assert bool(here.visible(document)) is is_visible
        here.serve()
        assert here.step()
        here.released_once(document)

    def test_while_a_handler_runs(self, here):
        here.serve()
        here.release(here.note, {"line": "once"})
        at_it = start_turn(here.folder / "releaser.yaml", "stop:before handler")
        wait_for(lambda: stopped(at_it))
        here.kill()
        os.kill(at_it.pid, signal.SIGCONT)
        at_it.join(60)
        here.serve()
        assert here.step()
        assert here.gate.read(here.note["id"])["state"] == "released"
        assert here.diary.read_text() == "once\n"

    def test_the_ledger_holds(self, here):
        store = Store.open(here.gate.home.database)
        with store.read() as work:
            assert verify(work).problems == ()
        store.close()
