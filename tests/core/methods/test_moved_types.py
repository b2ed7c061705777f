"""Values of every type can go to other rows: all of them are still there, and nothing depends on their layout."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.keys import Key
from maskgate.methods import METHODS, Surroundings
from maskgate.methods.nested_cells import nested_cells
from maskgate.methods.nesting import taken
from maskgate.methods.row_order import spelled
from maskgate.testing.haunted_columns import bytes_of

KEY = Key("people", bytes(range(32)))
COUNT = 40
HERE = np.arange(COUNT) % 7 != 3
TEXTS = pa.array([f"ZQ{at:03}" if at % 7 == 3 else f"t{at:03}" for at in range(COUNT)])
CODES = pa.array(np.arange(COUNT) % 2, pa.int8())
OFFSETS = pa.array(np.arange(COUNT + 1) // 2 * 2, pa.int32())


def covered(column):
    """Make every seventh cell null, with its bytes still there."""
    bits = pa.py_buffer(np.packbits(HERE, bitorder="little"))
    return pa.Array.from_buffers(column.type, len(column), [bits, *column.buffers()[1:]])


def single(kind):
    numbers = pa.array(np.arange(COUNT) * 1_000_003)
    width = kind.bit_width // 8
    if pa.types.is_fixed_size_binary(kind):
        return covered(pa.array([at.to_bytes(width, "little") for at in range(COUNT)], kind))
    cells = np.zeros((COUNT, width // 4), "<i4")
    cells[:, 0] = numbers.to_numpy() % 86_400
    return covered(pa.Array.from_buffers(kind, COUNT, [None, pa.py_buffer(cells)]))


STRUCTS = pa.StructArray.from_arrays([TEXTS, single(pa.duration("ms"))], ["text", "took"], mask=pa.array(~HERE))
LISTS = pa.ListArray.from_arrays(OFFSETS, TEXTS)
COLUMNS = [
    *map(single, [pa.duration("s"), pa.duration("ns"), pa.month_day_nano_interval(), pa.time32("ms"), pa.binary(7)]),
    *map(single, [pa.time64("ns"), pa.float32(), pa.decimal256(40, 2), pa.timestamp("us", "Asia/Tokyo"), pa.uint32()]),
    pa.array([None if at % 7 == 3 else at % 2 == 0 for at in range(COUNT)]),
    covered(pa.array([f"b{at}".encode() for at in range(COUNT)])),
    pa.nulls(COUNT),
    STRUCTS,
    LISTS,
    LISTS.cast(pa.large_list(pa.large_string())),
    pa.FixedSizeListArray.from_arrays(pa.concat_arrays([TEXTS, TEXTS]), 2, mask=pa.array(~HERE)),
    pa.MapArray.from_arrays(OFFSETS, TEXTS, STRUCTS),
    pa.UnionArray.from_sparse(CODES, [TEXTS, STRUCTS]),
    pa.UnionArray.from_dense(CODES, pa.array(np.arange(COUNT) // 2, pa.int32()), [TEXTS, LISTS]),
    pa.StructArray.from_arrays([pc.run_end_encode(TEXTS)], ["runs"]),
]
METHOD = [("shuffle", {}), ("swap", {}), ("swap", {"within": ["group"]})]


def moved(name, options, column, *, row_key=None):
    columns = {"group": pa.array(np.arange(len(column)) % 3)} if options else {}
    around = Surroundings("t", "c", KEY, None, columns, row_key)
    return METHODS[name].configure(options, None).apply(column, around)


@pytest.mark.parametrize(("name", "options"), METHOD, ids=["shuffle", "swap", "swap within"])
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: str(column.type)[:40])
class TestEveryType:
    @pytest.mark.parametrize("row_key", [None, pa.array(range(COUNT))], ids=["by chance", "by row key"])
    def test_all_values_are_there_and_nulls_stay(self, name, options, column, row_key):
        out = moved(name, options, column, row_key=row_key)
        out.validate(full=True)
        before, after = column.to_pylist(), out.to_pylist()
        assert out.type == column.type
        assert sorted(map(repr, after)) == sorted(map(repr, before))
        if column.null_count:
            assert [cell is None for cell in after] == [cell is None for cell in before]
        if len({*map(repr, before)}) > 3:
            assert after != before
        assert b"ZQ" not in bytes_of(out) or "ZQ" in repr(before)

    def test_a_slice_moves_as_its_cells_do(self, name, options, column):
        apart = moved(name, options, column.slice(5, 20)).to_pylist()
        places = pa.array(range(5, 25))
        assert moved(name, options, taken(column, places)).to_pylist() == apart


class TestRunsInside:
    def test_between_lists_of_one_size_that_are_null(self):
        runs = pc.run_end_encode(pa.array(["a", "b", "c", "d", "d", "f", "g", "h", "i", "j"]))
        column = pa.FixedSizeListArray.from_arrays(runs, 2, mask=pa.array([True, False, False, False, True]))
        out = moved("shuffle", {}, column)
        assert sorted(map(str, out.to_pylist())) == sorted(map(str, column.to_pylist()))


class TestDictionariesInside:
    def test_their_entries_do_not_tell_where_the_cells_stood(self):
        """They stand in the order in which the cells use them now."""
        inside = pa.array([f"t{at}" for at in range(COUNT)]).dictionary_encode()
        out = moved("shuffle", {}, pa.StructArray.from_arrays([inside], ["a"]))
        assert out.field("a").indices.to_pylist() == list(range(COUNT))
        assert out.field("a").dictionary.to_pylist() != inside.dictionary.to_pylist()


class TestNestedCells:
    """Bytes that stand for nested cells: the same for equal cells in every layout, and for no others."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(pa.list_(pa.string()), pa.large_list(pa.large_string()), id="offsets"),
            pytest.param(pa.list_(pa.string()), pa.list_view(pa.string_view()), id="views"),
            pytest.param(pa.list_(pa.string()), pa.list_(pa.dictionary(pa.int8(), pa.string())), id="dictionaries"),
        ],
    )
    def test_the_layout_makes_no_difference(self, one, other):
        cells = [["a", None, ""], [], None, ["a"], ["ab", "c"]]
        written = nested_cells(pa.array(cells, one), spelled)
        assert written.equals(nested_cells(pa.array(cells, other), spelled))
        assert written.is_null().to_pylist() == [False, False, True, False, False]

    def test_runs_make_no_difference(self):
        texts = pa.array(["a", "a", None, "b"])
        lists, runs = (pa.ListArray.from_arrays([0, 3, 3, 4], each) for each in (texts, pc.run_end_encode(texts)))
        assert nested_cells(lists, spelled).equals(nested_cells(runs, spelled))

    def test_no_two_cells_are_written_alike(self):
        kind = pa.list_(pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))]))
        inner = [None, [], [None], [""], ["\1"], ["a"], ["a", ""], ["", "a"]]
        cells = [[], [None], [None, None], *([{"a": a, "b": b}] for a in (None, "", "a") for b in inner)]
        cells += [[{"a": "a", "b": []}, None], [None, {"a": "a", "b": []}]]
        written = nested_cells(pa.array(cells, kind), spelled)
        assert len(pc.unique(written)) == len(cells)

    def test_members_of_unions_differ(self):
        texts, more = pa.array(["a", "b"]), pa.array(["a", "b"])
        for column in (
            pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [texts, pa.array(["z", "a"])]),
            pa.UnionArray.from_dense(pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [texts, more]),
        ):
            assert len(pc.unique(nested_cells(column, spelled))) == 2

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_a_duration_is_one_in_every_unit(self, unit):
        column = pa.array([0, 86_400, -1, None], pa.duration("s"))
        assert spelled(column.cast(pa.duration(unit))).equals(spelled(column))
        assert spelled(pa.array([2**63 - 1], pa.duration("s"))).to_pylist() == ["9223372036854775807000000000"]
