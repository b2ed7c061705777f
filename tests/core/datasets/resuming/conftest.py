from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from core.datasets.resuming.people import KEYS, LAYOUT, RULES, files, people

from maskgate.datasets import mask_dataset
from maskgate.rules import read_rules


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "people"
    folder.mkdir()
    for at in range(4):
        pq.write_table(people().slice(at * 2500, 2500), folder / f"{at}.parquet", row_group_size=700)
    return folder


@pytest.fixture
def mask(source, tmp_path):
    folder = source

    def run(target="masked", *, source=folder, unique="[]", keys=KEYS, layout=LAYOUT, rules=RULES, **options):
        place = target if "://" in str(target) else tmp_path / target
        return mask_dataset(
            source, place, read_rules(rules % unique, "r"), table_name="people", keys=keys, layout=layout, **options
        )

    return run


@pytest.fixture
def whole(mask, tmp_path):
    """What a run without interruption writes."""
    mask("whole", workers=1)
    return files(tmp_path / "whole")
