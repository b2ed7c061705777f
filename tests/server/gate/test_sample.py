from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.gate.model import Limits, StagingRoot
from maskgate.gate.sample import sample
from maskgate.gate.sealing import seal
from maskgate.gate.staging import Staging, new_staging_id
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes, write_staged

RULES = sample_rules()
LIMITS = Limits(seal_seconds=60, seal_memory_mb=1024)


@pytest.fixture
def sample_of(tmp_path):
    def make(tables):
        staging = Staging(StagingRoot(id="shared", uri=str(tmp_path / "staging")))
        opened = staging.open(staging_id := new_staging_id())
        write_staged(opened.uri, staged_bytes(tables, RULES))
        known = {RULES.digest: RULES}
        sealed = seal(staging, staging_id, tmp_path / "sealed", rules=known, limits=LIMITS, progress=lambda *_: None)
        return sample(sealed, LIMITS)

    return make


class TestSample:
    """The page shows a few cells of the sealed copy, short, and inert."""

    def test_an_empty_table_has_columns_and_no_rows(self, sample_of):
        customers = sample_of(masked_tables(rows=0))["customers"]
        assert customers.columns == ("email", "full_name", "country")
        assert customers.rows == ()

    def test_at_most_five_rows_are_shown_of_each_table(self, sample_of):
        shown = sample_of(masked_tables(rows=100))
        assert {name: len(table.rows) for name, table in shown.items()} == {"customers": 5, "orders": 5}

    def test_a_null_is_none_and_numbers_are_text(self, sample_of):
        shown = sample_of(masked_tables())
        assert shown["customers"].rows[1][0] is None
        assert shown["orders"].rows[3][1] == "3"

    def test_long_cells_are_cut(self, sample_of):
        tables = masked_tables()
        tables["customers"] = tables["customers"].set_column(2, "country", pa.array(["x" * 100_000] * 4))
        assert sample_of(tables)["customers"].rows[0][2] == "x" * 39 + "…"

    def test_characters_that_act_on_a_page_are_stripped(self, sample_of):
        tables = masked_tables()
        hostile = pa.array(["a\x00b\x1b[31mc\u202ed\u200be\r\nf"] * 4)
        tables["customers"] = tables["customers"].set_column(2, "country", hostile)
        assert sample_of(tables)["customers"].rows[0][2] == "ab[31mcdef"

    def test_rows_come_from_all_parts(self, sample_of):
        table = masked_tables(rows=2)["customers"]
        assert len(sample_of({"customers": [table, table]})["customers"].rows) == 4
