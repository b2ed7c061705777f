"""Sealing that starts the measuring child once for the same files: everything else of it happens every time.

The child answers by the bytes, the rules and the limits alone, so what it said of them is said again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskgate.gate import confined_child
from maskgate.gate.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from maskgate.gate.confined_child import Answer
    from maskgate.gate.model import Limits, Sealed
    from maskgate.gate.staging_cipher import StagingKey

_ANSWERS: dict[str, tuple[Answer, list[int]]] = {}


def seal_measured_once(*staged: Any, **options: Any) -> Sealed:
    """Seal as :func:`maskgate.gate.sealing.seal` does; a refusal of the child is asked for again."""
    return seal(*staged, **options, ask=_ask_once)


def _ask_once(
    task: Mapping[str, Any], limits: Limits, progress: Callable[[int], None], key: StagingKey | None = None
) -> Answer:
    if key is not None:
        return confined_child.ask(task, limits, progress, key)  # each copy is encrypted anew, so no two are the same
    name = _digest(task, limits)
    if name not in _ANSWERS:
        steps: list[int] = []

        def note(size: int) -> None:
            steps.append(size)
            progress(size)

        _ANSWERS[name] = (confined_child.ask(task, limits, note), steps)
        return _ANSWERS[name][0]
    answer, steps = _ANSWERS[name]
    for size in steps:
        progress(size)
    return answer


def _digest(task: Mapping[str, Any], limits: Limits) -> str:
    described = {**task, "folder": "", "limits": repr(limits)}
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for table in task["tables"].values():
        for file in table["files"]:
            digest.update(hashlib.sha256(Path(task["folder"], file).read_bytes()).digest())
    return digest.hexdigest()
