"""A policy that knows actions, a handler that does what a test says, and people who sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from maskgate.errors import MaskgateError, UsageError
from maskgate.gate.action_handler import Outcome
from maskgate.testing.gate_world import POLICY

ACTIONS = POLICY.replace(
    "otherwise: refuse",
    """\
  - name: keys of production
    when: {action: rotate-key, resource: "prod/*"}
    require: {slots: {privacy: 1, legal: 1}}
    channels: [web]
    expires: 1h
  - name: a look at production
    when: {action: look, destination: none}
    allow: true
  - name: what the gate carries out
    when: {action: [purge, purge-quietly]}
    require: {slots: {privacy: 1, legal: 1}}
    channels: [web]
    expires: 1h
otherwise: refuse""",
)
CALL = {"action": "rotate-key", "resource": "prod/customers", "why": "it leaked", "arguments": {"bits": 256}}
DONE = Outcome(succeeded=True, exit_code=0, output_digest="sha256:" + "0" * 64, output_bytes=12)


@dataclass
class ScriptedHandler:
    """Does what a test says, and remembers what it was asked to do."""

    outcome: Outcome | MaskgateError | Exception = DONE
    found: Outcome | MaskgateError | None = None
    lines: tuple[str, ...] | None = ("would delete 12 rows",)
    definition: str = "DELETE"
    time_limit: timedelta = timedelta(seconds=30)
    is_elsewhere: bool = False
    offers_dry_run: bool = True
    orders: list = field(default_factory=list)

    def as_json(self):
        return {"kind": "scripted", "does": self.definition}

    def check(self, resource, arguments):
        if set(arguments) != {"older_than_days"}:
            raise UsageError("purge takes `older_than_days`")

    def dry_run(self, resource, arguments):
        return self.lines

    def run(self, order):
        self.orders.append(order)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def probe(self, grant):
        if isinstance(self.found, MaskgateError):
            raise self.found
        return self.found


def ask(world, **changes):
    return world.gate.request(world.pipeline, **(CALL | changes))


def sign(world, document):
    """Two people sign: nobody is known to have asked."""
    world.decide(world.read(document["id"]), "anna")
    return world.decide(world.read(document["id"]), "cleo")


def approved(world, **changes):
    return sign(world, ask(world, **changes))


def purge(world, days=30):
    return approved(world, action="purge", resource="crm", arguments={"older_than_days": days})


def begin(world, document, arguments=None):
    return world.gate.release(world.pipeline, document["id"], None, arguments=arguments or CALL["arguments"])


def carry_out(world):
    while world.gate.release_waiting():
        pass
