from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import mask_bundle, mask_dataset
from maskgate.errors import MaskingError, PlanError
from maskgate.rules import read_rules

RULES = """\
version: 1
tables:
  people:
    columns: {email: drop, notes: keep}
    check: {no_value_survives: [email]}
  visits:
    columns: {place: keep}
"""


@pytest.fixture
def checked():
    return read_rules(RULES, "rules.yaml")


@pytest.fixture
def people():
    """A table of several batches, of which one text near the end has the e-mail of its row in it."""

    def make(*, leaks):
        emails = [f"planted.{at}@secret.example" for at in range(150_000)]
        notes = [f"note {at}" for at in range(150_000)]
        if leaks:
            notes[140_000] = f"wrote to {emails[140_000].upper()}"
            notes[140_001] = emails[3]
        return pa.table({"email": emails, "notes": notes})

    return make


class TestNoValueSurvives:
    """A dataset in which an original comes out is not written, and what it says holds no value."""

    @pytest.mark.parametrize("target", ["out.parquet", "out"])
    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_target_is_left_as_it_was(self, checked, people, tmp_path, target, workers):
        pq.write_table(people(leaks=True), tmp_path / "people.parquet", row_group_size=20_000)
        with pytest.raises(MaskingError) as caught:
            mask_dataset(tmp_path / "people.parquet", tmp_path / target, checked, workers=workers)
        said = str(caught.value)
        assert 'column "notes": 1 original values of "email" stand there as whole cells, and 1 texts have' in said
        assert "planted" not in said.lower()
        assert [path.name for path in tmp_path.iterdir()] == ["people.parquet"]

    def test_what_was_masked_is_written(self, checked, people, tmp_path):
        done = mask_dataset(people(leaks=False), tmp_path / "out", checked, table_name="people")
        assert done.report.rows == 150_000

    def test_a_bundle_is_left_as_it_was(self, checked, people, tmp_path):
        staging = tmp_path / "staging"
        staging.mkdir()
        visits = pa.table({"place": ["planted.1@secret.example"]})
        with pytest.raises(MaskingError, match='table "people", column "notes"'):
            mask_bundle({"visits": visits, "people": people(leaks=True)}, staging, checked)
        assert list(staging.iterdir()) == []
        mask_bundle({"visits": visits, "people": people(leaks=False)}, staging, checked)
        assert (staging / "manifest.json").exists(), "each table is looked at on its own"

    def test_a_column_that_is_not_there_stops_before_the_first_row(self, tmp_path):
        rules = read_rules(RULES.replace("[email]", "[e_mail]"), "rules.yaml")
        with pytest.raises(PlanError, match=r'no_value_survives: there is no column "e_mail".*Did you mean'):
            mask_dataset(pa.table({"email": ["x"], "notes": ["y"]}), tmp_path / "out", rules, table_name="people")
        assert list(tmp_path.iterdir()) == []
