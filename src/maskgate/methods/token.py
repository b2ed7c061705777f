"""Replace values by tokens: the same value, domain and key give the same token, everywhere and always.

A token is 32 hexadecimal digits, 128 bits, behind the domain's prefix. Two values of one domain get the same token
by chance only: with a thousand million values, the odds are about 1 to 10^21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa

from maskgate.crypto import cmac, hmac_sha256
from maskgate.crypto.hexadecimal import write_hexadecimal
from maskgate.errors import MaskingError
from maskgate.methods.layout import by_value, text_type
from maskgate.methods.method import Declaration, Domain, Method, ReversibleBy, Surroundings, Uniqueness
from maskgate.methods.shape import Shape, literally
from maskgate.methods.token_input import FAMILIES, check_token_input, token_input

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_BYTES = 16
SCHEMES = {"cmac": cmac.digest, "hmac": hmac_sha256.digest}
STEPS = ("trim", "lower")


@dataclass(frozen=True)
class Token(Method):
    """Replace every value by its token in a domain; a null stays a null, the empty string has a token."""

    domain: Domain

    declaration: ClassVar[Declaration] = Declaration(
        name="token",
        term="pseudonymization (deterministic cryptographic tokens)",
        summary="Replaces every value by a token: the same value in the same domain always gets the same one.",
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
            ValueError: If there is no domain, or its scheme or a step of ``normalize`` is unknown.
        """
        if domain is None:
            raise ValueError("token needs `domain:`, the name of an entry under `domains:`")
        if domain.scheme not in SCHEMES:
            raise ValueError(f'domain "{domain.name}" has scheme {domain.scheme!r}; token knows hmac and cmac')
        unknown = [step for step in domain.normalize if step not in STEPS]
        if unknown:
            raise ValueError(f'domain "{domain.name}" normalizes by {unknown[0]!r}; token knows trim and lower')
        return cls(domain)

    @property
    def reversible_by(self) -> ReversibleBy:
        """Who can get originals back: under ``cmac`` the key holder, for values of up to 16 bytes."""
        return ReversibleBy.KEY_HOLDER if self.domain.scheme == "cmac" else ReversibleBy.NOBODY

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text.

        Raises:
            ValueError: If values of the type have no one spelling.
        """
        check_token_input(input_type)
        return text_type(input_type)

    def shape(self) -> Shape:
        """Promise prefix and digits."""
        return Shape(pattern=f"{literally(self.domain.prefix)}[0-9a-f]{{{2 * TOKEN_BYTES}}}")

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the token of every cell.

        Raises:
            MaskingError: If no key was given.
        """
        if surroundings.key is None:
            raise MaskingError(f'column "{surroundings.column}": token needs a key')
        key = surroundings.key.subkey(purpose="token", scheme=self.domain.scheme, domain=self.domain.label)
        return by_value(column, lambda values: self._tokens(values, key))

    def _tokens(self, values: pa.Array, key: bytes) -> pa.Array:
        digests = SCHEMES[self.domain.scheme](token_input(values, self.domain.normalize), key)
        large = pa.types.is_large_string(text_type(values.type))
        return write_hexadecimal(digests, prefix=self.domain.prefix, length=TOKEN_BYTES, large=large)
