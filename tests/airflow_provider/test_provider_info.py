from __future__ import annotations

import inspect
import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points

import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import maskgate_airflow
from maskgate_airflow.hook import MaskgateHook
from maskgate_airflow.plugin import MaskgatePlugin
from maskgate_airflow.provider_info import get_provider_info


class TestEntryPoints:
    """Airflow finds the provider by one entry point and the plugin by another."""

    def test_the_provider(self):
        (found,) = entry_points(group="apache_airflow_provider", name="provider_info").select(
            module="maskgate_airflow.provider_info"
        )
        assert found.load() is get_provider_info

    def test_the_plugin(self):
        (found,) = entry_points(group="airflow.plugins", name="maskgate")
        assert found.load() is MaskgatePlugin

    def test_the_plugin_mounts_no_routes(self):
        assert not MaskgatePlugin.fastapi_apps
        assert not MaskgatePlugin.fastapi_root_middlewares


class TestNames:
    """DAGs of others are written against these names and defaults."""

    @pytest.mark.parametrize(
        ("operator", "arguments"),
        [
            ("AnonymizeOperator", {"rules", "sources"}),
            ("ApprovalSensor", {"staging", "destination", "action", "why"}),
            ("ReleaseOperator", {"request"}),
        ],
    )
    def test_they_stay(self, operator, arguments):
        assert arguments <= inspect.signature(getattr(maskgate_airflow, operator)).parameters.keys()

    def test_an_export_is_asked_for_unless_another_action_is_named(self):
        assert inspect.signature(maskgate_airflow.ApprovalSensor).parameters["action"].default == "export"


class TestProviderInfo:
    """What the provider says of itself is true, and Airflow takes it."""

    def test_airflow_knows_the_connection_type(self):
        hook = ProvidersManagerTaskRuntime().hooks["maskgate"]
        assert hook is not None
        assert hook.hook_class_name == "maskgate_airflow.hook.MaskgateHook"
        assert hook.connection_testable

    def test_the_form_has_the_fields_that_the_hook_reads(self):
        manager = ProvidersManager()
        assert {name for name in manager.connection_form_widgets if "maskgate" in name} == {
            "extra__maskgate__instance",
            "extra__maskgate__timeout",
        }
        assert manager.field_behaviours["maskgate"]["relabeling"] == {"host": "Gate URL", "password": "Pipeline token"}

    def test_airflow_knows_the_decorator(self):
        from airflow.sdk import task  # noqa: PLC0415

        assert callable(task.anonymize)

    @pytest.mark.parametrize(
        "path",
        [
            *(
                module
                for part in ("operators", "hooks")
                for item in get_provider_info()[part]
                for module in item["python-modules"]
            ),
            *(item["class-name"].rpartition(".")[0] for item in get_provider_info()["task-decorators"]),
            *(name.rpartition(".")[0] for name in get_provider_info()["extra-links"]),
        ],
    )
    def test_every_module_it_names_is_there(self, path):
        assert import_module(path).__name__ == path

    def test_the_hook_agrees(self):
        (connection,) = get_provider_info()["connection-types"]
        assert (connection["connection-type"], connection["hook-name"]) == (
            MaskgateHook.conn_type,
            MaskgateHook.hook_name,
        )


class TestImports:
    """The DAG processor imports the operators again and again: no pyarrow, no FastAPI of ours."""

    def test_operators_are_light(self):
        code = (
            "import sys, json; from maskgate_airflow import AnonymizeOperator, ApprovalSensor, ReleaseOperator;"
            "import maskgate_airflow.decorator;"
            "print(json.dumps([n for n in ('pyarrow', 'pandas', 'maskgate.datasets') if n in sys.modules]))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert json.loads(run.stdout.splitlines()[-1]) == []

    def test_every_name_of_the_package_is_there(self):
        assert [
            getattr(maskgate_airflow, name).__name__ for name in maskgate_airflow.__all__
        ] == maskgate_airflow.__all__

    def test_another_name_is_not(self):
        with pytest.raises(AttributeError, match="no attribute 'Approve'"):
            _ = maskgate_airflow.Approve
