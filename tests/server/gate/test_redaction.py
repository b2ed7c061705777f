from __future__ import annotations

import json

import pytest

from maskgate.gate.redaction import HIDDEN, is_secret_name, redacted


class TestNames:
    """What a name gives away as a secret is one; what only holds such letters is not."""

    @pytest.mark.parametrize(
        "name",
        [
            "password",
            "dbPassword",
            "DB_PASSWORD",
            "api-key",
            "apiKey",
            "access_key",
            "token",
            "clientSecret",
            "otp",
            "pwd",
        ],
    )
    def test_secrets(self, name):
        assert is_secret_name(name)

    @pytest.mark.parametrize(
        "name", ["key", "passenger", "compass", "tokenizer", "spinning", "keep_pinned", "keyboard"]
    )
    def test_others(self, name):
        assert not is_secret_name(name)


class TestRedaction:
    """A reviewer sees what is to be done, without secrets and without personal data."""

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            pytest.param({}, {}, id="nothing"),
            pytest.param(
                {"n": 1, "on": True, "x": None, "f": 0.5}, {"n": 1, "on": True, "x": None, "f": 0.5}, id="plain"
            ),
            pytest.param({"password": "hunter2"}, {"password": HIDDEN}, id="a secret by name"),
            pytest.param({"auth": {"token": ["a", "b"]}}, {"auth": {"token": HIDDEN}}, id="a secret deeper in"),
            pytest.param({"to": "ask anna@example.com"}, {"to": "ask <email>"}, id="an address in a text"),
            pytest.param({"card": 4111111111111111}, {"card": "<card>"}, id="a card as a number"),
            pytest.param({"anna@example.com": 1}, {"<email>": 1}, id="an address as a name"),
            pytest.param(
                {"a@example.com": 1, "b@example.com": 2},
                {"<email>": 1, "<email> (2)": 2},
                id="two names that look alike",
            ),
            pytest.param(
                {"argv": ["x", "--password", "y", "z"]}, {"argv": ["x", "--password", HIDDEN, "z"]}, id="an option"
            ),
            pytest.param({"argv": ["--token=abc", "z"]}, {"argv": [HIDDEN, "z"]}, id="an option with its value"),
            pytest.param(
                {"url": "postgres://u:p@h/db"}, {"url": f"postgres://{HIDDEN}@h/db"}, id="a login in an address"
            ),
            pytest.param(
                {"at": "2026-11-05", "host": "10.0.0.3"}, {"at": "2026-11-05", "host": "10.0.0.3"}, id="day, host"
            ),
            pytest.param({"rows": 1234567890}, {"rows": 1234567890}, id="a large number"),
            pytest.param({"s": "a\u202eb\n\tc"}, {"s": "ab\n    c"}, id="text that runs backwards"),
        ],
    )
    def test_what_is_shown(self, given, shown):
        assert redacted(given) == shown

    @pytest.mark.parametrize(
        "secret",
        [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
            "Bearer abcdefghijklmnop",
            "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ",
            "export DB_PASSWORD=correct-horse",
            "password: correct-horse",
        ],
    )
    def test_secrets_in_texts(self, secret):
        shown = json.dumps(redacted({"script": f"run this {secret} now"}))
        for part in ("AKIA", "ghp_", "eyJ", "abcdefghijkl", "MIIEvQ", "correct-horse"):
            assert part not in shown
