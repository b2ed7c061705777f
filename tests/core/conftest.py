from __future__ import annotations

import sys
from datetime import date, datetime

import pyarrow as pa
import pytest

from maskgate.keys import Key, KeyRing
from maskgate.rules import read_rules

RULES = """\
version: 1
keys: {people: env:MASKGATE_KEY_PEOPLE, contact: env:MASKGATE_KEY_CONTACT}
domains:
  customer: {scheme: cmac, key: people, prefix: c_}
  order: {scheme: cmac, key: people, prefix: o_}
  email: {scheme: hmac, key: contact, prefix: em_, normalize: [trim, lower]}
tables:
  customers:
    entity: customer_id
    key: people
    columns:
      customer_id: {method: token, domain: customer}
      email: {method: token, domain: email}
      full_name: drop
      phone: {method: mask, keep_last: 2}
      birth_date: {method: generalize, to: year, not_before: 1936}
      income: {method: noise, kind: laplace, scale: 500, min: 0, max: 250000, round_to: 100}
      signed_up_at: {method: shift_date, days: 180}
      notes: {method: redact, with: "***"}
      country: keep
  orders:
    entity: customer_id
    key: people
    columns:
      order_id: {method: token, domain: order}
      customer_id: {method: token, domain: customer}
      ordered_at: {method: shift_date, days: 180}
      gift_note: nullify
"""


@pytest.fixture
def rules():
    """Rules for customers and orders."""
    return read_rules(RULES, "rules.yaml")


@pytest.fixture
def keys():
    """The two keys that the rules refer to."""
    return KeyRing({"people": Key("people", bytes(range(32))), "contact": Key("contact", bytes(range(32, 64)))})


@pytest.fixture
def customers():
    """Three customers, with a null and an empty text in each column that can have one."""
    return pa.table(
        {
            "customer_id": pa.array([1000000001, 1000000002, 1000000003]),
            "email": ["Planted.Person@secret.example", None, ""],
            "full_name": ["Planted Person", "", None],
            "phone": ["+44 20 7946 0958", "", None],
            "birth_date": pa.array([date(1987, 7, 3), date(1901, 1, 1), None]),
            "income": pa.array([41234, None, 10**9]),
            "signed_up_at": pa.array([datetime(2024, 2, 29, 13, 5), None, datetime(2020, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001  Arrow's zoneless type
            "notes": ["planted-note 078-05-1120", None, ""],
            "country": ["DE", "NO", "GB"],
        }
    )


@pytest.fixture
def orders():
    """Four orders of two of the customers."""
    moments = [datetime(2024, 3, day, 8) for day in (1, 2, 3, 4)]  # noqa: DTZ001  Arrow's zoneless type
    return pa.table(
        {
            "order_id": pa.array([1, 2, 3, 4]),
            "customer_id": pa.array([1000000001, 1000000001, 1000000003, 1000000003]),
            "ordered_at": pa.array(moments, pa.timestamp("us")),
            "gift_note": ["planted-gift", None, "", "planted-gift"],
        }
    )


@pytest.fixture
def install(tmp_path_factory, monkeypatch):
    """Lay a distribution with masking methods where Python finds it, as an installer does."""
    folder = tmp_path_factory.mktemp("site-packages")
    monkeypatch.syspath_prepend(str(folder))
    laid = []

    def lay(package, source, methods):
        (folder / f"{package}.py").write_text(source, encoding="utf-8")
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        lines = "\n".join(f"{name} = {value}" for name, value in methods.items())
        (info / "entry_points.txt").write_text(f"[maskgate.methods]\n{lines}\n", encoding="utf-8")
        laid.append(package)

    yield lay
    for package in laid:
        sys.modules.pop(package, None)
