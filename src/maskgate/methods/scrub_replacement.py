"""What stands in a text instead of what was found there.

* ``type``: what it was, ``<EMAIL>``.
* ``token``: that and its token in the domain, ``<EMAIL:em_1f0c...>``: the one that the method ``token`` gives the same
  value in the same domain. The value of another column, found whole or in part, has the token of that column's value.
* ``fake``: a fake of the same kind; e-mail, phone and IBAN are those of the method ``fake`` in the same domain. What
  has no fakes is written as its type.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskingError
from maskgate.methods.fake import Fake
from maskgate.methods.method import ReversibleBy
from maskgate.methods.scrub_fakes import FORMS, faked
from maskgate.methods.token import Token

if TYPE_CHECKING:
    from maskgate.methods.method import Domain, Method, Surroundings

WAYS = ("type", "token", "fake")
# Kinds of which the method `fake` has fakes.
_FAKES = ("email", "phone", "iban")
_NO_FAKES = ("date", "person", "location")


class Replacement(ABC):
    """Words for what was found.

    Attributes:
        reads_values: Whether they depend on what it is.
    """

    reads_values: ClassVar[bool] = True

    @abstractmethod
    def written(self, kind: str, values: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return what to write for findings of one kind.

        Args:
            kind: The kind, or the name of a pattern or column.
            values: What was found, as ``large_string``; for a column, its values. Nulls if they are not read.
            surroundings: Those of the method.
        """

    def reversible_by(self) -> ReversibleBy:
        """Say who can get back what was found."""
        return ReversibleBy.NOBODY


@dataclass(frozen=True)
class ByType(Replacement):
    """Writes the kind."""

    reads_values: ClassVar[bool] = False

    def written(self, kind: str, values: pa.Array, _surroundings: Surroundings) -> pa.Array:
        """Return the kind, in capitals and angle brackets."""
        return pa.repeat(pa.scalar(f"<{label(kind)}>", pa.large_string()), len(values))


@dataclass(frozen=True)
class ByToken(Replacement):
    """Writes kind and token."""

    token: Token

    def written(self, kind: str, values: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the tokens."""
        tokens = _by_distinct(self.token, values, surroundings)
        left, right, nothing = (pa.scalar(each, pa.large_string()) for each in (f"<{label(kind)}:", ">", ""))
        return pc.binary_join_element_wise(left, tokens, right, nothing)

    def reversible_by(self) -> ReversibleBy:
        """Say who can get back what was found: whoever can from the domain's tokens."""
        return self.token.reversible_by


@dataclass(frozen=True)
class ByFake(Replacement):
    """Writes fakes."""

    domain: Domain

    def written(self, kind: str, values: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return fakes; types where there are none."""
        if kind in _FAKES:
            return _by_distinct(Fake.configure({"kind": kind}, self.domain), values, surroundings)
        if kind in FORMS:
            if surroundings.key is None:
                raise MaskingError(f'column "{surroundings.column}": scrub needs a key for its fakes')
            key = surroundings.key.subkey(purpose="scrub-fake", scheme="cmac", domain=self.domain.label)
            return faked(kind, values, key)
        return ByType().written(kind, values, surroundings)


def replacement_of(way: str, kinds: tuple[str, ...], domain: Domain | None) -> Replacement:
    """Make what ``replace_with:`` and ``domain:`` ask for.

    Raises:
        ValueError: If they do not go together, or there are no such tokens or fakes.
    """
    if way == "type":
        if domain is not None:
            raise ValueError("`domain:` goes with `replace_with: token` or `fake`; types have no tokens")
        return ByType()
    if domain is None:
        raise ValueError(f"`replace_with: {way}` needs `domain:`, the name of an entry under `domains:`")
    if way == "fake":
        missing = [kind for kind in kinds if kind in _NO_FAKES]
        if missing:
            raise ValueError(
                f"there are no fakes of '{missing[0]}'. Take it out of `find:`, or replace by type or token"
            )
        return ByFake(domain)
    if domain.scheme == "fpe":
        raise ValueError(
            f'domain "{domain.name}" has the scheme fpe, which keeps one format, and texts hold many. '
            "Take a domain of hmac, cmac or encrypt"
        )
    return ByToken(Token.configure({}, domain))


def label(kind: str) -> str:
    """Write the name of a kind or column as it stands in texts.

    Example:
        >>> label("person.full_name")
        'FULL_NAME'
    """
    last = kind.replace("[]", "").rsplit(".", 1)[-1]
    return "".join(each if each.isalnum() else "_" for each in last).upper()


def _by_distinct(method: Method, values: pa.Array, surroundings: Surroundings) -> pa.Array:
    encoded = values.dictionary_encode()
    made = method.apply(encoded.dictionary, surroundings).cast(pa.large_string())
    return pc.take(made, encoded.indices)
