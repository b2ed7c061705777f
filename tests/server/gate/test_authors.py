"""Who wrote the code: read from the repository, whatever lies in it; it only adds."""

from __future__ import annotations

import os
import subprocess

import pytest

from maskgate.errors import HostUnreachable, NotAllowed, Refused
from maskgate.gate.authors import CodeRepository, read_authors
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run

PEOPLE = {"bert@company.example": "bert", "cleo@company.example": "cleo"}


class Repository:
    """A repository of DAGs, in which anybody may claim to be anybody."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments, **environment):
        command = ["git", "-C", str(self.path), "-c", "user.name=x", "-c", "user.email=committer@company.example"]
        given = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **environment}
        return subprocess.run([*command, *arguments], env=given, check=True, capture_output=True, text=True).stdout

    def commit(self, author, name="dags/export.py", body=""):
        file = self.path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(file.read_text() + author if file.exists() else author)
        self.git("add", "-A")
        self.git("commit", "-q", "--author", f"Somebody <{author}>", "-m", f"change\n\n{body}")
        return self.git("rev-parse", "HEAD").strip()

    def code(self, **more):
        return CodeRepository(self.path, PEOPLE, **more)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "dags")


class TestReading:
    """The authors between two versions."""

    def test_since_the_last_release(self, repository):
        before = repository.commit("bert@company.example")
        after = repository.commit("Cleo@Company.example")
        found = read_authors(repository.code(), after, (before,))
        assert (found.version, found.people, found.unknown) == (after, {"cleo"}, 1)

    def test_all_of_them_before_the_first_release(self, repository):
        repository.commit("bert@company.example")
        after = repository.commit("zoe@company.example")
        assert read_authors(repository.code(), after, ()).people == {"bert"}
        assert read_authors(repository.code(), after, ()).unknown == 2

    def test_nothing_changed(self, repository):
        same = repository.commit("bert@company.example")
        assert read_authors(repository.code(), same, (same,)).people == frozenset()

    def test_an_earlier_version_than_the_last_release_brings_back_what_was_mended_since(self, repository):
        first = repository.commit("zoe@company.example")
        broken = repository.commit("bert@company.example")
        mended = repository.commit("cleo@company.example")
        assert read_authors(repository.code(), broken, (mended, first)).people == {"bert"}
        assert read_authors(repository.code(), broken, (mended,)).people == {"bert"}
        assert read_authors(repository.code(), first, (mended, first)).people == frozenset()

    def test_a_last_release_that_is_no_longer_there_counts_as_none(self, repository):
        after = repository.commit("bert@company.example")
        assert read_authors(repository.code(), after, ("0" * 40,)).people == {"bert"}

    def test_whoever_is_named_as_having_helped(self, repository):
        after = repository.commit("zoe@company.example", body="Co-authored-by: C <cleo@company.example>\n")
        assert read_authors(repository.code(), after, ()).people == {"cleo"}

    def test_what_is_checked_out_where_the_host_knows_no_version(self, repository):
        after = repository.commit("bert@company.example")
        assert read_authors(repository.code(), None, ()).version == after

    def test_only_below_a_folder(self, repository):
        before = repository.commit("zoe@company.example")
        repository.commit("bert@company.example", "dags/export.py")
        after = repository.commit("cleo@company.example", "docs/readme.md")
        assert read_authors(repository.code(folder="dags"), after, (before,)).people == {"bert"}

    @pytest.mark.parametrize(
        "version",
        ["--upload-pack=touch x", "HEAD", "main", "v1", ""],
        ids=["an option", "a name", "a branch", "a tag", "none"],
    )
    def test_a_version_that_is_no_object_id_never_reaches_git(self, repository, version):
        repository.commit("bert@company.example")
        with pytest.raises(Refused, match="no object id"):
            read_authors(repository.code(), version, ())

    def test_a_version_that_was_not_fetched(self, repository):
        repository.commit("bert@company.example")
        with pytest.raises(Refused, match="Fetch it there"):
            read_authors(repository.code(), "1" * 40, ())

    def test_a_part_of_the_history(self, repository, tmp_path):
        repository.commit("bert@company.example")
        after = repository.commit("cleo@company.example")
        url = f"file://{repository.path}"
        subprocess.run(["git", "clone", "-q", "--depth", "1", url, str(tmp_path / "shallow")], check=True)
        with pytest.raises(Refused, match="only a part of its history"):
            read_authors(CodeRepository(tmp_path / "shallow", PEOPLE), after, ())

    def test_no_repository(self, tmp_path):
        with pytest.raises(HostUnreachable, match="could not read the repository"):
            read_authors(CodeRepository(tmp_path, PEOPLE), "1" * 40, ())

    def test_nothing_in_the_repository_is_run_or_obeyed(self, repository, tmp_path):
        before = repository.commit("zoe@company.example")
        after = repository.commit("bert@company.example")
        trap = tmp_path / "trap.sh"
        trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
        trap.chmod(0o755)
        for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "gpg.program", "diff.external", "core.editor"):
            repository.git("config", name, str(trap))
        repository.git("config", "log.showSignature", "true")
        repository.git("config", "alias.rev-list", f"!{trap}")
        # A replaced commit, and a mailmap, would show another author.
        repository.git("replace", after, before)
        (repository.path / ".mailmap").write_text("Z <zoe@company.example> <bert@company.example>\n")
        assert read_authors(repository.code(), after, (before,)).people == {"bert"}
        assert not (tmp_path / "sprung").exists()


CHANGES = """  - name: changes
    when: {action: [change-policy, register-rules]}
    require: {slots: {privacy: 1, legal: 1}, distinct: 2}
otherwise"""


class TestOwnFiles:
    """Whoever changed the gate's own files signs neither the change nor what comes of it."""

    @pytest.fixture
    def world(self, tmp_path, repository):
        policy = POLICY.replace("otherwise", CHANGES).replace("[anna, bert], group", "[anna, bert, dora], group")
        return GateWorld(repository.path, policy, own_code=repository.code())

    def test_an_author_of_the_policy(self, world, repository):
        (repository.path / ".gitignore").write_text("*\n!policy.yaml\n")
        repository.git("add", "policy.yaml")
        repository.git("commit", "-q", "--author", "Z <zoe@company.example>", "-m", "first")
        world.policy = world.policy.replace("min_length: 10", "min_length: 11")
        (repository.path / "policy.yaml").write_text(world.policy)
        repository.git("commit", "-q", "-a", "--author", "B <bert@company.example>", "-m", "second")
        world.start()
        (change,) = [each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy"]
        assert change["involvement"]["sources"] == {"bert": ["changed the file since the last time it was signed"]}
        assert change["involvement"]["unknown_authors"] == 2
        with pytest.raises(NotAllowed, match=r"bert .* is involved"):
            world.decide(change, "bert")
        world.decide(change, "dora")
        assert world.decide(change, "cleo")["state"] == "released"
        document = world.ask()
        assert document["involvement"]["sources"]["bert"] == ["asked for the policy in force"]
        with pytest.raises(NotAllowed, match=r"bert .* is involved"):
            world.decide(document, "bert")

    def test_a_file_elsewhere_has_no_known_author(self, tmp_path, repository):
        repository.commit("bert@company.example")
        world = GateWorld(tmp_path, POLICY.replace("otherwise", CHANGES), own_code=repository.code())
        world.policy = world.policy.replace("min_length: 10", "min_length: 11")
        world.start()
        (change,) = [each for each in world.gate.requests(world.auditor) if each["action"] == "change-policy"]
        assert change["involved"] == []


class TestInvolved:
    """Authors may not sign what their code asks for, until it was released once."""

    @pytest.fixture
    def world(self, tmp_path, repository):
        return GateWorld(tmp_path, code={"airflow:prod": repository.code()})

    def ask(self, world, version, number):
        run = airflow_run(f"run {number}")
        world.host.add_run(run, triggered_by=("anna",), code_version=version)
        return world.ask(run=run)

    def test_an_author_is_involved_until_the_release(self, world, repository):
        version = repository.commit("cleo@company.example")
        document = self.ask(world, version, 1)
        assert document["involved"] == ["anna", "cleo"]
        assert document["involvement"]["sources"]["cleo"] == ["changed the code since the last release"]
        assert document["involvement"]["unknown_authors"] == 1
        world.decide(document)
        world.release(document, airflow_run("run 1", task_id="release"))
        assert self.ask(world, version, 2)["involved"] == ["anna"]
        later = repository.commit("bert@company.example")
        assert self.ask(world, later, 3)["involved"] == ["anna", "bert"]

    def test_a_version_that_cannot_be_looked_up_is_refused(self, world, repository):
        repository.commit("cleo@company.example")
        with pytest.raises(Refused, match="Fetch it there"):
            self.ask(world, "1" * 40, 1)
        assert world.entries("request.created") == []
