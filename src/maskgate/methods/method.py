"""What a masking method is.

A method declares once, as data, everything that others want to know of it: its parameters, the types it takes, how
its output looks, whether uniqueness survives, who can reverse it. The reader of the rules file, the plan, the gate
and the docs all read that declaration; none keeps a list of its own.

* Every method reads original values.
* Null in, null out; the empty string is a value.
* A method never raises an error that holds a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

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
    """The kind of value that a parameter takes in the rules file."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    NUMBERS = "number or list of numbers"


@dataclass(frozen=True)
class Parameter:
    """One option of a method, as the rules file spells it."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declaration:
    """Everything there is to know of a method without running it.

    Attributes:
        name: What the rules file calls it.
        term: Its technique in ISO/IEC 20889.
        summary: One sentence for people.
        accepts: Families of Arrow types that it takes.
        parameters: Its options.
        uniqueness: Whether different values stay different.
        reversible_by: Who can get the originals back.
        needs_key: Whether it takes a key, from ``key:`` or from its domain.
        needs_domain: Whether it takes ``domain:``, which then also carries the key.
        needs_entity: Whether the table must say whose row it is (``entity:``).
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
    needs_entity: bool = False


@dataclass(frozen=True)
class Domain:
    """A named token space: same domain, same value, same key, same token.

    Attributes:
        name: What the rules file calls it.
        scheme: ``hmac`` or ``cmac``.
        key: The name of the key in ``keys:``.
        prefix: Text before every token.
        normalize: Steps applied to a string before it is tokenized, in order: ``trim``, ``lower``.
    """

    name: str
    scheme: str
    key: str
    prefix: str = ""
    normalize: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What a method may look at beside the column itself.

    Attributes:
        table: Name of the table in the rules file.
        column: Name of the column.
        key: The key of this column (the domain's, the column's or the table's), if the method declares ``needs_key``.
        entity: Original values of the table's entity column, as long as the column itself, if declared.
    """

    table: str
    column: str
    key: Key | None = field(default=None, repr=False)
    entity: pa.Array | None = field(default=None, repr=False)


class Method(Protocol):
    """One masking technique, configured for one column."""

    declaration: ClassVar[Declaration]

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Method:
        """Make the method from options that fit its declaration, defaults filled in.

        Raises:
            ValueError: If options contradict each other; the message is for the author of the rules.
        """
        ...

    def output_type(self, input_type: pa.DataType) -> pa.DataType | None:
        """Return the type that comes out for a type that goes in; None if the column is dropped.

        Raises:
            ValueError: If these options cannot take this type (families were checked before).
        """
        ...

    def shape(self) -> Shape:
        """Say how the output looks, so that the gate can check it without a key."""
        ...

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Mask one batch of a column; not called where the column is dropped.

        Raises:
            MaskingError: If a value cannot be taken. The message names the column, never the value.
        """
        ...
