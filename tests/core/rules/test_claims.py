from __future__ import annotations

import pytest

from maskgate.rules.claims import Claims, flat_names
from maskgate.rules.path import Path

RULES = {"*_email": 1, "home.door": 2, "home_email": 3, "contacts[].kind": 4, "home": 5, "c*[].*": 6, "`a.b`": 7}


class TestClaims:
    """Rules are found by the column that they concern, in the order of the file."""

    @pytest.mark.parametrize(
        ("name", "rules"),
        [
            pytest.param("nobody", [], id="a column that no rule concerns"),
            pytest.param("home_email", [1, 3], id="a pattern, and the name itself"),
            pytest.param("home", [2, 5], id="what is inside, and the whole"),
            pytest.param("contacts", [4, 6], id="paths, one of them a pattern"),
            pytest.param("a.b", [7], id="a name with a dot"),
            pytest.param("home.door", [], id="a path is no name"),
        ],
    )
    def test_those_on_a_column(self, name, rules):
        assert [claim.rule for claim in Claims(RULES).on(name)] == rules

    def test_a_flat_name_belongs_to_its_own_column(self):
        flat = flat_names(["home", "home.door", "a["], lambda _: False)
        assert flat == {"home.door"}
        claims = Claims(RULES, flat)
        assert [claim.rule for claim in claims.on("home.door")] == [2]
        assert [claim.rule for claim in claims.on("home")] == [5]

    @pytest.mark.parametrize(
        ("path", "rule"),
        [
            pytest.param("home_email", 3, id="a name goes before a pattern"),
            pytest.param("work_email", 1, id="a pattern"),
            pytest.param("contacts[].kind", 4, id="a path"),
            pytest.param("cards[].kind", 6, id="a pattern of paths"),
            pytest.param("cards[]", None, id="nothing on the whole"),
        ],
    )
    def test_the_one_on_a_single_value(self, path, rule):
        claim = Claims(RULES).on_leaf(Path.parse(path))
        assert (None if claim is None else claim.rule) == rule
