"""Keys come from the environment, from files that others cannot read, or from sources that a host adds."""

from __future__ import annotations

import base64
import os
import pickle

import pytest

from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing
from maskgate.testing.secret_traces import traces_of

SECRET = bytes(range(65, 97))
OLDER = bytes(range(129, 161))
TEXT = base64.b64encode(SECRET).decode()
OLDER_TEXT = base64.b64encode(OLDER).decode()


class TestRing:
    def test_an_empty_ring_has_no_key(self):
        with pytest.raises(KeyReferenceError) as refused:
            KeyRing({}).get("people")
        assert str(refused.value) == 'no key is called "people". The ring has: no key at all.'

    def test_it_says_which_keys_it_has(self):
        ring = KeyRing({"b": Key("b", SECRET), "a": Key("a", SECRET)})
        assert (list(ring), len(ring), "a" in ring, repr(ring)) == (["b", "a"], 2, True, "KeyRing(a, b)")
        with pytest.raises(KeyReferenceError) as refused:
            ring.get("c")
        assert "The ring has: a, b." in str(refused.value)

    def test_bytes_are_no_key(self):
        with pytest.raises(TypeError) as refused:
            KeyRing({"people": SECRET})
        assert 'holds Key objects; "people" is of type bytes' in str(refused.value)

    def test_all_problems_are_told_together(self, tmp_path, refusal):
        told = refusal({"a": "env:MASKGATE_TEST_NONE", "b": "file:none.key", "c": "vault:x", "d": TEXT}, tmp_path)
        assert [line.split(":")[0] for line in told.splitlines()] == [f'key "{name}"' for name in "abcd"]


class TestEnvironment:
    def test_a_variable_holds_base64(self, monkeypatch):
        monkeypatch.setenv("MASKGATE_TEST_KEY", f"{TEXT}\n")
        key = KeyRing.resolve({"people": "env:MASKGATE_TEST_KEY"}).get("people")
        assert (key.name, key.version) == ("people", 1)
        assert key.subkey(purpose="token") == Key("x", SECRET).subkey(purpose="token")

    def test_a_variable_that_is_not_set_is_named(self, monkeypatch, refusal):
        monkeypatch.delenv("MASKGATE_TEST_KEY", raising=False)
        told = refusal({"people": "env:MASKGATE_TEST_KEY"})
        assert 'key "people": the environment variable MASKGATE_TEST_KEY is not set. Set it to base64' in told

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("", "holds 0 bytes, which is too short", id="an empty variable"),
            pytest.param(base64.b64encode(SECRET[:15]).decode(), "holds 15 bytes", id="too few bytes"),
            pytest.param(TEXT[:-1] + "!", "does not hold base64", id="a stray character"),
            pytest.param(TEXT[:-1], "does not hold base64", id="padding is missing"),
            pytest.param("pass phrase pass phrase pass", "does not hold base64", id="a pass phrase"),
            pytest.param("schlüssel" * 8, "does not hold base64", id="not even ASCII"),
        ],
    )
    def test_what_is_no_good_key_is_refused(self, monkeypatch, text, words, refusal):
        monkeypatch.setenv("MASKGATE_TEST_KEY", text)
        told = refusal({"people": "env:MASKGATE_TEST_KEY"})
        assert words in told
        assert "at least 16 random bytes" in told


class TestFile:
    def test_a_path_starts_from_the_folder_of_the_rules(self, tmp_path, key_file):
        key_file(f"{TEXT}\n")
        assert KeyRing.resolve({"people": "file:people.key"}, base=tmp_path).get("people").name == "people"

    def test_an_absolute_path_stands_for_itself(self, tmp_path, key_file):
        path = key_file(TEXT)
        assert "people" in KeyRing.resolve({"people": f"file:{path}"}, base=tmp_path / "elsewhere")

    @pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
    def test_0640_and_stricter_will_do(self, tmp_path, mode, key_file):
        key_file(TEXT, mode)
        assert "people" in KeyRing.resolve({"people": "file:people.key"}, base=tmp_path)

    @pytest.mark.parametrize("mode", [0o644, 0o641, 0o660, 0o740, 0o604, 0o777, 0o4600])
    def test_looser_is_refused(self, tmp_path, mode, refusal, key_file):
        key_file(TEXT, mode)
        told = refusal({"people": "file:people.key"}, tmp_path)
        assert f"has mode {mode:04o}" in told
        assert "0640 or stricter: chmod 0600 people.key" in told

    def test_a_link_is_judged_by_what_it_leads_to(self, tmp_path, refusal, key_file):
        """Mounted secrets are links."""
        (tmp_path / "link").symlink_to(key_file(TEXT))
        assert "people" in KeyRing.resolve({"people": "file:link"}, base=tmp_path)
        (tmp_path / "people.key").chmod(0o644)
        assert "mode 0644" in refusal({"people": "file:link"}, tmp_path)

    def test_only_a_regular_file_is_read(self, tmp_path, refusal):
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert "folder is not a regular file" in refusal({"people": "file:folder"}, tmp_path)
        assert "pipe is not a regular file" in refusal({"people": "file:pipe"}, tmp_path)

    def test_a_missing_file_is_named(self, tmp_path, refusal):
        assert "the file people.key cannot be read: No such file" in refusal({"people": "file:people.key"}, tmp_path)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("", "holds 0 bytes", id="an empty file"),
            pytest.param("not base64!", "does not hold base64", id="something else"),
            pytest.param(TEXT * 2000, "is larger than 65536 bytes", id="far too long"),
        ],
    )
    def test_what_is_no_good_key_is_refused(self, tmp_path, text, words, refusal, key_file):
        key_file(text)
        assert words in refusal({"people": "file:people.key"}, tmp_path)


class TestVersions:
    """The highest version makes tokens; the older ones are kept."""

    def test_one_text_holds_several(self, monkeypatch):
        monkeypatch.setenv("MASKGATE_TEST_KEY", f"1:{OLDER_TEXT},3:{TEXT}")
        key = KeyRing.resolve({"people": "env:MASKGATE_TEST_KEY"}).get("people")
        assert (key.version, key.versions) == (3, (3, 1))
        assert key.subkey(purpose="token") == Key("x", SECRET, 3).subkey(purpose="token")
        assert key.at(1).subkey(purpose="token") == Key("x", OLDER).subkey(purpose="token")

    def test_a_version_that_is_no_good_spoils_the_key(self, key_file, tmp_path, refusal):
        key_file(f"2:{TEXT}\n1:{base64.b64encode(OLDER[:15]).decode()}\n")
        told = refusal({"people": "file:people.key"}, tmp_path)
        assert "the file people.key holds 15 bytes in version 1, which is too short" in told

    def test_a_good_key_does_not_come_along_with_a_bad_one(self, key_file, monkeypatch, tmp_path, refusal):
        """The error of one key drags no other key along."""
        monkeypatch.setenv("MASKGATE_TEST_KEY", TEXT)
        key_file("none")
        assert refusal({"a": "env:MASKGATE_TEST_KEY", "b": "file:people.key"}, tmp_path).startswith('key "b"')


class TestReference:
    @pytest.mark.parametrize("reference", ["", "env", "env:", ":x", TEXT])
    def test_what_is_no_reference_is_refused_and_not_repeated(self, reference, refusal):
        assert "a reference is written env:NAME or file:PATH" in refusal({"people": reference})

    def test_a_secret_behind_env_is_not_repeated(self, refusal):
        assert "can be no environment variable" in refusal({"people": f"env:{TEXT}"})

    def test_a_path_that_is_none_is_refused(self, refusal):
        assert "can be no path" in refusal({"people": "file:a\0b"})

    def test_an_unknown_source_is_refused(self, refusal):
        told = refusal({"people": "vault:secret/people"})
        assert "there is no key source 'vault'. Known are aws-kms:, env:, file:, vault-transit:" in told

    @pytest.mark.parametrize(
        ("reference", "package"),
        [("airflow-connection:people", "airflow-provider-maskgate"), ("prefect-secret:people", "prefect-maskgate")],
    )
    def test_the_source_of_a_host_that_is_not_here_says_where_it_comes_from(self, reference, package, refusal):
        assert f"comes with {package}, which is not installed here" in refusal({"people": reference})

    def test_aws_kms_asks_for_its_package(self, key_file, tmp_path, refusal):
        """This environment has no boto3."""
        key_file(f"{base64.b64encode(b'wrapped').decode()}\n", name="people.wrapped")
        told = refusal({"people": "aws-kms:people.wrapped"}, tmp_path)
        assert "version 1 in the file people.wrapped: AWS KMS needs boto3: pip install maskgate[aws]" in told


ACME = f"""
from maskgate.errors import KeyReferenceError


def given(name):
    return {{"people": {TEXT!r}}}[name]


def absent(name):
    secret = {TEXT!r}
    raise KeyReferenceError("there is no such key in the safe")


def failing(name):
    raise RuntimeError(f"{{name}} {TEXT}")


def bytes_of_it(name):
    return {SECRET!r}
"""
ENTRY_POINTS = """\
[maskgate.key_sources]
acme-safe = acme_safe:given
acme-empty = acme_safe:absent
acme-broken = acme_safe:failing
acme-bytes = acme_safe:bytes_of_it
acme-gone = acme_nowhere:given
acme-twice = acme_safe:given
"""


def install(folder, name, entry_points):
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(entry_points)


class TestSourceOfAPackage:
    """A package adds a source by an entry point; what it says is believed only where it is ours to say."""

    @pytest.fixture(autouse=True)
    def _installed(self, tmp_path, monkeypatch):
        (tmp_path / "acme_safe.py").write_text(ACME)
        install(tmp_path, "acme", ENTRY_POINTS)
        install(tmp_path, "other", "[maskgate.key_sources]\nacme-twice = acme_safe:failing\nenv = acme_safe:given\n")
        monkeypatch.syspath_prepend(tmp_path)

    def test_it_is_asked_by_what_stands_after_its_name(self):
        key = KeyRing.resolve({"people": "acme-safe:people"}).get("people")
        assert key.subkey(purpose="token") == Key("x", SECRET).subkey(purpose="token")

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            pytest.param("acme-safe:none", "the source 'acme-safe' failed with KeyError", id="an error of its own"),
            pytest.param("acme-broken:people", "'acme-broken' failed with RuntimeError", id="an error with the key"),
            pytest.param("acme-gone:people", "failed with ModuleNotFoundError", id="a source that cannot be loaded"),
            pytest.param("acme-empty:x", "acme-empty:x: there is no such key in the safe", id="what it may say"),
            pytest.param("acme-bytes:x", "returned bytes where the text of a key belongs", id="something else"),
            pytest.param("acme-twice:x", "several packages offer a key source 'acme-twice'", id="two of a name"),
        ],
    )
    def test_what_it_cannot_give_is_refused(self, reference, words, refusal):
        assert words in refusal({"people": reference})

    def test_it_cannot_take_the_place_of_a_built_in_one(self, monkeypatch, refusal):
        monkeypatch.delenv("people", raising=False)
        assert "the environment variable people is not set" in refusal({"people": "env:people"})


class TestTexts:
    """Texts that a host has read already are keys as those of any reference are."""

    def test_they_are_keys_with_versions(self):
        ring = KeyRing.from_texts({"people": f"2:{TEXT}\n1:{OLDER_TEXT}", "contact": TEXT})
        assert (ring.get("people").versions, ring.get("contact").version) == ((2, 1), 1)

    def test_a_bad_one_is_told_and_no_good_one_is_given_away(self):
        with pytest.raises(KeyReferenceError) as refused:
            KeyRing.from_texts({"people": TEXT, "contact": "c2hvcnQ="})
        assert str(refused.value).startswith('key "contact": its text holds 5 bytes, which is too short')
        assert traces_of(TEXT, refused.value) == []


class TestTraces:
    """Nothing that a frame of ours holds gives a key away, also after it was resolved."""

    def test_a_ring_does_not_travel(self):
        ring = KeyRing({"people": Key("people", SECRET)})
        with pytest.raises(TypeError) as refused:
            pickle.dumps(ring)
        assert traces_of(TEXT, refused.value) == []
