from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src" / "maskgate"

# `approval` comes after `gate`: it acts in the caller's process, against what a gate has signed. `agents` comes after
# `server`: its file of tools is read as the gate's configuration is.
ROOMS = (
    *("errors", "clock", "canonical", "google_store", "crypto", "keys", "detect", "methods", "rules", "masking"),
    *("privacy", "datasets", "engines", "lineage", "store", "ledger", "gate", "approval", "release", "hosts"),
    *("notify", "server", "agents", "cli", "testing"),
)
MODULES = sorted(path for path in SOURCES.rglob("*.py") if path != SOURCES / "__init__.py")
WEB = {"fastapi", "starlette", "uvicorn", "authlib"}
ADAPTERS = ("airflow_provider/src", "prefect_blocks/src")


def room(path: Path) -> str:
    return path.relative_to(SOURCES).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Every module that a file imports, also inside functions and for type checking only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full, so that rooms can be told"
            found.add(node.module)
            if node.module == "maskgate":
                found |= {f"maskgate.{alias.name}" for alias in node.names}
    return found


class TestRooms:
    """A room of the core imports only from rooms listed before it."""

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCES).as_posix())
    def test_a_module_looks_only_back(self, path):
        own = room(path)
        assert own in ROOMS, f"{own} is no room of the core"
        allowed = set(ROOMS[: ROOMS.index(own) + 1])
        wanted = {name.split(".")[1] for name in imported(path) if name.startswith("maskgate.")} & set(ROOMS)
        assert wanted <= allowed, f"{own} may not import from {sorted(wanted - allowed)}"

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCES).as_posix())
    def test_only_the_server_knows_of_the_web_framework(self, path):
        # The command that starts the server may name uvicorn.
        allowed = WEB if room(path) in {"server", "cli", "testing"} else set()
        assert {name.split(".")[0] for name in imported(path)} & WEB <= allowed

    def test_the_core_knows_no_orchestrator(self):
        for path in MODULES:
            assert not {name.split(".")[0] for name in imported(path)} & {"airflow", "prefect", "maskgate_airflow"}

    @pytest.mark.parametrize("folder", ADAPTERS)
    def test_an_adapter_holds_no_server(self, root, folder):
        for path in (root / folder).rglob("*.py"):
            heavy = {name.split(".")[0] for name in imported(path)} & {*WEB, "sqlalchemy", "alembic"}
            assert not heavy, f"{path.name} imports {heavy}"


class TestLightImport:
    """Masking alone, and talking to a gate, need neither a database nor a web framework."""

    @pytest.mark.parametrize("module", ["maskgate", "maskgate.gate.client", "maskgate.cli"])
    def test_an_import_stays_light(self, module):
        heavy = ["sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn", "pandas", "authlib", "presidio_analyzer"]
        script = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""
