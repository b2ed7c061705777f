"""The connection of type ``maskgate``: where the gate is, and the pipeline token. No verb here decides anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from maskgate.errors import MaskgateError, UsageError
from maskgate.gate.client import GateClient
from maskgate_airflow.host_version import AirflowNotFoundException, BaseHook
from maskgate_airflow.provider_info import CONNECTION_TYPE

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from maskgate_airflow.host_version import Context


class MaskgateHook(BaseHook):
    """Reach the gate that a connection names.

    Args:
        maskgate_conn_id: A connection of type ``maskgate``: the host is the gate's URL, the password its pipeline
            token, and the extra field ``instance`` is what the gate calls this Airflow.
    """

    conn_name_attr = "maskgate_conn_id"
    default_conn_name = "maskgate_default"
    conn_type = CONNECTION_TYPE
    hook_name = "Maskgate"

    def __init__(self, maskgate_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.maskgate_conn_id = maskgate_conn_id
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection, read once.

        Raises:
            UsageError: If there is none of this id.
        """
        if self._connection is None:
            try:
                self._connection = self.get_connection(self.maskgate_conn_id)
            except AirflowNotFoundException:
                raise UsageError(
                    f"there is no connection {self.maskgate_conn_id!r}. Make one of the type Maskgate: host, the "
                    "gate's URL; password, its pipeline token; instance, what gate.yaml calls this Airflow"
                ) from None
        return self._connection

    def get_conn(self) -> GateClient:
        """Return a client of the gate's verbs.

        Raises:
            UsageError: If the connection lacks a URL or a token.
        """
        connection = self.connection
        if not connection.password:
            raise UsageError(
                f"connection {self.maskgate_conn_id!r} has no password. It is the gate's pipeline token: the content "
                "of pipeline.token in the gate's home"
            )
        timeout = float(self._extra().get("timeout") or 30)
        return GateClient(self._url(), connection.password, timeout=timeout)

    def run_identity(self, context: Context) -> dict[str, Any]:
        """Say which task of which run this is. The gate reads everything else about it from Airflow itself.

        Raises:
            UsageError: If the connection does not say what the gate calls this Airflow.
        """
        instance = self._extra().get("instance")
        if not instance:
            raise UsageError(
                f"connection {self.maskgate_conn_id!r} does not say which Airflow this is. Set its field `instance` "
                "to the name that this Airflow has in the gate's configuration (gate.yaml, airflow:)"
            )
        task = context["ti"]
        return {
            "kind": "airflow",
            "instance": instance,
            "dag_id": task.dag_id,
            "run_id": task.run_id,
            "task_id": task.task_id,
            "map_index": -1 if task.map_index is None else task.map_index,
            "try_number": task.try_number,
        }

    def test_connection(self) -> tuple[bool, str]:
        """Ask the gate how it is, and whether it knows the token."""
        try:
            with self.get_conn() as gate:
                gate.healthz()
                gate.requests(state="pending")
        except MaskgateError as error:
            return False, str(error)
        if not self._extra().get("instance"):
            return False, "the gate answers, but the field `instance` is empty: what does the gate call this Airflow?"
        return True, f"the gate at {self._url()} answers and knows this token"

    def _extra(self) -> dict[str, Any]:
        extra = self.connection.extra_dejson
        return extra if isinstance(extra, dict) else {}

    def _url(self) -> str:
        """Return the gate's URL, written whole in the host, or in the parts of a connection URI."""
        connection = self.connection
        host = (connection.host or "").strip()
        if "://" in host:
            parts = urlsplit(host)
            return host if parts.port or not connection.port else f"{parts.scheme}://{parts.netloc}:{connection.port}"
        if not host or not connection.schema:
            raise UsageError(
                f"connection {self.maskgate_conn_id!r} has no gate URL. Write all of it in the host, such as "
                "http://127.0.0.1:8470"
            )
        return f"{connection.schema}://{host}" + (f":{connection.port}" if connection.port else "")
