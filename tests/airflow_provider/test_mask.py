from __future__ import annotations

import asyncio
import base64
import json
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG, Asset, task

from maskgate_airflow import AnonymizeOperator
from maskgate_airflow.host_version import AirflowException, AirflowFailException

RULES = """
version: 1
keys: {people: env:TEST_MASKGATE_KEY}
domains:
  customer: {scheme: hmac, key: people}
unlisted: fail
tables:
  customers:
    columns:
      customer_id: {method: token, domain: customer}
      email: {method: redact, with: "***"}
      full_name: drop
"""
CUSTOMERS = pa.table(
    {"customer_id": [1, 2, 3], "email": ["a@planted.example", "", None], "full_name": ["Ann", "Bob", "Cas"]}
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A rules file, a key and originals."""
    monkeypatch.setenv("TEST_MASKGATE_KEY", base64.b64encode(b"k" * 32).decode())
    (tmp_path / "rules.yaml").write_text(RULES)
    pq.write_table(CUSTOMERS, tmp_path / "customers.parquet")
    return tmp_path


@pytest.fixture
def shared(connected, tmp_path):
    """A staging that the worker reaches."""
    folder = tmp_path / "staging" / "stg_1"
    folder.mkdir(parents=True)
    connected.says("POST /staging", {"id": "stg_1", "uri": str(folder), "upload": False}, status=201)
    return folder


def operator(files, **arguments):
    given = {"rules": str(files / "rules.yaml"), "sources": {"customers": str(files / "customers.parquet")}}
    return AnonymizeOperator(**{"task_id": "mask"} | given | arguments)


class TestAnonymizeOperator:
    """Masks in the worker, stages at the gate, and hands on an id and counts."""

    def test_what_travels_is_an_id_and_counts(self, files, shared, context):
        assert operator(files).execute(context) == {"staging": "stg_1", "tables": {"customers": {"rows": 3}}}

    def test_the_staging_holds_masked_files_and_their_manifest(self, files, shared, context):
        operator(files).execute(context)
        part = shared / "customers" / "part-00000.parquet"
        masked = pq.read_table(part)
        assert masked.column("email").to_pylist() == ["***", "***", None]
        assert masked.schema.names == ["customer_id", "email"]
        manifest = json.loads((shared / "manifest.json").read_text())
        (file,) = manifest["tables"]["customers"]["files"]
        assert file["sha256"] == sha256(part.read_bytes()).hexdigest()

    def test_where_the_worker_does_not_reach_the_staging_files_go_up_and_the_manifest_last(
        self, files, connected, context
    ):
        connected.says("POST /staging", {"id": "stg_1", "uri": "/not/on/this/worker", "upload": False}, status=201)
        connected.says("PUT /staging/stg_1/files/customers/part-00000.parquet", {"size": 1}, status=201)
        connected.says("PUT /staging/stg_1/files/manifest.json", {"size": 1}, status=201)
        operator(files).execute(context)
        assert [route for route, _ in connected.asked] == [
            "POST /staging",
            "PUT /staging/stg_1/files/customers/part-00000.parquet",
            "PUT /staging/stg_1/files/manifest.json",
        ]

    def test_the_asset_event_tells_what_was_done_to_each_column(self, files, shared, context):
        asset = Asset("masked")
        operator(files, outlets=[asset]).execute(context)
        (table,) = context["outlet_events"][asset].extra["maskgate"]["lineage"]["tables"]
        columns = {column["input"]: column for column in table["columns"]}
        assert (columns["customer_id"]["method"], columns["customer_id"]["key"]) == ("token", "people")
        assert columns["full_name"]["output"] is None
        assert "planted" not in str(context["outlet_events"])

    def test_openlineage_says_that_columns_are_masked(self, files, shared, context):
        done = operator(files)
        done.execute(context)
        lineage = done.get_openlineage_facets_on_complete(None)
        (output,) = lineage.outputs
        assert (output.namespace, output.name) == ("file", str(shared / "customers"))
        fields = output.facets["columnLineage"].fields
        assert set(fields) == {"customer_id", "email"}
        assert fields["email"].inputFields[0].transformations[0].masking is True

    def test_a_relative_rules_file_lies_beside_the_dag(self, files, shared, context):
        context["dag"].fileloc = str(files / "dag.py")
        assert operator(files, rules="rules.yaml").execute(context)["staging"] == "stg_1"

    @pytest.mark.parametrize(
        ("break_it", "words"),
        [
            pytest.param(lambda files: (files / "rules.yaml").unlink(), "rules.yaml", id="no rules file"),
            pytest.param(lambda files: (files / "rules.yaml").write_text("{"), "rules.yaml:1", id="no YAML"),
            pytest.param(lambda files: (files / "customers.parquet").unlink(), "customers.parquet", id="no data"),
            pytest.param(
                lambda files: (files / "customers.parquet").write_bytes(b"PAR1 a@planted.example PAR1"),
                "customers.parquet",
                id="corrupt data",
            ),
            pytest.param(
                lambda files: pq.write_table(
                    CUSTOMERS.append_column("iban", pa.array(["a", "b", "c"])), files / "customers.parquet"
                ),
                'column "iban" (string) is not covered by any rule',
                id="a column that nobody thought of",
            ),
        ],
    )
    def test_what_cannot_be_masked_fails_for_good_and_stages_nothing(self, files, shared, context, break_it, words):
        break_it(files)
        with pytest.raises(AirflowFailException) as caught:
            operator(files).execute(context)
        assert words in str(caught.value)
        assert "planted" not in str(caught.value)
        assert list(shared.iterdir()) == []

    def test_without_the_key_nothing_is_masked(self, files, shared, context, monkeypatch):
        monkeypatch.delenv("TEST_MASKGATE_KEY")
        with pytest.raises(AirflowFailException, match="TEST_MASKGATE_KEY"):
            operator(files).execute(context)

    def test_no_rows_are_allowed_and_keep_their_schema(self, files, shared, context):
        pq.write_table(CUSTOMERS.slice(0, 0), files / "customers.parquet")
        assert operator(files).execute(context)["tables"] == {"customers": {"rows": 0}}
        assert pq.read_table(shared / "customers" / "part-00000.parquet").schema.names == ["customer_id", "email"]

    def test_a_gate_that_is_not_there_is_asked_again(self, files, connect, context):
        connect(host="http://127.0.0.1:1")
        with pytest.raises(AirflowException) as caught:
            operator(files).execute(context)
        assert not isinstance(caught.value, AirflowFailException)


class TestDecorator:
    """What the function returns is masked before anything leaves the worker."""

    def decorated(self, files, function, **arguments):
        with DAG("decorated", schedule=None):
            made = task.anonymize(rules=str(files / "rules.yaml"), **arguments)(function)
            return made().operator

    @pytest.mark.parametrize(
        "returned",
        [
            pytest.param(lambda: CUSTOMERS, id="a table"),
            pytest.param(lambda: CUSTOMERS.to_pandas(), id="a data frame"),  # noqa: PLW0108
            pytest.param(lambda: CUSTOMERS.to_reader(), id="a reader"),  # noqa: PLW0108
        ],
    )
    def test_tables_of_any_kind(self, files, shared, context, returned):
        done = self.decorated(files, returned, table="customers", task_id="load").execute(context)
        assert done == {"staging": "stg_1", "tables": {"customers": {"rows": 3}}}
        masked = pq.read_table(shared / "customers" / "part-00000.parquet")
        assert masked.column("email").to_pylist() == ["***", "***", None]

    def test_a_coroutine_is_awaited(self, files, shared, context):
        async def load():
            await asyncio.sleep(0)
            return CUSTOMERS

        done = self.decorated(files, load, table="customers").execute(context)
        assert done["tables"] == {"customers": {"rows": 3}}

    def test_several_tables(self, files, shared, context):
        done = self.decorated(files, lambda: {"customers": CUSTOMERS}, task_id="load").execute(context)
        assert done["tables"] == {"customers": {"rows": 3}}

    def test_a_function_without_a_table_name_says_what_to_write(self, files, shared, context):
        with pytest.raises(AirflowFailException, match='table="customers"'):
            self.decorated(files, lambda: CUSTOMERS, task_id="load").execute(context)

    def test_a_function_that_returns_nothing(self, files, shared, context):
        with pytest.raises(AirflowFailException, match="returned nothing for table 'customers'"):
            self.decorated(files, lambda: None, table="customers", task_id="load").execute(context)

    def test_arguments_and_context_reach_the_function(self, files, shared, context):
        seen = {}

        def load(start, ti=None):
            seen.update(start=start, run=ti.run_id)
            return CUSTOMERS

        with DAG("decorated", schedule=None):
            made = task.anonymize(rules=str(files / "rules.yaml"), table="customers")(load)("monday").operator
        made.execute(context)
        assert seen == {"start": "monday", "run": "manual__1"}

    def test_nothing_of_the_data_is_logged(self, files, shared, context, capfd, caplog):
        self.decorated(files, lambda: CUSTOMERS, table="customers", task_id="load").execute(context)
        out, err = capfd.readouterr()
        assert "planted" not in out + err + caplog.text


def test_the_rules_of_the_sample_are_a_path(files, shared, context):
    """`rules=Path(…)`, as the sample writes it, is as good as a string."""
    assert operator(files, rules=Path(files / "rules.yaml")).execute(context)["staging"] == "stg_1"
