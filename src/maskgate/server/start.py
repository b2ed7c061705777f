"""From a home and a configuration to a running gate."""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from maskgate.gate.action_handler import HandlerElsewhere
from maskgate.gate.establishing import read_files
from maskgate.gate.registry import Registry
from maskgate.gate.releaser import ReleaserElsewhere
from maskgate.gate.sealing import seal
from maskgate.gate.service import Gate
from maskgate.hosts.airflow import AirflowHost
from maskgate.hosts.prefect import PrefectHost
from maskgate.release.releaser import DestinationReleaser
from maskgate.server.app import make_app
from maskgate.server.background import Background, Task
from maskgate.server.configuration import load_configuration
from maskgate.server.configuration_signing import open_keys
from maskgate.server.home import Home
from maskgate.server.ledger_check import must_follow
from maskgate.server.login import Login
from maskgate.server.login_state import LoginState
from maskgate.server.services import Services
from maskgate.server.serving import bind, make_server
from maskgate.server.sessions import Sessions
from maskgate.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from maskgate.clock import Clock
    from maskgate.gate.action_handler import ActionHandler
    from maskgate.gate.host import Host
    from maskgate.gate.parts import Sealer
    from maskgate.gate.releaser import Releaser
    from maskgate.server.configuration import Configuration

_WORK_PAUSE = 0.5
_SWEEP_PAUSE = 1.0
_RECONCILE_PAUSE = 30.0


def run(config: Path | None, folder: Path | None, say: Callable[[str], None], checkpoint: Path | None = None) -> None:
    """Run a gate until it is stopped.

    Args:
        config: The configuration; by default ``gate.yaml`` in the home.
        folder: The home; by default ``$MASKGATE_HOME``.
        say: Tells whoever starts the gate.
        checkpoint: A checkpoint kept elsewhere, which the database has to agree with.

    Raises:
        ConfigurationError: If the configuration cannot be used.
        LedgerError: If the database is older than the checkpoint, or another.
        MaskgateError: If the address or the home is in use.
    """
    home = Home.find(folder)
    configuration = load_configuration(config or home.configuration)
    read_files(configuration.policy, configuration.rules)  # before anything is made
    with ExitStack() as stack:
        listener = stack.enter_context(bind(*configuration.listen))
        home.make()
        stack.enter_context(home.lock())
        store = stack.enter_context(_opened(home))
        if checkpoint is not None:
            must_follow(home, store, checkpoint)
        clock = store.clock()
        gate = make_gate(configuration, home, store, clock)
        is_first = gate.is_new
        tokens = {name: home.token(name) for name in configuration.tokens}
        lines = gate.start(configuration.policy, configuration.rules, tokens) + gate.warnings_about_passkeys()
        services = make_services(configuration, store, gate, clock)
        services.background.start()
        stack.callback(services.background.stop)
        for line in (*_greeting(configuration, home, store, gate, is_first=is_first), *lines):
            say(line)
        server = make_server(make_app(services))
        # What is there by now stays: looking through it again and again for garbage would hold requests up.
        gc.collect()
        gc.freeze()
        server.run(sockets=[listener])
        say("the gate has stopped")


def make_gate(
    configuration: Configuration,
    home: Home,
    store: Store,
    clock: Clock,
    hosts: Mapping[str, Host] | None = None,
    *,
    sealer: Sealer = seal,
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


@contextmanager
def _opened(home: Home) -> Iterator[Store]:
    """Open the database, and keep other gates from a file that serves one."""
    with ExitStack() as stack:
        store = Store.open(home.store)
        stack.callback(store.close)
        if store.file is not None:
            stack.enter_context(home.lock_of_file(store.file))
        yield store


def make_services(configuration: Configuration, store: Store, gate: Gate, clock: Clock) -> Services:
    """Put together what the routes work with."""
    secure, url = configuration.is_https, configuration.url

    def sweep() -> bool:
        gate.sweep()
        return False

    def reconcile() -> bool:
        gate.reconcile()
        return False

    return Services(
        gate=gate,
        clock=clock,
        url=url,
        sessions=Sessions(store, clock=clock, secure=secure),
        logins={
            name: Login(provider, f"{url}/login/{name}/callback") for name, provider in configuration.login.items()
        },
        login_state=LoginState(store, clock=clock, secure=secure),
        background=Background(
            (
                Task("sealing", gate.seal_waiting, _WORK_PAUSE),
                Task("releasing", gate.release_waiting, _WORK_PAUSE),
                Task("sweeping", sweep, _SWEEP_PAUSE),
                Task("reconciling", reconcile, _RECONCILE_PAUSE),
            )
        ),
    )


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


def _greeting(configuration: Configuration, home: Home, store: Store, gate: Gate, *, is_first: bool) -> tuple[str, ...]:
    host, port = configuration.listen
    lines = [
        f"maskgate is at {configuration.url} (listening at {host}:{port})",
        f"its database is {store}",
        f"fingerprint of its signing key: {gate.fingerprint}",
        *(
            f"token of role {holder.role}{'' if name == holder.role else f' ({name})'}: {home.token(name)}"
            for name, holder in configuration.tokens.items()
            if home.token(name).exists()
        ),
    ]
    if is_first:
        lines.insert(0, f"first start: made database, signing key and tokens in {home.folder}. Pin the fingerprint")
    if not configuration.login:
        lines.append("nobody can log in at the pages: the configuration has no `login:`")
    return tuple(lines)
