"""Presidio as the engine of `scrub`: its own recognizers, no model, no network."""

from __future__ import annotations

import socket
import subprocess
import sys

import pyarrow as pa
import pytest

from maskgate.errors import UsageError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, Surroundings
from maskgate.methods.scrub_presidio import load_presidio

KEY = Key("people", bytes(range(32)))
HERE = Surroundings("customers", "notes", KEY)
PEOPLE = Domain("people", "hmac", "people", "p_", ("trim", "lower"))


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Whatever wants to connect, or to know an address, fails the test."""

    def refuse(*_args, **_kwargs):
        pytest.fail("something opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    load_presidio.cache_clear()


def scrub(domain=None, **options):
    return METHODS["scrub"].configure({"engine": "presidio", **options}, domain)


def scrubbed(values, domain=None, columns=None, **options):
    others = Surroundings(HERE.table, HERE.column, KEY, columns=columns or {})
    return scrub(domain, **options).apply(pa.array(values, pa.string()), others).to_pylist()


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param(None, None, id="a null stays a null"),
            pytest.param("", "", id="the empty text is a text"),
            pytest.param("nothing to see", "nothing to see", id="nothing to find"),
            pytest.param("à ann@example.com é", "à <EMAIL> é", id="characters of several bytes around it"),
            pytest.param("call +44 20 7946 0958 now", "call <PHONE> now", id="a telephone number"),
            pytest.param("card 4111 1111 1111 1111", "card <CARD>", id="a card"),
            pytest.param("my ssn is 460-89-9847", "my ssn is <SSN>", id="a number of a person"),
            pytest.param("DE89370400440532013000", "<IBAN>", id="an account"),
            pytest.param("from 10.0.0.1 at night", "from <IP> at night", id="a machine"),
            pytest.param("see https://x.example.com/a now", "see <URL> now", id="a page"),
            pytest.param("at 00:1A:2B:3C:4D:5E", "at <MAC>", id="an interface"),
            pytest.param("nino AB 12 34 56 C", "nino <NINO>", id="an insured person"),
            pytest.param("card 4111 1111 1111 1112", "card 4111 1111 1111 1112", id="a wrong check digit"),
        ],
    )
    def test_are_scrubbed(self, text, expected):
        assert scrubbed([text, None, text]) == [expected, None, expected]

    def test_only_what_is_asked_for_is_found(self):
        assert scrubbed(["ann@example.com, 10.0.0.1"], find=["ip"]) == ["ann@example.com, <IP>"]

    def test_a_score_below_the_threshold_is_not_a_finding(self):
        """Presidio gives telephone numbers 0.4 where no word before them speaks for it."""
        assert scrubbed(["+44 20 7946 0958"], find=["phone"]) == ["<PHONE>"]
        assert scrubbed(["+44 20 7946 0958"], find=["phone"], threshold=0.5) == ["+44 20 7946 0958"]

    def test_words_before_a_number_count(self):
        assert scrubbed(["phone: +44 20 7946 0958"], find=["phone"], threshold=0.5) == ["phone: <PHONE>"]

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())], ids=str)
    def test_in_every_layout(self, kind):
        column = pa.array(["x", "to ann@example.com", None], pa.string()).slice(1)
        column = column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)
        out = scrub().apply(column, HERE)
        assert out.type == kind
        assert out.to_pylist() == ["to <EMAIL>", None]

    def test_a_long_text(self):
        assert scrubbed(["x " * 20_000 + "ann@example.com"], find=["email", "ip"]) == ["x " * 20_000 + "<EMAIL>"]


class TestOptions:
    """The other options do what they do with the native engine."""

    def test_tokens_are_those_of_the_domain(self):
        (token,) = METHODS["token"].configure({}, PEOPLE).apply(pa.array(["ann@example.com"]), HERE).to_pylist()
        assert scrubbed(["to Ann@example.com"], PEOPLE, replace_with="token") == [f"to <EMAIL:{token}>"]

    def test_fakes_are_those_of_the_domain(self):
        (fake,) = METHODS["fake"].configure({"kind": "email"}, PEOPLE).apply(pa.array(["ann@x.com"]), HERE).to_pylist()
        assert scrubbed(["to ann@x.com"], PEOPLE, replace_with="fake") == [f"to {fake}"]

    def test_columns_and_patterns(self):
        columns = {"name": pa.array(["Ann Smith"])}
        out = scrubbed(
            ["Smith X-7 ann@example.com"], None, columns, also_remove=["name"], also_find=["(?P<no>X-[0-9])"]
        )
        assert out == ["<NAME> <NO> <EMAIL>"]


class TestModels:
    """A model is one on this machine, or none."""

    @pytest.fixture
    def model(self, tmp_path):
        """A model that takes Ann for a person, by a rule."""
        spacy = pytest.importorskip("spacy")
        rules = spacy.blank("en")
        rules.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ann"}])
        rules.to_disk(tmp_path / "model")
        return str(tmp_path / "model")

    def test_finds_what_no_pattern_does(self, model):
        out = scrubbed(["Ann wrote to bob@example.com"], find=["person", "email"], model=model)
        assert out == ["<PERSON> wrote to <EMAIL>"]

    def test_that_is_not_there_is_not_downloaded(self):
        with pytest.raises(UsageError, match=r"`model: en_core_web_sm` is not there. It is the path of a spaCy model"):
            scrubbed(["x"], find=["person"], model="en_core_web_sm")


class TestLoading:
    def test_it_is_loaded_with_the_first_text_and_not_before(self):
        """Presidio takes seconds to import; rules must be read, and checked by the gate, without it."""
        script = (
            "import sys; from maskgate.methods import METHODS;"
            "METHODS['scrub'].configure({'engine': 'presidio'}, None);"
            "sys.exit(any(name.split('.')[0] in {'presidio_analyzer', 'presidio_anonymizer', 'spacy'} "
            "for name in sys.modules))"
        )
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
