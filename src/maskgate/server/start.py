"""From a home and a configuration to a running gate."""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from maskgate.server.app import make_app
from maskgate.server.assembling import make_gate
from maskgate.server.background import Background, Task
from maskgate.server.configuration import load_configuration
from maskgate.server.home import Home
from maskgate.server.ledger_check import must_follow
from maskgate.server.login import Login
from maskgate.server.login_state import LoginState
from maskgate.server.sealed_sharing import doubts_about_sealed
from maskgate.server.services import Services
from maskgate.server.serving import bind, make_server
from maskgate.server.sessions import Sessions
from maskgate.server.wording import know_methods
from maskgate.server.workshop import Workshop
from maskgate.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from maskgate.clock import Clock
    from maskgate.gate.service import Gate
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
    workshop = Workshop(configuration.file.absolute(), home.folder)
    with ExitStack() as stack:
        stack.callback(workshop.close)
        workshop.ask("check")  # before anything is made
        listener = stack.enter_context(bind(*configuration.listen))
        home.make()
        stack.enter_context(home.lock())
        store = stack.enter_context(_opened(home, workshop))
        if checkpoint is not None:
            must_follow(home, store, checkpoint)
        clock = store.clock()
        is_first, said = workshop.ask("start")
        know_methods(workshop.ask("words"))
        gate = make_gate(configuration, home, store, clock)
        doubts = doubts_about_sealed(configuration, home, store)
        lines = said + gate.warnings_about_passkeys() + gate.warnings_about_names(configuration.login)
        lines += tuple(f"warning: {each}" for each in doubts)

        def seal() -> bool:
            if gate.waits_for_sealing:
                return bool(workshop.ask("seal"))
            workshop.rest()
            return False

        services = make_services(configuration, store, gate, clock, seal)
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


@contextmanager
def _opened(home: Home, workshop: Workshop) -> Iterator[Store]:
    """Open the database, and keep other gates from a file that serves one."""
    with ExitStack() as stack:
        workshop.ask("migrate")
        store = Store.open(home.store)
        stack.callback(store.close)
        if store.file is not None:
            stack.enter_context(home.lock_of_file(store.file))
        yield store


def make_services(
    configuration: Configuration, store: Store, gate: Gate, clock: Clock, seal: Callable[[], bool] | None = None
) -> Services:
    """Put together what the routes work with.

    Args:
        configuration: What is registered.
        store: The database.
        gate: The gate.
        clock: What time it is.
        seal: Seals what waits, if not this process does; says whether anything did.
    """
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
                Task("sealing", seal or gate.seal_waiting, _WORK_PAUSE),
                Task("releasing", gate.release_waiting, _WORK_PAUSE),
                Task("sweeping", sweep, _SWEEP_PAUSE),
                Task("reconciling", reconcile, _RECONCILE_PAUSE),
            )
        ),
    )


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
