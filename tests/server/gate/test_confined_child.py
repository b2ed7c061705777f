from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

from maskgate.errors import Refused
from maskgate.gate import confined_child
from maskgate.gate.confinement import HOOK, NAMESPACE


def confined(body):
    """Run a few lines in a process that confined itself first."""
    script = textwrap.dedent(
        """
        import json, os, socket, subprocess, sys, urllib.request
        from maskgate.gate.confinement import confine, forbid, leave
        network = confine(memory_bytes=512 << 20, cpu_seconds=5)
        """
    ) + textwrap.dedent(body)
    return subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=60)


class TestConfinement:
    """The child that opens hostile files has no network, no new files, little memory and little time."""

    def test_it_says_how_it_left_the_network(self):
        assert confined("print(network)").stdout.strip() in {NAMESPACE, HOOK}

    def test_it_reaches_nobody_on_this_machine(self):
        with subprocess.Popen(
            [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                port = int(server.stdout.readline().split("port ")[1].split()[0])
                # Where the kernel gives no namespace of its own, the hook has to do.
                first = "" if confined("print(network)").stdout.strip() == NAMESPACE else "forbid();"
                done = confined(f"{first}urllib.request.urlopen('http://127.0.0.1:{port}/'); print('reached')")
            finally:
                server.kill()
        assert "reached" not in done.stdout
        assert done.returncode != 0

    @pytest.mark.parametrize(
        "forbidden",
        [
            pytest.param("socket.socket()", id="open a socket"),
            pytest.param("subprocess.run(['true'])", id="start a program"),
            pytest.param("os.fork()", id="fork"),
            pytest.param("os.system('true')", id="run a shell"),
        ],
    )
    def test_python_code_cannot(self, forbidden):
        done = confined(f"forbid()\ntry:\n    {forbidden}\nexcept BaseException:\n    pass\nprint('went on')")
        assert (done.returncode, done.stdout) == (77, "")

    @pytest.mark.parametrize("code", [0, 3])
    def test_what_it_has_done_counts_whatever_goes_wrong_as_it_ends(self, code):
        done = confined(f"import atexit\natexit.register(os.abort)\nprint('done')\nleave({code})")
        assert (done.returncode, done.stdout) == (code, "done\n")

    def test_it_cannot_write_a_file(self, tmp_path):
        done = confined(f"open({str(tmp_path / 'file')!r}, 'w').write('x' * 100000)")
        assert done.returncode != 0
        assert not (tmp_path / "file").exists() or (tmp_path / "file").stat().st_size == 0

    def test_it_cannot_take_more_memory(self):
        assert "MemoryError" in confined("b = bytearray(1 << 30)").stderr

    def test_it_gets_nothing_of_the_environment(self, monkeypatch):
        monkeypatch.setenv("MASKGATE_TEST_KEY", "very secret")
        assert not any("very secret" in value for value in confined_child._ENVIRONMENT.values())

    def test_it_loads_no_method_no_key_and_no_reader_of_rules(self):
        script = "import sys; from maskgate.gate import measurement; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
        loaded = set(done.stdout.split())
        assert "pyarrow.parquet" in loaded
        unneeded = {"maskgate.methods.registry", "maskgate.rules.reader", "maskgate.keys", "cryptography"}
        assert loaded & unneeded == set()


class TestAnswer:
    """A child that was taken over can say what it likes; none of it is believed beyond its type."""

    @pytest.mark.parametrize(
        "said",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"not json\n", id="no JSON"),
            pytest.param(b"[]\n", id="a list"),
            pytest.param(b"[" * 100_000 + b"\n", id="brackets in brackets"),
            pytest.param(b'{"result": 1}\n', id="a number as the result"),
            pytest.param(b'{"result": {"network": "all of it", "tables": {}}}\n', id="an unknown network"),
            pytest.param(b'{"result": {"network": "audit hook", "tables": []}}\n', id="tables as a list"),
            pytest.param(b'{"refused": "ann@example.com", "path": "x"}\n', id="an unknown reason"),
            pytest.param(b'{"bytes": -1}\n', id="bytes below zero"),
            pytest.param(b"x" * (65 << 20), id="too much of it"),
        ],
    )
    def test_nonsense_is_refused(self, said, tmp_path):
        (tmp_path / "said").write_bytes(said)
        with (
            subprocess.Popen(["cat", str(tmp_path / "said")], stdout=subprocess.PIPE) as child,
            pytest.raises(Refused) as caught,
        ):
            confined_child._listen(child, time.monotonic() + 30, lambda _size: None)
        assert "ann@" not in str(caught.value)

    def test_a_child_that_hangs_is_refused(self):
        with subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE) as child:
            try:
                with pytest.raises(Refused, match="took too long"):
                    confined_child._listen(child, time.monotonic() + 0.2, lambda _size: None)
            finally:
                child.kill()
