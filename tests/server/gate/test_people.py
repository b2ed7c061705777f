"""An account belongs to one person; what cannot be mapped is nobody."""

from __future__ import annotations

import pytest

from maskgate.errors import NotAllowed
from maskgate.gate.model import Identity
from maskgate.gate.people import People
from maskgate.testing.gate_world import GateWorld

PEOPLE = People({"anna": ("airflow:prod|anna", "okta|00u1"), "bert": ("airflow:prod|7",)})


class TestPersonOf:
    """Who an account is."""

    @pytest.mark.parametrize(
        ("accounts", "person"),
        [
            pytest.param((), None, id="no account"),
            pytest.param(("okta|00u1",), "anna", id="a linked account"),
            pytest.param(("airflow:prod|1", "airflow:prod|anna"), "anna", id="an id that is unlinked, a name that is"),
            pytest.param(("airflow:prod|7", "airflow:prod|bert"), "bert", id="the other way round"),
            pytest.param(("airflow:test|anna",), None, id="the same name at another instance"),
            pytest.param(("anna",), None, id="a bare name"),
            pytest.param(("OKTA|00u1",), None, id="other capitals"),
            pytest.param(("okta|00u1 ",), None, id="a space more"),
        ],
    )
    def test_person(self, accounts, person):
        assert PEOPLE.person_of(accounts) == person

    def test_one_login_cannot_be_two_people(self):
        with pytest.raises(NotAllowed, match="anna and bert"):
            PEOPLE.person_of(("airflow:prod|7", "airflow:prod|anna"))

    def test_names_and_accounts_are_resolved_and_the_rest_is_said(self):
        assert PEOPLE.resolve(["bert", "okta|00u1", "zoe"]) == ({"anna", "bert"}, ("zoe",))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    world = GateWorld(tmp_path_factory.mktemp("people"))
    return world, world.ask()


class TestDeciding:
    """A login that is nobody, or two people, decides nothing; whoever is involved is so with all their accounts."""

    @pytest.mark.parametrize(
        ("accounts", "words"),
        [
            pytest.param(("okta|zoe",), "linked to nobody", id="an account of nobody"),
            pytest.param(("okta|bert", "okta|cleo"), "bert and cleo", id="a login that is two people"),
            pytest.param(("okta|bert", "okta|anna"), "anna and bert", id="with an account of who asked"),
            pytest.param(("okta|anna",), "is involved", id="another account of who asked"),
            pytest.param(("OKTA|bert",), "linked to nobody", id="other capitals"),
            pytest.param((), "nobody", id="no account"),
        ],
    )
    def test_refused_and_recorded(self, asked, accounts, words):
        world, document = asked
        identity = Identity(accounts, "web", ("privacy-team",), world.clock.now())
        with pytest.raises(NotAllowed, match=words):
            world.decide(document, identity=identity)
        assert world.read(document["id"])["decisions"] == []
        refusal = world.entries("decision.refused", request=document["id"])[-1]
        assert refusal["accounts"] == list(accounts)
        assert words in refusal["refusal"]

    def test_a_run_that_two_people_started_asks_for_nothing(self, tmp_path):
        world = GateWorld(tmp_path)
        with pytest.raises(NotAllowed, match="anna and bert"):
            world.ask(triggered_by=("anna", "bert"))
        assert "anna and bert" in world.entries("request.refused")[0]["refusal"]
