"""Reads ``policies:``, each with its blocks.

A block that this version does not enforce is not known here; it comes together with what enforces it. A block of a
policy is a reader of its own in this folder, and a line in `_BLOCKS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from maskgate.gate.model import CHANNELS
from maskgate.gate.policy_readers.evidence import read_evidence
from maskgate.gate.policy_readers.requirement import read_requirement
from maskgate.gate.policy_readers.terms import BLOCKS, TermsReader
from maskgate.gate.policy_readers.values import read_duration, read_words
from maskgate.gate.policy_readers.when import WhenReader
from maskgate.gate.policy_rule import DEFAULT_EXPIRY, TIERS, Rule
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from maskgate.gate.policy import Reviewers
    from maskgate.rules.strict_yaml import Located, Reader

_BLOCKS = (
    "name",
    "when",
    "require",
    "allow",
    "refuse",
    "channels",
    "reason",
    "expires",
    "evidence",
    "tier",
    "reauthenticate",
    "passkey",
    *BLOCKS,
)
# What says nothing where nobody is asked.
_ASKING = ("channels", "reason", "tier", "reauthenticate", "passkey", *BLOCKS)
_ENDINGS = ("require", "allow", "refuse")
_LONGEST_EXPIRY = timedelta(days=90)
_LONGEST_LOGIN = timedelta(hours=12)
# How fresh a login the highest tier asks for.
FRESH = timedelta(minutes=5)
_LONGEST_NAME = 200
_MOST_LETTERS = 1000
# What other tools call a decision that nobody takes.
FAIL_OPEN = {
    name: f"'{name}' would decide for people. A time-out is a denial; there is nothing to choose. Take it out."
    for name in ("on_timeout", "timeout", "default", "defaults", "auto_approve", "on_error")
}


@dataclass(frozen=True)
class RulesReader:
    """Reads policies.

    Attributes:
        reader: Where problems go.
        reviewers: The reviewer groups.
        people: Names of the people that there are.
    """

    reader: Reader
    reviewers: Mapping[str, Reviewers]
    people: Collection[str]

    def rules(self, located: Located | None) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        """Read all of them, in the order of the file; return all, and those that have no problem of their own."""
        rules: list[Rule] = []
        sound: list[Rule] = []
        for number, entry in enumerate(self.reader.sequence(located, "policies"), start=1):
            before = len(self.reader.problems)
            rule = self._rule(entry, number)
            if rule.name and rule.name in {each.name for each in rules}:
                self.reader.problem(f'policy "{rule.name}": another policy has this name.', entry.line)
            rules.append(rule)
            if len(self.reader.problems) == before:
                sound.append(rule)
        return tuple(rules), tuple(sound)

    def _rule(self, located: Located, number: int) -> Rule:
        fields = self.reader.mapping(located, f"policy {number}", _BLOCKS, ("name", "when"), FAIL_OPEN)
        name = self.reader.string(fields.get("name"), f"policy {number}, name")
        where = f'policy "{name}"' if name else f"policy {number}"
        if len(name) > _LONGEST_NAME:
            self.reader.problem(f"{where}: a name has at most {_LONGEST_NAME} letters.", fields["name"].line)
        actions, when = WhenReader(self.reader, self.people).when(where, fields.get("when"))
        allow, refuse = self._ending(where, located, fields)
        tier = self.reader.choice(fields.get("tier"), f"{where}, tier", TIERS, "medium")
        requirement = read_requirement(self.reader, where, fields.get("require"), self.reviewers)
        expires = read_duration(
            self.reader, f"{where}, expires", fields.get("expires"), default=DEFAULT_EXPIRY, longest=_LONGEST_EXPIRY
        )
        return Rule(
            name,
            actions,
            when,
            allow,
            refuse,
            requirement,
            self._channels(f"{where}, channels", fields.get("channels"), tier),
            self._reason(f"{where}, reason", fields.get("reason")),
            expires,
            read_evidence(self.reader, f"{where}, evidence", fields.get("evidence")),
            tier,
            self._reauthenticate(where, fields, tier),
            self._passkey(f"{where}, passkey", fields),
            TermsReader(self.reader, where, self.reviewers, tier, expires, requirement).terms(fields),
            located.line,
        )

    def _ending(self, where: str, located: Located, fields: Mapping[str, Located]) -> tuple[bool, bool]:
        """Read whether it asks, allows or refuses: one of them."""
        said = {name: self.reader.boolean(fields.get(name), f"{where}, {name}") for name in ("allow", "refuse")}
        for name in said:
            if name in fields and fields[name].value is False:
                other = "to refuse, leave the policy out or write `refuse: true`" if name == "allow" else "leave it out"
                self.reader.problem(f"{where}: `{name}` is true or absent; {other}.", located.line)
        if sum(name in fields for name in _ENDINGS) != 1:
            self.reader.problem(f"{where}: write one of `require:`, `allow: true` and `refuse: true`.", located.line)
        silent = next((name for name, is_so in said.items() if is_so), None)
        for unused in (*_ASKING, *(("evidence", "expires") if silent == "refuse" else ())) if silent else ():
            if unused in fields:
                self.reader.problem(f"{where}: nobody is asked, so `{unused}` says nothing.", fields[unused].line)
        return said["allow"], said["refuse"]

    def _channels(self, where: str, located: Located | None, tier: str) -> tuple[str, ...]:
        if located is None:
            return ("web",)
        channels = read_words(self.reader, where, located)
        for channel in channels:
            if channel and channel not in CHANNELS:
                near = did_you_mean(channel, CHANNELS)
                self.reader.problem(f"{where}: there is no channel '{channel}'.{near}", located.line)
        if "slack" in channels and "web" not in channels:
            self.reader.problem(
                f"{where}: nobody decides in Slack, which has a link to the page. Write `web` beside it.", located.line
            )
        if tier == "high" and set(channels) - {"web"}:
            self.reader.problem(f"{where}: the highest tier is decided on the web page alone.", located.line)
        return tuple(channel for channel in channels if channel != "slack")

    def _reauthenticate(self, where: str, fields: Mapping[str, Located], tier: str) -> timedelta | None:
        """Read how fresh a login has to be; the highest tier asks for it anyway."""
        entry, channels = fields.get("reauthenticate"), fields.get("channels")
        if entry is None:
            return FRESH if tier == "high" else None
        if channels is not None and self._names_others(channels):
            self.reader.problem(
                f"{where}: only the web page knows when somebody logged in. Let it decide alone.", entry.line
            )
        longest = FRESH if tier == "high" else _LONGEST_LOGIN
        return read_duration(self.reader, f"{where}, reauthenticate", entry, default=FRESH, longest=longest)

    def _passkey(self, where: str, fields: Mapping[str, Located]) -> bool:
        """Read whether an approval must be signed with a passkey."""
        entry, channels = fields.get("passkey"), fields.get("channels")
        wanted = self.reader.choice(entry, where, ("required",), "") == "required"
        if entry is not None and channels is not None and self._names_others(channels):
            self.reader.problem(f"{where}: only the web page asks for a passkey. Let it decide alone.", entry.line)
        return wanted

    def _names_others(self, channels: Located) -> bool:
        named = channels.value if isinstance(channels.value, list) else [channels]
        return any(each.value != "web" for each in named)

    def _reason(self, where: str, located: Located | None) -> int:
        fields = self.reader.mapping(located, where, ("min_length",), ("min_length",))
        return self.reader.integer(fields.get("min_length"), where, minimum=0, maximum=_MOST_LETTERS)
