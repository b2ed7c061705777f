"""Looking at pages with a real browser, and taking their picture."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Return where the machine's browser is; None if it has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def log_in(page: Any, url: str, subject: str, provider: str = "company") -> None:
    """Open an address of the gate as somebody, through the identity provider's form."""
    page.goto(url)
    page.get_by_role("link", name=f"Log in with {provider}", exact=True).click()
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize", exact=True).click()
    page.wait_for_load_state()


def take_picture(
    url: str, subject: str, file: Path, *, width: int = 1280, scheme: str = "light", height: int | None = None
) -> None:
    """Log in, open a page, and keep it as a picture.

    Args:
        url: The page, such as a request's ``url``.
        subject: Who looks, as the identity provider calls them.
        file: Where the picture goes.
        width: Of the window.
        scheme: ``light`` or ``dark``.
        height: How much of it, from the top; by default all of it.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  where there is a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        log_in(page, url, subject)
        file.parent.mkdir(parents=True, exist_ok=True)
        clip = None if height is None else {"x": 0, "y": 0, "width": width, "height": height}
        page.screenshot(path=file, full_page=True, clip=clip)
        browser.close()
