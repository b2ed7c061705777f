"""Reads what a policy says about time and haste: reminders, escalation, standing approvals, break-glass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.gate.policy_readers.values import read_duration
from maskgate.gate.terms import MOST_IN_A_BATCH, BreakGlass, Escalation, Reminders, StandingTerms, Terms
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maskgate.gate.requirement import Requirement
    from maskgate.rules.strict_yaml import Located, Reader

BLOCKS = ("remind", "escalate", "cool_down", "standing", "batch", "break_glass", "delay")
_MOST_REMINDERS = 20
_MOST_DAYS = 90
_MOST_USES = 1000
_MOST_GROWTH = 100
_LONGEST = timedelta(days=30)
_LONGEST_DELAY = timedelta(days=7)
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class TermsReader:
    """Reads the terms of one policy.

    Attributes:
        reader: Where problems go.
        where: What messages call the policy.
        groups: Names of the reviewer groups.
        tier: The policy's tier; the highest has neither standing approvals nor batches.
        expires: How long a decision may take.
        requirement: What it usually takes.
    """

    reader: Reader
    where: str
    groups: Collection[str]
    tier: str
    expires: timedelta
    requirement: Requirement

    def terms(self, fields: Mapping[str, Located]) -> Terms:
        """Read them."""
        for name in ("standing", "batch"):
            if self.tier == "high" and name in fields:
                message = f"{self.where}: the highest tier is signed one by one, so it has no `{name}`."
                self.reader.problem(message, fields[name].line)
        cool_down, delay = fields.get("cool_down"), fields.get("delay")
        return Terms(
            remind=self._reminders(fields.get("remind")),
            escalate=self._escalation(fields.get("escalate")),
            cool_down=None if cool_down is None else self._duration(cool_down, "cool_down", _LONGEST),
            standing=self._standing(fields.get("standing")),
            batch_at_most=0 if self.tier == "high" else self._batch(fields.get("batch")),
            break_glass=self._break_glass(fields.get("break_glass")),
            delay=None if delay is None else self._duration(delay, "delay", _LONGEST_DELAY),
        )

    def _reminders(self, located: Located | None) -> Reminders | None:
        if located is None:
            return None
        where = f"{self.where}, remind"
        fields = self.reader.mapping(located, where, ("after", "at_most"), ("after",))
        after = self._before_the_end(fields.get("after"), "remind, after")
        count = self.reader.integer(fields.get("at_most"), where, minimum=1, maximum=_MOST_REMINDERS, default=5)
        return Reminders(after, count)

    def _escalation(self, located: Located | None) -> Escalation | None:
        if located is None:
            return None
        fields = self.reader.mapping(located, f"{self.where}, escalate", ("after", "to"), ("after", "to"))
        after = self._before_the_end(fields.get("after"), "escalate, after")
        return Escalation(after, self._group(fields.get("to"), "escalate, to"))

    def _standing(self, located: Located | None) -> StandingTerms | None:
        if located is None:
            return None
        where = f"{self.where}, standing"
        fields = self.reader.mapping(located, where, ("days", "uses", "growth"), ("days", "uses"))
        return StandingTerms(
            self.reader.integer(fields.get("days"), f"{where}, days", minimum=1, maximum=_MOST_DAYS),
            self.reader.integer(fields.get("uses"), f"{where}, uses", minimum=1, maximum=_MOST_USES),
            self.reader.integer(fields.get("growth"), f"{where}, growth", minimum=0, maximum=_MOST_GROWTH, default=10),
        )

    def _batch(self, located: Located | None) -> int:
        where = f"{self.where}, batch"
        fields = self.reader.mapping(located, where, ("at_most",), ("at_most",))
        most = MOST_IN_A_BATCH
        return self.reader.integer(fields.get("at_most"), where, minimum=0, maximum=most, default=most)

    def _break_glass(self, located: Located | None) -> BreakGlass | None:
        if located is None:
            return None
        where = f"{self.where}, break_glass"
        fields = self.reader.mapping(located, where, ("role", "distinct"), ("role",))
        usual = self.requirement.distinct
        distinct = self.reader.integer(
            fields.get("distinct"), f"{where}, distinct", minimum=1, maximum=usual, default=1
        )
        return BreakGlass(self._group(fields.get("role"), "break_glass, role"), distinct)

    def _group(self, located: Located | None, what: str) -> str:
        name = self.reader.string(located, f"{self.where}, {what}")
        if located is not None and name and name not in self.groups:
            near = did_you_mean(name, self.groups)
            self.reader.problem(f"{self.where}, {what}: there are no reviewers '{name}'.{near}", located.line)
        return name

    def _before_the_end(self, located: Located | None, what: str) -> timedelta:
        length = self._duration(located, what, _LONGEST)
        if located is not None and length >= self.expires:
            self.reader.problem(f"{self.where}, {what}: by then the request has expired.", located.line)
        return length

    def _duration(self, located: Located | None, what: str, longest: timedelta) -> timedelta:
        return read_duration(self.reader, f"{self.where}, {what}", located, default=_AN_HOUR, longest=longest)
