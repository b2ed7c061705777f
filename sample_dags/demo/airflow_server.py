"""A real Airflow on loopback: api-server, scheduler and dag-processor over SQLite, with known users.

Started one by one: `airflow standalone` leaves processes behind when it is stopped. No triggerer: an approval that
waits needs none.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from types import MappingProxyType
from typing import TYPE_CHECKING

from demo.airflow_client import AirflowClient
from demo.processes import LOOPBACK, Processes, Program, StartFailure, free_port, program, wait_for_url, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# The gate's own account reads runs and answers, answers parked tasks and writes notes; `user` is enough for that.
USERS: Mapping[str, str] = MappingProxyType({"requester": "user", "reviewer": "user", "gate": "user", "admin": "admin"})

# Seconds that a component waits for another one that writes to SQLite. Airflow 3.3's API server writes its audit log in
# the thread that also finishes other requests; where one of those holds the lock, both wait until one gives up. So it
# gives up soon, with status 500, and whoever asked asks again. A scheduler that gave up would end.
_PATIENCE = 60
_PATIENCE_OF_THE_API = 2


class AirflowServer:
    """One Airflow, all of it inside a work folder.

    Args:
        processes: Where its components are started.
        work: A folder of its own; database, logs and passwords go there.
        dags: The folder of DAGs.
        port: Of the API server; by default, wherever there is room.
        users: Role by name of user (viewer, user, op, admin); each gets a random password.
        environment: More environment for all components: connections, variables, masking keys, settings.
    """

    def __init__(
        self,
        processes: Processes,
        *,
        work: Path,
        dags: Path,
        port: int = 0,
        users: Mapping[str, str] = USERS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.processes = processes
        self.work = work
        self.dags = dags
        self.port = port or free_port()
        self.users = users
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.passwords = {user: secrets.token_urlsafe(9) for user in users}
        self.extra_environment = dict(environment or {})
        self.components: dict[str, Program] = {}
        self._secret = secrets.token_urlsafe(32)
        self._fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()

    @property
    def database(self) -> Path:
        """Airflow's metadata database."""
        return self.work / "airflow.db"

    @property
    def logs(self) -> Path:
        """The folder of task logs."""
        return self.work / "logs"

    def environment(self) -> dict[str, str]:
        """Return what every component runs with. Settings of an Airflow of yours do not reach in."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        path = f"{program('airflow', 'airflow').parent}{os.pathsep}{inherited.get('PATH', '')}"
        return {**inherited, "PATH": path, **self._settings(), **self.extra_environment}

    def _settings(self) -> dict[str, str]:
        settings = {
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__LOAD_EXAMPLES": "false",
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "4",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in self.users.items()),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.work / "passwords.json"),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "CORE__FERNET_KEY": self._fernet,
            "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
            "CORE__TEST_CONNECTION": "Enabled",
            "DATABASE__SQL_ALCHEMY_CONN": self._connection(_PATIENCE),
            "API__HOST": LOOPBACK,
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": self._secret,
            "API_AUTH__JWT_SECRET": self._secret,
            "LOGGING__BASE_LOG_FOLDER": str(self.logs),
            "LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
            # How soon the end of a task's process is noticed for certain; until then an answer can fail the task.
            "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "USAGE_DATA_COLLECTION__ENABLED": "false",
        }
        return {"AIRFLOW_HOME": str(self.work), **{f"AIRFLOW__{name}": value for name, value in settings.items()}}

    def _connection(self, seconds: int) -> str:
        return f"sqlite:///{self.database}?timeout={seconds}"

    def start(self, say: Callable[[str], None] | None = None) -> None:
        """Make the database and start the components; returns when all of them are healthy."""
        self.work.mkdir(parents=True, exist_ok=True)
        passwords = self.work / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(self.passwords) + "\n", encoding="utf-8")
        environment = self.environment()
        airflow = program("airflow", "airflow")
        _tell(say, "making Airflow's database")
        self.processes.run("airflow-db-migrate", [airflow, "db", "migrate"], env=environment)
        for component in ("api-server", "scheduler", "dag-processor"):
            _tell(say, f"starting Airflow's {component}")
            patience = _PATIENCE_OF_THE_API if component == "api-server" else _PATIENCE
            settings = {**environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._connection(patience)}
            self.components[component] = self.processes.start(
                f"airflow-{component}", [airflow, component], env=settings
            )
        wait_for_url(f"{self.url}/api/v2/version", self.components["api-server"])
        wait_until(self._is_healthy, what="scheduler and dag-processor are healthy", timeout=180)

    def _is_healthy(self) -> bool:
        for component in self.components.values():
            if not component.is_running:
                raise StartFailure(f"{component.name} ended. The end of {component.log}:\n{component.tail()}")
        health = AirflowClient.health(self.url)
        return all(health.get(part, {}).get("status") == "healthy" for part in ("scheduler", "dag_processor"))

    def client(self, user: str) -> AirflowClient:
        """Log in to the REST API as one of the users."""
        return AirflowClient(self.url, user, self.passwords[user])

    def required_actions_url(self, dag_id: str, run_id: str) -> str:
        """Return the page on which a person answers what a run waits for."""
        return f"{self.url}/dags/{dag_id}/runs/{run_id}/required_actions"


def _tell(say: Callable[[str], None] | None, text: str) -> None:
    if say is not None:
        say(text)
