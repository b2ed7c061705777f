"""Whether the rows beside the ledger are what its entries say: those that the gate decides by.

Policies, rules, destinations and tokens in force; requests, decisions and grants, column by column; delegations,
standing approvals, post-reviews, passkeys and logins. A row that stands there without an entry, or says something else
than its entry, was put there by something else than the gate.

Not held against entries are rows that nothing is decided by: notices, messages, leases, and when a page was first seen;
and the hash of a token, which the ledger does not have.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.canonical import digest
from maskgate.clock import timestamp
from maskgate.errors import MaskgateError
from maskgate.gate.intent import intent_digest_of, make_intent
from maskgate.gate.passkeys import encoded
from maskgate.gate.policy_reader import read_policy
from maskgate.gate.request import request_of
from maskgate.gate.volumes import volumes_of
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from maskgate.store import Work

    Bodies = Mapping[str, list[dict[str, Any]]]

_ROOM = {"at", "seq", "type"}
_IN_FORCE = ("policy.activated", "rules.registered", "destination.registered", "token.created", "token.revoked")
_OF_THE_GATE = (
    "policy.activated",
    "rules.registered",
    "destination.registered",
    "gate.key_rotated",
    "gate.key_revoked",
)
_SIGNED = ("decision.approve", "decision.deny", "grant.issued", "release.started", "login.completed")
# An action that was carried out and did not succeed has used its grant up as well.
_ENDS = {
    "release.completed": {"used"},
    "release.failed": {"failed", "used"},
    "release.indeterminate": {"indeterminate"},
    "request.expired": {"expired"},
    "request.withdrawn": {"revoked", "expired"},
}
_REVIEWERS = (
    *("delegation.made", "delegation.revoked", "standing.made", "standing.used", "standing.ended"),
    *("break_glass.used", "break_glass.reviewed", "passkey.registered", "passkey.revoked"),
)
_VOLUME = ("request", "dataset", "destination", "requester", "rows", "bytes", "columns", "rules_digest")
# What changes after an intent is made: whom later clears involve.
_LATER = {"involved", "named_by_caller"}


def check_kept_rows(work: Work) -> Iterator[str]:
    """Say which rows are not what the ledger says."""
    bodies = _bodies(work, (*_IN_FORCE, *_OF_THE_GATE, *_SIGNED, *_ENDS, *_REVIEWERS))
    for what, check in _CHECKS.items():
        try:
            yield from check(work, bodies)
        except Exception as error:  # noqa: BLE001  rows that somebody else wrote may be of any shape
            yield f"{what} in the tables cannot be read as the gate writes them ({type(error).__name__})."


def _bodies(work: Work, types: Iterable[str]) -> Bodies:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    entries = tables.ledger.c
    chosen = select(entries.type, entries.body).where(entries.type.in_(list(types))).order_by(entries.seq)
    for kind, body in work.execute(chosen):
        found[kind].append(json.loads(body))
    return found


def _policies(work: Work, bodies: Bodies) -> Iterator[str]:
    activated = [body["policy"] for body in bodies["policy.activated"]]
    rows = work.execute(select(tables.policies)).all()
    if activated[-1:] != [row.digest for row in rows if row.active]:
        yield "the policy in force is not the one that was put into force last."
    for missing in sorted(set(activated) - {row.digest for row in rows}):
        yield f"the policy {missing}, which was in force, is gone."
    for row in rows:
        if not _is_policy(row.text, row.digest):
            yield f"the text of the policy {row.digest} is another one."


def _is_policy(text: str, known: str) -> bool:
    try:
        return read_policy(text, "the gate's policy").digest == known
    except MaskgateError:
        return False


def _rules(work: Work, bodies: Bodies) -> Iterator[str]:
    registered = {body["rules"] for body in bodies["rules.registered"]}
    rows = {row.digest: row for row in work.execute(select(tables.rules)).all()}
    yield from _sets("rules", registered, {name for name, row in rows.items() if row.active}, "registered")
    for name, row in rows.items():
        if digest("rules", row.content) != name:
            yield f"the content of the rules {name} is another one."


def _destinations(work: Work, bodies: Bodies) -> Iterator[str]:
    registered = {body["registration"]: body["destination"] for body in bodies["destination.registered"]}
    last = {place["id"]: name for name, place in registered.items() if place is not None}
    rows = work.execute(select(tables.destinations)).all()
    for row in rows:
        if row.active and row.digest not in registered:
            yield f"destination {row.id} is in use as {row.digest}, but was never registered so."
        if digest("registration", row.content) != row.digest or row.content.get("id") != row.id:
            yield f"destination {row.id} is kept otherwise than it was registered."
    yield from _sets("destination", set(last), {row.id for row in rows if row.active}, "registered")


def _tokens(work: Work, bodies: Bodies) -> Iterator[str]:
    live: dict[str, str] = {}
    for body in sorted(bodies["token.created"] + bodies["token.revoked"], key=lambda each: int(each["seq"])):
        if body["type"] == "token.created":
            live[body["token"]] = body["role"]
        else:
            live.pop(body["token"], None)
    rows = {row.name: row.role for row in work.execute(select(tables.tokens)).all()}
    yield from _sets("token", {f"{n} ({r})" for n, r in live.items()}, {f"{n} ({r})" for n, r in rows.items()}, "made")


def _decisions(work: Work, bodies: Bodies) -> Iterator[str]:
    entries = {}
    for body in bodies["decision.approve"] + bodies["decision.deny"]:
        signed = {name: value for name, value in body.items() if name not in {*_ROOM, "decision"}}
        signed["verdict"] = str(body["type"]).removeprefix("decision.")
        entries[body["decision"]] = signed
        if digest("decision", signed) != body["decision"]:
            yield f"entry {body['seq']}: its digest is not that of the decision."
    for row in work.execute(select(tables.decisions)).all():
        signed = entries.get(row.digest, {})
        kept = {
            "account": row.account,
            "channel": row.channel,
            "reason": row.reason,
            "groups": row.slots,
            "decided_at": timestamp(row.decided_at),
            "acting_for": row.acting_for,
            "standing": row.standing,
            "batch": row.batch,
            **(row.circumstances or {}),
        }
        told = {name: signed.get(name) for name in kept}
        if signed and (kept, row.break_glass) != (told, "break_glass" in signed):
            yield f"request {row.request}: the decision of {row.person} is kept otherwise than it was taken."


def _grants(work: Work, bodies: Bodies) -> Iterator[str]:
    issued = {body["grant"]: body for body in bodies["grant.issued"]}
    begun = {body.get("grant") for body in bodies["release.started"]}
    fences = {body.get("grant"): body.get("fence") for body in bodies["release.started"]}
    governed = {body.get("request") for kind in _OF_THE_GATE for body in bodies[kind]}
    ends = {body.get("request"): states for kind, states in _ENDS.items() for body in bodies[kind]}
    for row in work.execute(select(tables.grants)).all():
        entry = issued.get(row.id)
        if entry is None:
            continue  # told already
        if timestamp(row.not_after) != entry["not_after"]:
            yield f"grant {row.id} is kept with another end than it was issued with."
        running = {"releasing", "committing"} if row.id in begun else {"issued"}
        wanted = ends.get(row.request, running)
        if row.request not in governed and row.state not in wanted:
            yield f"grant {row.id} is {row.state} in the table, but {' or '.join(sorted(wanted))} by the ledger."
        if row.id in fences and isinstance(fences[row.id], int) and row.fence < fences[row.id]:
            yield f"grant {row.id} has an earlier fence than its last release."


def _requests(work: Work, _bodies: Bodies) -> Iterator[str]:
    policies = _parsed(work)
    for row in work.execute(select(tables.requests)).mappings():
        intent = row["intent"]
        if (None if intent is None else intent_digest_of(intent)) != row["intent_digest"]:
            yield f"request {row['id']}: its intent is not the one that is signed."
            continue
        if intent is None:
            continue
        made = make_intent(request_of(row), str(row["context_digest"]), str(intent.get("gate")))
        other = sorted(name for name in made if name not in _LATER and made[name] != intent.get(name))
        if other:
            yield f"request {row['id']}: {', '.join(other)} in the table are not those of its intent."
        rule = policies.get(str(row["policy_digest"]), {}).get(str(row["policy_name"]))
        kept = row["rule"] or {}
        told = {} if rule is None or row["state"] == "refused" else rule
        if any(kept.get(name) != told[name] for name in told.keys() - {"requirement"}):
            yield f"request {row['id']}: what its policy asks is not what stands in the policy."
        if not set(intent["involved"]) <= set(row["involved"] or ()):
            yield f"request {row['id']}: somebody who was involved is so no more."


def _parsed(work: Work) -> dict[str, dict[str, dict[str, Any]]]:
    """Read what each policy demands, by digest and name; those that cannot be read were told of."""
    found = {}
    for row in work.execute(select(tables.policies)).all():
        try:
            read = read_policy(row.text, "the gate's policy")
        except MaskgateError:
            continue
        found[row.digest] = {rule.name: rule.as_json() for rule in read.rules}
    return found


def _volumes(work: Work, _bodies: Bodies) -> Iterator[str]:
    kept: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in work.execute(select(tables.volumes)).mappings():
        kept[row["request"]].append(tuple(row[name] for name in _VOLUME))
    for row in work.execute(select(tables.requests)).mappings():
        request = request_of(row)
        if row["id"] in kept or request.sealed is not None:
            told = [tuple(each[name] for name in _VOLUME) for each in volumes_of(request, request.sealed)]
            if sorted(kept[row["id"]], key=repr) != sorted(told, key=repr):
                yield f"request {row['id']}: what it counts for in rolling sums is not what was measured."


def _delegations(work: Work, bodies: Bodies) -> Iterator[str]:
    made = {body["delegation"]["id"]: body["delegation"] for body in bodies["delegation.made"]}
    ended = {body["delegation"] for body in bodies["delegation.revoked"]}
    rows = {row.id: row for row in work.execute(select(tables.delegations)).all()}
    yield from _sets("delegation", set(made), set(rows), "made")
    for name in made.keys() & rows.keys():
        row = rows[name]
        kept = (row.delegator, row.delegate, timestamp(row.begins_at), timestamp(row.ends_at))
        told = tuple(made[name][each] for each in ("delegator", "delegate", "begins_at", "ends_at"))
        if kept != told or (row.revoked_at is not None) != (name in ended):
            yield f"delegation {name} is kept otherwise than it was made."


def _standing(work: Work, bodies: Bodies) -> Iterator[str]:
    made = {body["standing"]: body for body in bodies["standing.made"]}
    ended = {body["standing"] for body in bodies["standing.ended"]}
    used: dict[str, int] = defaultdict(int)
    for body in bodies["standing.used"]:
        used[body["standing"]] += 1
    rows = {row.id: row for row in work.execute(select(tables.standing_approvals)).all()}
    yield from _sets("standing approval", set(made), set(rows), "signed")
    for name in made.keys() & rows.keys():
        row, told = rows[name], made[name]
        kept = (row.request, row.digest, sorted(row.signers), timestamp(row.ends_at), row.uses_left)
        left = told["uses"] - used[name]
        if kept != (told["request"], told["digest"], sorted(told["signers"]), told["ends_at"], left):
            yield f"standing approval {name} is kept otherwise than it was signed and used."
        elif digest("standing", row.intent) != row.digest:
            yield f"standing approval {name}: its intent is not the one that was signed."
        if row.state == "live" and name in ended:
            yield f"standing approval {name} was ended, and is live in the table."


def _post_reviews(work: Work, bodies: Bodies) -> Iterator[str]:
    opened = {body["post_review"]: body for body in bodies["break_glass.used"]}
    closed = {body["post_review"]: body for body in bodies["break_glass.reviewed"]}
    rows = {row.id: row for row in work.execute(select(tables.post_reviews)).all()}
    yield from _sets("post-review", set(opened), set(rows), "opened")
    for name in opened.keys() & rows.keys():
        row, told, end = rows[name], opened[name], closed.get(name, {})
        kept = (row.request, row.person, row.reason, row.ticket, row.closed_by, row.finding)
        asked = tuple(told.get(each) for each in ("request", "person", "reason", "ticket"))
        if kept != (*asked, end.get("by"), end.get("finding")) or (row.closed_at is None) != (not end):
            yield f"post-review {name} is kept otherwise than it was opened and closed."


def _passkeys(work: Work, bodies: Bodies) -> Iterator[str]:
    made = {body["passkey"]: body for body in bodies["passkey.registered"]}
    revoked = {body["passkey"] for body in bodies["passkey.revoked"]}
    rows = {row.id: row for row in work.execute(select(tables.passkeys)).all()}
    yield from _sets("passkey", set(made), set(rows), "registered")
    for name in made.keys() & rows.keys():
        row, told = rows[name], made[name]
        kept = (row.person, row.account, row.credential, encoded(row.public_key))
        is_told = kept == tuple(told[each] for each in ("person", "account", "credential", "public_key"))
        if not is_told or (row.revoked_at is not None) != (name in revoked):
            yield f"passkey {name} is kept otherwise than it was registered."


def _logins(work: Work, bodies: Bodies) -> Iterator[str]:
    left = Counter(
        (body["account"], body.get("authenticated_at"), tuple(body.get("groups") or ()))
        for body in bodies["login.completed"]
    )
    for row in work.execute(select(tables.sessions)).all():
        proved = None if row.proved_at is None else timestamp(row.proved_at)
        login = (row.account, proved, tuple(row.groups))
        left[login] -= 1
        if left[login] < 0:
            yield f"there is a session of {row.account}, but no such login."


def _sets(what: str, told: set[str], kept: set[str], done: str) -> Iterator[str]:
    for name in sorted(kept - told):
        yield f"{what} {name} stands in the table, but was never {done}."
    for name in sorted(told - kept):
        yield f"{what} {name} was {done}, but is gone from the table."


_CHECKS: Mapping[str, Callable[[Work, Bodies], Iterator[str]]] = {
    "policies": _policies,
    "rules": _rules,
    "destinations": _destinations,
    "tokens": _tokens,
    "decisions": _decisions,
    "grants": _grants,
    "requests": _requests,
    "rolling sums": _volumes,
    "delegations": _delegations,
    "standing approvals": _standing,
    "post-reviews": _post_reviews,
    "passkeys": _passkeys,
    "sessions": _logins,
}
