"""``slack:``, ``teams:`` and ``email:``: the ways of telling people, or why not."""

from __future__ import annotations

import pytest
from server.test_configuration import SMALLEST, read

from maskgate.errors import ConfigurationError

EMAIL = "email: {host: localhost, sender: gate@company.example, people: {anna: [anna@company.example]}, tls: none}\n"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("SAFE", "https://hooks.example/x")
    monkeypatch.setenv("UNSAFE", "http://hooks.example/x")


class TestWays:
    """The file says it, or is refused."""

    def test_all_three(self, tmp_path):
        ways = "slack: {webhook: env:SAFE}\nteams: {webhook: env:SAFE, private: true}\n" + EMAIL
        found = read(SMALLEST + ways, tmp_path).ways
        assert [way.channel for way in found] == ["slack", "teams", "email"]
        assert "hooks.example" not in repr(found)

    def test_none(self, tmp_path):
        assert read(SMALLEST, tmp_path).ways == ()

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            pytest.param("teams: {webhook: env:UNSAFE}", "must lead to an https URL", id="teams without TLS"),
            pytest.param("teams: {url: env:SAFE}", "`teams.url` is not known", id="an unknown key"),
            pytest.param(EMAIL.replace("localhost", "mail.example"), "can be none only", id="mail without TLS"),
            pytest.param(EMAIL.replace("tls: none", "tls: maybe"), "must be starttls or implicit", id="another tls"),
            pytest.param(EMAIL.replace("[anna@company.example]", "[anna]"), "must be e-mail addresses", id="a name"),
            pytest.param(EMAIL.replace("sender: gate@company.example", "sender: gate"), "sender", id="no sender"),
            pytest.param("email: {host: localhost}", "`email.people` is missing", id="nobody"),
        ],
    )
    def test_is_refused(self, tmp_path, given, words):
        with pytest.raises(ConfigurationError, match=words):
            read(SMALLEST + given + "\n", tmp_path)
