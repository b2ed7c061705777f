"""Reads a policy file, strictly: every problem at once, each with its line.

* A block or figure that this version does not measure is refused, never ignored.
* There is no default that lets something through: no action for a time-out, no ``otherwise`` but ``refuse``.
* A policy that nobody could ever meet is refused when it is loaded, not discovered at night.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.canonical import digest
from maskgate.errors import PolicyError
from maskgate.gate.model import CHANNELS, TRUSTS, Floor, Thresholds
from maskgate.gate.people import People
from maskgate.gate.policy import DEFAULT_EXPIRY, Policy, Reviewers, Rule
from maskgate.gate.requirement import Requirement
from maskgate.methods.registry import METHODS
from maskgate.rules.strict_yaml import Reader, did_you_mean, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.rules.strict_yaml import Located

_BLOCKS = ("version", "people", "reviewers", "requesters", "floor", "policies", "otherwise")
_RULE = ("name", "when", "require", "allow", "channels", "reason", "expires", "evidence")
_ACCOUNT = re.compile(r"[a-z][a-z0-9_.-]*(?::[A-Za-z0-9_.-]+)?\|\S(?:.*\S)?")
_NAME = re.compile(r"\w[\w .@+-]{0,99}")
_ACTION = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=90)
_MOST_SIGNATURES = 20
_MOST_LETTERS = 1000
_NOT_MEASURED = {
    name: f"this version does not measure '{name}', and a threshold that is not measured protects nobody. Take it out."
    for name in ("k", "l", "t", "residual_findings", "changed_columns", "new_columns")
}


def read_policy(text: str, file: str) -> Policy:
    """Read a policy.

    Args:
        text: What the file says.
        file: What messages call it.

    Raises:
        PolicyError: With every problem and its line.
    """
    root = parse(text, file, PolicyError)
    reader = Reader(file)
    fields = reader.mapping(root, "", _BLOCKS, ("version", "policies", "otherwise"))
    if "version" in fields and fields["version"].value != 1:
        reader.problem("this version of Maskgate reads `version: 1`.", fields["version"].line)
    reader.choice(fields.get("otherwise"), "otherwise", ("refuse",))
    people = _PeopleReader(reader).people(fields.get("people"))
    persons = _Persons(reader, people)
    reviewers = persons.reviewers(fields.get("reviewers"))
    requesters = persons.requesters(fields.get("requesters"))
    floor = _floor(reader, fields.get("floor"))
    rules = _RulesReader(reader, reviewers).rules(fields.get("policies"))
    reader.finish(PolicyError)
    return Policy(people, reviewers, requesters, floor, rules, digest("policy", root.plain()), text)


@dataclass(frozen=True)
class _PeopleReader:
    reader: Reader

    def people(self, located: Located | None) -> People:
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
class _Persons:
    reader: Reader
    people: People

    def reviewers(self, located: Located | None) -> dict[str, Reviewers]:
        return {name: self._group(f'reviewers "{name}"', entry) for name, entry in self._mapping(located, "reviewers")}

    def requesters(self, located: Located | None) -> dict[str, tuple[str, ...]]:
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


@dataclass(frozen=True)
class _RulesReader:
    reader: Reader
    reviewers: Mapping[str, Reviewers]

    def rules(self, located: Located | None) -> tuple[Rule, ...]:
        entries = self.reader.sequence(located, "policies")
        rules = tuple(self._rule(entry, number) for number, entry in enumerate(entries, start=1))
        names = [rule.name for rule in rules]
        for entry, name in zip(entries, names, strict=True):
            if name and names.count(name) > 1:
                self.reader.problem(f'policy "{name}": another policy has this name.', entry.line)
        return rules

    def _rule(self, located: Located, number: int) -> Rule:
        fields = self.reader.mapping(located, f"policy {number}", _RULE, ("name", "when"))
        name = self.reader.string(fields.get("name"), f"policy {number}, name")
        where = f'policy "{name}"' if name else f"policy {number}"
        actions, destinations, trusts = self._when(where, fields.get("when"))
        allow = self.reader.boolean(fields.get("allow"), f"{where}, allow")
        if "allow" in fields and not allow and isinstance(fields["allow"].value, bool):
            self.reader.problem(f"{where}: `allow` is true or absent; to refuse, leave the policy out.", located.line)
        if allow == ("require" in fields):
            self.reader.problem(f"{where}: write either `require:` or `allow: true`.", located.line)
        for unused in ("channels", "reason") if allow else ():
            if unused in fields:
                self.reader.problem(f"{where}: nobody is asked, so `{unused}` says nothing.", fields[unused].line)
        return Rule(
            name,
            actions,
            destinations,
            trusts,
            allow,
            self._requirement(where, fields.get("require")),
            self._channels(f"{where}, channels", fields.get("channels")),
            self._reason(f"{where}, reason", fields.get("reason")),
            self._duration(f"{where}, expires", fields.get("expires")),
            self._thresholds(f"{where}, evidence", fields.get("evidence")),
        )

    def _when(self, where: str, located: Located | None) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        fields = self.reader.mapping(located, f"{where}, when", ("action", "destination"), ("action",))
        actions = self._words(f"{where}, action", fields.get("action"))
        for action in actions:
            if not _ACTION.fullmatch(action):
                self.reader.problem(f"{where}: an action is a verb such as `export`.", fields["action"].line)
        place = fields.get("destination")
        at = self.reader.mapping(place, f"{where}, destination", ("id", "trust"))
        if place is not None and isinstance(place.value, dict) and not at:
            self.reader.problem(f"{where}, destination: write `id:` or `trust:`, or leave it out.", place.line)
        trusts = self._words(f"{where}, trust", at.get("trust"))
        for trust in trusts:
            if trust not in TRUSTS:
                near = did_you_mean(trust, TRUSTS)
                self.reader.problem(f"{where}: there is no trust '{trust}'.{near}", at["trust"].line)
        return actions, self._words(f"{where}, id", at.get("id")), trusts

    def _words(self, where: str, located: Located | None) -> tuple[str, ...]:
        if located is None:
            return ()
        if isinstance(located.value, str):
            return (self.reader.string(located, where),)
        words = self.reader.strings(located, where)
        if not words and isinstance(located.value, list):
            self.reader.problem(f"{where}: the list is empty.", located.line)
        return words

    def _requirement(self, where: str, located: Located | None) -> Requirement:
        fields = self.reader.mapping(located, f"{where}, require", ("slots", "distinct"), ("slots",))
        slots: dict[str, int] = {}
        for group, entry in self.reader.mapping(fields.get("slots"), f"{where}, slots").items():
            slots[group] = self.reader.integer(entry, f"{where}, slots", minimum=1, maximum=_MOST_SIGNATURES, default=1)
            if group not in self.reviewers:
                near = did_you_mean(group, tuple(self.reviewers))
                self.reader.problem(f"{where}: there are no reviewers '{group}'.{near}", entry.line)
        total = sum(slots.values())
        if "slots" in fields and isinstance(fields["slots"].value, dict) and not total:
            self.reader.problem(f"{where}: no slot has to be filled. Use `allow: true` if nobody is to be asked.")
        wanted = fields.get("distinct")
        distinct = self.reader.integer(
            wanted, f"{where}, distinct", minimum=1, maximum=_MOST_SIGNATURES, default=max(total, 1)
        )
        if wanted is not None and isinstance(wanted.value, int) and distinct < total:
            self.reader.problem(
                f"{where}: distinct is {distinct}, but {total} slots take {total} people; one person fills one slot.",
                wanted.line,
            )
        requirement = Requirement(slots, distinct)
        if located is not None and slots.keys() <= self.reviewers.keys() and not self._can_be_met(requirement):
            self.reader.problem(
                f"{where}: nobody can ever meet this; the reviewers' people are fewer than the signatures it takes.",
                located.line,
            )
        return requirement

    def _can_be_met(self, requirement: Requirement) -> bool:
        """Whether everyone together would suffice; a group claim may bring any number of people."""
        everyone: dict[str, set[str]] = {}
        for slot in requirement.slots:
            for person in self.reviewers[slot].people:
                everyone.setdefault(person, set()).add(slot)
            if self.reviewers[slot].group is not None:
                for number in range(_MOST_SIGNATURES):
                    everyone[f"\0{slot}{number}"] = {slot}
        return not requirement.missing({person: frozenset(slots) for person, slots in everyone.items()})

    def _channels(self, where: str, located: Located | None) -> tuple[str, ...]:
        if located is None:
            return ("web",)
        channels = self._words(where, located)
        for channel in channels:
            if channel == "slack":
                self.reader.problem(
                    f"{where}: this version takes no decisions in Slack; it sends a link.", located.line
                )
            elif channel not in CHANNELS:
                near = did_you_mean(channel, CHANNELS)
                self.reader.problem(f"{where}: there is no channel '{channel}'.{near}", located.line)
        return channels

    def _reason(self, where: str, located: Located | None) -> int:
        fields = self.reader.mapping(located, where, ("min_length",), ("min_length",))
        return self.reader.integer(fields.get("min_length"), where, minimum=0, maximum=_MOST_LETTERS)

    def _duration(self, where: str, located: Located | None) -> timedelta:
        if located is None:
            return DEFAULT_EXPIRY
        fits = _DURATION.fullmatch(located.value) if isinstance(located.value, str) else None
        duration = timedelta(**{_UNITS[fits[2]]: int(fits[1])}) if fits else timedelta(0)
        if not timedelta(0) < duration <= _LONGEST:
            self.reader.problem(f"{where}: write a time such as 30m, 24h or 7d, of at most 90d.", located.line)
            return DEFAULT_EXPIRY
        return duration

    def _thresholds(self, where: str, located: Located | None) -> Thresholds:
        fields = self.reader.mapping(located, where, ("rows",), (), _NOT_MEASURED)
        rows = self.reader.mapping(fields.get("rows"), f"{where}, rows", ("at_least", "at_most"))
        read = {name: self.reader.integer(entry, f"{where}, rows, {name}", minimum=0) for name, entry in rows.items()}
        thresholds = Thresholds(read.get("at_least"), read.get("at_most"))
        if "at_least" in read and "at_most" in read and read["at_least"] > read["at_most"]:
            self.reader.problem(f"{where}, rows: at_least is more than at_most.", rows["at_least"].line)
        return thresholds


def _floor(reader: Reader, located: Located | None) -> Floor:
    fields = reader.mapping(located, "floor", ("direct_identifier",), ("direct_identifier",))
    entry = fields.get("direct_identifier")
    if entry is None:
        return Floor()
    methods = reader.strings(entry, "floor")
    if not methods and isinstance(entry.value, list):
        reader.problem("floor: the list of methods is empty.", entry.line)
    for method in methods:
        if method == "keep":
            reader.problem("floor: 'keep' would let direct identifiers leave as they are. Take it out.", entry.line)
        elif method and method not in METHODS:
            near = did_you_mean(method, tuple(METHODS))
            reader.problem(f"floor: this version has no method '{method}'.{near}", entry.line)
    return Floor(methods)
