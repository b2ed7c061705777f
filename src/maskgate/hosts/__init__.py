"""Clients of the orchestrators' REST APIs: read a run and an answer, wake a parked run."""
