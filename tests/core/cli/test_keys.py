from __future__ import annotations

import base64
import stat

import pytest

from maskgate.keys import KeyRing


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
