from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import make_data
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

SCRIPT = Path(make_data.__file__)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    files = make_data.make_data(folder, customers=2_000, orders=5_000)
    return {file.stem: pq.read_table(file) for file in files}


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


class TestMakeData:
    """The same seed writes the same bytes, and everything that masking has to survive is in them."""

    def test_no_rows_make_empty_tables_with_their_schema(self, tmp_path):
        customers, orders = make_data.make_data(tmp_path, customers=0, orders=0)
        assert pq.read_table(customers).schema.equals(make_data.CUSTOMERS)
        assert pq.read_table(orders).schema.equals(make_data.ORDERS)
        assert pq.read_metadata(customers).num_rows == 0

    def test_one_customer_can_order(self, tmp_path):
        customers, orders = make_data.make_data(tmp_path, customers=1, orders=3)
        assert pq.read_table(orders)["customer_id"].unique().equals(pq.read_table(customers)["customer_id"].unique())

    def test_the_same_seed_writes_the_same_bytes(self, tmp_path):
        one = make_data.make_data(tmp_path / "one", customers=500, orders=900, seed=7)
        two = make_data.make_data(tmp_path / "two", customers=500, orders=900, seed=7)
        other = make_data.make_data(tmp_path / "other", customers=500, orders=900, seed=8)
        for first, second, third in zip(one, two, other, strict=True):
            assert first.read_bytes() == second.read_bytes() != third.read_bytes()

    def test_another_process_writes_the_same_bytes(self, tmp_path):
        (file, _) = make_data.make_data(tmp_path / "here", customers=50, orders=0)
        done = run("--customers", "50", "--orders", "0", "--output", str(tmp_path / "there"))
        assert done.returncode == 0, done.stderr
        assert file.read_bytes() == (tmp_path / "there" / "customers.parquet").read_bytes()

    def test_every_order_is_of_a_customer(self, tables):
        customers, orders = tables["customers"]["customer_id"], tables["orders"]["customer_id"]
        assert pc.count_distinct(customers, mode="all").as_py() == 2_000
        assert pc.all(pc.is_in(orders, value_set=customers.combine_chunks())).as_py()

    @pytest.mark.parametrize("column", ["email", "full_name", "phone", "ssn", "postcode", "notes"])
    def test_a_text_column_has_nulls_and_empty_strings(self, tables, column):
        assert tables["customers"][column].null_count > 0
        assert pc.any(pc.equal(tables["customers"][column], "")).as_py()

    @pytest.mark.parametrize(
        "script",
        ["LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL", "ARABIC", "HEBREW", "DEVANAGARI", "THAI"],
    )
    def test_names_are_written_in_many_scripts(self, tables, script):
        names = tables["customers"]["full_name"].drop_null().to_pylist()
        letters = set("".join(names))
        assert any(unicodedata.name(letter, "").startswith(script) for letter in letters)

    def test_text_is_long_and_numbers_and_dates_reach_the_ends(self, tables):
        customers, orders = tables["customers"], tables["orders"]
        assert pc.max(pc.utf8_length(customers["notes"])).as_py() == 1_000_000
        assert set(make_data.EXTREME_INCOMES) <= set(customers["income"].to_pylist())
        assert set(make_data.EXTREME_TOTALS) <= set(orders["total"].to_pylist())
        assert set(make_data.EXTREME_IDS) <= set(customers["customer_id"].to_pylist())
        years = {day.year for day in customers["birth_date"].to_pylist() if day}
        assert {1, 9999} <= years

    def test_free_text_names_the_person_it_is_about(self, tables):
        people = zip(*(tables["customers"][name].to_pylist() for name in ("ssn", "notes")), strict=True)
        assert any(ssn and notes and ssn in notes for ssn, notes in people)


class TestCommandLine:
    """What cannot be made is refused before anything is written."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["--customers", "-1"], "whole numbers from 0", id="fewer than no customers"),
            pytest.param(["--customers", "0", "--orders", "5"], "somebody has to order", id="orders of nobody"),
            pytest.param(["--seed", "abc"], "invalid int value", id="a seed that is no number"),
        ],
    )
    def test_it_refuses(self, tmp_path, arguments, words):
        done = run(*arguments, "--output", str(tmp_path / "data"))
        assert done.returncode == 2
        assert words in done.stderr
        assert not (tmp_path / "data").exists()
