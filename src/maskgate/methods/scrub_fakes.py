"""Fakes of numbers and addresses, in the form of the value that they stand for.

Digits and letters are drawn by a keyed function of the value, and written where the value has its own, so separators
stay. None is anybody's: social security numbers begin with 9 and national insurance numbers with QQ, which are not
given out; cards begin with 00, which payment cards do not (ISO/IEC 7812-1), and pass Luhn; IP addresses are private
ones (RFC 1918) or for documentation (RFC 3849), MAC addresses locally administered, pages on ``example.com``
(RFC 2606).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.crypto import cmac
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, Text, strings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_ZERO = ord("0")
_HEXADECIMAL = np.frombuffer(b"0123456789abcdef", np.uint8)
_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
_V6_SEPARATOR = ":"


def faked(kind: str, values: pa.Array, key: bytes) -> pa.Array:
    """Return a fake for each value: the same for the same value, kind and key.

    Args:
        kind: One of ``FORMS``.
        values: ``large_string``.
        key: 16, 24 or 32 bytes.
    """
    digests = cmac.digest(values, key=key)
    draws = np.frombuffer(digests.buffers()[1], np.uint8, len(digests) * cmac.BLOCK).reshape(-1, cmac.BLOCK)
    return FORMS[kind](values, draws)


def _card(values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    def digits(counts: NDArray[np.int64], most: int) -> NDArray[np.uint8]:
        drawn = np.zeros((len(draws), most), np.int64)
        wanted = min(most, 2 + draws.shape[1])
        drawn[:, 2:wanted] = draws[:, : wanted - 2] % 10
        place = np.arange(most)
        last = (counts - 1)[:, None]
        drawn[place >= last] = 0
        doubled = (last - place) % 2 == 1
        twice = drawn * 2 - 9 * (drawn > 4)  # noqa: PLR2004  two digits from here on
        check = -np.where(doubled, twice, drawn).sum(axis=1) % 10
        drawn[np.arange(len(drawn)), counts - 1] = check
        return (drawn + _ZERO).astype(np.uint8)

    return _in_places(values, DIGIT, digits)


def _social_security(values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    def digits(_counts: NDArray[np.int64], most: int) -> NDArray[np.uint8]:
        drawn = np.zeros((len(draws), most), np.int64)
        drawn[:, :9] = draws[:, :9] % 10
        # 9 begins no number; a group from 50 on would make it a taxpayer's.
        drawn[:, 0], drawn[:, 3], drawn[:, 4] = 9, draws[:, 3] % 4, 1 + draws[:, 4] % 9
        return (drawn + _ZERO).astype(np.uint8)

    return _in_places(values, DIGIT, digits)


def _national_insurance(values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    def letters(_counts: NDArray[np.int64], most: int) -> NDArray[np.uint8]:
        drawn = np.full((len(draws), most), ord("Q"), np.uint8)
        drawn[:, 2:8] = _ZERO + draws[:, 2:8] % 10
        drawn[:, 8:9] = ord("A") + draws[:, 8:9] % 4
        return drawn

    return _in_places(values, _ALPHANUMERIC, letters)


def _interface(values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    def letters(_counts: NDArray[np.int64], most: int) -> NDArray[np.uint8]:
        drawn = _HEXADECIMAL[np.resize(draws, (len(draws), 16))[:, np.arange(most) % 16] % 16]
        drawn[:, 0], drawn[:, 1] = _ZERO, _ZERO + 2
        return drawn

    return _in_places(values, _ALPHANUMERIC, letters)


def _ip(values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    numbers = [pa.array(draws[:, column]).cast(pa.large_string()) for column in range(3)]
    ten, point, colon = (pa.scalar(each, pa.large_string()) for each in ("10", ".", _V6_SEPARATOR))
    short = pc.binary_join_element_wise(ten, *numbers, point)
    groups = [_written(_HEXADECIMAL[draws[:, at : at + 4] % 16]) for at in range(0, 16, 4)]
    documentation = pa.scalar("2001:db8", pa.large_string())
    nothing = pa.scalar("", pa.large_string())
    long = pc.binary_join_element_wise(documentation, nothing, *groups, colon)
    return pc.if_else(pc.match_substring(values, _V6_SEPARATOR), long, short)


def _page(_values: pa.Array, draws: NDArray[np.uint8]) -> pa.Array:
    start, nothing = (pa.scalar(each, pa.large_string()) for each in ("https://example.com/", ""))
    return pc.binary_join_element_wise(start, _written(_BASE32[draws[:, :12] % 32]), nothing)


_ALPHANUMERIC = np.array([chr(each).isalnum() for each in range(128)] + [False] * 128)


def _in_places(
    values: pa.Array, wanted: NDArray[np.bool_], letters: Callable[[NDArray[np.int64], int], NDArray[np.uint8]]
) -> pa.Array:
    """Write letters over the wanted ones of each value.

    Args:
        values: The values.
        wanted: For each byte, whether it is written over.
        letters: Takes how many each value has, and how many one has at most, and returns a row for each value.
    """
    text = Text.of(values)
    is_wanted = wanted[text.data]
    running = np.concatenate([[0], np.cumsum(is_wanted)])
    counts = running[text.ends] - running[text.starts]
    drawn = letters(counts, int(counts.max(initial=0)))
    data = text.data.copy()
    places = np.flatnonzero(is_wanted)
    cells = text.cell_of(places)
    data[places] = drawn[cells, running[places] - running[text.starts[cells]]]
    inside = Spans(text.starts, text.ends)
    edges = np.concatenate([[0], np.cumsum(text.ends - text.starts)])
    return strings(data[inside.bytes_inside()], edges)


def _written(letters: NDArray[np.uint8]) -> pa.Array:
    rows, width = letters.shape
    return strings(np.ascontiguousarray(letters).ravel(), np.arange(rows + 1) * width)


FORMS: dict[str, Callable[[pa.Array, NDArray[np.uint8]], pa.Array]] = {
    "card": _card,
    "ssn": _social_security,
    "nino": _national_insurance,
    "ip": _ip,
    "mac": _interface,
    "url": _page,
}
