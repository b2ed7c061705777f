"""What Airflow reads about this provider, without importing the rest of it."""

from __future__ import annotations

from typing import Any

CONNECTION_TYPE = "maskgate"

_FIELDS: dict[str, Any] = {
    "instance": {
        "label": "Airflow instance",
        "description": "The name under which the gate's configuration knows this Airflow (gate.yaml, airflow:)",
        "schema": {"type": ["string", "null"]},
    },
    "timeout": {
        "label": "Timeout",
        "description": "Seconds to wait for each answer of the gate",
        "schema": {"type": ["integer", "null"], "default": 30, "minimum": 1, "maximum": 600},
    },
}

_FORM: dict[str, Any] = {
    "hidden-fields": ["schema", "login", "port"],
    "relabeling": {"host": "Gate URL", "password": "Pipeline token"},
    "placeholders": {"host": "http://127.0.0.1:8470", "password": "mg_pipeline_…"},
}


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow."""
    return {
        "package-name": "airflow-provider-maskgate",
        "name": "Maskgate",
        "description": "Mask tables, hold exports under Required Actions, release them once someone else has signed.",
        "operators": [
            {
                "integration-name": "Maskgate",
                "python-modules": ["maskgate_airflow.mask", "maskgate_airflow.approve", "maskgate_airflow.release"],
            }
        ],
        "hooks": [{"integration-name": "Maskgate", "python-modules": ["maskgate_airflow.hook"]}],
        "connection-types": [
            {
                "hook-class-name": "maskgate_airflow.hook.MaskgateHook",
                "hook-name": "Maskgate",
                "connection-type": CONNECTION_TYPE,
                "conn-fields": _FIELDS,
                "ui-field-behaviour": _FORM,
            }
        ],
        "task-decorators": [{"class-name": "maskgate_airflow.decorator.anonymize_task", "name": "anonymize"}],
        "extra-links": ["maskgate_airflow.link.ReviewLink"],
    }
