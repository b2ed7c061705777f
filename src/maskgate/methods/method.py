"""What a masking method is.

A method declares once, as data, everything that others want to know of it: its parameters, the types it takes, how
its output looks, whether uniqueness survives, who can reverse it. The reader of the rules file, the plan, the gate
and the docs all read that declaration; none keeps a list of its own.

* Every method reads original values.
* Null in, null out; the empty string is a value.
* A method never raises an error that holds a value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from maskgate.keys import Key
    from maskgate.methods.shape import Shape


class Family(StrEnum):
    """A family of Arrow types that a method takes as one. ``STRING`` holds all string layouts, and so on."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    STRING = "string"
    BINARY = "binary"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    DURATION = "duration"
    INTERVAL = "interval"
    NESTED = "nested"
    NULL = "null"
    OTHER = "other"


class Uniqueness(StrEnum):
    """Whether different values stay different."""

    PRESERVED = "preserved"
    LIKELY = "likely"
    LOST = "lost"


class ReversibleBy(StrEnum):
    """Who can get the originals back from the output."""

    NOBODY = "nobody"
    KEY_HOLDER = "key holder"
    EVERYBODY = "everybody"


class Kind(StrEnum):
    """The kind of value that a parameter takes in the rules file.

    ``STRINGS``, ``VALUES`` and ``COLUMNS`` reach the method as a list, also where the file has a single one. ``VALUES``
    are texts, whole numbers and booleans, and reach it as texts: ``7``, ``true``. A ``FILE`` is read together with the
    rules, so that their digest covers it, and reaches the method as ``{"file": path, "content": text}``; the path is
    relative to the rules file and stays in its folder. A ``MATRIX`` is a mapping of texts to mappings of texts to
    numbers.
    """

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    NUMBERS = "number or list of numbers"
    STRINGS = "text or list of texts"
    VALUES = "value or list of values"
    CHOICES = "list of words"
    COLUMNS = "column or list of columns"
    MATRIX = "table of probabilities"
    FILE = "path of a file"


@dataclass(frozen=True)
class Parameter:
    """One option of a method, as the rules file spells it.

    Attributes:
        name: What the rules file calls it.
        kind: What it takes.
        description: What it is for, in one sentence.
        required: Whether it must be there.
        default: What it is if it is not there.
        minimum: The least number that it takes.
        maximum: The greatest.
        choices: The words that it takes.
        above: The greatest number that is too little.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    above: float | None = None


@dataclass(frozen=True)
class Declaration:
    """Everything there is to know of a method without running it.

    Attributes:
        name: What the rules file calls it.
        term: Its technique in ISO/IEC 20889.
        summary: One sentence for people.
        done: What happened to a cell, in a few words, for the reviewer: ``replaced by a token``.
        accepts: Families of Arrow types that it takes.
        parameters: Its options.
        one_of: Options of which exactly one must be there; empty if there are none such.
        uniqueness: Whether different values stay different.
        reversible_by: Who can get the originals back.
        needs_key: Whether it takes a key, from ``key:`` or from its domain.
        needs_domain: Whether it takes ``domain:``, which then also carries the key.
        takes_domain: Whether it may have a ``domain:``; the key is then the domain's, otherwise that of the column or
            the table.
        needs_entity: Whether the table must say whose row it is (``entity:``).
        whole_table: Whether a cell's output depends on the cells of other rows, so that all must be there at once.
    """

    name: str
    term: str
    summary: str
    accepts: frozenset[Family]
    parameters: tuple[Parameter, ...] = ()
    uniqueness: Uniqueness = Uniqueness.LOST
    reversible_by: ReversibleBy = ReversibleBy.NOBODY
    needs_key: bool = False
    needs_domain: bool = False
    takes_domain: bool = False
    needs_entity: bool = False
    whole_table: bool = False
    done: str = ""
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Domain:
    """A named token space: same domain, same value, same key, same token.

    Attributes:
        name: What the rules file calls it.
        scheme: ``hmac``, ``cmac``, ``encrypt`` or ``fpe``.
        key: The name of the key in ``keys:``.
        prefix: Text before every token; ``{version}`` in it stands for the version of the key.
        normalize: Steps applied to a string before it is tokenized, in order: ``trim``, ``lower``, ``nfc``,
            ``digits`` (keep the decimal digits alone, those of other scripts as 0 to 9).
        scope: Whom the tokens are for: another scope has other tokens. Empty if they are for everybody.
        format: How a token is written: ``hex``, ``base32``, ``base58``, ``integer``, ``uuid``; empty for the scheme's
            own.
        length: Characters of a token without its prefix, or decimal digits of an integer; None for the scheme's own.
        alphabet: Under ``fpe``, the characters that values are made of: ``digits``, ``letters``, ``lowercase``,
            ``uppercase``, ``alphanumeric``, or the characters themselves; empty for ``digits``.
        digits: Under ``fpe``, how many digits an integer has, leading zeros included; None if it varies.
        luhn: Under ``fpe``, whether the last digit is a check digit that is right before and after.
    """

    name: str
    scheme: str
    key: str
    prefix: str = ""
    normalize: tuple[str, ...] = ()
    scope: str = ""
    format: str = ""
    length: int | None = None
    alphabet: str = ""
    digits: int | None = None
    luhn: bool = False

    @property
    def label(self) -> str:
        """What subkeys are derived for: the name, and the scope if there is one. No name has a colon in it."""
        return f"{self.name}:{self.scope}" if self.scope else self.name


@dataclass(frozen=True)
class Surroundings:
    """What a method may look at beside the column itself.

    Attributes:
        table: Name of the table in the rules file.
        column: The column's path, such as ``email`` or ``contacts[].email``.
        key: The key of this column (the domain's, the column's or the table's), if the method declares ``needs_key``.
        entity: Original values of the table's entity column, as long as the column itself, if declared.
        columns: Original values of the columns that :meth:`Method.reads` names, each as long as the column itself.
        row_key: Original values of the column that tells the table's rows apart, if the rules name one and the method
            sees the whole table.
    """

    table: str
    column: str
    key: Key | None = field(default=None, repr=False)
    entity: pa.Array | None = field(default=None, repr=False)
    columns: Mapping[str, pa.Array] = field(default_factory=dict, repr=False)
    row_key: pa.Array | None = field(default=None, repr=False)


class Method(ABC):
    """One masking technique, configured for one column.

    A subclass is a frozen dataclass of its own options. Plugins subclass it too, and are found by the entry point
    group ``maskgate.methods``; the name of a plugin's method has a dot in it, such as ``acme.round_money``.
    """

    declaration: ClassVar[Declaration]

    @classmethod
    @abstractmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:
        """Make the method from options that fit its declaration, defaults filled in.

        Raises:
            ValueError: If options contradict each other; the message is for the author of the rules.
        """

    @abstractmethod
    def output_type(self, input_type: pa.DataType) -> pa.DataType | None:
        """Return the type that comes out for a type that goes in; None if the column is dropped.

        Raises:
            ValueError: If these options cannot take this type (families were checked before).
        """

    @abstractmethod
    def shape(self) -> Shape:
        """Say how the output looks, so that the gate can check it without a key."""

    @abstractmethod
    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Mask one batch of a column; not called where the column is dropped.

        Raises:
            MaskingError: If a value cannot be taken. The message names the column, never the value.
        """

    def invalid(self, column: pa.Array, surroundings: Surroundings) -> pa.Array | None:  # noqa: ARG002  for overriding
        """Say which cells :meth:`apply` cannot take, so that ``on_invalid:`` can do something about them.

        Returns:
            Booleans without nulls, False where the cell is null; or None if it takes all.
        """
        return None

    def reads(self) -> tuple[str, ...]:
        """Return the paths of the other columns whose original values it looks at."""
        return ()

    def check_other(self, kind: pa.DataType) -> None:  # noqa: B027  for overriding
        """Refuse another column that it looks at, where a column of such a type is of no use.

        Raises:
            ValueError: If so; the message goes behind the name of that column.
        """

    @property
    def uniqueness(self) -> Uniqueness:
        """Whether different values stay different, as configured."""
        return self.declaration.uniqueness

    @property
    def reversible_by(self) -> ReversibleBy:
        """Who can get the originals back, as configured."""
        return self.declaration.reversible_by

    def facts(self) -> Mapping[str, Any]:
        """Return what the report of a run should say beside counts, as JSON values: a pool's digest, an epsilon.

        ``epsilon`` is that of one cell; the report adds up what one entity spends.
        """
        return _NO_FACTS


_NO_FACTS: Mapping[str, Any] = MappingProxyType({})
