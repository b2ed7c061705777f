from __future__ import annotations

import base64
import fcntl
import json
import os
import resource
import stat
import subprocess
import sys

import pytest

from maskgate.keys import Key, KeyRing
from maskgate.testing.transit_engine import TOKEN, TransitEngine


class TestKeysNew:
    """A new key is random, for its owner alone, and never takes the place of another."""

    @pytest.mark.parametrize(
        ("arguments", "path"),
        [
            pytest.param(["people"], "keys/people.key", id="at its usual place"),
            pytest.param(["people", "--file", "deep/down/k"], "deep/down/k", id="where it is wanted"),
        ],
    )
    def test_it_is_written_and_its_reference_printed(self, maskgate, tmp_path, arguments, path):
        done = maskgate("keys", "new", *arguments)
        assert (done.returncode, done.stdout) == (0, f"people: file:{path}\n")
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o600
        assert len(base64.b64decode((tmp_path / path).read_bytes())) == 32
        assert "people" in KeyRing.resolve({"people": f"file:{path}"}, base=tmp_path)

    def test_the_key_itself_is_not_shown(self, maskgate, tmp_path):
        done = maskgate("keys", "new", "people")
        secret = (tmp_path / "keys" / "people.key").read_text(encoding="utf-8").strip()
        assert secret not in done.stdout + done.stderr

    def test_an_old_key_stays(self, maskgate, tmp_path):
        maskgate("keys", "new", "people")
        before = (tmp_path / "keys" / "people.key").read_bytes()
        done = maskgate("keys", "new", "people")
        assert done.returncode == 1
        assert "a key is never replaced" in done.stderr
        assert (tmp_path / "keys" / "people.key").read_bytes() == before

    @pytest.mark.parametrize("name", ["", "../people", "a b", "9"])
    def test_a_name_that_rules_could_not_use(self, maskgate, tmp_path, name):
        done = maskgate("keys", "new", name)
        assert done.returncode == 2
        assert "a key's name has letters" in done.stderr
        assert not (tmp_path / "keys").exists()


SECRET, OLDER = (bytes(range(first, first + 32)) for first in (65, 129))
TEXT, OLDER_TEXT = (base64.b64encode(each).decode() for each in (SECRET, OLDER))
COMMAND = (sys.executable, "-c", "from maskgate.cli import main; main()")
WITHOUT_KEYS = "{version: 1, tables: {t: {columns: {a: keep}}}}"


@pytest.fixture
def vault(monkeypatch):
    with TransitEngine().running() as engine:
        monkeypatch.setenv("VAULT_ADDR", engine.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield engine


@pytest.fixture
def key_file(tmp_path):
    """Write the file of a key."""

    def write(text=f"{TEXT}\n", mode=0o600, name="people.key"):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


def people(tmp_path, reference="file:people.key"):
    return KeyRing.resolve({"people": reference}, base=tmp_path).get("people")


def token(key, version):
    return key.at(version).subkey(purpose="token")


class TestWrappedNew:
    """A service makes and wraps the key; nobody here ever sees it."""

    def test_the_reference_leads_to_the_key(self, maskgate, tmp_path, vault):
        done = maskgate("keys", "new", "people", "--wrap-with", "vault-transit:maskgate")
        assert (done.returncode, done.stdout) == (0, "people: vault-transit:maskgate@keys/people.wrapped\n")
        assert "seen by vault-transit:maskgate alone" in done.stderr
        assert vault.asked == ["/v1/transit/datakey/wrapped/maskgate"]
        assert people(tmp_path, done.stdout.strip().removeprefix("people: ")).version == 1

    @pytest.mark.parametrize(
        ("wrapper", "words"),
        [
            pytest.param("vault-transit:absent", "Vault answered 404", id="a key that is not there"),
            pytest.param("vault-transit:../x", "a Transit key is named", id="no name of a key"),
            pytest.param("aws-kms:x", "a KMS key is named by its ARN", id="no name of a KMS key"),
            pytest.param("aws-kms:alias/x", "pip install maskgate[aws]", id="without boto3"),
            pytest.param("gcp-kms:x", "a wrapper is written aws-kms:KMSKEY or vault-transit", id="another service"),
        ],
    )
    def test_what_cannot_wrap(self, maskgate, tmp_path, vault, wrapper, words):
        done = maskgate("keys", "new", "people", "--wrap-with", wrapper)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert not (tmp_path / "keys").exists()


class TestKeysList:
    """What there is to say of the keys of a rules file, and never a key."""

    def rules(self, tmp_path, **keys):
        listed = json.dumps(keys)
        (tmp_path / "rules.yaml").write_text(f"{{version: 1, keys: {listed}, tables: {{t: {{columns: {{a: keep}}}}}}}}")
        return "rules.yaml"

    def test_rules_without_keys(self, maskgate, tmp_path):
        (tmp_path / "rules.yaml").write_text(WITHOUT_KEYS)
        done = maskgate("keys", "list", "rules.yaml")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "The rules refer to no key.\n")
        assert json.loads(maskgate("keys", "list", "rules.yaml", "--json").stdout) == {"keys": []}

    def test_every_key_is_told(self, maskgate, tmp_path, key_file):
        key_file(f"3:{TEXT}\n1:{OLDER_TEXT}\n")
        rules = self.rules(tmp_path, people="file:people.key", contact="env:MASKGATE_KEY_CONTACT")
        done = maskgate("keys", "list", rules)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "contact  env:MASKGATE_KEY_CONTACT  version 1 (256 bits)",
            "people   file:people.key  version 3 (256 bits), and older: 1",
        ]
        found = {"name": "people", "reference": "file:people.key", "versions": [3, 1], "current": 3, "bits": 256}
        listed = json.loads(maskgate("keys", "list", rules, "--json").stdout)["keys"]
        assert listed[1] == {**found, "problem": None}

    def test_what_cannot_be_had_is_told_beside_the_rest(self, maskgate, tmp_path, key_file):
        key_file(mode=0o644)
        odd = f"odd:{TEXT}"
        rules = self.rules(tmp_path, people="file:people.key", contact="env:MASKGATE_KEY_CONTACT", odd=odd)
        done = maskgate("keys", "list", rules)
        assert done.returncode == 2
        assert "contact  env:MASKGATE_KEY_CONTACT  version 1" in done.stdout
        assert "people   file:people.key  cannot be had" in done.stdout
        assert 'key "people": the file people.key has mode 0644' in done.stderr
        done_as_json = maskgate("keys", "list", rules, "--json")
        assert (done_as_json.returncode, done_as_json.stderr) == (2, "")
        listed = {each["name"]: each for each in json.loads(done_as_json.stdout)["keys"]}
        assert listed["people"]["versions"] == []
        assert (listed["people"]["current"], listed["people"]["bits"]) == (None, None)
        assert "has mode 0644" in listed["people"]["problem"]
        assert listed["odd"]["reference"] is None
        assert TEXT not in done.stdout + done.stderr + done_as_json.stdout

    @pytest.mark.parametrize("source", ["env", "odd"])
    def test_a_secret_in_the_place_of_a_name_is_not_shown(self, maskgate, tmp_path, source):
        rules = self.rules(tmp_path, people=f"{source}:{TEXT}")
        for done in (maskgate("keys", "list", rules), maskgate("keys", "list", rules, "--json")):
            assert done.returncode == 2
            assert TEXT not in done.stdout + done.stderr

    def test_relative_paths_start_at_the_rules(self, maskgate, tmp_path, key_file):
        (tmp_path / "deep").mkdir()
        key_file(name="deep/people.key")
        self.rules(tmp_path / "deep", people="file:people.key")
        assert maskgate("keys", "list", "deep/rules.yaml").returncode == 0

    def test_rules_that_are_none(self, maskgate):
        assert maskgate("keys", "list", "absent.yaml").returncode == 2


class TestKeysRotate:
    """The next version comes on top; the old ones stay."""

    def test_a_key_without_a_version(self, maskgate, tmp_path, key_file):
        path = key_file()
        done = maskgate("keys", "rotate", "people.key")
        assert (done.returncode, done.stdout) == (0, "people.key: version 2\n")
        for words in ("version 2 from now on, and do not match those of version 1.", "Mask again", "`retokenize`"):
            assert words in done.stderr
        first, second = path.read_text().splitlines()
        assert first.startswith("2:")
        assert second == f"1:{TEXT}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        key = people(tmp_path)
        assert key.versions == (2, 1)
        assert token(key, 1) == Key("x", SECRET).subkey(purpose="token")
        assert len(base64.b64decode(first[2:])) == 32
        assert first[2:] not in done.stdout + done.stderr

    def test_again_and_again(self, maskgate, tmp_path, key_file):
        key_file(f"# of the people\n\n 7 : {TEXT} # in use since May, 2026\n3:{OLDER_TEXT}", 0o640)
        for _ in range(3):
            assert maskgate("keys", "rotate", "file:people.key").returncode == 0
        key = people(tmp_path)
        assert key.versions == (10, 9, 8, 7, 3)
        assert token(key, 3) == Key("x", OLDER, 3).subkey(purpose="token")
        assert len({token(key, version) for version in key.versions}) == 5
        lines = (tmp_path / "people.key").read_text().splitlines()
        assert lines[:2] == ["# of the people", ""]
        assert lines[2].startswith("10:")
        assert lines[5:] == [f" 7 : {TEXT} # in use since May, 2026", f"3:{OLDER_TEXT}"]
        assert stat.S_IMODE((tmp_path / "people.key").stat().st_mode) == 0o640
        assert [path.name for path in tmp_path.iterdir()] == ["people.key"]

    def test_a_comment_may_hold_any_letter(self, maskgate, tmp_path, key_file):
        path = key_file(f"# für München\n{TEXT}  # ключ\n")
        assert maskgate("keys", "rotate", "people.key").returncode == 0
        assert path.read_text(encoding="utf-8").startswith("# für München\n2:")
        assert people(tmp_path).versions == (2, 1)

    def test_a_link_stays_a_link(self, maskgate, tmp_path, key_file):
        key_file()
        (tmp_path / "link").symlink_to("people.key")
        assert maskgate("keys", "rotate", "link").returncode == 0
        assert (tmp_path / "link").is_symlink()
        assert people(tmp_path).versions == (2, 1)

    def test_wrapped_keys_are_made_by_their_service(self, maskgate, tmp_path, vault, key_file):
        key_file(f"# by vault\n{vault.wrap(SECRET)}\n", 0o644, "people.wrapped")
        reference = "vault-transit:maskgate@people.wrapped"
        done = maskgate("keys", "rotate", reference)
        assert (done.returncode, done.stdout) == (0, "people.wrapped: version 2\n")
        lines = (tmp_path / "people.wrapped").read_text().splitlines()
        assert [line[:11] for line in lines] == ["# by vault", "2:vault:v1:", "1:vault:v1:"]
        key = people(tmp_path, reference)
        assert key.versions == (2, 1)
        assert token(key, 1) == Key("x", SECRET).subkey(purpose="token")

    @pytest.mark.parametrize(
        ("text", "mode", "words"),
        [
            pytest.param("", 0o600, "holds 0 bytes", id="an empty file"),
            pytest.param("no key", 0o600, "does not hold base64", id="something else"),
            pytest.param(f"{TEXT}\n{OLDER_TEXT}", 0o600, "does not begin with a version", id="two without versions"),
            pytest.param(TEXT, 0o644, "has mode 0644, so that others may read or change it", id="open to others"),
            pytest.param(TEXT, 0o620, "has mode 0620", id="open to the group's changes"),
            pytest.param("vault:v1:abcd", 0o600, "does not hold base64", id="what Vault wrapped"),
            pytest.param("AQIC" * 46, 0o600, "Rotate it by its reference, such as aws-kms", id="what KMS wrapped"),
            pytest.param(f"999999999:{TEXT}", 0o600, "has no room for version 1000000000", id="the last version"),
        ],
    )
    def test_what_is_refused_stays_as_it_was(self, maskgate, key_file, text, mode, words):
        path = key_file(text, mode)
        before = path.stat()
        done = maskgate("keys", "rotate", "people.key")
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "Nothing has changed." in done.stderr
        assert TEXT not in done.stderr
        assert path.read_text() == text
        assert path.stat().st_ino == before.st_ino
        assert list(path.parent.iterdir()) == [path]

    def test_a_plain_key_does_not_get_a_wrapped_version(self, maskgate, vault, key_file):
        path = key_file()
        done = maskgate("keys", "rotate", "vault-transit:maskgate@people.key")
        assert done.returncode == 2
        assert "wrapped and plain keys do not share a file" in done.stderr
        assert (path.read_text(), vault.asked) == (f"{TEXT}\n", [])

    def test_a_service_that_makes_no_key(self, maskgate, vault, key_file):
        text = vault.wrap(SECRET)
        path = key_file(text)
        vault.says = (503, b"", {})
        done = maskgate("keys", "rotate", "vault-transit:maskgate@people.key")
        assert (done.returncode, "Vault answered 503" in done.stderr, path.read_text()) == (2, True, text)

    def test_a_file_that_is_not_there(self, maskgate):
        done = maskgate("keys", "rotate", "absent.key")
        assert (done.returncode, "it cannot be read: No such file" in done.stderr) == (1, True)

    def test_two_at_once_lose_no_version(self, maskgate, tmp_path, key_file):
        path = key_file()
        with path.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            done = maskgate("keys", "rotate", "people.key")
        assert (done.returncode, "somebody else is rotating it" in done.stderr) == (1, True)
        command = [*COMMAND, "keys", "rotate", "people.key"]
        started = [subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) for _ in range(4)]
        rotated = sum(each.wait(60) == 0 for each in started)
        assert rotated >= 1
        assert people(tmp_path).versions == tuple(range(1 + rotated, 0, -1))

    def test_a_disk_that_takes_no_more(self, tmp_path, key_file):
        """The old file stays, whole, and nothing half-written beside it."""
        path = key_file()
        done = subprocess.run(
            [*COMMAND, "keys", "rotate", "people.key"],
            cwd=tmp_path,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "it cannot be replaced: File too large" in done.stderr) == (1, True)
        assert path.read_text() == f"{TEXT}\n"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            pytest.param("env:MASKGATE_TEST_KEY", "put it before the old: 4:NEW,3:…,1:….", id="a variable"),
            pytest.param(
                "env:MASKGATE_TEST_NONE", "put it before the old: 2:NEW,1:….", id="a variable that is not set"
            ),
            pytest.param("prefect-secret:people", "is no file, so it is rotated where it is kept", id="a block"),
        ],
    )
    def test_what_is_no_file_says_how(self, maskgate, monkeypatch, reference, words):
        monkeypatch.setenv("MASKGATE_TEST_KEY", f"3:{TEXT},1:{OLDER_TEXT}")
        done = maskgate("keys", "rotate", reference)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "openssl rand -base64 32" in done.stderr
        assert TEXT[:12] not in done.stderr


class TestHelp:
    """Every command says what it does."""

    @pytest.mark.parametrize("command", [[], ["new"], ["list"], ["rotate"]])
    def test_it_needs_no_key(self, maskgate, command):
        done = maskgate("keys", *command, "--help")
        assert done.returncode == 0
        assert "Usage: maskgate keys" in done.stdout
