"""Values back from tokens, and the versions of the key that made them.

Only the schemes ``encrypt`` and ``fpe`` can be turned back. These functions decide nothing about who may: they take
the key, and whoever has it could do the same.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.errors import MaskingError, UsageError
from maskgate.methods.families import value_type
from maskgate.methods.layout import by_value, null_count, plain
from maskgate.methods.token_format import VERSION_PLACE, prefix_of
from maskgate.methods.token_scheme import ReversibleScheme, Scheme, scheme_of
from maskgate.methods.versions import by_version

if TYPE_CHECKING:
    from maskgate.keys import Key
    from maskgate.methods.method import Domain


def detokenize(
    column: pa.Array, domain: Domain, key: Key, *, version: int | None = None, as_bytes: bool = False
) -> pa.Array:
    """Return the value that each token of a domain stands for, normalized as it was when the token was made.

    Under ``encrypt`` values come back as text, whatever type they had: the integer 42 as ``"42"``, a day as
    ``"2026-11-24"``. Under ``fpe`` they come back with the type of the token.

    Args:
        column: Tokens, in any layout; a dictionary stays one.
        domain: Where they were made.
        key: The domain's key, with the versions that may have made them.
        version: The version that made them. If None, each token's own is found: under ``encrypt`` all are tried,
            elsewhere the prefix says it; without such a prefix it is the current one.
        as_bytes: Whether values under ``encrypt`` come back as bytes, which not all are text.

    Raises:
        UsageError: If tokens of the domain cannot be turned back.
        KeyReferenceError: If the key has no such version.
        MaskingError: If there are cells that are no tokens, or values that are no text.
        ValueError: If the domain asks for what its scheme does not have.
    """
    scheme = scheme_of(domain)
    if not isinstance(scheme, ReversibleScheme):
        raise UsageError(
            f"domain \"{domain.name}\": tokens of the scheme '{domain.scheme}' cannot be turned back into values"
        )
    found = by_value(column, lambda tokens: _values(tokens, scheme, _tried(scheme, key, version), as_bytes=as_bytes))
    wrong = null_count(found) - null_count(column)
    if wrong:
        raise MaskingError(
            f'domain "{domain.name}": {wrong} values are no tokens that this key made in the domain. '
            "Look whether domain, scope, format and version are those of the masked data."
        )
    return found


def versions_of(column: pa.Array, domain: Domain, key: Key, originals: pa.Array | None = None) -> pa.Array:
    """Say which version of a key made each token of a domain.

    Under ``encrypt`` that can be seen from the token; under other schemes it takes the original, of which every
    version's token is made, or a prefix that holds the version.

    Args:
        column: Tokens, in any layout.
        domain: Where they were made.
        key: The domain's key, with the versions that may have made them.
        originals: The value of each token, in any layout.

    Returns:
        ``int64``; null where a cell is null or no version made it.

    Raises:
        UsageError: If neither tokens nor originals tell the version.
        ValueError: If the domain asks for what its scheme does not have, or there are more originals or fewer.
    """
    scheme, tokens = scheme_of(domain), plain(column)
    versions = [key.at(version) for version in key.versions]
    if domain.scheme == "encrypt" and isinstance(scheme, ReversibleScheme):
        return by_version(tokens, versions, scheme.values)[1]
    if originals is not None:
        if len(originals) != len(tokens):
            raise ValueError(f"there are {len(tokens)} tokens and {len(originals)} originals; each needs its own")
        return _by_originals(tokens, plain(originals), scheme, versions)
    if VERSION_PLACE in domain.prefix:
        return by_version(
            tokens, versions, lambda some, each: _beginning(some, prefix_of(domain.prefix, each.version))
        )[1]
    raise UsageError(
        f"domain \"{domain.name}\": tokens of the scheme '{domain.scheme}' do not show which version of the key made "
        "them. Give the originals too"
    )


def _tried(scheme: ReversibleScheme, key: Key, version: int | None) -> list[Key]:
    if version is not None:
        return [key.at(version)]
    return [key.at(each) for each in key.versions] if scheme.tells_versions else [key]


def _values(tokens: pa.Array, scheme: ReversibleScheme, keys: list[Key], *, as_bytes: bool) -> pa.Array:
    values, _ = by_version(tokens, keys, scheme.values)
    if as_bytes or not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
        return values
    kind = pa.large_string() if pa.types.is_large_binary(values.type) else pa.string()
    with suppress(pa.ArrowInvalid):
        return values.cast(kind)
    raise MaskingError("some values are no text (UTF-8): they were bytes. Ask for bytes")


def _beginning(tokens: pa.Array, prefix: str) -> pa.Array:
    return pc.if_else(pc.starts_with(tokens, prefix), tokens, pa.scalar(None, tokens.type))


def _by_originals(tokens: pa.Array, originals: pa.Array, scheme: Scheme, versions: list[Key]) -> pa.Array:
    invalid = scheme.invalid(originals)
    if invalid is not None:
        originals = pc.if_else(invalid, pa.scalar(None, originals.type), originals)
    found = pa.nulls(len(tokens), pa.int64())
    for key in versions:
        made = scheme.tokens(originals, key)
        same = pc.equal(made.cast(value_type(tokens.type)), tokens)
        found = pc.coalesce(found, pc.if_else(same, pa.scalar(key.version), pa.scalar(None, pa.int64())))
    return found
