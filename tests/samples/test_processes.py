from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from demo.processes import LOOPBACK, Processes, StartFailure, free_port, wait_for_url, wait_until

# Starts a child in a process group of its own, as Airflow does with every task, and ignores TERM.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print(child.pid, flush=True)
time.sleep(600)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def processes(tmp_path):
    with Processes(tmp_path / "logs") as started:
        yield started


class TestProcesses:
    """Everything that was started is stopped, and a failure to start says why."""

    def test_nothing_started_is_nothing_to_stop(self, tmp_path):
        with Processes(tmp_path) as started:
            assert started.stop_all() is None

    def test_what_a_program_started_ends_with_it(self, processes):
        stubborn = processes.start("stubborn", python(STUBBORN), env=os.environ)
        child = int(wait_until(stubborn.tail, what="it says its child", timeout=20, program=stubborn))
        stubborn.stop(grace=0.5)
        assert not stubborn.is_running
        assert not is_alive(child)

    def test_leaving_with_an_error_stops_them(self, tmp_path):
        started = Processes(tmp_path)
        sleeper = started.start("sleeper", python("import time; time.sleep(600)"), env=os.environ)
        with pytest.raises(ZeroDivisionError), started:
            raise ZeroDivisionError
        assert not sleeper.is_running

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "TERM"])
    def test_a_signal_to_the_demo_stops_them(self, tmp_path, number):
        code = f"""
import os, sys, time
from demo.processes import Processes, exit_on_term
from pathlib import Path
exit_on_term()
with Processes(Path({str(tmp_path)!r})) as started:
    sleeper = started.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ)
    print(sleeper.popen.pid, flush=True)
    time.sleep(600)
"""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        demo = subprocess.Popen(python(code), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sleeper = int(demo.stdout.readline())
        assert is_alive(sleeper)
        demo.send_signal(number)
        demo.communicate(timeout=30)
        assert not is_alive(sleeper)

    def test_a_program_that_fails_shows_its_last_words(self, processes):
        with pytest.raises(StartFailure, match=r"exit code 3(.|\n)*no such table"):
            processes.run("migrate", python("print('no such table'); raise SystemExit(3)"), env=os.environ)

    def test_a_server_that_ends_is_not_waited_for(self, processes):
        server = processes.start("server", python("print('port in use')"), env=os.environ)
        with pytest.raises(StartFailure, match=r"server ended(.|\n)*port in use"):
            wait_for_url(f"http://{LOOPBACK}:{free_port()}/", server)

    def test_a_silent_server_is_not_waited_for_for_ever(self, processes):
        server = processes.start("server", python("import time; time.sleep(600)"), env=os.environ)
        with pytest.raises(StartFailure, match="waited 1 s, but not until server answers"):
            wait_for_url(f"http://{LOOPBACK}:{free_port()}/", server, timeout=1)


class TestFreePort:
    """A port in use is not taken; another one is, and that is said."""

    def test_a_free_port_is_taken_as_preferred(self):
        preferred = free_port()
        assert free_port(preferred) == preferred

    def test_another_port_is_said(self):
        said = []
        with socket.socket() as taken:
            taken.bind((LOOPBACK, 0))
            taken.listen()
            preferred = taken.getsockname()[1]
            chosen = free_port(preferred, say=said.append, what="Airflow")
        assert chosen != preferred
        assert said == [f"port {preferred} is in use; Airflow takes {chosen}"]
