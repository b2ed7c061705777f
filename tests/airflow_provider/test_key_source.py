"""Keys of the rules may lie in Airflow's connections."""

from __future__ import annotations

import base64
import json
import logging

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing
from maskgate.testing.secret_traces import traces_of
from maskgate_airflow import AnonymizeOperator

NEW, OLD = bytes(range(65, 97)), bytes(range(129, 161))
N, O = (base64.b64encode(each).decode() for each in (NEW, OLD))  # noqa: E741  they stand in tables


@pytest.fixture
def connection(monkeypatch):
    """Set a connection as the environment of a worker does."""

    def connection(password, name="MASKGATE_PEOPLE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps({"conn_type": "generic", "password": password}))

    return connection


def resolve(reference="airflow-connection:maskgate_people"):
    return KeyRing.resolve({"people": reference}).get("people")


def refusal(reference="airflow-connection:maskgate_people"):
    with pytest.raises(KeyReferenceError) as refused:
        resolve(reference)
    for secret in (NEW, OLD, N, O):
        assert traces_of(secret, refused.value) == []
    return str(refused.value)


class TestAirflowConnection:
    """The password of a connection is the text of a key."""

    def test_base64_alone_is_version_one(self, connection):
        connection(N)
        assert resolve().subkey(purpose="token") == Key("x", NEW).subkey(purpose="token")

    @pytest.mark.parametrize("between", [",", "\n"])
    def test_versions_stand_on_lines_or_between_commas(self, connection, between):
        connection(f"2:{N}{between}1:{O}")
        key = resolve()
        assert key.versions == (2, 1)
        assert key.at(1).subkey(purpose="token") == Key("x", OLD).subkey(purpose="token")

    def test_a_connection_may_be_written_as_a_uri(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_MASKGATE_PEOPLE", f"generic://:{N.replace('+', '%2B').replace('/', '%2F')}@")
        assert resolve().version == 1

    def test_no_connection(self):
        told = refusal("airflow-connection:absent")
        assert "airflow-connection:absent: there is no such connection. Add one of any type" in told

    @pytest.mark.parametrize(
        ("password", "words"),
        [
            pytest.param(None, "the connection has no password", id="none"),
            pytest.param("", "the connection has no password", id="an empty one"),
            pytest.param(f"{N}!", "airflow-connection:maskgate_people does not hold base64", id="no base64"),
            pytest.param(f"2:{N},2:{O}", "holds version 2 twice", id="a version twice"),
        ],
    )
    def test_a_password_that_is_no_key(self, connection, password, words):
        connection(password)
        assert words in refusal()

    def test_nothing_secret_is_logged(self, connection, caplog, capfd):
        connection(f"2:{N},1:{O}")
        with caplog.at_level(logging.DEBUG):
            resolve()
            connection(f"2:{N},1:{O}!")
            refusal()
        said = caplog.text + "".join(capfd.readouterr())
        assert N not in said
        assert O not in said

    def test_a_task_masks_by_it(self, connection, connected, context, tmp_path):
        connection(N)
        (tmp_path / "rules.yaml").write_text(
            "{version: 1, keys: {people: 'airflow-connection:maskgate_people'}, domains: {c: {scheme: cmac, "
            "key: people}}, tables: {customers: {columns: {customer_id: {method: token, domain: c}}}}}"
        )
        pq.write_table(pa.table({"customer_id": [1, 2]}), tmp_path / "customers.parquet")
        staging = tmp_path / "staging"
        staging.mkdir()
        connected.says("POST /staging", {"id": "stg_1", "uri": str(staging), "upload": False}, status=201)
        given = {"rules": str(tmp_path / "rules.yaml"), "sources": {"customers": str(tmp_path / "customers.parquet")}}
        told = AnonymizeOperator(task_id="mask", **given).execute(context)
        assert told == {"staging": "stg_1", "tables": {"customers": {"rows": 2}}}
