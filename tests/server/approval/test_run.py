from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from maskgate.approval.command import prepare
from maskgate.cli.main import run as run_command_line
from maskgate.errors import UsageError

COMMAND = [sys.executable, "-c", "from maskgate.cli import main; main()", "run", "--action", "deploy"]


def start(resource, *arguments, folder=None, **more):
    known = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "HOME", "MASKGATE_"))}
    return subprocess.Popen(
        [*COMMAND, "--resource", resource, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=known | more,
        cwd=folder,
    )


def end(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err.decode()


@pytest.fixture
def run(capfdbinary, monkeypatch):
    """Run a command here, and return its exit code and what it put out."""

    def command(resource, *arguments, folder=None, **more):
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        if folder is not None:
            monkeypatch.chdir(folder)
        capfdbinary.readouterr()
        code = run_command_line(["run", "--action", "deploy", "--resource", resource, *arguments])
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return command


def only(gate, resource):
    (document,) = gate.read_all(resource)
    return document


@pytest.fixture
def signed(run, environment, tmp_path):
    """Run a command whose request a reviewer signs, after something else has happened."""

    def command(resource, *arguments, before=lambda: None):
        signer = environment.sign_when_asked(resource, before=before)
        done = run(resource, *arguments, folder=tmp_path)
        signer.join()
        return done

    return command


class TestRun:
    """A command runs once, after a signature, exactly as it was signed; its output is known by its hash."""

    def test_it_waits_runs_and_is_recorded(self, environment, tmp_path, signed):
        code, out, err = signed("prod/a", "--why", "release", "--", "echo", "two  words", "$HOME")
        assert (code, out) == (0, b"two  words $HOME\n"), err
        document = only(environment, "prod/a")
        assert (document["state"], document["level"]) == ("released", "verify")
        assert document["call"]["arguments"]["argv"] == ["echo", "two  words", "$HOME"]
        receipt = document["receipt"]
        assert (receipt["exit_code"], receipt["output_bytes"]) == (0, len(out))
        assert receipt["output_digest"] == f"sha256:{hashlib.sha256(out).hexdigest()}"

    def test_its_output_is_nowhere_at_the_gate(self, environment, run):
        run("dev/b", "--", "echo", "-n", "a very ", "private")
        told = json.dumps([environment.entries(), only(environment, "dev/b")["receipt"]])
        assert "a very  private" not in told

    @pytest.mark.parametrize(
        ("script", "code", "state"),
        [("exit 0", 0, "released"), ("exit 7", 7, "failed"), ("kill -9 $$", 137, "failed")],
        ids=["done", "an exit code", "a signal"],
    )
    def test_it_exits_as_the_command_does(self, environment, script, code, state, run):
        resource = f"dev/exit-{code}"
        assert run(resource, "--", "sh", "-c", script)[0] == code
        assert only(environment, resource)["state"] == state

    def test_a_denial_runs_nothing(self, environment, tmp_path, run):
        environment.sign_when_asked("prod/c", "deny")
        code, _, err = run("prod/c", "--", "touch", str(tmp_path / "ran"))
        assert (code, "denied" in err, list(tmp_path.iterdir())) == (3, True, [])

    def test_it_does_not_wait_longer_than_it_was_told(self, environment, tmp_path, run):
        assert run("prod/d", "--wait", "0", "--", "touch", str(tmp_path / "ran"))[0] == 4
        assert list(tmp_path.iterdir()) == []

    def test_it_sees_the_environment_that_was_signed_and_no_more(self, environment, run):
        code, out, _ = run("dev/e", "--env", "STAGE", "--", "env", STAGE="blue", OTHER="secret")
        assert code == 0
        names = {line.split(b"=")[0] for line in out.splitlines()}
        assert b"STAGE" in names
        assert not names & {b"OTHER", b"MASKGATE_TOKEN", b"HOME"}
        shown = only(environment, "dev/e")["call"]["arguments"]["environment"]
        assert shown["STAGE"].startswith("sha256:")

    def test_the_script_that_was_read_is_the_one_that_runs(self, environment, tmp_path, signed):
        script = tmp_path / "deploy.sh"
        script.write_text("echo signed $1\n")
        code, out, err = signed("prod/f", "--script", "deploy.sh", "--", "sh", "deploy.sh", "v7",
            before=lambda: script.write_text("echo swapped\n"),
        )  # fmt: skip
        assert (code, out) == (0, b"signed v7\n"), err
        shown = only(environment, "prod/f")["call"]["arguments"]["script"]
        assert shown["text"] == "echo signed $1\n"

    def test_a_program_with_a_first_line_runs_from_what_was_hashed(self, environment, tmp_path, run):
        program = tmp_path / "deploy"
        program.write_text("#!/bin/sh\necho signed $1\n")
        program.chmod(0o755)
        assert run("dev/g", "--", str(program), "v7")[:2] == (0, b"signed v7\n")

    def test_a_program_that_was_swapped_does_not_run(self, environment, tmp_path, signed):
        program = tmp_path / "deploy"
        program.write_text("#!/bin/sh\necho signed\n")
        program.chmod(0o755)
        code, out, err = signed("prod/h", "--", str(program),
            before=lambda: program.write_text("#!/bin/sh\necho swapped\n"),
        )  # fmt: skip
        assert (code, out, "not the program that was signed" in err) == (3, b"", True)
        assert only(environment, "prod/h")["state"] == "failed"

    def test_signals_reach_the_command(self, environment, tmp_path):
        script = 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done'
        process = start("dev/i", "--", "sh", "-c", script)
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        code, out, _ = end(process)
        assert (code, out) == (5, b"caught\n")

    def test_killed_halfway_it_is_never_run_again(self, environment):
        process = start("dev/j", "--", "sh", "-c", "echo ready; sleep 60")
        process.stdout.readline()
        child = int(subprocess.check_output(["pgrep", "-P", str(process.pid)]).split()[0])
        process.kill()
        os.kill(child, signal.SIGKILL)
        process.communicate()
        document = only(environment, "dev/j")
        assert document["state"] == "releasing"
        assert end(start("dev/j", "--", "sh", "-c", "echo ready; sleep 60"))[0] == 3

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["--", "no-such-program-here"], "there is no program", id="no program"),
            pytest.param(["--env", "NOWHERE", "--", "true"], "no NOWHERE", id="no variable"),
            pytest.param(["--script", "nowhere.sh", "--", "sh", "{script}"], "cannot be read", id="no script"),
        ],
    )
    def test_what_cannot_be_run_is_not_asked_for(self, environment, arguments, words, run):
        code, _, err = run("prod/nothing", *arguments)
        assert (code, words in err) == (2, True), err
        assert environment.read_all("prod/nothing") == []


class TestJson:
    """`--json` prints one document on stdout; what the command prints is on stderr, and its digest in the document."""

    @pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
    def test_it_says_how_the_command_ended(self, environment, run, script, code):
        ended, out, err = run(f"dev/json-{code}", "--json", "--", "sh", "-c", f"echo printed; {script}")
        document = json.loads(out)
        assert (ended, document["exit_code"], "printed\n" in err) == (code, code, True)
        assert document["output_digest"] == "sha256:" + hashlib.sha256(b"printed\n").hexdigest()
        assert document["output_bytes"] == len("printed\n")
        shown = only(environment, f"dev/json-{code}")
        assert {name: document[name] for name in shown} == shown
        assert document["receipt"]["succeeded"] == (code == 0)

    @pytest.mark.parametrize(("state", "code"), [("pending", 4), ("denied", 3)])
    def test_what_did_not_run_has_no_exit_code(self, environment, tmp_path, run, state, code):
        resource, wait = f"prod/json-{state}", ["--wait", "0"] if state == "pending" else []
        if state == "denied":
            environment.sign_when_asked(resource, "deny")
        ended, out, _ = run(resource, "--json", *wait, "--", "touch", str(tmp_path / "ran"))
        document = json.loads(out)
        assert (ended, document["state"], document["exit_code"], document["output_digest"]) == (code, state, None, None)
        assert list(tmp_path.iterdir()) == []

    def test_what_is_no_request_prints_nothing(self, environment, run):
        code, out, err = run("forbidden/x", "--json", "--", "true")
        assert (code, out, "refuses this" in err) == (3, b"", True)
        assert run("prod/nothing", "--json", "--", "no-such-program-here")[:2] == (2, b"")


class TestPrepare:
    """All that a command depends on is looked up before anybody is asked."""

    def test_nothing_to_run(self):
        with pytest.raises(UsageError, match="name the command"):
            prepare([], [], None, {})

    def test_a_script_without_a_place(self, tmp_path):
        script = tmp_path / "x.sh"
        script.write_text("true")
        with pytest.raises(UsageError, match="where the script goes"):
            prepare(["sh"], [], script, os.environ)

    def test_the_same_command_is_signed_alike(self):
        first = prepare(["true"], [], None, os.environ).signed()
        time.sleep(0)
        assert prepare(["true"], [], None, os.environ).signed() == first


class TestWhatDoesNotStart:
    """A file that is no program is told as such; its grant is used, and says that it failed."""

    @pytest.mark.parametrize("content", ["", "echo hello\n", "#!/no/such\n", "#!/bin/sh\r\necho hello\r\n"])
    def test_it_says_why(self, environment, tmp_path, run, content):
        program = tmp_path / "program"
        program.write_text(content, newline="")
        program.chmod(0o755)
        resource = f"dev/unstarted-{sum(content.encode())}"
        code, out, err = run(resource, "--", str(program))
        assert (code, out) == (1, b"")
        assert f"{program} did not start: " in err
        assert "#!/bin/sh" in err
        assert only(environment, resource)["state"] == "failed"

    def test_a_variable_that_is_no_text_is_not_asked_for(self, environment, run):
        code, _, err = run("dev/broken", "--env", "BROKEN", "--", "echo", BROKEN="\udcff")
        assert (code, "BROKEN of the environment" in err) == (2, True)
        assert environment.read_all("dev/broken") == []
