from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import maskgate
from maskgate.crypto import cmac, ff1

MASKING = ["KeyRing", "load_rules", "mask_dataset", "mask_table", "GateClient", "requires_approval"]


class TestPublicNames:
    """The package hands on its names when they are asked for, and loads nothing before."""

    @pytest.mark.parametrize("name", MASKING)
    def test_a_name_is_there(self, name):
        assert getattr(maskgate, name).__name__ == name
        assert name in dir(maskgate)

    @pytest.mark.parametrize(
        ("function", "needed", "optional"),
        [
            (maskgate.mask_table, ["table", "rules"], {"keys": None}),
            (maskgate.mask_dataset, ["source", "target", "rules"], {"table_name": None, "keys": None}),
            (ff1.encrypt, ["column", "key"], {"tweak": b"", "alphabet": "0123456789"}),
            (ff1.decrypt, ["column", "key"], {"tweak": b"", "alphabet": "0123456789"}),
            (cmac.digest, ["column", "key"], {}),
        ],
        ids=["mask_table", "mask_dataset", "ff1.encrypt", "ff1.decrypt", "cmac.digest"],
    )
    def test_others_call_it_so(self, function, needed, optional):
        """Scripts of others are written against these names and defaults."""
        parameters = inspect.signature(function).parameters
        assert [name for name, each in parameters.items() if each.default is each.empty][: len(needed)] == needed
        assert {name: parameters[name].default for name in optional} == optional

    def test_any_other_is_not(self):
        with pytest.raises(AttributeError, match="has no attribute 'unmask'"):
            maskgate.unmask  # noqa: B018  asking is the point

    def test_importing_the_package_loads_nothing_else(self):
        loaded = "[name for name in sys.modules if name.startswith(('maskgate.', 'pyarrow', 'numpy'))]"
        script = f"import sys, maskgate; print(*{loaded})"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""

    def test_masking_loads_no_data_frames_databases_or_web_frameworks(self):
        heavy = ["pandas", "sqlalchemy", "fastapi", "httpx", "fsspec", "rich", "click"]
        script = (
            f"import sys; from maskgate import mask_dataset; print(*[each for each in {heavy} if each in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""
