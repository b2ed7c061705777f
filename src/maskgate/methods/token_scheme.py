"""The schemes by which a domain makes tokens: hmac, cmac, encrypt, fpe.

Each derives its own subkey from the version of the key that it is given, for this domain, scope and scheme alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto import cmac, hmac_sha256, siv
from maskgate.crypto.texts import Portions, first_bytes, gathered
from maskgate.methods.format_preserving import FormatPreserving
from maskgate.methods.layout import in_layout_of, in_portions, text_type
from maskgate.methods.method import ReversibleBy, Uniqueness
from maskgate.methods.token_format import VERSION_PLACE, CipherFormat, DigestFormat, check_prefix, prefix_of
from maskgate.methods.token_input import check_token_input, normalized, token_input

if TYPE_CHECKING:
    from maskgate.keys import Key
    from maskgate.methods.method import Domain
    from maskgate.methods.shape import Shape

# What a domain says that one scheme alone takes notice of, or all others.
ONLY_FPE = ("alphabet", "digits", "luhn")
NOT_FPE = ("format", "length")


class RefusedValuesError(ValueError):
    """A scheme cannot take some values; they are counted, not shown."""


@dataclass(frozen=True)
class Scheme(ABC):
    """One way to make the tokens of a domain.

    Attributes:
        domain: The token space.
    """

    domain: Domain

    @property
    @abstractmethod
    def uniqueness(self) -> Uniqueness:
        """Whether different values have different tokens."""

    @property
    @abstractmethod
    def reversible_by(self) -> ReversibleBy:
        """Who can get values back from tokens."""

    @abstractmethod
    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return the type of the tokens of values of a type.

        Raises:
            ValueError: If values of the type cannot be tokenized.
        """

    @abstractmethod
    def shape(self) -> Shape:
        """Say what tokens look like."""

    @abstractmethod
    def tokens(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value of a plain column, under the current version of the key.

        Raises:
            RefusedValuesError: If there are values that :meth:`invalid` names.
        """

    def invalid(self, values: pa.Array) -> pa.Array | None:  # noqa: ARG002  for overriding
        """Say which values of a plain column have no token; None if all have one."""
        return None

    def _subkey(self, key: Key, length: int = 32) -> bytes:
        return key.subkey(purpose="token", scheme=self.domain.scheme, domain=self.domain.label, length=length)


class ReversibleScheme(Scheme):
    """A scheme whose key holder gets values back."""

    @property
    def uniqueness(self) -> Uniqueness:
        """Different values have different tokens, but those that ``normalize:`` makes equal."""
        return Uniqueness.LIKELY if self.domain.normalize else Uniqueness.PRESERVED

    @property
    def reversible_by(self) -> ReversibleBy:
        """The key holder can get values back."""
        return ReversibleBy.KEY_HOLDER

    @property
    def tells_versions(self) -> bool:
        """Whether :meth:`values` knows tokens of one version of the key from those of another."""
        return VERSION_PLACE in self.domain.prefix

    @abstractmethod
    def values(self, tokens: pa.Array, key: Key) -> pa.Array:
        """Return the value of every token of a plain column that the current version of a key made.

        Null where a cell is no such token. Values come out as bytes if the scheme knows nothing of their type.
        """

    @abstractmethod
    def tokens_again(self, values: pa.Array, key: Key) -> pa.Array:
        """Return tokens, under the current version of a key, of what :meth:`values` gave."""


class DigestTokens(Scheme):
    """``hmac`` and ``cmac``: tokens that are digests, and say nothing of a value but whether it is the same."""

    @cached_property
    def _format(self) -> DigestFormat:
        return DigestFormat.of(self.domain)

    @property
    def uniqueness(self) -> Uniqueness:
        """Two values have one token by chance alone."""
        return Uniqueness.LIKELY

    @property
    def reversible_by(self) -> ReversibleBy:
        """Under ``cmac`` the key holder can get values of up to 16 bytes back; under ``hmac`` nobody can."""
        return ReversibleBy.KEY_HOLDER if self.domain.scheme == "cmac" else ReversibleBy.NOBODY

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text, or int64 in the format ``integer``."""
        check_token_input(input_type)
        return in_layout_of(input_type, pa.int64()) if self._format.is_integer else text_type(input_type)

    def shape(self) -> Shape:
        """Promise what the format promises."""
        return self._format.shape()

    def tokens(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value."""
        return self._format.write(self._digests(values, key), key.version, large=_is_large(values.type))

    @property
    def bytes_spelled(self) -> int | None:
        """How many bytes of a digest each token spells in hexadecimal digits; None if tokens are something else."""
        return self._format.bytes_spelled

    def unspelled(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the bytes that the token of every value spells, as ``fixed_size_binary``; zeros under a null."""
        digests, size = self._digests(values, key), self.bytes_spelled
        if size is None:
            raise ValueError("these tokens do not spell bytes")
        return first_bytes(digests, size)

    def _digests(self, values: pa.Array, key: Key) -> Portions:
        digester, size = _DIGESTERS[self.domain.scheme]
        digest, steps = digester(self._subkey(key)), self.domain.normalize
        digests = (digest(token_input(part, steps)) for part in in_portions(values))
        return Portions(digests, len(values), values.null_count, pa.binary(size))


_DIGESTERS = {"cmac": (cmac.digester, cmac.BLOCK), "hmac": (hmac_sha256.digester, hmac_sha256.SIZE)}


class EncryptedTokens(ReversibleScheme):
    """``encrypt``: tokens that are AES-SIV ciphertexts of the value. They show how long it is."""

    _KEY_BYTES = 64

    @cached_property
    def _format(self) -> CipherFormat:
        return CipherFormat.of(self.domain)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text."""
        check_token_input(input_type)
        return text_type(input_type)

    @property
    def tells_versions(self) -> bool:
        """A ciphertext is authentic under one version alone."""
        return True

    def shape(self) -> Shape:
        """Promise what the format promises."""
        return self._format.shape()

    def tokens(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value."""
        return self._written(token_input(values, self.domain.normalize), key, large=_is_large(values.type))

    def tokens_again(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value, which is normalized already."""
        return self._written(values, key, large=_is_large(values.type))

    def values(self, tokens: pa.Array, key: Key) -> pa.Array:
        """Return the bytes of every value; null where a cell is not authentic under this version of the key."""
        if pa.types.is_null(tokens.type):
            return tokens.cast(pa.binary())
        rest = without_prefix(tokens, prefix_of(self.domain.prefix, key.version))
        return siv.decrypt_authentic(self._format.read(rest), self._subkey(key, self._KEY_BYTES))

    def _written(self, values: pa.Array, key: Key, *, large: bool) -> pa.Array:
        encrypt, prefix = siv.encrypter(self._subkey(key, self._KEY_BYTES)), prefix_of(self.domain.prefix, key.version)
        tokens = (self._format.write(encrypt(part), prefix=prefix) for part in in_portions(values))
        size = self._format.size(in_portions(values), key.version)
        return gathered(tokens, len(values), size, large=large)


class FormatPreservingTokens(ReversibleScheme):
    """``fpe``: tokens that look like the value."""

    @cached_property
    def _cipher(self) -> FormatPreserving:
        return FormatPreserving(self.domain)

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text for text, and the same integers for integers."""
        return self._cipher.output_type(input_type)

    def shape(self) -> Shape:
        """Promise the alphabet, and where the domain has ``digits:``, how many."""
        return self._cipher.shape()

    def tokens(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value."""
        return self.tokens_again(normalized(values, self.domain.normalize), key)

    def tokens_again(self, values: pa.Array, key: Key) -> pa.Array:
        """Return the token of every value, which is normalized already."""
        problem = ""
        try:
            return self._cipher.encrypt(values, self._subkey(key), prefix_of(self.domain.prefix, key.version))
        except ValueError as error:
            problem = str(error)
        raise RefusedValuesError(problem)

    def invalid(self, values: pa.Array) -> pa.Array:
        """Say which values the format does not have."""
        return self._cipher.invalid(normalized(values, self.domain.normalize))

    def values(self, tokens: pa.Array, key: Key) -> pa.Array:
        """Return the value of every token; null where a cell does not have the format.

        A token that another key or version made gives a wrong value, which nothing tells from a right one.
        """
        prefix = prefix_of(self.domain.prefix, key.version)
        foreign = self._cipher.invalid(tokens, prefix)
        if pc.any(foreign).as_py():
            tokens = pc.if_else(foreign, pa.scalar(None, tokens.type), tokens)
        return self._cipher.decrypt(tokens, self._subkey(key), prefix)


SCHEMES: dict[str, type[Scheme]] = {
    "hmac": DigestTokens,
    "cmac": DigestTokens,
    "encrypt": EncryptedTokens,
    "fpe": FormatPreservingTokens,
}


def scheme_of(domain: Domain) -> Scheme:
    """Return the scheme of a domain.

    Raises:
        ValueError: If there is none, or the domain asks of it what it does not have.
    """
    where = f'domain "{domain.name}"'
    if domain.scheme not in SCHEMES:
        raise ValueError(f"{where}: no scheme is called '{domain.scheme}'; there are {', '.join(SCHEMES)}")
    for name in NOT_FPE if domain.scheme == "fpe" else ONLY_FPE:
        if getattr(domain, name) not in (None, "", False):
            raise ValueError(f"{where}: the scheme '{domain.scheme}' has no `{name}:`; take it out")
    check_prefix(domain)
    try:
        normalized(pa.array([], pa.string()), domain.normalize)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    scheme = SCHEMES[domain.scheme](domain)
    scheme.shape()
    return scheme


def reversible_scheme_of(domain: Domain) -> ReversibleScheme:
    """Return the scheme of a domain whose key holder can get values back.

    Raises:
        ValueError: If nobody can, or the domain asks of its scheme what it does not have.
    """
    scheme = scheme_of(domain)
    if isinstance(scheme, ReversibleScheme):
        return scheme
    raise ValueError(
        f"domain \"{domain.name}\": tokens of the scheme '{domain.scheme}' cannot be turned back into values. "
        "Mask the originals again under the new version of the key"
    )


def without_prefix(texts: pa.Array, prefix: str) -> pa.Array:
    """Return plain texts without their prefix; null where a cell has another beginning."""
    if not prefix:
        return texts
    other = pc.invert(pc.starts_with(texts, prefix))
    if pc.any(other).as_py():
        texts = pc.if_else(other, pa.scalar(None, texts.type), texts)
    as_bytes = pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()
    # Not `binary_slice`, which in pyarrow 26 fails without a stop ("Negative buffer resize").
    return pc.binary_replace_slice(texts.view(as_bytes), 0, len(prefix.encode()), b"").view(texts.type)


def _is_large(type_: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(text_type(type_)))
