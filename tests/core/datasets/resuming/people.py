"""People in four files, the rules that mask them, and what cuts a run off."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from maskgate.datasets import Layout
from maskgate.keys import Key, KeyRing

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
RULES = """
version: 1
keys: {people: "env:MASKGATE_KEY_PEOPLE"}
domains: {email: {scheme: cmac}}
tables:
  people:
    entity: id
    columns:
      id: keep
      email: {method: token, domain: email}
      score: {method: noise, kind: laplace, scale: 5, min: 0, max: 100}
    check: {unique: %s}
"""
LAYOUT = Layout(file_bytes=20_000, row_group_rows=500)
ROWS = 10_000
KILLED = """
import os, signal, sys
from maskgate.datasets import Layout, mask_dataset
from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

source, target, rules, rows, workers = sys.argv[1:]
def stop(progress):
    if progress.rows >= int(rows):
        os.kill(os.getpid(), signal.SIGKILL)
mask_dataset(source, target, read_rules(rules, "r"), table_name="people", progress=stop, workers=int(workers),
             keys=KeyRing({"people": Key("people", bytes(range(32)))}),
             layout=Layout(file_bytes=20_000, row_group_rows=500))
"""


def people(rows=ROWS):
    return pa.table(
        {
            "id": np.arange(rows),
            "email": [f"person{at}@secret.example" for at in range(rows)],
            "score": np.linspace(0, 100, rows),
        }
    )


def files(folder):
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


class Interrupting:
    """Raises once so many rows are written."""

    def __init__(self, rows, error=KeyboardInterrupt):
        self.rows, self.error, self.seen = rows, error, []

    def __call__(self, progress):
        self.seen.append(progress.rows)
        if progress.rows >= self.rows:
            raise self.error
