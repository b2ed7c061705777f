"""Tables of any schema, nested ones included, each with rules that fit it.

Every text, number and date of a table is told apart from all that masking could write: texts begin with ``ZQ``, numbers
and dates come from a range of their own. Columns are cut out of longer ones and split into chunks, so that bytes of
other rows lie around and under them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from maskgate.keys import Key, KeyRing
from maskgate.rules import Rules, load_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
OTHER_KEYS = KeyRing({"people": Key("people", bytes(range(1, 33)))})
HEAD = """
version: 1
keys: {people: "env:UNUSED"}
domains:
  hmac: {scheme: hmac}
  cmac: {scheme: cmac, prefix: c_}
  encrypt: {scheme: encrypt}
  short: {scheme: cmac, format: base32, length: 20}
tables:
  t:
    entity: entity
    columns:
      entity: {method: token, domain: cmac}
"""

_TEXT_RULES = (
    "{method: token, domain: hmac}",
    "{method: token, domain: cmac}",
    "{method: token, domain: encrypt}",
    "{method: token, domain: short}",
    "{method: fake, kind: name}",
    "redact",
    "nullify",
    "mask",
)
_NUMBER_RULES = ("{method: token, domain: cmac}", "{method: noise, scale: 7, min: 0, max: 9}", "redact", "nullify")
_DATE_RULES = ("{method: token, domain: hmac}", "{method: generalize, to: year}", "redact", "nullify")
_KEY_RULES = _TEXT_RULES[:5]
_OTHER_RULES = ("redact", "nullify")
_FIRST_NUMBER = 0x5A51_0000_0000
_FIRST_DAY = dt.date(1913, 2, 4)


@dataclass(frozen=True)
class Leaf:
    """A column without anything inside: its type, what its values are, and the rules that take it."""

    type: pa.DataType
    values: Any
    rules: tuple[str, ...]


def _texts(n: int) -> str:
    return f"ZQ{n:06d}é@x" * (1 + n % 3)


def _day(n: int) -> dt.date:
    return _FIRST_DAY + dt.timedelta(days=n)


def _moment(n: int) -> dt.datetime:
    return dt.datetime(1913, 2, 4, 5, 6, 7) + dt.timedelta(seconds=n * 86_399)  # noqa: DTZ001  columns without a zone


LEAVES = (
    Leaf(pa.string(), _texts, _TEXT_RULES),
    Leaf(pa.large_string(), _texts, _TEXT_RULES),
    Leaf(pa.string_view(), _texts, _TEXT_RULES),
    Leaf(pa.dictionary(pa.int16(), pa.string()), _texts, _TEXT_RULES),
    Leaf(pa.binary(), lambda n: _texts(n).encode(), (*_TEXT_RULES[:2], "redact", "nullify")),
    Leaf(pa.int64(), lambda n: _FIRST_NUMBER + n, _NUMBER_RULES),
    Leaf(pa.uint64(), lambda n: _FIRST_NUMBER + n, _NUMBER_RULES),
    Leaf(pa.date32(), _day, _DATE_RULES),
    Leaf(pa.timestamp("us"), _moment, _DATE_RULES),
    Leaf(pa.dictionary(pa.int8(), pa.large_string()), _texts, _TEXT_RULES),
    Leaf(pa.binary(16), lambda n: b"ZQ%014d" % n, (*_TEXT_RULES[:2], *_OTHER_RULES)),
    Leaf(pa.decimal64(18, 0), lambda n: Decimal(_FIRST_NUMBER + n), _NUMBER_RULES),
    Leaf(pa.decimal128(20, 2), lambda n: Decimal(_FIRST_NUMBER + n), _OTHER_RULES),
    Leaf(pa.time64("us"), lambda n: dt.time(23, 59, n % 60, 900_000 + n), _OTHER_RULES),
    # Of these nobody could tell one from another by its bytes, so that they may stay.
    Leaf(pa.bool_(), lambda n: n % 2 == 0, (*_OTHER_RULES, "keep")),
    Leaf(pa.int8(), lambda n: n, ("keep", "redact")),
    Leaf(pa.null(), lambda _: None, ("keep", "redact")),
)
# Arrow makes no such values inside of nested ones.
RUNS = (Leaf(pa.run_end_encoded(pa.int32(), pa.string()), _texts, _TEXT_RULES),)


@dataclass(frozen=True)
class Branch:
    """A type with rules for its leaves, by path, and a way to make its values out of numbers."""

    type: pa.DataType
    rules: tuple[tuple[str, str], ...]
    make: Any


@st.composite
def _leaf(draw: st.DrawFn, leaves: tuple[Leaf, ...] = LEAVES) -> Branch:
    leaf = draw(st.sampled_from(leaves))
    rule = draw(st.sampled_from(leaf.rules))
    return Branch(leaf.type, (("", rule),), st.one_of(st.none(), st.integers(0, 90).map(leaf.values)))


@st.composite
def _struct(draw: st.DrawFn, inner: st.SearchStrategy[Branch]) -> Branch:
    parts = draw(st.lists(inner, min_size=1, max_size=3))
    type_ = pa.struct([pa.field(f"f{index}", part.type) for index, part in enumerate(parts)])
    rules = tuple((f".f{index}{path}", rule) for index, part in enumerate(parts) for path, rule in part.rules)
    made = st.fixed_dictionaries({f"f{index}": part.make for index, part in enumerate(parts)})
    return Branch(type_, rules, st.one_of(st.none(), made))


@st.composite
def _list(draw: st.DrawFn, inner: st.SearchStrategy[Branch]) -> Branch:
    part = draw(inner)
    build, least, most = draw(
        st.sampled_from(
            [
                (pa.list_, 0, 3),
                (pa.large_list, 0, 3),
                (pa.list_view, 0, 3),
                (pa.large_list_view, 0, 3),
                (lambda t: pa.list_(t, 2), 2, 2),
            ]
        )
    )
    rules = tuple((f"[]{path}", rule) for path, rule in part.rules)
    made = st.lists(part.make, min_size=least, max_size=most)
    return Branch(build(part.type), rules, st.one_of(st.none(), made))


@st.composite
def _map(draw: st.DrawFn, inner: st.SearchStrategy[Branch]) -> Branch:
    part = draw(inner)
    rules = (
        ("[].key", draw(st.sampled_from(_KEY_RULES))),
        *((f"[].value{path}", rule) for path, rule in part.rules),
    )
    keys = st.integers(0, 90).map(_texts)
    made = st.lists(st.tuples(keys, part.make), max_size=3, unique_by=lambda entry: entry[0])
    return Branch(pa.map_(pa.string(), part.type), rules, st.one_of(st.none(), made))


def _branches(depth: int) -> st.SearchStrategy[Branch]:
    if depth == 0:
        return _leaf()
    inner = _branches(depth - 1)
    return st.one_of(_leaf(), _struct(inner), _list(inner), _map(inner))


@dataclass(frozen=True)
class Generated:
    """A table, its rules, and the rule of each path."""

    table: pa.Table
    rules: Rules
    by_path: dict[str, str]


@st.composite
def tables(draw: st.DrawFn, depth: int = 2) -> Generated:
    """Draw a table with rules for it."""
    branches = draw(st.lists(st.one_of(_branches(depth), _leaf(RUNS)), min_size=1, max_size=3))
    rows = draw(st.integers(0, 12))
    columns = {"entity": pa.chunked_array([pa.array([f"ZQentity{n % 5}" for n in range(rows)], pa.string())])}
    by_path = {}
    for index, branch in enumerate(branches):
        values = draw(st.lists(branch.make, min_size=rows, max_size=rows))
        columns[f"c{index}"] = _cut(draw, branch, values)
        by_path.update({f"c{index}{path}": rule for path, rule in branch.rules})
    lines = "".join(f'      "{path}": {rule}\n' for path, rule in by_path.items())
    return Generated(pa.table(columns), load_rules(HEAD + lines), by_path)


def _cut(draw: st.DrawFn, branch: Branch, values: list[Any]) -> pa.ChunkedArray:
    """Make a column inside of a longer one, in one chunk or two."""
    around = draw(st.lists(branch.make, max_size=2))
    whole = pa.array([*around, *values, *around], branch.type).slice(len(around), len(values))
    at = draw(st.integers(0, len(values)))
    return pa.chunked_array([whole.slice(0, at), whole.slice(at)], branch.type)


def original_texts(table: pa.Table) -> set[bytes]:
    """Return every text of a table as bytes, whatever it is nested in."""
    found: set[bytes] = set()
    _collect(table.to_pylist(), found)
    return found


def _collect(value: Any, found: set[bytes]) -> None:
    if isinstance(value, str):
        found.add(value.encode())
    elif isinstance(value, bytes):
        found.add(value)
    elif isinstance(value, dict):
        _collect(list(value.values()), found)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, found)
    elif isinstance(value, int) and value >= _FIRST_NUMBER:
        found.update((value.to_bytes(8, "little"), str(value).encode()))
    elif isinstance(value, dt.datetime):
        micros = (value - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)  # noqa: DTZ001  as stored
        found.add(micros.to_bytes(8, "little", signed=True))
