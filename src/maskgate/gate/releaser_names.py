"""Which releaser speaks, and how leases name its process."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed
from maskgate.gate import consumption
from maskgate.gate.markdown import visible

if TYPE_CHECKING:
    from maskgate.gate.model import Caller


def must_be_releaser(caller: Caller) -> str:
    """Return the name of a releaser's token.

    Raises:
        NotAllowed: If somebody else calls.
    """
    if caller.role != "releaser" or caller.token is None:
        raise NotAllowed("this is for releasers, with a token of the role releaser.")
    return caller.token


def worker_name(name: str, instance: str) -> str:
    """Return what leases call a process of a releaser; without an instance, how all of its names begin."""
    hashed = hashlib.sha256(name.encode()).hexdigest()[:16]  # so that no name begins another
    return f"{consumption.RELEASER}{hashed}:{visible(instance, 20)}"
