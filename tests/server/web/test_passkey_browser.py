"""A person with a real browser and the authenticator that it has in it: a passkey is added, and signs."""

from __future__ import annotations

import os

import pytest
from server.web.running_gate import REASON, RunningGate
from server.web.screenshots import ARGUMENTS, chromium, log_in

from maskgate.gate.passkeys import verify_decision

CHROMIUM = chromium()
POLICY = """\
version: 1
people:
  requester: ["company|requester"]
  reviewer: ["company|reviewer"]
reviewers:
  privacy: {people: [reviewer]}
policies:
  - name: signed with a passkey
    when: {action: export}
    require: {slots: {privacy: 1}}
    tier: high
    passkey: required
otherwise: refuse
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def gate(tmp_path, provider, webhook):
    running = RunningGate(tmp_path, provider.issuer, policy=POLICY, webhook=webhook.url, name="localhost")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page():
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a browser: apt-get install chromium")
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append((message.location["url"], message.text)))
        yield page
        browser.close()


class TestPasskey:
    """What the person does: one button to add it, one to sign."""

    def test_it_is_added_and_signs_what_its_person_read(self, gate, page):
        pending = gate.request()
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        added = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        log_in(page, pending["url"], "reviewer")
        page.goto(f"{gate.url}/passkeys")
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_label("What to call it").fill("my laptop")
        page.get_by_role("button", name="Add it").click()
        page.wait_for_url(f"{gate.url}/passkeys")
        assert page.get_by_text("my laptop").is_visible()
        held = devtools.send("WebAuthn.getCredentials", {"authenticatorId": added["authenticatorId"]})["credentials"]
        assert [each["rpId"] for each in held] == ["localhost"]
        page.goto(pending["url"])
        assert page.get_by_text("Login no older than").is_visible()
        page.get_by_label("Your reason").fill(REASON)
        page.get_by_role("button", name="Approve", exact=True).click()
        assert page.get_by_text("Nothing is decided yet.").is_visible()
        assert gate.read(pending["id"])["state"] == "pending"
        page.get_by_role("button", name="Sign and approve").click()
        page.wait_for_url(pending["url"])
        assert page.get_by_text("reviewer approved through web, signed with a passkey").is_visible()
        assert gate.read(pending["id"])["state"] == "approved"
        [body] = [entry["body"] for entry in gate.entries() if entry["type"] == "decision.approve"]
        verify_decision(body | {"verdict": "approve"}, body["passkey"])
        ours = [complaint for complaint in page.complaints if complaint[0].startswith(gate.url)]
        assert ours == [], "nothing breaks the page's own policy"

    def test_a_browser_that_has_none_decides_nothing(self, gate, page):
        pending = gate.request()
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        unverified = AUTHENTICATOR | {"isUserVerified": False}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": unverified})
        log_in(page, f"{gate.url}/passkeys", "reviewer")
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_role("button", name="Add it").click()
        complaint = page.get_by_role("alert")
        complaint.wait_for()
        assert "Your browser has no signature of a passkey (NotAllowedError)" in complaint.inner_text()
        assert gate.read(pending["id"])["state"] == "pending"
