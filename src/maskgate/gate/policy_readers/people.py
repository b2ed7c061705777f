"""Reads ``people:``, ``reviewers:`` and ``requesters:`` of a policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.gate.people import People
from maskgate.gate.policy import Reviewers
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from maskgate.rules.strict_yaml import Located, Reader

_ACCOUNT = re.compile(r"[a-z][a-z0-9_.-]*(?::[A-Za-z0-9_.-]+)?\|\S(?:.*\S)?")
_NAME = re.compile(r"\w[\w .@+-]{0,99}")


@dataclass(frozen=True)
class PeopleReader:
    """Reads who has which accounts."""

    reader: Reader

    def people(self, located: Located | None) -> People:
        """Read ``people:``."""
        owners: dict[str, str] = {}
        accounts: dict[str, tuple[str, ...]] = {}
        for person, entry in self.reader.mapping(located, "people").items():
            where = f'person "{person}"'
            if not _NAME.fullmatch(person) or "|" in person:
                self.reader.problem(f"{where}: a name has letters, digits and - . _ @ + only.", entry.line)
            accounts[person] = self.reader.strings(entry, where)
            if not accounts[person] and isinstance(entry.value, list):
                self.reader.problem(f'{where}: no account is linked. Write accounts such as "okta|00u1".', entry.line)
            for account in accounts[person]:
                self._check(account, person, owners, where, entry.line)
        return People(accounts)

    def _check(self, account: str, person: str, owners: dict[str, str], where: str, line: int) -> None:
        if account and not _ACCOUNT.fullmatch(account):
            self.reader.problem(
                f'{where}: "{account}" is no account. Write issuer and subject, such as "airflow:prod|anna" or '
                '"okta|00u1".',
                line,
            )
        if account in owners:
            other = "twice" if owners[account] == person else f'also under "{owners[account]}"'
            self.reader.problem(f'{where}: the account "{account}" stands {other}. It belongs to one person.', line)
        owners[account] = person


@dataclass(frozen=True)
class GroupsReader:
    """Reads groups of the people that there are."""

    reader: Reader
    people: People

    def reviewers(self, located: Located | None) -> dict[str, Reviewers]:
        """Read ``reviewers:``."""
        return {name: self._group(f'reviewers "{name}"', entry) for name, entry in self._mapping(located, "reviewers")}

    def requesters(self, located: Located | None) -> dict[str, tuple[str, ...]]:
        """Read ``requesters:``."""
        found = {}
        for pattern, entry in self._mapping(located, "requesters"):
            where = f'requesters "{pattern}"'
            if not re.fullmatch(r"(airflow|prefect):[A-Za-z0-9_.-]+\|\S+", pattern):
                self.reader.problem(
                    f'{where}: write instance and workflow, such as "airflow:prod|export_*".', entry.line
                )
            found[pattern] = self._known(where, entry)
        return found

    def _mapping(self, located: Located | None, where: str) -> list[tuple[str, Located]]:
        return list(self.reader.mapping(located, where).items())

    def _group(self, where: str, entry: Located) -> Reviewers:
        fields = self.reader.mapping(entry, where, ("group", "people"))
        if not fields and isinstance(entry.value, dict):
            self.reader.problem(f"{where}: nobody is in it. Write `group:`, `people:` or both.", entry.line)
        group = self.reader.string(fields.get("group"), f"{where}, group") or None
        return Reviewers(frozenset(self._known(f"{where}, people", fields.get("people"))), group)

    def _known(self, where: str, entry: Located | None) -> tuple[str, ...]:
        names = self.reader.strings(entry, where)
        if entry is not None and isinstance(entry.value, list) and not entry.value:
            self.reader.problem(f"{where}: the list is empty.", entry.line)
        for name in names:
            if entry is not None and name and name not in self.people:
                near = did_you_mean(name, tuple(self.people.accounts))
                self.reader.problem(f"{where}: '{name}' does not stand under `people:`.{near}", entry.line)
        return names
