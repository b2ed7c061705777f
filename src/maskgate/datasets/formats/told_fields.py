"""Fields that a file tells, looked at once before anybody uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_fields(fields: Iterable[pa.Field]) -> None:
    """Refuse what pyarrow fails at wherever it meets it: names that are not UTF-8, and lengths that are none.

    Args:
        fields: The fields, which are looked at as deep as they are.

    Raises:
        ValueError: If there is one.
    """
    for item in fields:
        _ = item.name
        _check_type(item.type)


def _check_type(kind: pa.DataType) -> None:
    if isinstance(kind, pa.BaseExtensionType):
        _check_type(kind.storage_type)
    elif pa.types.is_dictionary(kind):
        _check_type(kind.value_type)
    elif pa.types.is_timestamp(kind):
        _ = kind.tz
    elif pa.types.is_fixed_size_list(kind) and kind.list_size < 0:
        raise ValueError("lists of a length below zero")
    else:
        check_fields(kind.field(at) for at in range(kind.num_fields))
