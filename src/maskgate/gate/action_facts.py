"""What is known of an action when its policy is chosen.

* What the gate measured, read from the host, or knows itself; nothing that a caller claims.
* None is *not known*, and what decides by it errs to the strict side; only of `resource`, `destination`, `trust` and
  `workflow` it is *none*.
* Names and counts; no cell of the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from maskgate.clock import moment, timestamp
from maskgate.errors import UsageError
from maskgate.gate.model import LEVELS, TRUSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

QUANTITIES = ("rows", "bytes", "columns", "requests")
DIVISIONS = ("requester", "dataset", "destination")


@dataclass(frozen=True)
class ColumnFact:
    """One column of the sealed bytes.

    Attributes:
        table: Its table.
        name: Its path, such as ``contacts[].email``.
        classes: Kinds of direct identifier that the gate sees in it.
    """

    table: str
    name: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total:
    """A rolling sum over requests: of what, over how long, and over whose.

    Attributes:
        quantity: One of `QUANTITIES`.
        over: How far back.
        per: Some of `DIVISIONS`: only requests that have these in common with this one.
    """

    quantity: str
    over: timedelta
    per: tuple[str, ...]


@dataclass(frozen=True)
class Counted:
    """What a rolling sum comes to, this request included.

    Attributes:
        known: The sum of what is known.
        is_complete: Whether that is all; otherwise it is at least that.
    """

    known: int
    is_complete: bool = True


@dataclass(frozen=True)
class ActionFacts:
    """All that policies can look at.

    Attributes:
        action: The verb.
        resource: What it is about, where it is not staged data.
        destination: Id of the destination; None if the action goes nowhere.
        trust: Trust of the destination.
        level: ``verify``, ``broker``, ``release`` or ``mask``.
        tables: Names of the sealed tables.
        columns: Their columns.
        rows: Rows of all tables together.
        bytes: Bytes of all files together.
        shape_violations: Cells that do not look like the output of the registered rules.
        residual_findings: Cells in which the detectors still find a direct identifier.
        k: The smallest group for each list of quasi-identifiers that the policy names.
        new_columns: Columns that the last release of the same dataset to the same destination did not have.
        rules_loosened: Whether the rules are looser than those of that release.
        person: Who asks; None if that is not known.
        token: The token that asks.
        workflow: The run's workflow, such as ``airflow:prod|nightly_export``; None if no run asks.
        agent: Whether an AI agent asks, rather than a person or a pipeline.
        moment: When.
        totals: Rolling sums.
    """

    action: str
    resource: str | None = None
    destination: str | None = None
    trust: str | None = None
    level: str | None = None
    tables: tuple[str, ...] | None = None
    columns: tuple[ColumnFact, ...] | None = None
    rows: int | None = None
    bytes: int | None = None
    shape_violations: int | None = None
    residual_findings: int | None = None
    k: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    new_columns: int | None = None
    rules_loosened: bool | None = None
    person: str | None = None
    token: str | None = None
    workflow: str | None = None
    agent: bool | None = None
    moment: datetime | None = None
    totals: Mapping[Total, Counted] = field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...] | None:
        """Names of the data: the sealed tables, or else the resource."""
        if self.tables is None and self.resource is not None:
            return (self.resource,)
        return self.tables

    def as_json(self) -> dict[str, Any]:
        """Return what is known as JSON values; :meth:`from_json` reads them."""
        plain = {name: getattr(self, name) for name in _PLAIN if getattr(self, name) is not None}
        lists: dict[str, Any] = {
            "tables": None if self.tables is None else list(self.tables),
            "columns": None
            if self.columns is None
            else [{"table": each.table, "name": each.name, "classes": list(each.classes)} for each in self.columns],
            "k": [{"over": list(over), "smallest": size} for over, size in self.k.items()],
            "moment": None if self.moment is None else timestamp(self.moment),
            "totals": [
                {
                    "of": total.quantity,
                    "over_seconds": int(total.over.total_seconds()),
                    "per": list(total.per),
                    "known": counted.known,
                    "is_complete": counted.is_complete,
                }
                for total, counted in self.totals.items()
            ],
        }
        return {**plain, **{name: value for name, value in lists.items() if value not in (None, [])}}

    @classmethod
    def from_json(cls, value: Any) -> ActionFacts:
        """Read what :meth:`as_json` wrote, or what somebody wrote down to try a policy.

        A request shows how many columns there are, and not which: they are not known then.

        Raises:
            UsageError: If a field is unknown or of the wrong type.
        """
        if not isinstance(value, dict) or not isinstance(value.get("action"), str):
            raise UsageError('facts are a JSON object with at least "action", such as {"action": "export"}')
        if type(value.get("columns")) is int:
            value = {name: each for name, each in value.items() if name != "columns"}
        for name in value:
            if name not in _NAMES:
                instead = f" Write {_SAID[name]}." if name in _SAID else ""
                raise UsageError(f"facts have no field {str(name)[:40]!r}; they have {', '.join(_NAMES)}.{instead}")
        if isinstance(value.get("destination"), dict):
            raise UsageError('facts: "destination" must be text, its id; its "trust" stands beside it')
        for name, kind in _PLAIN.items():
            given = value.get(name)
            if given is not None and (not isinstance(given, kind) or isinstance(given, bool) != (kind is bool)):
                raise UsageError(f'facts: "{name}" must be {_KINDS[kind]}')
        _check_sense(value)
        try:
            return cls(**{name: value[name] for name in _PLAIN if name in value}, **_read_lists(value))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"facts: tables, columns, k, moment or totals are not as the gate writes them ({type(error).__name__})"
            ) from None


_NUMBERS = ("rows", "bytes", "shape_violations", "residual_findings", "new_columns")
_PLAIN: dict[str, type] = {
    **dict.fromkeys(("action", "resource", "destination", "trust", "level", "person", "token", "workflow"), str),
    **dict.fromkeys(_NUMBERS, int),
    **dict.fromkeys(("rules_loosened", "agent"), bool),
}
# What `when:` calls it, where facts say something else.
_SAID = {"requester": "`person`", "time": "`moment`", "sum": "`totals`", "dataset": "`tables`, or `resource`"}
_KINDS = {str: "text", int: "a whole number", bool: "true or false"}
_NAMES = tuple(each.name for each in fields(ActionFacts))


def _check_sense(value: Mapping[str, Any]) -> None:
    """Refuse what no action can be like, so that a slip does not make another policy look right."""
    for name, known in (("trust", TRUSTS), ("level", LEVELS)):
        if value.get(name) is not None and value[name] not in known:
            raise UsageError(f'facts: "{name}" is one of {", ".join(known)}')
    for name, other, what in (("trust", "destination", "its id"), ("destination", "trust", "such as external")):
        if value.get(name) is not None and value.get(other) is None:
            raise UsageError(f'facts: a destination has both an id and a trust. Add "{other}", {what}')
    for name in ("tables", "columns", "k", "totals"):
        if value.get(name) is not None and not isinstance(value[name], list):
            raise UsageError(f'facts: "{name}" must be a list')
    for name in _NUMBERS:
        if (value.get(name) or 0) < 0:
            raise UsageError(f'facts: "{name}" must not be negative')


def _read_lists(value: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    if value.get("tables") is not None:
        read["tables"] = tuple(str(name) for name in value["tables"])
    if value.get("columns") is not None:
        read["columns"] = tuple(
            ColumnFact(str(each["table"]), str(each["name"]), tuple(each.get("classes", ())))
            for each in value["columns"]
        )
    if value.get("moment") is not None:
        read["moment"] = moment(value["moment"])
    read["k"] = {tuple(each["over"]): int(each["smallest"]) for each in value.get("k") or ()}
    read["totals"] = {
        Total(each["of"], timedelta(seconds=each["over_seconds"]), tuple(each["per"])): Counted(
            int(each["known"]), bool(each.get("is_complete", True))
        )
        for each in value.get("totals") or ()
    }
    return read
