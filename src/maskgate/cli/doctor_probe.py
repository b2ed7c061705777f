"""What a worker can reach, found by trying, on the worker: names, paths and marks of values, never a value."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.server.doctor_values import marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# By these, whoever has them speaks as Airflow's API server or reads what it keeps.
HOST_SECRETS = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY", "AIRFLOW__CORE__FERNET_KEY")
_IN_FILE = ("jwt_secret", "secret_key", "fernet_key")


def probe(asked: Mapping[str, Any], exports: Sequence[Path] = ()) -> dict[str, Any]:
    """Answer what a gate's doctor asks.

    Args:
        asked: ``paths`` to try, ``places`` in object stores to look into, and ``names`` of environment variables;
            ``machine``, the name of the gate's; ``salt`` of the marks of values.
        exports: What the host exported of its connections and variables, as JSON.

    Raises:
        UsageError: If an export is no JSON.
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
        "reached": [place["uri"] for place in asked.get("places", ()) if is_reached(place)],
        "salt": asked.get("salt", ""),
        "marks": _marks(asked.get("salt", ""), exports),
    }


def is_reached(place: Mapping[str, Any]) -> bool:
    """Whether a place in an object store can be listed from here, with whatever credentials are lying about."""
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415  the store's own package may not be there

        options = {"endpoint_url": place["endpoint"]} if place.get("endpoint") else {}
        store, path = url_to_fs(place["uri"], use_listings_cache=False, **options)
        store.ls(path)
    except FileNotFoundError:
        return True  # it was told that nothing is there
    except Exception:  # noqa: BLE001  whatever stands in the way, it was not reached
        return False
    return True


def _marks(salt: str, exports: Sequence[Path]) -> dict[str, list[str]]:
    if not salt:
        return {}
    named: dict[str, Any] = {f"env:{name}": value for name, value in os.environ.items()}
    for file in exports:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise UsageError(
                f"{file} is no JSON. Make it with `airflow connections export` or `variables export`"
            ) from None
        inner = found if isinstance(found, dict) else {"all of it": found}
        named |= {f"{name} of {file.name}": value for name, value in inner.items()}
    return marks_of(named, salt)


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
