"""E-mail to the people whom a request concerns, through a real mail server on loopback."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from server.test_slack import REQUEST

from maskgate.errors import UsageError
from maskgate.notify import Email, MailServer, NotSent
from maskgate.testing.gate_world import GateWorld

PEOPLE = {"anna": ("anna@company.example",), "bert": ("bert@company.example", "b@company.example")}
AUDIENCE = {"reviewers": ["bert", "cleo"], "requesters": ["anna"]}


class Mailbox:
    """Keeps what is handed in."""

    def __init__(self):
        self.letters = []
        self.is_full = False

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  aiosmtpd's name
        if self.is_full:
            return "452 no room"
        letter = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append((envelope.rcpt_tos, letter))
        return "250 taken"


@pytest.fixture(scope="module")
def smtp():
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        mailbox.port = free.getsockname()[1]
    server = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    server.start()
    yield mailbox
    server.stop()


@pytest.fixture
def mailbox(smtp):
    smtp.letters.clear()
    smtp.is_full = False
    return smtp


def mail(mailbox):
    return Email(MailServer("127.0.0.1", mailbox.port, "gate@company.example", tls="none"), PEOPLE)


class TestLetters:
    """Who gets one, and what it says."""

    @pytest.mark.parametrize(
        ("state", "to"),
        [
            pytest.param("pending", ["bert@company.example", "b@company.example"], id="reviewers while it waits"),
            pytest.param(
                "denied",
                ["anna@company.example", "bert@company.example", "b@company.example"],
                id="whoever asked, and the reviewers, once it is settled",
            ),
        ],
    )
    def test_to_whom(self, mailbox, state, to):
        mail(mailbox).notify({**REQUEST, "state": state, "audience": AUDIENCE})
        assert [address for (address,), _ in mailbox.letters] == to

    def test_that_it_is_asked_for_again_goes_to_who_denied_it(self, mailbox):
        about = {**REQUEST, "occasion": "asked_again", "audience": {**AUDIENCE, "deniers": ["anna"]}}
        mail(mailbox).notify(about)
        ((to, letter),) = mailbox.letters
        assert list(to) == ["anna@company.example"]
        assert letter["Subject"].startswith("req_1 asks for the same as was denied before")
        assert "denied before by anna" in letter.get_content()

    def test_what(self, mailbox):
        mail(mailbox).notify({**REQUEST, "audience": AUDIENCE})
        letter = mailbox.letters[0][1]
        text = letter.get_content()
        assert letter["Subject"].startswith("req_1 waits for a signature: export to partner (external)")
        assert letter["Auto-Submitted"] == "auto-generated"
        assert "Log in and look: http://127.0.0.1:8470/requests/req_1" in text
        assert "2 tables, 250,000 rows" in text
        assert "Jane" not in text, "what people wrote stays on the page"

    def test_no_name_makes_a_header(self, mailbox):
        evil = {**REQUEST, "requester": {"person": "anna\r\nBcc: all@company.example"}, "audience": AUDIENCE}
        mail(mailbox).notify(evil)
        assert mailbox.letters[0][1]["Bcc"] is None
        assert len(mailbox.letters) == 2

    def test_nobody_with_an_address(self, mailbox):
        mail(mailbox).notify({**REQUEST, "audience": {"reviewers": ["cleo"]}})
        assert mailbox.letters == []

    def test_about_one_person(self, mailbox):
        mail(mailbox).announce("anna", "anna has a new passkey")
        ((to, letter),) = mailbox.letters
        assert (to, letter.get_content().strip()) == (["anna@company.example"], "anna has a new passkey")


class TestFailures:
    """A mail server that is down or full is a refusal without an address; mail goes over TLS."""

    def test_a_full_one(self, mailbox):
        mailbox.is_full = True
        with pytest.raises(NotSent, match="SMTPDataError") as refusal:
            mail(mailbox).notify({**REQUEST, "audience": AUDIENCE})
        assert "@" not in str(refusal.value)

    def test_one_that_is_not_there(self):
        way = Email(MailServer("127.0.0.1", 9, "gate@company.example", tls="none", timeout=1), PEOPLE)
        with pytest.raises(NotSent, match="did not take it"):
            way.notify({**REQUEST, "audience": AUDIENCE})

    def test_one_without_tls(self, mailbox):
        way = Email(MailServer("127.0.0.1", mailbox.port, "gate@company.example"), PEOPLE)
        with pytest.raises(NotSent, match="SMTPNotSupportedError"):
            way.notify({**REQUEST, "audience": AUDIENCE})
        assert mailbox.letters == []

    def test_no_password_without_tls_over_a_network(self):
        with pytest.raises(UsageError, match="over TLS"):
            Email(MailServer("mail.company.example", 25, "gate@company.example", tls="none"), PEOPLE)


class TestGate:
    """Whom a request concerns comes from the policy and the gate's own record."""

    def test_reviewers_then_the_requester(self, tmp_path, mailbox):
        world = GateWorld(tmp_path, notifiers=(mail(mailbox),))
        document = world.ask()
        world.gate.sweep()
        assert {address for (address,), _ in mailbox.letters} == set(PEOPLE["bert"])
        mailbox.letters.clear()
        world.decide(document, verdict="deny")
        world.gate.sweep()
        assert {address for (address,), _ in mailbox.letters} == {*PEOPLE["anna"], *PEOPLE["bert"]}
        assert [entry["channel"] for entry in world.entries("notification.sent")] == ["email", "email"]
