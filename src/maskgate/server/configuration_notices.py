"""``slack:``, ``teams:`` and ``email:`` of the configuration: the ways in which people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.notify import Email, MailServer, SlackWebhook, TeamsWebhook
from maskgate.notify.email import TLS
from maskgate.notify.webhook import is_loopback, is_safe_address

if TYPE_CHECKING:
    from maskgate.gate.notifier import Notifier
    from maskgate.server.configuration_section import Section

_WEBHOOK = ("webhook", "private")
_EMAIL = ("host", "port", "sender", "tls", "username", "password", "people")
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


def read_ways(root: Section) -> tuple[Notifier, ...]:
    """Read every way of telling people that the configuration names."""
    found = (_webhook(root, "slack", SlackWebhook), _webhook(root, "teams", TeamsWebhook), _email(root))
    return tuple(way for way in found if way is not None)


def _webhook(root: Section, name: str, kind: type[SlackWebhook | TeamsWebhook]) -> Notifier | None:
    if name not in root:
        return None
    section = root.section(name, _WEBHOOK)
    section.required("webhook")
    webhook = section.secret("webhook")
    private = section.boolean("private", default=False)
    if webhook and not is_safe_address(webhook):
        section.problem("webhook", "must lead to an https URL (http is for this machine alone)")
        return None
    return kind(webhook, private=private) if webhook else None


def _email(root: Section) -> Notifier | None:
    if "email" not in root:
        return None
    section = root.section("email", _EMAIL)
    section.required("host", "sender", "people")
    tls = section.choice("tls", TLS, default="starttls")
    host, sender, people = section.string("host"), section.string("sender"), section.lists("people")
    if tls == "none" and not is_loopback(host):
        section.problem("tls", "can be none only for a mail server on this machine")
        return None
    if sender and "@" not in sender:
        section.problem("sender", "must be an e-mail address")
    for person, addresses in people.items():
        if not addresses or any("@" not in each or any(letter.isspace() for letter in each) for each in addresses):
            section.problem("people", f"{person}: must be e-mail addresses")
    server = MailServer(
        host,
        section.integer("port", _PORTS[tls]),
        sender,
        tls=tls,
        username=section.string("username"),
        password=section.secret("password"),
    )
    return Email(server, people)
