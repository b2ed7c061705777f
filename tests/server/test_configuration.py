from __future__ import annotations

import pytest

from maskgate.errors import ConfigurationError
from maskgate.gate.tokens import TokenHolder
from maskgate.server.configuration import load_configuration, read_configuration

SMALLEST = """\
version: 1
url: http://127.0.0.1:8470
policy: policy.yaml
staging: {shared: {uri: staging}}
destinations: {partner: {uri: /srv/released, trust: external}}
"""
IDP = "issuer: http://127.0.0.1, client_id: x"


def read(text, tmp_path):
    return read_configuration(text, tmp_path / "gate.yaml")


class TestAccepted:
    """What the file says, with paths from its folder and secrets from where it points."""

    def test_the_smallest_file_has_sensible_defaults(self, tmp_path):
        found = read(SMALLEST, tmp_path)
        assert found.listen == ("127.0.0.1", 8470)
        assert found.policy == tmp_path / "policy.yaml"
        assert found.staging["shared"].uri == str(tmp_path / "staging")
        assert found.destinations["partner"].mode == "new_version"
        assert found.limits.seal_seconds == 900
        assert (found.slack, found.login, found.airflow, found.rules) == (None, {}, {}, ())

    def test_every_block(self, tmp_path, monkeypatch):
        monkeypatch.setenv("A_SECRET", "s3cr3t")
        (tmp_path / "webhook").write_text("https://hooks.slack.com/services/x\n")
        (tmp_path / "webhook").chmod(0o600)
        found = read(
            SMALLEST
            + """\
listen: 127.0.0.1:9999
rules: [rules/customers.yaml]
airflow: {prod: {url: "http://127.0.0.1:8080/", username: gate, password: env:A_SECRET}}
prefect: {local: {url: http://127.0.0.1:4200/api}}
login: {okta: {issuer: http://127.0.0.1:9000, client_id: maskgate, client_secret: env:A_SECRET, scope: openid groups}}
slack: {webhook: file:webhook}
tokens:
  pipeline: {owner: data-owner}
  agent-7: {role: pipeline, owner: anna, agent: true, on_behalf_of: ben}
limits: {seal_seconds: 5, release_bytes_per_second: 1000}
sealed: sealed
""",
            tmp_path,
        )
        assert found.listen == ("127.0.0.1", 9999)
        assert found.rules == (tmp_path / "rules/customers.yaml",)
        assert found.airflow["prod"].url == "http://127.0.0.1:8080"
        assert found.airflow["prod"].password == "s3cr3t"
        assert found.login["okta"].scope == "openid groups"
        assert found.slack == "https://hooks.slack.com/services/x"
        assert found.tokens["pipeline"] == TokenHolder("pipeline", "pipeline", owner="data-owner")
        assert found.tokens["agent-7"] == TokenHolder("agent-7", "pipeline", "anna", agent=True, on_behalf_of="ben")
        assert found.tokens["auditor"] == TokenHolder("auditor", "auditor")
        assert found.limits.release_bytes_per_second == 1000
        assert found.sealed == tmp_path / "sealed"
        assert "s3cr3t" not in repr(found)
        assert "hooks.slack" not in repr(found)

    def test_modes_levels_and_encryption(self, tmp_path, monkeypatch):
        monkeypatch.setenv("A_KEY", "A" * 43 + "=")
        more = (
            ", loans: {uri: 's3://b/x', trust: external, level: broker, role: 'arn:aws:iam::1:role/x'}"
            ", lake: {uri: 'postgresql://db/lake?table=a.b', trust: internal, mode: append, options: {user: gate}}"
        )
        text = SMALLEST.replace("uri: staging", "uri: staging, encrypt: env:A_KEY")
        text = text.replace("trust: external}", f"trust: external, mode: replace}}{more}")
        found = read(text, tmp_path)
        assert found.destinations["partner"].mode == "replace"
        assert (found.destinations["loans"].level, found.destinations["lake"].mode) == ("broker", "append")
        assert repr(found.staging["shared"].encrypt) == "Key('encrypt', version=1)"
        assert "AAAA" not in repr(found)

    def test_two_destinations_share_a_place_only_where_nothing_is_replaced(self, tmp_path):
        inner = "trust: external}}, inner: {{uri: /srv/released/in, trust: external{}}}"
        read(SMALLEST.replace("trust: external}", inner.format("")), tmp_path)
        with pytest.raises(ConfigurationError, match="not both are new_version"):
            read(SMALLEST.replace("trust: external}", inner.format(", mode: replace")), tmp_path)

    def test_storage_options_take_references(self, tmp_path, monkeypatch):
        monkeypatch.setenv("A_SECRET", "s3cr3t")
        text = SMALLEST.replace(
            "trust: external",
            "trust: external, options: {key: abc, secret: env:A_SECRET, client_kwargs: {endpoint_url: http://x, n: 1}}",
        )
        options = read(text, tmp_path).destinations["partner"].options
        assert options == {"key": "abc", "secret": "s3cr3t", "client_kwargs": {"endpoint_url": "http://x", "n": 1}}


class TestRefused:
    """A file that is not understood whole is refused, with every problem and its line."""

    @pytest.mark.parametrize(
        ("more", "line", "words"),
        [
            pytest.param("stagging: {}", 6, "Did you mean `staging`?", id="a misspelt block"),
            pytest.param("url: http://x", 6, "a second time", id="a key that stands twice"),
            pytest.param(
                "slack: {webhook: https://hooks.slack.com/x}", 6, "env:NAME or file:PATH", id="a secret in it"
            ),
            pytest.param(
                "slack: {webhook: env:NOT_SET_ANYWHERE}", 6, "NOT_SET_ANYWHERE is not set", id="no such secret"
            ),
            pytest.param("slack: {webhook: file:nowhere}", 6, "cannot be read", id="no such file"),
            pytest.param("slack: {}", 6, "`slack.webhook` is missing", id="a block without its field"),
            pytest.param("listen: 8470", 6, "must be text", id="a port alone"),
            pytest.param("listen: host", 6, "HOST:PORT", id="a host alone"),
            pytest.param("listen: 127.0.0.1:99999", 6, "HOST:PORT", id="no such port"),
            pytest.param("limits: {seal_seconds: 0}", 6, "at least 1", id="a limit of nothing"),
            pytest.param("limits: {seal_seconds: true}", 6, "at least 1", id="a limit that is no number"),
            pytest.param("login: {}", 6, "at least one id", id="an empty login"),
            pytest.param(
                "login: {a: {issuer: http://idp.example, client_id: x}}", 6, "https", id="an issuer without TLS"
            ),
            pytest.param(
                "login: {'a|b': {issuer: http://127.0.0.1, client_id: x}}", 6, "letters", id="a bar in a name"
            ),
            pytest.param(
                "airflow: {prod: {url: http://a:b@c, username: x, password: env:HOME}}",
                6,
                "login",
                id="a login in a URL",
            ),
            pytest.param(
                "airflow: {prod: {url: ftp://x, username: x, password: env:HOME}}",
                6,
                "http or https",
                id="another scheme",
            ),
            pytest.param("airflow: prod", 6, "mapping", id="a text where a mapping belongs"),
            pytest.param("tokens: {admin: {owner: x}}", 6, "`tokens.admin.role` is missing", id="a token without role"),
            pytest.param("tokens: {admin: {role: reviewer}}", 6, "pipeline or auditor", id="a token that decides"),
            pytest.param("tokens: {auditor: {role: pipeline}}", 6, "is auditor", id="another role for a usual token"),
            pytest.param(
                "tokens: {a: {role: auditor, agent: true}}", 6, "asks for nothing", id="an auditor that is an agent"
            ),
            pytest.param("tokens: {a: {role: pipeline, agent: maybe}}", 6, "true or false", id="perhaps an agent"),
            pytest.param("tokens: {a: {role: pipeline, ower: x}}", 6, "Did you mean `owner`", id="a misspelt owner"),
            pytest.param(f"login: {{a: {{{IDP}, groups_fresh: 3d}}}}", 6, "30m or 4h", id="groups of days ago"),
            pytest.param(f"login: {{a: {{{IDP}, groups_from: ldap}}}}", 6, "userinfo or graph", id="other groups"),
            pytest.param(
                f"login: {{a: {{{IDP}, graph_url: 'https://x.y'}}}}", 6, "without `groups_from", id="no Graph"
            ),
            pytest.param(
                f"login: {{a: {{{IDP}, groups_from: graph, graph_url: 'http://x.y'}}}}",
                6,
                "https",
                id="Graph in the clear",
            ),
            pytest.param(
                f"login: {{a: {{{IDP}, groups_from: userinfo, groups_fresh: 5m}}}}",
                6,
                "says nothing",
                id="an age of groups that are asked for each time",
            ),
            pytest.param(f"login: {{a: {{{IDP}, scope: profile}}}}", 6, "`openid`", id="a login that names nobody"),
            pytest.param("rules: customers.yaml", 6, "list of texts", id="a text where a list belongs"),
        ],
    )
    def test_one_problem(self, tmp_path, more, line, words):
        with pytest.raises(ConfigurationError) as caught:
            read(f"{SMALLEST}{more}\n", tmp_path)
        assert f"gate.yaml:{line}, " in str(caught.value)
        assert words in str(caught.value)

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            pytest.param("version: 1", "version: 2", "version: 1", id="another version"),
            pytest.param("trust: external", "trust: friendly", "internal or external or public", id="another trust"),
            pytest.param(
                "trust: external", "trust: public, mode: swap", "new_version or replace or append", id="no such mode"
            ),
            pytest.param(
                "trust: external", "trust: public, level: broker", "for s3:// alone", id="a loan for a folder"
            ),
            pytest.param(
                "uri: /srv/released", "uri: 's3://b/x', level: broker", "ARN of the role", id="a loan without a role"
            ),
            pytest.param(
                "uri: /srv/released",
                "uri: 's3://b/x', level: broker, role: arn, mode: append",
                "mode new_version alone",
                id="a loan for a dataset",
            ),
            pytest.param("trust: external", "trust: public, role: arn", "belongs to the level broker", id="a role"),
            pytest.param(
                "uri: /srv/released",
                "uri: 'postgresql://db/lake'",
                "table=schema.name",
                id="a database",
            ),
            pytest.param(
                "uri: /srv/released",
                "uri: 'postgresql://db/lake?table=a.b', options: {passwrd: x}",
                "which a table does not know",
                id="a misspelt option of a table",
            ),
            pytest.param("uri: staging", "uri: 'postgresql://db/lake?table=a.b'", "is a table", id="a table"),
            pytest.param(
                "uri: staging", "uri: staging, encrypt: file:nowhere", "names no key that can be had", id="no such key"
            ),
            pytest.param(", trust: external", "", "`destinations.partner.trust` is missing", id="no trust"),
            pytest.param(
                "uri: /srv/released", "uri: staging/out", "lie in each other", id="a destination in a staging root"
            ),
            pytest.param("uri: /srv/released", "uri: 'zip::s3://x/y'", "chained", id="a chained address"),
            pytest.param("uri: staging", "uri: ../x", "`..`", id="a way out of the folder"),
            pytest.param(
                "http://127.0.0.1:8470", "127.0.0.1:8470", "http or https URL", id="an address without a scheme"
            ),
        ],
    )
    def test_one_change(self, tmp_path, old, new, words):
        with pytest.raises(ConfigurationError) as caught:
            read(SMALLEST.replace(old, new), tmp_path)
        assert words in str(caught.value)

    def test_all_problems_at_once(self, tmp_path):
        with pytest.raises(ConfigurationError) as caught:
            read("version: 3\nurl: nowhere\nwhatever: 1\n", tmp_path)
        problems = str(caught.value).splitlines()
        assert [line.split(",")[0] for line in problems].count("gate.yaml:1") or len(problems) >= 5
        assert len(problems) >= 5

    def test_a_secret_that_others_can_read(self, tmp_path):
        (tmp_path / "secret").write_text("x")
        (tmp_path / "secret").chmod(0o644)
        with pytest.raises(ConfigurationError) as caught:
            read(f"{SMALLEST}slack: {{webhook: file:secret}}\n", tmp_path)
        assert "0640 or stricter" in str(caught.value)

    def test_a_secret_in_storage_options(self, tmp_path):
        text = SMALLEST.replace("trust: external", "trust: external, options: {secret: hunter2}")
        with pytest.raises(ConfigurationError) as caught:
            read(text, tmp_path)
        assert "env:NAME or file:PATH" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_an_empty_file(self, tmp_path):
        with pytest.raises(ConfigurationError):
            read("", tmp_path)

    def test_no_file(self, tmp_path):
        with pytest.raises(ConfigurationError) as caught:
            load_configuration(tmp_path / "gate.yaml")
        assert "No such file" in str(caught.value)
