"""A running gate with a host, three tokens and two identity providers, and ways of attacking it."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from server.web.running_gate import REASON, Browser, RunningGate
from sqlalchemy import text

from maskgate.clock import SystemClock
from maskgate.ledger.merkle import Frontier, leaf_hash
from maskgate.testing.host import ScriptedHost, airflow_run
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes, write_staged

POLICY = """\
version: 1
people:
  requester: ["company|requester", "other|requester", "airflow:prod|requester"]
  reviewer: ["company|reviewer", "airflow:prod|reviewer"]
  second: ["company|second", "airflow:prod|second"]
  outsider: ["company|outsider"]
reviewers:
  privacy: {group: privacy-team}
  legal: {people: [reviewer, second]}
floor: {direct_identifier: [drop, redact, nullify, mask, token]}
policies:
  - name: two eyes
    when: {action: export, destination: {id: partner}}
    require: {slots: {privacy: 1}, distinct: 1}
    channels: [web, airflow]
    reason: {min_length: 10}
    expires: 24h
  - name: four eyes
    when: {action: export, destination: {id: regulator}}
    require: {slots: {privacy: 1, legal: 1}, distinct: 2}
    channels: [web]
    expires: 24h
  - name: production
    when: {action: deploy, resource: "prod/*"}
    require: {slots: {privacy: 1, legal: 1}, distinct: 2}
    channels: [web]
  - name: elsewhere
    when: {action: deploy}
    require: {slots: {privacy: 1}}
    channels: [web]
otherwise: refuse
"""
REWRITE = "UPDATE ledger SET body = CAST(replace(CAST(body AS TEXT), 'gate.started', 'gate.stopped') AS BLOB)"
TOKENS = "tokens: {pipeline: {owner: requester}, other: {role: pipeline}, auditor: {role: auditor}}"


class Attacked(RunningGate):
    """One gate that attackers reach over HTTP, in its database, its staging, its copies and its host."""

    def __init__(self, work: Path, issuer: str, *, policy: str = POLICY, more: str = TOKENS, **options) -> None:
        self.airflow = ScriptedHost(SystemClock())
        super().__init__(work, issuer, policy=policy, more=more, hosts={"airflow:prod": self.airflow}, **options)
        self.runs = 0

    def run(self, *, triggered_by: tuple[str, ...] = ("requester",), **more):
        """A new run of the host."""
        self.runs += 1
        run = airflow_run(f"run_{self.runs}")
        self.airflow.add_run(run, triggered_by=triggered_by, **more)
        return run

    def ask(self, *, run=None, destination="partner", files=None, token="pipeline", why="for the report", **more):
        """Ask for the release of staged files, and wait until somebody is asked or it is refused."""
        with self.client(token) as client:
            opened = client.open_staging()
            write_staged(Path(opened["uri"]), files or staged_bytes(masked_tables(), sample_rules()))
            host = None if run is None else run.as_json()
            wanted = {"staging": opened["id"], "destination": destination, "why": why, "host": host}
            document = client.create_request(**wanted, **more)
            return client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)

    def signed(self, person, **asked):
        """Ask, and have a reviewer sign."""
        document = self.ask(**asked)
        assert document["state"] == "pending", document["message"]
        assert person("reviewer").decide(document["id"]).status_code == 303
        return self.read(document["id"])

    def release(self, document, run=None, token="pipeline"):
        """Release, and wait until it is settled."""
        with self.client(token) as client:
            client.release(document["id"], None if run is None else run.as_json())
            return client.wait(document["id"], lambda _: False, timeout=60)

    def post(self, path, body, token="pipeline"):
        """Post to the REST API with a token."""
        with self.bearer(token) as http:
            return http.post(f"/api/v1/{path}", json=body)

    def decide(self, browser: Browser, document, **changes):
        """Decide over the REST API, as a person's own script would."""
        body = {"verdict": "approve", "reason": REASON}
        body |= {name: document[name] for name in ("intent_digest", "context_digest")}
        headers = {"X-CSRF-Token": browser.csrf_token(document["id"])}
        return browser.http.post(f"/api/v1/requests/{document['id']}/decisions", json=body | changes, headers=headers)

    def tamper(self, statement: str, **values) -> None:
        """Change rows behind the gate's back."""
        with self.store.write() as work:
            assert work.execute(text(statement), values).rowcount

    def left(self, document) -> list[Path]:
        """What of a request is at any destination, under whatever name."""
        return [path for path in self.released.rglob("*") if document["id"] in str(path)]

    def still_waits(self, document) -> bool:
        """Whether a request is as it was, undecided, with nothing of it outside."""
        found = self.read(document["id"])
        return (found["state"], found["decisions"], self.left(document)) == ("pending", [], [])

    def refusals(self, document) -> list[str]:
        """What the ledger says was refused about a request."""
        bodies = [entry["body"] for entry in self.entries() if entry["type"].endswith(".refused")]
        return [body["refusal"] for body in bodies if document["id"] in {body.get("request"), body.get("about")}]


def edit(home, *statements: str, rehashed: bool = False) -> None:
    """Change a database as its owner can, without its triggers; and have the ledger's hashes agree with it again."""
    with sqlite3.connect(home.database) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount
        frontier = Frontier()
        for seq, body in database.execute("SELECT seq, body FROM ledger ORDER BY seq").fetchall() if rehashed else ():
            frontier = frontier.push(leaf_hash(body))
            database.execute("UPDATE ledger SET leaf_hash = ? WHERE seq = ?", (leaf_hash(body), seq))
        if rehashed:
            database.execute("UPDATE frontier SET size = ?, hashes = ?", (frontier.size, frontier.as_bytes()))


def digests(folder: Path) -> set[str]:
    """Hashes of all files below a folder."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}
