"""A gate that holds no credentials, and a releaser process beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path

from server.web.running_gate import POLICY, REASON, RunningGate
from sqlalchemy import select, update

from maskgate.gate.model import DecisionInput, Identity
from maskgate.release.gate_link import GateLink
from maskgate.server.releaser_configuration import load_releaser
from maskgate.server.releasing import make_process
from maskgate.store import tables

KEYS = """\
  - name: keys of the gate
    when: {action: [rotate-gate-key, revoke-gate-key]}
    require: {slots: {privacy: 2}, distinct: 2}
    channels: [web]
    expires: 24h
otherwise: refuse
"""
NOTING = """\
handlers:
  note:
    kind: command
    command: [sh, -c, 'echo "$1" >> DIARY', sh, "{line}"]
    input: {line: {}}
"""
MORE = """\
releaser: process
tokens:
  pipeline: {owner: requester}
  exports: {role: releaser}
  other: {role: releaser}
  keys: {role: operator, owner: requester}
"""


class Releasing:
    """A gate that holds no credentials, and a releaser beside it with what it has pinned."""

    def __init__(self, folder: Path, *, policy: str = POLICY, more: str = "", **gate: str) -> None:
        self.folder = folder
        policy = policy.replace("otherwise: refuse\n", KEYS)
        self.gate = RunningGate(folder, "http://127.0.0.1:9", policy=policy, more=MORE + more, **gate)
        self.gate.start()
        self.released = folder / "released" / "partner"
        self.pin()
        self.configure()

    def pin(self) -> None:
        (self.folder / "pinned.json").write_text(json.dumps(self.gate.gate.key_ring()))

    def configure(self, partner: str = "released/partner", more: str = "", trust: str = "external") -> None:
        (self.folder / "releaser.yaml").write_text(f"""\
version: 1
gate: {self.gate.url}
token: file:home/tokens/exports.token
ring: pinned.json
state: releaser
destinations:
  partner: {{uri: {partner}, trust: {trust}}}
{more}
""")

    def link(self, token: str = "exports") -> GateLink:
        return GateLink(self.gate.url, self.gate.token(token))

    def step(self) -> bool:
        """Do what a releaser process does in one turn."""
        configuration = load_releaser(self.folder / "releaser.yaml")
        with GateLink(configuration.gate, configuration.token) as link:
            process = make_process(configuration, link)
            process.start()
            has_done = False
            while process.step():
                has_done = True
            return has_done

    def decide(self, document: dict, *people: str) -> dict:
        for person in people or ("reviewer",):
            who = Identity((f"company|{person}",), "web", ("privacy-team",), self.gate.services.clock.now())
            digests = (document["intent_digest"], document["context_digest"])
            self.gate.gate.decide(document["id"], DecisionInput(who, "approve", REASON, *digests))
        return self.gate.read(document["id"]) if document["staging"] else document

    def started(self) -> dict:
        """Ask, sign, and have the pipeline start the release."""
        document = self.decide(self.gate.request())
        with self.gate.client() as client:
            return client.release(document["id"])

    def grant(self, document: dict) -> dict:
        with self.gate.store.read() as work:
            chosen = select(tables.grants).where(tables.grants.c.request == document["id"])
            return dict(work.execute(chosen).mappings().one())

    def forge(self, document: dict, **changes) -> None:
        """Edit rows, as somebody does who can write to the gate's database."""
        with self.gate.store.write() as work:
            work.execute(update(tables.grants).where(tables.grants.c.request == document["id"]).values(**changes))

    def rotate(self) -> str:
        """Replace the gate's key; return the new one."""
        with self.gate.client("keys") as client:
            asked = client.rotate_gate_key("it is old")
        self.decide({**asked, "staging": None}, "reviewer", "second")
        return self.gate.gate.fingerprint

    def files(self, document: dict) -> list[str]:
        """List what is at the destination of a request, and what is made ready there."""
        grant = self.grant(document)
        found = (str(path.relative_to(self.released)) for path in self.released.rglob("*") if path.is_file())
        return sorted(name for name in found if name.startswith((grant["release_name"], f".maskgate-{grant['id']}")))

    def refused(self, document: dict, words: str, state: str = "failed") -> None:
        """Let the releaser take its turn, and see that nothing is visible and why not is told."""
        assert self.step()
        now = self.gate.read(document["id"])
        assert now["state"] == state
        assert words in now["refusals"][-1]["message"]
        assert self.files(document) == []


def stopped(process):
    """Whether a process was stopped by SIGSTOP."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def wait_for(condition, seconds=60):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.05)
