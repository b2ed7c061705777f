from __future__ import annotations

import shlex
import stat

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.cli.first_rules import Sample, propose_table
from maskgate.gate.policy_reader import read_policy
from maskgate.rules import load_rules
from maskgate.rules.path import written_name

FILES = ["gate.yaml", "keys/contact.key", "keys/people.key", "policy.yaml", "rules.yaml"]


class TestInit:
    """First files for somebody's data: they load, mask that data at once, and hold none of it."""

    def test_it_writes_rules_keys_policy_and_configuration(self, maskgate, data, tmp_path):
        done = maskgate("init", data)
        assert done.returncode == 0, done.stderr
        assert [name for name in FILES if not (tmp_path / name).is_file()] == []
        assert "maskgate mask rules.yaml" in done.stderr
        assert "maskgate serve --config gate.yaml" in done.stderr

    def test_keys_are_for_their_owner_alone_and_never_the_same(self, maskgate, data, tmp_path):
        maskgate("init", data)
        keys = [tmp_path / name for name in FILES if name.endswith(".key")]
        assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
        assert len({key.read_text(encoding="utf-8") for key in keys}) == 2
        assert (tmp_path / "keys" / ".gitignore").read_text(encoding="utf-8").endswith("*\n")

    def test_the_rules_mask_the_data_at_once(self, maskgate, data, tmp_path):
        maskgate("init", data)
        for name in ("customers", "orders"):
            done = maskgate("mask", "rules.yaml", data / f"{name}.parquet", f"masked/{name}.parquet", keys=False)
            assert done.returncode == 0, done.stderr
        masked = {name: pq.read_table(tmp_path / "masked" / f"{name}.parquet") for name in ("customers", "orders")}
        assert set(masked["orders"]["customer_id"].to_pylist()) < set(masked["customers"]["customer_id"].to_pylist())
        assert "planted" not in str(masked).lower()

    def test_the_commands_it_prints_work(self, maskgate, data):
        printed = maskgate("init", data).stderr
        commands = [line.split()[1:] for line in printed.splitlines() if line.strip().startswith("maskgate mask")]
        assert len(commands) == 2
        for command in commands:
            assert maskgate(*command).returncode == 0

    def test_commands_for_names_with_a_blank_work_too(self, maskgate, data, tmp_path):
        (data / "orders.parquet").rename(data / "orders of 2026.parquet")
        printed = maskgate("init", data).stderr
        (command,) = [line for line in printed.splitlines() if "orders of 2026" in line]
        assert maskgate(*shlex.split(command)[1:]).returncode == 0
        assert (tmp_path / "masked" / "orders of 2026.parquet").is_file()

    def test_a_folder_of_partitions_is_one_table(self, maskgate, data, tmp_path):
        for country in ("DE", "FR"):
            (tmp_path / "lake" / f"country={country}").mkdir(parents=True)
            pq.write_table(pa.table({"email": ["a@b.example"]}), tmp_path / "lake" / f"country={country}" / "p.parquet")
        printed = maskgate("init", tmp_path / "lake").stderr
        (command,) = [line for line in printed.splitlines() if line.strip().startswith("maskgate mask")]
        assert sorted(load_rules(tmp_path / "rules.yaml").tables["lake"].columns) == ["country", "email"]
        assert maskgate(*shlex.split(command)[1:]).returncode == 0

    def test_two_files_of_one_name_are_no_table(self, maskgate, data):
        (data / "orders.csv").write_text("order_id\n1\n")
        done = maskgate("init", data)
        assert done.returncode == 1
        assert "two files are called orders" in done.stderr

    def test_the_policy_loads(self, maskgate, data, tmp_path):
        maskgate("init", data)
        policy = read_policy((tmp_path / "policy.yaml").read_text(encoding="utf-8"), "policy.yaml")
        assert not any(rule.allow for rule in policy.rules)

    def test_no_value_gets_into_the_files(self, maskgate, data, tmp_path):
        maskgate("init", data)
        for name in FILES:
            text = (tmp_path / name).read_text(encoding="utf-8")
            assert not [value for value in ("lanted", "secret.example", "1000000001") if value in text], name

    @pytest.mark.parametrize("existing", FILES)
    def test_nothing_is_replaced(self, maskgate, data, tmp_path, existing):
        (tmp_path / existing).parent.mkdir(exist_ok=True)
        (tmp_path / existing).write_text("mine", encoding="utf-8")
        before = sorted(tmp_path.rglob("*"))
        done = maskgate("init", data)
        assert done.returncode == 2
        assert f"{existing}: nothing is replaced" in done.stderr
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            pytest.param("nope.parquet", "there is no such file or folder", id="no data"),
            pytest.param("empty", "there is no file of a known format here", id="an empty folder"),
            pytest.param("torn.parquet", "it is not a Parquet file", id="a torn file"),
        ],
    )
    def test_data_that_cannot_be_read(self, maskgate, tmp_path, name, message):
        (tmp_path / "empty").mkdir()
        (tmp_path / "torn.parquet").write_bytes(b"PAR1")
        before = sorted(tmp_path.rglob("*"))
        done = maskgate("init", name)
        assert done.returncode == 1
        assert message in done.stderr
        assert sorted(tmp_path.rglob("*")) == before

    def test_files_with_the_same_columns_are_one_table(self, maskgate, tmp_path, orders):
        (tmp_path / "orders").mkdir()
        for at in range(2):
            pq.write_table(orders, tmp_path / "orders" / f"{at}.parquet")
        assert maskgate("init", "orders").returncode == 0
        assert set(load_rules(tmp_path / "rules.yaml").tables) == {"orders"}
        assert maskgate("mask", "rules.yaml", "orders", "masked").returncode == 0

    def test_odd_names_and_types_are_survived(self, maskgate, tmp_path):
        table = pa.table(
            {
                "null": ["x"],
                "a.b": ["x"],
                "price [EUR]": ["x"],
                "sure?*`": ["x"],
                "bell\a": ["x"],
                "with: colon #": ["x"],
                "Ω 😀": ["x"],
                "nested": [{"email": "planted@secret.example"}],
                "raw": [b"\xff"],
                "nothing": pa.nulls(1),
                "amount": [1.5],
                "id": [1.5],
            }
        )
        pq.write_table(table, tmp_path / "odd.parquet")
        done = maskgate("init", "odd.parquet")
        assert done.returncode == 0, done.stderr
        rules = load_rules(tmp_path / "rules.yaml")
        assert rules.unlisted == "drop"
        named = {written_name(name) for name in table.schema.names if name != "bell\a"}
        assert set(rules.tables["odd"].columns) == named
        assert {"`a.b`", "`price [EUR]`", "`sure?*```"} < named

    def test_a_table_without_rows(self, maskgate, tmp_path, customers):
        pq.write_table(customers.slice(0, 0), tmp_path / "customers.parquet")
        assert maskgate("init", "customers.parquet").returncode == 0
        assert maskgate("mask", "rules.yaml", "customers.parquet", "masked").returncode == 0


class TestProposal:
    """What is recognised is masked; what is not is dropped."""

    @pytest.mark.parametrize(
        ("name", "column", "rule"),
        [
            pytest.param("email", pa.array(["a"]), "{method: token, domain: email}", id="an address by name"),
            pytest.param(
                "x", pa.array(["ann@example.com"]), "{method: token, domain: email}", id="an address by cells"
            ),
            pytest.param(
                "notes", pa.array(["ann@example.com"]), '{method: redact, with: "***"}', id="text with addresses"
            ),
            pytest.param("phone", pa.array(["1"]), "{method: mask, keep_last: 2}", id="a phone"),
            pytest.param("surname", pa.array(["a"]), "drop", id="a name"),
            pytest.param(
                "birth_date",
                pa.array([0], pa.date32()),
                "{method: generalize, to: year, not_before: 1936}",
                id="a birthday",
            ),
            pytest.param("birth_date", pa.array(["1990"]), "drop", id="a birthday in text"),
            pytest.param("zip", pa.array(["90210"]), "{method: generalize, keep_first: 3}", id="a postcode"),
            pytest.param("salary", pa.array([1000]), "{method: generalize, band: 10000}", id="an income"),
            pytest.param("user_id", pa.array([1]), "{method: token, domain: user}", id="an identifier"),
            pytest.param("UserId", pa.array([1]), "{method: token, domain: user}", id="an identifier in capitals"),
            pytest.param("id", pa.array([1]), "{method: token, domain: thing}", id="the table's own identifier"),
            pytest.param("day", pa.array([0], pa.date32()), "{method: generalize, to: month}", id="a date of nobody"),
            pytest.param("flag", pa.array([True]), "keep", id="yes or no"),
            pytest.param("colour", pa.array(["red", "blue"] * 10), "keep", id="few different values"),
            pytest.param("remainder", pa.array([f"{at}" for at in range(100)]), "drop", id="many different values"),
            pytest.param("amount", pa.array([1.5] * 100), "drop", id="amounts"),
        ],
    )
    def test_proposes(self, name, column, rule):
        _, rules = propose_table(Sample("things", pa.table({name: column})), 2026)
        assert rules[name].as_yaml() == rule

    def test_dates_move_with_the_person_they_belong_to(self):
        rows = pa.table({"order_id": [1], "customer_id": [2], "at": pa.array([0], pa.timestamp("us"))})
        entity, rules = propose_table(Sample("orders", rows, frozenset({"order_id", "customer_id"})), 2026)
        assert entity == "customer_id"
        assert rules["at"].as_yaml() == "{method: shift_date, days: 180}"

    def test_an_identifier_with_nulls_is_nobodys(self):
        rows = pa.table({"customer_id": [2, None], "at": pa.array([0, 0], pa.timestamp("us"))})
        entity, rules = propose_table(Sample("orders", rows), 2026)
        assert entity is None
        assert rules["at"].as_yaml() == "{method: generalize, to: month}"
