"""An action in words: its arguments line by line, who carries it out, and what was decided about it before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What each level of enforcement stops, and what it does not.
LEVEL_WORDS = {
    "verify": "by whoever asks, against a signed grant that works once (level verify: it does not hold back somebody "
    "who has the credentials and means harm)",
    "broker": "by whoever asks, with a credential of the gate for this one place (level broker)",
    "release": "by the gate, with credentials that nobody else has (level release)",
    "mask": "by the releaser, which has also masked the originals, with keys that nobody else has (level mask)",
}


def call_lines(arguments: Mapping[str, Any]) -> list[str]:
    """Write arguments one a line, by their path.

    Example:
        >>> call_lines({"database": "prod", "argv": ["vacuum", "--full"], "tags": {}})
        ['database: prod', 'argv[0]: vacuum', 'argv[1]: --full', 'tags: {}']
    """
    return list(_lines("", arguments))


def masking_lines(masking: Mapping[str, Any]) -> list[str]:
    """Say what the releaser masked, with which keys, and what it looked for in what came out.

    Example:
        >>> keys, tables = {"people": {"version": 2, "fingerprint": "9f0a"}}, {"crm": {"no_value_survives": ["email"]}}
        >>> masking_lines({"source": "lake", "keys": keys, "tables": tables})
        ['source lake', 'key people, version 2, fingerprint 9f0a', 'no value survives of crm.email']
    """
    keys = [
        f"key {name}, version {key['version']}, fingerprint {key['fingerprint']}"
        for name, key in masking["keys"].items()
    ]
    sought = [f"{name}.{path}" for name, table in masking["tables"].items() for path in table["no_value_survives"]]
    return [f"source {masking['source']}", *keys, *([f"no value survives of {', '.join(sought)}"] if sought else [])]


def decided_before(earlier: Mapping[str, Any]) -> str:
    """Say what somebody decided before about the same content.

    Example:
        >>> decided_before({"person": "ben", "verdict": "deny", "action": "rotate-key", "request": "r-1"})
        'ben denied rotate-key, request r-1'
    """
    verb = "approved" if earlier["verdict"] == "approve" else "denied"
    where = f" to {earlier['destination']}" if earlier.get("destination") else ""
    return f"{earlier['person']} {verb} {earlier['action']}{where}, request {earlier['request']}"


def _lines(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _lines(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _lines(f"{path}[{number}]", inner)
    elif path:
        yield f"{path}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
