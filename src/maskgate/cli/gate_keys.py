"""``maskgate gate keys``: show the gate's keys, and ask for their change. It never opens the gate's database."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from collections.abc import Mapping

PENDING, REFUSED = 4, 3


@click.group(name="gate")
def gate() -> None:
    """Look after the gate itself."""


@gate.group(name="keys")
def keys() -> None:
    """Show the keys that the gate signs by, and ask for their change.

    All of it asks the gate at MASKGATE_URL. Asking for a change needs a token of the role operator in MASKGATE_TOKEN,
    and changes nothing until other people have signed it.
    """


@keys.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_keys(*, as_json: bool) -> None:
    """List the keys that the gate has signed by, the one in use last."""
    ring = _ring()
    if as_json:
        click.echo(json.dumps(ring, indent=2))
        return
    for key in ring["keys"]:
        click.echo(f"{key['kid']}  {_state_of(key)}")


@keys.command(name="export")
def export() -> None:
    """Print the ring of public keys, for a file that a releaser pins.

    Compare the fingerprints with what you know from elsewhere before you put it there.
    """
    click.echo(json.dumps(_ring(), indent=2))


@keys.command(name="rotate")
@click.option("--why", default="", help="Why, for those who sign it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def rotate(why: str, *, as_json: bool) -> int:
    """Ask whether another key may take the place of the gate's. Exits with 4 while nobody has signed that."""
    with GateClient.from_environment() as client:
        return _asked(client.rotate_gate_key(why), as_json=as_json)


@keys.command(name="revoke")
@click.argument("key")
@click.option("--why", default="", help="Why, for those who sign it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def revoke(key: str, why: str, *, as_json: bool) -> int:
    """Ask whether KEY, a fingerprint of an earlier key, may be revoked: grants of it are void then, at once.

    Exits with 4 while nobody has signed that.
    """
    with GateClient.from_environment() as client:
        return _asked(client.revoke_gate_key(key, why), as_json=as_json)


def _ring() -> dict[str, Any]:
    with GateClient.from_environment() as client:
        return client.gate_keys()


def _state_of(key: Mapping[str, Any]) -> str:
    if key["revoked"] is not None:
        return f"revoked at {key['revoked']}"
    if key["not_after"] is not None:
        return f"in use from {key['not_before']} to {key['not_after']}"
    return f"in use since {key['not_before']}"


def _asked(document: Mapping[str, Any], *, as_json: bool) -> int:
    state = document["state"]
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{document['id']}: {state}. {document['message']}")
        if state == "pending":
            click.echo(f"Sign it at {document['url']}", err=True)
    return {"pending": PENDING, "released": 0}.get(state, REFUSED)
