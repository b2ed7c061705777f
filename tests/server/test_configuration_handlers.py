from __future__ import annotations

import pytest

from maskgate.errors import ConfigurationError
from maskgate.release.handlers import CommandHandler, HttpHandler, SqlHandler
from maskgate.server.configuration import read_configuration

BEGINNING = """\
version: 1
url: http://127.0.0.1:8470
policy: policy.yaml
staging: {shared: {uri: staging}}
destinations: {partner: {uri: released, trust: external}}
handlers:
"""


def read(folder, handlers):
    text = BEGINNING + "\n".join(f"  {line}" for line in handlers.splitlines()) + "\n"
    return read_configuration(text, folder / "gate.yaml").handlers


class TestHandlers:
    """Each action has one handler; what it does not have is refused, with its line."""

    def test_each_kind_is_read(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CRM", "sqlite:///crm.db")
        monkeypatch.setenv("KEY", "Bearer x")
        found = read(
            tmp_path,
            """\
purge:
  kind: command
  command: [purge, "--days={days}", "{resource}"]
  dry_run: [purge, -n]
  input: {days: {type: integer}}
tell: {kind: http, url: "https://partner.example/hook", headers: {Authorization: "env:KEY"}}
forget:
  kind: sql
  connection: "env:CRM"
  statement: "DELETE FROM people WHERE id = :id"
  input: {id: {}}
  at_most_rows: 1""",
        )
        kinds = {name: type(handler) for name, handler in found.items()}
        assert kinds == {"purge": CommandHandler, "tell": HttpHandler, "forget": SqlHandler}
        assert found["forget"].at_most_rows == 1
        assert found["tell"].headers == {"Authorization": "Bearer x"}

    @pytest.mark.parametrize(
        ("handlers", "words"),
        [
            pytest.param("purge: {kind: shell, command: [x]}", "must be command or http or sql", id="another kind"),
            pytest.param("purge: {kind: command}", "`handlers.purge.command` is missing", id="no command"),
            pytest.param('purge: {kind: command, command: "rm -rf"}', "a list of texts", id="a line for a shell"),
            pytest.param('purge: {kind: command, command: [x, "{days}"]}', "places for `days`", id="an open place"),
            pytest.param('purge: {kind: command, command: ["{resource}"]}', "the program itself", id="any program"),
            pytest.param("purge: {kind: command, command: [x], url: y}", "nothing that a handler", id="of another"),
            pytest.param("purge: {kind: command, command: [x], shell: true}", "is not known", id="an unknown field"),
            pytest.param("purge: {kind: http, url: ftp://x}", "http or https URL", id="another protocol"),
            pytest.param(
                'purge: {kind: http, url: "https://x", headers: {token: abc}}', "env:NAME or file:PATH", id="a secret"
            ),
            pytest.param(
                'purge: {kind: sql, connection: "env:CRM", statement: "DELETE; DROP"}',
                "one statement",
                id="two",
            ),
            pytest.param(
                'purge: {kind: sql, connection: "env:CRM", statement: "DELETE :x"}',
                "places for `x`",
                id="open",
            ),
            pytest.param("export: {kind: command, command: [x]}", "no handler can carry out", id="files"),
            pytest.param("change-policy: {kind: command, command: [x]}", "no handler can", id="a change of the gate"),
        ],
    )
    def test_what_is_refused(self, tmp_path, monkeypatch, handlers, words):
        monkeypatch.setenv("CRM", "sqlite:///crm.db")
        with pytest.raises(ConfigurationError) as refused:
            read(tmp_path, handlers)
        assert words in str(refused.value)
        assert "gate.yaml:" in str(refused.value)
