from __future__ import annotations

import base64
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from maskgate import mask_table
from maskgate.cli.main import run
from maskgate.errors import ConfigurationError, Refused, UsageError
from maskgate.gate.action_handler import ActionOrder
from maskgate.release.handlers import DetokenizeHandler
from maskgate.release.handlers.named_rows import MaskedDataset
from maskgate.rules import load_rules
from maskgate.server.configuration import read_configuration

RULES = """\
version: 1
keys: {people: env:PEOPLE_KEY}
domains:
  email: {scheme: encrypt, key: people}
  customer: {scheme: fpe, digits: 9, key: people}
  one_way: {scheme: hmac, key: people}
tables:
  customers:
    columns:
      id: {method: token, domain: customer}
      email: {method: token, domain: email}
      other: {method: token, domain: one_way}
"""
EMAILS = ["ann@example.com", "ben@example.com", "cleo@example.com"]
IDS = [123456789, 223456789, 323456789]


@pytest.fixture
def rules(tmp_path, monkeypatch):
    monkeypatch.setenv("PEOPLE_KEY", base64.b64encode(bytes(range(32))).decode())
    (tmp_path / "rules.yaml").write_text(RULES)
    return load_rules(tmp_path / "rules.yaml")


@pytest.fixture
def masked(rules):
    table = pa.table({"id": pa.array(IDS, pa.int64()), "email": EMAILS, "other": EMAILS})
    return mask_table(table, rules, table_name="customers")[0].to_pydict()


class TestHandler:
    """Values of named tokens go to a private file of the registered folder, and nowhere else."""

    @pytest.fixture
    def handler(self, rules, tmp_path):
        (tmp_path / "out").mkdir()
        return DetokenizeHandler("detokenize", rules, tmp_path / "out", at_most_rows=2)

    def order(self, tokens, domain="email"):
        return ActionOrder("gr_1", "req_1", domain, {"tokens": tokens})

    @pytest.mark.parametrize(("domain", "column", "values"), [("email", "email", EMAILS), ("customer", "id", IDS)])
    def test_it_writes_the_named_values_for_its_owner_alone(self, handler, masked, domain, column, values):
        outcome = handler.run(self.order(masked[column][:2], domain))
        assert (outcome.succeeded, outcome.exit_code, outcome.output_digest) == (True, 2, None)
        file = handler.output / "gr_1.parquet"
        assert pyarrow.parquet.read_table(file)["value"].to_pylist() == values[:2]
        assert file.stat().st_mode & 0o777 == 0o600
        assert handler.probe("gr_1") == outcome

    def test_before_it_has_written_nothing_is_there(self, handler):
        assert handler.probe("gr_1") is None

    def test_a_token_of_another_domain_is_refused_and_nothing_written(self, handler, masked):
        with pytest.raises(Refused, match="none of the domain") as refused:
            handler.run(self.order([masked["email"][0], masked["other"][0]]))
        assert list(handler.output.iterdir()) == []
        assert "example.com" not in str(refused.value)

    @pytest.mark.parametrize(("domain", "token"), [("customer", 2**70), ("customer", -1), ("email", 5)])
    def test_a_number_that_is_no_token_is_refused_and_not_in_doubt(self, handler, domain, token):
        with pytest.raises(Refused, match="none of the domain"):
            handler.run(self.order([token], domain))

    def test_without_the_key_nothing_is_done(self, handler, masked, monkeypatch):
        monkeypatch.delenv("PEOPLE_KEY")
        with pytest.raises(Refused, match="cannot be had"):
            handler.run(self.order(masked["email"][:1]))

    def test_a_grant_writes_once(self, handler, masked):
        handler.run(self.order(masked["email"][:1]))
        with pytest.raises(Refused, match="is there already"):
            handler.run(self.order(masked["email"][1:2]))

    @pytest.mark.parametrize(
        ("domain", "arguments", "words"),
        [
            pytest.param("email", {}, "name the tokens", id="none"),
            pytest.param("email", {"tokens": []}, "name the tokens", id="an empty list"),
            pytest.param("email", {"tokens": ["a"], "all": True}, "and nothing else", id="something else"),
            pytest.param("email", {"tokens": ["a", 1]}, "all texts, or all whole numbers", id="of two types"),
            pytest.param("email", {"tokens": ["a", "b", "c"]}, "at most 2", id="too many"),
            pytest.param("email", {"tokens": ["a", "a"]}, "each once", id="one twice"),
            pytest.param("email", {"tokens": [1]}, "of the domain email are texts", id="numbers for texts"),
            pytest.param("one_way", {"tokens": ["a"]}, "email", id="a domain that is one-way"),
            pytest.param("nowhere", {"tokens": ["a"]}, "no domain of this name", id="no domain"),
        ],
    )
    def test_what_is_not_asked_for(self, handler, domain, arguments, words):
        with pytest.raises(UsageError, match=words):
            handler.check(domain, arguments)

    def test_the_dry_run_looks_at_no_value(self, handler):
        assert "values of 1 tokens of email" in handler.dry_run("email", {"tokens": ["x"]})[0]


class TestNamedRows:
    """Rows of a registered masked dataset, by their keys: the handler finds the tokens itself."""

    @pytest.fixture
    def handler(self, rules, masked, tmp_path):
        (tmp_path / "out").mkdir()
        emails = [*masked["email"], None, masked["email"][0]]
        table = pa.table({"id": [*masked["id"], 7, 8], "email": emails, "other": [*masked["other"], "", ""]})
        pyarrow.parquet.write_table(table, tmp_path / "masked.parquet")
        dataset = MaskedDataset(str(tmp_path / "masked.parquet"), "id", "email")
        return DetokenizeHandler("detokenize", rules, tmp_path / "out", at_most_rows=3, datasets={"people": dataset})

    def order(self, rows, grant="gr_1"):
        return ActionOrder(grant, "req_1", "email", {"dataset": "people", "rows": rows})

    def test_their_values(self, handler, masked):
        asked = self.order([masked["id"][2], masked["id"][0]])
        handler.check("email", asked.arguments)
        assert "2 tokens of email, in 2 rows of people" in handler.dry_run("email", asked.arguments)[0]
        assert handler.run(asked).exit_code == 2
        written = pyarrow.parquet.read_table(handler.output / "gr_1.parquet").to_pydict()
        assert written["row"] == [masked["id"][0], masked["id"][2]]
        assert written["value"] == [EMAILS[0], EMAILS[2]]

    def test_a_row_without_a_token_is_left_out_and_a_token_may_come_twice(self, handler, masked):
        assert handler.run(self.order([masked["id"][0], 7, 8])).exit_code == 2
        with pytest.raises(Refused, match="none of the named rows has a token"):
            handler.run(self.order([7], "gr_2"))

    def test_a_row_that_is_not_there_is_a_refusal(self, handler, masked):
        with pytest.raises(Refused, match="1 of the named rows are not in the dataset people"):
            handler.run(self.order([masked["id"][0], 99]))
        assert list(handler.output.iterdir()) == []

    def test_a_dataset_that_is_gone(self, handler, tmp_path):
        (tmp_path / "masked.parquet").unlink()
        with pytest.raises(Refused, match="cannot be read"):
            handler.run(self.order([7]))

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param({"rows": [1]}, "name a `dataset`", id="no dataset"),
            pytest.param({"dataset": "others", "rows": [1]}, "There are: people", id="another dataset"),
            pytest.param({"dataset": "people", "rows": []}, "keys of its `rows`", id="no rows"),
            pytest.param({"dataset": "people", "rows": [1, "a"]}, "all texts or all whole numbers", id="of two types"),
            pytest.param({"dataset": "people", "rows": [1, 1]}, "each once", id="one twice"),
            pytest.param({"dataset": "people", "rows": [1, 2, 3, 4]}, "at most 3", id="too many"),
            pytest.param({"dataset": "people", "rows": [1], "tokens": []}, "nothing else", id="tokens too"),
        ],
    )
    def test_what_is_not_asked_for(self, handler, arguments, words):
        with pytest.raises(UsageError, match=words):
            handler.check("email", arguments)

    def test_where_it_reads_is_signed_and_no_secret_is(self, handler):
        dataset = MaskedDataset("s3://b/people", "id", "email", {"secret": "hidden"})
        said = json.dumps(DetokenizeHandler("d", handler.rules, handler.output, datasets={"people": dataset}).as_json())
        assert "s3://b/people" in said
        assert "hidden" not in said


class TestConfiguration:
    """The handler is registered with rules and a folder."""

    def read(self, folder, handler):
        beginning = "version: 1\nurl: http://127.0.0.1:8470\npolicy: p.yaml\nstaging: {s: {uri: staging}}\n"
        places = "destinations: {partner: {uri: released, trust: external}}\n"
        return read_configuration(f"{beginning}{places}handlers: {{detokenize: {handler}}}\n", folder / "gate.yaml")

    def test_it_is_read(self, rules, tmp_path):
        (tmp_path / "out").mkdir()
        found = self.read(tmp_path, "{kind: detokenize, rules: rules.yaml, output: out}").handlers["detokenize"]
        assert (found.rules.digest, found.output, found.at_most_rows) == (rules.digest, tmp_path / "out", 1000)

    @pytest.mark.parametrize(
        ("handler", "words"),
        [
            pytest.param("{kind: detokenize, rules: nowhere.yaml, output: .}", "cannot be used", id="no rules"),
            pytest.param("{kind: detokenize, rules: rules.yaml, output: nowhere}", "that is there", id="no folder"),
            pytest.param(
                "{kind: detokenize, rules: rules.yaml, output: ., input: {x: {}}}", "it takes `tokens`", id="input"
            ),
        ],
    )
    def test_what_is_refused(self, rules, tmp_path, handler, words):
        with pytest.raises(ConfigurationError, match=words):
            self.read(tmp_path, handler)


@pytest.mark.usefixtures("environment", "rules")
class TestCommand:
    """In the caller's process: only against a grant, into a new private file."""

    def detokenize(self, folder, *more):
        return run(["detokenize", str(folder / "rules.yaml"), "--action", "deploy", *more])

    def test_without_a_policy_nothing_is_written(self, masked, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        code = self.detokenize(tmp_path, "--domain", "email", "--token", masked["email"][0], "--output", "x.csv")
        assert (code, "no policy permits" in capsys.readouterr().err) == (3, True)
        assert not (tmp_path / "x.csv").exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param(["--domain", "email", "--output", "x.txt"], ".parquet or .csv", id="another kind of file"),
            pytest.param(["--domain", "one_way", "--output", "x.csv"], "turned back", id="one-way"),
            pytest.param(["--domain", "email", "--output", "x.csv"], "name the tokens", id="no tokens"),
        ],
    )
    def test_what_cannot_be_asked_for(self, tmp_path, capsys, arguments, words):
        assert self.detokenize(tmp_path, *arguments) == 2
        assert words in capsys.readouterr().err

    def test_where_the_gate_has_a_handler_it_is_said(self, masked, tmp_path, capsys):
        arguments = ["--domain", "email", "--token", masked["email"][0], "--output", str(tmp_path / "x.csv")]
        assert run(["detokenize", str(tmp_path / "rules.yaml"), "--action", "purge", *arguments]) == 2
        assert "The gate's own handler carries `purge` out." in capsys.readouterr().err


class TestWholly:
    """A running gate, a signature, and values that are in one file alone."""

    def test_values_are_in_the_file_and_nowhere_else(self, environment, masked, tmp_path, capsys):
        target = tmp_path / "values.csv"
        token = masked["email"][1]
        signer = environment.sign_when_asked("email")
        arguments = ["--domain", "email", "--token", token, "--output", str(target), "--why", "a complaint", "--json"]
        code = run(["detokenize", str(tmp_path / "rules.yaml"), *arguments])
        signer.join()
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert pyarrow.csv.read_csv(target)["value"].to_pylist() == [EMAILS[1]]
        assert target.stat().st_mode & 0o777 == 0o600
        document = json.loads(printed.out)
        assert (document["state"], document["level"], document["receipt"]["exit_code"]) == ("released", "verify", 1)
        assert EMAILS[1] not in printed.out + printed.err + json.dumps(environment.entries())

    def test_zeros_in_front_belong_to_a_token(self, environment, rules, tmp_path, capsys):
        names = [f"{number:09}" for number in range(40)]
        table = pa.table({"id": names, "email": names, "other": names})
        tokens = mask_table(table, rules, table_name="customers")[0]["id"].to_pylist()
        name, token = next((name, token) for name, token in zip(names, tokens, strict=True) if token.startswith("0"))
        target = tmp_path / "values.parquet"
        signer = environment.sign_when_asked("customer")
        arguments = ["--domain", "customer", "--token", token, "--output", str(target), "--why", "a complaint"]
        assert run(["detokenize", str(tmp_path / "rules.yaml"), *arguments]) == 0, capsys.readouterr().err
        signer.join()
        assert pyarrow.parquet.read_table(target)["value"].to_pylist() == [name]
