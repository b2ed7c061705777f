"""``maskgate approve`` and ``maskgate deny``: a person decides, after logging in with a browser."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from maskgate.cli.documents import show
from maskgate.cli.signed_words import signed_words
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ID = click.argument("request_id", metavar="ID")
_YES = click.option("--yes", is_flag=True, help="Do not ask once more.")
_NO_BROWSER = click.option("--no-browser", is_flag=True, help="Print the address to log in at; open nothing.")
_ACTING_FOR = click.option("--acting-for", metavar="PERSON", help="Whom you stand in for, who asked you to.")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (_AS_JSON, _NO_BROWSER, _YES, _ID):
        command = option(command)
    return command


@click.command(name="approve")
@click.option("--reason", required=True, help="Why. It is recorded, with your name.")
@_ACTING_FOR
@click.option(
    "--standing", is_flag=True, help="Sign for later exports like this one too, as far as the policy lets you."
)
@click.option("--break-glass", "ticket", metavar="TICKET", help="Go without the usual signatures, for this incident.")
@_options
def approve(request_id: str, reason: str, *, standing: bool, ticket: str | None, **given: Any) -> None:
    """Sign request ID as yourself: a browser opens for you to log in.

    Needs MASKGATE_URL. You are shown what you sign, and asked once more.
    """
    _decide(request_id, "approve", reason, _Beside(given.pop("acting_for"), ticket, standing=standing), **given)


@click.command(name="deny")
@click.option("--reason", default="", help="Why. It is recorded, with your name.")
@_ACTING_FOR
@_options
def deny(request_id: str, reason: str, **given: Any) -> None:
    """Deny request ID as yourself: a browser opens for you to log in. Needs MASKGATE_URL."""
    _decide(request_id, "deny", reason, _Beside(given.pop("acting_for")), **given)


@dataclass(frozen=True)
class _Beside:
    """What is said beside verdict and reason."""

    acting_for: str | None = None
    ticket: str | None = None
    standing: bool = False

    def fields(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return it as the gate takes it.

        Raises:
            UsageError: If nothing is offered to be signed for later ones.
        """
        offer = document.get("standing_offer") if self.standing else None
        if self.standing and not offer:
            raise UsageError("the policy offers no signature for later exports like this one. Leave --standing out")
        given = {
            "acting_for": self.acting_for,
            "standing": offer and offer["digest"],
            "break_glass": {"ticket": self.ticket} if self.ticket else None,
        }
        return {name: value for name, value in given.items() if value}

    def words(self, document: dict[str, Any]) -> Iterator[str]:
        """Say it to whoever is asked once more."""
        if self.acting_for:
            yield f"  you stand in for {self.acting_for}"
        if self.standing:
            intent = document["standing_offer"]["intent"]
            yield f"  signed for later exports like it too: {intent['uses']} of them, for {intent['days']} days"
        if self.ticket:
            yield f"  BREAK-GLASS, without the usual signatures, for {self.ticket}; somebody else reviews it"


def _decide(
    request_id: str, verdict: str, reason: str, beside: _Beside, *, yes: bool, no_browser: bool, as_json: bool
) -> None:
    from maskgate.cli.person import Person  # noqa: PLC0415  `maskgate --help` needs no web server

    asks = not yes
    if asks and not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked once more. Decide at the page, or add --yes")
    with Person.log_in(opens_browser=not no_browser) as person:
        document = person.request(request_id)
        fields = beside.fields(document)
        for line in (*signed_words(document), *beside.words(document)):
            click.echo(line, err=True)
        if asks and not click.confirm(f"{verdict.capitalize()} this as {person.account}?", err=True):
            raise click.Abort
        show(person.decide(document, verdict, reason, **fields), as_json=as_json)
