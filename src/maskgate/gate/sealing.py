"""Sealing: the gate's own copy of what was staged, after which it cannot change unnoticed.

* Exactly the files that the manifest names, byte for byte what it says, plain files under plain names.
* Copied first, then hashed, measured, sampled and released from that one copy.
* What is in the files is measured by a child process without keys, environment or network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from maskgate.canonical import canonical_bytes
from maskgate.errors import Refused
from maskgate.gate import confined_child
from maskgate.gate.confined_child import checked_count, checked_list, checked_object, checked_text
from maskgate.gate.content import content_digest
from maskgate.gate.leaves import is_covered
from maskgate.gate.manifest import MOST_COLUMNS
from maskgate.gate.model import MeasuredColumn, MeasuredGroups, MeasuredTable, Sealed, SealedFile
from maskgate.gate.residual import may_hold_originals
from maskgate.gate.staged_manifest import read_manifest
from maskgate.gate.staged_names import MANIFEST, shown
from maskgate.gate.staging import LARGEST_FILE
from maskgate.gate.staging_cipher import Encrypting
from maskgate.methods import Uniqueness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from maskgate.gate.confined_child import Answer
    from maskgate.gate.manifest import Manifest
    from maskgate.gate.model import Limits
    from maskgate.gate.staged_manifest import StagedManifest
    from maskgate.gate.staging import Staging
    from maskgate.gate.staging_cipher import StagingKey
    from maskgate.rules import Rules, TableRules

_CHUNK = 1 << 20
_MOST_CLASSES = 100
# What counts groups needs as much again while it merges them, and a batch of rows beside it.
_GROUPS_SHARE = 8


def seal(
    staging: Staging,
    staging_id: str,
    folder: Path,
    *,
    rules: Mapping[str, Rules],
    limits: Limits,
    progress: Callable[[int, int], None],
    quasi_identifiers: Sequence[tuple[str, ...]] = (),
    ask: Callable[..., Answer] = confined_child.ask,
) -> Sealed:
    """Copy a staging into the gate's own folder, and measure the copy.

    Args:
        staging: The root that the staging lies under.
        staging_id: Which staging.
        folder: Where the copy goes; what an interrupted sealing left there is removed.
        rules: The registered rules, by digest.
        limits: Memory and time for measuring.
        progress: Called with bytes done and in all (each byte is copied, then measured); what it raises ends sealing.
        quasi_identifiers: Lists of columns over which the policy wants to know how many rows or people share them.
        ask: Has the child process measure the copy.

    Raises:
        Refused: With one message that says what is wrong with the staging. The folder is gone then.
    """
    _empty(folder)
    try:
        staged = read_manifest(staging, staging_id)
        manifest = staged.manifest
        registered = _registered(manifest, rules)
        _check_names(staging, staging_id, staged)
        key = staging.key_of(staging_id)
        steps = _Steps(2 * sum(file.size for file in manifest.files), progress)
        for file in manifest.files:
            _copy(staging, staging_id, (file, staged.places[file.path]), folder, steps)
        manifest_file = _write_manifest(manifest, registered, folder, key)
        task = _task(manifest, registered, folder, limits, quasi_identifiers)
        answer = ask(task, limits, steps.add, key)
        tables = _measured(manifest, registered, answer, task)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    files = (*manifest.files, manifest_file)
    return Sealed(
        content_digest=content_digest(manifest.rules_digest, files, tables),
        folder=str(folder),
        files=files,
        tables=tables,
        rules_digest=manifest.rules_digest,
        key_versions=manifest.key_versions,
        declared=_declared(manifest, registered),
        staged_manifest=staged.digest,
        key=key,
    )


@dataclass
class _Steps:
    total: int
    progress: Callable[[int, int], None]
    done: int = 0

    def add(self, size: int) -> None:
        self.done = min(self.done + size, self.total)
        self.progress(self.done, self.total)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)


def _registered(manifest: Manifest, rules: Mapping[str, Rules]) -> Rules:
    registered = rules.get(manifest.rules_digest)
    if registered is None:
        raise Refused(
            f"{MANIFEST}: the rules {manifest.rules_digest} are not registered at this gate. "
            "Ask the operator to register the rules file that masked this data, or mask with the registered one."
        )
    for table in manifest.tables:
        if table.name not in registered.tables:
            raise Refused(f"{MANIFEST}: the registered rules have no table {shown(table.name)}. Add it to them.")
    for key in manifest.key_versions:
        if key not in registered.keys:
            raise Refused(f"{MANIFEST}: the registered rules have no key {shown(key)}. Mask with the registered rules.")
    return registered


def _check_names(staging: Staging, staging_id: str, manifest: StagedManifest) -> None:
    staged = staging.names(staging_id)
    named = {*manifest.places.values(), *manifest.names}
    for path in sorted(named - staged):
        raise Refused(f"{MANIFEST} names {shown(path)}, but that file is not staged.")
    for path in sorted(staged - named):
        raise Refused(f"the file {shown(path)} is staged, but {MANIFEST} does not name it.")


def _copy(staging: Staging, staging_id: str, placed: tuple[SealedFile, str], folder: Path, steps: _Steps) -> None:
    file, place = placed
    target = folder / file.path
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with staging.read(staging_id, place) as stream:
        read = _Hashed(stream, file.size, steps)
        _write(target, cast("BinaryIO", read), file.path, staging.key_of(staging_id))
    if read.size != file.size or read.hashed.hexdigest() != file.sha256:
        raise Refused(
            f"the staged file {shown(place)} is not the one that {MANIFEST} describes: its "
            f"{'size' if read.size != file.size else 'SHA-256'} differs. It was changed after masking; mask again."
        )


class _Hashed:
    """A staged file as it is read once: hashed, counted, and not much longer than promised."""

    def __init__(self, stream: BinaryIO, promised: int, steps: _Steps) -> None:
        self._stream, self._promised, self._steps = stream, promised, steps
        self.hashed, self.size = hashlib.sha256(), 0

    def read(self, most: int = _CHUNK) -> bytes:
        # One byte more than promised is enough to know; a file that grows must not fill the disk.
        chunk = self._stream.read(max(0, min(most, self._promised + 1 - self.size)))
        self.hashed.update(chunk)
        self.size += len(chunk)
        if self.size <= self._promised:
            self._steps.add(len(chunk))
        return chunk


def _write(target: Path, stream: BinaryIO, path: str, key: StagingKey | None) -> None:
    """Write a file of the sealed copy, encrypted where the staging is."""
    source = stream if key is None else cast("BinaryIO", Encrypting(stream, key, path, LARGEST_FILE))
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "wb") as sealed:
        while chunk := source.read(_CHUNK):
            sealed.write(chunk)
        sealed.flush()
        os.fsync(sealed.fileno())


def _write_manifest(manifest: Manifest, registered: Rules, folder: Path, key: StagingKey | None) -> SealedFile:
    """Write the manifest anew, so that nothing leaves which was not understood."""
    known = manifest.as_json()
    report = _declared(manifest, registered)["report"]
    text = canonical_bytes({**known, "report": report})
    _write(folder / MANIFEST, BytesIO(text), MANIFEST, key)
    return SealedFile(path=MANIFEST, size=len(text), sha256=hashlib.sha256(text).hexdigest())


def _declared(manifest: Manifest, registered: Rules) -> dict[str, Any]:
    """The pipeline's word, about columns that the registered rules know."""
    schema = {
        table.name: {"rows": table.rows, "schema": [list(column) for column in table.schema]}
        for table in manifest.tables
    }
    report = {
        table.name: {
            "rows": table.rows,
            "columns": {
                name: column.as_json()
                for name, column in sorted(table.columns.items())
                if is_covered(registered.tables[table.name], name, dict(table.schema))
            },
        }
        for table in manifest.tables
    }
    return {"tables": schema, "report": report}


def _task(
    manifest: Manifest, registered: Rules, folder: Path, limits: Limits, quasi_identifiers: Sequence[tuple[str, ...]]
) -> dict[str, Any]:
    return {
        "task": "measure",
        "folder": str(folder),
        "groups": [list(asked) for asked in quasi_identifiers],
        "group_bytes": (limits.seal_memory_mb << 20) // _GROUPS_SHARE,
        "tables": {
            table.name: {
                "files": [file.path for file in table.files],
                "unlisted": registered.unlisted_shape().as_json(),
                **_expected(registered.tables[table.name]),
            }
            for table in manifest.tables
        },
    }


def _expected(rules: TableRules) -> dict[str, Any]:
    """Say what the rules make of a table, without methods: the child loads none."""
    return {
        "shapes": {path: shape.as_json() for path, shape in rules.shapes().items()},
        "made_up": [path for path, rule in rules.columns.items() if not may_hold_originals(rule)],
        "entity": _entity(rules),
    }


def _entity(rules: TableRules) -> str | None:
    """Return the column that tells people apart in the masked table too; None if there is none."""
    rule = None if rules.entity is None else rules.columns.get(rules.entity)
    if rule is None or any(each.is_opaque or each.build().uniqueness is Uniqueness.LOST for each in rule.rules()):
        return None
    return rules.entity


def _measured(
    manifest: Manifest, registered: Rules, answer: Answer, task: Mapping[str, Any]
) -> tuple[MeasuredTable, ...]:
    if set(answer.tables) != set(task["tables"]):
        raise confined_child.nonsense()
    return tuple(
        _measured_table(table.name, checked_object(answer.tables[table.name]), registered.tables[table.name])
        for table in manifest.tables
    )


def _measured_table(name: str, value: Mapping[str, Any], rules: TableRules) -> MeasuredTable:
    rows = checked_count(value.get("rows"))
    schema = tuple(_named_type(item) for item in checked_list(value.get("schema"), MOST_COLUMNS))
    columns = tuple(_measured_column(column, rules) for column in checked_list(value.get("columns"), MOST_COLUMNS))
    groups = tuple(_measured_groups(each, rows) for each in checked_list(value.get("groups"), MOST_COLUMNS))
    return MeasuredTable(name=name, rows=rows, schema=schema, columns=columns, groups=groups)


def _measured_groups(said: Any, rows: int) -> MeasuredGroups:
    value = checked_object(said)
    names = {key: tuple(map(checked_text, checked_list(value.get(key), MOST_COLUMNS))) for key in ("asked", "present")}
    smallest = None if value.get("smallest") is None else checked_count(value["smallest"])
    if not 0 < len(names["present"]) <= len(names["asked"]) or (smallest is None) != (rows == 0):
        raise confined_child.nonsense()
    if smallest is not None and not 0 < smallest <= rows:
        raise confined_child.nonsense()
    return MeasuredGroups(names["asked"], names["present"], smallest, checked_text(value.get("counted")))


def _named_type(said: Any) -> tuple[str, str]:
    name, kind = checked_list(said, 2)
    return checked_text(name), checked_text(kind)


def _measured_column(said: Any, rules: TableRules) -> MeasuredColumn:
    value = checked_object(said)
    rule = None if value.get("rule") is None else checked_text(value["rule"])
    cells, nulls = checked_count(value.get("cells")), checked_count(value.get("nulls"))
    violations = checked_count(value.get("shape_violations"))
    findings = checked_count(value.get("residual_findings"))
    if max(nulls, violations, findings) > cells or (rule is not None and rule not in rules.columns):
        raise confined_child.nonsense()
    return MeasuredColumn(
        name=checked_text(value.get("name")),
        type=checked_text(value.get("type")),
        nulls=nulls,
        shape_violations=violations,
        classes=tuple(checked_text(item, 40) for item in checked_list(value.get("classes"), _MOST_CLASSES)),
        rule=rule,
        methods=() if rule is None else rules.columns[rule].methods,
        residual_findings=findings,
    )
