"""Level *mask*: what is asked for is a registered source, and the releaser masks it before anything is sealed.

::

    ask ─▶ mask (the releaser, with its keys) ─▶ seal ─▶ sign ─▶ release

* Masking comes first, so that the signature covers the bytes that leave. Nothing leaves by it: masked files go to a
  folder of the gate's own, which no pipeline can read or write.
* What the releaser says of its masking is *measured*: that it happened, from which source, by which rules, with which
  keys. What a pipeline says of its own is *declared*.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from maskgate.canonical import digest
from maskgate.errors import Conflict, Refused, UsageError
from maskgate.gate import asking
from maskgate.gate.filing import asking_token
from maskgate.gate.lifecycle import SETTLED, State
from maskgate.gate.model import StagingRoot
from maskgate.gate.parts import registered_rules
from maskgate.gate.quotas import must_have_room_to_stage
from maskgate.gate.request import Request, get_request
from maskgate.gate.sources import MASK, MASKED_ROOT, MaskOrder
from maskgate.gate.staged_names import check_table_name, shown
from maskgate.gate.staging import new_staging_id
from maskgate.gate.staging_keys import find_staging, make_staging_key
from maskgate.store import tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from maskgate.gate.model import Caller, RequestInput
    from maskgate.gate.parts import Parts
    from maskgate.gate.sources import Masked, Source
    from maskgate.gate.staging import Staging
    from maskgate.store import Work

# After so long, the gate that has the masked files is gone with them: another has them masked again.
_GIVEN_UP = timedelta(minutes=10)
# Of a run, its request stays its request, but for those that ended without anybody's decision.
_ASK_AGAIN = frozenset({State.REFUSED, State.FAILED, State.WITHDRAWN})


def create_request(parts: Parts, caller: Caller, wanted: RequestInput) -> Request:
    """Make a request about a source, or return the open one for the same source, destination, action and run.

    Raises:
        UsageError: If a source, a table or rules are named that are not registered.
        MaskgateError: As for any other request.
    """
    source = parts.registry.source(wanted.source or "")
    names = _tables(source, wanted.tables)
    token = asking_token(caller)
    key = _key(caller, wanted, source, names)
    with parts.store.write() as work:
        if source.rules.digest not in registered_rules(work) or wanted.rules not in {"", source.rules.digest}:
            raise UsageError(
                f"the source {source.id} is masked by the rules {source.rules.digest}, which have to be those that are "
                "registered and asked for. Register them, or ask for these."
            )
        known = _known(work, key, is_of_run=wanted.host is not None)
        staging = known or _open(parts, work, token, about={"key": key, **_about(source, names)})
    return asking.create_request(parts, caller, replace(wanted, staging=staging, level=MASK))


def _tables(source: Source, asked: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(asked) - set(source.tables))
    if unknown:
        known = ", ".join(sorted(source.tables))
        raise UsageError(f"the source {source.id} has no table {shown(unknown[0])}. It has: {known}.")
    return tuple(sorted(map(check_table_name, asked or source.tables)))


def _key(caller: Caller, wanted: RequestInput, source: Source, names: tuple[str, ...]) -> str:
    run = None if wanted.host is None else {**wanted.host.identity, "task_id": wanted.host.task_id}
    facts = {"token": caller.token, "run": run, "destination": wanted.destination, "action": wanted.action}
    return digest("masking-key", {**facts, "source": source.digest, "tables": list(names)})


def _known(work: Work, key: str, *, is_of_run: bool) -> str | None:
    """Return the staging that the same was asked of before, if its request still counts."""
    rows, requests = tables.maskings.c, tables.requests.c
    chosen = select(rows.staging, requests.state).join(tables.requests, requests.staging == rows.staging)
    for staging, state in work.execute(chosen.where(rows.key == key).order_by(requests.created_at.desc())):
        if State(state) not in (_ASK_AGAIN if is_of_run else SETTLED):
            return str(staging)
    return None


def _about(source: Source, names: tuple[str, ...]) -> dict[str, Any]:
    return {"source": source.id, "source_digest": source.digest, "rules": source.rules.digest, "tables": list(names)}


def _open(parts: Parts, work: Work, token: str, about: dict[str, Any]) -> str:
    must_have_room_to_stage(work, token, parts.registry.limits)
    staging, now = new_staging_id(), parts.clock.now()
    expires_at = now + timedelta(hours=parts.registry.limits.staging_hours)
    row = {"id": staging, "root": MASKED_ROOT, "token": token, "opened_at": now, "expires_at": expires_at}
    work.execute(tables.stagings.insert().values(row))
    work.execute(tables.maskings.insert().values(staging=staging, fence=0, **about))
    make_staging_key(
        work, StagingRoot(MASKED_ROOT, "", encrypt=parts.registry.source(about["source"]).encrypt), staging
    )
    told = {name: about[name] for name in ("source", "source_digest", "rules", "tables")}
    parts.record(work, "staging.opened", staging=staging, root=MASKED_ROOT, token=token, **told)
    return staging


def masked_staging(parts: Parts, request: Request, attempt: int, progress: Callable[[int, int], None]) -> Staging:
    """Return the masked files of a request, after masking them where this gate does that itself.

    Args:
        parts: The gate's parts.
        request: A request of level mask.
        attempt: Fence of the sealing.
        progress: Told of rows done and in all; what it raises ends masking.

    Raises:
        MaskgateError: If the source cannot be read, or not be masked by its rules.
    """
    staging_id = request.staging or ""
    with parts.store.read() as work:
        row = masking_of(work, staging_id)
    if parts.releaser.is_elsewhere:
        return _brought(parts, request, row)
    source = source_as_asked(parts, row)
    with parts.store.read() as work:
        staging = _place(parts, work, request, row, f"here-{attempt}")
    folder = Path(staging.root.uri) / staging_id
    shutil.rmtree(folder.parent, ignore_errors=True)
    open_masked(parts, request, staging)
    masked = parts.releaser.mask(MaskOrder(source, tuple(row.tables), folder, staging.key_of(staging_id)), progress)
    with parts.store.write() as work:
        note_masked(parts, work, request, row, masked)
    return staging


def _brought(parts: Parts, request: Request, row: Any) -> Staging:
    with parts.store.read() as work:
        staging = brought_masked(parts, work, request, row, row.fence)
    if not staging.exists(row.staging):
        with parts.store.write() as work:
            work.execute(update(tables.maskings).where(_is(row)).values(masked_at=None, lease_until=None))
        raise Conflict("what the releaser had masked is not here any more. It masks it again.")
    return staging


def lies_at_another_gate(parts: Parts, work: Work, request_id: str) -> bool:
    """Whether a releaser brought masked files to another gate, which seals them, and lately enough to wait for that."""
    request = get_request(work, request_id)
    if request.level != MASK:
        return False
    row = masking_of(work, request.staging or "")
    is_here = brought_masked(parts, work, request, row, row.fence).exists(row.staging)
    return not is_here and row.masked_at is not None and parts.clock.now() < row.masked_at + _GIVEN_UP


def brought_masked(parts: Parts, work: Work, request: Request, row: Any, fence: int) -> Staging:
    """Return where a releaser process puts what it has masked, at one attempt."""
    return _place(parts, work, request, row, f"brought-{fence}")


def _place(parts: Parts, work: Work, request: Request, row: Any, attempt: str) -> Staging:
    folder, source = parts.sealed_copy(request).absolute() / "masked" / attempt, parts.registry.sources.get(row.source)
    encrypt = None if source is None else source.encrypt
    return find_staging(work, StagingRoot(MASKED_ROOT, str(folder), upload_only=True, encrypt=encrypt), row.staging)


def open_masked(parts: Parts, request: Request, staging: Staging) -> None:
    """Make an empty folder for masked files, where none but the gate enters."""
    (parts.sealed_copy(request) / "masked").mkdir(mode=0o700, parents=True, exist_ok=True)
    staging.open(request.staging or "")


def remove_masked(parts: Parts, request: Request) -> None:
    """Remove masked files that were sealed, or that nobody will seal."""
    shutil.rmtree(parts.sealed_copy(request) / "masked", ignore_errors=True)


def masking_of(work: Work, staging_id: str) -> Any:
    """Return the row of a masking.

    Raises:
        Refused: If the staging is none of the releaser's.
    """
    row = work.execute(select(tables.maskings).where(tables.maskings.c.staging == staging_id)).first()
    if row is None:
        raise Refused("this staging is none that the releaser has masked. Ask for a source.")
    return row


def source_as_asked(parts: Parts, row: Any) -> Source:
    """Return the source that was asked for.

    Raises:
        Refused: If it leads elsewhere by now, or is masked otherwise.
    """
    source = parts.registry.sources.get(row.source)
    if source is None or source.digest != row.source_digest:
        raise Refused(f"the source {row.source} leads elsewhere, or is masked otherwise, than when it was asked for.")
    return source


def note_masked(parts: Parts, work: Work, request: Request, row: Any, masked: Masked) -> None:
    """Store what the releaser says of its masking."""
    now: datetime = parts.clock.now()
    values = {"masked": masked.as_json(), "masked_at": now, "lease_until": None, "worker": None}
    work.execute(update(tables.maskings).where(_is(row)).values(values))
    facts = {"source": row.source, "source_digest": row.source_digest, "rules_digest": row.rules}
    told = {name: value for name, value in masked.as_json().items() if name != "files"}
    parts.record(work, "source.masked", get_request(work, request.id), staging=row.staging, **facts, **told)


def _is(row: Any) -> Any:
    return tables.maskings.c.staging == row.staging


def measured_masking(work: Work, request: Request) -> dict[str, Any] | None:
    """Return what is measured of a masking, for the evidence; None for data that a pipeline masked."""
    if request.level != MASK:
        return None
    row = masking_of(work, request.staging or "")
    about = {"source": row.source, "source_digest": row.source_digest, "rules_digest": row.rules}
    return {**about, "keys": row.masked["keys"], "tables": row.masked["tables"]}


def must_be_as_masked(work: Work, request: Request) -> None:
    """Hold the sealed files of a request of level mask against what the releaser says it wrote.

    Raises:
        Refused: If they are others.
    """
    if request.level != MASK or request.sealed is None:
        return
    row = masking_of(work, request.staging or "")
    written = {(file["path"], file["size"], file["sha256"]) for file in (row.masked or {}).get("files", ())}
    sealed = {(file.path, file.size, file.sha256) for file in request.sealed.data_files}
    if sealed != written or request.sealed.rules_digest != row.rules:
        raise Refused("the sealed files are not those that the releaser has masked. Ask again.")
