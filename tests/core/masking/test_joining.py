from __future__ import annotations

import itertools

import pyarrow as pa
import pytest

from maskgate.masking.joining import joined

COLUMNS = {
    "text": pa.array(["a", None, "ccc", "", "é"]),
    "large": pa.array([b"a", None, b"ccc", b"", b"e"], pa.large_binary()),
    "whole": pa.array([1, 2, None, 4, 5]),
    "flags": pa.array([True, None, False, True, False]),
    "moments": pa.array([1, 2, 3, 4, None], pa.timestamp("us", "UTC")),
    "money": pa.array([1, 2, 3, None, 5]).cast(pa.decimal128(21, 0)),
    "lists": pa.array([[1], None, [], [2, 3], [None]]),
    "codes": pa.array(["x", "y", None, "x", "z"]).dictionary_encode(),
}
TABLE = pa.RecordBatch.from_pydict(COLUMNS)


class TestJoined:
    """The rows of all batches, in order."""

    @pytest.mark.parametrize("cuts", [(0, 5), (0, 2, 5), (1, 2, 3, 4), (0, 0, 5, 5)])
    def test_slices_of_one_batch(self, cuts):
        parts = [TABLE.slice(start, stop - start) for start, stop in itertools.pairwise(cuts)]
        whole = joined(parts, TABLE.schema)
        whole.validate(full=True)
        assert whole.to_pylist() == TABLE.slice(cuts[0], cuts[-1] - cuts[0]).to_pylist()

    def test_slices_that_do_not_follow_each_other(self):
        parts = [TABLE.slice(3, 2), TABLE.slice(0, 1), TABLE.slice(0, 3)]
        assert joined(parts, TABLE.schema).to_pylist() == [row for part in parts for row in part.to_pylist()]

    def test_other_memory(self):
        other = pa.RecordBatch.from_pydict({name: pa.concat_arrays([column]) for name, column in COLUMNS.items()})
        again = pa.RecordBatch.from_pylist(TABLE.to_pylist(), schema=TABLE.schema)
        parts = [TABLE.slice(0, 2), again.slice(2, 3), other.slice(0, 5)]
        assert joined(parts, TABLE.schema).to_pylist() == [*TABLE.to_pylist(), *TABLE.to_pylist()]

    @pytest.mark.parametrize("name", ["text", "large", "whole", "flags", "moments", "money"])
    def test_what_follows_in_memory_is_not_copied(self, name):
        at = TABLE.schema.get_field_index(name)
        whole = joined([TABLE.slice(1, 2), TABLE.slice(3, 2)], TABLE.schema).column(at)
        places = [None if each is None else each.address for each in whole.buffers()]
        assert places == [None if each is None else each.address for each in TABLE.column(at).buffers()]
