from __future__ import annotations

import os
import subprocess
import sys

import pytest

HOW = """
import sys
from maskgate.cli.arrow import load_arrow
{before}
load_arrow()
import pyarrow as pa, pyarrow.compute as pc
assert pc.add_checked(pa.array([1, None]), 2).to_pylist() == [3, None]
assert pc.sort_indices(pa.array([2, 1]), options=pc.SortOptions([("x", "descending")])).to_pylist() == [0, 1]
assert pc.split_pattern(pa.array(["a b"]), pattern=" ", max_splits=1).to_pylist() == [["a", "b"]]
print("pydoc" in sys.modules, "pyarrow.vendored.docscrape" in sys.modules)
"""


def said(before=""):
    command = [sys.executable, "-c", HOW.format(before=before)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


class TestLoadArrow:
    """A process of ours has the kernels without their documentation, and leaves no trace of how."""

    def test_kernels_do_what_they_do(self):
        assert said() == ["False", "False"]

    def test_where_they_are_loaded_already_nothing_changes(self):
        assert said("import pyarrow.compute") == ["True", "True"]

    def test_another_way_to_describe_them_is_left_alone(self):
        broken = "import maskgate.cli.arrow as ours; del ours._Undescribed.__init__"
        assert said(broken)[1] == "True"


class TestMemory:
    """All of Arrow's memory comes from one place in a process of ours, unless somebody chose another."""

    HOW = (
        "from maskgate.cli.arrow import load_arrow; load_arrow(); import pyarrow; print(pyarrow.default_memory_pool())"
    )

    @pytest.mark.skipif(not hasattr(os, "confstr"), reason="needs a system of POSIX, for its C library's name")
    @pytest.mark.parametrize(
        ("chosen", "taken"), [({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")]
    )
    def test_where_it_comes_from(self, chosen, taken):
        inherited = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
        command = [sys.executable, "-c", self.HOW]
        done = subprocess.run(command, env=inherited | chosen, capture_output=True, text=True, check=True)
        assert f"backend_name={taken}" in done.stdout
