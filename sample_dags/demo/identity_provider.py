"""A real OpenID Connect provider on loopback, with users without passwords: for demos and tests only."""

from __future__ import annotations

import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from demo.processes import LOOPBACK, Processes, Program, free_port, program, wait_for_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUPS: Mapping[str, Sequence[str]] = MappingProxyType({"requester": ("analysts",), "reviewer": ("privacy-team",)})


class IdentityProvider:
    """The login of the review pages.

    Args:
        processes: Where it is started.
        port: Where it listens; by default, wherever there is room.
        groups: Users by subject, and the groups that their ``groups`` claim lists.
    """

    def __init__(self, processes: Processes, *, port: int = 0, groups: Mapping[str, Sequence[str]] = GROUPS) -> None:
        self.processes = processes
        self.port = port or free_port()
        self.groups = groups
        self.url = f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Program:
        """Start it and wait until it answers."""
        command = [program("server", "oidc-provider-mock"), "--host", LOOPBACK, "--port", str(self.port)]
        for subject, groups in self.groups.items():
            claims = {"sub": subject, "email": f"{subject}@company.example", "name": subject, "groups": [*groups]}
            command += ["--user-claims", json.dumps(claims)]
        started = self.processes.start("identity-provider", [*command, "--require-nonce", "true"], env=os.environ)
        wait_for_url(f"{self.url}/.well-known/openid-configuration", started, timeout=120)
        return started
