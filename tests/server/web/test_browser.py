"""A person with a real browser: from the link in a chat to the signature."""

from __future__ import annotations

import os

import pytest
from server.web.screenshots import ARGUMENTS, chromium, log_in

CHROMIUM = chromium()


@pytest.fixture(scope="module")
def playwright():
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs a browser: apt-get install chromium")
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as running:
        yield running


@pytest.fixture
def page(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.complaints = []
    page.on("console", lambda message: page.complaints.append((message.location["url"], message.text)))
    yield page
    browser.close()


class TestSigning:
    """What a reviewer does, seen with their eyes."""

    def test_from_the_link_to_the_signature(self, gate, page):
        pending = gate.request()
        log_in(page, pending["url"], "reviewer")
        page.wait_for_url(pending["url"])
        assert page.get_by_role("heading", level=1).inner_text() == "Export to partner"
        page.get_by_label("Your reason").fill("checked against ticket 1432")
        page.get_by_role("button", name="Approve").click()
        page.wait_for_url(pending["url"])
        assert page.get_by_text("reviewer approved through web").is_visible()
        assert gate.read(pending["id"])["state"] == "approved"
        ours = [complaint for complaint in page.complaints if complaint[0].startswith(gate.url)]
        assert ours == [], "nothing breaks the page's own policy"

    def test_the_inbox_leads_to_the_request(self, gate, page):
        pending = gate.request()
        log_in(page, f"{gate.url}/", "reviewer")
        page.get_by_role("region", name="Waits for you").get_by_role("link").first.click()
        assert page.get_by_role("heading", name="Your decision").is_visible()
        assert gate.read(pending["id"])["state"] == "pending"

    def test_the_browser_asks_for_a_reason_first(self, gate, page):
        pending = gate.request()
        log_in(page, pending["url"], "reviewer")
        page.get_by_role("button", name="Approve").click()
        assert page.get_by_role("heading", name="Your decision").is_visible()
        assert gate.read(pending["id"])["decisions"] == []

    def test_the_requester_is_told_why_not(self, gate, page):
        pending = gate.request()
        log_in(page, pending["url"], "requester")
        assert page.get_by_role("button", name="Approve").count() == 0
        assert page.get_by_text("cannot also decide it").is_visible()

    @pytest.mark.parametrize("width", [360, 1280])
    def test_nothing_sticks_out_of_the_window(self, gate, page, width):
        pending = gate.request(why="x" * 500)
        page.set_viewport_size({"width": width, "height": 800})
        log_in(page, pending["url"], "reviewer")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
