"""Tokens that look like the value: format-preserving encryption by FF1 (NIST SP 800-38G).

* A token has the value's length and alphabet; separators such as those of ``4111-1111-1111-1111`` stay where they are.
* Different values of a domain have different tokens, and the key holder can get the values back.
* A value needs a domain of a million: six digits, five letters of one case, four of both. Whoever may ask for tokens
  could search a smaller one.
* An integer is written with as many digits as the domain says: under ``digits: 10`` the integer 42 and the text
  ``0000000042`` have the same token. A text has to have exactly so many, since ``42`` and ``0000000042`` are two texts
  and need two tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto.cells import validity
from maskgate.crypto.ff1 import permutation
from maskgate.crypto.ff1_alphabet import Alphabet
from maskgate.crypto.ff1_cells import permuted, refused
from maskgate.crypto.ff1_digits import ROWS, by_length
from maskgate.crypto.ff1_permutation import least_length
from maskgate.methods.families import family_of, value_type
from maskgate.methods.layout import in_layout_of, text_type
from maskgate.methods.luhn import check_digits, check_digits_of
from maskgate.methods.method import Domain, Family
from maskgate.methods.shape import Shape, literally
from maskgate.methods.wholes import column_of_wholes, is_whole, most_of, wholes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from maskgate.crypto.ff1_alphabet import Spelled
    from maskgate.crypto.ff1_digits import Strip
    from maskgate.crypto.ff1_permutation import Permutation

LEAST_DOMAIN = 1_000_000
FEWEST_DIGITS, MOST_DIGITS = 6, 18
SEPARATORS = " -./()+:_#,"
_DIGITS, _UPPER, _LOWER = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
ALPHABETS = {
    "digits": _DIGITS,
    "letters": _UPPER + _LOWER,
    "lowercase": _LOWER,
    "uppercase": _UPPER,
    "alphanumeric": _DIGITS + _UPPER + _LOWER,
    "hexadecimal": _DIGITS + _LOWER[:6],
}
_MOST_RANGES = 200
_TEN = np.uint64(10)
_WHOLE = (Family.INTEGER.value, Family.DECIMAL.value)


@dataclass(frozen=True)
class FormatPreserving:
    """The scheme ``fpe`` of a domain.

    Characters outside of the alphabet may stand in a value if they are one of `SEPARATORS`; with any other one the
    value cannot be taken, nor with too few characters of the alphabet. Which separators a value has, and how long it
    is, shows in the token.

    Raises:
        ValueError: If the domain asks for what cannot be; the message is for the author of the rules.
    """

    domain: Domain

    def __post_init__(self) -> None:
        digits = self.domain.digits
        if (digits is not None or self.domain.luhn) and self._characters != _DIGITS:
            raise ValueError(f'domain "{self.domain.name}": `digits:` and `luhn:` go with the alphabet of digits alone')
        fewest = FEWEST_DIGITS + self.domain.luhn
        if digits is not None and not fewest <= digits <= MOST_DIGITS:
            raise ValueError(
                f'domain "{self.domain.name}": `digits:` is {fewest} to {MOST_DIGITS}, not {digits}; '
                f"fewer can be searched, and more do not fit an integer"
            )
        try:
            _ = self._alphabet
        except ValueError as error:
            raise ValueError(f'domain "{self.domain.name}": {error}; or one of {", ".join(ALPHABETS)}') from None

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text for text, and the type itself for integers and decimals without fractions.

        Raises:
            ValueError: If none of these can come out.
        """
        family, inner = family_of(input_type), value_type(input_type)
        if family in (Family.STRING, Family.NULL):
            return text_type(input_type)
        if family is not Family.INTEGER and (family is not Family.DECIMAL or inner.scale):
            raise ValueError(f"scheme fpe takes text, integers and decimals of scale 0, not {input_type}")
        name = self.domain.name
        if self.domain.digits is None:
            raise ValueError(
                f'domain "{name}" does not say how many digits an integer has. '
                f"Add `digits:` ({FEWEST_DIGITS} to {MOST_DIGITS}) to it, or convert the column to text"
            )
        if self.domain.prefix:
            raise ValueError(f'domain "{name}" has a prefix, which cannot stand before integers')
        if 10**self.domain.digits - 1 > most_of(inner):
            raise ValueError(
                f'domain "{name}" has {self.domain.digits} digits, more than {inner} holds. '
                f"Convert the column to int64, or give it a domain of fewer digits"
            )
        return in_layout_of(input_type, inner)

    def shape(self) -> Shape:
        """Promise prefix, alphabet, separators and least length; of integers, how large they are."""
        text = self._text_shape()
        if self.domain.digits is None or self.domain.prefix:
            return text
        numbers = Shape(minimum=0, maximum=float(10**self.domain.digits - 1), families=_WHOLE)
        return Shape(any_of=(text, numbers))

    def invalid(self, values: pa.Array, prefix: str = "") -> pa.Array:
        """Say which values cannot be taken.

        Args:
            values: Text, integers or whole decimals, without dictionary or view layout.
            prefix: Text that has to stand before each, as before tokens.

        Returns:
            Booleans without nulls, False where the cell is null.
        """
        if pa.types.is_null(values.type):
            return pa.array(np.zeros(len(values), np.bool_))
        if is_whole(values.type):
            return pa.array(self._refused_integers(values))
        values, without = _behind(prefix, values)
        found = refused(values, self._alphabet, self._refuse)
        return pa.array(found if without is None else found | without)

    def encrypt(self, values: pa.Array, key: bytes, prefix: str = "") -> pa.Array:
        """Return the token of every value.

        Args:
            values: Text, integers or whole decimals, without dictionary or view layout.
            key: An AES key, best one of 32 bytes that nothing else is used for.
            prefix: Text to write before each token.

        Raises:
            ValueError: If there are values that cannot be taken, counted and not shown.
        """
        tokens = self._converted(values, permutation(key, self.domain.label.encode(), self._alphabet), encrypt=True)
        if not prefix or is_whole(values.type):
            return tokens
        return pc.binary_join_element_wise(pa.scalar(prefix, tokens.type), tokens, pa.scalar("", tokens.type))

    def decrypt(self, values: pa.Array, key: bytes, prefix: str = "") -> pa.Array:
        """Return the value of every token; the inverse of :meth:`encrypt`.

        Raises:
            ValueError: If there are values that are no tokens, counted and not shown.
        """
        if prefix and not is_whole(values.type):
            values, without = _behind(prefix, values)
            count = 0 if without is None else int(np.count_nonzero(without))
            if count:
                raise ValueError(f"{count} values are no tokens of the domain; the prefix is not there")
        return self._converted(values, permutation(key, self.domain.label.encode(), self._alphabet), encrypt=False)

    @property
    def _characters(self) -> str:
        return ALPHABETS.get(self.domain.alphabet or "digits", self.domain.alphabet)

    @cached_property
    def _alphabet(self) -> Alphabet:
        kept = "".join(each for each in SEPARATORS if each not in self._characters)
        return Alphabet(self._characters, kept)

    @property
    def _least(self) -> int:
        """How many characters of the alphabet a value needs."""
        return self.domain.digits or least_length(self._alphabet.radix, LEAST_DOMAIN) + self.domain.luhn

    def _refuse(self, spelled: Spelled) -> NDArray[np.bool_]:
        found = spelled.counts != self._least if self.domain.digits else spelled.counts < self._least
        if spelled.foreign is not None:
            found |= spelled.foreign
        if self.domain.luhn:
            for strip in by_length(spelled.digits, spelled.counts, self._alphabet.radix):
                found[strip.cells] |= strip.column(strip.length - 1) != check_digits(strip)
        return found

    def _converted(self, values: pa.Array, cipher: Permutation, *, encrypt: bool) -> pa.Array:
        if pa.types.is_null(values.type):
            return values.cast(pa.string())
        if is_whole(values.type):
            return self._converted_integers(values, cipher, encrypt=encrypt)
        permute: Callable[[Strip], None] = cipher.encrypt if encrypt else cipher.decrypt
        if self.domain.luhn:
            permute = _before_check_digit(permute)
        converted, count = permuted(values, self._alphabet, self._refuse, permute)
        if count:
            raise ValueError(f"{count} values cannot be enciphered in their own format: {self._demand()}")
        return converted

    def _converted_integers(self, values: pa.Array, cipher: Permutation, *, encrypt: bool) -> pa.Array:
        count = int(np.count_nonzero(self._refused_integers(values)))
        if count:
            raise ValueError(f"{count} integers cannot be enciphered in their own format: {self._demand_of_integers()}")
        payload = (self.domain.digits or 0) - self.domain.luhn
        of_length = cipher.of_length(payload)
        permute = of_length.encrypt if encrypt else of_length.decrypt
        scale = np.uint64(10 ** (payload - payload // 2))
        numbers = wholes_of(values)[0].astype(np.uint64)
        for start in range(0, len(numbers), ROWS):
            some = numbers[start : start + ROWS]
            if self.domain.luhn:
                some //= _TEN
            upper = some // scale
            upper, lower = permute(upper, some - upper * scale)
            some[:] = upper * scale + lower
            if self.domain.luhn:
                some[:] = some * _TEN + check_digits_of(some, payload)
        return column_of_wholes(numbers, values)

    def _refused_integers(self, values: pa.Array) -> NDArray[np.bool_]:
        digits = self.domain.digits
        if digits is None:
            raise ValueError(f'domain "{self.domain.name}" does not say how many digits an integer has')
        numbers, found = wholes_of(values)
        found |= (numbers < 0) | (numbers > 10**digits - 1)
        valid = validity(values)
        for start in range(0, len(numbers) if self.domain.luhn else 0, ROWS):
            some = numbers[start : start + ROWS].astype(np.uint64)
            above = some // _TEN
            found[start : start + ROWS] |= some - above * _TEN != check_digits_of(above, digits - 1)
        return found if valid is None else found & valid

    def _demand(self) -> str:
        name = self.domain.alphabet if self.domain.alphabet in ALPHABETS else "the alphabet"
        name = name if self.domain.alphabet else "digits"
        many = f"exactly {self._least}" if self.domain.digits else f"{self._least} or more"
        check = ", the last of them a right check digit (Luhn)" if self.domain.luhn else ""
        return f"a value has {many} characters of {name}{check}, and beside them only separators ({SEPARATORS!r})"

    def _demand_of_integers(self) -> str:
        check = " with a right check digit (Luhn)" if self.domain.luhn else ""
        return f"the domain takes 0 to {'9' * (self.domain.digits or 0)}{check}"

    def _text_shape(self) -> Shape:
        alphabet, kept = _ranges(self._alphabet.characters), _ranges(self._alphabet.kept)
        if len(alphabet) > _MOST_RANGES:
            return Shape(families=(Family.STRING.value,))
        before = r"[1-9][0-9]*".join(literally(part) for part in self.domain.prefix.split("{version}"))
        each, between = f"[{''.join(alphabet)}]", f"[{''.join(kept)}]*" if kept else ""
        after = between if self.domain.digits else f"[{''.join(alphabet + kept)}]*"
        return Shape(pattern=f"{before}(?:{between}{each}){{{self._least}}}{after}")


def _behind(prefix: str, values: pa.Array) -> tuple[pa.Array, NDArray[np.bool_] | None]:
    """Take the prefix off, and say which values do not have it; None if there is no prefix."""
    if not prefix:
        return values, None
    has = pc.starts_with(values, prefix).fill_null(True)  # noqa: FBT003  a null lacks nothing
    as_bytes = pa.large_binary() if pa.types.is_large_string(values.type) else pa.binary()
    # Not `binary_slice`, which in pyarrow 26 fails without a stop ("Negative buffer resize").
    rest = pc.binary_replace_slice(values.view(as_bytes), 0, len(prefix.encode()), b"").view(values.type)
    return rest, ~has.to_numpy(zero_copy_only=False)


def _before_check_digit(permute: Callable[[Strip], None]) -> Callable[[Strip], None]:
    def permute_payload(strip: Strip) -> None:
        permute(strip.but_for_the_last())
        strip.column(strip.length - 1)[:] = check_digits(strip)

    return permute_payload


def _ranges(characters: str) -> list[str]:
    """Write characters as what stands inside of a class of an RE2 pattern, neighbours together."""
    codes = np.array(sorted(ord(each) for each in characters), np.int64)
    runs = np.split(codes, np.flatnonzero(np.diff(codes) != 1) + 1) if len(codes) else []
    return [_written(run[0]) if len(run) == 1 else f"{_written(run[0])}-{_written(run[-1])}" for run in runs]


def _written(code: int) -> str:
    character = chr(code)
    if not character.isascii() or not character.isprintable():
        return f"\\x{{{code:x}}}"
    return character if character.isalnum() else f"\\{character}"
