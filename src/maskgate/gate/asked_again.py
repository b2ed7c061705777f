"""The same bytes, staged again by the same run: it gets the request that is open for them, and nobody is asked twice.

A task that masks is run again, and stages what it staged before under another id. What counts as the same is what
reviewers would be shown as the same: token, run, task and map index, destination and mode, action, reason, level, and
every byte of the staged manifest, which names each file by its SHA-256.

* Nobody is handed another's request: a token finds its own alone, and of those the ones of the very same run.
* Nothing of the second staging is released. The request keeps its own sealed bytes; it is refused when it is sealed,
  should its staging no longer hold the manifest that it was asked for with.
* Outside of runs nobody can tell a second try from a second delivery, so both are asked for; the caller is told.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from maskgate.errors import MaskgateError, Refused
from maskgate.gate.host import HostRun
from maskgate.gate.lifecycle import SETTLED
from maskgate.gate.request import Request, get_request
from maskgate.gate.staged_manifest import manifests_of
from maskgate.gate.staged_names import MANIFEST
from maskgate.gate.staging import LARGEST_MANIFEST
from maskgate.gate.staging_keys import find_staging
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.gate.model import RequestInput, Sealed
    from maskgate.gate.parts import Parts
    from maskgate.store import Work

_CHUNK = 1 << 20


def staged_manifest(parts: Parts, token: str, staging_id: str) -> str | None:
    """Hash the manifests of a token's staging as they lie there; None if they cannot be read: sealing says why."""
    with parts.store.read() as work:
        row = work.execute(select(tables.stagings).where(tables.stagings.c.id == staging_id)).first()
        root = None if row is None or row.token != token else parts.registry.staging.get(row.root)
        if root is None or row is None or row.deleted_at is not None:
            return None
        try:
            staging = find_staging(work, root, staging_id)
        except MaskgateError:
            return None
    hashed, size = hashlib.sha256(), 0
    try:
        for name in manifests_of(staging.names(staging_id)):
            with staging.read(staging_id, name) as stream:
                while chunk := stream.read(_CHUNK):
                    hashed.update(chunk)
                    size += len(chunk)
                    if size > LARGEST_MANIFEST:
                        return None
    except Exception:  # noqa: BLE001  storage libraries raise what they like, and without it nothing is lost
        return None
    return hashed.hexdigest() if size else None


def open_for_same_bytes(work: Work, asked: Request) -> Request | None:
    """Return the newest open request for the same bytes; None if there is none.

    Args:
        work: The transaction in which it would be stored, so that of two at once the second finds the first.
        asked: The request as it would be stored.
    """
    if asked.manifest is None:
        return None
    rows = tables.requests.c
    chosen = (
        select(rows.id, rows.host)
        .where(rows.token == asked.token, rows.manifest == asked.manifest, rows.state.not_in(SETTLED))
        .where(rows.action == asked.action, rows.why == asked.why, rows.policy_digest == asked.policy_digest)
        .order_by(rows.created_at.desc(), rows.id.desc())
    )
    # Many runs may ask for the same bytes, so that only this run's requests are read whole.
    run = run_of(asked.host)
    own = [row.id for row in work.execute(chosen) if run_of(_host_of(row.host)) == run]
    return next((each for each in (get_request(work, id_) for id_ in own) if _is_alike(each, asked)), None)


def _host_of(value: Mapping[str, Any] | None) -> HostRun | None:
    return None if value is None else HostRun.from_json(value)


def _is_alike(known: Request, asked: Request) -> bool:
    # A staging that is named again is asked for again by intent, elsewhere or otherwise.
    is_other_staging = known.staging != asked.staging
    # Whom a caller names is involved; a request that is signed without them is not the one that was asked for.
    names_nobody_new = asked.named <= known.named | set(known.involved)
    # Whose token it is, and whether an agent has it, may have been changed in the configuration.
    is_theirs = (known.requester_person, known.agent) == (asked.requester_person, asked.agent)
    goes_there = known.destination == asked.destination and known.level == asked.level
    is_in_time = not known.is_overdue(asked.created_at)
    return is_other_staging and names_nobody_new and is_theirs and goes_there and is_in_time


def run_of(host: HostRun | None) -> dict[str, Any] | None:
    """Return what tells one task of one run from others; a later try of it is the same."""
    return None if host is None else {**host.identity, "task_id": host.task_id}


def attach(parts: Parts, work: Work, known: Request, key: str, staging: str) -> None:
    """Note that a staging was asked for and got a request that was open for the same bytes."""
    work.execute(tables.asked_again.insert().values(key=key, request=known.id, staging=staging))
    parts.record(work, "request.asked_again", known, staging=staging, before=known.staging)


def attached_to(work: Work, key: str) -> Request | None:
    """Return the request that another staging was given before; None if there is none."""
    found = work.execute(select(tables.asked_again.c.request).where(tables.asked_again.c.key == key)).scalar()
    return None if found is None else get_request(work, found)


def note_about(work: Work, request: Request, wanted: RequestInput) -> str | None:
    """Tell the caller of the same bytes under another staging; None if there are none."""
    if wanted.source is not None:
        return None
    if request.staging != wanted.staging:
        return (
            f"the same bytes were asked for before, as staging {request.staging}: this is that request, and nobody is "
            f"asked twice. Staging {wanted.staging} is not needed, and is deleted when its time is over."
        )
    other = None if request.is_settled else open_for_same_bytes(work, request)
    if other is None:
        return None
    return (
        f"the same bytes are asked for in {other.id} as well. Outside of a run this may be meant so; "
        "if it is not, withdraw one of them."
    )


def must_be_as_asked(request: Request, sealed: Sealed) -> None:
    """Hold the manifest that was sealed against the one that was asked for.

    Raises:
        Refused: If it was changed in between. Whoever asked again for the first would be given the second.
    """
    if request.manifest is not None and sealed.staged_manifest not in {"", request.manifest}:
        raise Refused(f"{MANIFEST} was changed after it was asked for. Stage the data again, and ask for that.")
