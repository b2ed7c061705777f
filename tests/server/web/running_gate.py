"""A whole gate on loopback: its web server, its threads, staged files; and people with browsers."""

from __future__ import annotations

import base64
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from server.web.forms import hidden_fields

from maskgate.gate.client import GateClient
from maskgate.server.app import make_app
from maskgate.server.assembling import make_gate
from maskgate.server.configuration import load_configuration
from maskgate.server.home import Home
from maskgate.server.serving import bind, make_server
from maskgate.server.start import make_services
from maskgate.testing.measured_once import seal_measured_once
from maskgate.testing.new_store import open_store
from maskgate.testing.staged_tables import RULES_TEXT, masked_tables, sample_rules, staged_bytes, write_staged

if TYPE_CHECKING:
    from maskgate.clock import Clock

REASON = "checked against ticket 1432"

POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
  second: ["company|second"]
  outsider: ["company|outsider"]
reviewers:
  privacy: {group: privacy-team}
floor: {direct_identifier: [drop, redact, nullify, mask, token]}
policies:
  - name: two eyes
    when: {action: export, destination: {id: partner}}
    require: {slots: {privacy: 1}, distinct: 1}
    channels: [web]
    reason: {min_length: 10}
    expires: 24h
  - name: four eyes
    when: {action: export, destination: {id: regulator}}
    require: {slots: {privacy: 2}, distinct: 2}
    channels: [web]
    expires: 24h
otherwise: refuse
"""


class RunningGate:
    """One gate with its own home, staging folder and destination."""

    def __init__(
        self,
        work: Path,
        issuer: str,
        *,
        webhook: str | None = None,
        policy: str = POLICY,
        rules: str = RULES_TEXT,
        partner: str = "released/partner",
        hosts: dict | None = None,
        database: str | None = None,
        home: Path | None = None,
        name: str = "127.0.0.1",
        places: str = "",
        clock: Clock | None = None,
        more: str = "tokens: {pipeline: {owner: requester}}",
    ) -> None:
        self.home = Home(home or work / "home")
        self.home.make()
        self.released = work / "released"
        self.opened: list[httpx.Client] = []
        self.listener = bind("127.0.0.1", 0)
        self.url = f"http://{name}:{self.listener.getsockname()[1]}"
        (work / "policy.yaml").write_text(policy)
        (work / "rules.yaml").write_text(rules)
        configuration = f"""\
version: 1
url: {self.url}
policy: policy.yaml
rules: [rules.yaml]
staging:
  shared: {{uri: staging}}
  uploads: {{uri: uploads, upload_only: true}}
  encrypted: {{uri: encrypted, encrypt: "file:staging.key"}}
destinations:
  partner: {{uri: "{partner}", trust: external}}
  regulator: {{uri: released/regulator, trust: public}}
{places}login:
  company: {{issuer: "{issuer}", client_id: maskgate, client_secret: "file:client-secret"}}
  other: {{issuer: "{issuer}", client_id: maskgate, client_secret: "file:client-secret"}}
{more}
"""
        secrets = {"client-secret": "not very secret", "staging.key": base64.b64encode(bytes(range(32))).decode()}
        secrets |= {} if webhook is None else {"webhook": webhook}
        for file, secret in secrets.items():
            (work / file).write_text(secret)
            (work / file).chmod(0o600)
        if webhook is not None:
            configuration += "slack: {webhook: file:webhook}\n"
        for folder in ("staging", "uploads", "encrypted", "released/partner", "released/regulator"):
            (work / folder).mkdir(parents=True)
        (work / "gate.yaml").write_text(configuration)
        self._database, self._hosts, self._clock = database, hosts, clock
        self._open(work / "gate.yaml")

    def _open(self, file: Path) -> None:
        """Put a gate together on what lies in its home."""
        self.configuration = load_configuration(file)
        self.store = open_store(self._database or self.home.database)
        clock = self._clock or self.store.clock()
        parts = (self.configuration, self.home, self.store, clock, self._hosts)
        self.gate = make_gate(*parts, sealer=seal_measured_once)
        tokens = {name: self.home.token(name) for name in self.configuration.tokens}
        self.started = self.gate.start(self.configuration.policy, self.configuration.rules, tokens)
        self.services = make_services(self.configuration, self.store, self.gate, clock)
        self.app = make_app(self.services)
        self._server = make_server(self.app)
        self._thread = threading.Thread(target=self._server.run, args=([self.listener],), daemon=True)

    def start(self) -> None:
        self.services.background.start()
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        for each in self.opened:
            each.close()
        self.halt()

    def halt(self) -> None:
        """End the service; people's browsers stay open."""
        self._server.should_exit = True
        self._thread.join(5)
        self.services.background.stop()
        self.listener.close()
        self.store.close()

    def start_again(self) -> None:
        """Start the service that was halted, at the same address, on what lies in its home by now."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        self.listener = bind(host, int(port))
        self._open(self.configuration.file)
        self.start()

    def token(self, role: str = "pipeline") -> str:
        return self.home.token(role).read_text().strip()

    def client(self, role: str = "pipeline") -> GateClient:
        return GateClient(self.url, self.token(role))

    def bearer(self, role: str = "pipeline") -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token(role)}"})

    def stage(self, client: GateClient) -> str:
        opened = client.open_staging()
        write_staged(Path(opened["uri"]), staged_bytes(masked_tables(), sample_rules()))
        return opened["id"]

    def request(self, *, destination: str = "partner", why: str = "for the quarterly report") -> dict:
        """Stage two masked tables, ask for their export, and wait until somebody is asked."""
        with self.client() as client:
            document = client.create_request(staging=self.stage(client), destination=destination, why=why)
            document = client.wait(document["id"], lambda each: each["state"] != "sealing", timeout=60)
        assert document["state"] == "pending", document["message"]
        return document

    def read(self, request_id: str) -> dict:
        with self.client() as client:
            return client.request(request_id)

    def read_as(self, token: str, request_id: str) -> dict:
        with self.client(token) as client:
            return client.request(request_id)

    def entries(self) -> list[dict]:
        with self.client("auditor") as client:
            return client.ledger_entries()

    def root(self) -> tuple[int, str]:
        with self.client("auditor") as client:
            checkpoint = client.checkpoint()
        return checkpoint["size"], checkpoint["root"]


class Browser:
    """A person with a browser, logged in through the identity provider."""

    def __init__(self, gate: RunningGate, provider, subject: str | None, *, login: str = "company") -> None:
        self.gate = gate
        self.http = httpx.Client(base_url=gate.url, timeout=30)
        gate.opened.append(self.http)
        if subject is not None:
            began = self.http.get(f"/login/{login}")
            assert began.status_code == 303
            self.callback = provider.authorize(began.headers["location"], subject)
            self.landed = self.http.get(self.callback)
            assert self.landed.status_code == 303, self.landed.text

    def page(self, request_id: str) -> str:
        answer = self.http.get(f"/requests/{request_id}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def form(self, request_id: str) -> dict[str, str]:
        return hidden_fields(self.page(request_id), f"/requests/{request_id}/decisions")

    def csrf_token(self, request_id: str) -> str:
        return re.search(r'<meta name="csrf-token" content="([0-9a-f]+)">', self.page(request_id)).group(1)

    def decide(self, request_id: str, verdict: str = "approve", reason: str = REASON, **changes) -> httpx.Response:
        data = self.form(request_id) | {"verdict": verdict, "reason": reason} | changes
        return self.http.post(f"/requests/{request_id}/decisions", data=data, headers={"Origin": self.gate.url})
