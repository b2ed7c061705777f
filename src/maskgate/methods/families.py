"""Which family of types an Arrow type belongs to."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.types as is_

from maskgate.methods.extensions import unwrapped_type
from maskgate.methods.method import Family

_TESTS = (
    (Family.NULL, (is_.is_null,)),
    (Family.BOOLEAN, (is_.is_boolean,)),
    (Family.INTEGER, (is_.is_integer,)),
    (Family.FLOAT, (is_.is_floating,)),
    (Family.DECIMAL, (is_.is_decimal,)),
    (Family.STRING, (is_.is_string, is_.is_large_string, is_.is_string_view)),
    (Family.BINARY, (is_.is_binary, is_.is_large_binary, is_.is_binary_view, is_.is_fixed_size_binary)),
    (Family.DATE, (is_.is_date,)),
    (Family.TIMESTAMP, (is_.is_timestamp,)),
    (Family.TIME, (is_.is_time,)),
    (Family.DURATION, (is_.is_duration,)),
    (Family.INTERVAL, (is_.is_interval,)),
    (Family.NESTED, (is_.is_nested,)),
)

EVERY_FAMILY = frozenset(Family)


def family_of(type_: pa.DataType) -> Family:
    """Return the family of a type; that of the values for a dictionary, and of what an extension stands for.

    Example:
        >>> family_of(pa.dictionary(pa.int8(), pa.large_string()))
        <Family.STRING: 'string'>
    """
    value = value_type(type_)
    return next((family for family, tests in _TESTS if any(test(value) for test in tests)), Family.OTHER)


def value_type(type_: pa.DataType) -> pa.DataType:
    """Return the type of the values that a dictionary or an extension type stands for."""
    while True:
        if is_.is_dictionary(type_):
            type_ = type_.value_type
        elif isinstance(type_, pa.BaseExtensionType):
            type_ = unwrapped_type(type_)
        else:
            return type_
