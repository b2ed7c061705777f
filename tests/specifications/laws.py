"""The laws of the gate, checked from documents, rows and entries by code that shares none with the gate's.

Who may fill which slot is found by trying every order of people, not by a matching.
"""

from __future__ import annotations

from itertools import pairwise, permutations
from pathlib import Path

from maskgate.clock import moment
from maskgate.store import tables

GROUPS = {"privacy": {"anna", "bert"}, "legal": {"bert", "cleo"}}
ON_CALL = {"cleo", "dora"}
SLOTS = {"partner": ("privacy",), "site": ("privacy", "legal")}
DELAYED = {"site"}
USES = 2
SETTLED = {"refused", "denied", "expired", "withdrawn", "released", "failed", "indeterminate"}
STATES = {"sealing", "pending", "approved", "releasing", *SETTLED}
SIGNED = {"approved", "releasing", "released", "failed", "indeterminate"}
# Each of these states comes with an entry of this type.
ENTRIES = {
    "refused": "request.refused",
    "pending": "request.sealed",
    "denied": "request.denied",
    "expired": "request.expired",
    "withdrawn": "request.withdrawn",
    "approved": "grant.issued",
    "releasing": "release.started",
    "released": "release.completed",
    "failed": "release.failed",
    "indeterminate": "release.indeterminate",
}


def each_change_has_its_entry(document, types):
    """A state, and a decision, without its entry is none."""
    assert types.count("request.created") == 1
    if document["state"] in ENTRIES:
        assert ENTRIES[document["state"]] in types
    decisions = [each for each in types if each in {"decision.approve", "decision.deny"}]
    assert sorted(f"decision.{each['verdict']}" for each in document["decisions"]) == sorted(decisions)


def what_is_held_is_signed_and_not_granted(document, documents, types):
    """Until its time has come, it waits without a grant; and what a delay is for, is released only after it."""
    if document["held_until"]:
        assert document["state"] == "pending"
        assert "grant.issued" not in types
        assert "request.held" in types
        assert is_signed(document, documents) or set(document["involved"]) & {"bert", "cleo"}
    if document["destination"]["id"] in DELAYED and document["state"] in {"approved", "releasing", "released"}:
        assert "request.held" in types


def is_signed(document, documents):
    """Whether people who are not involved suffice: with their own signatures, or with those of a standing approval."""
    signed = documents[document["standing"]["request"]] if document["standing"] else document
    involved = set(document["involved"])
    given = {
        each["person"]: each
        for each in signed["decisions"]
        if each["verdict"] == "approve" and not {each["person"], each["acting_for"]} & involved
    }
    least = max(document["requirement"]["distinct"], 1 if document["requester"]["person"] else 2)
    if any(each["break_glass"] and person in ON_CALL for person, each in given.items()):
        return len(given) >= (1 if document["requester"]["person"] else 2)
    slots = SLOTS[document["destination"]["id"]]
    return len(given) >= least and any(
        all(fills(given[person], slot) for person, slot in zip(chosen, slots, strict=True))
        for chosen in permutations(given, len(slots))
    )


def fills(decision, slot):
    """Whether a decision counts for a slot: by the group of who gave it, or of the one whom they stood in for."""
    return (decision["acting_for"] or decision["person"]) in GROUPS[slot]


def each_stands_in_for_somebody_who_asked(documents, work):
    """Both are reviewers, and the delegation was live when it was used."""
    made = work.execute(tables.delegations.select()).all()
    for decision in (each for document in documents.values() for each in document["decisions"]):
        if decision["acting_for"] is None:
            continue
        at = moment(decision["decided_at"])
        assert any(
            (row.delegator, row.delegate) == (decision["acting_for"], decision["person"])
            and row.begins_at <= at < row.ends_at
            and (row.revoked_at is None or at <= row.revoked_at)
            for row in made
        )
        assert any(decision["person"] in people for people in GROUPS.values())


def standing_approvals_are_used_as_signed(documents, work):
    """Each is used as often as it was signed for, and no use has decisions of its own."""
    for row in work.execute(tables.standing_approvals.select()):
        used = [each for each in documents.values() if each["standing"] and each["standing"]["id"] == row.id]
        assert len(used) == USES - row.uses_left <= USES
        assert not any(each["decisions"] for each in used)
        assert not any(each["break_glass"] for each in documents[row.request]["decisions"])


def glass_is_broken_once_at_a_time(documents, work):
    """The next waits until somebody else, who is not involved, has looked at the one before."""
    rows = sorted(work.execute(tables.post_reviews.select()).all(), key=lambda row: row.opened_at)
    for before, after in pairwise(rows):
        assert before.request == after.request or (before.closed_at and before.closed_at <= after.opened_at)
    for row in rows:
        assert row.person in ON_CALL
        assert row.closed_by not in {row.person, *documents[row.request]["involved"]}


def decisions_of_a_batch_are_of_one_kind(documents, work):
    """One verdict, one person, one destination; each request once."""
    batches = {}
    for row in work.execute(tables.decisions.select().where(tables.decisions.c.batch.is_not(None))):
        batches.setdefault(row.batch, []).append(row)
    for rows in batches.values():
        kinds = {(row.person, row.verdict, documents[row.request]["destination"]["id"]) for row in rows}
        assert (len(kinds), len({row.request for row in rows})) == (1, len(rows))


def what_left_was_released(documents, files):
    """A version is visible where its request was released; where that is not known, or goes on, it may be."""
    visible = {name for path in files if not (name := Path(path).parts[1]).startswith(".") and name}
    of = {name: [each for each in visible if name in each] for name in documents}
    assert sum(len(each) for each in of.values()) == len(visible)
    for name, found in of.items():
        state = documents[name]["state"]
        if state in {"releasing", "indeterminate"}:
            assert len(found) <= 1
        else:
            assert len(found) == (1 if state == "released" else 0), (state, found)


def grants_are_used_once(documents, types, work):
    """One grant a request, issued once, used by what was released and by nothing else."""
    grants = work.execute(tables.grants.select()).all()
    assert len({grant.request for grant in grants}) == len(grants)
    for grant in grants:
        assert (grant.state == "used") == (documents[grant.request]["state"] == "released")
    for name in documents:
        assert types[name].count("release.completed") <= 1
        assert types[name].count("grant.issued") <= 1


def ways_of_signing(work):
    """Name the ways beside the usual one in which anybody has signed."""
    decisions = work.execute(tables.decisions.select()).all()
    found = {
        "delegation": any(row.acting_for for row in decisions),
        "batch": any(row.batch for row in decisions),
        "break-glass": any(row.break_glass for row in decisions),
        "standing approval": any(row.standing for row in work.execute(tables.requests.select())),
    }
    return {way for way, is_so in found.items() if is_so}
