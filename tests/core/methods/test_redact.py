"""One text for every value, and a null for every null."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.methods import METHODS, Surroundings

HERE = Surroundings("customers", "column")


def redacted(values, **options):
    return METHODS["redact"].configure(options, None).apply(values, HERE)


class TestRedact:
    def test_nothing_stays_nothing(self):
        assert redacted(pa.array([], pa.int64())).type == pa.string()

    @pytest.mark.parametrize("values", [["", "a", None], [0, 1, None], [[], ["a"], None]], ids=str)
    def test_every_value_of_every_type_becomes_the_text(self, values):
        assert redacted(pa.array(values)).to_pylist() == ["***", "***", None]
        assert redacted(pa.array(values), **{"with": "gone"}).to_pylist() == ["gone", "gone", None]

    @pytest.mark.parametrize(
        "column",
        [
            pytest.param(
                pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0], pa.int8()), pa.array(["a", None])),
                id="an entry of a dictionary",
            ),
            pytest.param(pa.RunEndEncodedArray.from_arrays([1, 3, 4], pa.array(["a", None, "b"])), id="a run"),
            pytest.param(
                pa.UnionArray.from_sparse(
                    pa.array([1, 0, 0, 1], pa.int8()), [pa.array([1, None, None, 1]), pa.array(["a", "b", "c", "d"])]
                ),
                id="a member of a union",
            ),
            pytest.param(pa.array(["x", "a", None, None, "b", None]).slice(1, 4), id="cells of a slice"),
        ],
    )
    def test_what_is_null_in_any_layout_stays_null(self, column):
        assert redacted(column).to_pylist() == ["***", None, None, "***"]

    def test_codes_of_a_dictionary_tell_nothing(self):
        """Which rows were equal cannot be read from the codes."""
        column = redacted(pa.array(["a", "b", None, "a"]).dictionary_encode())
        assert (column.dictionary.to_pylist(), column.indices.to_pylist()) == (["***"], [0, 0, None, 0])


class TestNullify:
    def test_every_cell_is_null_and_the_type_stays(self):
        for kind in (pa.int8(), pa.string(), pa.list_(pa.date32()), pa.dictionary(pa.int8(), pa.string())):
            column = METHODS["nullify"].configure({}, None).apply(pa.nulls(3, kind), HERE)
            assert (column.type, column.null_count) == (kind, 3)
