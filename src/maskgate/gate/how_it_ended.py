"""What somebody who asked reads in a log when nothing comes of it: how it ended, and what the reviewer wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.gate.markdown import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 500


def how_it_ended(document: Mapping[str, Any]) -> str:
    """Say how a request ended.

    Args:
        document: A request, as the gate shows it.

    Example:
        >>> how_it_ended({"id": "req_1", "state": "expired", "message": "Nobody signed in time."})
        'request req_1 is expired: Nobody signed in time.'
    """
    return f"request {document['id']} is {document['state']}: {document['message']}{what_was_written(document)}"


def what_was_written(document: Mapping[str, Any]) -> str:
    r"""Return the reason of whoever denied it, on the same line; empty if nobody gave one.

    Nothing in it can move the cursor of a terminal or begin another line of a log.

    Example:
        >>> decisions = [{"person": "ben", "verdict": "deny", "reason": "Not to them.\n\u202eAsk legal."}]
        >>> what_was_written({"state": "denied", "decisions": decisions})
        ' ben wrote: “Not to them. Ask legal.”'
    """
    denials = [each for each in document.get("decisions") or () if each["verdict"] == "deny"]
    reason = visible(str(denials[-1].get("reason") or ""), _LONGEST) if denials else ""
    return f" {denials[-1]['person']} wrote: “{reason}”" if reason else ""
