"""Replace tokens of an older version of a key by those of the current one.

A new version of a key makes new tokens, which join with old ones no more. Where the key holder can get values back
(``encrypt``, ``fpe``) tokens can be carried over without the originals; one-way tokens cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskingError
from maskgate.methods.families import family_of
from maskgate.methods.layout import by_value, countable, null_count, plain
from maskgate.methods.method import (
    Declaration,
    Domain,
    Family,
    Kind,
    Method,
    Parameter,
    ReversibleBy,
    Surroundings,
    Uniqueness,
)
from maskgate.methods.token_scheme import ReversibleScheme, reversible_scheme_of
from maskgate.methods.versions import by_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from maskgate.keys import Key
    from maskgate.methods.shape import Shape


@dataclass(frozen=True)
class Retokenize(Method):
    """Replace tokens by those of the current version of the domain's key; they stand for the same values.

    Under ``encrypt``, and where the prefix holds the version, the version of each token is recognised, and tokens of
    the current one stay as they are. Otherwise all are taken for tokens of the version `old`: under ``fpe`` nothing
    tells them apart, so that a column must not be carried over twice.
    """

    domain: Domain
    old: int | None

    declaration: ClassVar[Declaration] = Declaration(
        name="retokenize",
        done="given tokens of a newer key",
        term="pseudonymization (re-tokenization under a new version of the key)",
        summary="Replaces tokens that an older version of the domain's key made by those of the current version.",
        accepts=frozenset({Family.STRING, Family.INTEGER, Family.DECIMAL, Family.NULL}),
        parameters=(
            Parameter(
                "from",
                Kind.INTEGER,
                "The version of the key that made the tokens; where tokens say so themselves, any version if left out.",
                minimum=1,
            ),
        ),
        uniqueness=Uniqueness.PRESERVED,
        reversible_by=ReversibleBy.KEY_HOLDER,
        needs_key=True,
        needs_domain=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:
        """Make the method for a domain.

        Raises:
            ValueError: If there is no domain, nobody can turn its tokens back, or `from:` is missing where nothing
                else says which version made them.
        """
        if domain is None:
            raise ValueError("retokenize needs `domain:`, the one whose tokens the column holds")
        scheme, old = reversible_scheme_of(domain), options.get("from")
        if old is None and not scheme.tells_versions:
            raise ValueError(
                f"domain \"{domain.name}\": tokens of the scheme '{domain.scheme}' do not show which version of the "
                "key made them. Add `from:`, the number of that version"
            )
        return cls(domain, old)

    @cached_property
    def _scheme(self) -> ReversibleScheme:
        return reversible_scheme_of(self.domain)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the tokens.

        Raises:
            ValueError: If tokens of the domain have another type.
        """
        output = self._scheme.output_type(input_type)
        if family_of(input_type) not in (family_of(output), Family.NULL):
            raise ValueError(f"tokens of the scheme '{self.domain.scheme}' are {output}, not {input_type}")
        return output

    def shape(self) -> Shape:
        """Promise what tokens of the domain look like."""
        return self._scheme.shape()

    def invalid(self, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:
        """Say which cells are no tokens of the domain."""
        key = surroundings.key
        if key is None:
            return None
        wrong = by_value(column, lambda tokens: pc.and_(self._moved(tokens, key).is_null(), tokens.is_valid()))
        return plain(wrong).fill_null(False)  # noqa: FBT003  a null is not invalid

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the token that each token's value has under the current version of the key.

        Raises:
            MaskingError: If no key was given, or there are cells that are no tokens of the domain.
            KeyReferenceError: If the key has no such version as `from:` says.
        """
        where, key = f'column "{surroundings.column}"', surroundings.key
        if key is None:
            raise MaskingError(f"{where}: retokenize needs a key")
        moved = by_value(column, lambda tokens: self._moved(tokens, key))
        wrong = null_count(moved) - null_count(column)
        if wrong:
            made_by = f"version {self.old}" if self.old else "any version"
            raise MaskingError(
                f"{where}: {wrong} values are no tokens that {made_by} of the key made in the domain "
                f'"{self.domain.name}". Say `on_invalid: nullify`, or mask the originals again.'
            )
        return moved

    def _moved(self, tokens: pa.Array, key: Key) -> pa.Array:
        """Return the tokens of a plain column as they are now; null where a cell is none."""
        scheme = self._scheme
        if pa.types.is_null(tokens.type):
            return tokens.cast(pa.string())
        before = [self.old] if self.old else [version for version in key.versions if version != key.version]
        versions = [key.at(version) for version in before]

        def carry_over(some: pa.Array, made_by: Key) -> pa.Array:
            values = scheme.values(some, made_by)
            if made_by.version == key.version:
                return pc.if_else(values.is_valid(), some, pa.scalar(None, some.type))
            return scheme.tokens_again(values, key)

        wanted = [key, *versions] if scheme.tells_versions else versions
        moved, _ = by_version(countable(tokens), wanted, carry_over)
        return moved.cast(tokens.type) if pa.types.is_decimal(tokens.type) else moved
