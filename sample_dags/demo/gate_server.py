"""A real gate process on loopback, with its configuration, its home, a staging folder and a destination."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from demo.processes import LOOPBACK, Processes, Program, free_port, program, wait_for_url

SAMPLES = Path(__file__).resolve().parents[1]
AIRFLOW_INSTANCE = "prod"
PREFECT_INSTANCE = "local"
LOGIN = "company"

_YAML = YAML(typ="safe", pure=True)
_YAML.default_flow_style = False
_YAML.sort_base_mapping_type_on_output = False


@dataclass(frozen=True)
class GateConfiguration:
    """What ``gate.yaml`` says, beside the folders that every :class:`GateServer` has.

    Attributes:
        policy: The policy file.
        rules: The rules files to register.
        airflow_url: Where Airflow's API is, or none.
        airflow_password: Of the gate's own account there, which is called ``gate``.
        prefect_url: Where Prefect's API is (ending in ``/api``), or none.
        issuer: Of the identity provider, or none.
        more: Other blocks of the file, such as ``limits`` or ``slack``; a block of the same name is merged.
    """

    policy: Path = SAMPLES / "policy.yaml"
    rules: tuple[Path, ...] = (SAMPLES / "rules" / "customers.yaml",)
    airflow_url: str | None = None
    airflow_password: str = field(default="", repr=False)
    prefect_url: str | None = None
    issuer: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


class GateServer:
    """One gate, all of it inside a work folder: ``home``, ``staging`` and ``released``.

    Args:
        processes: Where it is started.
        work: A folder of its own.
        port: Where it listens; by default, wherever there is room.
        keys: Masking keys by variable, for a gate whose own releaser masks.
    """

    def __init__(
        self, processes: Processes, *, work: Path, port: int = 0, keys: Mapping[str, str] | None = None
    ) -> None:
        self.processes = processes
        self.work = work
        self.port = port or free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.home = work / "home"
        self.staging = work / "staging"
        self.released = work / "released"
        self.program: Program | None = None
        self._secrets = {"MASKGATE_LOGIN_SECRET": secrets.token_urlsafe(24), **(keys or {})}

    @property
    def configuration_file(self) -> Path:
        """The gate's ``gate.yaml``."""
        return self.home / "gate.yaml"

    def configure(self, configuration: GateConfiguration) -> None:
        """Write ``gate.yaml``. Secrets go to the gate's environment; the file only refers to them."""
        for folder in (self.home, self.staging, self.released):
            folder.mkdir(parents=True, exist_ok=True)
        self._secrets["MASKGATE_AIRFLOW_PASSWORD"] = configuration.airflow_password
        document: dict[str, Any] = {
            "version": 1,
            "url": self.url,
            "policy": str(configuration.policy),
            "rules": [str(file) for file in configuration.rules],
            "staging": {"shared": {"uri": str(self.staging)}},
            "destinations": {"partner": {"uri": str(self.released), "trust": "external", "mode": "new_version"}},
            **_hosts(configuration),
        }
        for block, value in configuration.more.items():
            merged = isinstance(value, Mapping) and block in document
            document[block] = {**document[block], **value} if merged else value
        with self.configuration_file.open("w", encoding="utf-8") as file:
            _YAML.dump(document, file)

    def start(self) -> Program:
        """Start it and wait until it is healthy. Also starts it again after :meth:`stop` or a kill."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MASKGATE_")}
        self.program = self.processes.start(
            "gate",
            [program("server", "maskgate"), "serve", "--config", self.configuration_file],
            env={**environment, "MASKGATE_HOME": str(self.home), **self._secrets},
        )
        wait_for_url(f"{self.url}/healthz", self.program, timeout=120)
        return self.program

    def stop(self) -> None:
        """Stop it in good order."""
        if self.program is not None:
            self.program.stop()

    def token(self, role: str = "pipeline") -> str:
        """Return the token that the gate made on its first start: of role ``pipeline`` or ``auditor``."""
        return (self.home / f"{role}.token").read_text(encoding="utf-8").strip()

    def connection(self) -> str:
        """Return the gate as an Airflow connection, for ``AIRFLOW_CONN_MASKGATE_DEFAULT``."""
        extra = {"instance": AIRFLOW_INSTANCE}
        return json.dumps({"conn_type": "maskgate", "host": self.url, "password": self.token(), "extra": extra})

    def command(self, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Return a ``maskgate`` command line and its environment, as the gate's own operator would run it."""
        environment = {**os.environ, "MASKGATE_HOME": str(self.home), "MASKGATE_URL": self.url, **self._secrets}
        return [str(program("server", "maskgate")), *arguments], environment


def _hosts(configuration: GateConfiguration) -> dict[str, Any]:
    blocks: dict[str, Any] = {}
    if configuration.airflow_url:
        account = {"username": "gate", "password": "env:MASKGATE_AIRFLOW_PASSWORD"}
        blocks["airflow"] = {AIRFLOW_INSTANCE: {"url": configuration.airflow_url, **account}}
    if configuration.prefect_url:
        blocks["prefect"] = {PREFECT_INSTANCE: {"url": configuration.prefect_url}}
    if configuration.issuer:
        client = {"client_id": "maskgate", "client_secret": "env:MASKGATE_LOGIN_SECRET"}
        blocks["login"] = {LOGIN: {"issuer": configuration.issuer, **client, "groups_claim": "groups"}}
    return blocks
