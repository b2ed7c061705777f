"""How tokens are written: hexadecimal, base 32, base 58, integers, UUIDs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from maskgate.crypto import base58, uuids
from maskgate.crypto.base32 import BASE32, read_base32, write_base32
from maskgate.crypto.base58 import write_base58
from maskgate.crypto.cells import Cells
from maskgate.crypto.hexadecimal import HEXADECIMAL, read_hexadecimal, write_hexadecimal
from maskgate.crypto.integers import write_integers
from maskgate.crypto.uuid8 import write_uuid8
from maskgate.methods.shape import Shape, literally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from maskgate.crypto.texts import Portions
    from maskgate.methods.method import Domain

DEFAULT = "hex"
INTEGER = "integer"
UUID = "uuid"
VERSION_PLACE = "{version}"
_LEAST_CHARACTERS = 8
_LEAST_DIGITS, _MOST_DIGITS = 6, 18
_UUID_BITS = 122
_TAG_BYTES = 16


class _Writer(Protocol):
    def __call__(self, column: Portions, *, prefix: str, length: int, large: bool) -> pa.Array: ...


@dataclass(frozen=True)
class _Text:
    """A way to write 128 bits as characters.

    Attributes:
        characters: Which, as a pattern.
        radix: How many different ones there are.
        size: How many it takes to write all bits.
        write: Writes them.
    """

    characters: str
    radix: int
    size: int
    write: _Writer


_TEXTS = {
    "hex": _Text("[0-9a-f]", 16, 32, write_hexadecimal),
    "base32": _Text("[A-Z2-7]", 32, 26, write_base32),
    "base58": _Text("[1-9A-HJ-NP-Za-km-z]", 58, base58.SIZE, write_base58),
}
_BITS = 128
FORMATS = (*_TEXTS, INTEGER, UUID)


@dataclass(frozen=True)
class DigestFormat:
    """How a digest is written as a token.

    Attributes:
        name: What the rules file calls it.
        length: Characters without the prefix, or decimal digits of an integer.
        prefix: Text before each; ``{version}`` in it stands for the version of the key.
    """

    name: str
    length: int
    prefix: str = ""

    @classmethod
    def of(cls, domain: Domain) -> DigestFormat:
        """Return the format of a domain.

        Raises:
            ValueError: If there is no such format, or it cannot have such a length or prefix.
        """
        name = domain.format or DEFAULT
        where = f'domain "{domain.name}"'
        least, most, default = lengths_of(name, where)
        if domain.length is not None and not least <= domain.length <= most:
            how_many = f"{least} to {most}" if least < most else f"{most}"
            what = "digits" if name == INTEGER else "characters"
            raise ValueError(f"{where}: a token in the format '{name}' has {how_many} {what}, not {domain.length}")
        if domain.prefix and name == INTEGER:
            raise ValueError(f"{where}: an integer has no prefix; take `prefix:` out, or choose another format")
        return cls(name, default if domain.length is None else domain.length, domain.prefix)

    @property
    def is_integer(self) -> bool:
        """Whether tokens are integers, not text."""
        return self.name == INTEGER

    @property
    def bytes_spelled(self) -> int | None:
        """How many bytes a token spells in hexadecimal digits, and nothing else; None if it is something else."""
        is_bare = self.name == DEFAULT and not self.prefix and self.length % 2 == 0
        return self.length // 2 if is_bare else None

    @property
    def space(self) -> int:
        """How many different tokens there are."""
        if self.name == INTEGER:
            return int(10**self.length)
        if self.name == UUID:
            return 1 << _UUID_BITS
        return min(1 << _BITS, int(_TEXTS[self.name].radix ** self.length))

    def shape(self) -> Shape:
        """Say what tokens look like."""
        if self.name == INTEGER:
            return Shape(minimum=0, maximum=float(10**self.length - 1), type_names=("int64",))
        if self.name == UUID:
            digits = "[0-9a-f]"
            body = f"{digits}{{8}}-{digits}{{4}}-8{digits}{{3}}-[89ab]{digits}{{3}}-{digits}{{12}}"
        else:
            body = f"{_TEXTS[self.name].characters}{{{self.length}}}"
        return Shape(pattern=pattern_of_prefix(self.prefix) + body)

    def write(self, digests: Portions, version: int, *, large: bool) -> pa.Array:
        """Write a column of digests.

        Args:
            digests: The column, portion by portion.
            version: The version of the key that made them.
            large: Return ``large_string`` instead of ``string``.

        Raises:
            OverflowError: If the tokens are longer than ``string`` can hold in one array (2 GiB).
        """
        if self.name == INTEGER:
            parts = [write_integers(part, self.length) for part in digests.parts]
            return pa.concat_arrays([pa.nulls(0, pa.int64()), *parts])
        prefix = prefix_of(self.prefix, version)
        if self.name == UUID:
            return write_uuid8(digests, prefix=prefix, large=large)
        return _TEXTS[self.name].write(digests, prefix=prefix, length=self.length, large=large)


def lengths_of(name: str, where: str) -> tuple[int, int, int]:
    """Return the least length, the greatest, and the one that is taken where the file has none."""
    if name == INTEGER:
        return _LEAST_DIGITS, _MOST_DIGITS, _MOST_DIGITS
    if name == UUID:
        return uuids.SIZE, uuids.SIZE, uuids.SIZE
    if name not in _TEXTS:
        raise ValueError(f"{where}: no token format is called '{name}'; there are {', '.join(FORMATS)}")
    size = _TEXTS[name].size
    return _LEAST_CHARACTERS, size, size


@dataclass(frozen=True)
class CipherFormat:
    """How a ciphertext of any length is written as a token, and read.

    Attributes:
        prefix: Text before each; ``{version}`` in it stands for the version of the key.
        write: Writes a column of bytes behind a prefix.
        text_lengths: Says how many characters so many bytes take.
        read: Reads a column of texts without it; null where a cell is no such text.
        pattern: What tokens look like behind the prefix.
    """

    prefix: str
    write: Callable[..., pa.Array]
    text_lengths: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    read: Callable[[pa.Array], pa.Array]
    pattern: str

    @classmethod
    def of(cls, domain: Domain) -> CipherFormat:
        """Return the format of a domain.

        Raises:
            ValueError: If a ciphertext is not written in that format, or the domain wants a length.
        """
        name = domain.format or DEFAULT
        where = f'domain "{domain.name}"'
        if name not in CIPHER_FORMATS:
            raise ValueError(
                f"{where}: the scheme 'encrypt' writes {' or '.join(CIPHER_FORMATS)}, not '{name}': "
                "a ciphertext has as many bytes as its value, and 16 more"
            )
        if domain.length is not None:
            raise ValueError(
                f"{where}: take `length:` out; with the scheme 'encrypt' a token is as long as its value asks for"
            )
        return cls(domain.prefix, *CIPHER_FORMATS[name])

    def shape(self) -> Shape:
        """Say what tokens look like."""
        return Shape(pattern=pattern_of_prefix(self.prefix) + self.pattern)

    def size(self, values: Iterable[pa.Array], version: int) -> int:
        """Return how many bytes all tokens of a column take, which comes portion by portion."""
        prefix, total = prefix_of(self.prefix, version).encode(), 0
        for part in values:
            cells = Cells.of(part)
            lengths = cells.lengths if cells.valid is None else cells.lengths[cells.valid]
            total += int(self.text_lengths(lengths + _TAG_BYTES).sum()) + len(prefix) * len(lengths)
        return total


CIPHER_FORMATS = {
    "hex": (write_hexadecimal, HEXADECIMAL.text_lengths, read_hexadecimal, f"(?:[0-9a-f]{{2}}){{{_TAG_BYTES},}}"),
    "base32": (write_base32, BASE32.text_lengths, read_base32, f"[A-Z2-7]{{{math.ceil(_TAG_BYTES * 8 / 5)},}}"),
}


def prefix_of(prefix: str, version: int) -> str:
    """Return a prefix with the version of the key filled in.

    Example:
        >>> prefix_of("em{version}_", 3)
        'em3_'
    """
    return prefix.replace(VERSION_PLACE, str(version))


def check_prefix(domain: Domain) -> None:
    """Refuse a prefix behind whose version nobody could tell where the version ends.

    Raises:
        ValueError: If ``{version}`` is followed by nothing, or by a digit.
    """
    _, *behind = domain.prefix.split(VERSION_PLACE)
    if any(not each or each[0].isdigit() for each in behind):
        raise ValueError(
            f'domain "{domain.name}": in `prefix:`, write something other than a digit behind {VERSION_PLACE}, '
            "such as '_', so that the version ends there"
        )


def pattern_of_prefix(prefix: str) -> str:
    """Write a prefix as a pattern, for any version of the key."""
    return "[1-9][0-9]*".join(literally(part) for part in prefix.split(VERSION_PLACE))
