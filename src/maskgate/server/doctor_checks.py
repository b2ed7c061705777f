"""What a doctor makes of facts about a gate and its workers: each check a pure function, each finding with its remedy.

No finding says that all is well: what nobody looked at is a finding too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

LARGEST_SKEW_SECONDS = 2.0
OLDEST_CHECKPOINT_HOURS = 24.0


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    check: str
    what: str
    why: str
    do: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class PlaceFacts:
    """A destination or a staging root, as configured.

    Attributes:
        id: Its id.
        uri: Where it is.
        references: What its options refer to: ``env:NAME`` or ``file:PATH``.
        upload_only: Whether workers need not reach it.
        level: How a destination is enforced: ``release``, ``broker`` or ``mask``.
        endpoint: Where its object store is reached, if elsewhere than usual.
    """

    id: str
    uri: str
    references: tuple[str, ...] = ()
    upload_only: bool = False
    level: str = "release"
    endpoint: str = ""


@dataclass(frozen=True)
class Facts:
    """What was collected.

    Attributes:
        user: The operating system user of the gate.
        url: Where people reach the gate.
        secrets: Modes of files that are the gate's alone, by path.
        destinations: Where data may be released to.
        staging: Where data waits.
        clocks: How far each clock is from the machine's, by what it is; None if it could not be asked.
        checkpoint_age: How old the newest checkpoint is that was shown; None if none was.
        workers: What workers have probed; see ``cli/doctor_probe.py``.
        sources: Each table of each source that the releaser masks itself, with the keys that mask it.
        unshared: Why other gates of the database may not find what this one seals.
    """

    user: int
    url: str
    secrets: Mapping[str, int]
    destinations: tuple[PlaceFacts, ...]
    staging: tuple[PlaceFacts, ...]
    clocks: Mapping[str, timedelta | None]
    checkpoint_age: timedelta | None
    workers: tuple[Mapping[str, Any], ...] = ()
    sources: tuple[PlaceFacts, ...] = ()
    unshared: tuple[str, ...] = ()


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """Apply every check."""
    return tuple(finding for check in CHECKS for finding in check(facts))


def check_secrets(facts: Facts) -> Iterable[Finding]:
    """Find secrets of the gate that others can read."""
    why = "whoever can read it can sign or ask in the gate's name"
    for path, mode in facts.secrets.items():
        if mode & 0o077:
            yield Finding("secrets", f"{path} has mode {mode:04o}", why, f"chmod go= {path}")
    for worker in facts.workers:
        for path in sorted(set(worker["readable"]) & facts.secrets.keys()):
            yield Finding(
                "secrets",
                f"the worker {worker['name']} can read {path}",
                why,
                "run the gate as an operating system user of its own, and keep its home from workers",
            )


def check_destinations(facts: Facts) -> Iterable[Finding]:
    """Find destinations that workers reach without the gate."""
    why = "an author of a pipeline can write there without any signature; the gate only stops mistakes then"
    for worker in facts.workers:
        for place in facts.destinations:
            if place.uri in worker["writable"]:
                what = f"the worker {worker['name']} can write to destination {place.id}"
                yield Finding("destinations", what, why, "take the worker's right to write there")
            if place.uri in worker.get("reached", ()):
                what = f"the worker {worker['name']} can look into destination {place.id} with credentials of its own"
                do = "take the worker's right to reach it; write-only is no better"
                yield Finding("destinations", what, why, do)
            for name in worker.get("holds", {}).get(place.id, ()):
                what = f"the worker {worker['name']} has a credential of destination {place.id} as {name}"
                yield Finding("destinations", what, why, "give the credential to the gate or its releaser alone")
            reached = {*worker["set"], *(f"file:{path}" for path in worker["readable"])}
            found = [each for each in place.references if each in reached]
            for each in found:
                what = f"the worker {worker['name']} has {each}, a credential of destination {place.id}"
                yield Finding("destinations", what, why, "give the credential to the gate or its releaser alone")


def check_sources(facts: Facts) -> Iterable[Finding]:
    """Find originals and keys that the releaser should have alone."""
    why = "what a worker can read or mask itself is not only masked by the releaser, as the level mask promises"
    for worker in facts.workers:
        reached = {*worker["set"], *(f"file:{path}" for path in worker["readable"])}
        for place in facts.sources:
            if place.uri in worker["readable"]:
                what = f"the worker {worker['name']} can read the originals of {place.id}"
                yield Finding("sources", what, why, "take the worker's right to read there")
            for each in sorted(reached.intersection(place.references)):
                what = f"the worker {worker['name']} has {each}, a credential or a key of the source {place.id}"
                yield Finding("sources", what, why, "give it to the gate or its releaser alone")


def check_host_secret(facts: Facts) -> Iterable[Finding]:
    """Find secrets by which a worker can speak as the host or as its users."""
    for worker in facts.workers:
        for each in worker["host_secrets"]:
            yield Finding(
                "host secret",
                f"the worker {worker['name']} has {each}",
                "with it a worker can answer at the host in anybody's name, and the gate believes the host",
                "keep it to the host's API server, or let policies list `web` alone under `channels:`",
            )


def check_users(facts: Facts) -> Iterable[Finding]:
    """Find a gate that runs beside the pipelines, and one that is reached without TLS."""
    for worker in facts.workers:
        if worker["user"] == facts.user and worker["machine"] == "same":
            yield Finding(
                "embedded",
                f"the gate and the worker {worker['name']} are one operating system user",
                "whoever can write the gate's home is the gate",
                "run `maskgate serve` as a user of its own, on a machine that runs no pipeline code",
            )
    loopback = ("http://127.0.0.1", "http://localhost", "http://[::1]")
    if not facts.url.startswith(("https://", *loopback)):
        yield Finding(
            "embedded", f"people reach the gate at {facts.url}", "sessions go over the network in the clear", "use TLS"
        )


def check_clocks(facts: Facts) -> Iterable[Finding]:
    """Find clocks that disagree."""
    why = "what runs out is told by the database's clock, and answers of hosts by theirs"
    for name, skew in facts.clocks.items():
        if skew is None:
            yield Finding("clocks", f"the clock of {name} could not be asked", why, "see that it answers")
        elif abs(skew.total_seconds()) > LARGEST_SKEW_SECONDS:
            what = f"the clock of {name} is {skew.total_seconds():+.1f} s from this machine's"
            yield Finding("clocks", what, why, "synchronize both with one time server")


def check_checkpoints(facts: Facts) -> Iterable[Finding]:
    """Find that nobody could notice a ledger that was written anew."""
    why = "only a checkpoint that is kept elsewhere shows a ledger that was cut off, put back or written anew"
    do = "keep the output of `maskgate ledger checkpoint` daily, where the gate's operators cannot change it"
    if facts.checkpoint_age is None:
        yield Finding("checkpoints", "no checkpoint was shown (--checkpoint FILE)", why, do)
    elif facts.checkpoint_age.total_seconds() > OLDEST_CHECKPOINT_HOURS * 3600:
        hours = facts.checkpoint_age.total_seconds() / 3600
        yield Finding("checkpoints", f"the checkpoint is {hours:.0f} hours old", why, do)


def check_sealed(facts: Facts) -> Iterable[Finding]:
    """Find gates of one database that do not find each other's sealed copies."""
    for each in facts.unshared:
        why = "a request that one gate sealed waits until that gate releases it, and for ever if that gate is gone"
        yield Finding("sealed copies", each, why, "name one shared folder, `sealed:`, that no worker can write to")


def check_staging(facts: Facts) -> Iterable[Finding]:
    """Find staging roots that workers do not reach, and that nobody has looked."""
    for worker in facts.workers:
        for place in facts.staging:
            if not place.upload_only and "://" not in place.uri and place.uri not in worker["writable"]:
                yield Finding(
                    "staging",
                    f"the worker {worker['name']} cannot write to staging root {place.id} ({place.uri})",
                    "what it masks cannot be staged there, so its runs fail",
                    "share the folder with the worker, or declare `upload_only: true`",
                )
    if not facts.workers:
        yield Finding(
            "workers",
            "no worker was probed",
            "only a worker can tell which secrets and places it reaches",
            "run `maskgate doctor --ask > ask.json` here, `maskgate doctor --probe ask.json > worker.json` on a "
            "worker, and `maskgate doctor --report worker.json` here",
        )


CHECKS: tuple[Callable[[Facts], Iterable[Finding]], ...] = (
    check_secrets,
    check_destinations,
    check_sources,
    check_host_secret,
    check_users,
    check_clocks,
    check_checkpoints,
    check_sealed,
    check_staging,
)
