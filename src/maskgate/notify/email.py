"""E-mail to the people whom a request concerns: reviewers while it waits, and whoever asked once it is settled.

Who gets one stands in the gate's configuration, by person; nothing a requester says can change it. Links carry no
authority, and what people wrote stays on the review page.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING, Any

from maskgate.errors import UsageError
from maskgate.notify.plain_text import plain
from maskgate.notify.webhook import NotSent, is_loopback
from maskgate.notify.words import details, headline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TLS = ("starttls", "implicit", "none")


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in.

    Attributes:
        host: The server.
        port: Its port.
        sender: The address that mail comes from.
        tls: ``starttls``, ``implicit``, or ``none``, which is for this machine alone.
        username: The account there; empty if it needs none.
        password: Of that account.
        timeout: Seconds to wait for it.
    """

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 10.0


class Email:
    """Tells people one by one.

    Args:
        server: Where mail is handed in.
        people: The addresses of each person of the policy.
    """

    channel = "email"

    def __init__(self, server: MailServer, people: Mapping[str, tuple[str, ...]]) -> None:
        if server.tls not in TLS or (server.tls == "none" and not is_loopback(server.host)):
            raise UsageError("mail goes over TLS; without is for this machine alone")
        self._server = server
        self._people = people

    def __repr__(self) -> str:
        return "Email()"

    def notify(self, document: Mapping[str, Any]) -> None:
        """Tell those whom a request concerns how it stands.

        Raises:
            NotSent: If the server did not take it for one of them. The message names no address.
        """
        lines = [headline(document), *details(document)]
        if document.get("url"):
            lines.append(f"Log in and look: {plain(document['url'], longest=500)}")
        self._send(self._addresses(audience(document)), headline(document), lines)

    def announce(self, person: str, text: str) -> None:
        """Tell one person something that is about no request.

        Raises:
            NotSent: If the server did not take it.
        """
        self._send(self._addresses((person,)), "Maskgate", [plain(text, longest=500)])

    def _addresses(self, people: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(address for person in people for address in self._people.get(person, ())))

    def _send(self, addresses: list[str], subject: str, lines: list[str]) -> None:
        if not addresses:
            return
        try:
            with _connected(self._server) as connection:
                for address in addresses:
                    connection.send_message(letter(self._server.sender, address, subject, lines))
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"the mail server did not take it ({type(error).__name__})") from None


def audience(document: Mapping[str, Any]) -> list[str]:
    """Return whom a request concerns now: those who may sign while it waits, and whoever asked once that is over.

    That the same was asked for again concerns those who denied it, also where they cannot decide it this time.
    """
    given = document.get("audience") or {}
    if document.get("occasion") == "asked_again":
        return list(given.get("deniers") or ())
    reviewers = list(given.get("reviewers") or ())
    if document["state"] == "pending":
        return reviewers
    return [*(given.get("requesters") or ()), *reviewers]


def letter(sender: str, address: str, subject: str, lines: list[str]) -> EmailMessage:
    """Write one mail, of plain text; marked so that no machine answers it."""
    message = EmailMessage()
    message["From"], message["To"] = sender, address
    message["Subject"] = plain(subject, longest=200)
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="maskgate.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(lines) + "\n")
    return message


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    if server.tls == "implicit":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=server.timeout, context=ssl.create_default_context()
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
    with connection:
        if server.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if server.username:
            connection.login(server.username, server.password)
        yield connection
