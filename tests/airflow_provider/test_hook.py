from __future__ import annotations

import socket

import pytest

from maskgate.errors import UsageError
from maskgate_airflow import MaskgateHook
from maskgate_airflow.host_version import AirflowNotFoundException


class TestConnection:
    """A connection names the gate, holds the token, and says which Airflow this is."""

    @pytest.mark.parametrize(
        ("fields", "url"),
        [
            pytest.param({"host": "http://gate:8470"}, "http://gate:8470", id="the whole URL in the host"),
            pytest.param({"host": "https://gate/path"}, "https://gate/path", id="with a path"),
            pytest.param({"host": "http://gate", "port": 8470}, "http://gate:8470", id="the port in its own field"),
            pytest.param(
                {"host": "gate", "schema": "https", "port": 8470}, "https://gate:8470", id="in the parts of a URI"
            ),
        ],
    )
    def test_the_gate_is_found(self, connect, fields, url):
        connect(**fields)
        with MaskgateHook().get_conn() as client:
            assert client.url == url

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            pytest.param({}, "has no gate URL", id="no host"),
            pytest.param({"host": "gate"}, "has no gate URL", id="a host without a scheme"),
            pytest.param({"host": "ftp://gate"}, "no http or https URL", id="another scheme"),
            pytest.param({"host": "http://gate", "password": ""}, "has no password", id="no token"),
        ],
    )
    def test_a_connection_that_lacks_something_says_what(self, connect, fields, words):
        connect(**fields)
        with pytest.raises(UsageError, match=words):
            MaskgateHook().get_conn()

    def test_a_connection_that_is_not_there_says_what_to_make(self, monkeypatch):
        def not_there(conn_id):
            raise AirflowNotFoundException(f"The conn_id `{conn_id}` isn't defined")

        monkeypatch.setattr(MaskgateHook, "get_connection", staticmethod(not_there))
        with pytest.raises(UsageError, match=r"no connection 'gate_of_ours'\. Make one of the type Maskgate"):
            MaskgateHook("gate_of_ours").get_conn()

    def test_the_run_is_named_and_nothing_else(self, connect, context):
        connect(host="http://gate")
        assert MaskgateHook().run_identity(context) == {
            "kind": "airflow",
            "instance": "prod",
            "dag_id": "gated_export",
            "run_id": "manual__1",
            "task_id": "approve",
            "map_index": -1,
            "try_number": 1,
        }

    def test_a_connection_must_say_which_airflow_this_is(self, connect, context):
        connect(host="http://gate", extra={})
        with pytest.raises(UsageError, match="field `instance`"):
            MaskgateHook().run_identity(context)


class TestTestConnection:
    """The button *Test* says what is wrong, in words."""

    def test_a_gate_that_knows_the_token(self, connected):
        connected.says("GET /requests", {"requests": []})
        connected.says(f"GET {'/healthz'}", {"status": "ok"})
        assert MaskgateHook().test_connection() == (True, f"the gate at {connected.url} answers and knows this token")

    def test_a_gate_that_does_not_know_the_token(self, connected):
        connected.says("GET /healthz", {"status": "ok"})
        connected.refuses("GET /requests", 401, "not_allowed", "this token is not known")
        assert MaskgateHook().test_connection() == (False, "this token is not known")

    def test_no_gate_at_all(self, connect):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            connect(host=f"http://127.0.0.1:{unused.getsockname()[1]}")
            ok, message = MaskgateHook().test_connection()
        assert not ok
        assert "did not answer" in message


class TestSurface:
    """No verb of the hook, or of its client, decides."""

    @pytest.mark.parametrize("verb", ["approve", "deny", "decide", "decision", "sign"])
    def test_there_is_no_such_verb(self, connect, verb):
        connect(host="http://gate")
        hook = MaskgateHook()
        with hook.get_conn() as client:
            names = {name.lower() for name in (*dir(hook), *dir(client)) if not name.startswith("__")}
        assert not [name for name in names if verb in name and name != "assign"]
