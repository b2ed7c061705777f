"""Laws 2, 3, 4 and 12 of masking, over tables of any schema."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from core.masking.haunted_nesting import all_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from specifications.generated_tables import HEAD, KEYS, LEAVES, OTHER_KEYS, Generated, original_texts, tables
from specifications.ghosts import GHOST, haunted_table

from maskgate import mask_dataset, mask_table
from maskgate.masking import MaskingPlan
from maskgate.rules import load_rules

EXAMPLES = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TOKENS = "token"
# Every text of a generated table begins so; no token does, but by a chance of one in a thousand million.
MARK = b"ZQ0000"


def masked(generated: Generated, keys=KEYS, table=None) -> pa.Table:
    out, _ = mask_table(generated.table if table is None else table, generated.rules, table_name="t", keys=keys)
    return out


def leaves(column: pa.ChunkedArray | pa.Array, path: str = "") -> dict[str, list[pa.Array]]:
    """Take a column apart into its leaves; elements of null parents are no elements."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    found: dict[str, list[pa.Array]] = {}
    for chunk in chunks:
        for name, part in _parts(chunk, path):
            found.setdefault(name, []).append(part)
    return found


def _parts(array: pa.Array, path: str):
    kind = array.type
    if pa.types.is_struct(kind):
        for field, part in zip(kind, array.flatten(), strict=True):
            yield from _parts(part, f"{path}.{field.name}")
    elif pa.types.is_map(kind):
        starts = [entry for entry in array.to_pylist() if entry is not None]
        yield from _parts(pa.array([key for each in starts for key, _ in each], kind.key_type), f"{path}[].key")
        yield from _parts(pa.array([value for each in starts for _, value in each], kind.item_type), f"{path}[].value")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _parts(array.flatten(), f"{path}[]")
    else:
        yield path, array


def nulls(column: pa.ChunkedArray) -> dict[str, list[bool]]:
    """Say which cells are null, by their path; those of null structs and lists are no cells."""
    found: dict[str, list[bool]] = {}
    _look_for_nulls(column.to_pylist(), column.type, "", found)
    return found


def _look_for_nulls(cells: list, kind: pa.DataType, path: str, found: dict[str, list[bool]]) -> None:
    found[path] = [cell is None for cell in cells]
    present = [cell for cell in cells if cell is not None]
    if pa.types.is_struct(kind):
        for field in kind:
            _look_for_nulls([cell[field.name] for cell in present], field.type, f"{path}.{field.name}", found)
    elif pa.types.is_map(kind):
        entries = [entry for cell in present for entry in cell]
        _look_for_nulls([key for key, _ in entries], kind.key_type, f"{path}[].key", found)
        _look_for_nulls([value for _, value in entries], kind.item_type, f"{path}[].value", found)
    elif pa.types.is_nested(kind) and not pa.types.is_run_end_encoded(kind):
        _look_for_nulls([element for cell in present for element in cell], kind.value_type, f"{path}[]", found)


def files_of(table: pa.Table) -> dict[str, bytes]:
    """Write a table in every format, uncompressed."""
    made = {}
    for version in (True, False):
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="none", use_dictionary=version)
        made[f"parquet, dictionary={version}"] = sink.getvalue()
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    made["ipc"] = sink.getvalue()
    if not any(pa.types.is_nested(kind) for kind in table.schema.types):
        sink = io.BytesIO()
        plain = pa.table({name: _decoded(table[name]) for name in table.schema.names})
        pa.csv.write_csv(plain, sink)
        made["csv"] = sink.getvalue()
    return made


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string()) if pa.types.is_string_view(column.type) else column


class TestLaw2:
    """Every rule reads original values; null in, null out; the empty string is a value."""

    @EXAMPLES
    @given(tables())
    def test_a_null_stays_a_null_and_a_value_a_value(self, generated):
        out = masked(generated)
        assert out.num_rows == generated.table.num_rows
        for name in generated.table.column_names:
            before, after = nulls(generated.table[name]), nulls(out[name])
            for path, was_null in before.items():
                if generated.by_path.get(name + path) != "nullify":
                    assert after[path] == was_null, name + path

    @EXAMPLES
    @given(tables(depth=1))
    def test_a_column_comes_out_the_same_whatever_happens_to_the_others(self, generated):
        together = masked(generated)
        for name in generated.table.column_names:
            alone = generated.table.select(list(dict.fromkeys(["entity", name])))
            rules = _only(generated, name)
            out, _ = mask_table(alone, rules, table_name="t", keys=KEYS)
            assert out[name].to_pylist() == together[name].to_pylist()

    @pytest.mark.parametrize(
        "leaf", [leaf for leaf in LEAVES if "string" in str(leaf.type)], ids=lambda leaf: str(leaf.type)
    )
    def test_the_empty_string_is_a_value(self, leaf):
        for rule in leaf.rules:
            generated = _of_one(pa.array(["", None, "ZQ"], leaf.type), rule)
            out = masked(generated)["c0"]
            assert out.is_null().to_pylist() == ([True] * 3 if rule == "nullify" else [False, True, False]), rule


class TestLaw3:
    """No original value in the bytes of the output, in any format."""

    @EXAMPLES
    @given(tables())
    def test_no_original_is_in_the_bytes_of_any_file(self, generated):
        originals = original_texts(generated.table)
        for form, content in files_of(masked(generated)).items():
            assert not [each for each in originals if each in content], form

    @EXAMPLES
    @given(tables())
    def test_what_lies_around_the_cells_does_not_come_out_either(self, generated):
        for form, content in files_of(masked(generated)).items():
            assert MARK not in content, form

    @settings(EXAMPLES, max_examples=60)
    @given(tables(), st.randoms(use_true_random=False))
    def test_what_no_cell_shows_makes_no_difference(self, generated, chance):
        """Neither to the bytes in memory nor to those of files, whatever lies there."""
        plain = files_of(masked(generated))
        out = masked(generated, table=haunted_table(generated.table, chance))
        assert GHOST.encode() not in b"".join(all_bytes(chunk) for column in out.columns for chunk in column.chunks)
        for form, content in files_of(out).items():
            assert content == plain[form], form

    def test_metadata_does_not_come_out(self):
        table = pa.table({"entity": ["ZQa"], "c0": ["ZQb"]}).replace_schema_metadata({"note": "ZQmeta"})
        field = pa.field("c0", pa.string(), metadata={"was": "ZQfield"})
        table = table.set_column(1, field, table["c0"])
        out = masked(Generated(table, _of_one(pa.array(["ZQ"]), "keep").rules, {}), table=table)
        assert b"ZQmeta" not in files_of(out)["ipc"]
        assert b"ZQfield" not in files_of(out)["ipc"]


class TestLaw4:
    """Same key, same value, same domain: same token, in every batch size, layout and table."""

    @EXAMPLES
    @given(tables(), st.integers(1, 5))
    def test_batches_do_not_matter(self, generated, size):
        whole = masked(generated).to_pylist()
        plan = MaskingPlan.make(generated.rules, "t", generated.table.schema, KEYS)
        batches = [plan.mask_batch(batch) for batch in generated.table.to_batches(max_chunksize=size)]
        assert pa.Table.from_batches(batches, plan.output_schema).to_pylist() == whole

    @EXAMPLES
    @given(tables(depth=0))
    def test_another_key_gives_other_tokens(self, generated):
        one, other = masked(generated), masked(generated, OTHER_KEYS)
        for path, rule in generated.by_path.items():
            if TOKENS in rule:
                pairs = zip(one[path].to_pylist(), other[path].to_pylist(), strict=True)
                assert not [cell for cell, same in pairs if cell is not None and cell == same]

    @pytest.mark.parametrize("rule", ["{method: token, domain: cmac}", "{method: token, domain: hmac}"])
    def test_equal_values_have_one_token_in_every_type_and_nesting(self, rule):
        kinds = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
        flat = [pa.array(["42", None], kind) for kind in kinds] + [pa.array([42, None], pa.int64())]
        nested = [("[]", pa.array([["42"], None])), (".a[].b", pa.array([{"a": [{"b": 42}]}, None]))]
        tokens = {masked(_of_one(column, rule))["c0"].to_pylist()[0] for column in flat}
        for path, column in nested:
            out = masked(_of_one(column, rule, path))["c0"].combine_chunks()
            tokens |= {part.to_pylist()[0] for parts in leaves(out).values() for part in parts}
        assert len(tokens) == 1


class TestLaw12:
    """The same input, rules and keys give the same files."""

    @settings(EXAMPLES, max_examples=25)
    @given(generated=tables())
    def test_a_second_run_writes_the_same_bytes(self, generated, tmp_path_factory):
        folder = tmp_path_factory.mktemp("runs")
        for name in ("one.parquet", "two.parquet"):
            mask_dataset(generated.table, folder / name, generated.rules, table_name="t", keys=KEYS, workers=2)
        assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()


def _only(generated: Generated, name: str):
    own = {path: rule for path, rule in generated.by_path.items() if path.split(".")[0].split("[")[0] == name}
    return load_rules(HEAD + "".join(f'      "{path}": {rule}\n' for path, rule in own.items()))


def _of_one(column: pa.Array, rule: str, path: str = "") -> Generated:
    entities = pa.array([f"ZQentity{n}" for n in range(len(column))])
    rules = load_rules(f'{HEAD}      "c0{path}": {rule}\n')
    return Generated(pa.table({"entity": entities, "c0": column}), rules, {f"c0{path}": rule})
