"""What the gate says of a table beside its columns: groups, findings, and what is new since the last release.

The same lines stand on the review page, in the host's question and at the command line, and are signed. They hold names
and counts; no value of the data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_NAMES = 20


def table_notes(measured: Mapping[str, Any]) -> list[str]:
    """Write what was measured of a table, as its evidence has it.

    Example:
        >>> groups = [{"asked": ["year", "town"], "present": ["year"], "smallest": 7, "counted": "rows"}]
        >>> columns = {"notes": {"residual_findings": 2}}
        >>> for note in table_notes({"rows": 90, "columns": columns, "groups": groups, "since": {"request": None}}):
        ...     print(note)
        the smallest group that shares year, town has 7 rows (there is no column town)
        the detectors still find direct identifiers in 2 cells: notes (2)
        first release of this table to this destination
    """
    return [*_groups(measured), *_findings(measured), *_news(measured)]


def _groups(measured: Mapping[str, Any]) -> Iterator[str]:
    for each in measured.get("groups", ()):
        absent = [name for name in each["asked"] if name not in each["present"]]
        of_people = each["counted"] != "rows"
        counted = f"people, told apart by {each['counted']}" if of_people else "rows"
        size = "no rows" if each["smallest"] is None else f"{each['smallest']:,} {counted}"
        without = f" (there is no column {', '.join(absent)})" if absent else ""
        yield f"the smallest group that shares {', '.join(each['asked'])} has {size}{without}"


def _findings(measured: Mapping[str, Any]) -> Iterator[str]:
    found = {name: int(facts.get("residual_findings") or 0) for name, facts in measured["columns"].items()}
    telling = [f"{name} ({count:,})" for name, count in found.items() if count]
    if telling:
        cells = "1 cell" if sum(found.values()) == 1 else f"{sum(found.values()):,} cells"
        yield f"the detectors still find direct identifiers in {cells}: {_some(telling)}"


def _news(measured: Mapping[str, Any]) -> Iterator[str]:
    since = measured.get("since")
    if since is None:
        return
    if since["request"] is None:
        yield "first release of this table to this destination"
        return
    rows = " was another token's;" if since["rows"] is None else f" had {since['rows']:,} rows;"
    new, gone = since["new_columns"], since["gone_columns"]
    columns = f"new columns {_some(new)}" if new else "no new columns"
    columns += f", without {_some(gone)}" if gone else ""
    rules = {True: "the rules are looser", False: "the rules are no looser", None: "the rules cannot be compared"}
    yield f"the last release there, {since['request']},{rows} {columns}; {rules[since['rules_loosened']]}"


def _some(names: list[str]) -> str:
    beyond = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {beyond} more" if beyond > 0 else "")
