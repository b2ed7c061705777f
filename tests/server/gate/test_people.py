"""An account belongs to one person; what cannot be mapped is nobody."""

from __future__ import annotations

import pytest

from maskgate.errors import NotAllowed
from maskgate.gate.people import People

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
