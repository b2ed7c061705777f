"""Putting a gate together from its configuration and its home; no page and no socket is needed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.gate.action_handler import HandlerElsewhere
from maskgate.gate.registry import Registry
from maskgate.gate.releaser import ReleaserElsewhere
from maskgate.gate.sealing_lazily import seal_lazily
from maskgate.gate.service import Gate
from maskgate.hosts.airflow import AirflowHost
from maskgate.hosts.prefect import PrefectHost
from maskgate.release.releaser import DestinationReleaser
from maskgate.server.configuration_signing import open_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.clock import Clock
    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.host import Host
    from maskgate.gate.parts import Sealer
    from maskgate.gate.releaser import Releaser
    from maskgate.server.configuration import Configuration
    from maskgate.server.home import Home
    from maskgate.store import Store


def make_gate(
    configuration: Configuration,
    home: Home,
    store: Store,
    clock: Clock,
    hosts: Mapping[str, Host] | None = None,
    *,
    sealer: Sealer = seal_lazily,
) -> Gate:
    """Put the gate's parts together.

    Args:
        configuration: What is registered.
        home: Where the signing key and the gate's copies are.
        store: The database.
        clock: What time it is.
        hosts: Orchestrators to ask instead of the configured ones, such as one in this process.
        sealer: Copies and measures staged bytes.
    """
    registry = Registry(
        url=configuration.url,
        staging=configuration.staging,
        destinations=configuration.destinations,
        sources=configuration.sources,
        tokens=configuration.tokens,
        code={f"airflow:{name}": each.code for name, each in configuration.airflow.items() if each.code is not None},
        own_code=configuration.own_code,
        limits=configuration.limits,
    )
    return Gate(
        store,
        clock=clock,
        keys=open_keys(configuration.signing, home, configuration.file.absolute().parent),
        registry=registry,
        hosts=_hosts(configuration) if hosts is None else hosts,
        releaser=_releaser(configuration),
        sealed_folder=home.sealed_folder(configuration.sealed),
        handlers=_handlers(configuration),
        notifiers=configuration.ways,
        sealer=sealer,
    )


def _releaser(configuration: Configuration) -> Releaser:
    if configuration.releases_elsewhere:
        return ReleaserElsewhere()
    return DestinationReleaser(configuration.limits.release_bytes_per_second)


def _handlers(configuration: Configuration) -> dict[str, ActionHandler]:
    if configuration.releases_elsewhere:
        return {action: HandlerElsewhere(handler) for action, handler in configuration.handlers.items()}
    return dict(configuration.handlers)


def _hosts(configuration: Configuration) -> dict[str, Host]:
    airflow: dict[str, Host] = {
        f"airflow:{name}": AirflowHost(name, each.url, each.username, each.password)
        for name, each in configuration.airflow.items()
    }
    prefect: dict[str, Host] = {
        f"prefect:{name}": PrefectHost(
            name, each.url, username=each.username, password=each.password, api_key=each.api_key
        )
        for name, each in configuration.prefect.items()
    }
    return airflow | prefect
