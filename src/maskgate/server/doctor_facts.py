"""What a doctor looks at in the gate's home and configuration. No secret is read."""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from maskgate.clock import SystemClock
from maskgate.errors import ConfigurationError
from maskgate.ledger import entries_after
from maskgate.rules.strict_yaml import parse
from maskgate.server.doctor_checks import Facts, PlaceFacts
from maskgate.server.doctor_values import is_worth_a_mark, mark
from maskgate.server.ledger_check import must_follow
from maskgate.server.sealed_sharing import doubts_about_sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from maskgate.clock import Clock
    from maskgate.gate.model import Destination, StagingRoot
    from maskgate.server.configuration import Configuration
    from maskgate.server.home import Home
    from maskgate.store import Store

_REFERENCE = re.compile(r"^(env|file):.+")
_WAIT = 5.0
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss"})


def collect(
    configuration: Configuration,
    home: Home,
    store: Store,
    checkpoint: Path | None,
    workers: Iterable[Mapping[str, Any]],
) -> Facts:
    """Collect the facts.

    Raises:
        LedgerError: If the checkpoint contradicts the database.
    """
    references = references_of(configuration)
    machine = SystemClock()
    clocks: dict[str, timedelta | None] = {"the database": store.clock().now() - machine.now()}
    for name, instance in (*configuration.airflow.items(), *configuration.prefect.items()):
        clocks[f"the host {name}"] = _skew_of_host(instance.url, machine)
    return Facts(
        user=os.getuid(),
        url=configuration.url,
        secrets={str(path): stat.S_IMODE(path.stat().st_mode) for path in _secrets(home)},
        destinations=tuple(place_of(each, references) for each in configuration.destinations.values()),
        staging=tuple(place_of(each, {}) for each in configuration.staging.values()),
        sources=tuple(_sources(configuration, references_of(configuration, "sources"))),
        clocks=clocks,
        checkpoint_age=None if checkpoint is None else _age(home, store, checkpoint, machine.now()),
        unshared=doubts_about_sealed(configuration, home, store),
        workers=tuple(held_by(each, configuration.destinations.values(), _plain(configuration)) for each in workers),
    )


def questions(facts: Facts) -> dict[str, Any]:
    """Return what workers are to look for."""
    references = [each for place in (*facts.destinations, *facts.sources) for each in place.references]
    places = [place.uri for place in (*facts.destinations, *facts.staging, *facts.sources) if "://" not in place.uri]
    files = [each.removeprefix("file:") for each in references if each.startswith("file:")]
    return {
        "format": "maskgate-questions/1",
        "machine": socket.gethostname(),
        "paths": [*facts.secrets, *places, *files],
        "names": sorted({each.removeprefix("env:") for each in references if each.startswith("env:")}),
        "places": [
            {"uri": place.uri, "endpoint": place.endpoint}
            for place in facts.destinations
            if place.uri.partition("://")[0] in _OBJECT_STORES
        ],
        "salt": secrets.token_hex(16),
    }


def held_by(worker: Mapping[str, Any], destinations: Iterable[Destination], plain: Iterable[str]) -> dict[str, Any]:
    """Return a worker's report with the values that it holds of each destination's credentials, by their names.

    Args:
        worker: Its report.
        destinations: With their options.
        plain: What stands in the configuration as it is, so that it is no secret.
    """
    salt, marks, open_ = str(worker.get("salt") or ""), worker.get("marks") or {}, frozenset(plain)
    holds: dict[str, list[str]] = {}
    for destination in destinations if salt and marks else ():
        credentials = {each for each in _texts(dict(destination.options)) if is_worth_a_mark(each)} - open_
        wanted = {mark(each, salt) for each in credentials}
        holds[destination.id] = sorted(name for name, found in marks.items() if wanted.intersection(found))
    return {**worker, "holds": {id_: names for id_, names in holds.items() if names}}


def references_of(configuration: Configuration, block: str = "destinations") -> dict[str, tuple[str, ...]]:
    """Return what the options of each place of a block refer to, as the file has it; files with their whole path."""
    root = parse(configuration.file.read_text(encoding="utf-8"), str(configuration.file), ConfigurationError)
    base = configuration.file.absolute().parent
    return {
        str(name): tuple(
            f"file:{base / text.removeprefix('file:')}" if text.startswith("file:") else text
            for text in _texts(place)
            if _REFERENCE.match(text)
        )
        for name, place in root.plain().get(block, {}).items()
    }


def _sources(configuration: Configuration, references: Mapping[str, tuple[str, ...]]) -> Iterator[PlaceFacts]:
    for source in configuration.sources.values():
        base = Path() if source.rules.path is None else source.rules.path.parent
        keys = tuple(
            f"file:{base / each.removeprefix('file:')}" if each.startswith("file:") else each
            for each in source.rules.references(sorted(source.tables)).values()
        )
        for table, uri in source.tables.items():
            yield PlaceFacts(f"{source.id}.{table}", uri, (*references.get(source.id, ()), *keys))


def _plain(configuration: Configuration) -> list[str]:
    root = parse(configuration.file.read_text(encoding="utf-8"), str(configuration.file), ConfigurationError)
    return [text for text in _texts(root.plain().get("destinations", {})) if not _REFERENCE.match(text)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def _secrets(home: Home) -> list[Path]:
    single = [home.signing_key, home.database, home.folder]
    return [path for path in (*single, *home.signing_keys.glob("*")) if path.exists()]


def place_of(place: Destination | StagingRoot, references: Mapping[str, tuple[str, ...]]) -> PlaceFacts:
    """Return what there is to know of a place, with what its options refer to."""
    upload_only, level = getattr(place, "upload_only", False), getattr(place, "level", "release")
    endpoint = place.options.get("endpoint_url")
    return PlaceFacts(place.id, place.uri, references.get(place.id, ()), upload_only, level, str(endpoint or ""))


def _skew_of_host(url: str, machine: Clock) -> timedelta | None:
    try:
        told = httpx.head(url, timeout=_WAIT, follow_redirects=False).headers.get("date")
    except httpx.HTTPError:
        return None
    return None if told is None else parsedate_to_datetime(told) - machine.now()


def _age(home: Home, store: Store, checkpoint: Path, now: datetime) -> timedelta:
    must_follow(home, store, checkpoint)
    size = int(checkpoint.read_text(encoding="utf-8").splitlines()[1])
    with store.read() as work:
        (last,) = entries_after(work, size - 2, 1)
    return now - last.at
