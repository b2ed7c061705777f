"""Keys come from the environment, from files that others cannot read, or from sources that a host adds."""

from __future__ import annotations

import base64
import os
import traceback
from importlib.metadata import EntryPoint

import pytest

from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing, sources

SECRET = bytes(range(65, 97))
TEXT = base64.b64encode(SECRET).decode()


def key_file(folder, text=TEXT, mode=0o600, name="people.key"):
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(references, base=None):
    with pytest.raises(KeyReferenceError) as refused:
        KeyRing.resolve(references, base=base)
    told = "".join(traceback.format_exception(refused.value))
    assert TEXT not in told
    assert TEXT[:20] not in told
    return str(refused.value)


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

    def test_all_problems_are_told_together(self, tmp_path):
        told = refusal({"a": "env:MASKGATE_TEST_NONE", "b": "file:none.key", "c": "vault:x", "d": TEXT}, tmp_path)
        assert [line.split(":")[0] for line in told.splitlines()] == [f'key "{name}"' for name in "abcd"]


class TestEnvironment:
    def test_a_variable_holds_base64(self, monkeypatch):
        monkeypatch.setenv("MASKGATE_TEST_KEY", f"{TEXT}\n")
        key = KeyRing.resolve({"people": "env:MASKGATE_TEST_KEY"}).get("people")
        assert (key.name, key.version) == ("people", 1)
        assert key.subkey(purpose="token") == Key("x", SECRET).subkey(purpose="token")

    def test_a_variable_that_is_not_set_is_named(self, monkeypatch):
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
    def test_what_is_no_good_key_is_refused(self, monkeypatch, text, words):
        monkeypatch.setenv("MASKGATE_TEST_KEY", text)
        told = refusal({"people": "env:MASKGATE_TEST_KEY"})
        assert words in told
        assert "at least 16 random bytes" in told


class TestFile:
    def test_a_path_starts_from_the_folder_of_the_rules(self, tmp_path):
        key_file(tmp_path, f"{TEXT}\n")
        assert KeyRing.resolve({"people": "file:people.key"}, base=tmp_path).get("people").name == "people"

    def test_an_absolute_path_stands_for_itself(self, tmp_path):
        path = key_file(tmp_path)
        assert "people" in KeyRing.resolve({"people": f"file:{path}"}, base=tmp_path / "elsewhere")

    @pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
    def test_0640_and_stricter_will_do(self, tmp_path, mode):
        key_file(tmp_path, mode=mode)
        assert "people" in KeyRing.resolve({"people": "file:people.key"}, base=tmp_path)

    @pytest.mark.parametrize("mode", [0o644, 0o641, 0o660, 0o740, 0o604, 0o777, 0o4600])
    def test_looser_is_refused(self, tmp_path, mode):
        key_file(tmp_path, mode=mode)
        told = refusal({"people": "file:people.key"}, tmp_path)
        assert f"has mode {mode:04o}" in told
        assert "0640 or stricter: chmod 0600 people.key" in told

    def test_a_link_is_judged_by_what_it_leads_to(self, tmp_path):
        """Mounted secrets are links."""
        (tmp_path / "link").symlink_to(key_file(tmp_path))
        assert "people" in KeyRing.resolve({"people": "file:link"}, base=tmp_path)
        (tmp_path / "people.key").chmod(0o644)
        assert "mode 0644" in refusal({"people": "file:link"}, tmp_path)

    def test_only_a_regular_file_is_read(self, tmp_path):
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert "folder is not a regular file" in refusal({"people": "file:folder"}, tmp_path)
        assert "pipe is not a regular file" in refusal({"people": "file:pipe"}, tmp_path)

    def test_a_missing_file_is_named(self, tmp_path):
        assert "the file people.key cannot be read: No such file" in refusal({"people": "file:people.key"}, tmp_path)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            pytest.param("", "holds 0 bytes", id="an empty file"),
            pytest.param("not base64!", "does not hold base64", id="something else"),
            pytest.param(TEXT * 2000, "is larger than 65536 bytes", id="far too long"),
        ],
    )
    def test_what_is_no_good_key_is_refused(self, tmp_path, text, words):
        key_file(tmp_path, text)
        assert words in refusal({"people": "file:people.key"}, tmp_path)


class TestReference:
    @pytest.mark.parametrize("reference", ["", "env", "env:", ":x", TEXT])
    def test_what_is_no_reference_is_refused_and_not_repeated(self, reference):
        assert "a reference is written env:NAME or file:PATH" in refusal({"people": reference})

    def test_an_unknown_source_is_refused(self):
        assert "there is no key source 'vault'. Known are env:, file:" in refusal({"people": "vault:secret/people"})


def given(name):
    return {"people": TEXT}[name]


def failing(name):
    raise RuntimeError(f"{name} {TEXT}")


class TestSourceOfAHost:
    @pytest.fixture(autouse=True)
    def _sources(self, monkeypatch):
        found = [EntryPoint("test", f"{__name__}:given", sources.ENTRY_POINT_GROUP)]
        found.append(EntryPoint("broken", f"{__name__}:failing", sources.ENTRY_POINT_GROUP))
        loaded = {"test": given, "broken": failing}
        monkeypatch.setattr(EntryPoint, "load", lambda self: loaded[self.name])
        monkeypatch.setattr(sources, "entry_points", lambda group: found if group == sources.ENTRY_POINT_GROUP else [])

    def test_it_is_asked_by_what_stands_after_its_name(self):
        assert "people" in KeyRing.resolve({"people": "test:people"})

    def test_what_it_raises_is_not_repeated(self):
        assert "the source 'broken' failed with RuntimeError" in refusal({"people": "broken:people"})
