from __future__ import annotations

import base64
import re
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from server.web.running_gate import REASON

from maskgate import load_rules, mask_dataset
from maskgate.testing.staged_tables import RULES_TEXT

GUIDE = Path(__file__).resolve().parents[3] / "docs/gate.md"
CUSTOMERS = pa.table({"email": ["a@example.com"], "full_name": ["Ann"], "ssn": ["1"], "country": ["NO"]})
ORDERS = pa.table({"email": ["a@example.com"], "amount": [7]})


def write_originals(folder):
    (folder / "raw").mkdir()
    pq.write_table(CUSTOMERS, folder / "raw/customers.parquet")
    pq.write_table(ORDERS, folder / "raw/orders.parquet")
    (folder / "rules.yaml").write_text(RULES_TEXT)


def sign_what_waits(gate, reviewer):
    """Sign the next request that the script makes."""
    with gate.client() as client:
        while not (waiting := client.requests("pending")):
            time.sleep(0.05)
    assert reviewer.decide(waiting[0]["id"], reason=REASON).status_code == 303


class TestScriptedExport:
    """Whoever has no host exports with a few lines of Python, as the guide shows them."""

    def test_the_guide_s_script_releases_what_was_signed(self, gate, browser, tmp_path, monkeypatch):
        write_originals(tmp_path)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MASKGATE_TEST_KEY", base64.b64encode(b"k" * 32).decode())
        monkeypatch.setenv("MASKGATE_URL", gate.url)
        monkeypatch.setenv("MASKGATE_TOKEN", gate.token())
        (script,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        signing = threading.Thread(target=sign_what_waits, args=(gate, browser("reviewer")), daemon=True)
        signing.start()
        known: dict = {}
        exec(compile(script, str(GUIDE), "exec"), known)
        signing.join(5)
        assert known["released"]["state"] == "released"
        left = {path.relative_to(gate.released).parts[2:] for path in gate.released.rglob("*") if path.is_file()}
        assert left >= {("customers", "part-00000.parquet"), ("orders", "part-00000.parquet"), ("manifest.json",)}

    def test_one_masked_folder_goes_up_as_it_is(self, gate, tmp_path, monkeypatch):
        write_originals(tmp_path)
        monkeypatch.setenv("MASKGATE_TEST_KEY", base64.b64encode(b"k" * 32).decode())
        mask_dataset(ORDERS, str(tmp_path / "masked"), load_rules(RULES_TEXT), table_name="orders")
        with gate.client() as client:
            staging = client.open_staging(root="uploads")
            for name in ("part-00000.parquet", "manifest.json"):
                client.upload(staging["id"], name, tmp_path / "masked" / name)
            asked = client.create_request(staging=staging["id"], destination="partner")
            sealed = client.wait(asked["id"], lambda each: each["state"] != "sealing", timeout=60)
        assert sealed["state"] == "pending", sealed["message"]
