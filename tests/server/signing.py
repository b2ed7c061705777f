"""A person who signs at the command line: the command runs, and their browser logs in beside it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import httpx
from server.web.forms import hidden_fields

COMMAND = [sys.executable, "-c", "from maskgate.cli import main; main()"]


class Signing:
    """A ``maskgate approve`` that runs, and a person's browser beside it."""

    def __init__(self, gate, *arguments) -> None:
        known = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "MASKGATE_URL": gate.url}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments, "--no-browser", "--yes"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=known,
        )
        self.address = re.search(r"http\S+", self.process.stderr.readline()).group()

    def lend(self, browser) -> httpx.Response:
        """Press the button on the page that the command has opened; return what it leads to."""
        page = browser.http.get(self.address)
        assert page.status_code == 200, page.text
        fields = hidden_fields(page.text, "/command-line")
        return browser.http.post("/command-line", data=fields, headers={"Origin": browser.gate.url})

    def go_back(self, answer) -> httpx.Response:
        """Follow the browser to the loopback address."""
        return httpx.get(answer.headers["refresh"].partition("url=")[2])

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err
