"""Replace values by fakes: the same value gets the same fake, in every batch, run, table and machine.

A fake is drawn by a keyed function of the value, out of a pool that is a function of kind, locale and Faker's version
alone (:mod:`maskgate.methods.fake_pools`). Columns agree if they have the same kind, locale and key, or the same
``domain``; of a domain, a fake takes the key, the steps of ``normalize`` and the scope, not scheme or prefix.

* A fake is never the value that it stands for, whatever its case: where it would be, the next one is taken. Another
  value's fake may be: there are only so many first names.
* Different values may get the same fake, unless ``unique: true`` puts 60 bits of the value's keyed digest into it. With
  a hundred million values, the odds that any two meet are then below one to a million.
* Nobody can go back. Who has the key can try out guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import pyarrow as pa

from maskgate.canonical import canonical_bytes
from maskgate.crypto import cmac
from maskgate.crypto.cells import edges_of, validity, validity_buffer
from maskgate.errors import MaskingError
from maskgate.methods import fake_pools
from maskgate.methods.fake_draws import FromPool, FromPoolWithSuffix
from maskgate.methods.fake_kinds import (
    ALIASES,
    DEFAULT_LOCALE,
    DOMAIN_PATTERN,
    FICTIONAL_BANKS,
    KINDS,
    SUFFIX_PATTERN,
    UNIQUE_KINDS,
    USER_NAME,
)
from maskgate.methods.fake_likeness import Likeness
from maskgate.methods.fake_pattern import Iban, Pattern
from maskgate.methods.layout import by_value, text_type
from maskgate.methods.method import Declaration, Domain, Kind, Method, Parameter, Surroundings, Uniqueness
from maskgate.methods.shape import Shape
from maskgate.methods.token_input import FAMILIES, check_token_input, token_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# So many rows at a time stay in the processor's cache.
_ROWS = 16_384
_TRIES = 16
_LIKELY_UNIQUE = 10**18
_WORDS = cmac.BLOCK // 8


class Fakes(Protocol):
    """Something that fakes can be drawn from."""

    @property
    def is_ascii(self) -> bool:
        """Whether all fakes are ASCII, with no blank at their ends."""

    @property
    def words(self) -> int:
        """Words of 64 bits that a draw takes."""

    def drawn(self, words: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Draw: a column of numbers for every row of words."""

    def following(self, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return other draws than these."""

    def written(self, drawn: NDArray[np.int64]) -> pa.StringArray:
        """Write what was drawn."""


@dataclass(frozen=True)
class Fake(Method):
    """Replace every value by a fake of one kind; a null stays a null, the empty string has a fake.

    Attributes:
        kind: What is faked.
        locale: Faker's locale; empty for a pattern.
        unique: Whether different values get different fakes, but for a chance collision.
        pattern: The pattern of kind ``pattern``.
        domain: The domain that it takes key, normalization and scope of.
    """

    kind: str
    locale: str
    unique: bool
    pattern: Pattern | None
    domain: Domain | None

    declaration: ClassVar[Declaration] = Declaration(
        name="fake",
        done="replaced by made-up values",
        term="pseudonymization (replacement by synthetic values)",
        summary="Replaces every value by a fake: the same value with the same key always gets the same one.",
        accepts=FAMILIES,
        parameters=(
            Parameter(
                "kind",
                Kind.CHOICE,
                "What is faked.",
                required=True,
                choices=tuple(sorted([*KINDS, *ALIASES, "pattern"])),
            ),
            Parameter("locale", Kind.STRING, "Faker's locale, such as en_GB; without it en_US (en_GB for `iban`)."),
            Parameter(
                "unique",
                Kind.BOOLEAN,
                "Whether different values get different fakes; for `email`, `user_name` and long patterns.",
                default=False,
            ),
            Parameter(
                "pattern",
                Kind.STRING,
                "With `kind: pattern`: `#` is a digit, `%` one but 0, `?` a capital letter, `&` a small one, `*` a "
                "capital letter or digit, all else itself, as in '??-####'.",
            ),
        ),
        needs_key=True,
        takes_domain=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If Faker has no such kind in the locale, or the options contradict each other.
        """
        kind = str(options.get("kind", ""))
        kind = ALIASES.get(kind, kind)
        if kind not in (*KINDS, "pattern"):
            raise ValueError(f"fake needs `kind:`, one of {', '.join(sorted([*KINDS, 'pattern']))}")
        pattern, locale, unique = options.get("pattern"), options.get("locale"), bool(options.get("unique"))
        if (kind == "pattern") != (pattern is not None):
            raise ValueError("`pattern:` goes with `kind: pattern`, and it with that")
        if unique and kind not in UNIQUE_KINDS:
            raise ValueError(f"`unique:` goes with {', '.join(UNIQUE_KINDS)}; there are not enough fakes of '{kind}'")
        if pattern is not None:
            if locale is not None:
                raise ValueError("a pattern is the same in every locale; take `locale:` out")
            return cls(kind, "", unique, _pattern(str(pattern), unique=unique), domain)
        locale = str(locale or ("en_GB" if kind == "iban" else DEFAULT_LOCALE))
        if locale != DEFAULT_LOCALE or kind == "iban":
            fake_pools.check_locale(kind, locale)
        return cls(kind, locale, unique, None, domain)

    @property
    def uniqueness(self) -> Uniqueness:
        """Whether different values stay different: likely if asked for."""
        return Uniqueness.LIKELY if self.unique else Uniqueness.LOST

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text.

        Raises:
            ValueError: If values of the type have no one spelling.
        """
        check_token_input(input_type)
        return text_type(input_type)

    def shape(self) -> Shape:
        """Promise how the kind looks, in any locale."""
        if self.pattern is not None:
            return Shape(pattern=self.pattern.expression())
        if self.unique:
            return Shape(pattern=USER_NAME + SUFFIX_PATTERN + (DOMAIN_PATTERN if self.kind == "email" else ""))
        return Shape(pattern=KINDS[self.kind].pattern)

    def facts(self) -> Mapping[str, Any]:
        """Say which pool the fakes come from, and its digest."""
        fakes = self._fakes
        return {"pool": fakes.pool.facts()} if isinstance(fakes, FromPool) else {}

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the fake of every cell.

        Raises:
            MaskingError: If no key was given.
        """
        key = surroundings.key
        if key is None:
            raise MaskingError(f'column "{surroundings.column}": fake needs a key')
        label = self.domain.label if self.domain else ""
        pattern = self.pattern.text if self.pattern else ""
        context = canonical_bytes([self.kind, self.locale, pattern, self.unique, label, fake_pools.VERSION]).decode()
        rounds = -(-self._fakes.words // _WORDS)
        secrets = [key.subkey(purpose="fake", scheme="cmac", domain=f"{context}{index}") for index in range(rounds)]
        return by_value(column, lambda values: self._faked(values, secrets))

    @cached_property
    def _fakes(self) -> Fakes:
        if self.pattern is not None:
            return self.pattern
        if self.kind == "iban":
            return _iban(self.locale)
        if self.unique:
            return FromPoolWithSuffix(fake_pools.pool_of("user_name", self.locale), with_domain=self.kind == "email")
        return FromPool(fake_pools.pool_of(self.kind, self.locale))

    @cached_property
    def _likeness(self) -> Likeness:
        fakes = self._fakes
        return Likeness(self._steps, fakes.is_ascii, fakes.pool.entries if type(fakes) is FromPool else None)

    @property
    def _steps(self) -> Sequence[str]:
        return self.domain.normalize if self.domain else ()

    def _faked(self, values: pa.Array, secrets: Sequence[bytes]) -> pa.Array:
        kind, present = text_type(values.type), values.drop_null()
        portions = (present.slice(start, _ROWS) for start in range(0, len(present), _ROWS))
        pieces = [self._portion(token_input(portion, self._steps), secrets).cast(kind) for portion in portions]
        text = pa.concat_arrays(pieces) if pieces else pa.array([], kind)
        valid = validity(values)
        if valid is None:
            return text
        # A null is a text without bytes in between.
        _, edges, data = text.buffers()
        offsets = np.frombuffer(edges, np.int64 if pa.types.is_large_string(kind) else np.int32)[text.offset :]
        buffers = [validity_buffer(valid), pa.py_buffer(offsets[edges_of(valid)]), data]
        return pa.Array.from_buffers(kind, len(values), buffers)

    def _portion(self, originals: pa.Array, secrets: Sequence[bytes]) -> pa.StringArray:
        fakes, likeness = self._fakes, self._likeness
        drawn = fakes.drawn(_drawn_words(originals, secrets))
        text = fakes.written(drawn)
        rows = likeness.unchanged(text, originals, likeness.candidates(text, drawn[0], originals))
        if len(rows) == 0:
            return text
        for _ in range(_TRIES):
            drawn[:, rows] = fakes.following(drawn[:, rows])
            again, left = fakes.written(drawn[:, rows]), originals.take(pa.array(rows))
            rows = rows[likeness.unchanged(again, left, np.arange(len(rows)))]
            if len(rows) == 0:
                break
        return fakes.written(drawn)


def _drawn_words(originals: pa.Array, secrets: Sequence[bytes]) -> NDArray[np.uint64]:
    digests = cmac.digest(originals, secrets[0])
    first = np.frombuffer(digests.buffers()[1], "<u8", len(digests) * _WORDS).reshape(-1, _WORDS)
    words = [first, *(cmac.digest_blocks(first, secret) for secret in secrets[1:])]
    # The first words of all draws next to each other, then the second ones: one at a time is read of all.
    return np.array([column for each in words for column in each.T]).T


def _pattern(text: str, *, unique: bool) -> Pattern:
    pattern = Pattern.of(text)
    if unique and pattern.choices < _LIKELY_UNIQUE:
        raise ValueError(
            f"`unique:` needs a pattern of at least {_LIKELY_UNIQUE:.0e} texts, so that a million values hardly ever "
            f"meet; this one has {pattern.choices:.1e}"
        )
    return pattern


def _iban(locale: str) -> Iban:
    country, account = fake_pools.bank_of(locale)
    letters, bank = FICTIONAL_BANKS["letters"], FICTIONAL_BANKS.get(country, "")
    if account.startswith("?" * len(letters)):
        return Iban(country, Pattern(letters + account[len(letters) :]))
    return Iban(country, Pattern(bank + account[len(bank) :]))
