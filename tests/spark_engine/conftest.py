from __future__ import annotations

import os
import shutil
import sys

import pytest

from maskgate.rules import read_rules

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture(scope="session")
def spark():
    """A real Spark of two cores on loopback."""
    if shutil.which("java") is None:
        pytest.skip("Spark runs on Java, and there is none: install a Java runtime, 17 or later")
    from pyspark.sql import SparkSession  # noqa: PLC0415  only where there is Java

    # Executors have the environment that Spark was started in.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ |= {"MASKGATE_KEY_PEOPLE": KEY, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master("local[2]").appName("maskgate")
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        # What runs for seconds is not worth a compiler's best.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "Europe/Berlin",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """The key that rules refer to, in the environment of the driver."""
    monkeypatch.setenv("MASKGATE_KEY_PEOPLE", KEY)


@pytest.fixture
def make_rules():
    """Rules for the columns of one table ``t``, written as a YAML mapping."""

    def make(columns, *more):
        table = "\n".join(f"    {line}" for line in (*more, f"columns: {columns}"))
        head = "version: 1\nkeys: {people: env:MASKGATE_KEY_PEOPLE}\ndomains: {customer: {scheme: cmac}}\n"
        return read_rules(f"{head}tables:\n  t:\n{table}\n", "rules.yaml")

    return make
