"""``maskgate ledger``: show what was recorded, verify that it agrees with itself, keep a checkpoint of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgate.errors import LedgerError, UsageError
from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from maskgate.ledger import Verdict
    from maskgate.server.home import Home

_PAGE = 1000
_HOME = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), help="The gate's home; by default $MASKGATE_HOME."
)


@click.group(name="ledger")
def ledger() -> None:
    """Show and verify what the gate has recorded."""


@ledger.command(name="show")
@click.option("--after", default=-1, show_default=True, help="Only entries with a greater number.")
@click.option("--type", "kind", help="Only entries of this type, such as decision.approve.")
@click.option("--request", "request_id", help="Only entries about this request.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@_HOME
def show(after: int, kind: str | None, request_id: str | None, home: Path | None, *, as_json: bool) -> None:
    """List the entries, from the gate's home or, where there is none, from the gate at MASKGATE_URL."""
    found = [
        entry
        for entry in _entries(home, after)
        if (kind is None or entry["type"] == kind)
        and (request_id is None or entry["body"].get("request") == request_id)
    ]
    if as_json:
        click.echo(json.dumps({"entries": found}, ensure_ascii=False, indent=2))
        return
    for entry in found:
        facts = {name: value for name, value in entry["body"].items() if name not in {"seq", "at", "type"}}
        click.echo(f"{entry['seq']:>6}  {entry['at']}  {entry['type']:<22}  {json.dumps(facts, ensure_ascii=False)}")


@ledger.command(name="verify")
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint that was kept elsewhere; without one, a ledger can only be shown to agree with itself.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@_HOME
def verify(checkpoint_file: Path | None, home: Path | None, *, as_json: bool) -> None:
    """Check the ledger in the gate's home: every hash, the tree, and the rows that rest on it.

    With MASKGATE_DATABASE_URL, the ledger there, against the signing key of the home. Exits with 1 if something does
    not agree.
    """
    found = _home(home)
    found.must_have_store()
    verdict = _verdict(found, checkpoint_file)
    if as_json:
        click.echo(json.dumps(verdict.as_json(), ensure_ascii=False, indent=2))
    if not verdict.holds:
        raise LedgerError(str(verdict))
    if not as_json:
        click.echo(str(verdict))


@ledger.command(name="checkpoint")
def checkpoint() -> None:
    """Print the ledger's size and root, signed, to be kept where the gate's administrators cannot reach.

    Needs MASKGATE_URL, and the auditor's token in MASKGATE_TOKEN.
    """
    with GateClient.from_environment() as client:
        click.echo(client.checkpoint()["note"], nl=False)


def _entries(folder: Path | None, after: int) -> Iterator[dict[str, Any]]:
    home = _home(folder)
    if home.has_store:
        yield from _entries_of(home, after)
        return
    with GateClient.from_environment() as client:
        while page := client.ledger_entries(after, _PAGE):
            yield from page
            after = page[-1]["seq"]


def _entries_of(home: Home, after: int) -> Iterator[dict[str, Any]]:
    from maskgate.ledger import entries_after  # noqa: PLC0415  the database is an extra
    from maskgate.store import Store  # noqa: PLC0415

    store = Store.open(home.store)
    try:
        with store.read() as work:
            while page := entries_after(work, after, _PAGE):
                for entry in page:
                    yield entry.as_json()
                after = page[-1].seq
    finally:
        store.close()


def _verdict(home: Home, checkpoint_file: Path | None) -> Verdict:
    from maskgate.server.ledger_check import check_ledger  # noqa: PLC0415  the database is an extra
    from maskgate.store import Store  # noqa: PLC0415

    store = Store.open(home.store)
    try:
        return check_ledger(home, store, checkpoint_file)
    finally:
        store.close()


def _home(folder: Path | None) -> Home:
    try:
        from maskgate.server.home import Home  # noqa: PLC0415  the server is an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs the extra: pip install 'maskgate[server]' ({error.name} is missing)") from None
    return Home.find(folder)
