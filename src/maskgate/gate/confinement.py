"""How a child process shuts itself in before it opens a hostile file.

It must run before anything starts a thread, since a process with threads cannot change its user namespace; so this
file imports the standard library alone. What it can do depends on the machine, and it says what it did:

* ``network namespace``: the kernel gives the process a network without any interface.
* ``audit hook``: the kernel did not permit that (containers often do not). Python code cannot open sockets; native
  code that a hostile file has taken over still could.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from typing import Any, NoReturn

NAMESPACE = "network namespace"
HOOK = "audit hook"

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 64
_FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.spawn")


def confine(*, memory_bytes: int, cpu_seconds: int) -> str:
    """Give up network, new files, new processes and more than this much memory and time.

    Returns:
        `NAMESPACE` or `HOOK`: what keeps the process from the network.
    """
    network = NAMESPACE if _leave_network() else HOOK
    _limit(resource.RLIMIT_CORE, 0)  # a core file would hold data
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    return network


def forbid() -> None:
    """Stop Python code from opening sockets and starting processes, for good; call it after all imports."""
    sys.addaudithook(_refuse)


def leave(code: int = 0) -> NoReturn:
    """End the process at once.

    Where Python tidies up first, Arrow's threads sometimes abort it (1 in some 200, tried on a busy machine), and work
    that is done looks as if it had failed.
    """
    sys.stdout.flush()
    os._exit(code)


def _leave_network() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # A user namespace makes it possible without privileges; where those are switched off, root may still do without.
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        os._exit(77)  # not an exception: hostile input must not get to catch it
