"""What somebody who waits for a signature reads in a log: which policy asks for it, why, and who may sign as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.call_text import LEVEL_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping


def why_waiting(document: Mapping[str, Any]) -> list[str]:
    """Say what a request's message leaves out. Names and counts; the document holds no value of the data.

    Args:
        document: A request, as the gate shows it.

    Example:
        >>> why_waiting({"policy": {"name": "external export", "because": ["action export: holds, found export"]}})
        ['policy "external export" counts, because action export: holds, found export']
    """
    policy, escalation, level = document.get("policy") or {}, document.get("escalation"), document.get("level")
    lines = []
    if policy.get("because"):
        lines.append(f'policy "{policy["name"]}" counts, because {"; ".join(policy["because"])}')
    if escalation:
        lines.append(f"it has waited long: since {escalation['at']}, people of {escalation['to']} may sign as well")
    if document.get("resource") is not None and level in LEVEL_WORDS:
        lines.append(f"once signed, it is carried out {LEVEL_WORDS[level]}")
    return lines
