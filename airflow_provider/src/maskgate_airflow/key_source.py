"""Keys from Airflow's connections: ``airflow-connection:CONN_ID`` in a rules file.

The password of the connection is the text of the key: base64, or several ``VERSION:BASE64`` with commas between them.
Whatever backend of secrets Airflow has is asked, in a task through its supervisor; outside of one, a connection in the
environment (``AIRFLOW_CONN_…``) or in a backend of secrets is found. Airflow hides the password in its logs.
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
