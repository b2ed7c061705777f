"""What is known of a request once its bytes are measured: what its policy is chosen by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from maskgate.gate.action_facts import ActionFacts, ColumnFact
from maskgate.gate.asked_facts import facts_of
from maskgate.gate.since_release import count_new
from maskgate.gate.volumes import count_totals, note_volumes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from maskgate.gate.model import Sealed
    from maskgate.gate.policy import Policy
    from maskgate.gate.request import Request
    from maskgate.gate.since_release import SinceRelease
    from maskgate.store import Work


def facts_when_sealed(
    work: Work,
    policy: Policy,
    request: Request,
    sealed: Sealed | None,
    *,
    since: Mapping[str, SinceRelease],
    now: datetime,
) -> ActionFacts:
    """Collect what is known, and note how much this request holds, for the sums of later ones.

    Args:
        work: The transaction in which the request goes on from sealing.
        policy: The policy in force, which says which sums are wanted.
        request: The request.
        sealed: What was measured; None if there is nothing to seal.
        since: What each table has become since its last release there.
        now: The present moment.
    """
    note_volumes(work, request, sealed, now)
    facts = replace(facts_of(request), moment=now, totals=count_totals(work, request, policy.totals, now))
    if sealed is None:
        return facts
    looser = [each.rules_loosened for each in since.values()]
    return replace(
        _measured(facts, sealed),
        new_columns=count_new(since),
        rules_loosened=True if True in looser else None if None in looser else False,
    )


def _measured(facts: ActionFacts, sealed: Sealed) -> ActionFacts:
    columns = [(table.name, column) for table in sealed.tables for column in table.columns]
    return replace(
        facts,
        tables=tuple(table.name for table in sealed.tables),
        columns=tuple(ColumnFact(table, column.name, column.classes) for table, column in columns),
        rows=sum(table.rows for table in sealed.tables),
        bytes=sealed.size,
        shape_violations=sum(column.shape_violations or 0 for _, column in columns),
        residual_findings=sum(column.residual_findings for _, column in columns),
        k=_smallest_groups(sealed),
    )


def _smallest_groups(sealed: Sealed) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for table in sealed.tables:
        for groups in table.groups:
            if groups.smallest is not None:
                found[groups.asked] = min(groups.smallest, found.get(groups.asked, groups.smallest))
    return found
