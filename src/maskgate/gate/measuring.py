"""The child process that opens staged files, so that the gate never does.

``python -I -m maskgate.gate.measuring`` gets a task as JSON on stdin and answers with lines of JSON on stdout:
``{"bytes": n}`` while it works, then ``{"result": …}`` or ``{"refused": code, "path": …}``. It has no keys, no
environment, no network, little memory and little time. The gate believes none of its words beyond their types.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from maskgate.gate.confinement import confine, leave
from maskgate.gate.without_pandas import keep_pandas_out


def main() -> None:
    """Do the task on stdin."""
    task = json.load(sys.stdin)
    network = confine(memory_bytes=task["memory_bytes"], cpu_seconds=task["cpu_seconds"])
    keep_pandas_out()
    # Only now: pyarrow starts threads, which would keep the process in the network it came from.
    from maskgate.gate import measurement  # noqa: PLC0415
    from maskgate.gate.confinement import forbid  # noqa: PLC0415

    task["key"] = _key(task.get("key"))
    forbid()
    work = {"measure": measurement.measure, "sample": measurement.sample}[task["task"]]
    try:
        _say({"result": {"network": network, "tables": work(task, lambda size: _say({"bytes": size}))}})
    except measurement.UnfitFileError as error:
        _say({"refused": error.code, "path": error.path})
    except MemoryError:
        _say({"refused": "memory", "path": ""})


def _key(said: dict[str, Any] | None) -> Any:
    """Read the key of files that are encrypted: out of a pipe, which nobody else has read."""
    if said is None:
        return None
    from maskgate.gate.staging_cipher import StagingKey  # noqa: PLC0415  most files are not encrypted

    return StagingKey(said["staging"], os.read(said["descriptor"], 32))


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
    leave()
