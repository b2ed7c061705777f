"""People and their accounts.

An account is issuer and stable subject (``okta|00u1``, ``airflow:prod|reviewer``), never a display name or an e-mail
address. One person may have several; an account belongs to one person. What cannot be mapped is nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskgate.errors import NotAllowed
from maskgate.gate.markdown import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class People:
    """Who has which accounts, as the policy says."""

    accounts: Mapping[str, tuple[str, ...]]

    def __contains__(self, person: str) -> bool:
        return person in self.accounts

    def person_of(self, accounts: Iterable[str]) -> str | None:
        """Return the one person whose accounts these are; None if none of them is anybody's.

        Args:
            accounts: All names of one login, such as the id and the name that Airflow gives.

        Raises:
            NotAllowed: If they belong to different people.
        """
        given = tuple(accounts)
        found = sorted({person for person, known in self.accounts.items() if set(known) & set(given)})
        if len(found) > 1:
            raise NotAllowed(
                f"the account {shown_accounts(given)} belongs to {' and '.join(found)}; one login is one person. "
                "Correct `people:` in the policy."
            )
        return found[0] if found else None

    def resolve(self, names: Iterable[str]) -> tuple[frozenset[str], tuple[str, ...]]:
        """Sort names of people or accounts into people, and names that are nobody's."""
        people, unknown = set(), []
        for name in names:
            person = name if name in self else self.person_of((name,))
            if person is None:
                unknown.append(name)
            else:
                people.add(person)
        return frozenset(people), tuple(unknown)


def shown_accounts(accounts: Iterable[str]) -> str:
    """Write accounts for people. Only for people: what is left out here still tells accounts apart."""
    return " / ".join(visible(account, 200) for account in accounts)
