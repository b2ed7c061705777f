"""Keys from Airflow's connections: ``airflow-connection:CONN_ID`` in a rules file.

The password of the connection is the text of the key: base64, or several ``VERSION:BASE64`` with commas between them.
In a task, every connection that Airflow has is found. Outside of one, the database is out of reach, and only those in
the environment (``AIRFLOW_CONN_…``) and in a configured backend of secrets are.
"""

from __future__ import annotations

from maskgate.errors import KeyReferenceError
from maskgate_airflow.host_version import AirflowNotFoundException, Connection


def from_connection(name: str) -> str:
    """Return the text of a key.

    Args:
        name: The id of the connection.

    Raises:
        KeyReferenceError: If there is no such connection, or it has no password.
    """
    try:
        connection = Connection.get(name)
    except AirflowNotFoundException:
        raise KeyReferenceError(
            "there is no such connection. Add one of any type, with the text of the key as its password"
        ) from None
    if not connection.password:
        raise KeyReferenceError("the connection has no password. It must be the text of the key")
    return str(connection.password)
