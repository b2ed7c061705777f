"""One world for all specifications. The runs that the chosen tests are about start together, and are looked at later.

A test says which run it is about: ``@pytest.mark.run("name", "dag_id", conf={…}, user="requester")``; the fixture
``run`` is that run. Tests with the same name share a run.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_dags"))

from demo.processes import Processes
from specifications.world import start_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from specifications.world import Run, World


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "run(name, dag_id, conf, user): the Airflow run that a test is about")
    config.addinivalue_line("markers", "last: looks at what all other tests have left behind")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    items.sort(key=lambda item: str(item.path).startswith(here) and item.get_closest_marker("last") is not None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Beside the one world, which mostly waits, run the other files one by one."""

    class OneWorld(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "world" if needs_world(config.rootpath / file) else file

    return OneWorld(config, log)


@cache
def needs_world(file: Path) -> bool:
    return "pytest.mark.run(" in file.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("specifications")
    with Processes(root / "process_logs") as processes:
        started = start_world(root, processes)
        for item in request.session.items:
            for marker in item.iter_markers("run"):
                name, dag_id = marker.args
                if name not in started.runs:
                    user = marker.kwargs.get("user", "requester")
                    started.start(name, dag_id, marker.kwargs.get("conf", {}), user)
        yield started
        for user in started.users.values():
            user.__exit__()


@pytest.fixture
def run(request: pytest.FixtureRequest, world: World) -> Run:
    return world.runs[request.node.get_closest_marker("run").args[0]]
