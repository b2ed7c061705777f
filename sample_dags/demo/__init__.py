"""Real parts on one machine: a gate, an Airflow, an identity provider. For demos and for tests."""
