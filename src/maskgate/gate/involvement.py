"""Who is involved in a request, and therefore may not decide it.

* Only what the gate reads itself makes anybody involved: the host's record of the run, its own configuration, the
  repository, its own records of who asked for the rules and the policy. A name there that is nobody's is a refusal,
  where it says who acted; an owner or an author who is nobody stays a name.
* Callers may name people. Who is named by nobody else can still decide, so that nobody is kept out by a name; but
  their approvals count only beside that of somebody whom the caller did not name, so that nobody gets in by it either.
* If nobody is known to have asked, two different people have to sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maskgate.errors import NotAllowed, UsageError
from maskgate.gate.people import shown_accounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from maskgate.gate.host import HostRun, RunFacts
    from maskgate.gate.policy import Policy

ASKED = "asked for it"
STARTED = "started the run"
CLEARED = "cleared tasks of the run"
OWNS = "owns the workflow"
ANSWERS = "answers for scheduled runs"
OWNS_TOKEN = "owns the token"  # noqa: S105  words for people
BEHALF = "the token acts on their behalf"
WROTE_CODE = "changed the code since the last release"
WROTE_POLICY = "asked for the policy in force"
WROTE_FILE = "changed the file since the last time it was signed"
WROTE_RULES = "asked for the rules"


@dataclass(frozen=True)
class Involvement:
    """Who asks.

    Attributes:
        person: The one person known to have asked; None if there is none, or more than one.
        account: The account that they asked with, where a host named it.
        sources: Everyone who may not decide, and how the gate knows.
        named: Whom only the caller named.
        is_known: Whether anybody is known to have asked.
        unknown_authors: How many authors of the code are nobody in the configuration.
    """

    person: str | None
    account: str | None
    sources: Mapping[str, tuple[str, ...]]
    named: tuple[str, ...] = ()
    is_known: bool = False
    unknown_authors: int = 0

    @property
    def people(self) -> frozenset[str]:
        """Everyone who may not decide."""
        return frozenset(self.sources)

    def as_json(self) -> dict[str, Any]:
        """Return what a request keeps, beside the people."""
        sources = {person: list(known) for person, known in sorted(self.sources.items())}
        return {"sources": sources, "named": sorted(self.named), "unknown_authors": self.unknown_authors}


@dataclass(frozen=True)
class Known:
    """What the gate knows of people beside the run.

    Attributes:
        owner: The person who owns the token, if the configuration names one.
        on_behalf_of: The person on whose behalf the token acts, likewise.
        authors: People who changed the code since the last release.
        unknown_authors: How many other authors there are.
        policy_authors: People who asked for the policy in force.
    """

    owner: str | None = None
    on_behalf_of: str | None = None
    authors: frozenset[str] = frozenset()
    unknown_authors: int = 0
    policy_authors: frozenset[str] = frozenset()


@dataclass
class _Sources:
    """Collects people, each with how the gate knows."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, people: Iterable[str], how: str) -> frozenset[str]:
        added = frozenset(people)
        for person in sorted(added):
            known = self.found.setdefault(person, [])
            if how not in known:
                known.append(how)
        return added


def involve(
    policy: Policy, run: HostRun | None, facts: RunFacts | None, known: Known, added: tuple[str, ...]
) -> Involvement:
    """Find out who is involved.

    Args:
        policy: People and who answers for scheduled runs.
        run: Which run asks, if one does.
        facts: What the host says about it.
        known: What the gate knows beside it.
        added: People or accounts that the caller names.

    Raises:
        NotAllowed: If the one who started or cleared the run is nobody in the policy, or two people.
        UsageError: If the caller names somebody unknown.
    """
    sources = _Sources()
    behalf = sources.add(_configured(policy, known.on_behalf_of), BEHALF)
    asking, account = _of_the_run(policy, run, facts, sources)
    owner = sources.add(_configured(policy, known.owner), OWNS_TOKEN)
    sources.add(known.authors & policy.people.accounts.keys(), WROTE_CODE)
    sources.add(known.policy_authors & policy.people.accounts.keys(), WROTE_POLICY)
    if account is None:
        asking = behalf or asking | owner
    more, unknown = policy.people.resolve(added)
    if unknown:
        raise UsageError(
            f"requesters: {shown_accounts(unknown)} is nobody in the policy. "
            "Name people of `people:`, or their accounts."
        )
    return Involvement(
        person=next(iter(asking)) if len(asking) == 1 else None,
        account=account,
        sources={person: tuple(how) for person, how in sources.found.items()},
        named=tuple(sorted(more - sources.found.keys())),
        # Whoever cleared it unseen may be anybody; as with a run that nobody started, two people sign then.
        is_known=bool(asking) and not (facts is not None and facts.cleared_unseen),
        unknown_authors=known.unknown_authors,
    )


def _of_the_run(
    policy: Policy, run: HostRun | None, facts: RunFacts | None, sources: _Sources
) -> tuple[frozenset[str], str | None]:
    """Collect whom the host names; return who asks by it, and with which account."""
    if run is None or facts is None:
        return frozenset(), None
    owners, _unlinked = policy.people.resolve(facts.owners)
    sources.add(owners, OWNS)
    for accounts in facts.cleared_by:
        sources.add({_who(policy, accounts, "cleared")}, CLEARED)
    if facts.triggered_by:
        starter = _who(policy, facts.triggered_by, "started")
        return sources.add({starter}, STARTED), facts.triggered_by[0]
    return owners | sources.add(policy.requesters_of(run.host, facts.workflow), ANSWERS), None


def involved_later(policy: Policy, cleared_by: Iterable[tuple[str, ...]], involved: Iterable[str]) -> frozenset[str]:
    """Return who has cleared a run since it asked, and was not involved before.

    Raises:
        NotAllowed: If that is nobody in the policy.
    """
    return frozenset(_who(policy, accounts, "cleared") for accounts in cleared_by) - frozenset(involved)


def added_to(involvement: Mapping[str, Any], people: Iterable[str], how: str) -> dict[str, Any]:
    """Return what a request keeps of its involvement, with more people in it."""
    sources = {person: list(known) for person, known in dict(involvement.get("sources", {})).items()}
    for person in people:
        sources.setdefault(person, []).append(how)
    named = [person for person in involvement.get("named", ()) if person not in sources]
    return {**involvement, "sources": dict(sorted(sources.items())), "named": named}


def _who(policy: Policy, accounts: tuple[str, ...], what: str) -> str:
    person = policy.people.person_of(accounts)
    if person is None:
        raise NotAllowed(
            f"the run was {what} by {shown_accounts(accounts)}, who is nobody in the policy. "
            "Link the account to a person under `people:`, or have a linked person start the run."
        )
    return person


def _configured(policy: Policy, person: str | None) -> frozenset[str]:
    if person is None:
        return frozenset()
    if person not in policy.people:
        raise NotAllowed(
            f"the gate's configuration says that the token belongs to {person!r}, who is nobody in the policy. "
            "Correct `tokens:` in the configuration, or add the person."
        )
    return frozenset({person})
