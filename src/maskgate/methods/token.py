"""Replace values by tokens: the same value, domain and key give the same token, everywhere and always.

The domain's scheme says how:

* ``hmac``: a digest. One way for everybody, as far as the value's entropy goes.
* ``cmac``: a digest too, many times faster; the key holder can get values of up to 16 bytes back.
* ``encrypt``: AES-SIV. The key holder can get values back, and a token shows how long its value is.
* ``fpe``: FF1. A token looks like its value; the key holder can get values back.

Digests are written as 32 hexadecimal digits, 128 bits, unless the domain says otherwise. Two values then have one
token by chance only: with a thousand million values, the odds are about 1 to 10^21.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa

from maskgate.errors import MaskingError
from maskgate.methods.layout import by_value, plain
from maskgate.methods.method import Declaration, Domain, Method, ReversibleBy, Surroundings, Uniqueness
from maskgate.methods.token_input import FAMILIES
from maskgate.methods.token_scheme import DigestTokens, RefusedValuesError, Scheme, scheme_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.keys import Key
    from maskgate.methods.shape import Shape


@dataclass(frozen=True)
class Token(Method):
    """Replace every value by its token in a domain; a null stays a null, the empty string has a token."""

    domain: Domain

    declaration: ClassVar[Declaration] = Declaration(
        name="token",
        done="replaced by a token",
        term="pseudonymization (deterministic cryptographic tokens)",
        summary=(
            "Replaces every value by a token: the same value in the same domain always gets the same one. "
            "Tokens of the scheme encrypt show how long values are, those of fpe show their format too."
        ),
        accepts=FAMILIES,
        uniqueness=Uniqueness.LIKELY,
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_domain=True,
    )

    @classmethod
    def configure(cls, _options: Mapping[str, Any], domain: Domain | None) -> Self:
        """Make the method for a domain.

        Raises:
            ValueError: If there is no domain, or it asks for what its scheme does not have.
        """
        if domain is None:
            raise ValueError("token needs `domain:`, the name of an entry under `domains:`")
        scheme_of(domain)
        return cls(domain)

    @cached_property
    def _scheme(self) -> Scheme:
        return scheme_of(self.domain)

    @property
    def uniqueness(self) -> Uniqueness:
        """Whether different values have different tokens, which depends on the scheme."""
        return self._scheme.uniqueness

    @property
    def reversible_by(self) -> ReversibleBy:
        """Who can get originals back, which depends on the scheme."""
        return self._scheme.reversible_by

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text; int64 in the format ``integer``; the type of the values under ``fpe``.

        Raises:
            ValueError: If values of the type have no one spelling, or the scheme does not take them.
        """
        return self._scheme.output_type(input_type)

    def shape(self) -> Shape:
        """Promise prefix and characters, or the range of integers."""
        return self._scheme.shape()

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Say which cells have no token: under ``fpe`` those of another format."""
        scheme = self._scheme
        if type(scheme).invalid is Scheme.invalid:
            return None
        return plain(by_value(column, scheme.invalid)).fill_null(False)  # noqa: FBT003  a null is not invalid

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the token of every cell.

        Raises:
            MaskingError: If no key was given, or there are values that the scheme cannot take.
        """
        key, problem = surroundings.key, ""
        if key is None:
            raise MaskingError(f'column "{surroundings.column}": token needs a key')
        try:
            return by_value(column, lambda values: self._made(values, key), mostly_differ=True)
        except RefusedValuesError as error:
            problem = str(error)
        raise MaskingError(
            f'column "{surroundings.column}": {problem}. Say `on_invalid: nullify`, or choose another scheme.'
        )

    def unspelled(self) -> UnspelledToken | None:
        """Return what gives the bytes that tokens spell in hexadecimal digits; None if they spell none."""
        scheme = self._scheme
        if not isinstance(scheme, DigestTokens) or scheme.bytes_spelled is None:
            return None
        return UnspelledToken(self.domain, scheme)

    def _made(self, values: pa.Array, key: Key) -> pa.Array:
        return self._scheme.tokens(values, key)


@dataclass(frozen=True)
class UnspelledToken(Token):
    """Gives the bytes that tokens spell in hexadecimal digits, for a format that writes the digits by itself.

    Attributes:
        digests: The domain's scheme.
    """

    digests: DigestTokens

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return ``fixed_size_binary``."""
        super().output_type(input_type)
        return pa.binary(self.digests.bytes_spelled)

    def _made(self, values: pa.Array, key: Key) -> pa.Array:
        return self.digests.unspelled(values, key)
