"""What a worker can reach, found by trying, on the worker: names and paths alone, never what is in them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# By these, whoever has them speaks as Airflow's API server or reads what it keeps.
HOST_SECRETS = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY")
_IN_FILE = ("jwt_secret", "secret_key", "fernet_key")


def probe(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Answer what a gate's doctor asks.

    Args:
        asked: ``paths`` to try and ``names`` of environment variables; ``machine``, the name of the gate's.
    """
    paths = [str(path) for path in asked["paths"]]
    name = socket.gethostname()
    return {
        "format": "maskgate-probe/1",
        "name": name,
        "machine": "same" if name == asked["machine"] else "another",
        "user": os.getuid(),
        "readable": [path for path in paths if os.access(path, os.R_OK)],
        "writable": [path for path in paths if os.access(path, os.W_OK)],
        "set": [f"env:{variable}" for variable in asked["names"] if os.environ.get(str(variable))],
        "host_secrets": host_secrets(os.environ),
    }


def host_secrets(environment: Mapping[str, str]) -> list[str]:
    """Name secrets of the host in the environment, or in a configuration of Airflow that can be read."""
    found = [name for name in HOST_SECRETS if environment.get(name)]
    home = Path(environment.get("AIRFLOW_HOME") or Path.home() / "airflow")
    file = Path(environment.get("AIRFLOW_CONFIG") or home / "airflow.cfg")
    if os.access(file, os.R_OK):
        lines = [line.partition("=") for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
        named = {name.strip() for name, equals, value in lines if equals and value.strip()}
        found += [f"{name} of {file}" for name in _IN_FILE if name in named]
    return found
