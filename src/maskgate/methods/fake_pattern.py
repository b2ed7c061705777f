"""Fakes that are drawn from the key's own bits instead of a pool: free patterns, and IBANs.

Places next to each other share one table of all texts that they can hold, up to some thousand; a cell is then a few
tables looked up, whatever its length. A word of 64 bits draws as many tables as have up to 2^44 texts together, so that
no text is likelier than another by more than 1 to 2^20.
"""

from __future__ import annotations

import itertools
import string
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from maskgate.methods.shape import literally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PLACES = {
    "#": string.digits,
    "%": string.digits[1:],
    "?": string.ascii_uppercase,
    "&": string.ascii_lowercase,
    "*": string.ascii_uppercase + string.digits,
}
_CLASSES = {"#": "[0-9]", "%": "[1-9]", "?": "[A-Z]", "&": "[a-z]", "*": "[A-Z0-9]"}
_ESCAPE = "\\"
LONGEST = 100
_LARGEST_TABLE = 20_000
_MOST_A_WORD = 2**44
_TEN = 10
IBAN_MODULUS = 97


@dataclass(frozen=True)
class Table:
    """All texts that some places next to each other can hold.

    Attributes:
        texts: One a row, in UTF-8; all of one length.
        remainders: What they are modulo 97, read as an IBAN is: ``A`` counts as 10, ``B`` as 11.
        shift: The power of ten, modulo 97, that makes room for one of them.
    """

    texts: NDArray[np.void]
    remainders: NDArray[np.int64]
    shift: int

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def width(self) -> int:
        """Bytes of each text."""
        return self.texts.dtype.itemsize


@dataclass(frozen=True)
class Pattern:
    """A pattern such as ``??-####``.

    Attributes:
        text: As it is written: ``#`` is a digit, ``%`` a digit but 0, ``?`` a capital letter, ``&`` a small one, ``*``
            a capital letter or digit; anything else stands for itself, and so does what follows a backslash.
    """

    text: str

    @classmethod
    def of(cls, text: str) -> Self:
        """Take a pattern.

        Raises:
            ValueError: If it is too long, or nothing in it is drawn.
        """
        if not 0 < len(text) <= LONGEST:
            raise ValueError(f"`pattern:` has 1 to {LONGEST} characters, not {len(text)}")
        pattern = cls(text)
        if pattern.choices == 1:
            raise ValueError("nothing in `pattern:` is drawn; write `#` for a digit, `?` for a letter, as in '??-####'")
        return pattern

    @cached_property
    def choices(self) -> int:
        """How many texts fit."""
        product = 1
        for _, alphabet in _places(self.text):
            product *= len(alphabet)
        return product

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables that make up a text, from left to right."""
        groups: list[list[str]] = [[]]
        size = 1
        for _, alphabet in _places(self.text):
            if size * len(alphabet) > _LARGEST_TABLE:
                groups.append([])
                size = 1
            groups[-1].append(alphabet)
            size *= len(alphabet)
        return tuple(_table(tuple(group)) for group in groups)

    @cached_property
    def _word_of_table(self) -> tuple[int, ...]:
        """Which word each table is drawn by."""
        numbers, number, size = [], 0, 1
        for table in self.tables:
            size *= len(table)
            if size > _MOST_A_WORD:
                number, size = number + 1, len(table)
            numbers.append(number)
        return tuple(numbers)

    def expression(self) -> str:
        """Return the pattern as RE2 writes it."""
        return "".join(_CLASSES.get(sign, literally(alphabet)) for sign, alphabet in _places(self.text))

    @property
    def is_ascii(self) -> bool:
        """Whether all texts are ASCII, with no blank at their ends."""
        return self.text.isascii() and self.text.strip() == self.text

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""
        return max(self._word_of_table) + 1

    def drawn(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Draw an entry of every table for every row of words."""
        drawn = np.empty((len(self.tables), len(words)), np.int64)
        last, word = -1, words[:, 0]
        for index, (table, number) in enumerate(zip(self.tables, self._word_of_table, strict=True)):
            word = word if number == last else words[:, number]
            size, last = np.uint64(len(table)), number
            rest = word // size
            drawn[index] = word - rest * size
            word = rest
        return drawn

    def following(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return other draws than these: the next entry of the largest table."""
        largest = max(range(len(self.tables)), key=lambda index: len(self.tables[index]))
        following = drawn.copy()
        following[largest] = (following[largest] + 1) % len(self.tables[largest])
        return following

    def written(self, drawn: NDArray[np.int64]) -> pa.StringArray:
        """Write the texts of draws."""
        return _strings(self.cells(drawn))

    def cells(self, drawn: NDArray[np.int64], *, before: int = 0) -> NDArray[np.uint8]:
        """Write the texts of draws into rows of bytes, behind some that are left to the caller."""
        parts = [("before", f"V{before}"), *((str(at), table.texts.dtype) for at, table in enumerate(self.tables))]
        cells = np.empty(drawn.shape[1], parts if before else parts[1:])
        for at, (table, entries) in enumerate(zip(self.tables, drawn, strict=True)):
            cells[str(at)] = table.texts.take(entries)
        return cells.view(np.uint8).reshape(len(cells), cells.itemsize)


@dataclass(frozen=True)
class Iban:
    """IBANs of one country (ISO 13616): two letters, two check digits, and what follows.

    The check digits are right (ISO 7064, modulo 97). Those that some countries put *into* what follows are not.

    Attributes:
        country: Two letters.
        account: What follows the check digits.
    """

    country: str
    account: Pattern

    @property
    def is_ascii(self) -> bool:
        """Whether all are ASCII, with no blank at their ends."""
        return self.account.is_ascii

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""
        return self.account.words

    def drawn(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Draw accounts."""
        return self.account.drawn(words)

    def following(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return other accounts than these."""
        return self.account.following(drawn)

    def written(self, drawn: NDArray[np.int64]) -> pa.StringArray:
        """Write the IBANs of draws."""
        remainders = np.zeros(drawn.shape[1], np.int64)
        for table, entries in zip(self.account.tables, drawn, strict=True):
            remainders = (remainders * table.shift + table.remainders[entries]) % IBAN_MODULUS
        # Behind the account stand the country's letters and two zeros, and 98 less the remainder is the check.
        country = int(_as_digits(self.country) + "00")
        remainders = (remainders * 10 ** len(str(country)) + country) % IBAN_MODULUS
        check = IBAN_MODULUS + 1 - remainders
        cells = self.account.cells(drawn, before=4)
        cells[:, :2] = np.frombuffer(self.country.encode(), np.uint8)
        cells[:, 2] = ord("0") + check // _TEN
        cells[:, 3] = ord("0") + check % _TEN
        return _strings(cells)


def _places(text: str) -> Iterator[tuple[str, str]]:
    """Return each place's sign and the characters it may hold; for a literal no sign and itself."""
    signs = iter(text)
    for sign in signs:
        if sign == _ESCAPE:
            yield "", next(signs, _ESCAPE)
        elif sign in PLACES:
            yield sign, PLACES[sign]
        else:
            yield "", sign


@lru_cache(maxsize=256)
def _table(alphabets: tuple[str, ...]) -> Table:
    texts = ["".join(each) for each in itertools.product(*alphabets)]
    encoded = [text.encode() for text in texts]
    width = len(encoded[0])
    rows = np.frombuffer(b"".join(encoded), f"V{width}")
    remainders, digits = np.zeros(len(texts), np.int64), 0
    if all(text.isascii() and text.isalnum() for text in texts):
        numbers = [_as_digits(text) for text in texts]
        digits = len(numbers[0])
        remainders = np.array([int(number) % IBAN_MODULUS for number in numbers], np.int64)
    return Table(rows, remainders, pow(_TEN, digits, IBAN_MODULUS))


def _as_digits(text: str) -> str:
    return "".join(str(int(character, 36)) for character in text)


def _strings(cells: NDArray[np.uint8]) -> pa.StringArray:
    rows, width = cells.shape
    offsets = np.arange(0, rows * width + 1, width, dtype=np.int32) if rows else np.zeros(1, np.int32)
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(cells)])
