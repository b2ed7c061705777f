"""Gates as real processes on one database, and the people and pipelines that come to them over HTTP."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import httpx
from demo.processes import Processes, free_port

from maskgate.gate.client import GateClient
from maskgate.server.csrf import csrf_token
from maskgate.server.sessions import Session
from maskgate.testing.staged_tables import RULES_TEXT, masked_tables, sample_rules, staged_bytes, write_staged
from maskgate.testing.still_clock import StillClock

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
  second: ["company|second"]
reviewers:
  privacy: {group: privacy-team}
policies:
  - name: two eyes
    when: {action: export}
    require: {slots: {privacy: 1}}
    channels: [web]
    reason: {min_length: 10}
otherwise: refuse
"""
CONFIGURATION = """\
version: 1
url: {url}
listen: 127.0.0.1:{port}
policy: {places}/policy.yaml
rules: [{places}/rules.yaml]
sealed: {places}/sealed
staging: {{shared: {{uri: {places}/staging}}}}
destinations: {{partner: {{uri: {places}/released, trust: external}}}}
login: {{company: {{issuer: "{issuer}", client_id: maskgate, client_secret: "file:client-secret"}}}}
tokens: {{pipeline: {{owner: requester}}}}
"""
_PATIENCE = 60


class SeveralGates:
    """One or more gates on one database, with homes of their own and one address."""

    def __init__(self, folder: Path, processes: Processes, issuer: str, database: str | None, number: int) -> None:
        self.folder = folder
        self.processes = processes
        self.issuer = issuer
        self.database = database
        for name in ("staging", "released"):
            (folder / name).mkdir()
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "rules.yaml").write_text(RULES_TEXT)
        ports = [free_port() for _ in range(number)]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]
        self.homes = [self._home(f"gate-{place}", port) for place, port in enumerate(ports)]
        self.programs = [self.start(place) for place in range(number)]

    @property
    def store(self) -> str | Path:
        """Where their database is."""
        return self.database or self.homes[0] / "gate.db"

    def start(self, place: int):
        """Start a gate, and wait until it answers."""
        home = self.homes[place]
        if place and not (home / "signing-key.pem").exists():
            for name in ("signing-key.pem", "pipeline.token", "auditor.token"):
                shutil.copy2(self.homes[0] / name, home / name)
        environment = os.environ | {"MASKGATE_HOME": str(home)}
        if self.database is not None:
            environment["MASKGATE_DATABASE_URL"] = self.database
        maskgate = Path(sys.executable).with_name("maskgate")
        program = self.processes.start(home.name, [maskgate, "serve"], env=environment)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                httpx.get(f"{self.addresses[place]}/healthz").raise_for_status()
            except httpx.TransportError:
                assert program.is_running, program.tail()
                assert time.monotonic() < deadline, program.tail()
                time.sleep(0.05)
            else:
                return program

    def client(self, place: int = 0, role: str = "pipeline") -> GateClient:
        """Return a client of one of the gates."""
        return GateClient(self.addresses[place], (self.homes[0] / f"{role}.token").read_text().strip())

    def request(self) -> dict:
        """Stage masked tables, ask for their export, and wait until somebody is asked."""
        with self.client() as client:
            opened = client.open_staging()
            write_staged(Path(opened["uri"]), staged_bytes(masked_tables(), sample_rules()))
            document = client.create_request(staging=opened["id"], destination="partner", why="for the report")
            document = client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=_PATIENCE)
        assert document["state"] == "pending", document["message"]
        return document

    def log_in(self, provider, subject: str, place: int = 0) -> Person:
        """Log a person in at one of the gates, through the identity provider."""
        headers = {"Host": self.url.removeprefix("http://"), "Origin": self.url}
        with httpx.Client(base_url=self.addresses[place], headers=headers, timeout=_PATIENCE) as http:
            began = http.get("/login/company")
            callback = provider.authorize(began.headers["location"], subject)
            landed = http.get(callback.removeprefix(self.url))
            assert landed.status_code == 303, landed.text
            return Person(http.cookies["maskgate_session"], headers)

    def _home(self, name: str, port: int) -> Path:
        home = self.folder / name
        home.mkdir()
        (home / "client-secret").write_text("not very secret")
        (home / "client-secret").chmod(0o600)
        (home / "gate.yaml").write_text(
            CONFIGURATION.format(url=self.url, port=port, places=self.folder, issuer=self.issuer)
        )
        return home


class Person:
    """A browser with a session, which counts at every gate."""

    def __init__(self, cookie: str, headers: dict[str, str]) -> None:
        self.cookie = cookie
        self.headers = headers

    def decide(self, address: str, document: dict, verdict: str) -> httpx.Response:
        """Decide as the page's script would: with the session, its token, and the digests that were shown."""
        now = StillClock().now()
        token = csrf_token(Session(self.cookie, "", "", (), now, now), f"requests/{document['id']}")
        body = {"verdict": verdict, "reason": "checked against the ticket"}
        body |= {name: document[name] for name in ("intent_digest", "context_digest")}
        return httpx.post(
            f"{address}/api/v1/requests/{document['id']}/decisions",
            json=body,
            headers=self.headers | {"X-CSRF-Token": token},
            cookies={"maskgate_session": self.cookie},
            timeout=_PATIENCE,
        )
