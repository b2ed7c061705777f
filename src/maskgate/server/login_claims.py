"""What an identity provider says of a person: groups, and how and when they proved who they are.

What is not certain is not there: groups that were left out are no groups, and a time that was not said is no time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.notify.plain_text import plain
from maskgate.server.login_failed import LoginFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.server.login_provider import LoginProvider

_LONGEST_SUBJECT = 255
_LONGEST_WORD = 100
_MOST_METHODS = 10
_MOST_GROUPS = 1000


@dataclass(frozen=True)
class Proof:
    """How sure it is who logged in.

    Attributes:
        proved_at: When the person last proved who they are (``auth_time``); None if the provider does not say.
        methods: How (``amr``), such as ``pwd`` and ``otp``.
        context_class: How sure that is (``acr``); None if the provider does not say.
        groups_missing: Why nothing is known of groups, in a sentence; empty if they are known.
        access: The provider's access token, with which it is asked for groups; None where that is not done.
    """

    proved_at: datetime | None = None
    methods: tuple[str, ...] = ()
    context_class: str | None = None
    groups_missing: str = ""
    access: str | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return what the ledger keeps of it."""
        proved_at = None if self.proved_at is None else timestamp(self.proved_at)
        return {"authenticated_at": proved_at, "methods": list(self.methods), "context_class": self.context_class}


# Of a login of which nothing more is known.
NO_PROOF = Proof()


def read_subject(provider: LoginProvider, claims: Mapping[str, Any]) -> str:
    """Return the stable subject.

    Raises:
        LoginFailed: If there is none that can be kept.
    """
    subject = claims.get("sub")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= _LONGEST_SUBJECT
        or plain(subject[:_LONGEST_WORD]) != subject[:_LONGEST_WORD]
    ):
        raise LoginFailed(f"{provider.id} sent no usable subject")
    return subject


def read_groups(provider: LoginProvider, claims: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Return the groups, and why nothing is known of them if nothing is.

    Raises:
        LoginFailed: If they were too many for the provider to send, or are no list of texts.
    """
    name = provider.groups_claim
    # Microsoft Entra ID leaves groups out beyond 200, and points elsewhere or says no more than that there are some.
    if claims.get("_claim_names") is not None or claims.get("hasgroups"):
        raise LoginFailed(
            f"{provider.id} left out your groups, because they are too many for its token. Its administrator has to "
            "limit the groups that it sends to this gate, for example to those assigned to the application, or to "
            f"send application roles, and the gate's operator then names that claim in `login.{provider.id}`, or "
            "writes `groups_from: graph` there",
            403,
        )
    if claims.get(name) is None:
        return (), (
            f'{provider.id} sent no claim "{name}", so no group of theirs counts. The gate\'s operator can ask for it '
            f"by `scope:`, name another by `groups_claim:`, or write `groups_from: userinfo`, in `login.{provider.id}`."
        )
    groups = claims[name]
    if (
        not isinstance(groups, list)
        or len(groups) > _MOST_GROUPS
        or not all(isinstance(group, str) for group in groups)
    ):
        raise LoginFailed(f'the claim "{name}" of {provider.id} is no list of groups', 403)
    return tuple(sorted(set(groups))), ""


def read_proof(
    claims: Mapping[str, Any], now: float, leeway: float, *, missing: str = "", access: str | None = None
) -> Proof:
    """Return when and how the person proved who they are.

    Args:
        claims: Of an id token that holds.
        now: The present moment, in seconds since 1970.
        leeway: How far the provider's clock may be off.
        missing: Why nothing is known of groups.
        access: The access token to keep.

    Raises:
        LoginFailed: If it is said to have been in the future.
    """
    said = claims.get("auth_time")
    proved_at = None
    if isinstance(said, int | float) and not isinstance(said, bool) and said > 0:
        if said > now + leeway:
            raise LoginFailed(
                "the token says that you will log in later. The clocks of the gate and its identity "
                "provider have to agree",
                502,
            )
        proved_at = datetime.fromtimestamp(min(said, now), UTC)
    methods, level = claims.get("amr"), claims.get("acr")
    words = methods if isinstance(methods, list) else []
    return Proof(
        proved_at=proved_at,
        methods=tuple(plain(each)[:_LONGEST_WORD] for each in words[:_MOST_METHODS] if isinstance(each, str)),
        context_class=plain(level)[:_LONGEST_WORD] if isinstance(level, str) else None,
        groups_missing=missing,
        access=access,
    )
