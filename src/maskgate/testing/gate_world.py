"""A whole gate in one folder: real database, real staging, real releaser; the time and the host stand still."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from maskgate.gate.gate_keys import GateKeys
from maskgate.gate.key_sources import FileKeys
from maskgate.gate.model import Caller, DecisionInput, Destination, Identity, Limits, RequestInput, StagingRoot
from maskgate.gate.registry import Registry
from maskgate.gate.service import Gate
from maskgate.gate.signer import Signer
from maskgate.gate.staging import Staging
from maskgate.release.releaser import DestinationReleaser
from maskgate.testing.host import ScriptedHost, airflow_run
from maskgate.testing.measured_once import seal_measured_once
from maskgate.testing.new_store import open_store
from maskgate.testing.staged_tables import RULES_TEXT, masked_tables, put_staged, sample_rules, staged_bytes
from maskgate.testing.still_clock import StillClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.authors import CodeRepository
    from maskgate.gate.host import HostRun
    from maskgate.gate.notifier import Notifier
    from maskgate.gate.parts import Sealer
    from maskgate.gate.releaser import Releaser

POLICY = """
version: 1
people:
  anna: ["airflow:prod|anna", "okta|anna"]
  bert: ["airflow:prod|bert", "okta|bert"]
  cleo: ["airflow:prod|cleo", "okta|cleo"]
  dora: ["okta|dora"]
reviewers:
  privacy: {people: [anna, bert], group: privacy-team}
  legal: {people: [bert, cleo]}
requesters:
  "airflow:prod|nightly_*": [anna]
policies:
  - name: external export
    when: {action: export, destination: {trust: external}}
    require: {slots: {privacy: 1}}
    channels: [web, airflow]
    reason: {min_length: 10}
    expires: 24h
    evidence: {rows: {at_least: 1}}
  - name: publication
    when: {action: publish, destination: {trust: public}}
    require: {slots: {privacy: 1, legal: 1}}
    expires: 1h
  - name: internal copy
    when: {action: export, destination: {trust: internal}}
    allow: true
otherwise: refuse
"""
REASON = "checked the columns"


@dataclass
class GateWorld:
    """One gate, its surroundings, and what people do with it.

    Attributes:
        folder: Where all of it lies.
        policy: The policy's text.
        releaser: Another releaser than the real one.
        sealer: Another sealer than the real one, which measures the same files once.
        notifiers: Ways of telling people.
        clock: What time it is, for the gate and its host.
        database: The URL of another database than the file in the folder.
        places: Where staging and destinations lie, if elsewhere: those of another gate.
        sealed: Where the gate's own copies lie, if elsewhere.
        code: Repositories of the host's code.
        own_code: The repository of its policy and rules.
        handlers: What carries out actions that release no staged files, by verb.
        lines: What the last start said.
        made: Every world of this process, so that a test can look at what others left.
    """

    folder: Path
    policy: str = POLICY
    releaser: Releaser = field(default_factory=DestinationReleaser)
    sealer: Sealer = seal_measured_once
    notifiers: tuple[Notifier, ...] = ()
    clock: StillClock = field(default_factory=StillClock)
    database: str | None = None
    places: Path | None = None
    sealed: Path | None = None
    code: dict[str, CodeRepository] = field(default_factory=dict)
    own_code: CodeRepository | None = None
    handlers: Mapping[str, ActionHandler] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    made: ClassVar[list[GateWorld]] = []

    def __post_init__(self) -> None:
        for name in ("staging", "released", "sealed"):
            (self.folder / name).mkdir(exist_ok=True)
        self.host = ScriptedHost(self.clock)
        self.start()
        self.made.append(self)

    @property
    def registry(self) -> Registry:
        """What is configured."""
        folder = self.places or self.folder
        places = {
            name: Destination(name, str(folder / "released" / name), trust)
            for name, trust in (("partner", "external"), ("site", "public"), ("archive", "internal"))
        }
        for name in places:
            (folder / "released" / name).mkdir(exist_ok=True)
        root = StagingRoot("shared", str(folder / "staging"))
        code: dict[str, Any] = {"code": self.code, "own_code": self.own_code}
        return Registry("http://127.0.0.1:8470", {"shared": root}, places, limits=Limits(), **code)

    def start(self) -> None:
        """Start a gate process on what lies in the folder, as after a crash."""
        self.store = open_store(self.database or self.folder / "gate.db")
        key = self.folder / "signing-key.pem"
        self.keys = self.open_keys()
        if key.exists():
            self.signer = Signer.load(key)
        for name, text in (("policy.yaml", self.policy), ("rules.yaml", RULES_TEXT)):
            # Another process may be reading it, and has to find all of it.
            if not (self.folder / name).exists() or (self.folder / name).read_text() != text:
                (self.folder / name).write_text(text)
        self.gate = Gate(
            self.store,
            clock=self.clock,
            keys=self.keys,
            registry=self.registry,
            hosts={"airflow:prod": self.host},
            releaser=self.releaser,
            sealed_folder=self.sealed or self.folder / "sealed",
            notifiers=self.notifiers,
            handlers=self.handlers,
            sealer=self.sealer,
        )
        tokens = {role: self.folder / f"{role}.token" for role in ("pipeline", "auditor")}
        self.lines = self.gate.start(self.folder / "policy.yaml", [self.folder / "rules.yaml"], tokens)

    def open_keys(self) -> GateKeys:
        """Open the gate's keys, which are files here."""
        return GateKeys(FileKeys(self.folder / "signing-key.pem", self.folder / "keys"), self.folder / "ring.json")

    def beside(self, folder: Path, **more: Any) -> GateWorld:
        """Start another gate with a home of its own, on the same database, places, time and host, with the same key."""
        folder.mkdir()
        for name in ("signing-key.pem", "pipeline.token", "auditor.token"):
            shutil.copy2(self.folder / name, folder / name)
        shared: dict[str, Any] = {"policy": self.policy, "clock": self.clock, "database": self.database}
        shared["places"] = self.folder
        another = type(self)(folder, **shared | more)
        another.host.runs = self.host.runs
        return another

    @property
    def pipeline(self) -> Caller:
        """The pipeline's token."""
        return self._bearer("pipeline")

    @property
    def auditor(self) -> Caller:
        """The auditor's token."""
        return self._bearer("auditor")

    def _bearer(self, role: str) -> Caller:
        found = self.gate.caller_of((self.folder / f"{role}.token").read_text())
        if found is None:
            raise AssertionError(f"the token of role {role} is not one of the gate")
        return found

    def stage(self, rows: int = 4) -> str:
        """Stage masked tables, as a worker does."""
        opened = self.gate.open_staging(self.pipeline)
        staging = Staging(self.registry.staging["shared"])
        put_staged(staging, opened["id"], staged_bytes(masked_tables(rows), sample_rules()))
        return str(opened["id"])

    def ask(
        self,
        *,
        triggered_by: tuple[str, ...] = ("anna",),
        destination: str = "partner",
        action: str = "export",
        run: HostRun | None = None,
        staging: str | None = None,
        sealed: bool = True,
        **more: Any,
    ) -> dict[str, Any]:
        """Ask from a run, and seal."""
        run = run or airflow_run()
        if run.run_id not in self.host.runs:
            self.host.add_run(run, triggered_by=triggered_by)
        wanted = RequestInput(staging or self.stage(), destination, action, "for the partner", run, **more)
        document = self.gate.create_request(self.pipeline, wanted)
        while sealed and self.gate.seal_waiting():
            pass
        return self.read(document["id"])

    def read(self, request_id: str) -> dict[str, Any]:
        """Read a request as an auditor."""
        return self.gate.request(self.auditor, request_id)

    def decide(
        self,
        document: Mapping[str, Any],
        person: str = "bert",
        verdict: str = "approve",
        reason: str = REASON,
        *,
        identity: Identity | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Decide on the page, as a person who has just logged in."""
        who = identity or Identity((f"okta|{person}",), "web", (), self.clock.now())
        digests: dict[str, Any] = {name: str(document[name]) for name in ("intent_digest", "context_digest")} | changes
        return self.gate.decide(str(document["id"]), DecisionInput(who, verdict, reason, **digests))

    def release(self, document: Mapping[str, Any], run: HostRun | None = None) -> dict[str, Any]:
        """Release, from another task of the same run, and wait for it."""
        asked = run or airflow_run(task_id="release")
        self.gate.release(self.pipeline, str(document["id"]), asked)
        while self.gate.release_waiting():
            pass
        return self.read(str(document["id"]))

    def entries(self, *types: str, request: str | None = None) -> list[dict[str, Any]]:
        """Read bodies of the ledger's entries, of these types, about this request."""
        bodies = [entry["body"] for entry in self.gate.ledger_entries(self.auditor)]
        return [
            body for body in bodies if (not types or body["type"] in types) and request in {None, body.get("request")}
        ]

    def released(self) -> list[str]:
        """List every file at any destination, hidden ones too."""
        folder = (self.places or self.folder) / "released"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
