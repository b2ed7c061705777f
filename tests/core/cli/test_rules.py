from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE}
domains: {customer: {scheme: hmac}}
tables:
  customers:
    entity: customer_id
    columns:
      customer_id: {method: token, domain: customer}
      email: keep
      full_name: drop
      phone: {method: mask, keep_last: 2}
      birth_date: {method: token, domain: customer}
      income: {method: noise, scale: 500, min: 0, max: 250000}
      signed_up_at: {method: shift_date, days: 180}
      notes: redact
      country: keep
  orders:
    entity: customer_id
    columns:
      order_id: {method: token, domain: customer}
      customer_id: {method: token, domain: customer}
      ordered_at: {method: shift_date, days: 180}
      gift_note: nullify
"""
WRONG = """\
version: 1
tables:
  orders:
    columns:
      order_id: drp
      customer_id: {method: shift_date, days: 0}
"""
WRONG_SAID = """\
rules.yaml:5, column "order_id": error: no method is called 'drp'. Did you mean 'drop'? (invalid-rules)
rules.yaml:6, column "customer_id": error: days: at least 1 is expected here. (invalid-rules)
rules.yaml:6, column "customer_id": error: 'shift_date' needs a key. Add `key:` to the column or the table. The file \
declares none. (invalid-rules)
rules.yaml:6, column "customer_id": error: 'shift_date' needs to know whose row it is. Add `entity:` to the table. \
(invalid-rules)
rules.yaml: 4 errors, 0 warnings, 0 notes
"""


@pytest.fixture
def write(tmp_path):
    """Write rules into the test's folder."""

    def write(text=RULES, name="rules.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


@pytest.fixture
def laid(data, tmp_path, orders):
    """Data in several places, and a file that is torn."""
    pq.write_table(orders, tmp_path / "elsewhere.parquet")
    (tmp_path / "parts").mkdir()
    pq.write_table(orders, tmp_path / "parts" / "a.parquet")
    pq.write_table(orders, tmp_path / "parts" / "b.parquet")
    (data / "torn.parquet").write_bytes((data / "orders.parquet").read_bytes()[:90])


def codes(document, column=None):
    return {each["code"] for each in document["findings"] if column in (None, each["column"])}


class TestCheck:
    """The command says everything that is wrong or to be thought over, with its line, and touches no value."""

    def test_rules_that_raise_no_question(self, maskgate, write):
        done = maskgate("rules", "check", write("version: 1\ntables: {t: {columns: {a: drop}}}\n"))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("rules.yaml: 0 errors, 0 warnings, 0 notes\n")

    def test_warnings_are_shown_and_allowed(self, maskgate, write, data):
        done = maskgate("rules", "check", write(), data)
        assert done.returncode == 0
        lines = done.stdout.splitlines()
        assert "customers: 3 rows" in lines
        assert any(
            line.startswith('rules.yaml:9, column "email": warning: ') and line.endswith("(direct-identifier-kept)")
            for line in lines
        )
        assert any("birth_date" in line and "date32[day] → string" in line and "likely" in line for line in lines)
        assert any("signed_up_at" in line and "holder of people" in line for line in lines)
        assert lines[-1].startswith("rules.yaml: 0 errors, ")

    def test_no_key_is_asked_for_and_no_value_shown(self, maskgate, write, data):
        done = maskgate("rules", "check", write(), data, keys=False)
        assert done.returncode == 0
        assert "lanted" not in done.stdout + done.stderr

    def test_strict_makes_warnings_errors(self, maskgate, write):
        assert maskgate("rules", "check", write(), "--strict").returncode == 2

    def test_a_warning_that_is_allowed_is_no_error(self, maskgate, write):
        found = json.loads(maskgate("rules", "check", write(), "--json").stdout)
        allowed = {each["code"] for each in found["findings"] if each["severity"] == "warning"}
        options = [option for code in allowed for option in ("--allow", code)]
        done = maskgate("rules", "check", write(), "--strict", "--json", *options)
        assert (done.returncode, json.loads(done.stdout)["warnings"]) == (0, 0)

    def test_a_code_that_there_is_not_is_refused(self, maskgate, write):
        done = maskgate("rules", "check", write(), "--allow", "everything")
        assert (done.returncode, done.stdout) == (2, "")

    def test_every_problem_of_the_file_is_said_with_its_line(self, maskgate, write):
        done = maskgate("rules", "check", write(WRONG))
        assert done.returncode == 2
        assert done.stdout == WRONG_SAID

    def test_a_file_that_is_not_there(self, maskgate):
        done = maskgate("rules", "check", "gone.yaml")
        assert done.returncode == 2
        assert "the rules cannot be read: No such file" in done.stdout


class TestCheckWithData:
    """Data adds its schema and its number of rows; what does not fit is located in the rules."""

    def test_what_does_not_fit_is_said_at_the_rule(self, maskgate, write, data):
        text = RULES.replace(
            "income: {method: noise, scale: 500, min: 0, max: 250000}", "income: {method: shift_date, days: 3}"
        )
        text = text.replace("      country: keep\n", "      county: keep\n")
        done = maskgate("rules", "check", write(text), data / "customers.parquet", "--json")
        document = json.loads(done.stdout)
        errors = [
            (each["line"], each["column"], each["code"]) for each in document["findings"] if each["severity"] == "error"
        ]
        assert done.returncode == 2
        assert errors == [
            (7, "country", "does-not-fit"),
            (13, "income", "does-not-fit"),
            (16, "county", "does-not-fit"),
        ]
        assert {each["column"] for each in document["tables"]["orders"]["columns"]} >= {"order_id"}

    def test_what_is_declared_of_the_data_is_heeded(self, maskgate, write, tmp_path):
        """As it is when the same files are masked."""
        write("version: 1\ntables: {people: {columns: {zip: {method: mask, keep_last: 2}, city: keep}}}\n")
        (tmp_path / "people.txt").write_text("zip;city\n01234;Graz\n", encoding="utf-8")
        declared = ("--source-format", "csv", "--source-option", "delimiter=;", "--source-option", "types.zip=string")
        done = maskgate("rules", "check", "rules.yaml", "people.txt", "--json", *declared)
        (zip_code, city) = json.loads(done.stdout)["tables"]["people"]["columns"]
        assert (zip_code["type"], city["type"]) == ("string", "string")
        assert "01234" not in done.stdout + done.stderr

    def test_json_is_one_document(self, maskgate, write, data):
        done = maskgate("rules", "check", write(), data, "--json")
        document = json.loads(done.stdout)
        assert (done.returncode, done.stderr) == (0, "")
        assert document["file"] == "rules.yaml"
        assert document["errors"] == 0
        assert document["warnings"] == sum(each["severity"] == "warning" for each in document["findings"])
        assert {"direct-identifier-kept"} == codes(document, "email")
        assert "low-entropy-token" in codes(document, "birth_date")
        assert {name: table["rows"] for name, table in document["tables"].items()} == {"customers": 3, "orders": 4}
        (income,) = [each for each in document["tables"]["customers"]["columns"] if each["column"] == "income"]
        assert (income["line"], income["type"], income["becomes"]) == (13, "int64", "int64")
        assert (income["uniqueness"], income["reversible_by"], income["keys"]) == ("lost", ["key holder"], ["people"])

    @pytest.mark.parametrize(
        ("arguments", "tables"),
        [
            pytest.param(["data"], ["customers", "orders"], id="a folder with a file a table"),
            pytest.param(["data/orders.parquet"], ["orders"], id="a file that is called as its table"),
            pytest.param(["elsewhere.parquet", "--table", "orders"], ["orders"], id="a table that is named"),
            pytest.param(["parts", "--table", "orders"], ["orders"], id="a folder of the parts of one table"),
        ],
    )
    @pytest.mark.usefixtures("laid")
    def test_data_is_found(self, maskgate, write, arguments, tables):
        document = json.loads(maskgate("rules", "check", write(), *arguments, "--json").stdout)
        assert [name for name, table in document["tables"].items() if table["rows"] is not None] == tables

    @pytest.mark.usefixtures("laid")
    def test_a_table_without_data_is_named(self, maskgate, write):
        document = json.loads(maskgate("rules", "check", write(), "data/orders.parquet", "--json").stdout)
        (finding,) = [each for each in document["findings"] if each["code"] == "without-data"]
        assert (finding["table"], finding["severity"]) == ("customers", "note")
        assert finding["line"] is not None

    def test_rows_are_reckoned_with_where_no_data_says(self, maskgate, write):
        document = json.loads(maskgate("rules", "check", write(), "--rows", "1000000", "--json").stdout)
        assert {table["rows"] for table in document["tables"].values()} == {1_000_000}

    @pytest.mark.parametrize(
        ("rows", "shown"), [pytest.param(2_000, "0.86", id="likely"), pytest.param(4, "6e-06", id="unlikely")]
    )
    def test_how_likely_two_values_get_one_token(self, maskgate, write, rows, shown):
        """The birthday problem: of 2,000 values in six digits, 1 - (1 - 1/10^6)…(1 - 1999/10^6) = 0.8647."""
        name = write(RULES.replace("{scheme: hmac}", "{scheme: hmac, format: integer, length: 6}"))
        done = maskgate("rules", "check", name, "--rows", str(rows))
        assert f"(collision: {shown})" in done.stdout
        assert f"two get the same token with a probability of {shown}." in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("arguments", "code", "said"),
        [
            pytest.param(["data/torn.parquet", "--table", "orders"], 1, "not a Parquet file", id="a torn file"),
            pytest.param(["data/torn.parquet"], 2, "the rules have no table 'torn'", id="a file of no table"),
            pytest.param(["gone.parquet"], 1, "gone.parquet: there is no such file", id="a file that is nowhere"),
            pytest.param([""], 2, "DATA is empty. Name a file or a folder, or leave it out.", id="an empty name"),
            pytest.param(["data", "--table", "order"], 2, "Did you mean 'orders'?", id="a table that the rules lack"),
            pytest.param(
                ["gone.parquet", "--table", "orders"], 1, "there is no such file", id="a file that is not there"
            ),
        ],
    )
    @pytest.mark.usefixtures("laid")
    def test_data_that_cannot_be_looked_at(self, maskgate, write, arguments, code, said):
        done = maskgate("rules", "check", write(), *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr

    def test_an_unlisted_column_is_shown_as_such(self, maskgate, write, tmp_path):
        text = "version: 1\nunlisted: keep\ntables: {t: {columns: {a: drop}}}\n"
        pq.write_table(pa.table({"a": [1], "email": ["x"]}), tmp_path / "t.parquet")
        document = json.loads(maskgate("rules", "check", write(text), "t.parquet", "--json").stdout)
        assert codes(document) == {"unlisted-kept", "direct-identifier-kept"}
        assert [each["is_listed"] for each in document["tables"]["t"]["columns"]] == [True, False]


class TestSchema:
    """The command prints a JSON Schema, and nothing else."""

    def test_it_is_one_document(self, maskgate):
        done = maskgate("rules", "schema")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
