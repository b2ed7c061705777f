"""Who wrote the code that asks: read from the repository by the gate itself.

* Authorship can be forged, so it only adds people to those involved; it never takes anybody away.
* The repository is data. No hook, no pager, no filter, no signature program, no network and no configuration of
  anybody else's is used; a name of a version that is no object id never reaches git.
* What cannot be read is a refusal: nobody signs for code whose authors are not known to the gate.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from maskgate.errors import HostUnreachable, Refused
from maskgate.gate.governed import OF_UNKNOWN_AUTHOR
from maskgate.gate.lifecycle import State
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Select

    from maskgate.gate.host import HostRun, RunFacts
    from maskgate.store import Work

_VERSION = re.compile(r"[0-9a-f]{7,64}")
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_SECONDS = 20
# Of more, the last ones: whoever goes back further has all authors involved.
_MOST_VERSIONS = 50
_HARMLESS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.sshCommand": "false",
    "log.showSignature": "false",
    "gpg.program": "false",
    "protocol.allow": "never",
}
_WHO = "--format=%ae%n%ce%n%(trailers:key=Co-authored-by,valueonly)"


@dataclass(frozen=True)
class CodeRepository:
    """A repository that holds the code of an orchestrator.

    Attributes:
        path: Where the gate finds it; it is fetched by somebody else.
        people: The person of the policy that an e-mail address belongs to, in small letters.
        folder: Only changes below it count; empty for all.
    """

    path: Path
    people: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""


@dataclass(frozen=True)
class Authors:
    """Who changed the code between two versions.

    Attributes:
        version: The version that asks.
        people: Those whose addresses are known.
        unknown: How many other addresses there are.
    """

    version: str
    people: frozenset[str]
    unknown: int


def read_authors(repository: CodeRepository, version: str | None, released: Sequence[str]) -> Authors:
    """Read who changed the code between the last released version and this one.

    Where a version asks that lies before the last released one, the release before that version counts instead: what
    was mended in between is back.

    Args:
        repository: Where the code is.
        version: The version that asks; None for what is checked out there.
        released: Released versions, the last one first; if there is none, every author counts.

    Raises:
        Refused: If the repository does not know the version, or holds only a part of its history.
        HostUnreachable: If it cannot be read just now.
    """
    if version is not None and not _VERSION.fullmatch(version):
        raise Refused("the host names a version of the code that is no object id of git, so its authors are unknown.")
    here = _resolved(repository, version or "HEAD")
    if here is None:
        wanted = "no version" if version is None else f"no version {version}"
        raise Refused(f"the repository that the gate reads has {wanted}. Fetch it there, and ask again.")
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() != "false":
        raise Refused("the repository that the gate reads holds only a part of its history. Fetch all of it.")
    before = _last_before(repository, here, released)
    span = [here] if before is None else [here, f"^{before}"]
    folder = ("--full-history", "--", repository.folder) if repository.folder else ("--",)
    listed = _git(repository, "rev-list", "--no-commit-header", _WHO, *span, *folder)
    addresses = {found.lower() for found in _ADDRESS.findall(listed)}
    people = frozenset(repository.people[each] for each in addresses if each in repository.people)
    return Authors(here, people, sum(each not in repository.people for each in addresses))


def authors_of_file(work: Work, repository: CodeRepository | None, file: Path | None, action: str) -> Authors | None:
    """Read who changed a file of the gate itself since the last change of its kind came into force.

    Returns:
        None if the configuration names no repository, or the file is not in it.

    Raises:
        Refused: If the repository cannot say.
        HostUnreachable: If it cannot be read just now.
    """
    if repository is None or file is None or not file.resolve().is_relative_to(repository.path.resolve()):
        return None
    requests = tables.requests.c
    signed = _versions(requests.action == action)
    within = str(file.resolve().relative_to(repository.path.resolve()))
    return read_authors(replace(repository, folder=within), None, work.execute(signed).scalars().all())


def released_versions(work: Work, run: HostRun, facts: RunFacts) -> Sequence[str]:
    """Return the versions of a workflow's code that were released from, the last one first."""
    requests = tables.requests.c
    chosen = _versions(
        requests.workflow == facts.workflow,
        requests.host["kind"].as_string() == run.kind,
        requests.host["instance"].as_string() == run.instance,
    )
    return work.execute(chosen).scalars().all()


def _versions(*where: ColumnElement[bool]) -> Select[Any]:
    requests = tables.requests.c
    last = func.max(requests.settled_at)
    is_released = (requests.state == State.RELEASED.value, requests.code_version.is_not(None))
    chosen = select(requests.code_version).where(*where, *is_released).group_by(requests.code_version)
    return chosen.order_by(last.desc(), requests.code_version).limit(_MOST_VERSIONS)


def who_asked_for(work: Work, subject: str) -> frozenset[str]:
    """Return who asked for a policy or rules that are in force; nobody where that came as a file of unknown author.

    Those who signed the change are not its authors: they looked at it, and may look at what comes of it.
    """
    requests = tables.requests.c
    chosen = select(requests.requester_person, requests.involved).where(
        requests.subject == subject,
        requests.action.in_(sorted(OF_UNKNOWN_AUTHOR)),
        requests.state == State.RELEASED.value,
    )
    asked = frozenset[str]()
    for row in work.execute(chosen):
        asked |= frozenset(row.involved) | (frozenset() if row.requester_person is None else {row.requester_person})
    return asked


def _last_before(repository: CodeRepository, here: str, released: Sequence[str]) -> str | None:
    """Return the last released version that this one does not lie before."""
    for version in released:
        found = _resolved(repository, version) if _VERSION.fullmatch(version) else None
        if found is not None and (found == here or not _is_ancestor(repository, here, found)):
            return found
    return None


def _is_ancestor(repository: CodeRepository, one: str, other: str) -> bool:
    return _git(repository, "rev-list", "--max-count=1", one, f"^{other}").strip() == ""


def _resolved(repository: CodeRepository, version: str) -> str | None:
    found = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}", may=(1,))
    name = found.strip()
    return name if _VERSION.fullmatch(name) else None


def _git(repository: CodeRepository, *arguments: str, may: tuple[int, ...] = ()) -> str:
    """Ask git, in an environment that holds nothing of ours and nothing of whoever wrote there."""
    settings = [part for name, value in _HARMLESS.items() for part in ("-c", f"{name}={value}")]
    settings += ["-c", f"safe.directory={repository.path}"]
    command = ["git", "--no-pager", "--literal-pathspecs", "-C", str(repository.path), *settings, *arguments]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603  fixed words, and object ids that were looked at
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostUnreachable(
            f"the repository of the code could not be read ({type(error).__name__}); the gate tries again"
        ) from None
    if done.returncode and done.returncode not in may:
        raise HostUnreachable(
            f"git could not read the repository of the code (it ended with {done.returncode}). "
            "Look at `authors:` in the gate's configuration."
        )
    return done.stdout.decode("utf-8", "replace")
